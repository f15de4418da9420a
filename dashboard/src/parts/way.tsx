// Links of rows. The router's own each follow its state, for which a long table pays with every row that comes into view.

import { useRouter } from "@tanstack/react-router";
import type { MouseEvent, ReactNode } from "react";

/** Where a row leads. */
type Place =
  | { to: "/runs/$uuid"; params: { uuid: string } }
  | { to: "/queues/$agent/$queue"; params: { agent: string; queue: string } }
  | { to: "/agents/$agent"; params: { agent: string } }
  | { to: "/projects/$project"; params: { project: string } };

/** Its path. */
export function pathOf({ to, params }: Place): string {
  const values: Record<string, string> = params;
  return to.replace(/\$(\w+)/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));
}

export function Way({ title, children, ...place }: Place & { title?: string; children: ReactNode }) {
  const router = useRouter();
  // The organization stays chosen; the rows are drawn anew when it changes, since they are another's.
  const { owner } = router.state.location.search as { owner?: string };
  const href = owner === undefined ? pathOf(place) : `${pathOf(place)}?owner=${encodeURIComponent(owner)}`;
  const go = (event: MouseEvent) => {
    const isOwn = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0;
    if (event.defaultPrevented || isOwn) return;
    event.preventDefault();
    router.history.push(href);
  };
  return (
    <a href={href} title={title} onClick={go} onPointerEnter={() => void router.preloadRoute(place)}>
      {children}
    </a>
  );
}
