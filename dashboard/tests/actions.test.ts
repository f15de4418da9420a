// What can be done, by its dialog: it says what it would do, shows its REST call and its command line, does it, and the
// server has it.

import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Berth, furnish, until } from "./berth";
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

const QUEUES = "/api/v1/orgs/default/agents/local/queues";

interface Queue {
  paused: { reason: string; drain: boolean; until: string | null } | null;
  concurrency: number;
  quotas: Record<string, string>;
}

const queue = (name: string) => berth.get<Queue>(`${QUEUES}/${name}`);
const dialog = (): Locator => watched.page.getByRole("dialog");

/** Opens what the button or the menu behind "More" calls so. */
async function choose(name: string): Promise<void> {
  const button = watched.page.getByRole("main").getByRole("button", { name, exact: true });
  if ((await button.count()) > 0) {
    await button.click();
  } else {
    await watched.page.getByRole("button", { name: "More" }).click();
    await watched.page.getByRole("menuitem", { name, exact: true }).click();
  }
  await dialog().waitFor();
}

/** The REST call and the command line that the dialog shows. */
async function shown(): Promise<{ rest: string; cli: string }> {
  await dialog().getByText("The same by REST and on the command line").click();
  const [rest = "", cli = ""] = await dialog().locator(".same pre").allInnerTexts();
  return { rest, cli };
}

async function done(verb: string): Promise<void> {
  await dialog().getByRole("button", { name: verb, exact: true }).click();
  await dialog().waitFor({ state: "detached" });
}

describe("a queue", () => {
  beforeEach(() => watched.go("/queues/local/urgent", "local/urgent"));

  test("is paused with a reason and an end, and resumed", async () => {
    await choose("Pause");
    await dialog().getByLabel("Until").fill("2h");
    await dialog().getByLabel("Reason").fill("neue Platten – жди");
    const { rest, cli } = await shown();
    expect(rest).toContain("POST /api/v1/orgs/default/agents/local/queues/urgent/pause");
    expect(rest).toContain('"until": "2h"');
    expect(cli).toContain(
      "berth queues pause local/urgent --reason 'neue Platten – жди' --until 2h --host http://127.0.0.1:",
    );
    await watched.isSound("the dialog of a pause");
    await watched.shoot("action-pause-1440-light");
    await done("Pause");
    expect((await queue("urgent")).paused).toMatchObject({ reason: "neue Platten – жди", drain: false });
    await watched.page.getByText("neue Platten – жди").first().waitFor();
    await choose("Resume");
    await done("Resume");
    expect((await queue("urgent")).paused).toBeNull();
  });

  test("is drained", async () => {
    await choose("Drain");
    await done("Drain");
    expect((await queue("urgent")).paused).toMatchObject({ drain: true });
    await berth.post(`${QUEUES}/urgent/resume`);
  });

  test("gets other limits, and only what was changed is sent", async () => {
    await watched.page.getByRole("tab", { name: "Limits" }).click();
    await choose("Change limits");
    await dialog().getByLabel("Concurrency").fill("7");
    await dialog().getByLabel("Quotas").fill("gpu=2, memory=8Gi");
    const { rest, cli } = await shown();
    expect(JSON.parse(rest.slice(rest.indexOf("{")))).toEqual({ concurrency: 7, quotas: { gpu: "2", memory: "8Gi" } });
    expect(cli).toContain("berth queues update local/urgent --concurrency 7 --quota gpu=2 --quota memory=8Gi");
    await done("Change");
    expect(await queue("urgent")).toMatchObject({ concurrency: 7, quotas: { gpu: "2", memory: "8Gi" } });
  });

  test("says what is wrong with a limit, beside its field", async () => {
    await watched.page.getByRole("tab", { name: "Limits" }).click();
    await choose("Change limits");
    await dialog().getByLabel("Quotas").fill("gpu=eight");
    await dialog().getByRole("button", { name: "Change", exact: true }).click();
    await dialog().getByText("is not a quantity").first().waitFor();
    await dialog().getByRole("button", { name: "Cancel" }).click();
    // The browser notes every answer of 400; this one was meant.
    watched.faults.splice(0);
  });
});

describe("what waits", () => {
  beforeEach(() => watched.go("/queues/local/batch", "local/batch"));

  test("is moved to another queue, and no more than the preview said", async () => {
    await choose("Move what waits");
    await dialog().getByLabel("To", { exact: true }).selectOption("local/held");
    await dialog().getByLabel("Only those with").fill("priority:3");
    await dialog().getByText("3 runs").waitFor();
    const { rest } = await shown();
    expect(rest).toContain("POST /api/v1/orgs/default/runs/move");
    await done("Move them");
    const moved = await berth.get<{ count: number }>("/api/v1/orgs/default/runs?query=queue:local/held");
    expect(moved.count).toBe(4);
  });

  test("is purged, after its name was typed", async () => {
    await choose("Purge");
    await dialog().getByText("9 runs").waitFor();
    const verb = dialog().getByRole("button", { name: "Stop them" });
    expect(await verb.isDisabled()).toBe(true);
    await dialog().getByLabel("Type local/batch to go on").fill("local/batch");
    await watched.isSound("the dialog of a purge");
    await watched.shoot("action-purge-1440-light");
    await done("Stop them");
    await until("nothing waits in the queue", async () => {
      const waiting = await berth.get<{ count: number }>(
        "/api/v1/orgs/default/runs?query=queue:local/batch,status:queued",
      );
      return waiting.count === 0;
    });
  });
});

