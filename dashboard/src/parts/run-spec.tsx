// What a run is: its operation as it is executed, with where each field comes from, and as it was submitted.

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { line } from "~/actions/run";
import { call, shownCall } from "~/api/call";
import * as ask from "~/api/run-queries";
import { compact, originOf, yaml } from "~/views/run-yaml";
import { Answer, Note } from "./states";
import { Copy, Snippet } from "./text";

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

const linesOf = (document: unknown) => compact(yaml(document as Parameters<typeof yaml>[0]));

export function RunSpec({ run }: { run: ask.WholeRun }) {
  const { owner, project, uuid } = run;
  const at = { owner, project, uuid };
  const [isRaw, setIsRaw] = useState(false);
  const origins = useQuery(ask.origins(at));
  const resolved = useMemo(() => linesOf(parsed(run.content)), [run.content]);
  const raw = useMemo(() => {
    // What was submitted as JSON is easier to read as YAML; what was YAML stays as it was written.
    const document = parsed(run.raw_content);
    const isDocument = typeof document === "object" && document !== null;
    return isDocument
      ? linesOf(document)
          .map(({ text }) => text)
          .join("\n")
      : (run.raw_content ?? "");
  }, [run.raw_content]);
  if (!run.content && !run.raw_content) return <Note>It has no operation: a client made and executes it.</Note>;
  const text = isRaw ? raw : resolved.map((one) => one.text).join("\n");
  return (
    <>
      <div className="filters">
        <span className="segments">
          {[false, true].map((one) => (
            <button
              key={String(one)}
              type="button"
              className={isRaw === one ? "button button-on" : "button"}
              aria-pressed={isRaw === one}
              onClick={() => setIsRaw(one)}
            >
              {one ? "As submitted" : "As executed"}
            </button>
          ))}
        </span>
        <Copy text={`${text}\n`} label="Copy: YAML" />
      </div>
      {isRaw ? (
        <section className="spec" aria-label="As submitted">
          <pre className="spec-raw">{raw}</pre>
        </section>
      ) : (
        <Answer of={origins}>
          {({ origins: from }) => (
            <section className="spec" aria-label="As executed, with the origin of each field">
              <table>
                <thead>
                  <tr>
                    <th scope="col">From</th>
                    <th scope="col">Field</th>
                  </tr>
                </thead>
                <tbody>
                  {resolved.map(({ text: its, path }, index) => {
                    const origin = from ? originOf(path, from) : null;
                    // Said once, where it begins.
                    const before = resolved[index - 1];
                    const isSame = before !== undefined && from && originOf(before.path, from) === origin;
                    return (
                      // biome-ignore lint/suspicious/noArrayIndexKey: lines of a text, which never move
                      <tr key={index} className={isSame ? undefined : "spec-turn"}>
                        <td className={`spec-from origin-${(origin ?? "none").split(":")[0]}`}>
                          {isSame ? <span className="visually-hidden">{origin}</span> : origin}
                        </td>
                        <td>
                          <pre>{its || " "}</pre>
                        </td>
                      </tr>
                    );
                  })}
                </tbody>
              </table>
            </section>
          )}
        </Answer>
      )}
      <details className="same">
        <summary>The same by REST and on the command line</summary>
        <Snippet
          label="REST call"
          text={shownCall(call("GET", "/api/v1/{owner}/{project}/runs/{uuid}/origins", { in: at }))}
        />
        <Snippet label="Command line" text={line(owner, project, ["ops", "get", uuid], { origins: true })} />
      </details>
    </>
  );
}
