// Lines over time or over steps, by uPlot; loaded by the views that have charts. Lines differ by dashes and names, not by colour alone.

import { useEffect, useId, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { usePreferences } from "~/app/preferences";
import { count, short } from "~/format/number";
import type { Along } from "~/format/series";
import { moment, type Zone } from "~/format/time";
import { type Line, withHoles } from "./holes";

const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

export interface ChartProps {
  title: string;
  /** Moments in milliseconds, or steps. */
  times: number[];
  along?: Along;
  /** How far apart they should be, if that is known; where one is missing, the line breaks. */
  step?: number;
  lines: Line[];
  format: (value: number) => string;
  /** From where to where, as `times` are: an hour is as wide as an hour, however little of it was measured. */
  from: number;
  until: number;
  /** Values are counts: no half a run on the axis. */
  isWhole?: boolean;
  /** Values are seen by how they change; otherwise by how large they are, from zero on. */
  isFree?: boolean;
  height?: number;
}

const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7, 1e8];
const DAY = 86_400;

/** Times of an axis, by how far apart they are: the hour, or the day. */
function ticks(seconds: number[], apart: number, zone: Zone): string[] {
  const at = new Intl.DateTimeFormat("sv-SE", {
    ...(apart < DAY ? { timeStyle: "short" } : { month: "2-digit", day: "2-digit" }),
    ...(zone === "local" ? {} : { timeZone: zone }),
  });
  return seconds.map((one) => at.format(one * 1e3));
}

/** From where to where an axis goes on which values are seen by how they change. */
function around(least: number | null, most: number | null): [number, number] {
  if (least === null || most === null) return [0, 1];
  const room = (most - least) * 0.06 || Math.abs(most) * 0.1 || 1;
  return [least - room, most + room];
}

export function Chart({
  title,
  times,
  along = "time",
  step = Number.POSITIVE_INFINITY,
  lines,
  format,
  from,
  until,
  isWhole = false,
  isFree = false,
  height = 150,
}: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const { theme, zone } = usePreferences();
  const [cursor, setCursor] = useState<number | null>(null);
  const id = useId();
  const [at, columns] = useMemo(() => withHoles(times, lines, step), [times, lines, step]);
  const isTime = along === "time";
  const unit = isTime ? 1_000 : 1;
  const data = useMemo<uPlot.AlignedData>(() => [at.map((place) => place / unit), ...columns], [at, columns, unit]);
  const shape = lines.map(({ name, style }) => `${name}:${style}`).join("|");
  const latest = useRef({ data, format, from, until });
  latest.current = { data, format, from, until };

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew only when its look changes; data is set below
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const style = getComputedStyle(element);
    const color = (name: string) => style.getPropertyValue(name).trim();
    const axis: uPlot.Axis = {
      stroke: color("--muted"),
      grid: { stroke: color("--line"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
        scales: {
          x: { time: isTime, range: () => [latest.current.from / unit, latest.current.until / unit] },
          y: {
            range: (_, least, most) => (isFree ? around(least, most) : [0, most && most > 0 ? most * 1.08 : 1]),
          },
        },
        axes: [
          {
            ...axis,
            space: 64,
            size: 28,
            ...(isTime ? {} : { incrs: WHOLE }),
            values: (_, at, __, ___, apart) => (isTime ? ticks(at, apart, zone) : at.map(short)),
          },
          {
            ...axis,
            size: 58,
            values: (_, at) => at.map((one) => latest.current.format(one)),
            ...(isWhole ? { incrs: WHOLE } : {}),
          },
        ],
        series: [
          {},
          ...lines.map(({ name, style: which }) => ({
            label: name,
            stroke: color(`--chart-${which}`),
            width: 1.5,
            dash: DASHES[which],
            // A line needs two points; where there are few, they are shown.
            points: { show: (it: uPlot) => it.data[0].length < 8, size: 5 },
          })),
        ],
        hooks: { setCursor: [(it) => setCursor(it.cursor.idx ?? null)] },
        tzDate: (seconds) => (zone === "local" ? new Date(seconds * 1e3) : uPlot.tzDate(new Date(seconds * 1e3), zone)),
      },
      latest.current.data,
      element,
    );
    plot.current = chart;
    const resize = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [shape, theme, zone, height, isWhole, isFree, isTime]);

  useEffect(() => plot.current?.setData(data), [data]);

  const index = cursor ?? at.length - 1;
  return (
    <figure className="chart" aria-labelledby={id}>
      <figcaption id={id}>
        <span>
          <strong>{title}</strong>{" "}
          <span className="faint number">
            {isTime ? moment(at[index], zone).slice(5, 16) : `step ${count(at[index])}`}
          </span>
        </span>
        <span className="chart-legend">
          {lines.map((line, which) => {
            const value = columns[which]?.[index];
            return (
              <span key={line.name} className="chart-key">
                <svg width="22" height="6" aria-hidden="true">
                  <line
                    x1="0"
                    y1="3"
                    x2="22"
                    y2="3"
                    className={`chart-line-${line.style}`}
                    strokeDasharray={DASHES[line.style]?.join(" ")}
                  />
                </svg>
                {line.name} <b className="number">{value === null || value === undefined ? "–" : format(value)}</b>
              </span>
            );
          })}
        </span>
      </figcaption>
      <div ref={place} className="chart-place" />
    </figure>
  );
}
