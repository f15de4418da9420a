// A page in a real Chromium: with a theme and a width, what it writes to the console, what axe finds, and screenshots.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { type Browser, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

const SCREENSHOTS = process.env.BERTH_TEST_SCREENSHOTS;

export type Theme = "light" | "dark";

export const LOOKS: { theme: Theme; width: number }[] = [
  { theme: "light", width: 1440 },
  { theme: "dark", width: 1440 },
  { theme: "light", width: 360 },
  { theme: "dark", width: 360 },
];

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.BERTH_TEST_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page that notes what should not be: errors on the console, and requests to anywhere but the server. */
export class Watched {
  readonly page: Page;
  readonly faults: string[] = [];

  private constructor(page: Page, server: string) {
    this.page = page;
    page.on("console", (message) => {
      // The network of the machine that tests changes as other tests make interfaces; the page asks again.
      if (message.text().includes("ERR_NETWORK_CHANGED")) return;
      if (message.type() === "error" || message.type() === "warning")
        this.faults.push(`${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.faults.push(`thrown: ${error.message}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(server)) this.faults.push(`asked elsewhere: ${request.url()}`);
    });
  }

  static async open(
    browser: Browser,
    server: string,
    { theme = "light", width = 1440 }: { theme?: Theme; width?: number } = {},
  ): Promise<Watched> {
    const context = await browser.newContext({
      baseURL: server,
      viewport: { width, height: width < 600 ? 780 : 900 },
      colorScheme: theme,
      reducedMotion: "reduce",
      permissions: ["clipboard-read", "clipboard-write"],
    });
    return new Watched(await context.newPage(), server);
  }

  /** Goes to a view, and waits until it shows what it has. */
  async go(path: string, heading: string): Promise<void> {
    await this.page.goto(path);
    await this.page.getByRole("heading", { level: 1, name: heading }).waitFor();
    await this.settled();
  }

  /** Nothing is loading any more. */
  async settled(): Promise<void> {
    await this.page.waitForFunction(() => !document.querySelector(".loading"));
  }

  /** No serious fault by axe, nothing wider than the window, nothing on the console. */
  async isSound(what: string): Promise<void> {
    const { violations } = await new AxeBuilder({ page: this.page }).setLegacyMode().analyze();
    const grave = violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`);
    expect(grave, `axe, ${what}`).toEqual([]);
    const overhang = await this.page.evaluate(() => {
      const main = document.querySelector("main") ?? document.body;
      return Math.max(main.scrollWidth - main.clientWidth, document.body.scrollWidth - window.innerWidth);
    });
    expect(overhang, `pixels beyond the window, ${what}`).toBeLessThanOrEqual(0);
    expect(this.faults, `console, ${what}`).toEqual([]);
  }

  async shoot(name: string): Promise<void> {
    if (!SCREENSHOTS) return;
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
