import { expect, test } from "vitest";
import { withHoles } from "./holes";

test("where nothing was measured, the line breaks", () => {
  const line = { name: "n", style: 0 as const, values: [1, 2, 3] };
  expect(withHoles([0, 60, 240], [line], 60)).toEqual([[0, 60, 120, 240], [[1, 2, null, 3]]]);
  expect(withHoles([0, 61, 120], [line], 60)[0]).toEqual([0, 61, 120]);
  expect(withHoles([], [line], 60)).toEqual([[], [[]]]);
});
