// The rows of the list of runs: pages that were fetched, what became of them since, and what is shown while it stands still. Pure.

import type { Run } from "~/api/shapes";

/** The newest answer for the first page, laid over the rows before it. Null: nothing of both meets, and the list is to be
 * read anew. */
export function mergeHead(head: Run[], before: Run[], isAll: boolean): Run[] | null {
  if (before.length === 0 || isAll) return head;
  const last = head.at(-1);
  if (!last) return head;
  const at = before.findIndex((run) => run.uuid === last.uuid);
  if (at < 0) return null;
  const inHead = new Set(head.map((run) => run.uuid));
  // What stood before the end of the head and isn't in it is no longer like what is asked for.
  return [...head, ...before.slice(at + 1).filter((run) => !inHead.has(run.uuid))];
}

/** Whether two answers tell the same of a run: each change of it moves its time. */
const isAsBefore = (row: Run, run: Run) => run.updated_at === row.updated_at && run.status === row.status;

/** The rows with what is known of them now; their order and number stay, and so do rows that tell nothing new. */
export function updated(rows: Run[], now: Iterable<Run>): Run[] {
  const known = new Map<string, Run>();
  for (const run of now) known.set(run.uuid, run);
  let isSame = true;
  const next = rows.map((row) => {
    const run = known.get(row.uuid);
    if (!run || run === row || isAsBefore(row, run)) return row;
    isSame = false;
    return run;
  });
  return isSame ? rows : next;
}

/** How many of the first page a list that stands still doesn't have. */
export function newer(shown: Run[], head: Run[]): number {
  const known = new Set(shown.map((run) => run.uuid));
  return head.filter((run) => !known.has(run.uuid)).length;
}

/** All rows from one to another, for a selection with Shift held down. */
export function between(rows: Run[], from: string, to: string): string[] {
  const [a, b] = [from, to].map((uuid) => rows.findIndex((run) => run.uuid === uuid));
  if (a === undefined || b === undefined || a < 0 || b < 0) return [to];
  return rows.slice(Math.min(a, b), Math.max(a, b) + 1).map((run) => run.uuid);
}
