// Every view shows what is there, in both themes, wide and narrow, without a grave fault.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Berth, furnish, until } from "./berth";
import { LOOKS, launch, Watched } from "./page";

let berth: Berth;
let browser: Browser;

beforeAll(async () => {
  [berth, browser] = await Promise.all([Berth.up(), launch()]);
  await furnish(berth);
  await berth.post("/api/v1/users/tokens", { name: "ci", scopes: ["read"], expiration: 30 });
});

afterAll(async () => {
  await browser?.close();
  await berth?.down();
});

/** Each view with a text that it must show, which is not there without data. */
const VIEWS: { name: string; path: string; heading: string; shows: string[] }[] = [
  {
    name: "overview",
    path: "/",
    heading: "Overview",
    shows: ["scheduler", "How full agents are", "queued"],
  },
  { name: "queues", path: "/queues", heading: "Queues", shows: ["eu-west", "batch", "not served", "paused"] },
  { name: "queues-table", path: "/queues?view=table&sort=-ready", heading: "Queues", shows: ["local/batch"] },
  { name: "queue", path: "/queues/local/batch", heading: "local/batch", shows: ["train-0", "limit"] },
  {
    name: "queue-limits",
    path: "/queues/eu-west/gpu?tab=limits",
    heading: "eu-west/gpu",
    shows: ["gpu 8, memory 256Gi"],
  },
  { name: "queue-audit", path: "/queues/local/batch?tab=audit", heading: "local/batch", shows: ["queue.create"] },
  { name: "agents", path: "/agents", heading: "Agents", shows: ["eu-west", "zone=eu"] },
  { name: "agents-map", path: "/agents?view=map", heading: "Agents", shows: ["Machine", "Not seen yet"] },
  { name: "agent", path: "/agents/local", heading: "local", shows: ["here", "process"] },
  { name: "agent-queues", path: "/agents/local?tab=queues", heading: "local", shows: ["urgent"] },
  {
    name: "agent-credentials",
    path: "/agents/local?tab=credentials",
    heading: "local",
    shows: ["needs no credentials"],
  },
  { name: "dead-letters", path: "/dead-letters", heading: "Dead letters", shows: ["Nothing was set aside"] },
  { name: "projects", path: "/projects", heading: "Projects", shows: ["Models of vision"] },
  { name: "project", path: "/projects/vision", heading: "vision", shows: ["project.create"] },
  { name: "tokens", path: "/tokens", heading: "Tokens", shows: ["ci"] },
  { name: "audit", path: "/audit?action=agent.create", heading: "Audit trail", shows: ["agent.create"] },
  { name: "settings", path: "/settings", heading: "Settings", shows: ["open on this machine"] },
  { name: "runbooks", path: "/runbooks", heading: "Runbooks", shows: ["AgentLost"] },
  { name: "runbook", path: "/runbooks/StoreDown", heading: "StoreDown", shows: ["What it means", "Do"] },
];

describe.each(LOOKS)("$theme, $width pixels", (look) => {
  let watched: Watched;
  beforeAll(async () => {
    watched = await Watched.open(browser, berth.url, look);
  });
  afterAll(() => watched?.close());

  test.each(VIEWS)("$name", async ({ name, path, heading, shows }) => {
    await watched.go(path, heading);
    for (const text of shows) await watched.page.getByRole("main").getByText(text).first().waitFor();
    await watched.isSound(`${name}, ${look.theme}, ${look.width}`);
    await watched.shoot(`${name}-${look.width}-${look.theme}`);
  });
});

test("a backlog that nobody serves is warned of first, with its cause and its runbook", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.go("/", "Overview");
  // It is none before it has lasted for a minute.
  const warning = watched.page.getByRole("listitem").filter({ hasText: "BacklogWithoutConsumers" });
  await warning.waitFor({ timeout: 75_000 });
  expect(await warning.innerText()).toMatch(
    /critical[\s\S]*3 runs wait in eu-west\/gpu[\s\S]*Runbook: BacklogWithoutConsumers/,
  );
  expect(await watched.page.getByRole("heading", { level: 2 }).first().innerText()).toBe("1 warning");
  await watched.isSound("the overview with a warning");
  await watched.shoot("overview-warning-1440-light");
  await warning.getByRole("link", { name: "eu-west/gpu" }).click();
  await watched.page.getByRole("heading", { level: 1, name: "eu-west/gpu" }).waitFor();
  await watched.page.goBack();
  await warning.getByRole("link", { name: "BacklogWithoutConsumers" }).click();
  await watched.page.getByRole("heading", { level: 1, name: "BacklogWithoutConsumers" }).waitFor();
  await watched.page.getByText("berth agents get AGENT").first().waitFor();
  await watched.close();
}, 120_000);

test("runbooks lead to each other, and one that there is not is said", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.go("/runbooks", "Runbooks");
  await watched.page.getByRole("link", { name: "StoreDown" }).click();
  await watched.page.getByRole("heading", { level: 1, name: "StoreDown" }).waitFor();
  await watched.page.getByRole("main").getByRole("link", { name: "Runbooks" }).click();
  await watched.page.getByRole("heading", { level: 1, name: "Runbooks" }).waitFor();
  await watched.go("/runbooks/None", "None");
  await watched.page.getByText("No runbook has that name.").waitFor();
  expect(watched.faults).toEqual([]);
  await watched.close();
});

test("the charts of a queue have lines of what was measured", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.go("/queues/local/batch", "local/batch");
  await watched.page.getByRole("figure", { name: /Runs/ }).locator("canvas").waitFor();
  await until("the chart says what waits", async () => {
    const said = await watched.page.getByRole("figure", { name: /Runs/ }).innerText();
    return /waiting\s*12\b/.test(said);
  });
  await watched.close();
});

