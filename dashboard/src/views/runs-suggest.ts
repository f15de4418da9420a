// What could come next in a query for runs, and what a half-written one means. Pure.

export interface Known {
  queues: string[];
  agents: string[];
  users: string[];
  kinds: string[];
  /** Milliseconds. */
  now: number;
}

export interface Suggestion {
  /** What stands there when it is taken. */
  text: string;
  says: string;
}

export interface Suggestions {
  /** The part of the query that is replaced. */
  from: number;
  until: number;
  items: Suggestion[];
}

export const STATUSES = [
  "created",
  "on_schedule",
  "resuming",
  "compiled",
  "queued",
  "scheduled",
  "starting",
  "running",
  "processing",
  "stopping",
  "warning",
  "unschedulable",
  "retrying",
  "unknown",
  "succeeded",
  "failed",
  "stopped",
  "skipped",
  "upstream_failed",
];

/** The fields that the API takes, and what each says. */
export const FIELDS: Record<string, string> = {
  status: "one or more, as in running|queued; ~ in front for all others",
  queue: "agent/queue, or the queue of the default agent",
  agent: "the agent's name",
  name: "the whole name, or %a part of it%",
  tags: "one of these: a|b",
  user: "who submitted it",
  kind: "job, service, …",
  reason: "why its last attempt ended: ExitCode, OOMKilled, …",
  priority: "0 to 9, or >=5, or 2..4",
  created_at: "a span: >2026-01-31, or 2026-01-01..2026-02-01",
  finished_at: "a span, as in created_at",
  updated_at: "only > or >=",
  pending: "what it waits for before it is queued: approval or upload",
  original: "the UUID of the run that it was made from",
  uuid: "one or more UUIDs",
  live_state: "0: those that were archived",
};

const SPANS: [string, number][] = [
  ["the last 10 minutes", 600],
  ["the last hour", 3_600],
  ["the last 24 hours", 86_400],
  ["the last 7 days", 604_800],
];

function valuesOf(field: string, known: Known): Suggestion[] {
  const plain = (values: string[], says = "") => values.map((text) => ({ text, says }));
  switch (field) {
    case "status":
      return plain(STATUSES);
    case "queue":
      return plain(known.queues);
    case "agent":
      return plain(known.agents);
    case "user":
      return plain(known.users);
    case "kind":
    case "runtime":
      return plain(known.kinds);
    case "pending":
      return plain(["approval", "upload"]);
    case "priority":
      return [
        { text: ">=5", says: "5 and more" },
        { text: "0", says: "what nobody gave another one" },
      ];
    case "live_state":
      return [
        { text: "0", says: "archived" },
        { text: "1", says: "not archived" },
      ];
    case "created_at":
    case "finished_at":
    case "updated_at":
      return SPANS.map(([says, seconds]) => ({
        text: `>${new Date(known.now - seconds * 1_000).toISOString().slice(0, 19)}Z`,
        says,
      }));
    default:
      return [];
  }
}

/** What could stand where the caret is. */
export function suggest(query: string, caret: number, known: Known): Suggestions {
  const begin = query.lastIndexOf(",", caret - 1) + 1;
  const comma = query.indexOf(",", caret);
  const end = comma < 0 ? query.length : comma;
  const clause = query.slice(begin, end);
  const from = begin + (clause.length - clause.trimStart().length);
  const colon = clause.indexOf(":");
  if (colon < 0 || begin + colon >= caret) {
    const typed = clause.trim().toLowerCase();
    const fields = Object.entries(FIELDS)
      .filter(([field]) => field.startsWith(typed))
      .map(([field, says]) => ({ text: `${field}:`, says }));
    const named = typed && colon < 0 ? [{ text: `name:%${clause.trim()}%`, says: "the name has it" }] : [];
    return { from, until: colon < 0 ? end : begin + colon + 1, items: [...fields, ...named] };
  }
  const field = clause.slice(0, colon).trim();
  const bar = query.lastIndexOf("|", caret - 1);
  const value = Math.max(begin + colon + 1, bar < begin ? 0 : bar + 1);
  const typed = query.slice(value, caret).trim().toLowerCase();
  const sign = /^~/.exec(typed)?.[0] ?? "";
  const next = query.indexOf("|", caret);
  const until = next < 0 || next > end ? end : next;
  const items = valuesOf(field, known)
    .filter(({ text, says }) => `${text} ${says}`.toLowerCase().includes(typed.slice(sign.length)))
    .filter(({ text }) => text.toLowerCase() !== typed)
    .map((item) => ({ ...item, text: sign + item.text }));
  return { from: value, until, items };
}

/** The query with a suggestion taken, and where the caret is then. */
export function take(
  query: string,
  { from, until }: Suggestions,
  { text }: Suggestion,
): { query: string; caret: number } {
  const next = query.slice(0, from) + text + query.slice(until);
  return { query: next, caret: from + text.length };
}

/** A query as it is sent: words that are no clause are looked for in names, and nothing dangles at the end. */
export function tidy(query: string): string {
  return query
    .split(",")
    .map((clause) => clause.trim())
    .filter((clause) => clause !== "")
    .map((clause) => (clause.includes(":") ? clause : `name:%${clause.replace(/^%+|%+$/g, "")}%`))
    .join(", ");
}

/** The statuses that a query names, or null if it names none, or all others than some. */
export function statusesOf(value: string | null): string[] | null {
  if (value === null || value.startsWith("~")) return null;
  return value
    .split("|")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

/** The value of `status` after a click on one of its chips; null: none. */
export function toggled(value: string | null, status: string): string | null {
  const now = statusesOf(value) ?? [];
  const next = now.includes(status) ? now.filter((one) => one !== status) : [...now, status];
  return next.length === 0 ? null : next.join("|");
}
