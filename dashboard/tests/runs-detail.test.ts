// One run: why it waits or how it failed, how it went, what it is, and everything that can be done to it.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Berth, until } from "./berth";
import { LOOKS, launch, Watched } from "./page";
import { FAILS_ONCE, get, Hands, heldQueue, job, list, queue, submit } from "./runs-data";

let berth: Berth;
let browser: Browser;
let watched: Watched;
let hands: Hands;
let held: string;
/** The artifacts store. */
let kept: string;
const runs: Record<string, string> = {};

const PARAMS = {
  kind: "operation",
  name: "params",
  params: { lr: { value: 0.5 } },
  component: {
    inputs: [
      { name: "lr", type: "float" },
      { name: "steps", type: "int", value: 3, toEnv: "STEPS" },
    ],
    run: {
      kind: "job",
      container: { image: "busybox", command: ["sh", "-c"], args: ["echo at {{ lr }}\necho 'yes: no'\n"] },
    },
  },
};

beforeAll(async () => {
  kept = await mkdtemp(join(tmpdir(), "berth-kept-"));
  [berth, browser] = await Promise.all([Berth.up("--artifacts-store", kept), launch()]);
  held = await heldQueue(berth, "held");
  const one = await queue(berth, "one", { concurrency: 1 });
  runs.holder = await berth.submit("sleep 600", { name: "holder", queue: one });
  await berth.reaches(runs.holder, "running");
  await berth.submit("true", { name: "before", queue: one });
  runs.waits = await berth.submit("true", { name: "waits", queue: one });
  runs.retried = await submit(berth, job(FAILS_ONCE, { name: "retried", termination: { maxRetries: 2 } }));
  runs.bad = await submit(
    berth,
    job("echo reading; echo 'no such column: price' >&2; exit 3", { name: "bad", tags: ["night"] }),
  );
  runs.params = await submit(berth, PARAMS);
  for (const uuid of [runs.params, runs.retried]) await berth.reaches(uuid, "succeeded");
  await berth.reaches(runs.bad, "failed");
  await leave(runs.params);
  watched = await Watched.open(browser, berth.url);
  hands = new Hands(watched);
}, 90_000);

afterEach(() => {
  expect(watched?.faults ?? []).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await berth?.down();
  if (kept) await rm(kept, { recursive: true, force: true });
});

/** Rows of a series, as Polyaxon's client writes them. */
const tracked = (value: (step: number) => number): string => {
  const rows = Array.from({ length: 60 }, (_, step) => {
    const at = new Date(Date.UTC(2026, 10, 23, 2, 0, step)).toISOString();
    return `${step}|${at}|${value(step)}`;
  });
  return ["step|timestamp|metric", ...rows, ""].join("\n");
};

