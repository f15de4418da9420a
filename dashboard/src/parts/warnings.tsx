// What is wrong now: the worst first, each with what to do about it.

import { Link } from "@tanstack/react-router";
import type { Warning } from "~/api/shapes";
import { Ago, Badge, Message } from "./text";

/** The way to what a warning is about. */
function About({ object }: { object: Warning["object"] }) {
  if (object.uuid) {
    return (
      <Link to="/runs/$uuid" params={{ uuid: object.uuid }}>
        Run
      </Link>
    );
  }
  if (object.agent && object.queue) {
    return (
      <Link to="/queues/$agent/$queue" params={{ agent: object.agent, queue: object.queue }}>
        {object.agent}/{object.queue}
      </Link>
    );
  }
  if (object.agent) {
    return (
      <Link to="/agents/$agent" params={{ agent: object.agent }}>
        {object.agent}
      </Link>
    );
  }
  return <span>{object.kind}</span>;
}

export function Warnings({ of }: { of: Warning[] }) {
  return (
    <ul className="warnings">
      {of.map((warning) => (
        <li
          key={`${warning.name} ${warning.object.agent} ${warning.object.queue} ${warning.object.uuid}`}
          className={`warning warning-${warning.severity}`}
        >
          <Badge tone={warning.severity === "critical" ? "bad" : "warn"}>{warning.severity}</Badge>
          <div className="warning-text">
            <strong>{warning.name}</strong> <About object={warning.object} />
            <div>
              <Message text={warning.message} />
            </div>
            <div className="faint">
              {warning.since && (
                <>
                  Began <Ago at={warning.since} /> ·{" "}
                </>
              )}
              Prometheus: <code>{warning.alert}</code> · Runbook:{" "}
              <Link to="/runbooks/$name" params={{ name: warning.name }}>
                {warning.name}
              </Link>
            </div>
          </div>
        </li>
      ))}
    </ul>
  );
}
