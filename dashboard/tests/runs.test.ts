// The list of runs: searched, counted, followed, frozen, paged, saved, and acted on, many at once.

import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Berth, until } from "./berth";
import { LOOKS, launch, Watched } from "./page";
import { all, Hands, heldQueue, job, list, queue, submit, without } from "./runs-data";

let berth: Berth;
let browser: Browser;
let watched: Watched;
let hands: Hands;
let held: string;

beforeAll(async () => {
  [berth, browser] = await Promise.all([Berth.up(), launch()]);
  held = await heldQueue(berth, "held");
  await queue(berth, "other", { paused: { reason: "not yet" } });
  await berth.post("/api/v1/default/projects/create", { name: "vision" });
  const bad = await berth.submit("echo no such column >&2; exit 3", { name: "bad" });
  const good = await berth.submit("true", { name: "good" });
  await berth.submit("sleep 600", { name: "long", project: "vision" });
  for (const at of [0, 1, 2, 3]) await berth.submit("true", { name: `held-${at}`, queue: held });
  await submit(berth, job("true", { name: "careful" }), { pending: "approval" });
  await berth.reaches(bad, "failed");
  await berth.reaches(good, "succeeded");
  watched = await Watched.open(browser, berth.url);
  hands = new Hands(watched);
}, 90_000);

afterEach(() => {
  expect(watched?.faults ?? []).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await berth?.down();
});

const VIEWS: { name: string; path: string; shows: string[] }[] = [
  { name: "runs", path: "/runs", shows: ["held-3", "failed", "needs approval"] },
  { name: "runs-searched", path: "/runs?query=status:failed", shows: ["bad"] },
  { name: "runs-by-queue", path: "/runs?by=queue", shows: ["local/held", "queued"] },
  { name: "runs-by-reason", path: "/runs?by=reason", shows: ["ExitCode", "no attempt ended yet"] },
  { name: "runs-of-nobody", path: "/runs?query=user:nobody", shows: ["No run is like that"] },
];

describe.each(LOOKS)("$theme, $width pixels", (look) => {
  let own: Watched;
  beforeAll(async () => {
    own = await Watched.open(browser, berth.url, look);
  });
  afterAll(() => own?.close());

  test.each(VIEWS)("$name", async ({ name, path, shows }) => {
    await own.go(path, "Runs");
    for (const text of shows) await own.page.getByRole("main").getByText(text).first().waitFor();
    await own.isSound(`${name}, ${look.theme}, ${look.width}`);
    await own.shoot(`${name}-${look.width}-${look.theme}`);
  });
});