/** Puts files where a run's collector would. */
async function leave(run: string | undefined): Promise<void> {
  const files = {
    "outputs/model.bin": "weights of a model\n".repeat(4_000),
    "outputs/report.html": "<script>document.title = 'taken over'</script>",
    "outputs/checkpoints/step-50.bin": "weights",
    "events/metric/train/loss.plx": tracked((step) => 2 / (step + 1) + 0.05 * Math.sin(step)),
    "events/metric/train/lr.plx": tracked((step) => 1e-3 * 0.95 ** step),
    "events/metric/accuracy.plx": tracked((step) => 0.9 - 0.6 / (step + 1)),
    "resources/metric/cpu_percent.plx": tracked((step) => 40 + (step % 7)),
  };
  for (const [path, text] of Object.entries(files)) {
    const file = join(kept, run ?? "", path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

const VIEWS: { name: string; run: string; tab?: string; shows: string[] }[] = [
  { name: "run-waits", run: "waits", shows: ["queue one runs 1 of the 1 that it may", "Lasts for"] },
  { name: "run-why", run: "waits", tab: "why", shows: ["What it has waited for", "1 of 1 used", "holder"] },
  { name: "run-failed", run: "bad", shows: ["no such column: price", "exit code 3", "Ended after"] },
  { name: "run-timeline", run: "retried", shows: ["Attempt 1", "Exited with 1; attempt 1 follows"] },
  { name: "run-attempts", run: "retried", tab: "attempts", shows: ["Started in", "ExitCode"] },
  { name: "run-logs", run: "retried", tab: "logs", shows: ["try 1", "try 2", "complete"] },
  { name: "run-events", run: "retried", tab: "events", shows: ["Claimed by agent replica", "retrying"] },
  { name: "run-spec", run: "params", tab: "spec", shows: ["echo at 0.5", "component", "param"] },
  { name: "run-values", run: "params", tab: "values", shows: ["steps", "0.5", "It has told none."] },
  { name: "run-metrics", run: "params", tab: "metrics", shows: ["train/loss", "accuracy", "Its machine", "step 59"] },
  { name: "run-artifacts", run: "params", tab: "artifacts&path=outputs", shows: ["checkpoints/", "76.0 kB"] },
  { name: "run-objects", run: "holder", tab: "inspect", shows: ["phase: running", "replica:"] },
  { name: "run-no-objects", run: "waits", tab: "inspect", shows: ["sees no object of it"] },
];

describe.each(LOOKS)("$theme, $width pixels", (look) => {
  let own: Watched;
  beforeAll(async () => {
    own = await Watched.open(browser, berth.url, look);
  });
  afterAll(() => own?.close());

  test.each(VIEWS)("$name", async ({ name, run, tab, shows }) => {
    await own.go(`/runs/${runs[run]}${tab ? `?tab=${tab}` : ""}`, run);
    for (const text of shows) await own.page.getByRole("main").getByText(text).first().waitFor();
    await own.isSound(`${name}, ${look.theme}, ${look.width}`);
    await own.shoot(`${name}-${look.width}-${look.theme}`);
  });
});

test("why a run waits leads to who holds it back, and goes with the reason", async () => {
  const { page, main } = hands;
  const own = await queue(berth, "narrow", { concurrency: 1 });
  const first = await berth.submit("sleep 600", { name: "first", queue: own });
  await berth.reaches(first, "running");
  const second = await berth.submit("sleep 600", { name: "second", queue: own });
  await watched.go(`/runs/${second}`, "second");
  await main.getByText("Place 1 of 1 in its queue").waitFor();
  await main.getByRole("link", { name: /first.*running/ }).click();
  await page.getByRole("heading", { level: 1, name: "first" }).waitFor();
  await page.goBack();
  await page.getByRole("heading", { level: 1, name: "second" }).waitFor();
  await hands.main.getByText("queue narrow runs 1 of the 1 that it may").waitFor();
  await until("what it waits for is noted", async () => {
    const path = `/api/v1/default/default/runs/${second}/explain`;
    const { waited } = await berth.get<{ waited: { rule: string }[] }>(path);
    return waited.some(({ rule }) => rule === "limit");
  });
  await berth.post(`/api/v1/default/default/runs/${first}/stop`);
  await main.getByText("queue narrow runs 1 of the 1 that it may").waitFor({ state: "detached" });
  await main.getByText("Its process runs").waitFor();
  await page.getByRole("tab", { name: "Why" }).click();
  await main.getByText("It does not wait.").waitFor();
  expect(await main.getByRole("table").innerText()).toMatch(/limit\s+queue narrow/);
});

test("tabs are chosen by the arrow keys, and are in the address", async () => {
  const { page } = hands;
  await watched.go(`/runs/${runs.params}`, "params");
  await page.getByRole("tab", { name: "Timeline" }).focus();
  for (const name of ["Why", "Logs"]) {
    await page.keyboard.press("ArrowRight");
    await until(`${name} has the focus`, () =>
      page.evaluate((its) => document.activeElement?.textContent === its, name),
    );
  }
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Log" }).getByText("at 0.5").waitFor();
  expect(new URL(page.url()).searchParams.get("tab")).toBe("logs");
});

test("what a run left is opened folder by folder and downloaded, and never run", async () => {
  const { page, main } = hands;
  const saved = async (button: string): Promise<{ name: string; text: string }> => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      main.getByRole("button", { name: button, exact: true }).click(),
    ]);
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), "latin1") };
  };
  await watched.go(`/runs/${runs.params}?tab=artifacts`, "params");
  await main.getByRole("button", { name: "outputs/" }).click();
  await main.getByRole("rowheader", { name: "model.bin" }).waitFor();
  expect(await saved("Download: report.html")).toEqual({
    name: "report.html",
    text: "<script>document.title = 'taken over'</script>",
  });
  await main.getByRole("button", { name: "checkpoints/" }).click();
  await main.getByRole("rowheader", { name: "step-50.bin" }).waitFor();
  expect(new URL(page.url()).searchParams.get("path")).toBe("outputs/checkpoints");
  const folder = await saved("Download all: this folder");
  expect(folder.name).toBe("checkpoints.tar");
  expect(folder.text).toMatch(/^step-50\.bin\0[\s\S]*weights/);
  await main.getByRole("navigation", { name: "Folders" }).getByRole("button", { name: "All" }).click();
  await main.getByRole("button", { name: "events/" }).waitFor();
});

