// Runs for the tests of their views: ones that fail, are retried, wait for an approval, write much.

import type { Locator } from "playwright-core";
import { type Berth, until } from "./berth";
import type { Watched } from "./page";

export interface Run {
  uuid: string;
  name: string;
  status: string;
  project: string;
  priority: number;
  attempt: number;
  tags: string[];
  pending: string | null;
  live_state: number;
  content: string;
  original: { uuid: string } | null;
  settings: { queue: { name: string } };
}

/** Submits an operation as it is given. */
export async function submit(berth: Berth, operation: object, more: object = {}): Promise<string> {
  const content = JSON.stringify(operation);
  const { uuid } = await berth.post<{ uuid: string }>("/api/v1/default/default/runs", { content, ...more });
  return uuid;
}

export const job = (line: string, more: object = {}) => ({
  kind: "component",
  run: { kind: "job", container: { image: "busybox", command: ["sh", "-c"], args: [line] } },
  ...more,
});

/** A line that fails the first time, and says which time it is. */
export const FAILS_ONCE = [
  'n="$(dirname "$(mktemp -u)")/berth-once-{{ globals.uuid }}"; echo x >> "$n"; c=$(wc -l < "$n" | tr -d " "); echo "try $c"',
  'if [ "$c" -lt 2 ]; then exit 1; fi; rm "$n"',
].join("; ");

export const get = (berth: Berth, uuid: string) => berth.get<Run>(`/api/v1/orgs/default/runs/${uuid}`);

/** A queue of the local agent, for one test. */
export async function queue(berth: Berth, name: string, more: object = {}): Promise<string> {
  await berth.post("/api/v1/orgs/default/agents/local/queues", { name, ...more });
  return `local/${name}`;
}

/** A queue that starts nothing. */
export const heldQueue = (berth: Berth, name: string) => queue(berth, name, { paused: { reason: "new driver" } });

export async function list(berth: Berth, query: string): Promise<Run[]> {
  const path = `/api/v1/orgs/default/runs?limit=1000&sort=created_at&query=${encodeURIComponent(query)}`;
  return (await berth.get<{ results: Run[] }>(path)).results;
}

/** Waits until all runs of a query are so. */
export const all = (berth: Berth, query: string, are: (run: Run) => boolean) =>
  until(`all of ${query}`, async () => {
    const runs = await list(berth, query);
    return runs.length > 0 && runs.every(are) && runs;
  });

/** What is done in the views of runs, as somebody would. */
export class Hands {
  constructor(private readonly watched: Watched) {}

  get page() {
    return this.watched.page;
  }

  get main(): Locator {
    return this.page.getByRole("main");
  }

  get dialog(): Locator {
    return this.page.getByRole("dialog");
  }

  get rows(): Locator {
    return this.page.getByRole("region", { name: "Runs" }).locator("tbody tr[data-index]");
  }

  row(name: string): Locator {
    return this.rows.filter({ has: this.page.getByRole("link", { name, exact: true }) });
  }

  /** Opens what the button, or the menu behind "More", calls so. */
  async choose(name: string, within: Locator = this.main): Promise<void> {
    const button = within.getByRole("button", { name, exact: true });
    if ((await button.count()) > 0) {
      await button.click();
    } else {
      await within.getByRole("button", { name: "More" }).click();
      await this.page.getByRole("menuitem", { name, exact: true }).click();
    }
    await this.dialog.waitFor();
  }

  /** The REST call and the command line that a dialog shows. */
  async shown(): Promise<{ rest: string; cli: string }> {
    await this.dialog.getByText("The same by REST and on the command line").click();
    const [rest = "", cli = ""] = await this.dialog.locator(".same pre").allInnerTexts();
    return { rest, cli };
  }

  async done(verb: string): Promise<void> {
    await this.dialog.getByRole("button", { name: verb, exact: true }).click();
    await this.dialog.waitFor({ state: "detached" });
  }
}

/** Faults of a test that asks for what the server refuses, without the refusals themselves. */
export function without(watched: Watched, status: number): void {
  const others = watched.faults.filter((fault) => !fault.includes(`status of ${status}`));
  watched.faults.splice(0, watched.faults.length, ...others);
}
