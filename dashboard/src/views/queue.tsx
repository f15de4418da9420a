// One queue: what it does now, how it went, what comes next and why not, its limits, its dead letters, who changed it.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import * as act from "~/actions/queue";
import * as ask from "~/api/queries";
import type { Queue } from "~/api/shapes";
import { useOwner } from "~/app/owner";
import { count, limit, rate } from "~/format/number";
import { duration } from "~/format/time";
import { useAction } from "~/parts/action";
import { AuditList } from "~/parts/audit-list";
import { type Deed, Deeds } from "~/parts/deeds";
import { Figure, Priorities } from "~/parts/figures";
import { HeadOfQueue } from "~/parts/head";
import { Letters } from "~/parts/letters";
import { Page, Section } from "~/parts/page";
import { QueueState } from "~/parts/queue-state";
import { RangeChoice } from "~/parts/range";
import { Answer, Loading, Note } from "~/parts/states";
import { TabSet } from "~/parts/tabs";
import { Facts, Moment } from "~/parts/text";
import type { QueueTab } from "~/router";

const HistoryCharts = lazy(() => import("~/parts/history"));
const route = getRouteApi("/queues/$agent/$queue");

export function QueueView() {
  const owner = useOwner();
  const { agent, queue: name } = route.useParams();
  const { tab = "head", range = "1h" } = route.useSearch();
  const navigate = useNavigate({ from: "/queues/$agent/$queue" });
  const open = useAction();
  const queue = useQuery(ask.queue(owner, agent, name));
  const others = useQuery(ask.queues(owner));
  const where = { owner, agent, queue: name };
  const isPaused = queue.data?.paused !== null && queue.data?.paused !== undefined;
  const deeds: Deed[] = [
    isPaused
      ? { label: "Resume", action: () => act.resume(where) }
      : { label: "Pause", action: () => act.pause(where) },
    ...(queue.data?.paused?.drain ? [] : [{ label: "Drain", action: () => act.drain(where) }]),
    { label: "Move what waits", action: () => act.moveRuns(where, others.data ?? []) },
    { label: "Purge", action: () => act.purge(where), isDangerous: true },
    {
      label: "Delete",
      action: () => act.deleteQueue(where, () => navigate({ to: "/queues" })),
      isDangerous: true,
    },
  ];

  return (
    <Page
      title={`${agent}/${name}`}
      kicker={
        <>
          <Link to="/queues">Queues</Link> /{" "}
          <Link to="/agents/$agent" params={{ agent }}>
            {agent}
          </Link>
        </>
      }
      actions={queue.data && <Deeds to={`${agent}/${name}`} of={deeds} />}
    >
      <Answer of={queue}>
        {(data) => (
          <>
            <Held queue={data} />
            <Numbers queue={data} />
          </>
        )}
      </Answer>
      <Section
        title="Over time"
        aside={
          <RangeChoice
            range={range}
            onRange={(next) => void navigate({ search: (before) => ({ ...before, range: next }), replace: true })}
          />
        }
      >
        <Suspense fallback={<Loading />}>
          <HistoryCharts owner={owner} range={range} queue={{ agent, name }} />
        </Suspense>
      </Section>
      <TabSet
        label="About the queue"
        chosen={tab}
        onChoose={(id) => void navigate({ search: (before) => ({ ...before, tab: id as QueueTab }), replace: true })}
        tabs={[
          { id: "head", name: "Next runs", content: <HeadOfQueue {...where} /> },
          {
            id: "limits",
            name: "Limits",
            content: (
              <Answer of={queue}>
                {(data) => <Limits queue={data} onEdit={() => open(act.editQueue(where, data))} />}
              </Answer>
            ),
          },
          {
            id: "dead",
            name: `Dead letters${queue.data?.stats.dead_letters ? ` (${count(queue.data.stats.dead_letters)})` : ""}`,
            content: <Letters owner={owner} query={`queue:${agent}/${name}`} isShort />,
          },
          {
            id: "audit",
            name: "Audit",
            content: queue.data ? <AuditList owner={owner} asked={{ object: queue.data.uuid }} isShort /> : <Loading />,
          },
        ]}
      />
    </Page>
  );
}

/** That it starts nothing, and why. */
function Held({ queue }: { queue: Queue }) {
  if (!queue.paused) return null;
  const { drain, by, reason, until } = queue.paused;
  return (
    <Note tone="warn">
      <p>
        <strong>{drain ? "Drained" : "Paused"}</strong> by {by}: {reason}
        {until && (
          <>
            . It ends by itself at <Moment at={until} />
          </>
        )}
      </p>
    </Note>
  );
}

function Numbers({ queue }: { queue: Queue }) {
  const { stats } = queue;
  const used = stats.in_flight === undefined ? "–" : count(stats.in_flight);
  return (
    <div className="figures">
      <Figure label="State" value={<QueueState queue={queue} />} detail={`${queue.protocol} protocol`} />
      <Figure label="Ready" value={count(stats.backlog)} detail={`${count(stats.admissible)} may start`} />
      <Figure label="In flight" value={used} detail={`limit ${limit(queue.concurrency)}`} />
      <Figure label="Oldest" value={duration(stats.oldest_seconds)} detail="waits so long" />
      <Figure
        label="Wait, 15 min"
        value={duration(stats.wait_p50_seconds)}
        detail={`p95 ${duration(stats.wait_p95_seconds)}`}
      />
      <Figure label="In" value={rate(stats.submitted_per_second)} detail="submitted" />
      <Figure label="Out" value={rate(stats.finished_per_second)} detail={`${rate(stats.failed_per_second)} failed`} />
      <Figure label="Consumers" value={count(stats.consumers)} detail={`${count(stats.offered)} offered`} />
      <Figure label="By priority" value={<Priorities of={stats.priorities} />} />
    </div>
  );
}

function Limits({ queue, onEdit }: { queue: Queue; onEdit: () => void }) {
  const quotas = Object.entries(queue.quotas).map(([name, amount]) => `${name} ${amount}`);
  const weights = Object.entries(queue.weights).map(([name, weight]) => `${name} ${weight}`);
  return (
    <div className="panel">
      <Facts
        facts={[
          ["Concurrency", limit(queue.concurrency)],
          ["Quotas", quotas.join(", ") || "none"],
          ["Starts per period", queue.rate ?? "no limit"],
          ["Longest backlog", queue.max_backlog === null ? "any" : count(queue.max_backlog)],
          ["Priority among the agent's queues", queue.priority],
          ["Starts are shared between", queue.fairness],
          ["Weights", weights.join(", ") || "all alike"],
          ["Reserve after", queue.reserve_after_seconds === 0 ? "never" : duration(queue.reserve_after_seconds)],
          ["Overflow after", queue.overflow_after_seconds === 0 ? "never" : duration(queue.overflow_after_seconds)],
          ["Preemption", queue.preemption.replaceAll("_", " ")],
          ["When its agent is lost", queue.on_agent_loss === "wait" ? "wait for it" : "start elsewhere"],
          ["Description", queue.description ?? "none"],
          ["Made", <Moment key="made" at={queue.created_at} />],
          ["Changed", <Moment key="changed" at={queue.updated_at} />],
        ]}
      />
      <div className="panel-foot">
        <button type="button" className="button" onClick={onEdit}>
          Change limits
        </button>
      </div>
    </div>
  );
}
