// What a run tracked, as points of a chart. Pure.

import type { Series } from "~/api/run-queries";

export type Along = "steps" | "time";

export interface Points {
  /** Steps, or moments in milliseconds; never less than the one before. */
  at: number[];
  values: (number | null)[];
}

/** The points of a series in their order. Rows that were tracked without a step are counted. */
export function pointsOf({ data }: Series, along: Along): Points {
  const rows = data.metric.map((value, row) => ({ at: placeOf(data, row, along), value }));
  const placed = rows.filter(({ at }) => Number.isFinite(at)).sort((a, b) => a.at - b.at);
  return { at: placed.map(({ at }) => at), values: placed.map(({ value }) => value) };
}

function placeOf({ step, timestamp }: Series["data"], row: number, along: Along): number {
  if (along === "steps") return step[row] ?? row;
  // Clients write moments with a blank, and some without a zone: those are UTC.
  const text = (timestamp[row] ?? "").replace(" ", "T");
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
}

/** The smallest and the largest place of several series. */
export function spanOf(all: Points[]): [number, number] {
  const firsts = all.flatMap(({ at }) => at.slice(0, 1));
  const lasts = all.flatMap(({ at }) => at.slice(-1));
  const [from, until] = [Math.min(...firsts), Math.max(...lasts)];
  return from < until ? [from, until] : [from - 1, from + 1];
}
