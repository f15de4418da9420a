// The answers that the page has, and what is asked for before a view that needs it is there.

import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { session } from "~/app/session";
import { Problem } from "./problem";
import { installation } from "./queries";

export const cache = new QueryClient({
  queryCache: new QueryCache(),
  mutationCache: new MutationCache(),
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      // What the server refused, it refuses again; a server that is away may be back.
      retry: (failures, error) => failures < 2 && !(error instanceof Problem && error.status < 500),
    },
  },
});

/** Asks ahead, unless nobody has signed in yet where that is needed. Whoever shows the answer tells what is wrong with it. */
export async function askAhead(ask: (cache: QueryClient) => unknown): Promise<void> {
  try {
    const { dist } = await cache.ensureQueryData(installation());
    if (dist === "ce" || (session.hasToken && !session.isRefused)) ask(cache);
  } catch {
    // The page itself asks again, and says so.
  }
}
