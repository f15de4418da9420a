import { expect, test } from "vitest";
import { pointsOf, spanOf } from "./series";

const series = (step: (number | null)[], timestamp: (string | null)[], metric: (number | null)[]) => ({
  name: "loss",
  data: { step, timestamp, metric },
});

test("points come in order, by step or by time", () => {
  const one = series(
    [2, 0, 1],
    ["2026-11-23 02:27:45", "2026-11-23T02:27:43Z", "2026-11-23 02:27:44+00:00"],
    [0.1, null, 0.5],
  );
  expect(pointsOf(one, "steps")).toEqual({ at: [0, 1, 2], values: [null, 0.5, 0.1] });
  const first = Date.UTC(2026, 10, 23, 2, 27, 43);
  expect(pointsOf(one, "time").at).toEqual([first, first + 1_000, first + 2_000]);
});

test("rows without a step are counted, and rows without a moment are left out of time", () => {
  const one = series([null, null], ["no moment", "2026-11-23T02:27:43Z"], [1, 2]);
  expect(pointsOf(one, "steps")).toEqual({ at: [0, 1], values: [1, 2] });
  expect(pointsOf(one, "time").values).toEqual([2]);
});

test("a span is never empty", () => {
  expect(
    spanOf([
      { at: [3, 9], values: [1, 1] },
      { at: [1], values: [1] },
    ]),
  ).toEqual([1, 9]);
  expect(spanOf([{ at: [5], values: [1] }])).toEqual([4, 6]);
});
