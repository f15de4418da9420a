// The page follows what happens: within a second, after a lost connection, and not while its tab is hidden.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Berth, until } from "./berth";
import { launch, Watched } from "./page";

let berth: Berth;
let browser: Browser;

beforeAll(async () => {
  [berth, browser] = await Promise.all([Berth.up(), launch()]);
});

afterAll(async () => {
  await browser?.close();
  await berth?.down();
});

const QUEUE = "/api/v1/orgs/default/agents/local/queues/default";

test("a change by somebody else is seen by its event", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.go("/queues/local/default", "local/default");
  await watched.page.getByText("live", { exact: true }).waitFor();
  // What is asked for by the clock alone would hide that an event was missed.
  await watched.page.clock.install();
  await watched.page.clock.pauseAt(Date.now() + 500);
  await berth.post(`${QUEUE}/pause`, { reason: "seen at once" });
  const seen = watched.page.getByText("seen at once").first();
  // The page's time goes on by less than its clock asks after, however long the event is on its way.
  for (let step = 0; step < 20 && !(await seen.isVisible()); step += 1) {
    await watched.page.clock.runFor(100);
    await seen.waitFor({ timeout: 1_000 }).catch(() => undefined);
  }
  expect(await seen.isVisible()).toBe(true);
  await berth.post(`${QUEUE}/resume`);
  await watched.close();
});

test("what changes before the stream of events is there is seen when it is", async () => {
  const watched = await Watched.open(browser, berth.url);
  let open = () => {};
  const isAsked = new Promise<void>((asked) => {
    void watched.page.route("**/events", async (route) => {
      asked();
      await new Promise<void>((resolve) => {
        open = resolve;
      });
      await route.continue();
    });
  });
  // A list of runs is asked for again after events alone.
  await watched.go("/runs?query=name:before-the-stream", "Runs");
  await watched.page.getByText("No run is like that").waitFor();
  await isAsked;
  const run = await berth.submit("true", { name: "before-the-stream" });
  await berth.reaches(run, "succeeded");
  open();
  await watched.page.getByRole("link", { name: "before-the-stream" }).waitFor();
  expect(watched.faults).toEqual([]);
  await watched.close();
});

test("a storm of events refreshes at most four times a second", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.go("/queues/local/default", "local/default");
  let asked = 0;
  watched.page.on("request", (request) => {
    if (new URL(request.url()).pathname.endsWith("/queues/default")) asked += 1;
  });
  const began = Date.now();
  await Promise.all(Array.from({ length: 200 }, () => berth.submit("true")));
  await until("all have ended", async () => {
    const { statuses } = await berth.get<{ statuses: Record<string, number> }>("/api/v1/orgs/default/overview");
    return Object.values(statuses).every((runs) => runs === 0);
  });
  const seconds = (Date.now() - began) / 1_000;
  expect(asked).toBeGreaterThan(0);
  // And one by the clock every five seconds.
  expect(asked / seconds).toBeLessThanOrEqual(4 + 0.2 + 2 / seconds);
  await watched.close();
});

test("a lost connection is said, and what was missed is asked for by the last event's id", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.go("/queues/local/default", "local/default");
  const fresh = watched.page.locator("output");
  await fresh.filter({ hasText: "live" }).waitFor();
  await berth.post(`${QUEUE}/pause`, { reason: "an event" });
  await watched.page.getByText("an event").first().waitFor();
  const ids: (string | null)[] = [];
  watched.page.on("request", async (request) => {
    if (request.url().endsWith("/events")) ids.push((await request.allHeaders())["last-event-id"] ?? null);
  });
  await berth.stop();
  await fresh.filter({ hasText: "behind" }).waitFor();
  await watched.shoot("lost-1440-light");
  await berth.startAgain();
  await berth.post(`${QUEUE}/pause`, { reason: "while nobody looked" });
  await fresh.filter({ hasText: "live" }).waitFor();
  await watched.page.getByText("while nobody looked").first().waitFor();
  expect(ids.length).toBeGreaterThan(0);
  expect(ids.every((id) => id !== null && id !== "")).toBe(true);
  await berth.post(`${QUEUE}/resume`);
  await watched.close();
});
