// What can be done to one run.

import { type Call, call, target } from "~/api/call";
import type { At, WholeRun } from "~/api/run-queries";
import type { Queue } from "~/api/shapes";
import { berth, type Options, word } from "~/format/shell";
import type { Action } from "~/parts/action";

const RUN = "/api/v1/{owner}/{project}/runs/{uuid}";

export const nameOf = (run: { name: string | null; uuid: string }) => run.name ?? run.uuid.slice(0, 8);
const at = ({ owner, project, uuid }: WholeRun): At => ({ owner, project, uuid });

/** A command line about the runs of a project. */
export function line(owner: string, project: string | undefined, words: string[], options: Options = {}): string {
  const its = project === "default" ? undefined : project;
  return berth(words, { ...options, project: its }, { owner, host: location.origin });
}

/** The call by curl, where `berth` has no command for it. */
export function curl(asked: Call, reason = ""): string {
  const method = asked.method === "GET" ? "" : ` -X ${asked.method}`;
  const body =
    asked.body === undefined ? "" : ` -H 'Content-Type: application/json' -d ${word(JSON.stringify(asked.body))}`;
  const why = reason ? ` -H ${word(`X-Berth-Reason: ${reason}`)}` : "";
  return `curl${method} ${word(location.origin + target(asked))}${body}${why}`;
}

export function stop(run: WholeRun): Action {
  return {
    title: `Stop ${nameOf(run)}`,
    explains:
      "It ends as stopped: its process is asked to end, and killed if it doesn't. You can resume it afterwards.",
    verb: "Stop it",
    isDangerous: true,
    takesReason: true,
    call: () => call("POST", `${RUN}/stop`, { in: at(run), body: {} }),
    cli: (_, reason) => line(run.owner, run.project, ["ops", "stop", run.uuid], { reason }),
  };
}

export function skip(run: WholeRun): Action {
  const asked = call("POST", `${RUN}/skip`, { in: at(run), body: {} });
  return {
    title: `Skip ${nameOf(run)}`,
    explains: "It ends as skipped, and never starts.",
    verb: "Skip it",
    isDangerous: true,
    takesReason: true,
    call: () => asked,
    cli: (_, reason) => curl(asked, reason),
  };
}

export function approve(run: WholeRun): Action {
  return {
    title: `Approve ${nameOf(run)}`,
    explains: "What it waits for is there: it is queued, and starts when its turn comes.",
    verb: "Approve it",
    takesReason: true,
    call: () => call("POST", `${RUN}/approve`, { in: at(run), body: {} }),
    cli: () => line(run.owner, run.project, ["ops", "approve", run.uuid]),
  };
}

export function restart(run: WholeRun, onMade: (uuid: string) => void): Action {
  return {
    title: `Restart ${nameOf(run)}`,
    explains: "The same operation is submitted again, as a new run. This one stays as it is.",
    verb: "Restart it",
    takesReason: true,
    call: () => call("POST", `${RUN}/restart`, { in: at(run), body: {} }),
    cli: (_, reason) => line(run.owner, run.project, ["ops", "restart", run.uuid], { reason }),
    onDone: (made: { uuid: string }) => onMade(made.uuid),
  };
}

export function copy(run: WholeRun, onMade: (uuid: string) => void): Action {
  const asked = (name: string) =>
    call("POST", `${RUN}/copy`, { in: at(run), body: name.trim() ? { name: name.trim() } : {} });
  return {
    title: `Copy ${nameOf(run)}`,
    explains: "The same operation is submitted as a new run, under another name if you like.",
    verb: "Copy it",
    takesReason: true,
    fields: [{ name: "name", label: "Name", initial: run.name ?? "" }],
    call: ({ name }) => asked(name ?? ""),
    cli: ({ name }, reason) => curl(asked(name ?? ""), reason),
    onDone: (made: { uuid: string }) => onMade(made.uuid),
  };
}

export function resume(run: WholeRun): Action {
  return {
    title: `Resume ${nameOf(run)}`,
    explains: "The same run goes on, as a new attempt.",
    verb: "Resume it",
    takesReason: true,
    call: () => call("POST", `${RUN}/resume`, { in: at(run), body: {} }),
    cli: (_, reason) => line(run.owner, run.project, ["ops", "resume", run.uuid], { reason }),
  };
}

