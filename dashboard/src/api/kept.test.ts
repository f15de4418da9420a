import { expect, test } from "vitest";
import { kept } from "./kept";

const asked = (...queryKey: unknown[]) => ({ queryKey });

test("an answer stands while what is asked of the same changes, and not for another's question", () => {
  const history = kept("one", "local", "gpu");
  expect(history(7, asked("queue-history", "one", "local", "gpu", "1h"))).toBe(7);
  expect(history(7, asked("queue-history", "one", "local", "cpu", "1h"))).toBeUndefined();
  expect(history(7, asked("queue-history", "two", "local", "gpu", "1h"))).toBeUndefined();
  expect(history(undefined, undefined)).toBeUndefined();
});
