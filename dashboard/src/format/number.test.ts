import { expect, test } from "vitest";
import { count, limit, plural, rate, short } from "./number";

test("counts are grouped, and none is none", () => {
  expect([count(0), count(1_234_567), count(null), count(undefined)]).toEqual(["0", "1,234,567", "–", "–"]);
  expect([limit(-1), limit(null), limit(0), limit(2_000)]).toEqual(["none", "none", "0", "2,000"]);
  expect([plural(1, "run"), plural(0, "run"), plural(2, "reply", "replies")]).toEqual(["1 run", "0 runs", "2 replies"]);
});

test("in little room a count keeps its size", () => {
  expect([short(7), short(950), short(12_345), short(999_999), short(4_500_000), short(0.256)]).toEqual([
    "7",
    "950",
    "12.3k",
    "1000k",
    "4.5M",
    "0.26",
  ]);
});

test("a rate is in the unit in which it is no tiny number", () => {
  expect([rate(0), rate(12), rate(250.4), rate(0.05), rate(0.001), rate(null)]).toEqual([
    "0",
    "12.0/s",
    "250/s",
    "3.0/min",
    "3.6/h",
    "–",
  ]);
});
