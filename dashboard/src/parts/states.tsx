// What a view shows while there is nothing to show: it is fetched, it failed, there is none, the server doesn't have it.

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Problem, wordsOf } from "~/api/problem";

export function Note({ tone = "quiet", children }: { tone?: "quiet" | "warn" | "bad"; children: ReactNode }) {
  return (
    <div className={`note note-${tone}`} role={tone === "bad" ? "alert" : undefined}>
      {children}
    </div>
  );
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  if (error instanceof Problem && error.isUnknownPath) {
    return <Note>Not available: this server is older than the page and does not answer this.</Note>;
  }
  const id = error instanceof Problem ? error.requestId : null;
  return (
    <Note tone="bad">
      <p>{wordsOf(error)}</p>
      {id && <p className="faint">Request {id}</p>}
      {retry && (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      )}
    </Note>
  );
}

/** Shows an answer, or why there is none. What was there stays while it is asked again, and when that fails. */
export function Answer<T>({
  of,
  children,
  placeholder,
}: {
  of: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  placeholder?: ReactNode;
}) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.error) return <Failure error={of.error} retry={() => void of.refetch()} />;
  return <>{placeholder ?? <Loading />}</>;
}

export function Loading() {
  return (
    <div className="loading" role="status">
      <span className="visually-hidden">Loading</span>
      <span className="shimmer" />
      <span className="shimmer" />
      <span className="shimmer" />
    </div>
  );
}
