// Reading a log as the stock client does.

import { expect, test } from "vitest";
import type { LogAnswer, LogPart } from "~/api/run-queries";
import { LogReader, wholeText } from "./log-reader";

const signal = new AbortController().signal;
const line = (value: string, timestamp = "2026-01-01T00:00:00.000001Z") => ({
  value,
  timestamp,
  node: null,
  pod: null,
  container: null,
});

/** Answers in their order, and what was asked. */
function server(...answers: Partial<LogAnswer>[]) {
  const asked: LogPart[] = [];
  const ask = async (part: LogPart) => {
    asked.push(part);
    return { logs: [], last_time: null, last_file: null, files: [], ...answers[asked.length - 1] };
  };
  return { ask, asked };
}

test("a log that is written is read on from its last line, until the run has ended and no time comes back", async () => {
  const { ask, asked } = server(
    { logs: [line("a", "t1")], last_time: "t1" },
    { last_time: "t1" },
    { logs: [line("b", "t2")], last_time: null },
  );
  const reader = new LogReader(ask, { container: "side" });
  expect(await reader.next(false, signal)).toMatchObject({ isWhole: false, hasMore: false });
  expect(await reader.next(false, signal)).toMatchObject({ lines: [], isWhole: false, hasMore: false });
  expect(await reader.next(true, signal)).toMatchObject({ isWhole: true, hasMore: false });
  expect(asked.map((part) => part.last_time)).toEqual([undefined, "t1", "t1"]);
  expect(asked.every((part) => part.container === "side")).toBe(true);
});

test("what waits is asked again, however often nothing comes", async () => {
  const { ask } = server({}, {});
  const reader = new LogReader(ask, {});
  // No time and no lines: of a run that has not begun it means nothing yet.
  expect(await reader.next(false, signal)).toMatchObject({ isWhole: false, hasMore: false });
  expect(await reader.next(true, signal)).toMatchObject({ isWhole: true });
});

test("a log that is over is read part by part", async () => {
  const { ask, asked } = server(
    { logs: [line("a")], last_file: "0.5" },
    { logs: [], last_file: "1.0" },
    { logs: [line("b")] },
  );
  const texts = await wholeText(ask, {}, false, signal);
  expect(texts.join("")).toBe("a\nb\n");
  expect(asked.map((part) => part.last_file)).toEqual([undefined, "0.5", "1.0"]);
});

test("a run that was resumed goes on behind the last line", async () => {
  const { ask, asked } = server({ logs: [line("a", "t1")] }, { logs: [line("b", "t2")], last_time: "t2" });
  const reader = new LogReader(ask, {});
  expect((await reader.next(true, signal)).isWhole).toBe(true);
  reader.resume();
  await reader.next(false, signal);
  expect(asked[1]).toMatchObject({ last_time: "t1" });
});

test("a download of what is still written ends with what is there", async () => {
  const { ask } = server({ logs: [line("a\n", "t1")], last_time: "t1" }, { last_time: "t1" });
  expect((await wholeText(ask, {}, true, signal)).join("")).toBe("t1 a\n");
});
