// What is measured of a page, and how it is told: a table on the console, and JSON where BERTH_BENCH_JSON names a file.

import { writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import type { Browser, CDPSession, Page } from "playwright-core";

/** How much slower than this machine the browser's processor is made. */
export const THROTTLE = 4;

export interface Measured {
  what: string;
  /** Every single value. */
  values: number[];
  unit: "ms" | "MB" | "kB" | "requests";
  /** What the median must not exceed; null where it is told only. */
  budget: number | null;
}

const all: Measured[] = [];

export function note(measured: Measured): Measured {
  all.push(measured);
  return measured;
}

export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const shown = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

/** Tells all that was noted. */
export async function report(): Promise<void> {
  const rows = all.map(({ what, values, unit, budget }) => {
    const median = quantile(values, 0.5);
    const spread = values.length > 1 ? `${shown(Math.min(...values))} to ${shown(Math.max(...values))}` : "";
    const verdict = budget === null ? "" : median <= budget ? `within ${budget}` : `OVER ${budget}`;
    return [what.padEnd(58), `${shown(median)} ${unit}`.padStart(14), spread.padStart(18), verdict].join("  ");
  });
  process.stdout.write(`\n${rows.join("\n")}\n`);
  const file = process.env.BERTH_BENCH_JSON;
  if (!file) return;
  const machine = { processors: cpus().length, model: cpus()[0]?.model, load: loadavg() };
  await writeFile(file, `${JSON.stringify({ machine, throttle: THROTTLE, measured: all }, null, 2)}\n`);
}

/** A page of its own, with nothing kept, on a processor that is so much slower. */
export async function slowPage(browser: Browser, server: string, slower = THROTTLE): Promise<[Page, CDPSession]> {
  const context = await browser.newContext({ baseURL: server, viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: slower });
  return [page, session];
}

/**
 * Milliseconds from the request of a path until what `selector` finds is on the screen. Told by the page itself, through the
 * browser's protocol: Playwright's own waiting would have the slowed processor read some hundred kB of Playwright's scripts.
 */
export async function paintOf(session: CDPSession, url: string, selector: string): Promise<number> {
  const tell = `
    const observer = new MutationObserver(() => {
      if (!document.querySelector(${JSON.stringify(selector)})) return;
      observer.disconnect();
      // After the frame in which it is drawn.
      requestAnimationFrame(() => setTimeout(() => berthSeen(String(performance.now()))));
    });
    observer.observe(document, { childList: true, subtree: true });`;
  await session.send("Page.enable");
  await session.send("Runtime.enable");
  await session.send("Runtime.addBinding", { name: "berthSeen" });
  const { identifier } = await session.send("Page.addScriptToEvaluateOnNewDocument", { source: `{${tell}}` });
  const seen = new Promise<number>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${url} has shown no ${selector} for 60 s`)), 60_000);
    session.once("Runtime.bindingCalled", ({ payload }) => {
      clearTimeout(late);
      resolve(Number(payload));
    });
  });
  await session.send("Page.navigate", { url });
  const took = await seen;
  await session.send("Page.removeScriptToEvaluateOnNewDocument", { identifier });
  await session.send("Runtime.disable");
  return took;
}

/** Scrolls what `selector` finds from one end to the other; the milliseconds of each frame. */
export function frames(page: Page, selector: string, steps: number): Promise<number[]> {
  return page.evaluate(
    async ([wanted, count]) => {
      const region = document.querySelector(wanted) as HTMLElement;
      const took: number[] = [];
      let last = await new Promise<number>(requestAnimationFrame);
      const distance = region.scrollHeight - region.clientHeight;
      for (let step = 1; step <= count; step += 1) {
        region.scrollTop = (distance * step) / count;
        const now = await new Promise<number>(requestAnimationFrame);
        took.push(now - last);
        last = now;
      }
      return took;
    },
    [selector, steps] as const,
  );
}

/** What the page holds of memory when all that is not needed is let go, in MB. */
export async function heap(session: CDPSession): Promise<number> {
  for (let at = 0; at < 3; at += 1) await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize / 1e6;
}
