// The log of a run: long, live, searched, coloured, downloaded.

import { readFile } from "node:fs/promises";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Berth, until } from "./berth";
import { launch, Watched } from "./page";
import { FAILS_ONCE, Hands, job, submit, without } from "./runs-data";

const LINES = 100_000;

let berth: Berth;
let browser: Browser;
let watched: Watched;
let hands: Hands;
let long: string;

beforeAll(async () => {
  [berth, browser] = await Promise.all([Berth.up(), launch()]);
  const colours = "printf '\\033[31mred\\033[0m <b>not bold</b>\\n'";
  long = await submit(berth, job(`seq -f 'line %.0f of the log' ${LINES}; ${colours}; echo end`, { name: "long" }));
  await berth.reaches(long, "succeeded");
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

/** What a click on "Download" saves, and how the file is called. */
async function download(): Promise<{ name: string; lines: string[] }> {
  const begins = hands.page.waitForEvent("download", { timeout: 50_000 });
  await hands.page.getByRole("button", { name: "Download" }).click();
  const saved = await begins;
  return { name: saved.suggestedFilename(), lines: (await readFile(await saved.path(), "utf8")).split("\n") };
}

const log = () => hands.page.getByRole("region", { name: "Log" });

test("100,000 lines are read to their end, searched, and scrolled without a stutter", async () => {
  const { page, main } = hands;
  await watched.go(`/runs/${long}?tab=logs`, "long");
  await main.getByText("complete").waitFor({ timeout: 50_000 });
  await main.getByText("100,002 lines").waitFor();
  // It ends where one looks first.
  await log().getByText("end", { exact: true }).waitFor();
  expect(await log().locator(".ansi-1").innerText()).toBe("red");
  await log().getByText("<b>not bold</b>").waitFor();
  expect(await log().locator(".log-line").count()).toBeLessThan(200);

  await page.keyboard.press("/");
  await page.keyboard.type("LINE 4242 ");
  await main.getByText("1 lines").waitFor();
  await page.keyboard.press("Enter");
  await main.getByText("1 of 1").waitFor();
  await log().locator("mark", { hasText: "line 4242 " }).waitFor();
  await page.getByRole("searchbox", { name: "Search the log" }).fill("0000 of");
  await main.getByText("10 lines").waitFor();
  await page.getByRole("button", { name: "Next match" }).click();
  await page.getByRole("button", { name: "Match before" }).click();
  await page.keyboard.press("Escape");

  // From its end to its begin; how long a frame takes is for the benchmark.
  await log().evaluate(async (element) => {
    for (let at = 0; at < 120; at += 1) {
      element.scrollTop = element.scrollHeight * (1 - at / 120);
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  });
  expect(await log().locator(".log-line").count()).toBeLessThan(200);
  await watched.isSound("a long log");

  const { name, lines } = await download();
  expect(name).toMatch(/^long-[0-9a-f]{8}\.log$/);
  expect(lines.length).toBe(LINES + 3);
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z line 1 of the log$/);
});

test("a log is wrapped, shown without times, and from its end", async () => {
  const { page, main } = hands;
  await watched.go(`/runs/${long}?tab=logs&tail=100`, "long");
  await main.getByText("100 lines", { exact: true }).waitFor();
  await main.getByText("complete").waitFor();
  expect(await log().locator("time").count()).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Times" }).click();
  await log().locator("time").first().waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Wrap" }).click();
  await page.reload();
  await main.getByText("complete").waitFor();
  expect(await page.getByRole("button", { name: "Wrap" }).getAttribute("aria-pressed")).toBe("true");
  await watched.isSound("a wrapped log");
  await page.getByRole("button", { name: "Times" }).click();
  await page.getByRole("button", { name: "Wrap" }).click();
});

test("a download has every line, also those that aren't on the page", async () => {
  const { page, main } = hands;
  await watched.go(`/runs/${long}?tab=logs&tail=100`, "long");
  await main.getByText("complete").waitFor();
  await page.getByRole("button", { name: "Times" }).click();
  const { lines } = await download();
  expect(lines.length).toBe(LINES + 3);
  expect([lines[0], lines[LINES - 1], lines.at(-2)]).toEqual(["line 1 of the log", `line ${LINES} of the log`, "end"]);
  await page.getByRole("button", { name: "Times" }).click();
});

test("a log that is written is followed, paused, and left alone while one reads further up", async () => {
  const { page, main } = hands;
  const name = "ticking";
  const line = "i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.05; done";
  const uuid = await submit(berth, job(line, { name }));
  await berth.reaches(uuid, "running");
  await watched.go(`/runs/${uuid}?tab=logs`, name);
  await main.getByText("live", { exact: true }).waitFor();
  const last = async () => Number(/tick (\d+)\s*$/.exec(await log().innerText())?.[1]);
  const first = await until("it is written", last);
  await until("more is shown", async () => (await last()) > first + 60);
  // Up by the keyboard: it stands still, though more lines come.
  await log().focus();
  await page.keyboard.press("Home");
  await page.getByRole("button", { name: "Follow", pressed: false }).waitFor();
  const before = Number((await main.getByText(/^[\d,]+ lines$/).innerText()).replace(/\D/g, ""));
  await until("more lines came", async () => {
    const now = Number((await main.getByText(/^[\d,]+ lines$/).innerText()).replace(/\D/g, ""));
    return now > before + 20;
  });
  expect(await log().evaluate((element) => element.scrollTop)).toBe(0);
  await page.getByRole("button", { name: "Pause" }).click();
  await main.getByText("paused").waitFor();
  const count = await main.getByText(/^[\d,]+ lines$/).innerText();
  await page.getByRole("button", { name: "Go on" }).click();
  await until("it goes on", async () => (await main.getByText(/^[\d,]+ lines$/).innerText()) !== count);
  await page.getByRole("button", { name: "Follow" }).click();
  await berth.post(`/api/v1/default/default/runs/${uuid}/stop`);
  await main.getByText("complete").waitFor();
  expect(await last()).toBeGreaterThan(first);
});

test("each attempt has its own log, and what isn't there is said in the server's words", async () => {
  const { page, main } = hands;
  const uuid = await submit(berth, job(FAILS_ONCE, { name: "twice", termination: { maxRetries: 1 } }));
  await berth.reaches(uuid, "succeeded");
  await watched.go(`/runs/${uuid}?tab=attempts`, "twice");
  await page.getByRole("button", { name: "Log of attempt 0" }).click();
  await main.getByText("complete").waitFor();
  await log().getByText("try 1", { exact: true }).waitFor();
  expect(await log().getByText("try 2", { exact: true }).count()).toBe(0);
  await main.getByRole("combobox", { name: "Attempt" }).selectOption("");
  await log().getByText("try 2", { exact: true }).waitFor();
  await page.goto(`/runs/${uuid}?tab=logs&container=sidecar`);
  await page
    .getByRole("alert")
    .getByText(/no log|no container|sidecar/)
    .waitFor();
  without(watched, 404);
});
