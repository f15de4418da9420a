import { expect, test } from "vitest";
import { clauses, fieldOf, joined, withField } from "./query";

test("a query is cut at its commas, and not within quotes", () => {
  expect(clauses('status:running|queued, name:"a, b", priority:<3')).toEqual([
    { field: "status", value: "running|queued" },
    { field: "name", value: '"a, b"' },
    { field: "priority", value: "<3" },
  ]);
  expect(clauses("created_at:>2026-01-01T12:00:00Z")).toEqual([
    { field: "created_at", value: ">2026-01-01T12:00:00Z" },
  ]);
  expect(clauses(" , ")).toEqual([]);
});

test("a field is set, replaced and taken away, and the others stay", () => {
  expect(withField("", "reason", "poison")).toBe("reason:poison");
  expect(withField("queue:eu/gpu, reason:poison", "reason", "foreign")).toBe("queue:eu/gpu, reason:foreign");
  expect(withField("queue:eu/gpu, reason:poison", "reason", null)).toBe("queue:eu/gpu");
  expect(fieldOf("queue:eu/gpu, reason:poison", "queue")).toBe("eu/gpu");
  expect(fieldOf("queue:eu/gpu", "reason")).toBeNull();
});

test("what was cut is joined to the same", () => {
  const query = 'status:failed, name:"x, y"';
  expect(joined(clauses(query))).toBe(query);
});
