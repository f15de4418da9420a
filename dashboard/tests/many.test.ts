// A thousand queues of two hundred agents: only what is seen is drawn, and to filter, sort and scroll takes no time that is
// noticed.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Berth } from "./berth";
import { launch, Watched } from "./page";

const AGENTS = 200;
/** Beside the one called `default`, which each has. */
const QUEUES = 4;

let berth: Berth;
let browser: Browser;

beforeAll(async () => {
  [berth, browser] = await Promise.all([Berth.up(), launch()]);
  const names = Array.from({ length: AGENTS }, (_, at) => `agent-${String(at).padStart(3, "0")}`);
  for (let at = 0; at < AGENTS; at += 10) {
    await Promise.all(
      names.slice(at, at + 10).map(async (name) => {
        await berth.post("/api/v1/orgs/default/agents", { name });
        for (let queue = 0; queue < QUEUES; queue += 1) {
          await berth.post(`/api/v1/orgs/default/agents/${name}/queues`, { name: `q${queue}` });
        }
      }),
    );
  }
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await berth?.down();
});

test("a thousand queues are listed, found, sorted and scrolled", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.go("/queues", "Queues");
  await watched.page.getByText("1,001 queues").waitFor();
  const rows = () => watched.page.locator("tbody tr[data-index]").count();
  expect(await rows()).toBeLessThan(80);
  const search = watched.page.getByLabel("Find queues by name");
  const counted = (text: string) => watched.page.getByText(text, { exact: true }).first().waitFor();
  await search.fill("agent-150/q3");
  await counted("1 queue of 1,001");
  await search.fill("");
  await counted("1,001 queues");
  await watched.page.getByRole("button", { name: "Table", exact: true }).click();
  await watched.page.getByRole("button", { name: "Queue", exact: true }).click();
  await watched.page.getByRole("button", { name: "Queue", exact: true }).click();
  await watched.page.getByRole("link", { name: "local/default" }).waitFor();
  // From the top to the bottom; how long a frame takes is for the benchmark.
  await watched.page.evaluate(async () => {
    const region = document.querySelector(".table-scroller") as HTMLElement;
    for (let step = 1; step <= 60; step += 1) {
      region.scrollTop = (region.scrollHeight * step) / 60;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  });
  await watched.page.getByRole("link", { name: "agent-000/default" }).waitFor();
  expect(await rows()).toBeLessThan(80);
  expect(watched.faults).toEqual([]);
  await watched.close();
});

test("two hundred agents have their place on the map", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.go("/agents?view=map", "Agents");
  await watched.page.getByRole("link", { name: "agent-199" }).waitFor();
  expect(watched.faults).toEqual([]);
  await watched.close();
});
