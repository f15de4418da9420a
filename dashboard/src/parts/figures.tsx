// Numbers that are seen: large figures, bars of what is used, small lines. Each has its number as text, too.

import type { ReactNode } from "react";
import { count, short } from "~/format/number";

export function Figure({
  label,
  value,
  detail,
  tone,
}: {
  label: string;
  value: ReactNode;
  detail?: ReactNode;
  tone?: "bad" | "warn";
}) {
  return (
    <div className={tone ? `figure figure-${tone}` : "figure"}>
      <div className="figure-label">{label}</div>
      <div className="figure-value number">{value}</div>
      <div className="figure-detail">{detail ?? " "}</div>
    </div>
  );
}

/** How much of a limit is used. */
export function Usage({ used, limit, label }: { used: number; limit: number | null; label: string }) {
  const isLimited = limit !== null && limit >= 0;
  const share = isLimited && limit > 0 ? Math.min(1, used / limit) : isLimited ? 1 : 0;
  const tone = share >= 1 ? "full" : share >= 0.8 ? "high" : "some";
  return (
    <span className="usage">
      <span className="number">
        {count(used)}
        <span className="faint"> / {isLimited ? count(limit) : "∞"}</span>
      </span>
      {isLimited && (
        <span className="bar" role="img" aria-label={`${label}: ${count(used)} of ${count(limit)}`}>
          <span className={`bar-part bar-${tone}`} style={{ width: `${share * 100}%` }} />
        </span>
      )}
    </span>
  );
}

/** How many wait at which priority, as small columns; the text has the numbers. */
export function Priorities({ of }: { of: Record<string, number> | undefined }) {
  const pairs = Object.entries(of ?? {})
    .map(([priority, runs]) => [Number(priority), runs] as const)
    .filter(([, runs]) => runs > 0)
    .sort(([a], [b]) => a - b);
  if (pairs.length === 0) return <span className="faint">–</span>;
  const most = Math.max(...pairs.map(([, runs]) => runs));
  const text = pairs.map(([priority, runs]) => `${runs} at priority ${priority}`).join(", ");
  return (
    <span className="priorities" role="img" aria-label={text} title={text}>
      {pairs.map(([priority, runs]) => (
        <span key={priority} className="priority">
          <span className="priority-column" style={{ height: `${Math.max(2, (14 * runs) / most)}px` }} />
          <span className="priority-name">{priority}</span>
        </span>
      ))}
    </span>
  );
}

/** A line of the last hour, oldest first. */
export function Spark({ values, label }: { values: number[] | undefined; label: string }) {
  if (!values || values.length < 2) return <span className="faint">–</span>;
  const most = Math.max(1, ...values);
  const step = 64 / (values.length - 1);
  const points = values.map((value, at) => `${(at * step).toFixed(1)},${(15 - (14 * value) / most).toFixed(1)}`);
  const now = values.at(-1) ?? 0;
  return (
    <svg
      className="spark"
      viewBox="0 0 64 16"
      role="img"
      aria-label={`${label}: now ${short(now)}, at most ${short(most)}`}
    >
      <polyline points={points.join(" ")} />
    </svg>
  );
}
