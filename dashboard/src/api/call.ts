// A request as plain data, so that what a dialog shows is what is sent. Paths, methods and the names in a path are
// checked against the types that are generated from the API's own description.

import type { paths as Paths } from "./schema";

export type { Paths };
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type Values = Record<string, string | number | boolean | undefined>;

type MethodsOf<P extends keyof Paths> = {
  [M in Method]: Paths[P] extends { [K in Lowercase<M>]: object } ? M : never;
}[Method];

type InPath<P extends keyof Paths> = Paths[P] extends { parameters: { path: infer T } }
  ? { in: T }
  : { in?: Record<string, never> };

export interface Call {
  method: Method;
  path: string;
  in: Record<string, string>;
  query?: Values;
  body?: unknown;
}

export function call<P extends keyof Paths>(
  method: MethodsOf<P>,
  path: P,
  given: InPath<P> & { query?: Values; body?: unknown },
): Call {
  return { method, path, in: (given.in ?? {}) as Record<string, string>, query: given.query, body: given.body };
}

/** The path with its names filled in and its query, as it goes over the wire. */
export function target(call: Call): string {
  const path = call.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(call.in[name] ?? ""));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** The request as somebody would read it: method and target, and the body below. */
export function shownCall(call: Call): string {
  const head = `${call.method} ${target(call)}`;
  return call.body === undefined ? head : `${head}\n${JSON.stringify(call.body, null, 2)}`;
}
