// One run: why it waits or how it failed, how it went, its log, what it is, and what can be done to it.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo } from "react";
import * as act from "~/actions/run";
import { call, shownCall } from "~/api/call";
import * as ask from "~/api/queries";
import * as askRuns from "~/api/run-queries";
import { useOwner } from "~/app/owner";
import { duration } from "~/format/time";
import { type Deed, Deeds } from "~/parts/deeds";
import { Page } from "~/parts/page";
import { RunTimeline } from "~/parts/run-timeline";
import { RunWhy, useExplanation } from "~/parts/run-why";
import { Answer, Loading } from "~/parts/states";
import { TabSet } from "~/parts/tabs";
import { Ago, Copy, Facts, Lasting, Snippet, Status } from "~/parts/text";
import "~/style/runs.css";
import { FINAL, timeline as timelineOf, WAITING } from "./run-timeline";
import { Verdict } from "./run-verdict";
import type { RunSearch, RunTab } from "./runs-search";

// What isn't looked at isn't fetched.
const RunLog = lazy(() => import("~/parts/run-log").then(({ RunLog: part }) => ({ default: part })));
const RunEvents = lazy(() => import("~/parts/run-events").then(({ RunEvents: part }) => ({ default: part })));
const RunAttempts = lazy(() => import("~/parts/run-attempts").then(({ RunAttempts: part }) => ({ default: part })));
const RunSpec = lazy(() => import("~/parts/run-spec").then(({ RunSpec: part }) => ({ default: part })));
const RunValues = lazy(() => import("~/parts/run-values").then(({ RunValues: part }) => ({ default: part })));
const RunMetrics = lazy(() => import("~/parts/run-metrics").then(({ RunMetrics: part }) => ({ default: part })));
const RunArtifacts = lazy(() => import("~/parts/run-artifacts").then(({ RunArtifacts: part }) => ({ default: part })));
const RunInspect = lazy(() => import("~/parts/run-inspect").then(({ RunInspect: part }) => ({ default: part })));

const route = getRouteApi("/runs/$uuid");

export function RunView() {
  const owner = useOwner();
  const { uuid } = route.useParams();
  const run = useQuery(askRuns.run(owner, uuid));
  if (run.data) return <Whole run={run.data} />;
  return (
    <Page title={uuid.slice(0, 8)} kicker={<Link to="/runs">Runs</Link>}>
      <Answer of={run}>{() => null}</Answer>
    </Page>
  );
}

/** What can be done to a run as it is now; what is meant most often comes first. */
function useDeeds(run: askRuns.WholeRun): Deed[] {
  const navigate = useNavigate();
  const queues = useQuery(ask.queues(run.owner));
  const made = (uuid: string) => void navigate({ to: "/runs/$uuid", params: { uuid }, search: {} });
  const isOver = FINAL.has(run.status);
  const waits = WAITING.has(run.status);
  const canMove =
    (waits || run.status === "scheduled") && run.settings.queue !== null && (queues.data?.length ?? 0) > 1;
  const when = (is: boolean, deed: Deed): Deed[] => (is ? [deed] : []);
  return [
    ...when(run.pending !== null && !isOver, { label: "Approve", action: () => act.approve(run) }),
    ...when(!isOver && run.status !== "stopping", { label: "Stop", action: () => act.stop(run), isDangerous: true }),
    ...when(isOver, { label: "Restart", action: () => act.restart(run, made) }),
    ...when(isOver, { label: "Resume", action: () => act.resume(run) }),
    { label: "Copy", action: () => act.copy(run, made) },
    ...when(canMove, { label: "Move to another queue", action: () => act.move(run, queues.data ?? []) }),
    ...when(waits, { label: "Change priority", action: () => act.reprioritize(run) }),
    ...when(waits, { label: "Skip", action: () => act.skip(run), isDangerous: true }),
    { label: "Edit name and tags", action: () => act.edit(run) },
    { label: run.live_state === 0 ? "Restore" : "Archive", action: () => act.archive(run) },
    {
      label: "Delete",
      action: () => act.remove(run, () => void navigate({ to: "/runs", search: {} })),
      isDangerous: true,
    },
  ];
}

