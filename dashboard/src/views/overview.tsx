// Whether all is well, and what is not: warnings first, then numbers, who is healthy, who is full.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import * as ask from "~/api/queries";
import type { Overview as Numbers } from "~/api/shapes";
import { useOwner } from "~/app/owner";
import { count, plural, rate } from "~/format/number";
import { duration } from "~/format/time";
import { Figure, Usage } from "~/parts/figures";
import { Page, Section } from "~/parts/page";
import { RangeChoice } from "~/parts/range";
import { Answer, Loading } from "~/parts/states";
import { Badge, Status } from "~/parts/text";
import { Warnings } from "~/parts/warnings";

const HistoryCharts = lazy(() => import("~/parts/history"));
const route = getRouteApi("/");

export function Overview() {
  const owner = useOwner();
  const { range = "1h" } = route.useSearch();
  const navigate = useNavigate({ from: "/" });
  const overview = useQuery(ask.overview(owner));
  return (
    <Page title="Overview">
      <Answer of={overview}>{(numbers) => <Now numbers={numbers} />}</Answer>
      <Section
        title="All queues over time"
        aside={
          <RangeChoice
            range={range}
            onRange={(next) => void navigate({ search: (before) => ({ ...before, range: next }), replace: true })}
          />
        }
      >
        <Suspense fallback={<Loading />}>
          <HistoryCharts owner={owner} range={range} />
        </Suspense>
      </Section>
    </Page>
  );
}

function Now({ numbers }: { numbers: Numbers }) {
  const { agents } = numbers;
  const statuses = Object.entries(numbers.statuses).filter(([, runs]) => runs > 0);
  return (
    <>
      {numbers.warnings.length > 0 && (
        <Section title={plural(numbers.warnings.length, "warning")}>
          <Warnings of={numbers.warnings} />
        </Section>
      )}
      <div className="figures">
        <Figure label="Waiting" value={count(numbers.waiting)} detail={`oldest ${duration(numbers.oldest_seconds)}`} />
        <Figure label="Live" value={count(numbers.live)} detail="runs under way" />
        <Figure label="Submitted" value={rate(numbers.submitted_per_second)} detail="last 5 minutes" />
        <Figure label="Started" value={rate(numbers.started_per_second)} detail="last 5 minutes" />
        <Figure label="Finished" value={rate(numbers.finished_per_second)} detail="last 5 minutes" />
        <Figure
          label="Failed"
          value={rate(numbers.failed_per_second)}
          detail="last 5 minutes"
          tone={numbers.failed_per_second > 0 ? "bad" : undefined}
        />
        <Figure
          label="Agents live"
          value={count(agents.live)}
          detail={[
            `of ${count(agents.count)}`,
            agents.lost > 0 && `${agents.lost} lost`,
            agents.cordoned > 0 && `${agents.cordoned} cordoned`,
          ]
            .filter(Boolean)
            .join(", ")}
          tone={agents.lost > 0 ? "bad" : undefined}
        />
        <Figure label="Queues" value={count(numbers.queues)} detail={<Link to="/queues">show</Link>} />
        <Figure
          label="Dead letters"
          value={count(numbers.dead_letters)}
          detail={numbers.dead_letters > 0 ? <Link to="/dead-letters">show</Link> : "none"}
          tone={numbers.dead_letters > 0 ? "warn" : undefined}
        />
      </div>
      <div className="columns">
        <Section title="Health">
          <ul className="health">
            {numbers.health.map(({ name, ok, message }) => (
              <li key={name}>
                <Badge tone={ok ? "good" : "bad"}>{ok ? "up" : "down"}</Badge>
                <span>
                  {name} {message && <span className="faint">{message}</span>}
                </span>
              </li>
            ))}
          </ul>
        </Section>
        <Section title="Not ended">
          {statuses.length === 0 ? (
            <p className="faint">No run is under way.</p>
          ) : (
            <ul className="health">
              {statuses.map(([status, runs]) => (
                <li key={status}>
                  <Link to="/runs" search={{ query: `status:${status}` }} className="status-count">
                    <Status status={status} /> <span className="number">{count(runs)}</span>
                  </Link>
                </li>
              ))}
            </ul>
          )}
        </Section>
        <Section title="How full agents are">
          <ul className="saturation">
            {numbers.saturation.map(({ agent, in_flight, limit }) => (
              <li key={agent}>
                <Link to="/agents/$agent" params={{ agent }}>
                  {agent}
                </Link>
                <Usage used={in_flight} limit={limit} label={`In flight at ${agent}`} />
              </li>
            ))}
          </ul>
        </Section>
      </div>
    </>
  );
}
