// What one wants to know of a run first: why it waits, why it failed with the end of its log, or what it does.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import * as ask from "~/api/run-queries";
import { plain } from "~/format/log";
import { Blocks, Place } from "~/parts/run-why";
import { Note } from "~/parts/states";
import { Badge, Moment } from "~/parts/text";
import { WAITING } from "./run-timeline";

/** Lines of the log that stand beside a failure. */
const LINES = 12;

export function Verdict({
  run,
  why,
  last,
}: {
  run: ask.WholeRun;
  why: ask.Explanation | undefined;
  last: ask.Condition | undefined;
}) {
  if (run.status === "failed" || run.status === "upstream_failed") return <Failed run={run} last={last} />;
  if (run.status === "stopped" || run.status === "skipped") {
    return last?.message ? (
      <Note>
        <p>
          <strong>{run.status === "stopped" ? "Stopped" : "Skipped"}</strong>: {last.message}
        </p>
      </Note>
    ) : null;
  }
  if (run.status === "warning" || run.status === "unschedulable" || run.status === "unknown") {
    return (
      <Note tone="warn">
        <p>
          <strong>{last?.reason ?? run.status}</strong>: {last?.message}
        </p>
        {why && why.blocked_by.length > 0 && <Blocks owner={run.owner} why={why} agent={run.settings.agent?.name} />}
      </Note>
    );
  }
  if (!WAITING.has(run.status) && run.status !== "scheduled") return null;
  if (!why) return null;
  return (
    <Note tone={why.blocked_by.length > 0 ? "warn" : "quiet"}>
      <div className="why-place">
        <strong>{run.status === "scheduled" ? "Offered to its agent" : "Waits"}</strong>
        <Place why={why} />
        {run.schedule_at && run.status === "on_schedule" && (
          <span>
            until <Moment at={run.schedule_at} />
          </span>
        )}
      </div>
      {why.blocked_by.length > 0 ? (
        <Blocks owner={run.owner} why={why} agent={run.settings.agent?.name} />
      ) : (
        <p className="faint">Nothing holds it back.</p>
      )}
    </Note>
  );
}

function Failed({ run, last }: { run: ask.WholeRun; last: ask.Condition | undefined }) {
  const { owner, project, uuid, end } = run;
  const lines = useQuery({ ...ask.lastLines({ owner, project, uuid }, LINES), enabled: run.started_at !== null });
  const logs = lines.data?.logs ?? [];
  return (
    <div className="note note-bad verdict" role="status">
      <p className="verdict-head">
        <strong>Failed</strong>
        {end?.failure_class && <Badge tone="bad">{end.failure_class.replaceAll("_", " ")}</Badge>}
        <span>{end?.message ?? last?.message}</span>
        {end?.reason && <span className="faint">{end.reason}</span>}
        {end?.exit_code !== null && end?.exit_code !== undefined && (
          <span className="number faint">exit code {end.exit_code}</span>
        )}
      </p>
      {logs.length > 0 && (
        <>
          <pre className="verdict-log">{logs.map((one) => plain(one.value)).join("\n")}</pre>
          <Link to="/runs/$uuid" params={{ uuid }} search={{ tab: "logs" }}>
            The whole log
          </Link>
        </>
      )}
      {lines.error !== null && <p className="faint">The end of its log can't be read: {lines.error.message}</p>}
    </div>
  );
}
