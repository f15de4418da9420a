// The page without a mouse.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Berth, furnish } from "./berth";
import { launch, Watched } from "./page";

let berth: Berth;
let browser: Browser;
let watched: Watched;

beforeAll(async () => {
  [berth, browser] = await Promise.all([Berth.up(), launch()]);
  await furnish(berth);
  watched = await Watched.open(browser, berth.url);
});

afterAll(async () => {
  expect(watched?.faults ?? []).toEqual([]);
  await browser?.close();
  await berth?.down();
});

const focused = () => watched.page.evaluate(() => document.activeElement?.textContent ?? "");

test("goes to every view by two keys", async () => {
  await watched.go("/", "Overview");
  for (const [key, heading] of [
    ["q", "Queues"],
    ["a", "Agents"],
    ["r", "Runs"],
    ["d", "Dead letters"],
    ["p", "Projects"],
    ["t", "Tokens"],
    ["u", "Audit trail"],
    ["s", "Settings"],
    ["o", "Overview"],
  ] as const) {
    await watched.page.keyboard.press("g");
    await watched.page.keyboard.press(key);
    await watched.page.getByRole("heading", { level: 1, name: heading }).waitFor();
  }
});

test("lists its keys", async () => {
  await watched.go("/queues", "Queues");
  await watched.page.keyboard.press("?");
  await watched.page.getByRole("dialog", { name: "Keys" }).waitFor();
  await watched.isSound("the dialog of keys");
  await watched.shoot("keys-1440-light");
  await watched.page.keyboard.press("Escape");
  await watched.page.getByRole("dialog").waitFor({ state: "detached" });
});

test("finds a queue by the palette, and pauses it", async () => {
  await watched.go("/", "Overview");
  await watched.page.keyboard.press("Control+k");
  await watched.page.getByRole("dialog").getByRole("combobox").waitFor();
  await watched.page.keyboard.type("local urg");
  await watched.page.getByRole("option", { name: "local/urgent" }).waitFor();
  await watched.isSound("the palette");
  await watched.shoot("palette-1440-light");
  await watched.page.keyboard.press("Enter");
  await watched.page.getByRole("heading", { level: 1, name: "local/urgent" }).waitFor();
  await watched.page.getByRole("button", { name: "Pause" }).waitFor();
  await watched.page.keyboard.press("Control+k");
  await watched.page.getByRole("dialog").getByRole("combobox").waitFor();
  await watched.page.keyboard.type("pause");
  await watched.page.keyboard.press("Enter");
  await watched.page.getByRole("dialog", { name: "Pause local/urgent" }).waitFor();
  await watched.page.getByLabel("Until").focus();
  await watched.page.keyboard.type("10m");
  await watched.page.keyboard.press("Tab");
  await watched.page.keyboard.type("by hand");
  await watched.page.keyboard.press("Enter");
  await watched.page.getByRole("dialog").waitFor({ state: "detached" });
  const queue = await berth.get<{ paused: { reason: string } }>("/api/v1/orgs/default/agents/local/queues/urgent");
  expect(queue.paused.reason).toBe("by hand");
});

test("goes through the rows of a table, and opens one", async () => {
  await watched.go("/queues?view=table", "Queues");
  await watched.page.getByRole("region", { name: "Queues" }).focus();
  await watched.page.keyboard.press("j");
  const first = await focused();
  await watched.page.keyboard.press("ArrowDown");
  const second = await focused();
  expect(first).toMatch(/\//);
  expect(second).not.toBe(first);
  await watched.page.keyboard.press("k");
  expect(await focused()).toBe(first);
  await watched.page.keyboard.press("Enter");
  await watched.page.getByRole("heading", { level: 1, name: first }).waitFor();
});

test("searches by one key", async () => {
  await watched.go("/queues", "Queues");
  await watched.page.keyboard.press("/");
  await watched.page.keyboard.type("gpu");
  await watched.page.getByRole("link", { name: "batch" }).waitFor({ state: "detached" });
  expect(watched.page.url()).toContain("find=gpu");
});

test("gives the focus back when a dialog closes", async () => {
  await watched.go("/queues/local/batch", "local/batch");
  await watched.page.getByRole("button", { name: "Pause" }).focus();
  await watched.page.keyboard.press("Enter");
  await watched.page.getByRole("dialog").waitFor();
  await watched.page.keyboard.press("Escape");
  await watched.page.getByRole("dialog").waitFor({ state: "detached" });
  expect(await focused()).toBe("Pause");
});

test("skips to the content", async () => {
  await watched.go("/queues", "Queues");
  await watched.page.keyboard.press("Tab");
  expect(await focused()).toBe("Skip to the content");
});
