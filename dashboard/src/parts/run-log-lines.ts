// The lines of a log as they come: read on and on, kept, counted. What they look like is `run-log`'s.

import { useCallback, useEffect, useRef, useState } from "react";
import { Problem } from "~/api/problem";
import * as ask from "~/api/run-queries";
import { LogReader, MOST_LINES } from "~/format/log-reader";

/** How often a log is asked for that may go on, in milliseconds. */
const EVERY = 1_000;
/** How long after a failure it is tried again. */
const AGAIN = 4_000;

export type LogState = "reading" | "waiting" | "whole" | "full" | "failed";

export interface Log {
  lines: ask.LogLine[];
  /** Changes with the lines, which are one list that grows. */
  version: number;
  state: LogState;
  error: unknown;
  retry: () => void;
}

interface Kept {
  key: string;
  reader: LogReader;
  lines: ask.LogLine[];
  isWhole: boolean;
}

export function useLog(at: ask.At, part: ask.LogPart, isOver: boolean, isPaused: boolean): Log {
  const key = JSON.stringify([at, part]);
  const kept = useRef<Kept | null>(null);
  const over = useRef(isOver);
  over.current = isOver;
  const [version, setVersion] = useState(0);
  const [state, setState] = useState<LogState>("reading");
  const [error, setError] = useState<unknown>(null);
  const [tries, setTries] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a run that ends or is resumed, and a retry, begin it again
  useEffect(() => {
    if (kept.current?.key !== key) {
      const [asked, its] = JSON.parse(key) as [ask.At, ask.LogPart];
      const reader = new LogReader((next, signal) => ask.logPart(asked, next, signal), its);
      kept.current = { key, reader, lines: [], isWhole: false };
      setVersion((now) => now + 1);
    }
    const mine = kept.current;
    if (mine.isWhole && !isOver) {
      mine.reader.resume();
      mine.isWhole = false;
    }
    if (isPaused) return;
    const control = new AbortController();
    const pause = (time: number) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, time);
        control.signal.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve();
        });
      });
    const read = async () => {
      setState("reading");
      setError(null);
      while (!control.signal.aborted && !mine.isWhole) {
        if (mine.lines.length >= MOST_LINES) return setState("full");
        try {
          const next = await mine.reader.next(over.current, control.signal);
          if (next.lines.length > 0) {
            for (const line of next.lines) mine.lines.push(line);
            setVersion((now) => now + 1);
          }
          mine.isWhole = next.isWhole;
          setError(null);
          if (!next.isWhole && !next.hasMore) {
            setState("waiting");
            // What a run has left is there at once, or not at all.
            await pause(EVERY);
          }
        } catch (thrown) {
          if (control.signal.aborted) return;
          setError(thrown);
          setState("failed");
          // What isn't there isn't there later either; an agent that is away may be back.
          if (thrown instanceof Problem && thrown.status < 500) return;
          await pause(AGAIN);
        }
      }
      if (mine.isWhole && !control.signal.aborted) setState("whole");
    };
    void read();
    return () => control.abort();
  }, [key, isOver, isPaused, tries]);

  const retry = useCallback(() => setTries((now) => now + 1), []);
  const lines = kept.current?.key === key ? kept.current.lines : [];
  return { lines, version, state, error, retry };
}
