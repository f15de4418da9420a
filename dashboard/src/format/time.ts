// Moments and durations as texts. Pure: the time zone and now come in as arguments.

export type Zone = "local" | "UTC" | (string & {});

const two = (count: number): string => String(count).padStart(2, "0");

/** Seconds as people read them: `850 ms`, `4.2 s`, `3 m 05 s`, `2 h 10 m`, `4 d 06 h`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 0) return `−${duration(-seconds)}`;
  if (seconds === 0) return "0 s";
  if (seconds < 0.9995) return `${Math.round(seconds * 1_000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

/** Seconds from one moment to another; null if one is missing. */
export function between(from: string | null | undefined, until: string | number | null | undefined): number | null {
  if (!from || until === null || until === undefined) return null;
  const end = typeof until === "number" ? until : Date.parse(until);
  const seconds = (end - Date.parse(from)) / 1_000;
  return Number.isFinite(seconds) ? seconds : null;
}

/** A duration in whole seconds: `4 s`, `3 m 05 s`. */
export function wholeSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  return Math.abs(whole) < 60 ? `${whole} s` : duration(whole);
}

/** How long ago, or in how long: `12 s ago`, `in 5 m 00 s`. */
export function ago(at: string | null | undefined, now: number): string {
  const seconds = between(at, now);
  if (seconds === null) return "never";
  if (Math.abs(seconds) < 1) return "now";
  return seconds > 0 ? `${wholeSeconds(seconds)} ago` : `in ${wholeSeconds(-seconds)}`;
}

/** What writes moments of a zone: made once, for making one takes as long as drawing a row. */
const formats = new Map<Zone, Intl.DateTimeFormat>();

function inZone(date: Date, zone: Zone): string {
  if (zone === "UTC") return date.toISOString().slice(0, 19).replace("T", " ");
  if (zone === "local") {
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  }
  let format = formats.get(zone);
  if (!format) {
    // Swedish writes dates as ISO 8601 does.
    format = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: zone });
    formats.set(zone, format);
  }
  return format.format(date);
}

/** A moment to the second, sortable by eye: `2026-03-01 14:05:09`. */
export function moment(at: string | number | null | undefined, zone: Zone): string {
  if (at === null || at === undefined || at === "") return "–";
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "–" : inZone(date, zone);
}

/** The browser's own zone, once it was asked for. */
let here: string | undefined;

/** The name of a zone as it is shown: `UTC`, `Europe/Berlin`, and the browser's own. */
export function zoneName(zone: Zone): string {
  if (zone !== "local") return zone;
  here ??= Intl.DateTimeFormat().resolvedOptions().timeZone;
  return here;
}
