// Queries as they are typed.

import { describe, expect, test } from "vitest";
import { type Known, statusesOf, suggest, take, tidy, toggled } from "./runs-suggest";

const known: Known = {
  queues: ["local/default", "local/gpu"],
  agents: ["local"],
  users: ["ann", "bob"],
  kinds: ["job", "service"],
  now: Date.parse("2026-03-01T12:00:00Z"),
};
const texts = (query: string, caret = query.length) => suggest(query, caret, known).items.map(({ text }) => text);
const taken = (query: string, text: string, caret = query.length) => {
  const found = suggest(query, caret, known);
  const item = found.items.find((one) => one.text === text);
  return item && take(query, found, item).query;
};

describe("suggestions", () => {
  test("are the fields, at the begin of a clause", () => {
    expect(texts("")).toContain("status:");
    expect(texts("status:failed, q")).toEqual(["queue:", "name:%q%"]);
    expect(taken("status:failed, q", "queue:")).toBe("status:failed, queue:");
  });

  test("are the field's values behind its colon", () => {
    expect(texts("queue:")).toEqual(known.queues);
    expect(texts("queue:g")).toEqual(["local/gpu"]);
    expect(texts("status:run")).toEqual(["running"]);
    expect(taken("status:run", "running")).toBe("status:running");
    expect(texts("nothing:")).toEqual([]);
  });

  test("replace the alternative that is written, and keep the others", () => {
    expect(taken("status:failed|sto", "stopped")).toBe("status:failed|stopped");
    expect(taken("status:fai|stopped, kind:job", "failed", "status:fai".length)).toBe(
      "status:failed|stopped, kind:job",
    );
    expect(taken("status:~fai", "~failed")).toBe("status:~failed");
  });

  test("of times are spans that end now", () => {
    expect(texts("created_at:last hour")).toEqual([">2026-03-01T11:00:00Z"]);
  });

  test("in the middle of a query change only its clause", () => {
    expect(taken("sta, kind:job", "status:", 3)).toBe("status:, kind:job");
  });
});

test("a word alone is looked for in names, and nothing dangles", () => {
  expect(tidy(" train ,, status:failed, ")).toBe("name:%train%, status:failed");
  expect(tidy("%train%")).toBe("name:%train%");
  expect(tidy("")).toBe("");
});

test("a click on a status adds it, and the next takes it away", () => {
  expect(toggled(null, "failed")).toBe("failed");
  expect(toggled("failed", "running")).toBe("failed|running");
  expect(toggled("failed|running", "failed")).toBe("running");
  expect(toggled("failed", "failed")).toBeNull();
  expect(toggled("~failed", "running")).toBe("running");
  expect(statusesOf("~failed")).toBeNull();
});