test("metrics are drawn by step or over time", async () => {
  const { page, main } = hands;
  await watched.go(`/runs/${runs.params}?tab=metrics`, "params");
  const loss = main.getByRole("figure", { name: /train\/loss/ });
  await loss.locator("canvas").waitFor();
  await loss.getByText("step 59").waitFor();
  await main.getByRole("button", { name: "Over time" }).click();
  await loss.getByText("11-23").waitFor();
  expect(new URL(page.url()).searchParams.get("along")).toBe("time");
  await main.getByText("The same by REST").click();
  await main.getByText(`/runs/${runs.params}/events/metric?sample=1000`).waitFor();
});

test("a run that left nothing says so", async () => {
  const { main } = hands;
  await watched.go(`/runs/${runs.waits}?tab=metrics`, "waits");
  await main.getByText("It has tracked none.").waitFor();
  await watched.go(`/runs/${runs.waits}?tab=artifacts`, "waits");
  await main.getByText("It left no files.").waitFor();
});

test("the operation can be copied, and what is copied can be submitted", async () => {
  const { page, main } = hands;
  await watched.go(`/runs/${runs.params}?tab=spec`, "params");
  const spec = page.getByRole("region", { name: "As executed" });
  const from = spec.getByRole("row").filter({ hasText: /^param.*env:/ });
  await from.waitFor();
  await main.getByRole("button", { name: "As submitted" }).click();
  await main.getByRole("button", { name: "Copy: YAML" }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain("kind: operation");
  const { uuid } = await berth.post<{ uuid: string }>("/api/v1/default/default/runs", { content: copied });
  const [before, after] = await Promise.all([get(berth, runs.params ?? ""), get(berth, uuid)]);
  expect(JSON.parse(after.content)).toEqual(JSON.parse(before.content));
});

test("a run that is not there says so", async () => {
  const own = await Watched.open(browser, berth.url);
  await own.page.goto(`/runs/${"0".repeat(32)}`);
  await own.page
    .getByRole("alert")
    .getByText(/run .* does not exist|not found/i)
    .waitFor();
  expect(own.faults.filter((fault) => !fault.includes("status of 404"))).toEqual([]);
  await own.close();
});

describe("a run", () => {
  const waiting = (name: string) => berth.submit("true", { name, queue: held });
  const open = async (uuid: string, name: string) => watched.go(`/runs/${uuid}`, name);

  test("is stopped, and resumed", async () => {
    const uuid = await berth.submit("sleep 600", { name: "stops" });
    await berth.reaches(uuid, "running");
    await open(uuid, "stops");
    await hands.choose("Stop");
    await hands.dialog.getByLabel("Reason").fill("by mistake");
    const { rest, cli } = await hands.shown();
    expect(rest).toContain(`POST /api/v1/default/default/runs/${uuid}/stop`);
    expect(cli).toMatch(new RegExp(`^berth ops stop ${uuid} --reason 'by mistake'`));
    await hands.done("Stop it");
    await hands.main.getByText("Stopped:").waitFor();
    await hands.choose("Resume");
    await hands.done("Resume it");
    await hands.main.getByText("Attempt 1").waitFor();
    await berth.reaches(uuid, "running");
  });

  test("is restarted and copied, as new runs", async () => {
    await open(runs.bad ?? "", "bad");
    await hands.choose("Restart");
    await hands.done("Restart it");
    await hands.page.getByText("Restart of").waitFor();
    const again = hands.page.url().split("/").at(-1)?.slice(0, 32) ?? "";
    expect((await get(berth, again)).original?.uuid).toBe(runs.bad);
    await hands.choose("Copy");
    await hands.dialog.getByLabel("Name").fill("copied");
    await hands.done("Copy it");
    await hands.page.getByRole("heading", { level: 1, name: "copied" }).waitFor();
  });

  test("is approved", async () => {
    const uuid = await submit(berth, job("true", { name: "asks" }), { pending: "approval" });
    await open(uuid, "asks");
    await hands.main.getByText("somebody has to approve it").waitFor();
    await hands.choose("Approve");
    await hands.done("Approve it");
    await berth.reaches(uuid, "succeeded");
    await hands.main.getByText("Exited with 0").waitFor();
  });

  test("is moved, and given another priority", async () => {
    const uuid = await waiting("moves");
    await open(uuid, "moves");
    await hands.main.getByText("queue held was paused by local: new driver").waitFor();
    await hands.choose("Change priority");
    await hands.dialog.getByLabel("Priority").selectOption("8");
    await hands.done("Change it");
    await until("its priority is 8", async () => (await get(berth, uuid)).priority === 8);
    await hands.choose("Move to another queue");
    await hands.dialog.getByLabel("To").selectOption("local/default");
    await hands.dialog.getByText("1 run would be changed.").waitFor();
    const { cli } = await hands.shown();
    expect(cli).toContain(`berth ops move ${uuid} --to local/default`);
    await hands.done("Move it");
    await berth.reaches(uuid, "succeeded");
    expect((await get(berth, uuid)).settings.queue.name).toBe("default");
  });

  test("is skipped", async () => {
    const uuid = await waiting("skips");
    await open(uuid, "skips");
    await hands.choose("Skip");
    expect((await hands.shown()).cli).toContain(`curl -X POST ${berth.url}/api/v1/default/default/runs/${uuid}/skip`);
    await hands.done("Skip it");
    await berth.reaches(uuid, "skipped");
  });

  test("is named and tagged anew, archived, and restored", async () => {
    const uuid = await waiting("edits");
    await open(uuid, "edits");
    await hands.choose("Edit name and tags");
    await hands.dialog.getByLabel("Name").fill("edited");
    await hands.dialog.getByLabel("Tags").fill("a, b");
    await hands.done("Change it");
    await hands.page.getByRole("heading", { level: 1, name: "edited" }).waitFor();
    expect((await get(berth, uuid)).tags).toEqual(["a", "b"]);
    await hands.choose("Archive");
    await hands.done("Archive it");
    await until("it is in no list", async () => (await list(berth, "name:edited")).length === 0);
    await hands.main.getByText("Archived").waitFor();
    await hands.choose("Restore");
    await hands.done("Restore it");
    await until("it is in the list", async () => (await list(berth, "name:edited")).length === 1);
  });

  test("is deleted, when its name is typed", async () => {
    const uuid = await waiting("deletes");
    await open(uuid, "deletes");
    await hands.choose("Delete");
    const verb = hands.dialog.getByRole("button", { name: "Delete it" });
    expect(await verb.isDisabled()).toBe(true);
    await hands.dialog.getByLabel("Type").fill("deletes");
    await hands.done("Delete it");
    await hands.page.getByRole("heading", { level: 1, name: "Runs" }).waitFor();
    await until(
      "it is gone",
      async () => (await berth.send("GET", `/api/v1/orgs/default/runs/${uuid}`)).status === 404,
    );
    // The page asks once more for what it showed.
    watched.faults.splice(0, watched.faults.length, ...watched.faults.filter((fault) => !fault.includes("of 404")));
  });
});
