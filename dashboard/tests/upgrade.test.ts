// A page that is open while the server is upgraded.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { Berth } from "./berth";
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

test("files that are gone have the page begin anew", async () => {
  const watched = await Watched.open(browser, berth.url);
  let isGone = true;
  await watched.page.route(/\/assets\/(palette|queues)-/, (route) => {
    if (!isGone) return route.continue();
    return route.fulfill({ status: 404, contentType: "application/problem+json", body: "{}" });
  });
  await watched.go("/settings", "Settings");
  const again = watched.page.waitForEvent("load");
  await watched.page.keyboard.press("Control+k");
  await again;
  isGone = false;
  await watched.page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
  await watched.page.keyboard.press("Control+k");
  await watched.page.getByRole("dialog").getByRole("combobox").waitFor();
  await watched.close();
});
