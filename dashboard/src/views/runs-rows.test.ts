// The list of runs while it changes.

import { expect, test } from "vitest";
import type { Run } from "~/api/shapes";
import { between, mergeHead, newer, updated } from "./runs-rows";

const run = (uuid: string, status = "queued") => ({ uuid, status }) as Run;
const runs = (letters: string) => [...letters].map((letter) => run(letter));
const names = (rows: Run[] | null) => rows?.map(({ uuid }) => uuid).join("");

test("new runs push the others down, and none of these is lost", () => {
  // Pages `abc` and `def` were read; `xy` are new, and push `bc` out of the first page.
  expect(names(mergeHead(runs("xya"), runs("abcdef"), false))).toBe("xyabcdef");
});

test("what is no longer like what is asked for is gone from the first page", () => {
  expect(names(mergeHead(runs("acd"), runs("abcdef"), false))).toBe("acdef");
});

test("a run that came to the top from further down is there once", () => {
  expect(names(mergeHead(runs("eab"), runs("abcdef"), false))).toBe("eabcdf");
});

test("where old and new don't meet, the list is read anew", () => {
  expect(mergeHead(runs("xyz"), runs("abcdef"), false)).toBeNull();
  expect(names(mergeHead(runs("xyz"), runs("abcdef"), true))).toBe("xyz");
});

test("a list that stands still shows how its runs are now, in its own order", () => {
  const still = runs("abc");
  const next = updated(still, [run("x"), run("b", "running"), run("a")]);
  expect(names(next)).toBe("abc");
  expect(next[1]?.status).toBe("running");
  expect(updated(still, runs("abc"))).toBe(still);
  expect(newer(still, runs("xyab"))).toBe(2);
});

test("a selection with Shift takes all between, in either direction", () => {
  expect(between(runs("abcde"), "b", "d")).toEqual(["b", "c", "d"]);
  expect(between(runs("abcde"), "d", "b")).toEqual(["b", "c", "d"]);
  expect(between(runs("abcde"), "gone", "b")).toEqual(["b"]);
});
