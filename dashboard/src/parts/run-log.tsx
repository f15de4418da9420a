// The log of a run: followed while it is written, searched, wrapped, with times, downloaded. Only the lines in sight are drawn.

import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, useEffect, useMemo, useRef, useState } from "react";
import { line as commandLine } from "~/actions/run";
import { shownCall } from "~/api/call";
import { wordsOf } from "~/api/problem";
import * as ask from "~/api/run-queries";
import { usePreferences } from "~/app/preferences";
import { save } from "~/app/save";
import { type Piece, pieces, plain } from "~/format/log";
import { MOST_LINES, textOf, wholeText } from "~/format/log-reader";
import { LogSearch, nextMatch, spans } from "~/format/log-search";
import { count } from "~/format/number";
import { moment, type Zone } from "~/format/time";
import { FINAL } from "~/views/run-timeline";
import type { RunSearch } from "~/views/runs-search";
import { type Log, useLog } from "./run-log-lines";
import { Note } from "./states";
import { Snippet } from "./text";

const LINE = 18;
/** What is drawn of one line at most, in characters. */
const WIDEST = 20_000;

/** The containers that an operation names beside its main one. */
export function containersOf(content: string | null): string[] {
  try {
    const { run } = JSON.parse(content ?? "{}") as { run?: Record<string, unknown> };
    const named = (list: unknown) =>
      Array.isArray(list)
        ? list.flatMap(
            (one: { name?: unknown; container?: { name?: unknown } }) => one.container?.name ?? one.name ?? [],
          )
        : [];
    return [...named(run?.init), ...named(run?.sidecars)].filter((name) => typeof name === "string");
  } catch {
    return [];
  }
}

/** How many pods a service has. */
function replicasOf(content: string | null): number {
  try {
    const { run } = JSON.parse(content ?? "{}") as { run?: { replicas?: unknown } };
    return typeof run?.replicas === "number" ? run.replicas : 1;
  } catch {
    return 1;
  }
}

function useKept(name: string, otherwise: boolean): [boolean, (value: boolean) => void] {
  const key = `berth.log.${name}`;
  const [value, setValue] = useState(() => (localStorage.getItem(key) ?? String(otherwise)) === "true");
  return [
    value,
    (next) => {
      localStorage.setItem(key, String(next));
      setValue(next);
    },
  ];
}

