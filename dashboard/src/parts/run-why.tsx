// Why a run waits: its place, the rules that hold it back with who holds them, when it may start, what it waited for, where
// else it may go.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { line } from "~/actions/run";
import { call, shownCall } from "~/api/call";
import * as ask from "~/api/run-queries";
import { useNow } from "~/app/now";
import { count } from "~/format/number";
import { ago, duration } from "~/format/time";
import { WAITING } from "~/views/run-timeline";
import { Section } from "./page";
import { Answer, Note } from "./states";
import { Badge, Moment, Snippet, Status } from "./text";

const words = (name: string) => name.replaceAll("_", " ");

/** A holder of a limit, by its name once it is known. */
function Holder({ owner, uuid }: { owner: string; uuid: string }) {
  const run = useQuery(ask.run(owner, uuid));
  return (
    <Link to="/runs/$uuid" params={{ uuid }} title={uuid}>
      {run.data?.name ?? <code>{uuid.slice(0, 8)}</code>}
      {run.data && (
        <>
          {" "}
          <Status status={run.data.status} />
        </>
      )}
    </Link>
  );
}

/** What a rule is set on, as a link to where it can be changed. */
export function Level({ level, name, agent }: { level: string; name: string; agent?: string | null }) {
  if (!name) return <>{level}</>;
  if (level === "queue" && agent) {
    return (
      <Link to="/queues/$agent/$queue" params={{ agent, queue: name.split("/").at(-1) ?? name }}>
        queue {name}
      </Link>
    );
  }
  if (level === "agent") {
    return (
      <Link to="/agents/$agent" params={{ agent: name }}>
        agent {name}
      </Link>
    );
  }
  if (level === "project") {
    return (
      <Link to="/projects/$project" params={{ project: name }}>
        project {name}
      </Link>
    );
  }
  return (
    <>
      {level} {name}
    </>
  );
}

export function Blocks({ owner, why, agent }: { owner: string; why: ask.Explanation; agent?: string | null }) {
  return (
    <ul className="plain blocks">
      {why.blocked_by.map((block) => (
        <li key={`${block.rule}-${block.level}-${block.name}`}>
          <div className="block-head">
            <Badge tone="warn">{words(block.rule)}</Badge>
            <span className="block-message">{block.message}</span>
          </div>
          <div className="block-more faint">
            <span>
              set on <Level level={block.level} name={block.name ?? ""} agent={agent} />
            </span>
            {block.limit !== null && block.used !== null && (
              <span className="number">
                {String(block.used)} of {String(block.limit)} used
              </span>
            )}
            {block.holders.length > 0 && (
              <span className="holders">
                held by{" "}
                {block.holders.map((uuid) => (
                  <Holder key={uuid} owner={owner} uuid={uuid} />
                ))}
              </span>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Its place, in a sentence. */
export function Place({ why }: { why: ask.Explanation }) {
  const now = useNow();
  return (
    <>
      {why.position !== null && why.of !== null && (
        <span>
          Place <b className="number">{count(why.position)}</b> of <span className="number">{count(why.of)}</span> in
          its queue
        </span>
      )}
      {why.estimate && (
        <span>
          may start <b className="number">{ago(why.estimate.at, now)}</b>
        </span>
      )}
    </>
  );
}

export function RunWhy({ run, explanation }: { run: ask.WholeRun; explanation: ReturnType<typeof useExplanation> }) {
  const { owner, project, uuid, settings } = run;
  const waits = WAITING.has(run.status) || run.status === "scheduled";
  return (
    <Answer of={explanation}>
      {(why) => (
        <>
          <Section title={waits ? "What holds it back now" : "Now"}>
            <div className="panel why">
              <div className="why-place">
                <Status status={why.status} />
                <Place why={why} />
              </div>
              {why.blocked_by.length > 0 ? (
                <Blocks owner={owner} why={why} agent={settings.agent?.name} />
              ) : (
                <p>{waits ? "Nothing holds it back: it starts as soon as its agent takes it." : "It does not wait."}</p>
              )}
              {why.estimate && (
                <p>
                  It may start at <Moment at={why.estimate.at} />, hardly before <Moment at={why.estimate.low} /> or
                  after <Moment at={why.estimate.high} />.
                </p>
              )}
            </div>
          </Section>
          {why.placement.length > 0 && (
            <Section title="No node fits, as far as its agent told of its nodes">
              <Note tone="warn">
                <ul className="plain">
                  {why.placement.map((text) => (
                    <li key={text}>{text}</li>
                  ))}
                </ul>
              </Note>
            </Section>
          )}
          {why.overflow && (
            <Section title="Where else it may go">
              <div className="panel why">
                <p>
                  {why.overflow.candidates.map((name) => (
                    <code key={name} className="chip">
                      {name}
                    </code>
                  ))}
                </p>
                <p>{why.overflow.message}</p>
              </div>
            </Section>
          )}
          <Section title="What it has waited for">
            <Waited waited={why.waited} agent={settings.agent?.name} />
          </Section>
          <details className="same">
            <summary>The same by REST and on the command line</summary>
            <Snippet
              label="REST call"
              text={shownCall(
                call("GET", "/api/v1/{owner}/{project}/runs/{uuid}/explain", { in: { owner, project, uuid } }),
              )}
            />
            <Snippet label="Command line" text={line(owner, project, ["ops", "why", uuid])} />
          </details>
        </>
      )}
    </Answer>
  );
}

function Waited({ waited, agent }: { waited: ask.Explanation["waited"]; agent?: string | null }) {
  if (waited.length === 0) return <p className="faint">For nothing that was noted.</p>;
  const most = Math.max(...waited.map(({ seconds }) => seconds));
  return (
    <div className="table-wide">
      <table className="plain-table waited">
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col">Set on</th>
            <th scope="col" className="right">
              How long
            </th>
            <th scope="col">
              <span className="visually-hidden">Compared</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {waited.map(({ rule, level, name, seconds }) => (
            <tr key={`${rule}-${level}-${name}`}>
              <td>{words(rule)}</td>
              <td>
                <Level level={level} name={name} agent={agent} />
              </td>
              <td className="right number">{duration(seconds)}</td>
              <td className="waited-bar">
                <svg width="100%" height="8" aria-hidden="true">
                  <rect width={`${(100 * seconds) / most}%`} height="8" rx="1.5" className="waterfall-bar bar-waits" />
                </svg>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function useExplanation(at: ask.At, status: string | undefined) {
  const waits = status !== undefined && (WAITING.has(status) || status === "scheduled" || status === "unschedulable");
  return useQuery({ ...ask.explanation(at, waits), enabled: status !== undefined && at.project !== "" });
}
