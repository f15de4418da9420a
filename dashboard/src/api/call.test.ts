import { expect, test } from "vitest";
import { call, shownCall, target } from "./call";

test("names in a path stay one part of it, and what is not given is left out of the query", () => {
  const asked = call("GET", "/api/v1/{owner}/{project}/runs", {
    in: { owner: "default", project: "a/b ?" },
    query: { query: "status:failed, name:x", limit: 20, cursor: undefined, sort: "" },
  });
  expect(target(asked)).toBe("/api/v1/default/a%2Fb%20%3F/runs?query=status%3Afailed%2C+name%3Ax&limit=20");
});

test("a call is shown as it is sent", () => {
  const pause = call("POST", "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/pause", {
    in: { owner: "default", agent: "eu", queue: "gpu" },
    body: { until: "2h" },
  });
  expect(shownCall(pause)).toBe('POST /api/v1/orgs/default/agents/eu/queues/gpu/pause\n{\n  "until": "2h"\n}');
});
