// What the first view needs, sent for while the rest of the page is on its way: its code, and the answer that it shows. A file
// of its own that waits for no other, so that the browser runs it first.

import { type Call, target } from "./api/call";
import { agentsCall, DEFAULT_OWNER, overviewCall, queuesCall, runsCall } from "./api/calls";
import type { Installation } from "./api/shapes";
import { session } from "./app/session";
import { runsSearch, whichOf } from "./views/runs-search";

/** The code of the views that have their answer early. */
export const views = {
  overview: () => import("./views/overview"),
  queues: () => import("./views/queues"),
  agents: () => import("./views/agents"),
  runs: () => import("./views/runs"),
};

interface First {
  view: keyof typeof views;
  /** What it shows first; none where that is not the list. */
  shows: Call | null;
}

/** What is behind an address, if that is known here. */
export function firstOf({ pathname, search }: { pathname: string; search: string }): First | null {
  const given = Object.fromEntries([...new URLSearchParams(search)].map(([name, value]) => [name, read(value)]));
  const owner = typeof given.owner === "string" && given.owner !== "" ? given.owner : DEFAULT_OWNER;
  switch (pathname) {
    case "/":
      return { view: "overview", shows: overviewCall(owner) };
    case "/queues":
      return { view: "queues", shows: queuesCall(owner) };
    case "/agents":
      return { view: "agents", shows: agentsCall(owner) };
    case "/runs": {
      const asked = runsSearch(given);
      return { view: "runs", shows: asked.by ? null : runsCall(whichOf(owner, asked)) };
    }
    default:
      return null;
  }
}

/** As the router reads a value of an address: what looks like JSON is that. */
function read(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** How long an answer waits for whoever asks, in milliseconds. Who comes later, is told what is so then. */
const WAITS = 10_000;

/** Answers that nobody has taken yet, by what they answer. */
const answers = new Map<string, Promise<Response>>();

/** Two spellings of one address are the same: the order of its parameters, and those that are empty. */
export function sameFor(url: string): string {
  const { pathname, searchParams } = new URL(url, "http://page");
  const told = [...searchParams].filter(([, value]) => value !== "").sort(([one], [other]) => (one < other ? -1 : 1));
  return `${pathname}?${new URLSearchParams(told)}`;
}

/** The answer to a request that was sent early. It is given once: who asks again, wants to know what is new. */
export function earlyAnswer({ method, url }: { method: string; url: string }): Promise<Response> | null {
  const key = sameFor(url);
  const answer = method === "GET" ? answers.get(key) : undefined;
  answers.delete(key);
  return answer ?? null;
}

function ask(call: Call): void {
  const answer = fetch(target(call), { headers: { Accept: "application/json", ...session.headers() } });
  // Who takes it, tells what is wrong with it.
  answer.catch(() => {});
  const key = sameFor(target(call));
  answers.set(key, answer);
  setTimeout(() => answers.delete(key), WAITS);
}

/** What the server wrote into the page of itself; nothing where the page is served by something else. */
export const installation = typeof document === "undefined" ? undefined : written();

function written(): Installation | undefined {
  const text = document.getElementById("installation")?.textContent;
  return text ? (JSON.parse(text) as Installation) : undefined;
}

function begin(): void {
  const first = firstOf(location);
  if (!first) return;
  // Where one must sign in, nothing is asked for that would be refused.
  if (first.shows && (installation?.dist === "ce" || (installation && session.hasToken))) ask(first.shows);
  views[first.view]().catch(() => {});
}

if (typeof location !== "undefined") begin();