test("a queue is made, and deleted after its name was typed", async () => {
  await watched.go("/queues", "Queues");
  await watched.page.getByRole("button", { name: "Make a queue" }).click();
  await dialog().getByLabel("Agent").selectOption("local");
  await dialog().getByLabel("Name", { exact: true }).fill("fresh");
  await done("Make it");
  await watched.page.getByRole("heading", { level: 1, name: "local/fresh" }).waitFor();
  await choose("Delete");
  await dialog().getByLabel("Type local/fresh to go on").fill("local/fresh");
  await done("Delete it");
  await watched.page.getByRole("heading", { level: 1, name: "Queues" }).waitFor();
  expect((await berth.send("GET", `${QUEUES}/fresh`)).status).toBe(404);
});

test("an agent gets other labels, and what was not changed stays", async () => {
  await watched.go("/agents/eu-west", "eu-west");
  await choose("Change");
  await dialog().getByLabel("Labels").fill("zone=eu, gpu=h100");
  const { rest, cli } = await shown();
  expect(JSON.parse(rest.slice(rest.indexOf("{")))).toEqual({ labels: { zone: "eu", gpu: "h100" } });
  expect(cli).toContain("berth agents update eu-west --label zone=eu --label gpu=h100");
  await done("Change");
  await watched.page.getByText("gpu=h100").waitFor();
  expect(await berth.get("/api/v1/orgs/default/agents/eu-west")).toMatchObject({
    labels: { zone: "eu", gpu: "h100" },
    concurrency: 40,
  });
});

test("an agent is cordoned, and starts again", async () => {
  await watched.go("/agents/eu-west", "eu-west");
  await choose("Cordon");
  await dialog().getByLabel("Reason").fill("new nodes");
  await done("Cordon");
  await watched.page.getByText("new nodes").first().waitFor();
  const agent = () => berth.get<{ cordoned: boolean; draining: boolean }>("/api/v1/orgs/default/agents/eu-west");
  expect((await agent()).cordoned).toBe(true);
  await choose("Drain");
  await done("Drain");
  expect((await agent()).draining).toBe(true);
  await choose("Let it start again");
  await done("Let it start");
  expect(await agent()).toMatchObject({ cordoned: false, draining: false });
});

test("a token is made, shown once, and revoked", async () => {
  await watched.go("/tokens", "Tokens");
  await watched.page.getByRole("button", { name: "Make a token" }).click();
  await dialog().getByLabel("Name").fill("pipeline");
  await dialog().getByLabel("What it may do").selectOption("read");
  await dialog().getByRole("button", { name: "Make it" }).click();
  const key = await dialog()
    .getByText(/^berth_/)
    .innerText();
  expect(key).toMatch(/^berth_/);
  await dialog().getByRole("button", { name: "Copy: Key" }).click();
  expect(await watched.page.evaluate(() => navigator.clipboard.readText())).toBe(key);
  await dialog().getByRole("button", { name: "Close" }).last().click();
  await watched.page.getByRole("button", { name: "Revoke pipeline" }).click();
  await dialog().getByLabel("Type pipeline to go on").fill("pipeline");
  await done("Revoke it");
  const left = await berth.get<{ results: { name: string }[] }>("/api/v1/users/tokens");
  expect(left.results.map(({ name }) => name)).not.toContain("pipeline");
});

test("a project is made, changed and deleted", async () => {
  await watched.go("/projects", "Projects");
  await watched.page.getByRole("button", { name: "Make a project" }).click();
  await dialog().getByLabel("Name", { exact: true }).fill("speech");
  await dialog().getByLabel("Only these queues").fill("local/batch, local/urgent");
  await done("Make it");
  await watched.page.getByRole("heading", { level: 1, name: "speech" }).waitFor();
  await choose("Change");
  await dialog().getByLabel("Concurrency").fill("3");
  await done("Change");
  expect(await berth.get("/api/v1/default/speech")).toMatchObject({
    concurrency: 3,
    queues: ["local/batch", "local/urgent"],
  });
  await choose("Delete");
  await dialog().getByLabel("Type speech to go on").fill("speech");
  await done("Delete it");
  expect((await berth.send("GET", "/api/v1/default/speech")).status).toBe(404);
});

test("the organization's limits are changed, and the audit trail has who did it and why", async () => {
  await watched.go("/settings", "Settings");
  await choose("Change");
  await dialog().getByLabel("Concurrency").fill("99");
  await dialog().getByLabel("Reason").fill("the quarter ends");
  await done("Change");
  expect(await berth.get("/api/v1/orgs/default/settings")).toMatchObject({ concurrency: 99 });
  await watched.go("/audit?action=organization.update", "Audit trail");
  await watched.page.getByText("the quarter ends").waitFor();
});
