// Small pieces of text: moments, ages, durations, statuses, names to copy.

import { type ReactNode, useState } from "react";
import { useNow } from "~/app/now";
import { usePreferences } from "~/app/preferences";
import { ago, between, duration, moment, zoneName } from "~/format/time";

/** A moment in the zone that the reader chose; its age is in the title. */
export function Moment({ at }: { at: string | null | undefined }) {
  const { zone } = usePreferences();
  if (!at) return <span className="faint">–</span>;
  return (
    <time dateTime={at} title={`${at} (shown in ${zoneName(zone)})`} className="number">
      {moment(at, zone)}
    </time>
  );
}

/** How long ago; the moment is in the title. */
export function Ago({ at }: { at: string | null | undefined }) {
  const { zone } = usePreferences();
  const now = useNow();
  if (!at) return <span className="faint">never</span>;
  return (
    <time dateTime={at} title={moment(at, zone)} className="number">
      {ago(at, now)}
    </time>
  );
}

/** How long something has lasted that began then, counting on. */
export function Lasting({ from, until }: { from: string | null | undefined; until?: string | null }) {
  const now = useNow();
  return <span className="number">{duration(between(from, until ?? now))}</span>;
}

export type Tone = "good" | "bad" | "warn" | "busy" | "quiet";

const SIGNS: Record<Tone, string> = { good: "✓", bad: "✕", warn: "!", busy: "▸", quiet: "○" };

/** A word with a sign and a colour: never a colour alone. */
export function Badge({ tone, children, title }: { tone: Tone; children: ReactNode; title?: string }) {
  return (
    <span className={`badge badge-${tone}`} title={title}>
      <span aria-hidden="true" className="badge-sign">
        {SIGNS[tone]}
      </span>
      {children}
    </span>
  );
}

const STATUS_TONES: Record<string, Tone> = {
  succeeded: "good",
  failed: "bad",
  upstream_failed: "bad",
  unschedulable: "warn",
  warning: "warn",
  retrying: "warn",
  stopping: "warn",
  unknown: "warn",
  running: "busy",
  starting: "busy",
  scheduled: "busy",
  processing: "busy",
};

/** A run's status. */
export function Status({ status }: { status: string }) {
  return <Badge tone={STATUS_TONES[status] ?? "quiet"}>{status.replaceAll("_", " ")}</Badge>;
}

/** A button that copies a text, and says so. */
export function Copy({ text, label }: { text: string; label: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), 1_500);
  };
  return (
    <button type="button" className="button button-quiet button-small" onClick={() => void copy()} aria-label={label}>
      <span aria-live="polite">{isCopied ? "Copied" : "Copy"}</span>
    </button>
  );
}

/** A text to copy, as it is typed, below its name. */
export function Snippet({ text, label }: { text: string; label: string }) {
  return (
    <figure className="snippet">
      <figcaption>
        {label}
        <Copy text={text} label={`Copy: ${label}`} />
      </figcaption>
      <pre>{text}</pre>
    </figure>
  );
}

/** Pairs of a name and a value. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Labels({ labels }: { labels: Record<string, string> | null | undefined }) {
  const pairs = Object.entries(labels ?? {});
  if (pairs.length === 0) return <span className="faint">none</span>;
  return (
    <span className="chips">
      {pairs.map(([key, value]) => (
        <code className="chip" key={key}>
          {key}={value}
        </code>
      ))}
    </span>
  );
}

/** A message with what is between backticks as code. */
export function Message({ text }: { text: string }) {
  return text.split("`").map((part, at) =>
    at % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text, in its order
      <code key={at}>{part}</code>
    ) : (
      part
    ),
  );
}