export function RunLog({
  run,
  search,
  onSearch,
}: {
  run: ask.WholeRun;
  search: RunSearch;
  onSearch: (next: Partial<RunSearch>) => void;
}) {
  const { owner, project, uuid } = run;
  const at = useMemo(() => ({ owner, project, uuid }), [owner, project, uuid]);
  const { attempt, container, replica, tail } = search;
  const [isPaused, setIsPaused] = useState(false);
  const [wraps, setWraps] = useKept("wrap", false);
  const [hasTimes, setHasTimes] = useKept("times", true);
  const [follows, setFollows] = useState(true);
  const isOver = FINAL.has(run.status);
  const part = useMemo(() => ({ attempt, container, replica, tail }), [attempt, container, replica, tail]);
  const log = useLog(at, part, isOver, isPaused);
  const [find, setFind] = useState(search.find ?? "");
  const finder = useRef(new LogSearch());
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the lines
  const found = useMemo(() => finder.current.in(log.lines, find), [log.lines, log.version, find]);
  const [match, setMatch] = useState(-1);
  const [shown, setShown] = useState(-1);
  const viewer = useRef<{ show: (line: number) => void; top: () => number }>(null);

  const go = (step: 1 | -1) => {
    const from = match >= 0 && match < found.length ? (found[match] ?? -1) : (viewer.current?.top() ?? -1);
    const next = nextMatch(found, from, step);
    const line = found[next];
    if (line === undefined) return;
    setMatch(next);
    setShown(line);
    setFollows(false);
    viewer.current?.show(line);
  };
  // A search in the address is gone to as soon as something is found.
  const isFound = found.length > 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, and not with each line
  useEffect(() => {
    if (search.find && isFound && match < 0) go(1);
  }, [isFound]);

  const press = (event: KeyboardEvent<HTMLElement>) => {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.target as HTMLElement).matches("input, select"))
      return;
    if (event.key === "n" || event.key === "N") go(event.key === "n" ? 1 : -1);
    else if (event.key === "f") setFollows((now) => !now);
    else if (event.key === "w") setWraps(!wraps);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of what is within
    <div className="log" onKeyDown={press}>
      <div className="filters log-tools">
        <input
          type="search"
          className="search"
          data-search
          aria-label="Search the log"
          placeholder="Search the log"
          spellCheck={false}
          value={find}
          onChange={(event) => {
            setFind(event.target.value);
            setMatch(-1);
          }}
          onBlur={() => onSearch({ find: find || undefined })}
          onKeyDown={(event) => {
            if (event.key === "Enter") {
              event.preventDefault();
              go(event.shiftKey ? -1 : 1);
            } else if (event.key === "Escape" && find) {
              setFind("");
              onSearch({ find: undefined });
            }
          }}
        />
        {find && (
          <>
            <output className="number log-count" aria-live="polite">
              {found.length === 0
                ? "no line"
                : match < 0
                  ? `${count(found.length)} lines`
                  : `${count(match + 1)} of ${count(found.length)}`}
            </output>
            <span className="segments">
              <button
                type="button"
                className="button"
                disabled={!isFound}
                onClick={() => go(-1)}
                aria-label="Match before"
              >
                ↑
              </button>
              <button
                type="button"
                className="button"
                disabled={!isFound}
                onClick={() => go(1)}
                aria-label="Next match"
              >
                ↓
              </button>
            </span>
          </>
        )}
        <Choices run={run} search={search} onSearch={onSearch} />
        <span className="segments">
          <Toggle name="Follow" isOn={follows} onToggle={setFollows} />
          <Toggle name="Wrap" isOn={wraps} onToggle={setWraps} />
          <Toggle name="Times" isOn={hasTimes} onToggle={setHasTimes} />
        </span>
        {!isOver && (
          <button type="button" className="button" onClick={() => setIsPaused((now) => !now)} aria-pressed={isPaused}>
            {isPaused ? "Go on" : "Pause"}
          </button>
        )}
        <Download read={wholeOf(at, part, log, hasTimes)} name={`${run.name ?? uuid}-${uuid.slice(0, 8)}`} />
      </div>
      {log.error !== null && (
        <Note tone="bad">
          <p>{wordsOf(log.error)}</p>
          <button type="button" className="button" onClick={log.retry}>
            Try again
          </button>
        </Note>
      )}
      <Lines
        ref={viewer}
        log={log}
        wraps={wraps}
        hasTimes={hasTimes}
        find={find}
        current={find ? shown : -1}
        follows={follows}
        onFollow={setFollows}
        nothing={nothingIn(run, log)}
      />
      <p className="runs-foot faint number">
        <span>
          {count(log.lines.length)} {log.lines.length === 1 ? "line" : "lines"}
        </span>
        <span>{stateOf(log, isPaused)}</span>
      </p>
      <details className="same">
        <summary>The same by REST and on the command line</summary>
        <Snippet label="REST call" text={shownCall(ask.logCall(at, part))} />
        <Snippet
          label="Command line"
          text={commandLine(owner, project, ["ops", "logs", uuid], {
            follow: !isOver,
            container,
            replica,
            attempt,
            tail,
          })}
        />
      </details>
    </div>
  );
}

function nothingIn(run: ask.WholeRun, log: Log): string {
  if (log.error !== null) return "";
  if (log.state === "reading") return "Reading…";
  if (FINAL.has(run.status)) return run.started_at ? "It wrote nothing." : "It never started, and wrote nothing.";
  return run.started_at ? "It has written nothing yet." : "It has not started yet; its log will be here.";
}

function stateOf(log: Log, isPaused: boolean): string {
  if (isPaused) return "paused";
  switch (log.state) {
    case "reading":
      return "reading…";
    case "waiting":
      return "live";
    case "whole":
      return "complete";
    case "full":
      return `only the first ${count(MOST_LINES)} are shown; look at the last lines, or download it`;
    case "failed":
      return "failed";
  }
}

