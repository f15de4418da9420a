// The budgets of the page: how soon it is useful on a slow processor, how evenly long lists scroll, how much a long session
// holds, how soon a change is seen. Times are told and compared with the budgets, and fail nothing: they depend on the machine.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Berth, furnish } from "../tests/berth";
import { launch } from "../tests/page";
import { frames, heap, note, paintOf, quantile, report, slowPage } from "./measure";

const ROUNDS = Number(process.env.BERTH_BENCH_ROUNDS ?? 7);
const AGENTS = 200;
/** Beside the one called `default`, which each has. */
const QUEUES = 4;
const RUNS = 100_000;
const LINES = 100_000;

let browser: Browser;
/** As a team has it. */
let small: Berth;
/** With a thousand queues and a hundred thousand runs. */
let large: Berth;
let logged: string;

/** Submits so many runs that wait. */
async function waiting(berth: Berth, count: number, name: string): Promise<void> {
  const content = JSON.stringify({
    kind: "operation",
    name,
    queue: "local/held",
    component: { kind: "component", run: { kind: "job", container: { image: "busybox", command: ["true"] } } },
  });
  for (let left = count; left > 0; left -= 1_000) {
    const runs = Array.from({ length: Math.min(1_000, left) }, () => ({ content }));
    await berth.post("/api/v1/default/default/runs/bulk", { runs });
  }
}

beforeAll(async () => {
  [browser, small, large] = await Promise.all([launch(), Berth.up(), Berth.up()]);
  await furnish(small);
  await large.post("/api/v1/orgs/default/agents/local/queues", { name: "held", paused: { reason: "measured" } });
  for (let at = 0; at < AGENTS; at += 1) {
    const name = `agent-${String(at).padStart(3, "0")}`;
    await large.post("/api/v1/orgs/default/agents", { name });
    const own = Array.from({ length: QUEUES }, (_, queue) => ({ name: `q${queue}` }));
    await Promise.all(own.map((queue) => large.post(`/api/v1/orgs/default/agents/${name}/queues`, queue)));
  }
  await waiting(large, RUNS, "waits");
  logged = await large.submit(`i=0; while [ $i -lt ${LINES} ]; do echo "line $i of a log"; i=$((i+1)); done`, {
    name: "writes",
  });
  await large.reaches(logged, "succeeded");
});

afterAll(async () => {
  await report();
  await browser?.close();
  await Promise.all([small?.down(), large?.down()]);
});

const VIEWS: { what: string; path: string; shows: string; of: "small" | "large"; budget: number | null }[] = [
  { what: "overview", path: "/", shows: ".figure-value", of: "small", budget: 1_000 },
  { what: "queues", path: "/queues", shows: "tbody tr[data-index]", of: "small", budget: 1_000 },
  { what: "runs", path: "/runs", shows: "tbody tr[data-index]", of: "small", budget: 1_000 },
  {
    what: "1,000 queues of 200 agents",
    path: "/queues?view=table",
    shows: "tbody tr[data-index]",
    of: "large",
    budget: null,
  },
  {
    what: "200 agents on the map",
    path: "/agents?view=map",
    shows: "a[href='/agents/agent-199']",
    of: "large",
    budget: null,
  },
  { what: "100,000 runs", path: "/runs", shows: "tbody tr[data-index]", of: "large", budget: null },
];

test.each(VIEWS)("first useful paint of $what", async ({ what, path, shows, of, budget }) => {
  const { url } = of === "small" ? small : large;
  const first: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [page, session] = await slowPage(browser, url);
    first.push(await paintOf(session, url + path, shows));
    again.push(await paintOf(session, url + path, shows));
    await page.context().close();
  }
  note({ what: `${what}: first useful paint, nothing kept`, values: first, unit: "ms", budget });
  note({ what: `${what}: the same, files kept by the browser`, values: again, unit: "ms", budget });
});

test("what the first load asks for", async () => {
  const [page, session] = await slowPage(browser, small.url, 1);
  let bytes = 0;
  let requests = 0;
  const sizes: Promise<void>[] = [];
  page.on("requestfinished", (request) => {
    requests += 1;
    const add = async () => {
      if (request.resourceType() === "script") bytes += (await request.sizes()).responseBodySize;
    };
    sizes.push(add());
  });
  await paintOf(session, `${small.url}/`, ".figure-value");
  await Promise.all(sizes);
  note({ what: "overview: scripts, compressed", values: [bytes / 1_000], unit: "kB", budget: 250 });
  note({ what: "overview: requests", values: [requests], unit: "requests", budget: null });
  await page.context().close();
});

/** Notes how long frames took. */
function noteFrames(what: string, took: number[]): void {
  note({ what: `${what}: frame, median`, values: [quantile(took, 0.5)], unit: "ms", budget: 17 });
  note({ what: `${what}: frame, 95 of 100`, values: [quantile(took, 0.95)], unit: "ms", budget: 34 });
}

