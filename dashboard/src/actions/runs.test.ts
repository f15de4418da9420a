// What is sent, and what is shown, when many runs are acted on.

import { beforeAll, expect, test, vi } from "vitest";
import { shownCall } from "~/api/call";
import type { Run } from "~/api/shapes";
import { deleteMany, NAMED, reprioritizeMany, restartMany, stopMany } from "./runs";

beforeAll(() => {
  vi.stubGlobal("location", { origin: "http://127.0.0.1:8000" });
});

const run = (uuid: string, project = "default") =>
  ({ uuid, project, name: `run-${uuid}`, status: "queued", pending: null, finished_at: null }) as Run;
const nothing = () => {};

test("those that are selected are named by a query, so that there is a preview", () => {
  const action = stopMany({ owner: "default", runs: [run("a"), run("b")] }, nothing);
  expect(shownCall(action.call({}))).toBe('POST /api/v1/orgs/default/runs/stop\n{\n  "query": "uuid:a|b"\n}');
  expect(action.previews).toBeDefined();
  expect(action.cli({}, "wrong image")).toBe("berth ops stop --query 'uuid:a|b' --reason 'wrong image' --yes");
});

test("more than a query can name are never sent with a dry run that the server would not know", () => {
  const many = Array.from({ length: NAMED + 1 }, (_, at) => run(String(at)));
  const action = stopMany({ owner: "default", runs: many }, nothing);
  expect(action.previews).toBeUndefined();
  expect((action.call({}).body as { uuids: string[] }).uuids).toHaveLength(NAMED + 1);
  expect(reprioritizeMany({ owner: "default", runs: many }, nothing).previews).toBeDefined();
});

test("who selects a run that succeeded means it; a query has to say so", () => {
  const selected = restartMany({ owner: "default", runs: [run("a")] }, nothing).call({}).body;
  expect(selected).toEqual({ query: "uuid:a, status:succeeded|failed|stopped|skipped|upstream_failed" });
  expect(restartMany({ owner: "default", query: "queue:local/gpu" }, nothing).call({}).body).toEqual({
    query: "queue:local/gpu",
  });
});

test("all of a project are asked for in the project, and must be confirmed", () => {
  const action = stopMany({ owner: "default", project: "vision", query: "" }, nothing);
  expect(shownCall(action.call({}))).toContain("POST /api/v1/default/vision/runs/stop");
  expect(action.typed).toBe("all");
});

test("the command line has a line for each project", () => {
  const cli = stopMany({ owner: "default", runs: [run("a"), run("b", "vision")] }, nothing).cli({}, "");
  expect(cli.split("\n")).toEqual([
    "berth ops stop --query 'uuid:a|b' --yes",
    "berth ops stop --query 'uuid:a|b' --yes --project vision",
  ]);
  expect(
    deleteMany("default", [run("a"), run("b", "vision")], nothing)
      .cli({}, "")
      .split("\n"),
  ).toEqual(["berth ops delete a", "berth ops delete b --project vision"]);
});