describe("a search", () => {
  test("suggests fields and values, asks the server, and is in the address", async () => {
    const { page } = hands;
    await watched.go("/runs", "Runs");
    await hands.row("good").waitFor();
    const table = await page.getByRole("region", { name: "Runs" }).elementHandle();
    const field = page.getByRole("combobox", { name: "Search runs" });
    await page.keyboard.press("/");
    await page.keyboard.type("stat");
    await page.getByRole("option", { name: "status:" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.keyboard.type("fai");
    // However soon it is typed, it stands behind the field.
    expect(await field.inputValue()).toBe("status:fai");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await until("the failed one is left", async () => (await hands.rows.count()) === 1);
    await hands.row("bad").waitFor();
    // What was there stands until the answer is there.
    expect(await table?.evaluate((element) => element.isConnected)).toBe(true);
    expect(await field.inputValue()).toBe("status:failed");
    expect(new URL(page.url()).searchParams.get("query")).toBe("status:failed");
    await page.reload();
    await hands.row("bad").waitFor();
    // A word alone is looked for in names.
    await field.fill("");
    await hands.row("good").waitFor();
    await field.fill("eld-2");
    await page.keyboard.press("Enter");
    await hands.row("good").waitFor({ state: "detached" });
    expect(await field.inputValue()).toBe("name:%eld-2%");
    await hands.row("held-2").waitFor();
  });

  test("that makes no sense says so at the field, in the server's words", async () => {
    const { page } = hands;
    await watched.go("/runs", "Runs");
    const field = page.getByRole("combobox", { name: "Search runs" });
    await field.fill("colour:red");
    await page.keyboard.press("Enter");
    await page.getByText("unknown field `colour`; allowed: agent, created_at").waitFor();
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await hands.row("good").waitFor();
    expect(await field.getAttribute("aria-invalid")).toBeNull();
    without(watched, 400);
  });

  test("is narrowed by its counts, and by the groups' counts", async () => {
    const { page } = hands;
    await watched.go("/runs", "Runs");
    const chips = page.getByRole("group", { name: "By status" });
    await chips.getByRole("button", { name: "queued 4" }).click();
    await until("the four that wait are shown", async () => (await hands.rows.count()) === 4);
    await chips.getByRole("button", { name: "failed 1" }).click();
    await hands.row("bad").waitFor();
    expect(new URL(page.url()).searchParams.get("query")).toBe("status:queued|failed");
    await page.getByRole("combobox", { name: "Group by" }).selectOption("queue");
    await page.getByRole("link", { name: "4 queued" }).click();
    await hands.row("held-0").waitFor();
    expect(new URL(page.url()).searchParams.get("query")).toBe("queue:local/held, status:queued");
    await page.getByRole("combobox", { name: "Search runs" }).fill("");
    await page.getByRole("combobox", { name: "Project" }).selectOption("vision");
    await until("the project's is left", async () => (await hands.rows.count()) === 1);
    await hands.row("long").waitFor();
  });
});

test("the list is sorted by the server, and its columns and views are kept", async () => {
  const own = await Watched.open(browser, berth.url);
  const its = new Hands(own);
  await own.go("/runs", "Runs");
  await own.page.getByRole("button", { name: "Run", exact: true }).click();
  await until("sorted by name", async () => (await its.rows.first().innerText()).includes("bad"));
  expect(new URL(own.page.url()).searchParams.get("sort")).toBe("name");
  await own.page.getByRole("button", { name: "Columns" }).click();
  await own.page.getByRole("menuitemcheckbox", { name: "Tags" }).click();
  await own.page.getByRole("menuitemcheckbox", { name: "User" }).click();
  await own.page.keyboard.press("Escape");
  await own.page.getByRole("button", { name: "Views" }).click();
  await own.page.getByRole("menuitem", { name: "Save or forget views" }).click();
  await its.dialog.getByLabel("Save what is shown as").fill("by name");
  await its.done("Save");
  await own.go("/runs", "Runs");
  await own.page.getByRole("columnheader", { name: "Tags" }).waitFor();
  expect(await own.page.getByRole("columnheader", { name: "User" }).count()).toBe(0);
  await own.page.getByRole("button", { name: "Views" }).click();
  await own.page.getByRole("menuitem", { name: "★ by name" }).click();
  await own.page.waitForURL(/sort=name/);
  await own.isSound("columns and views");
  await own.close();
});

test("a reason that runs are counted by leads to the list of them", async () => {
  const { page } = hands;
  await watched.go("/runs?by=reason", "Runs");
  await page.getByRole("link", { name: "ExitCode", exact: true }).click();
  await until("the failed one is left", async () => (await hands.rows.count()) === 1);
  await hands.row("bad").waitFor();
  expect(new URL(page.url()).searchParams.get("query")).toBe("reason:ExitCode");
});

test("an agent without an artifacts store is named where its files and metrics would be", async () => {
  const { main } = hands;
  const [good] = await list(berth, "name:good");
  for (const tab of ["artifacts", "metrics"]) {
    await watched.go(`/runs/${good?.uuid}?tab=${tab}`, "good");
    await main.getByText("There are none: agent `local` has no artifacts store").first().waitFor();
  }
  without(watched, 404);
});

test("what changes is shown without being asked for, and nothing moves while something is selected", async () => {
  const { page } = hands;
  await watched.go("/runs", "Runs");
  await page.getByText("live", { exact: true }).waitFor();
  const first = await berth.submit("while [ ! -e go ]; do sleep 0.05; done", { name: "watched" });
  await hands.row("watched").getByText("running").waitFor();
  await hands.row("watched").getByRole("checkbox").click();
  await page.getByText("Stands still while rows are selected.").waitFor();
  await berth.submit("true", { name: "newcomer", queue: held });
  await page.getByRole("button", { name: "1 newer" }).waitFor();
  expect(await hands.row("newcomer").count()).toBe(0);
  // What is there is still told as it is now.
  await berth.post(`/api/v1/default/default/runs/${first}/stop`);
  await hands.row("watched").getByText("stopped").waitFor();
  await page.getByRole("button", { name: "1 newer" }).click();
  await hands.row("newcomer").waitFor();
  expect(await hands.row("watched").getByRole("checkbox").isChecked()).toBe(true);
  await page.getByRole("button", { name: "Clear" }).click();
});

test("a long list is fetched as it is scrolled, and stands still there", async () => {
  const own = await Watched.open(browser, berth.url);
  const its = new Hands(own);
  const many = await heldQueue(berth, "many");
  for (let at = 0; at < 260; at += 20) {
    const some = Array.from({ length: 20 }, (_, one) => one + at);
    await Promise.all(some.map((one) => berth.submit("true", { name: `many-${one}`, queue: many })));
  }
  await own.go(`/runs?query=queue:${many}`, "Runs");
  await own.page.getByText("200 of 260 shown").waitFor();
  const table = own.page.getByRole("region", { name: "Runs" });
  await table.evaluate((element) => element.scrollTo({ top: element.scrollHeight }));
  await own.page.getByText("260 of 260 shown").waitFor();
  await table.evaluate((element) => element.scrollTo({ top: element.scrollHeight }));
  await own.page.getByText("Stands still while you are further down.").waitFor();
  // All that was made first is at the end, and each is there once.
  const [oldest] = await list(berth, `queue:${many}`);
  const last = its.row(oldest?.name ?? "");
  await last.waitFor();
  // What is in sight further down is live, too.
  await berth.post(`/api/v1/default/default/runs/${oldest?.uuid}/stop`);
  await last.getByText("stopped").waitFor();
  await berth.submit("true", { name: "many-more", queue: many });
  await own.page.getByRole("button", { name: "1 newer" }).click();
  await its.row("many-more").waitFor();
  await until("all are there once", async () => (await own.page.getByText("261 of 261 shown").count()) === 1);
  await own.isSound("a long list");
  await own.close();
});

describe("many runs", () => {
  const bulk = () => hands.page.getByRole("region", { name: "Selected runs" });
  const names = async (queueName: string, count: number) => {
    for (let at = 0; at < count; at += 1) await berth.submit("true", { name: `${queueName}-${at}`, queue: held });
    return `name:%${queueName}-%`;
  };

  test("that are selected by Shift are stopped, after a preview, with a reason", async () => {
    const query = await names("stops", 4);
    await watched.go(`/runs?query=${query}`, "Runs");
    await hands.row("stops-3").getByRole("checkbox").click();
    await hands
      .row("stops-1")
      .getByRole("checkbox")
      .click({ modifiers: ["Shift"] });
    await bulk().getByText("3 runs selected").waitFor();
    await hands.choose("Stop", bulk());
    await hands.dialog.getByText("3 runs would be changed.").waitFor();
    await hands.dialog.getByText("stops-2 (queued)").waitFor();
    await hands.dialog.getByLabel("Reason").fill("wrong image");
    const { rest, cli } = await hands.shown();
    expect(rest).toMatch(/^POST \/api\/v1\/orgs\/default\/runs\/stop\n[\s\S]*X-Berth-Reason: wrong image/);
    expect(cli).toMatch(/^berth ops stop --query 'uuid:\w{32}\|\w{32}\|\w{32}' --reason 'wrong image' --yes/);
    await watched.isSound("a preview");
    await watched.shoot("runs-stop-1440-light");
    await hands.done("Stop them");
    await all(berth, query, ({ name, status }) => status === (name === "stops-0" ? "queued" : "stopped"));
    await bulk().waitFor({ state: "detached" });
  });

  test("that a query names are moved and given another priority", async () => {
    const query = await names("moves", 3);
    await watched.go(`/runs?query=${query}`, "Runs");
    await hands.row("moves-0").getByRole("checkbox").click();
    await bulk().getByRole("button", { name: "Select all 3 that match" }).click();
    await hands.choose("Change priority", bulk());
    await hands.dialog.getByLabel("Priority").selectOption("7");
    await hands.dialog.getByText("3 runs would be changed.").waitFor();
    await hands.done("Change it");
    await all(berth, query, ({ priority }) => priority === 7);
    await hands.row("moves-0").getByRole("checkbox").click();
    await bulk().getByRole("button", { name: "Select all 3 that match" }).click();
    await hands.choose("Move to a queue", bulk());
    await hands.dialog.getByLabel("To").selectOption("local/other");
    await hands.dialog.getByText("3 runs would be changed.").waitFor();
    await hands.done("Move them");
    await all(berth, query, ({ settings }) => settings.queue.name === "other");
  });

  test("of which some can't be moved: each is named with the reason", async () => {
    const query = await names("stays", 1);
    await watched.go(`/runs?query=${query}`, "Runs");
    await hands.row("stays-0").getByRole("checkbox").click();
    await hands.choose("Move to a queue", bulk());
    await hands.dialog.getByLabel("To").selectOption(held);
    await hands.dialog.getByRole("button", { name: "Move them" }).click();
    await hands.dialog.getByText("0 done, 1 left as they were.").waitFor();
    await hands.dialog.getByText("it is there already").waitFor();
    await hands.dialog.getByRole("button", { name: "Close" }).last().click();
  });

  test("that ended are restarted and resumed", async () => {
    const query = await names("again", 2);
    await berth.post("/api/v1/orgs/default/runs/stop", { query });
    await all(berth, query, ({ status }) => status === "stopped");
    await watched.go(`/runs?query=${query}`, "Runs");
    await hands.row("again-0").getByRole("checkbox").click();
    await hands.choose("Restart", bulk());
    await hands.done("Restart them");
    await until("a new run", async () => (await list(berth, query)).length === 3);
    await hands.row("again-1").getByRole("checkbox").click();
    await hands.choose("Resume", bulk());
    await hands.done("Resume them");
    await until("it waits again", async () => {
      const runs = await list(berth, query);
      return runs.find(({ name }) => name === "again-1")?.status === "queued";
    });
  });

  test("are approved, and deleted when their number is typed", async () => {
    for (const name of ["asks-0", "asks-1"]) {
      await submit(berth, job("true", { name }), { pending: "approval" });
    }
    const query = "name:%asks-%";
    await watched.go(`/runs?query=${query}`, "Runs");
    await hands.page.getByRole("checkbox", { name: "Select all rows" }).click();
    await hands.choose("Approve", bulk());
    await hands.dialog.getByText("2 selected runs wait for an approval").waitFor();
    await hands.dialog.getByRole("button", { name: "Approve them" }).click();
    await hands.dialog.getByText("2 runs approved.").waitFor();
    await hands.dialog.getByRole("button", { name: "Close" }).last().click();
    await all(berth, query, ({ status }) => status === "succeeded");
    await hands.page.getByRole("checkbox", { name: "Select all rows" }).click();
    await hands.choose("Delete", bulk());
    expect(await hands.dialog.getByRole("button", { name: "Delete them" }).isDisabled()).toBe(true);
    await hands.dialog.getByLabel("Type").fill("2");
    await hands.dialog.getByRole("button", { name: "Delete them" }).click();
    await hands.dialog.getByText("2 runs deleted.").waitFor();
    await hands.dialog.getByRole("button", { name: "Close" }).last().click();
    await until("they are gone", async () => (await list(berth, query)).length === 0);
    await hands.page.getByText("No run is like that.").waitFor();
  });
});

test("by the keyboard alone, runs are found, selected, stopped, and looked at", async () => {
  const { page } = hands;
  const one = await berth.submit("true", { name: "keys-0", queue: held });
  await berth.submit("true", { name: "keys-1", queue: held });
  await watched.go("/", "Overview");
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await page.getByRole("heading", { level: 1, name: "Runs" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("keys-");
  await page.keyboard.press("Enter");
  await hands.row("bad").waitFor({ state: "detached" });
  await hands.row("keys-0").waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
  for (let presses = 0; (await focused()) !== "Runs" && presses < 40; presses += 1) await page.keyboard.press("Tab");
  expect(await focused()).toBe("Runs");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("j");
  await until("the second row has the focus", () =>
    page.evaluate(() => document.activeElement?.closest("tr")?.dataset.index === "1"),
  );
  await page.keyboard.press("x");
  await hands.page.getByText("1 run selected").waitFor();
  await page.keyboard.press("Control+k");
  await hands.dialog.getByRole("combobox").waitFor();
  await page.keyboard.type("Stop: the selected");
  await hands.dialog.getByRole("option", { name: "Stop: the selected runs" }).waitFor();
  await page.keyboard.press("Enter");
  await hands.dialog.getByText("1 run would be changed.").waitFor();
  await hands.dialog.getByLabel("Reason").focus();
  await page.keyboard.press("Enter");
  await hands.dialog.waitFor({ state: "detached" });
  await berth.reaches(one, "stopped");
  await page.getByRole("region", { name: "Runs" }).focus();
  await page.keyboard.press("j");
  await until("a row has the focus", () =>
    page.evaluate(() => document.activeElement?.closest("tr")?.dataset.index === "0"),
  );
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "keys-1" }).waitFor();
});