function Whole({ run }: { run: askRuns.WholeRun }) {
  const { owner, project, uuid } = run;
  const search = route.useSearch();
  const { tab = "timeline" } = search;
  const navigate = useNavigate({ from: "/runs/$uuid" });
  const at = useMemo(() => ({ owner, project, uuid }), [owner, project, uuid]);
  const statuses = useQuery(askRuns.statuses(at));
  const explanation = useExplanation(at, run.status);
  const deeds = useDeeds(run);
  const name = act.nameOf(run);
  const change = useCallback(
    (next: Partial<RunSearch>) => void navigate({ search: (before) => ({ ...before, ...next }), replace: true }),
    [navigate],
  );
  const conditions = statuses.data?.status_conditions;
  const timeline = useMemo(() => (conditions ? timelineOf(conditions) : null), [conditions]);
  const toLog = useCallback((attempt: number) => change({ tab: "logs", attempt }), [change]);
  const part = (content: ReactNode) => <Suspense fallback={<Loading />}>{content}</Suspense>;
  const attempts = timeline?.attempts.length ?? 0;
  const isHere = (id: RunTab) => tab === id;
  // On a narrow screen not all tabs are in sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each choice
  useEffect(() => {
    const chosen = document.querySelector('[role="tab"][data-state="active"]');
    chosen?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [tab]);
  const hasOwnLines = ["why", "logs", "spec", "metrics", "artifacts", "inspect"].some((id) => id === tab);

  return (
    <Page
      title={name}
      kicker={
        <>
          <Link to="/runs">Runs</Link> /{" "}
          <Link to="/runs" search={{ project }}>
            {project}
          </Link>
        </>
      }
      actions={<Deeds to={name} of={deeds} />}
    >
      {/* The tab itself says the same, and more. */}
      {!isHere("why") && <Verdict run={run} why={explanation.data} last={conditions?.at(-1)} />}
      <RunFacts run={run} />
      <TabSet
        label="About the run"
        chosen={tab}
        onChoose={(id) => change({ tab: id === "timeline" ? undefined : (id as RunTab) })}
        tabs={[
          {
            id: "timeline",
            name: "Timeline",
            content: (
              <Answer of={statuses}>
                {() => timeline && <RunTimeline at={at} timeline={timeline} traceId={run.trace_id} />}
              </Answer>
            ),
          },
          { id: "why", name: "Why", content: isHere("why") && <RunWhy run={run} explanation={explanation} /> },
          {
            id: "logs",
            name: "Logs",
            content: isHere("logs") && part(<RunLog key={uuid} run={run} search={search} onSearch={change} />),
          },
          {
            id: "attempts",
            name: attempts > 1 ? `Attempts (${attempts})` : "Attempts",
            content:
              isHere("attempts") &&
              part(
                <Answer of={statuses}>
                  {() => <RunAttempts attempts={timeline?.attempts ?? []} onLogs={toLog} />}
                </Answer>,
              ),
          },
          {
            id: "events",
            name: "Events",
            content:
              isHere("events") &&
              part(<Answer of={statuses}>{({ status_conditions: all }) => <RunEvents conditions={all} />}</Answer>),
          },
          { id: "spec", name: "Spec", content: isHere("spec") && part(<RunSpec run={run} />) },
          { id: "values", name: "Inputs and outputs", content: isHere("values") && part(<RunValues run={run} />) },
          {
            id: "metrics",
            name: "Metrics",
            content: isHere("metrics") && part(<RunMetrics run={run} at={at} search={search} onSearch={change} />),
          },
          {
            id: "artifacts",
            name: "Artifacts",
            content: isHere("artifacts") && part(<RunArtifacts at={at} search={search} onSearch={change} />),
          },
          { id: "inspect", name: "Objects", content: isHere("inspect") && part(<RunInspect at={at} />) },
        ]}
      />
      {!hasOwnLines && (
        <details className="same">
          <summary>This run by REST and on the command line</summary>
          <Snippet
            label="REST call"
            text={shownCall(call("GET", "/api/v1/{owner}/{project}/runs/{uuid}", { in: at }))}
          />
          <Snippet label="Command line" text={act.line(owner, project, ["ops", "get", uuid])} />
        </details>
      )}
    </Page>
  );
}

function RunFacts({ run }: { run: askRuns.WholeRun }) {
  const { agent, queue, namespace } = run.settings;
  const waited =
    run.wait_time !== null ? (
      duration(run.wait_time)
    ) : (
      <Lasting key="waited" from={run.created_at} until={run.finished_at} />
    );
  return (
    <div className="panel run-facts">
      <Facts
        facts={[
          ["Status", <Status key="status" status={run.status} />],
          [
            "Queue",
            agent && queue ? (
              <Link key="queue" to="/queues/$agent/$queue" params={{ agent: agent.name, queue: queue.name }}>
                {agent.name}/{queue.name}
              </Link>
            ) : (
              "none"
            ),
          ],
          [
            "Agent",
            agent ? (
              <Link key="agent" to="/agents/$agent" params={{ agent: agent.name }}>
                {agent.name}
              </Link>
            ) : (
              "none"
            ),
          ],
          [
            "Project",
            <Link key="project" to="/projects/$project" params={{ project: run.project }}>
              {run.project}
            </Link>,
          ],
          [
            "Priority",
            <span key="priority" className="number">
              {run.priority}
            </span>,
          ],
          [
            "Attempt",
            <span key="attempt" className="number">
              {run.attempt}
            </span>,
          ],
          ["User", run.user ?? "–"],
          ["Kind", run.kind],
          ["Namespace", namespace],
          ["Made", <Ago key="made" at={run.created_at} />],
          [
            "Waited",
            <span key="waited" className="number">
              {waited}
            </span>,
          ],
          [
            "Ran",
            <span key="ran" className="number">
              {run.started_at ? <Lasting from={run.started_at} until={run.finished_at} /> : "–"}
            </span>,
          ],
          ...(run.tags?.length ? [["Tags", run.tags.join(", ")] as [string, ReactNode]] : []),
          ...(run.description ? [["Description", run.description] as [string, ReactNode]] : []),
          ...(run.original
            ? [
                [
                  run.original.kind === "copy" ? "Copy of" : "Restart of",
                  <Link key="original" to="/runs/$uuid" params={{ uuid: run.original.uuid }}>
                    {run.original.name ?? run.original.uuid.slice(0, 8)}
                  </Link>,
                ] as [string, ReactNode],
              ]
            : []),
          ...(run.live_state === 0 ? [["Archived", "yes"] as [string, ReactNode]] : []),
          [
            "UUID",
            <span key="uuid" className="uuid">
              <code>{run.uuid}</code> <Copy text={run.uuid} label="Copy: UUID" />
            </span>,
          ],
        ]}
      />
    </div>
  );
}
