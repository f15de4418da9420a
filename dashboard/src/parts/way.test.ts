import { expect, test } from "vitest";
import { pathOf } from "./way";

test("a name is one part of its path, whatever is in it", () => {
  expect(pathOf({ to: "/runs/$uuid", params: { uuid: "ab12" } })).toBe("/runs/ab12");
  const odd = { agent: "a b", queue: "c/d?e" };
  expect(pathOf({ to: "/queues/$agent/$queue", params: odd })).toBe("/queues/a%20b/c%2Fd%3Fe");
});
