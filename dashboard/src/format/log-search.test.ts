// Searching a log that grows.

import { expect, test } from "vitest";
import { LogSearch, nextMatch, spans } from "./log-search";

const lines = (...values: string[]) => values.map((value) => ({ value }));

test("lines are found in upper and lower case, by what is seen of them", () => {
  const search = new LogSearch();
  expect(search.in(lines("An ERROR", "fine", "no \u001b[31merr\u001b[0mor"), "error")).toEqual([0, 2]);
  expect(search.in(lines("An ERROR", "fine"), "")).toEqual([]);
});

test("lines that come later are found, too, and those before are not looked at again", () => {
  const search = new LogSearch();
  const all = lines("a", "b");
  expect(search.in(all, "a")).toEqual([0]);
  const first = all[0];
  if (first) first.value = "changed";
  all.push({ value: "another" });
  expect(search.in(all, "a")).toEqual([0, 2]);
  // Another text, or another log, begins anew.
  expect(search.in(all, "b")).toEqual([1]);
  expect(search.in(lines("b"), "b")).toEqual([0]);
});

test("the next match follows the line, and goes around", () => {
  expect(nextMatch([2, 5, 9], 2, 1)).toBe(1);
  expect(nextMatch([2, 5, 9], 9, 1)).toBe(0);
  expect(nextMatch([2, 5, 9], 5, -1)).toBe(0);
  expect(nextMatch([2, 5, 9], 2, -1)).toBe(2);
  expect(nextMatch([2, 5, 9], -1, 1)).toBe(0);
  expect(nextMatch([], 3, 1)).toBe(-1);
});

test("every place within a line is marked, and nothing where lengths differ", () => {
  expect(spans("aXbxa", "x")).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(spans("aaa", "aa")).toEqual([[0, 2]]);
  expect(spans("a", "")).toEqual([]);
  expect(spans("İx", "x")).toEqual([]);
});
