import { expect, test } from "vitest";
import { ago, between, duration, moment, wholeSeconds, zoneName } from "./time";

test("a duration is as exact as it is short", () => {
  for (const [seconds, text] of [
    [0, "0 s"],
    [0.0004, "0 ms"],
    [0.25, "250 ms"],
    [0.9996, "1.0 s"],
    [4.21, "4.2 s"],
    [9.96, "10 s"],
    [59.6, "1 m 00 s"],
    [185, "3 m 05 s"],
    [3_599.7, "1 h 00 m"],
    [7_860, "2 h 11 m"],
    [86_399, "23 h 59 m"],
    [367_200, "4 d 06 h"],
    [-5, "−5.0 s"],
    [null, "–"],
    [Number.NaN, "–"],
  ] as const) {
    expect(duration(seconds), String(seconds)).toBe(text);
  }
  expect(wholeSeconds(4.4)).toBe("4 s");
  expect(wholeSeconds(61)).toBe("1 m 01 s");
});

test("what lies between two moments needs both", () => {
  expect(between("2026-01-01T00:00:00Z", "2026-01-01T00:01:30.5Z")).toBe(90.5);
  expect(between("2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:00:02Z"))).toBe(2);
  expect(between(null, 5)).toBeNull();
  expect(between("nonsense", 5)).toBeNull();
});

test("an age lies in the past or in the future", () => {
  const now = Date.parse("2026-01-01T00:00:10Z");
  expect(ago("2026-01-01T00:00:06Z", now)).toBe("4 s ago");
  expect(ago("2026-01-01T00:00:09.6Z", now)).toBe("now");
  expect(ago("2026-01-01T00:05:10Z", now)).toBe("in 5 m 00 s");
  expect(ago(null, now)).toBe("never");
});

test("a moment is shown in the zone that was chosen", () => {
  expect(moment("2026-07-01T12:00:00Z", "UTC")).toBe("2026-07-01 12:00:00");
  expect(moment("2026-07-01T12:00:00Z", "Europe/Berlin")).toBe("2026-07-01 14:00:00");
  expect(moment("2026-12-31T23:30:00Z", "Asia/Tokyo")).toBe("2027-01-01 08:30:00");
  // The browser's own zone is whatever the machine has: as the formatter writes it that other zones have.
  const summer = Date.parse("2026-07-01T02:03:04Z");
  expect(moment(summer, "local")).toBe(moment(summer, Intl.DateTimeFormat().resolvedOptions().timeZone));
  expect(moment(null, "UTC")).toBe("–");
  expect(moment("nonsense", "UTC")).toBe("–");
  expect(zoneName("UTC")).toBe("UTC");
});
