import { expect, test } from "vitest";
import { berth, word } from "./shell";

test("what a shell would read otherwise is in quotes", () => {
  expect(word("local/default")).toBe("local/default");
  expect(word("two words")).toBe("'two words'");
  expect(word("it's")).toBe(`'it'\\''s'`);
  expect(word("$(reboot); `x`")).toBe("'$(reboot); `x`'");
  expect(word("")).toBe("''");
});

test("options without a value are left out, flags are bare, and lists are repeated", () => {
  expect(
    berth(["queues", "purge", "a/q"], { query: "", reason: "new disks", yes: true, all: false, until: undefined }),
  ).toBe("berth queues purge a/q --reason 'new disks' --yes");
  expect(berth(["queues", "update", "a/q"], { quota: ["gpu=8", "memory=64Gi"], concurrency: 0 })).toBe(
    "berth queues update a/q --quota gpu=8 --quota memory=64Gi --concurrency 0",
  );
});

test("whose and where is said only where it is not what the command takes by itself", () => {
  expect(berth(["queues", "ls"], {}, { owner: "default", host: "http://127.0.0.1:8000" })).toBe("berth queues ls");
  expect(berth(["queues", "ls"], {}, { owner: "acme", host: "https://berth.example" })).toBe(
    "berth queues ls --owner acme --host https://berth.example",
  );
});
