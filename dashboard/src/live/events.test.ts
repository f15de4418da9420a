import { expect, test } from "vitest";
import { Problem } from "~/api/problem";
import { backOff, EventReader, nothing, reduce, touches } from "./events";

test("events are read from pieces that end anywhere", () => {
  const text =
    'id: 7.1\nevent: run\ndata: {"uuid":"ab"}\n\n: still here\n\nid: 7.2\r\nevent: queue\r\ndata: {\r\ndata: }\r\n\r\n';
  for (const size of [1, 3, 7, text.length]) {
    const reader = new EventReader();
    const events = [];
    for (let at = 0; at < text.length; at += size) events.push(...reader.read(text.slice(at, at + size)));
    expect(events, `pieces of ${size}`).toEqual([
      { id: "7.1", kind: "run", data: '{"uuid":"ab"}' },
      { id: "7.2", kind: "queue", data: "{\n}" },
    ]);
  }
});

test("an event that is not whole yet is kept", () => {
  const reader = new EventReader();
  expect(reader.read("id: 1\nevent: run\ndata: x\n")).toEqual([]);
  expect(reader.read("\n")).toHaveLength(1);
});

const event = (kind: string, data: object) => ({ id: "1", kind, data: JSON.stringify(data) });

test("what has changed asks again what depends on it, and nothing else", () => {
  const changes = nothing();
  reduce(changes, event("run", { uuid: "ab", at: "2026-01-01T00:00:02Z" }));
  reduce(changes, event("run", { uuid: "cd", at: "2026-01-01T00:00:01Z" }));
  expect(changes.since).toBe(Date.parse("2026-01-01T00:00:01Z"));
  expect(touches(changes, { live: ["run"] })).toBe(true);
  expect(touches(changes, { live: ["run", "queue"], uuid: "ab" })).toBe(true);
  expect(touches(changes, { live: ["run"], uuid: "ef" })).toBe(false);
  expect(touches(changes, { live: ["queue", "agent"] })).toBe(false);
  expect(touches(changes, {})).toBe(false);
});

test("events that were missed may have changed everything that is live", () => {
  const changes = reduce(nothing(), event("resync", { reason: "the cursor is too old" }));
  expect(touches(changes, { live: ["agent"], uuid: "ab" })).toBe(true);
  expect(touches(changes, {})).toBe(false);
});

test("an event that can't be read still counts", () => {
  const changes = reduce(nothing(), { id: "1", kind: "agent", data: "not JSON" });
  expect(touches(changes, { live: ["agent"] })).toBe(true);
});

test("attempts come later and later, up to 15 s, and not all at once", () => {
  expect(backOff(0, 0)).toBe(250);
  expect(backOff(0, 1)).toBe(500);
  expect(backOff(3, 0.5)).toBe(3_000);
  expect(backOff(60, 1)).toBe(15_000);
});

test("a question that makes no sense is not asked again, and one that failed is", () => {
  const all = { ...nothing(), all: true };
  expect(touches(all, { live: ["run"], error: new Problem(400, "unknown field `colour`") })).toBe(false);
  expect(touches(all, { live: ["run"], error: new Problem(404, "there is none yet") })).toBe(true);
  expect(touches(all, { live: ["run"], error: new TypeError("fetch failed") })).toBe(true);
});
