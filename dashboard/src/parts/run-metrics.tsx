// What a run tracked with Polyaxon's client, and what it used of its machine: a chart for each name.

import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { shownCall } from "~/api/call";
import { whyNone } from "~/api/problem";
import * as ask from "~/api/run-queries";
import { plural, value } from "~/format/number";
import { type Along, pointsOf, spanOf } from "~/format/series";
import { FINAL } from "~/views/run-timeline";
import type { RunSearch } from "~/views/runs-search";
import { Chart } from "./chart";
import { Choice, Find } from "./filters";
import { Section } from "./page";
import { Answer, Note } from "./states";
import { Snippet } from "./text";

/** From how many charts on they can be searched. */
const MANY = 6;

const LOOKS = [
  { id: undefined, name: "By step" },
  { id: "time", name: "Over time" },
] as const;

interface Given {
  run: ask.WholeRun;
  at: ask.At;
  search: RunSearch;
  onSearch: (change: Partial<RunSearch>) => void;
}

export function RunMetrics({ run, at, search: { along, find = "" }, onSearch }: Given) {
  const isAlive = !FINAL.has(run.status);
  const metrics = useQuery(ask.metrics(at, isAlive));
  const machine = useQuery(ask.machine(at, isAlive));
  const count = (metrics.data?.data.length ?? 0) + (machine.data?.data.length ?? 0);
  const drawn = along ?? "steps";
  return (
    <>
      {count > 0 && (
        <div className="filters">
          <Choice label="Drawn" of={LOOKS} chosen={along} onChoose={(one) => onSearch({ along: one })} isSmall />
          {count > MANY && (
            <Find label="Find metrics by name" hint="Name" value={find} onFind={(next) => onSearch({ find: next })} />
          )}
        </div>
      )}
      <Tracked of={metrics} along={drawn} find={find} none="It has tracked none." />
      {(machine.data?.data.length ?? 0) > 0 && (
        <Section title="Its machine">
          <Tracked of={machine} along="time" find={find} none="" />
        </Section>
      )}
      <details className="same">
        <summary>The same by REST, and how to track</summary>
        <Snippet label="REST call" text={shownCall(ask.metricsCall(at))} />
        <Snippet
          label="In the run, with Polyaxon's client"
          text={"from polyaxon import tracking\n\ntracking.init()\ntracking.log_metrics(step=1, loss=0.5)"}
        />
      </details>
    </>
  );
}

function Tracked({
  of,
  along,
  find,
  none,
}: {
  of: UseQueryResult<{ data: ask.Series[] }>;
  along: Along;
  find: string;
  none: string;
}) {
  const why = whyNone(of.error);
  if (of.data === undefined && why) return <Note>There are none: {why}.</Note>;
  return (
    <Answer of={of}>
      {({ data }) =>
        data.length === 0 ? (
          none && <p className="faint">{none}</p>
        ) : (
          <Charts all={data} along={along} find={find.toLowerCase()} />
        )
      }
    </Answer>
  );
}

function Charts({ all, along, find }: { all: ask.Series[]; along: Along; find: string }) {
  const shown = useMemo(() => all.filter(({ name }) => name.toLowerCase().includes(find)), [all, find]);
  const points = useMemo(() => shown.map((series) => pointsOf(series, along)), [shown, along]);
  const [from, until] = useMemo(() => spanOf(points), [points]);
  if (shown.length === 0) return <p className="faint">None of {plural(all.length, "name")} has that in it.</p>;
  return (
    <div className="charts">
      {shown.map(({ name }, which) => (
        <Chart
          key={name}
          title={name}
          along={along}
          times={points[which]?.at ?? []}
          lines={[{ name: "", style: 0, values: points[which]?.values ?? [] }]}
          format={value}
          from={from}
          until={until}
          isFree
        />
      ))}
    </div>
  );
}
