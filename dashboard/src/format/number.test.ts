import { expect, test } from "vitest";
import { bytes, count, limit, plural, rate, short, value } from "./number";

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

test("a size has its unit", () => {
  expect([bytes(53), bytes(76_000), bytes(4_500_000)]).toEqual(["53 B", "76.0 kB", "4.5 MB"]);
});

test("a measured value keeps four digits, however small it is", () => {
  expect([value(0.00125), value(Math.PI), value(1.2e-7), value(0), value(-42), value(12_300_000)]).toEqual([
    "0.00125",
    "3.142",
    "1.2e-7",
    "0",
    "-42",
    "12.3M",
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