test("what a server does not have is said, and not made up", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.page.route(/\/queues\/batch\/history/, (route) =>
    route.fulfill({
      status: 404,
      contentType: "application/problem+json",
      body: JSON.stringify({ detail: "nothing is at `x`" }),
    }),
  );
  await watched.page.goto("/queues/local/batch");
  await watched.page.getByText("Not available: this server is older").first().waitFor();
  await watched.close();
});

test("an agent of a cluster shows what its nodes have", async () => {
  const watched = await Watched.open(browser, berth.url);
  // As a real one tells it; clusters are for the tests of agents.
  const nodes = {
    nodes: 3,
    labels: { "kubernetes.io/arch": { values: ["amd64", "arm64"] } },
    taints: [{ key: "gpu", value: "yes", effect: "NoSchedule", nodes: 1 }],
    allocatable: { cpu: "24", "nvidia.com/gpu": "8" },
    largest: { cpu: "16", "nvidia.com/gpu": "8" },
  };
  await watched.page.route(/\/agents\/local$/, async (route) => {
    if (route.request().resourceType() === "document") return route.continue();
    const response = await route.fetch();
    return route.fulfill({ response, json: { ...(await response.json()), nodes } });
  });
  await watched.go("/agents/local?tab=nodes", "local");
  await watched.page.getByText("nvidia.com/gpu").waitFor();
  await watched.page.getByText("gpu=yes").waitFor();
  await watched.isSound("the nodes of an agent");
  await watched.shoot("agent-nodes-1440-light");
  await watched.close();
});

test("the navigation opens where there is little room", async () => {
  const watched = await Watched.open(browser, berth.url, { width: 360 });
  await watched.go("/", "Overview");
  const link = watched.page.getByRole("link", { name: "Agents", exact: true });
  expect(await link.isVisible()).toBe(false);
  await watched.page.getByRole("button", { name: "Navigation" }).click();
  await watched.isSound("the open navigation");
  await watched.shoot("navigation-360-light");
  await link.click();
  await watched.page.getByRole("heading", { level: 1, name: "Agents" }).waitFor();
  expect(await link.isVisible()).toBe(false);
  await watched.close();
});

test("theme and time zone are chosen and kept", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.go("/audit", "Audit trail");
  const when = watched.page.locator("tbody time").first();
  const moment = (await when.getAttribute("datetime")) ?? "";
  await watched.page.getByLabel("Times").selectOption("Asia/Tokyo");
  const shown = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: "Asia/Tokyo" });
  expect(await when.innerText()).toBe(shown.format(new Date(moment)));
  await watched.page.getByLabel("Theme").selectOption("dark");
  await watched.page.reload();
  await when.waitFor();
  expect(await when.innerText()).toBe(shown.format(new Date(moment)));
  const ground = await watched.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  expect(ground).toBe("rgb(15, 18, 22)");
  await watched.close();
});

test("what others own is looked at by the address", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.go("/queues?owner=acme", "Queues");
  await watched.page.getByRole("alert").getByText("organization `acme` does not exist").waitFor();
  await watched.page.getByRole("link", { name: "Agents", exact: true }).click();
  await watched.page.waitForURL(/\/agents\?owner=acme/);
  await watched.close();
});

test("the first load is small", async () => {
  const watched = await Watched.open(browser, berth.url);
  let bytes = 0;
  const sizes: Promise<void>[] = [];
  watched.page.on("response", (response) => {
    if (!response.url().endsWith(".js")) return;
    sizes.push(
      response
        .request()
        .sizes()
        .then(({ responseBodySize }) => {
          bytes += responseBodySize;
        }),
    );
  });
  await watched.go("/", "Overview");
  await Promise.all(sizes);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(250_000);
  await watched.close();
});

test.each(["/", "/queues", "/agents", "/runs?query=status:queued"])(
  "what %s begins with is asked for once",
  async (path) => {
    const watched = await Watched.open(browser, berth.url);
    const asked: string[] = [];
    // Until the events of the stream, which ask again.
    await watched.page.route("**/events", (route) => route.abort());
    watched.page.on("request", (request) => {
      const { pathname, searchParams } = new URL(request.url());
      if (pathname.startsWith("/api/")) asked.push(`${pathname} ${searchParams.get("query") ?? ""}`);
    });
    await watched.page.goto(path);
    // What asks for it is the first that the browser fetches.
    expect(await watched.page.locator("script[src]").first().getAttribute("src")).toMatch(/^\/assets\/early-/);
    await watched.page.locator(".figure-value, tbody tr[data-index]").first().waitFor();
    await watched.settled();
    expect(asked.filter((one) => one.startsWith("/api/v1/installation"))).toEqual([]);
    const [first] = asked;
    expect(asked.filter((one) => one === first)).toHaveLength(1);
    expect(first).toMatch(/overview|queues|agents|runs status:queued/);
    await watched.close();
  },
);

test("what nearly all is called of says so in its first words, where alone the browser reads it", async () => {
  const watched = await Watched.open(browser, berth.url);
  const hinted: string[] = [];
  const reading: Promise<void>[] = [];
  watched.page.on("response", (response) => {
    const name = /\/assets\/(early|base|parts|lists|index|queues)-/.exec(response.url())?.[1];
    if (!name || !response.url().endsWith(".js")) return;
    const read = async () => {
      if ((await response.text()).startsWith("//# allFunctionsCalledOnLoad\n")) hinted.push(name);
    };
    reading.push(read());
  });
  await watched.go("/queues", "Queues");
  await Promise.all(reading);
  expect(hinted.sort()).toEqual(["base", "early", "index", "lists", "parts", "queues"]);
  await watched.close();
});
