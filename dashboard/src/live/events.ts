// Server-sent events as they come in pieces, and what of them makes the page ask again. Pure; the connection is
// `live.tsx`'s.

import { Problem } from "~/api/problem";

export interface StreamEvent {
  id: string;
  kind: string;
  data: string;
}

/** Reads the format of server-sent events from pieces of text that may end anywhere. */
export class EventReader {
  private rest = "";

  read(piece: string): StreamEvent[] {
    this.rest += piece;
    const blocks = this.rest.split(/\r?\n\r?\n/);
    this.rest = blocks.pop() ?? "";
    return blocks.map(readBlock).filter((event) => event !== null);
  }
}

function readBlock(block: string): StreamEvent | null {
  let id = "";
  let kind = "message";
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    // A line that begins with a colon is a comment: the sign of life.
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") id = value;
    else if (field === "event") kind = value;
    else if (field === "data") data.push(value);
  }
  return data.length === 0 && id === "" ? null : { id, kind, data: data.join("\n") };
}

/** What has changed since the page asked last. */
export interface Changes {
  kinds: Set<string>;
  /** Runs by their uuid. */
  uuids: Set<string>;
  /** Events were missed: everything may have changed. */
  all: boolean;
  /** When the oldest of them happened, in milliseconds. */
  since: number | null;
}

export function nothing(): Changes {
  return { kinds: new Set(), uuids: new Set(), all: false, since: null };
}

/** Adds an event to what has changed. */
export function reduce(changes: Changes, event: StreamEvent): Changes {
  if (event.kind === "resync") {
    changes.all = true;
    return changes;
  }
  changes.kinds.add(event.kind);
  try {
    const { uuid, at } = JSON.parse(event.data) as { uuid?: string; at?: string };
    if (uuid) changes.uuids.add(uuid);
    const moment = at ? Date.parse(at) : Number.NaN;
    if (!Number.isNaN(moment)) changes.since = Math.min(changes.since ?? moment, moment);
  } catch {
    // An event that can't be read still says that something of its kind has changed.
  }
  return changes;
}

export interface Dependence {
  live?: string[];
  uuid?: string;
  /** How it was answered last, if that went wrong. */
  error?: unknown;
}

/** Whether a question that depends on this is to be asked again. */
export function touches(changes: Changes, { live, uuid, error }: Dependence): boolean {
  if (!live) return false;
  // What the server could make nothing of: no event makes sense of it, and its reason would go and come back with each.
  if (error instanceof Problem && error.status === 400) return false;
  if (changes.all) return true;
  if (!live.some((kind) => changes.kinds.has(kind))) return false;
  return uuid === undefined || changes.uuids.has(uuid);
}

/** How long to wait before the next attempt: doubled up to 15 s, and spread, so that pages don't come all at once. */
export function backOff(attempt: number, random: number): number {
  const ceiling = Math.min(15_000, 500 * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + (ceiling / 2) * random;
}
