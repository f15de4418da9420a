// The list of runs as it is shown: its first page live, further ones as they are scrolled to, what is in sight kept up to
// date, and all of it standing still while somebody selects or has scrolled.

import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Which } from "~/api/calls";
import * as ask from "~/api/run-queries";
import type { List, Run } from "~/api/shapes";
import { mergeHead, newer, updated } from "./runs-rows";

const NONE: Run[] = [];

interface Pages {
  /** Whose these are: a list's key, and its first page. */
  key: string;
  first: List<Run> | undefined;
  rows: Run[];
  /** Where the next page begins; undefined: there is none. */
  cursor: string | undefined;
}

export interface RunList {
  head: ReturnType<typeof useHead>;
  rows: Run[];
  /** How many there are, as far as the server counts. */
  count: number | null;
  newer: number;
  isAll: boolean;
  isLoadingMore: boolean;
  error: unknown;
  more: () => void;
  catchUp: () => void;
}

function pagesOf(key: string, first: List<Run> | undefined): Pages {
  return { key, first, rows: first?.results ?? [], cursor: ask.cursorOf(first?.next ?? null) };
}

function useHead(which: Which) {
  return useQuery(ask.head(which));
}

export function useRunList(which: Which, isStill: boolean, inSight: string[]): RunList {
  const key = JSON.stringify(which);
  const head = useHead(which);
  const first = head.isPlaceholderData ? undefined : head.data;
  const [pages, setPages] = useState<Pages>(() => pagesOf(key, first));
  const [still, setStill] = useState<Run[] | null>(null);
  const [isLoadingMore, setIsLoadingMore] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const fetching = useRef<AbortController | null>(null);

  useEffect(() => {
    if (!first) return;
    setPages((before) => {
      if (before.key === key && before.first === first) return before;
      const own = before.key === key ? before.rows : [];
      const isAll = first.next === null;
      const hasFurther = own.length > first.results.length && before.key === key;
      const merged = hasFurther ? mergeHead(first.results, own, isAll) : null;
      return merged && !isAll ? { key, first, rows: merged, cursor: before.cursor } : pagesOf(key, first);
    });
  }, [first, key]);

  // What belongs to another question is let go.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key is why
  useEffect(() => {
    setStill(null);
    setError(null);
    return () => fetching.current?.abort();
  }, [key]);

  const rows = pages.key === key ? pages.rows : (head.data?.results ?? []);
  useEffect(() => {
    if (!isStill) setStill(null);
    else setStill((now) => now ?? rows);
  }, [isStill, rows]);

  const known = new Set(head.data?.results.map((run) => run.uuid));
  const others = inSight.filter((uuid) => !known.has(uuid)).slice(0, 100);
  const seen = useQuery(ask.seen(which.owner, others));
  const fresh = (others.length > 0 && seen.data?.results) || NONE;
  const stands = isStill && still ? still : rows;
  const shown = useMemo(() => updated(stands, [...rows, ...fresh]), [stands, rows, fresh]);

  // Another list goes on from elsewhere.
  const cursor = pages.key === key ? pages.cursor : undefined;
  const more = useCallback(() => {
    if (!cursor || fetching.current) return;
    const control = new AbortController();
    fetching.current = control;
    setIsLoadingMore(true);
    setError(null);
    const asked = JSON.parse(key) as Which;
    ask
      .runsPage(asked, { cursor }, control.signal)
      .then((page) => {
        const add = (to: Run[]) => {
          const has = new Set(to.map((run) => run.uuid));
          return [...to, ...page.results.filter((run) => !has.has(run.uuid))];
        };
        setPages((now) => (now.key === key ? { ...now, rows: add(now.rows), cursor: ask.cursorOf(page.next) } : now));
        setStill((now) => now && add(now));
      })
      .catch((thrown: unknown) => {
        if (!control.signal.aborted) setError(thrown);
      })
      .finally(() => {
        fetching.current = null;
        setIsLoadingMore(false);
      });
  }, [cursor, key]);

  return {
    head,
    rows: shown,
    count: head.data?.count ?? null,
    newer: isStill && still ? newer(still, rows) : 0,
    isAll: cursor === undefined,
    isLoadingMore,
    error,
    more,
    catchUp: () => setStill(rows),
  };
}
