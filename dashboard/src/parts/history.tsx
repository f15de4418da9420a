// The charts of a queue's history, or of all queues together. Loaded with the chart library, apart from the rest.

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import * as ask from "~/api/queries";
import type { History, Point, Range } from "~/api/shapes";
import { count, rate, short } from "~/format/number";
import { duration } from "~/format/time";
import { Chart } from "./chart";
import type { Line } from "./holes";
import { Answer, Note } from "./states";

const HOUR = 3_600_000;
const SPANS: Record<Range, number> = { "1h": HOUR, "24h": 24 * HOUR, "7d": 168 * HOUR, "30d": 720 * HOUR };

interface Given {
  owner: string;
  range: Range;
  /** One queue; without it, the sum of all. */
  queue?: { agent: string; name: string };
}

export default function HistoryCharts({ owner, range, queue }: Given) {
  const one = useQuery({ ...ask.queueHistory(owner, queue?.agent ?? "", queue?.name ?? "", range), enabled: !!queue });
  const all = useQuery({ ...ask.history(owner, range), enabled: !queue });
  return <Answer of={queue ? one : all}>{(history) => <Charts history={history} />}</Answer>;
}

function Charts({ history }: { history: History }) {
  const { points, step_seconds: seconds } = history;
  const times = useMemo(() => points.map((point) => Date.parse(point.at)), [points]);
  const drawn = useMemo(() => {
    const line = (name: string, style: Line["style"], read: (point: Point) => number | null): Line => ({
      name,
      style,
      values: points.map(read),
    });
    const perSecond = (read: (point: Point) => number) => (point: Point) => read(point) / seconds;
    return {
      depth: [
        line("waiting", 0, (point) => point.backlog),
        line("may start", 1, (point) => point.admissible),
        line("in flight", 2, (point) => point.in_flight),
      ],
      rates: [
        line(
          "submitted",
          0,
          perSecond((point) => point.submitted),
        ),
        line(
          "started",
          1,
          perSecond((point) => point.started),
        ),
        line(
          "finished",
          2,
          perSecond((point) => point.finished),
        ),
        line(
          "failed",
          3,
          perSecond((point) => point.failed),
        ),
      ],
      waits: [
        line("p50", 0, (point) => point.wait_p50_seconds),
        line("p95", 1, (point) => point.wait_p95_seconds),
        line("oldest", 3, (point) => point.oldest_seconds),
      ],
      dead: [line("dead letters", 1, (point) => point.dead_letters)],
    };
  }, [points, seconds]);
  if (points.length === 0) return <Note>Nothing was measured in this range yet.</Note>;
  const until = times.at(-1) ?? 0;
  const shared = { times, step: seconds * 1_000, from: until - SPANS[history.range], until };
  return (
    <div className="charts">
      <Chart title="Runs" lines={drawn.depth} format={short} isWhole {...shared} />
      <Chart title="Rates" lines={drawn.rates} format={rate} {...shared} />
      <Chart title="Waits" lines={drawn.waits} format={duration} {...shared} />
      <Chart title="Dead letters" lines={drawn.dead} format={count} isWhole {...shared} />
    </div>
  );
}
