import { afterEach, expect, test, vi } from "vitest";
import { target } from "./api/call";

/** Begins at the page of runs, as the server wrote it. */
async function begin(installation: object | null, tokens: Record<string, string> = {}) {
  const asked: string[] = [];
  const storage = { getItem: (name: string) => tokens[name] ?? null };
  vi.stubGlobal("location", { pathname: "/runs", search: "" });
  vi.stubGlobal("sessionStorage", storage);
  vi.stubGlobal("localStorage", storage);
  vi.stubGlobal("document", { getElementById: () => installation && { textContent: JSON.stringify(installation) } });
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response("{}"));
  });
  vi.doMock("./views/runs", () => ({}));
  return { asked, early: await import("./early") };
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

test("an address tells what its view asks first", async () => {
  const { firstOf } = (await begin(null)).early;
  const at = (path: string) => {
    const first = firstOf(new URL(path, "http://page"));
    return first && [first.view, first.shows && target(first.shows)];
  };
  expect(at("/")).toEqual(["overview", "/api/v1/orgs/default/overview"]);
  expect(at("/?owner=a%20b")).toEqual(["overview", "/api/v1/orgs/a%20b/overview"]);
  expect(at("/queues")?.[1]).toBe("/api/v1/orgs/default/queues?limit=1000&no_page=true&series=true");
  expect(at("/runs?query=status:failed&project=vision")?.[1]).toBe(
    "/api/v1/default/vision/runs?query=status%3Afailed&sort=-created_at&limit=200",
  );
  // The router writes a text that looks like a number as JSON.
  expect(at("/runs?query=%225%22")?.[1]).toContain("query=5&");
  // It begins with counts.
  expect(at("/runs?by=queue")).toEqual(["runs", null]);
  expect(at("/runs/8490e3ef")).toBeNull();
});

test("one request has many spellings", async () => {
  const { sameFor } = (await begin(null)).early;
  expect(sameFor("/runs?query=&sort=-name&limit=5")).toBe(sameFor("http://page/runs?limit=5&sort=-name"));
  expect(sameFor("/runs?sort=name")).not.toBe(sameFor("/runs?sort=-name"));
});

test("what is asked early is given once", async () => {
  const { asked, early } = await begin({ dist: "ce" });
  expect(asked).toEqual(["/api/v1/orgs/default/runs?sort=-created_at&limit=200"]);
  const url = "http://page/api/v1/orgs/default/runs?query=&sort=-created_at&limit=200";
  expect(early.earlyAnswer({ method: "GET", url })).not.toBeNull();
  expect(early.earlyAnswer({ method: "GET", url })).toBeNull();
});

test("what nobody takes is let go", async () => {
  vi.useFakeTimers();
  const { early } = await begin({ dist: "ce" });
  vi.advanceTimersByTime(10_000);
  vi.useRealTimers();
  const url = "http://page/api/v1/orgs/default/runs?sort=-created_at&limit=200";
  expect(early.earlyAnswer({ method: "GET", url })).toBeNull();
});

test("nobody is asked for what needs a token, or where it is not known whether it does", async () => {
  expect((await begin({ dist: "ee" })).asked).toEqual([]);
  vi.resetModules();
  expect((await begin(null)).asked).toEqual([]);
  vi.resetModules();
  expect((await begin({ dist: "ee" }, { "berth.token": "t" })).asked).toHaveLength(1);
});
