// Operations as YAML, with the path of each line.

import { expect, test } from "vitest";
import { compact, originOf, yaml } from "./run-yaml";

const text = (document: Parameters<typeof yaml>[0]) =>
  compact(yaml(document))
    .map((line) => line.text)
    .join("\n");

test("a document is written as people write it", () => {
  expect(
    text({
      kind: "operation",
      run: {
        container: { image: "busybox:1.36", args: ["-c", "echo a\necho b\n", ""], env: [{ name: "A", value: "1" }] },
      },
      tags: [],
      timeout: null,
    }),
  ).toBe(
    [
      "kind: operation",
      "run:",
      "  container:",
      '    image: "busybox:1.36"',
      "    args:",
      '      - "-c"',
      "      - |",
      "        echo a",
      "        echo b",
      '      - ""',
      "    env:",
      "      - name: A",
      '        value: "1"',
      "tags: []",
      "timeout: null",
    ].join("\n"),
  );
});

test("what YAML would read as something else stands in quotes", () => {
  for (const value of ["yes", "null", "1e3", "0x1", "a: b", "a #b", "*a", "{{ x }}", "", " a", "a ", "No", "~"]) {
    expect(text({ value }), value).toBe(`value: ${JSON.stringify(value)}`);
  }
  for (const value of ["job", "local/default", "two words", "a_b.c"]) expect(text({ value })).toBe(`value: ${value}`);
});

test("a block keeps the line ends that a text has", () => {
  expect(text(["a\nb"])).toBe("- |-\n  a\n  b");
  expect(text(["a\nb\n"])).toBe("- |\n  a\n  b");
  expect(text(["a\n\n"])).toBe("- |+\n  a\n");
  // A block's first line says how far the others are set in: one that begins with a blank can't be one.
  expect(text([" a\nb"])).toBe('- " a\\nb"');
});

test("a field comes from where it, or what it is within, was given", () => {
  const origins = { run: "component", "run.container.args[1]": "param", "run.container.image": "preset:gpu" };
  expect(originOf("run.kind", origins)).toBe("component");
  expect(originOf("run.container.args[0]", origins)).toBe("component");
  expect(originOf("run.container.args[1]", origins)).toBe("param");
  expect(originOf("run.container.image", origins)).toBe("preset:gpu");
  expect(originOf("inputs[0].name", origins)).toBeNull();
});

test("each line knows its field", () => {
  const lines = compact(yaml({ run: { args: [{ name: "a" }] } }));
  expect(lines.map(({ path }) => path)).toEqual(["run", "run.args", "run.args[0].name"]);
});