test("a table of 100,000 rows scrolls evenly", async () => {
  const [page] = await slowPage(browser, large.url, 1);
  await page.goto("/runs?query=name:waits");
  await page.locator("tbody tr[data-index]").first().waitFor();
  // It is fetched as it is scrolled, two hundred at a time.
  await page.evaluate(async (rows) => {
    const region = document.querySelector(".table-scroller") as HTMLElement;
    const height = (document.querySelector("tbody tr[data-index]") as HTMLElement).offsetHeight;
    while (region.scrollHeight < height * rows) {
      region.scrollTop = region.scrollHeight;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    region.scrollTop = 0;
  }, RUNS);
  noteFrames("table of 100,000 runs", await frames(page, ".table-scroller", 600));
  await page.context().close();
});

test("a log of 100,000 lines scrolls evenly", async () => {
  const [page] = await slowPage(browser, large.url, 1);
  await page.goto(`/runs/${logged}?tab=logs`);
  await page.getByText("100,000 lines").first().waitFor({ timeout: 120_000 });
  noteFrames("log of 100,000 lines", await frames(page, ".log-lines", 600));
  await page.context().close();
});

test("a long session holds no more than a short one", async () => {
  const [page, session] = await slowPage(browser, small.url, 1);
  await small.post("/api/v1/orgs/default/agents/local/queues", { name: "flood", paused: { reason: "measured" } });
  const names = ["Queues", "Agents", "Runs", "Dead letters", "Projects", "Audit", "Settings", "Overview"];
  await page.goto("/");
  const held: number[] = [];
  for (let block = 0; block < 9; block += 1) {
    // Thousands of events, while every view is looked at ten times.
    const flood = waiting(small, 1_000, `flood-${block}`);
    for (let round = 0; round < 10; round += 1) {
      for (const name of names) {
        await page.getByRole("link", { name, exact: true }).first().click();
        await page.getByRole("heading", { level: 1 }).waitFor();
      }
    }
    await flood;
    await page.waitForFunction(() => !document.querySelector(".loading"));
    held.push(await heap(session));
  }
  const [early, late] = [quantile(held.slice(2, 5), 0.5), quantile(held.slice(-3), 0.5)];
  note({ what: "memory after 240 views and 3,000 events", values: held.slice(2, 5), unit: "MB", budget: null });
  note({ what: "memory after 720 views and 9,000 events", values: held.slice(-3), unit: "MB", budget: early * 1.1 });
  expect(late, held.map((one) => one.toFixed(1)).join(", ")).toBeLessThan(early * 1.25 + 1);
  await page.context().close();
});

test("a change is seen soon while a thousand come in each second", async () => {
  const [page] = await slowPage(browser, large.url, 1);
  await page.goto("/runs?query=name:%25marked%25");
  await page.getByText("No run is like that").waitFor();
  let goes = true;
  const load = (async () => {
    while (goes) {
      const next = new Promise((resolve) => setTimeout(resolve, 1_000));
      await waiting(large, 1_000, "load");
      await next;
    }
  })();
  const seen: number[] = [];
  for (let at = 0; at < 20; at += 1) {
    const began = performance.now();
    await large.submit("true", { name: `marked-${at}`, queue: "local/held" });
    await page.getByRole("link", { name: `marked-${at}`, exact: true }).waitFor();
    seen.push(performance.now() - began);
  }
  goes = false;
  await load;
  note({ what: "a change is seen, at 1,000 events a second", values: seen, unit: "ms", budget: 1_000 });
  note({ what: "the same, 95 of 100", values: [quantile(seen, 0.95)], unit: "ms", budget: 1_000 });
  await page.context().close();
});

test("what is typed filters 1,000 queues at once", async () => {
  const [page] = await slowPage(browser, large.url);
  await page.goto("/queues?view=table");
  await page.getByText("1,002 queues").waitFor();
  const took: number[] = [];
  for (let at = 0; at < 10; at += 1) {
    took.push(
      await page.evaluate(
        async (text) => {
          const field = document.querySelector("input[type=search]") as HTMLInputElement;
          const began = performance.now();
          Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(field, text);
          field.dispatchEvent(new Event("input", { bubbles: true }));
          while (!document.querySelector("main")?.textContent?.includes("1 queue of")) {
            await new Promise((resolve) => requestAnimationFrame(resolve));
          }
          return performance.now() - began;
        },
        `agent-${150 + at}/q3`,
      ),
    );
    await page.getByLabel("Find queues by name").fill("");
    await page.getByText("1,002 queues").waitFor();
  }
  note({ what: "1,000 queues: filtered by a name", values: took, unit: "ms", budget: 200 });
  await page.context().close();
});
