// What can be done to many runs: to those that are selected, or to all that a query names.

import { createElement } from "react";
import { call } from "~/api/call";
import type { Queue, Run } from "~/api/shapes";
import { plural } from "~/format/number";
import type { Options } from "~/format/shell";
import type { Action, Values } from "~/parts/action";
import { line, nameOf, PRIORITIES } from "./run";

export interface Many {
  owner: string;
  /** One project's only. */
  project?: string;
  /** These, or */
  runs?: Run[];
  /** all that it names. */
  query?: string;
}

/** Runs that fit into a query by their UUIDs: it may have 4,096 bytes. */
export const NAMED = 120;
/** Runs that one call takes by their UUIDs. */
export const MOST = 1_000;

type Verb = "stop" | "restart" | "resume" | "move" | "reprioritize";

const ENDED = "status:succeeded|failed|stopped|skipped|upstream_failed";
const isAgain = (verb: Verb) => verb === "restart" || verb === "resume";

/** Those that are meant, as a query; null if they are too many for one. */
export function queryOf(many: Many, verb: Verb): string | null {
  if (many.query !== undefined) return many.query;
  const uuids = (many.runs ?? []).map((run) => run.uuid);
  if (uuids.length > NAMED) return null;
  // Who names a run that succeeded means it; a query alone leaves those out.
  return [`uuid:${uuids.join("|")}`, ...(isAgain(verb) ? [ENDED] : [])].join(", ");
}

function manyCall(many: Many, verb: Verb, more: object = {}) {
  const { owner, project } = many;
  const query = queryOf(many, verb);
  const which = query === null ? { uuids: (many.runs ?? []).map((run) => run.uuid) } : { query };
  const body = { ...which, ...more };
  return project
    ? call("POST", "/api/v1/{owner}/{project}/runs/{uuid}", { in: { owner, project, uuid: verb }, body })
    : call("POST", "/api/v1/orgs/{owner}/runs/{uuid}", { in: { owner, uuid: verb }, body });
}

/** A line for each project: the command line acts on one at a time. */
function lines(many: Many, words: string[], verb: Verb, options: Options): string {
  const query = queryOf(many, verb);
  const projects = many.project
    ? [many.project]
    : [...new Set((many.runs ?? []).map((run) => run.project ?? "default"))];
  if (projects.length === 0) projects.push("PROJECT");
  if (query === null) {
    return (many.runs ?? []).map((run) => line(many.owner, run.project, [...words, run.uuid], options)).join("\n");
  }
  return projects.map((project) => line(many.owner, project, words, { query, ...options, yes: true })).join("\n");
}

const shown = (run: Run) => `${nameOf(run)} (${run.status})`;

function what(many: Many): string {
  if (many.runs) return plural(many.runs.length, "selected run");
  return many.query ? `all runs with ${many.query}` : "all runs";
}

interface Deed {
  verb: Verb;
  title: string;
  explains: string;
  says: string;
  isDangerous?: boolean;
  fields?: Action["fields"];
  more?: (values: Values) => object;
  options?: (values: Values) => Options;
}

function deed(
  many: Many,
  { verb, title, explains, says, isDangerous, fields, more, options }: Deed,
  onDone: () => void,
): Action {
  // To stop those that don't fit into a query is Polyaxon's own call, which has no dry run.
  const canPreview = queryOf(many, verb) !== null || verb !== "stop";
  return {
    title: `${title} ${what(many)}`,
    explains,
    verb: says,
    isDangerous,
    fields,
    takesReason: true,
    typed: isDangerous && many.query !== undefined ? "all" : undefined,
    previews: canPreview ? { things: "run", show: shown } : undefined,
    call: (values) => manyCall(many, verb, more?.(values)),
    cli: (values, reason) => lines(many, ["ops", verb], verb, { ...options?.(values), reason }),
    onDone,
  };
}

export function stopMany(many: Many, onDone: () => void): Action {
  const explains =
    "Those that wait never start; those that run are asked to end, and killed if they don't. What has ended stays as it is.";
  return deed(many, { verb: "stop", title: "Stop", explains, says: "Stop them", isDangerous: true }, onDone);
}

