// Follows an owner's events and asks again what they touch: at most four times a second, and not while the tab is hidden.

import { type Query, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import { session } from "~/app/session";
import { backOff, type Changes, EventReader, nothing, reduce, touches } from "./events";

/** The shortest time between two refreshes. */
const SPACING = 250;
/** The server says something every 15 s; silence for longer is a lost connection. */
const SILENCE = 40_000;

export type Freshness =
  | { state: "connecting" }
  | { state: "live"; behind: number }
  | { state: "paused" }
  | { state: "lost"; since: number };

const Fresh = createContext<Freshness>({ state: "connecting" });

/** How fresh the page is. */
export function useFreshness(): Freshness {
  return useContext(Fresh);
}

export function Live({ owner, children }: { owner: string; children: ReactNode }) {
  const client = useQueryClient();
  const [freshness, setFreshness] = useState<Freshness>({ state: "connecting" });
  const lastId = useRef("");

  useEffect(() => {
    lastId.current = "";
    let changes: Changes = nothing();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let lastRefresh = 0;
    let connection: AbortController | undefined;
    let isOver = false;
    let isRefreshing = false;

    const refresh = async () => {
      timer = undefined;
      isRefreshing = true;
      const now = changes;
      changes = nothing();
      const began = performance.now();
      const isMeant = (query: Query) => touches(now, { ...query.meta, error: query.state.error });
      // An answer that is on its way already is not thrown away: under a storm of events none would ever come. But it may
      // be older than the event, so that it is asked for once more behind it.
      const early = new Set(client.getQueryCache().findAll({ predicate: isMeant, fetchStatus: "fetching" }));
      await client.invalidateQueries({ predicate: isMeant }, { cancelRefetch: false });
      if (early.size > 0) {
        await client.invalidateQueries({ predicate: (query) => early.has(query) }, { cancelRefetch: false });
      }
      isRefreshing = false;
      lastRefresh = performance.now();
      const behind = now.since === null ? 0 : Math.max(0, (Date.now() - now.since) / 1_000);
      if (!isOver && connection) setFreshness({ state: "live", behind: behind > 2 ? Math.round(behind) : 0 });
      // What takes long is asked less often.
      if (changes.kinds.size > 0 || changes.all) plan(lastRefresh - began);
    };

    const plan = (atLeast = 0) => {
      // What comes meanwhile is asked for when this is over.
      if (timer !== undefined || isRefreshing) return;
      const due = lastRefresh + Math.max(SPACING, atLeast) - performance.now();
      timer = setTimeout(() => void refresh(), Math.max(0, due));
    };

    const follow = async (control: AbortController): Promise<void> => {
      const headers: Record<string, string> = { Accept: "text/event-stream", ...session.headers() };
      if (lastId.current) headers["Last-Event-ID"] = lastId.current;
      const response = await fetch(`/api/v1/orgs/${encodeURIComponent(owner)}/events`, {
        headers,
        signal: control.signal,
        cache: "no-store",
      });
      if (!response.ok || !response.body) throw new Error(`the stream answered ${response.status}`);
      setFreshness({ state: "live", behind: 0 });
      if (!lastId.current) {
        // What changed after it was asked for, and before this stream was there, no event tells.
        changes.all = true;
        plan();
      }
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const events = new EventReader();
      for (;;) {
        const silence = setTimeout(() => control.abort(), SILENCE);
        const { done, value } = await reader.read().finally(() => clearTimeout(silence));
        if (done) return;
        for (const event of events.read(value)) {
          if (event.id) lastId.current = event.id;
          reduce(changes, event);
        }
        if (changes.kinds.size > 0 || changes.all) plan();
      }
    };

    const stay = async (control: AbortController) => {
      let lostSince = 0;
      for (let attempt = 0; !control.signal.aborted; attempt += 1) {
        // A connection that hangs is given up alone; `control` ends all of them.
        const one = new AbortController();
        const end = () => one.abort();
        control.signal.addEventListener("abort", end);
        const began = Date.now();
        try {
          await follow(one);
        } catch {
          // Told below, by the state.
        } finally {
          control.signal.removeEventListener("abort", end);
        }
        if (control.signal.aborted) return;
        if (Date.now() - began > 5_000) {
          attempt = 0;
          lostSince = 0;
        }
        lostSince ||= Date.now();
        setFreshness({ state: "lost", since: lostSince });
        await new Promise((resolve) => setTimeout(resolve, backOff(attempt, Math.random())));
      }
    };

    const visibility = () => {
      if (document.hidden) {
        connection?.abort();
        connection = undefined;
        setFreshness({ state: "paused" });
      } else if (!connection) {
        connection = new AbortController();
        setFreshness((before) => (before.state === "connecting" ? before : { state: "connecting" }));
        void stay(connection);
      }
    };
    document.addEventListener("visibilitychange", visibility);
    visibility();
    return () => {
      isOver = true;
      document.removeEventListener("visibilitychange", visibility);
      connection?.abort();
      clearTimeout(timer);
    };
  }, [client, owner]);

  const value = useMemo(() => freshness, [freshness]);
  return <Fresh value={value}>{children}</Fresh>;
}
