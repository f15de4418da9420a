// Counts, rates and shares as texts.

/** A whole number in groups of three digits. By hand: the browser's own formatter takes longer to load than a view to draw. */
const grouped = (value: number): string => String(value).replace(/(?<!\.\d*)\B(?=(\d{3})+(?!\d))/g, ",");

/** A count: `0`, `1,234`; `–` where there is none. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : grouped(value);
}

/** A count in little room: `950`, `12.3k`, `4.5M`. */
export function short(value: number): string {
  for (const [size, letter] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (Math.abs(value) >= size) return `${(value / size).toFixed(Math.abs(value) >= size * 100 ? 0 : 1)}${letter}`;
  }
  return String(Math.round(value * 100) / 100);
}

/** A size: `53 B`, `76.0 kB`. */
export function bytes(size: number): string {
  return short(size).replace(/[kMG]?$/, (unit) => ` ${unit}B`);
}

/** A measured value in four digits: `0.00125`, `3.142`, `1.2e-7`, `12.3M`. */
export function value(measured: number): string {
  return Math.abs(measured) >= 1e5 ? short(measured) : String(Number(measured.toPrecision(4)));
}

/** So many per second, in the unit in which it is no tiny number: `12.0/s`, `3.0/min`, `0`. */
export function rate(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined) return "–";
  if (perSecond === 0) return "0";
  if (perSecond >= 1) return `${perSecond >= 100 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`;
  if (perSecond * 60 >= 1) return `${(perSecond * 60).toFixed(1)}/min`;
  return `${(perSecond * 3_600).toFixed(1)}/h`;
}

/** A limit as the API has it: -1 is none. */
export function limit(value: number | null | undefined): string {
  return value === null || value === undefined || value < 0 ? "none" : grouped(value);
}

/** One thing, or many. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