const ALSO = (many: Many) => (many.runs ? "" : " What succeeded is left out, unless the query names it by its status.");

export function restartMany(many: Many, onDone: () => void): Action {
  const explains = `Those that ended are submitted again, as new runs.${ALSO(many)}`;
  return deed(many, { verb: "restart", title: "Restart", explains, says: "Restart them" }, onDone);
}

export function resumeMany(many: Many, onDone: () => void): Action {
  const explains = `Those that ended go on, each as a new attempt of itself.${ALSO(many)}`;
  return deed(many, { verb: "resume", title: "Resume", explains, says: "Resume them" }, onDone);
}

export function moveMany(many: Many, queues: Queue[], onDone: () => void): Action {
  const choices = queues.map(({ agent, name }) => ({ value: `${agent}/${name}`, label: `${agent}/${name}` }));
  return deed(
    many,
    {
      verb: "move",
      title: "Move",
      explains:
        "Those that wait, wait in another queue. Age and priority stay. What that queue can't execute stays where it is, and is named.",
      says: "Move them",
      fields: [{ name: "to", label: "To", kind: "select", choices, initial: choices[0]?.value, required: true }],
      more: ({ to }) => ({ queue: to }),
      options: ({ to }) => ({ to }),
    },
    onDone,
  );
}

export function reprioritizeMany(many: Many, onDone: () => void): Action {
  return deed(
    many,
    {
      verb: "reprioritize",
      title: "Change the priority of",
      explains: "Those that wait go by it in their queues; larger goes first.",
      says: "Change it",
      fields: [{ name: "priority", label: "Priority", kind: "select", choices: PRIORITIES, initial: "5" }],
      more: ({ priority }) => ({ priority: Number(priority) }),
      options: ({ priority }) => ({ priority }),
    },
    onDone,
  );
}

/** How it went, of a call that only names what it didn't find. */
function result(count: number, done: string) {
  return ({ unknown = [] }: { unknown?: string[] }) =>
    createElement(
      "p",
      null,
      `${plural(count - unknown.length, "run")} ${done}.`,
      unknown.length > 0 ? ` Not there any more: ${unknown.join(", ")}.` : "",
    );
}

export function approveMany(owner: string, runs: Run[], onDone: () => void): Action {
  const waiting = runs.filter((run) => run.pending !== null);
  const uuids = waiting.map((run) => run.uuid);
  return {
    title: `Approve ${plural(waiting.length, "run")}`,
    explains: `${plural(waiting.length, "selected run")} wait${waiting.length === 1 ? "s" : ""} for an approval: ${waiting
      .slice(0, 10)
      .map(nameOf)
      .join(", ")}${waiting.length > 10 ? ", …" : ""}.`,
    verb: "Approve them",
    takesReason: true,
    call: () => call("POST", "/api/v1/orgs/{owner}/runs/{uuid}", { in: { owner, uuid: "approve" }, body: { uuids } }),
    cli: () => waiting.map((run) => line(owner, run.project, ["ops", "approve", run.uuid])).join("\n"),
    result: result(uuids.length, "approved"),
    onDone,
  };
}

export function deleteMany(owner: string, runs: Run[], onDone: () => void): Action {
  const uuids = runs.map((run) => run.uuid);
  const alive = runs.filter((run) => run.finished_at === null).length;
  return {
    title: `Delete ${plural(runs.length, "selected run")}`,
    explains: `They are gone, with their logs${alive > 0 ? `; ${alive} of them are alive, and are stopped first` : ""}. This can't be undone.`,
    verb: "Delete them",
    isDangerous: true,
    takesReason: true,
    typed: String(runs.length),
    call: () => call("DELETE", "/api/v1/orgs/{owner}/runs/delete", { in: { owner }, body: { uuids } }),
    cli: () => runs.map((run) => line(owner, run.project, ["ops", "delete", run.uuid])).join("\n"),
    result: result(uuids.length, "deleted"),
    onDone,
  };
}
