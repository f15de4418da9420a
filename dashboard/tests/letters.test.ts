// Dead letters and credentials, which need a broker outside of the process: messages that nobody can read are put onto an
// agent's queue on a real Redis.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Berth, redis, until } from "./berth";
import { LOOKS, launch, Watched } from "./page";

const run = promisify(execFile);
const LETTERS = "/api/v1/orgs/default/dead-letters";

let broker: Awaited<ReturnType<typeof redis>>;
let berth: Berth;
let browser: Browser;

const letters = async () => (await berth.get<{ count: number }>(`${LETTERS}?query=`)).count;

/** Puts texts that are no offers where the agent reads its offers, until all of them were set aside. */
async function spoil(...texts: string[]): Promise<void> {
  const before = await letters();
  for (const text of texts)
    await run("redis-cli", ["-p", String(broker.port), "lpush", "berth.local.run.default", text]);
  await until("the messages are dead letters", async () => (await letters()) === before + texts.length);
}

beforeAll(async () => {
  broker = await redis();
  [berth, browser] = await Promise.all([Berth.up("--broker-url", broker.url), launch()]);
  await spoil("no offer", "{}", "[1, 2");
});

afterAll(async () => {
  await browser?.close();
  await berth?.down();
  await broker?.end();
});

test.each(LOOKS)("they are listed by reason and shown as they were, $theme, $width pixels", async (look) => {
  const watched = await Watched.open(browser, berth.url, look);
  await watched.go("/dead-letters", "Dead letters");
  const group = watched.page.getByRole("group", { name: "By reason" }).getByRole("button");
  expect(await group.innerText()).toMatch(/^3\s*undecodable/);
  await group.click();
  await watched.page.waitForURL(/reason/);
  await watched.isSound("dead letters");
  await watched.shoot(`dead-letters-some-${look.width}-${look.theme}`);
  await watched.page
    .getByRole("region", { name: "Dead letters" })
    .getByRole("button", { name: /offer|JSON|json|decode|read/ })
    .first()
    .click();
  await watched.page.getByRole("dialog").getByText("Message as it was").waitFor();
  await watched.isSound("a dead letter");
  await watched.shoot(`dead-letter-${look.width}-${look.theme}`);
  await watched.close();
});

test("one is dropped, the others are replayed, and come back once more", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.go("/dead-letters", "Dead letters");
  const dialog = watched.page.getByRole("dialog");
  await watched.page
    .getByRole("button", { name: /Actions on dead letter/ })
    .first()
    .click();
  await watched.page.getByRole("menuitem", { name: "Drop" }).click();
  await dialog.getByLabel("Reason").fill("a joke");
  await dialog.getByRole("button", { name: "Drop it" }).click();
  await dialog.waitFor({ state: "detached" });
  expect(await letters()).toBe(2);
  await watched.page.getByRole("button", { name: "Replay 2 letters" }).click();
  await dialog.getByText("2 dead letters").waitFor();
  await dialog.getByRole("button", { name: "Replay them" }).click();
  await dialog.waitFor({ state: "detached" });
  await until("both have come back", async () => {
    const { results } = await berth.get<{ results: { times: number }[] }>(`${LETTERS}?query=`);
    return results.length === 2 && results.every(({ times }) => times === 2);
  });
  expect(watched.faults).toEqual([]);
  await watched.close();
});

test("all are dropped, after that was typed", async () => {
  const watched = await Watched.open(browser, berth.url);
  await watched.go("/dead-letters", "Dead letters");
  const dialog = watched.page.getByRole("dialog");
  await watched.page.getByRole("button", { name: "Drop 2 letters" }).click();
  const drop = dialog.getByRole("button", { name: "Drop them" });
  await dialog.getByText("2 dead letters").waitFor();
  expect(await drop.isDisabled()).toBe(true);
  await dialog.getByLabel("Type all to go on").fill("all");
  await drop.click();
  await watched.page.getByText("Nothing was set aside").waitFor();
  expect(await letters()).toBe(0);
  await watched.close();
});

test("an agent gets new credentials, which are shown once, and the older ones are retired", async () => {
  const watched = await Watched.open(browser, berth.url);
  await berth.post("/api/v1/orgs/default/agents", { name: "far" });
  await watched.go("/agents/far?tab=credentials", "far");
  const dialog = watched.page.getByRole("dialog");
  for (const generation of [1, 2]) {
    await watched.page.getByRole("tabpanel").getByRole("button", { name: "New credentials" }).click();
    await dialog.getByRole("button", { name: "Make them" }).click();
    await dialog.getByText(`Generation ${generation}`).waitFor();
    const password = await dialog.locator("pre").first().innerText();
    expect(password).toMatch(/^berth_/);
    await watched.isSound("new credentials");
    await dialog.getByRole("button", { name: "Close" }).last().click();
    // It is told this once.
    expect(await watched.page.content()).not.toContain(password);
  }
  await watched.page.getByRole("button", { name: "Retire" }).first().click();
  await dialog.getByLabel("Type far to go on").fill("far");
  await dialog.getByRole("button", { name: "Retire them" }).click();
  await dialog.waitFor({ state: "detached" });
  const { results } = await berth.get<{ results: { generation: number }[] }>(
    "/api/v1/orgs/default/agents/far/credentials",
  );
  expect(results.map(({ generation }) => generation)).toEqual([2]);
  await watched.close();
});
