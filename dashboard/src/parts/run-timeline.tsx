// How a run went: from when it was accepted until its end, phase by phase and attempt by attempt, with how long each took.

import type { At } from "~/api/run-queries";
import { useNow } from "~/app/now";
import { usePreferences } from "~/app/preferences";
import { duration, moment } from "~/format/time";
import { type Attempt, MEANINGS, type Phase, place, sums, type Timeline } from "~/views/run-timeline";
import { Copy, Moment, Status } from "./text";

const KINDS: Record<string, string> = {
  queued: "waits",
  on_schedule: "waits",
  created: "waits",
  retrying: "waits",
  resuming: "waits",
  compiled: "waits",
  scheduled: "starts",
  starting: "starts",
  running: "runs",
  processing: "runs",
  warning: "troubles",
  unschedulable: "troubles",
  unknown: "troubles",
  stopping: "troubles",
};

/** Rows that take no time and say nothing: the next one says it. */
const isInstant = (phase: Phase) =>
  (phase.status === "compiled" || phase.status === "created") && phase.until !== null && phase.until - phase.from < 5;

export function RunTimeline({ at, timeline, traceId }: { at: At; timeline: Timeline; traceId?: string | null }) {
  const now = useNow();
  const { zone } = usePreferences();
  const from = timeline.from;
  const until = timeline.until ?? Math.max(now, from);
  return (
    <div className="timeline">
      <div className="timeline-head">
        <span>
          Accepted <Moment at={new Date(from).toISOString()} />
        </span>
        <span>
          {timeline.until === null ? "Lasts for " : "Ended after "}
          <b className="number">{duration((until - from) / 1_000)}</b>
        </span>
        <span className="trace">
          Trace{" "}
          {traceId ? (
            <>
              <code>{traceId}</code> <Copy text={traceId} label="Copy: trace id" />
            </>
          ) : (
            <span className="faint">none was recorded</span>
          )}
        </span>
      </div>
      {timeline.attempts.map((attempt) => (
        <table key={attempt.number} className="waterfall">
          <caption>
            <Caption attempt={attempt} isOne={timeline.attempts.length === 1} now={now} />
          </caption>
          <colgroup>
            <col className="waterfall-status" />
            <col className="waterfall-at" />
            <col className="waterfall-line" />
            <col className="waterfall-long" />
            <col className="waterfall-what" />
          </colgroup>
          <tbody>
            {attempt.phases
              .filter((phase, index) => index === 0 || !isInstant(phase))
              .map((phase) => (
                <Row key={`${at.uuid}-${phase.status}-${phase.from}`} {...{ phase, from, until, now, zone }} />
              ))}
          </tbody>
        </table>
      ))}
    </div>
  );
}

function Caption({ attempt, isOne, now }: { attempt: Attempt; isOne: boolean; now: number }) {
  const { waited, started, ran } = sums(attempt, now);
  const parts = [
    waited > 0 && `waited ${duration(waited)}`,
    started > 0 && `started in ${duration(started)}`,
    ran > 0 && `ran ${duration(ran)}`,
  ].filter((part) => part);
  return (
    <>
      {!isOne && <strong>Attempt {attempt.number}</strong>} <span className="faint number">{parts.join(" · ")}</span>
    </>
  );
}

function Row({
  phase,
  from,
  until,
  now,
  zone,
}: {
  phase: Phase;
  from: number;
  until: number;
  now: number;
  zone: string;
}) {
  const { left, width } = place(phase, from, until);
  const isEnd = phase.until === phase.from && KINDS[phase.status] === undefined;
  const seconds = ((phase.until ?? Math.max(now, phase.from)) - phase.from) / 1_000;
  const millis = String(new Date(phase.from).getMilliseconds()).padStart(3, "0");
  return (
    <tr>
      <th scope="row">
        <Status status={phase.status} />
      </th>
      <td className="number" title={moment(phase.from, zone)}>
        {moment(phase.from, zone).slice(11)}
        <span className="faint">.{millis}</span>
      </td>
      <td>
        <svg width="100%" height="14" aria-hidden="true">
          <rect x="0" y="6.5" width="100%" height="1" className="waterfall-rail" />
          {isEnd ? (
            <rect
              x={`calc(${left}% - 3px)`}
              y="1"
              width="3"
              height="12"
              className={`waterfall-end end-${phase.status}`}
            />
          ) : (
            <rect
              x={`${Math.min(left, 99.6)}%`}
              y="2"
              width={`${Math.max(width, 0.4)}%`}
              height="10"
              rx="1.5"
              className={`waterfall-bar bar-${KINDS[phase.status] ?? "runs"}`}
            />
          )}
        </svg>
      </td>
      <td className="number right">{isEnd ? "" : duration(seconds)}</td>
      <td className="waterfall-text" title={phase.message ?? undefined}>
        {phase.message ?? MEANINGS[phase.status]}
        {phase.reason && <span className="faint"> {phase.reason}</span>}
      </td>
    </tr>
  );
}