function Toggle({ name, isOn, onToggle }: { name: string; isOn: boolean; onToggle: (isOn: boolean) => void }) {
  return (
    <button
      type="button"
      className={isOn ? "button button-on" : "button"}
      aria-pressed={isOn}
      onClick={() => onToggle(!isOn)}
    >
      {name}
    </button>
  );
}

function Choices({
  run,
  search: { attempt, container, replica, tail },
  onSearch,
}: {
  run: ask.WholeRun;
  search: RunSearch;
  onSearch: (next: Partial<RunSearch>) => void;
}) {
  const containers = containersOf(run.content);
  if (container && !containers.includes(container)) containers.push(container);
  const replicas = replicasOf(run.content);
  const number = (text: string) => (text === "" ? undefined : Number(text));
  return (
    <>
      {(run.attempt > 0 || attempt !== undefined) && (
        <select
          aria-label="Attempt"
          value={attempt ?? ""}
          onChange={(event) => onSearch({ attempt: number(event.target.value) })}
        >
          <option value="">All attempts</option>
          {Array.from({ length: run.attempt + 1 }, (_, one) => one).map((one) => (
            <option key={one} value={one}>
              Attempt {one}
            </option>
          ))}
        </select>
      )}
      {containers.length > 0 && (
        <select
          aria-label="Container"
          value={container ?? ""}
          onChange={(event) => onSearch({ container: event.target.value || undefined })}
        >
          <option value="">Main container</option>
          {containers.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
      {replicas > 1 && (
        <select
          aria-label="Replica"
          value={replica ?? ""}
          onChange={(event) => onSearch({ replica: number(event.target.value) })}
        >
          <option value="">Replica 0</option>
          {Array.from({ length: replicas - 1 }, (_, one) => one + 1).map((one) => (
            <option key={one} value={one}>
              Replica {one}
            </option>
          ))}
        </select>
      )}
      <select
        aria-label="How much of it"
        value={tail ?? ""}
        onChange={(event) => onSearch({ tail: number(event.target.value) })}
      >
        <option value="">From the start</option>
        {[100, 1_000, 2_000].map((lines) => (
          <option key={lines} value={lines}>
            Last {count(lines)} lines
          </option>
        ))}
      </select>
    </>
  );
}

type ReadWhole = (onLines: (count: number) => void) => Promise<string[]>;

/** The whole log as texts: what the page has, if that is all; or read anew, from its start. */
function wholeOf(at: ask.At, part: ask.LogPart, log: Log, hasTimes: boolean): ReadWhole {
  return async (onLines) => {
    if (log.state === "whole" && part.tail === undefined) return log.lines.map((line) => textOf(line, hasTimes));
    const read = (next: ask.LogPart, signal: AbortSignal) => ask.logPart(at, next, signal);
    return wholeText(read, { ...part, tail: undefined }, hasTimes, new AbortController().signal, onLines);
  };
}

function Download({ read, name }: { read: ReadWhole; name: string }) {
  const [lines, setLines] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const download = async () => {
    setLines(0);
    setError(null);
    try {
      save(new Blob(await read(setLines), { type: "text/plain" }), `${name}.log`);
    } catch (thrown) {
      setError(thrown);
    } finally {
      setLines(null);
    }
  };
  return (
    <>
      <button type="button" className="button" disabled={lines !== null} onClick={() => void download()}>
        {lines === null ? "Download" : `${count(lines)} lines…`}
      </button>
      {error !== null && <span className="bad">{wordsOf(error)}</span>}
    </>
  );
}

interface LinesProps {
  ref: React.Ref<{ show: (line: number) => void; top: () => number }>;
  log: Log;
  wraps: boolean;
  hasTimes: boolean;
  find: string;
  current: number;
  follows: boolean;
  onFollow: (follows: boolean) => void;
  nothing: string;
}

function Lines({ ref, log, wraps, hasTimes, find, current, follows, onFollow, nothing }: LinesProps) {
  const { zone } = usePreferences();
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: log.lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE,
    overscan: 24,
  });
  const show = (line: number) => virtual.scrollToIndex(line, { align: "center" });
  const top = () => (virtual.range?.startIndex ?? 0) - 1;
  const handle = useRef({ show, top });
  handle.current = { show, top };
  useEffect(() => {
    const given = { show: (line: number) => handle.current.show(line), top: () => handle.current.top() };
    if (typeof ref === "function") ref(given);
    else if (ref) ref.current = given;
  }, [ref]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: with every line that comes
  useEffect(() => {
    if (follows && log.lines.length > 0) virtual.scrollToIndex(log.lines.length - 1, { align: "end" });
  }, [log.version, follows, wraps]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: lines have other heights then
  useEffect(() => virtual.measure(), [wraps]);

  const before = useRef(0);
  const scrolled = () => {
    const element = scroller.current;
    if (!element) return;
    const left = element.scrollHeight - element.scrollTop - element.clientHeight;
    if (element.scrollTop < before.current - 4 && left > LINE * 2 && follows) onFollow(false);
    else if (left < 2 && !follows && element.scrollTop > before.current) onFollow(true);
    before.current = element.scrollTop;
  };
  const items = virtual.getVirtualItems();
  const start = items[0]?.start ?? 0;
  return (
    <section
      ref={scroller}
      className={wraps ? "log-lines log-wraps" : "log-lines"}
      aria-label="Log"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable
      tabIndex={0}
      onScroll={scrolled}
    >
      {log.lines.length === 0 && <p className="log-nothing">{nothing}</p>}
      <div className="log-inner" style={{ height: virtual.getTotalSize() }}>
        <div className="log-seen" style={{ transform: `translateY(${start}px)` }}>
          {items.map((item) => {
            const line = log.lines[item.index];
            return line ? (
              <div
                key={item.key}
                data-index={item.index}
                ref={wraps ? virtual.measureElement : undefined}
                className={item.index === current ? "log-line log-current" : "log-line"}
              >
                <Line line={line} hasTimes={hasTimes} find={find} zone={zone} />
              </div>
            ) : null;
          })}
        </div>
      </div>
    </section>
  );
}

const Line = memo(function Line({
  line,
  hasTimes,
  find,
  zone,
}: {
  line: ask.LogLine;
  hasTimes: boolean;
  find: string;
  zone: Zone;
}) {
  const value = line.value.length > WIDEST ? `${line.value.slice(0, WIDEST)}…` : line.value;
  return (
    <>
      {hasTimes && (
        <time className="log-at" dateTime={line.timestamp} title={line.timestamp}>
          {moment(line.timestamp, zone).slice(11)}
          {/\.\d{3}/.exec(line.timestamp)?.[0]}
        </time>
      )}
      <span className="log-text">
        {marked(pieces(value), spans(plain(value), find)).map(({ piece, from, isMatch }) => {
          const look = lookOf(piece);
          return isMatch ? (
            <mark key={from} className={look}>
              {piece.text}
            </mark>
          ) : look ? (
            <span key={from} className={look}>
              {piece.text}
            </span>
          ) : (
            piece.text
          );
        })}
      </span>
    </>
  );
});

/** Pieces cut where a match begins and ends. */
export function marked(all: Piece[], found: [number, number][]): { piece: Piece; from: number; isMatch: boolean }[] {
  const cuts: { piece: Piece; from: number; isMatch: boolean }[] = [];
  let at = 0;
  for (const piece of all) {
    const end = at + piece.text.length;
    let from = at;
    const add = (until: number, isMatch: boolean) => {
      if (until <= from) return;
      cuts.push({ piece: { ...piece, text: piece.text.slice(from - at, until - at) }, from, isMatch });
      from = until;
    };
    for (const [begin, over] of found) {
      if (over <= from || begin >= end) continue;
      add(Math.max(begin, from), false);
      add(Math.min(over, end), true);
    }
    add(end, false);
    at = end;
  }
  return cuts;
}

function lookOf({ look }: Piece): string | undefined {
  const names = [
    look.color !== undefined && `ansi-${look.color}`,
    look.isBold && "ansi-bold",
    look.isFaint && "ansi-faint",
    look.isItalic && "ansi-italic",
    look.isUnderlined && "ansi-underlined",
  ].filter((name) => name);
  return names.length > 0 ? names.join(" ") : undefined;
}
