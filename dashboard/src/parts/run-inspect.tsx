// What a run's agent sees of its objects: pods with their states, conditions and events, as it tells them.

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { line } from "~/actions/run";
import * as ask from "~/api/run-queries";
import { compact, yaml } from "~/views/run-yaml";
import { Answer } from "./states";
import { Copy, Snippet } from "./text";

function Objects({ objects }: { objects: Record<string, unknown> }) {
  const text = useMemo(
    () =>
      compact(yaml(objects as Parameters<typeof yaml>[0]))
        .map((one) => one.text)
        .join("\n"),
    [objects],
  );
  if (Object.keys(objects).length === 0) return <p className="faint">Its agent sees no object of it.</p>;
  return (
    <section className="spec" aria-label="Objects">
      <div className="spec-copy">
        <Copy text={`${text}\n`} label="Copy: objects" />
      </div>
      <pre className="spec-raw">{text}</pre>
    </section>
  );
}

export function RunInspect({ at }: { at: ask.At }) {
  const inspection = useQuery(ask.inspection(at));
  return (
    <>
      <Answer of={inspection}>{(objects) => <Objects objects={objects} />}</Answer>
      <details className="same">
        <summary>The same on the command line</summary>
        <Snippet label="Command line" text={line(at.owner, at.project, ["ops", "inspect", at.uuid])} />
      </details>
    </>
  );
}
