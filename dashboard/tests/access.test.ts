// Signing in, where the server asks for it: a real `berth api` on PostgreSQL and Redis.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LOOKS, launch, Watched } from "./page";
import { signedApi } from "./postgres";

let api: Awaited<ReturnType<typeof signedApi>>;
let browser: Browser;
let reader: string;

async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers = { Authorization: `Token ${api.token}`, "Content-Type": "application/json" };
  const response = await fetch(api.url + path, { method, headers, body: body ? JSON.stringify(body) : undefined });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

beforeAll(async () => {
  [api, browser] = await Promise.all([signedApi(), launch()]);
  await send("POST", "/api/v1/orgs/default/agents", { name: "eu" });
  reader = (await send<{ key: string }>("POST", "/api/v1/users/tokens", { name: "reader", scopes: ["read"] })).key;
});

afterAll(async () => {
  await browser?.close();
  await api?.end();
});

async function signIn(watched: Watched, token: string): Promise<void> {
  await watched.page.getByLabel("Access token").fill(token);
  await watched.page.getByRole("button", { name: "Sign in" }).click();
}

test.each(LOOKS)("nothing is shown before a token is given, $theme, $width pixels", async (look) => {
  const watched = await Watched.open(browser, api.url, look);
  await watched.page.goto("/queues/eu/default");
  await watched.page.getByLabel("Access token").waitFor();
  expect(await watched.page.getByRole("navigation").count()).toBe(0);
  await watched.isSound("signing in");
  await watched.shoot(`sign-in-${look.width}-${look.theme}`);
  await signIn(watched, api.token);
  // Where one wanted to go.
  await watched.page.getByRole("heading", { level: 1, name: "eu/default" }).waitFor();
  await watched.page.locator("output").filter({ hasText: "live" }).waitFor();
  await watched.settled();
  await watched.isSound("a queue, signed in");
  await watched.close();
});

test("a token that is not known is refused", async () => {
  const watched = await Watched.open(browser, api.url);
  await watched.page.goto("/");
  await signIn(watched, "berth_nobody");
  await watched.page.getByText("not known, was revoked, or has expired").waitFor();
  await signIn(watched, api.token);
  await watched.page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await watched.close();
});

test("a token is kept for the tab, or in the browser if asked, and signing out forgets it", async () => {
  const watched = await Watched.open(browser, api.url);
  const kept = () =>
    watched.page.evaluate(() => [localStorage, sessionStorage].map((one) => one.getItem("berth.token") !== null));
  await watched.page.goto("/");
  await signIn(watched, api.token);
  await watched.page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  expect(await kept()).toEqual([false, true]);
  await watched.page.getByRole("button", { name: "Sign out" }).click();
  await watched.page.getByLabel("Access token").waitFor();
  expect(await kept()).toEqual([false, false]);
  await watched.page.getByLabel("Keep it in this browser").check();
  await signIn(watched, api.token);
  await watched.page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  expect(await kept()).toEqual([true, false]);
  await watched.page.reload();
  await watched.page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await watched.close();
});

test("what a token does not allow is said in the server's words", async () => {
  const watched = await Watched.open(browser, api.url);
  await watched.page.goto("/queues/eu/default");
  await signIn(watched, reader);
  await watched.page.getByRole("button", { name: "Pause" }).click();
  await watched.page.getByRole("dialog").getByRole("button", { name: "Pause", exact: true }).click();
  await watched.page.getByRole("dialog").getByRole("alert").getByText(/admin/).waitFor();
  await watched.page.getByRole("button", { name: "Cancel" }).click();
  await watched.page.goto("/tokens");
  await watched.page.getByRole("alert").getByText(/admin/).waitFor();
  await watched.close();
});
