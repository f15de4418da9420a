// Limits as forms have them, as the API takes them and as the command line does. Pure.

import type { LimitFields } from "~/api/shapes";
import type { Options } from "~/format/shell";
import type { Field, Values } from "~/parts/action";

/** `gpu=8, memory=64Gi` as pairs; throws on what is no pair. */
export function readPairs(text: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const part of text.split(",").map((one) => one.trim())) {
    if (part === "") continue;
    const at = part.indexOf("=");
    if (at < 1) throw new Error(`\`${part}\` is not NAME=VALUE`);
    pairs[part.slice(0, at).trim()] = part.slice(at + 1).trim();
  }
  return pairs;
}

export function writePairs(pairs: Record<string, string | number> | null | undefined): string {
  return Object.entries(pairs ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");
}

/** A number, or the text as it is where it is none, so that the API says what is wrong with it. */
export function readNumber(text: string | undefined): number | string {
  const trimmed = (text ?? "").trim();
  const number = Number(trimmed);
  return trimmed === "" || Number.isNaN(number) ? trimmed : number;
}

/** The same, and null where nothing or `none` is written. */
export function readCount(text: string | undefined): number | string | null {
  const trimmed = (text ?? "").trim();
  return trimmed === "" || trimmed === "none" ? null : readNumber(trimmed);
}

export function limitFields(of?: Partial<LimitFields>): Field[] {
  return [
    {
      name: "concurrency",
      label: "Concurrency",
      hint: "Runs alive at a time at most; empty: no limit",
      initial: of?.concurrency !== undefined && of.concurrency >= 0 ? String(of.concurrency) : "",
    },
    { name: "quotas", label: "Quotas", hint: "As in gpu=8, memory=64Gi; empty: none", initial: writePairs(of?.quotas) },
    { name: "rate", label: "Starts per period", hint: "As in 30/m; empty: no limit", initial: of?.rate ?? "" },
  ];
}

/** The fields of a body. What is no pair is sent as it is written, so that the API says what is wrong with it. */
export function limitBody(values: Values): Record<string, unknown> {
  return {
    concurrency: readCount(values.concurrency),
    quotas: pairsOrText(values.quotas ?? ""),
    rate: values.rate?.trim() || null,
  };
}

export function pairsOrText(text: string): unknown {
  try {
    return readPairs(text);
  } catch {
    return text;
  }
}

/** What stands between commas. */
export function words(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

export function limitOptions(values: Values): Options {
  const quotas = words(values.quotas);
  return {
    concurrency: values.concurrency?.trim() || "none",
    quota: quotas.length > 0 ? quotas : ["none"],
    rate: values.rate?.trim() || "none",
  };
}
