// How fresh the page is: "live", or how far behind.

import { wholeSeconds } from "~/format/time";
import { useFreshness } from "~/live/live";
import { useNow } from "./now";

export function Fresh() {
  const freshness = useFreshness();
  const now = useNow();
  const [tone, text] = ((): [string, string] => {
    switch (freshness.state) {
      case "live":
        return freshness.behind > 0 ? ["late", `${freshness.behind} s behind`] : ["live", "live"];
      case "connecting":
        return ["late", "connecting"];
      case "paused":
        return ["late", "paused"];
      case "lost":
        return ["lost", `${wholeSeconds(Math.max(1, (now - freshness.since) / 1_000))} behind`];
    }
  })();
  return (
    <output className={`fresh fresh-${tone}`} title="How fresh what you see is">
      <span aria-hidden="true" className="fresh-dot" />
      {text}
    </output>
  );
}
