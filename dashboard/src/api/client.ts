// Sends calls, with the token of whoever signed in. The only place that fetches, beside the stream of events.

import createClient from "openapi-fetch";
import { session } from "~/app/session";
import { earlyAnswer } from "~/early";
import type { Call, Method } from "./call";
import { Problem } from "./problem";
import type { paths } from "./schema";

const client = createClient<paths>({
  baseUrl: "",
  headers: { Accept: "application/json" },
  fetch: (request) => earlyAnswer(request) ?? fetch(request),
});

/** Headers carry bytes: a reason in any script goes as UTF-8, which the server reads. */
function headerText(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text.replace(/\s+/g, " ").trim().slice(0, 400)));
}

export interface SendOptions {
  reason?: string;
  signal?: AbortSignal;
}

// What `openapi-fetch` takes for one path, for all of them: `call()` has checked the path already.
type AnyRequest = (
  method: Lowercase<Method>,
  path: string,
  init: object,
) => Promise<{ data?: unknown; error?: unknown; response: Response }>;

/** Sends a call and gives back its answer's body. Throws a `Problem`. */
export const send = <T>(call: Call, options: SendOptions = {}): Promise<T> => body<T>(call, options, "json");

/** The same of a call that is answered with a file. */
export const fetchFile = (call: Call, options: SendOptions = {}): Promise<Blob> => body<Blob>(call, options, "blob");

async function body<T>(call: Call, { reason, signal }: SendOptions, parseAs: "json" | "blob"): Promise<T> {
  const headers: Record<string, string> = session.headers();
  if (reason?.trim()) headers["X-Berth-Reason"] = headerText(reason);
  const request = client.request as unknown as AnyRequest;
  const { data, error, response } = await request(call.method.toLowerCase() as Lowercase<Method>, call.path, {
    params: { path: call.in, query: call.query },
    body: call.body,
    headers,
    signal,
    parseAs,
  });
  if (!response.ok) {
    if (response.status === 401) session.refused();
    throw await Problem.of(response, error);
  }
  return data as T;
}