export function move(run: WholeRun, queues: Queue[]): Action {
  const here = `${run.settings.agent?.name}/${run.settings.queue?.name}`;
  const choices = queues
    .map(({ agent, name }) => `${agent}/${name}`)
    .filter((name) => name !== here)
    .map((name) => ({ value: name, label: name }));
  return {
    title: `Move ${nameOf(run)} to another queue`,
    explains: `It waits in ${here} now. Its age and priority stay; its operation is compiled anew over the defaults of the other queue.`,
    verb: "Move it",
    takesReason: true,
    fields: [{ name: "to", label: "To", kind: "select", choices, initial: choices[0]?.value, required: true }],
    previews: { things: "run" },
    call: ({ to }) =>
      call("POST", RUN, { in: { ...at(run), uuid: "move" }, body: { uuids: [run.uuid], queue: to ?? "" } }),
    cli: ({ to }, reason) => line(run.owner, run.project, ["ops", "move", run.uuid], { to, reason }),
  };
}

export const PRIORITIES = Array.from({ length: 10 }, (_, priority) => ({
  value: String(priority),
  label: priority === 0 ? "0, the lowest" : priority === 9 ? "9, the highest" : String(priority),
}));

export function reprioritize(run: WholeRun): Action {
  return {
    title: `Change the priority of ${nameOf(run)}`,
    explains: "Larger goes first in its queue.",
    verb: "Change it",
    takesReason: true,
    fields: [
      { name: "priority", label: "Priority", kind: "select", choices: PRIORITIES, initial: String(run.priority) },
    ],
    call: ({ priority }) =>
      call("POST", RUN, {
        in: { ...at(run), uuid: "reprioritize" },
        body: { uuids: [run.uuid], priority: Number(priority) },
      }),
    cli: ({ priority }, reason) =>
      line(run.owner, run.project, ["ops", "reprioritize", run.uuid], { priority, reason }),
  };
}

export function edit(run: WholeRun): Action {
  const asked = ({ name, description, tags }: Record<string, string>) =>
    call("PATCH", RUN, {
      in: at(run),
      body: {
        name: name?.trim(),
        description: description?.trim() ?? "",
        tags: (tags ?? "")
          .split(",")
          .map((tag) => tag.trim())
          .filter((tag) => tag !== ""),
      },
    });
  return {
    title: `Edit ${nameOf(run)}`,
    explains: "What it is called. How it runs stays as it is.",
    verb: "Change it",
    takesReason: true,
    fields: [
      { name: "name", label: "Name", initial: run.name ?? "", required: true },
      { name: "description", label: "What it is for", initial: run.description ?? "" },
      { name: "tags", label: "Tags", hint: "By commas", initial: (run.tags ?? []).join(", ") },
    ],
    call: asked,
    cli: (values, reason) => curl(asked(values), reason),
  };
}

export function archive(run: WholeRun): Action {
  const isArchived = run.live_state === 0;
  const asked = call("POST", isArchived ? `${RUN}/restore` : `${RUN}/archive`, { in: at(run), body: {} });
  return {
    title: `${isArchived ? "Restore" : "Archive"} ${nameOf(run)}`,
    explains: isArchived
      ? "It is in lists again."
      : "It is in lists no more, but for those that ask for live_state:0. You can restore it.",
    verb: isArchived ? "Restore it" : "Archive it",
    takesReason: true,
    call: () => asked,
    cli: (_, reason) => curl(asked, reason),
  };
}

export function remove(run: WholeRun, onDone: () => void): Action {
  return {
    title: `Delete ${nameOf(run)}`,
    explains: "It is stopped if it is alive, and then it is gone, with its logs. This can't be undone.",
    verb: "Delete it",
    isDangerous: true,
    takesReason: true,
    typed: nameOf(run),
    call: () => call("DELETE", RUN, { in: at(run) }),
    cli: () => line(run.owner, run.project, ["ops", "delete", run.uuid]),
    onDone,
  };
}
