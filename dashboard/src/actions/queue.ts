// What can be done to a queue.

import { call } from "~/api/call";
import type { Queue, Run } from "~/api/shapes";
import { berth, type Options } from "~/format/shell";
import type { Action, Field, Values } from "~/parts/action";
import { limitBody, limitFields, limitOptions, pairsOrText, readCount, readNumber, writePairs } from "./limits";

export interface Where {
  owner: string;
  agent: string;
  queue: string;
}

const QUEUE = "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}";

const nameOf = ({ agent, queue }: Where) => `${agent}/${queue}`;
const line = (where: { owner: string }, words: string[], options: Options = {}) =>
  berth(words, options, { owner: where.owner, host: location.origin });

export const UNTIL: Field = {
  name: "until",
  label: "Until",
  hint: "How long, as in 90s, 10m, 2h, 1d, or a time; empty: until it is resumed",
};

/** Why and until when, as a body. */
export function hold(values: Values): Record<string, string> {
  return values.until?.trim() ? { until: values.until.trim() } : {};
}

export function pause(where: Where): Action {
  return {
    title: `Pause ${nameOf(where)}`,
    explains: "It takes new runs and starts none. What runs goes on. You can resume it at any time.",
    verb: "Pause",
    fields: [UNTIL],
    takesReason: true,
    call: (values) => call("POST", `${QUEUE}/pause`, { in: { ...where }, body: hold(values) }),
    cli: ({ until }, reason) => line(where, ["queues", "pause", nameOf(where)], { reason, until }),
  };
}

export function drain(where: Where): Action {
  return {
    title: `Drain ${nameOf(where)}`,
    explains:
      "It starts no run and takes no new one either. What runs goes on, what waits stays. You can resume it at any time.",
    verb: "Drain",
    fields: [UNTIL],
    takesReason: true,
    call: (values) => call("POST", `${QUEUE}/drain`, { in: { ...where }, body: hold(values) }),
    cli: ({ until }, reason) => line(where, ["queues", "drain", nameOf(where)], { reason, until }),
  };
}

export function resume(where: Where): Action {
  return {
    title: `Resume ${nameOf(where)}`,
    explains: "It takes runs and starts them again.",
    verb: "Resume",
    takesReason: true,
    call: () => call("POST", `${QUEUE}/resume`, { in: { ...where } }),
    cli: () => line(where, ["queues", "resume", nameOf(where)]),
  };
}

const QUERY: Field = { name: "query", label: "Only those with", hint: "As in project:vision, priority:<3; empty: all" };
const shownRun = (run: Run) => `${run.name ?? run.uuid} (${run.status})`;

export function purge(where: Where): Action {
  return {
    title: `Purge ${nameOf(where)}`,
    explains:
      "What waits in it is stopped, and what is offered and not claimed. What runs goes on. This can't be undone.",
    verb: "Stop them",
    isDangerous: true,
    fields: [QUERY],
    takesReason: true,
    typed: nameOf(where),
    previews: { things: "run", show: shownRun },
    call: ({ query }) => call("POST", `${QUEUE}/purge`, { in: { ...where }, body: query?.trim() ? { query } : {} }),
    cli: ({ query }, reason) => line(where, ["queues", "purge", nameOf(where)], { query, reason, yes: true }),
  };
}

export function moveRuns(where: Where, others: Queue[]): Action {
  const choices = others
    .map(({ agent, name }) => `${agent}/${name}`)
    .filter((name) => name !== nameOf(where))
    .map((name) => ({ value: name, label: name }));
  const query = (values: Values) => [`queue:${nameOf(where)}`, values.query?.trim()].filter(Boolean).join(", ");
  return {
    title: `Move what waits in ${nameOf(where)}`,
    explains: "Runs that wait here wait in another queue. What that queue can't execute stays here, and is named.",
    verb: "Move them",
    fields: [{ name: "to", label: "To", kind: "select", choices, initial: choices[0]?.value, required: true }, QUERY],
    takesReason: true,
    previews: { things: "run", show: shownRun },
    call: (values) =>
      call("POST", "/api/v1/orgs/{owner}/runs/{uuid}", {
        in: { owner: where.owner, uuid: "move" },
        body: { query: query(values), queue: values.to },
      }),
    cli: (values, reason) =>
      line(where, ["queues", "move", nameOf(where), values.to ?? ""], { query: values.query, reason, yes: true }),
  };
}

export function deleteQueue(where: Where, onDone: () => unknown): Action {
  return {
    title: `Delete ${nameOf(where)}`,
    explains: "The queue is gone, with its settings. It must have no run left to start.",
    verb: "Delete it",
    isDangerous: true,
    takesReason: true,
    typed: nameOf(where),
    call: () => call("DELETE", QUEUE, { in: { ...where } }),
    cli: () => line(where, ["queues", "delete", nameOf(where)]),
    onDone,
  };
}

/** All that can be set of a queue, beside its name. */
function settingFields(queue?: Queue): Field[] {
  return [
    ...limitFields(queue),
    {
      name: "priority",
      label: "Priority among the agent's queues",
      hint: "Larger goes first",
      initial: String(queue?.priority ?? 0),
    },
    {
      name: "fairness",
      label: "Starts are shared between",
      hint: "none, project, user or label:KEY",
      initial: queue?.fairness ?? "project",
    },
    {
      name: "weights",
      label: "Weights",
      hint: "Who gets more, as in vision=3, audio=1",
      initial: writePairs(queue?.weights),
    },
    {
      name: "max_backlog",
      label: "Longest backlog",
      hint: "Runs that may wait; empty: any number",
      initial: queue?.max_backlog === null || queue === undefined ? "" : String(queue.max_backlog),
    },
    {
      name: "reserve_after_seconds",
      label: "Reserve after, seconds",
      hint: "How long a run waits for a quota before what it needs is kept for it; 0: never",
      initial: String(queue?.reserve_after_seconds ?? 600),
    },
    {
      name: "overflow_after_seconds",
      label: "Overflow after, seconds",
      hint: "How long a run with other queues waits in this one; 0: for ever",
      initial: String(queue?.overflow_after_seconds ?? 60),
    },
    {
      name: "preemption",
      label: "Preemption",
      kind: "select",
      initial: queue?.preemption ?? "never",
      choices: [
        { value: "never", label: "never" },
        { value: "lower_priority", label: "of lower priority" },
      ],
    },
    {
      name: "on_agent_loss",
      label: "When its agent is lost",
      kind: "select",
      initial: queue?.on_agent_loss ?? "wait",
      choices: [
        { value: "wait", label: "wait for it" },
        { value: "replace", label: "start elsewhere" },
      ],
    },
  ];
}

function settingBody(values: Values): Record<string, unknown> {
  const weights = pairsOrText(values.weights ?? "");
  const numbers =
    typeof weights === "object" && weights !== null
      ? Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, readNumber(weight)]))
      : weights;
  return {
    ...limitBody(values),
    priority: readNumber(values.priority),
    fairness: values.fairness,
    weights: numbers,
    max_backlog: readCount(values.max_backlog),
    reserve_after_seconds: readNumber(values.reserve_after_seconds),
    overflow_after_seconds: readNumber(values.overflow_after_seconds),
    preemption: values.preemption,
    on_agent_loss: values.on_agent_loss,
  };
}

function settingOptions(values: Values): Options {
  return {
    ...limitOptions(values),
    priority: values.priority,
    fairness: values.fairness,
    weight: (values.weights ?? "").split(",").map((one) => one.trim()),
    "max-backlog": values.max_backlog?.trim() || "none",
    "reserve-after": values.reserve_after_seconds,
    "overflow-after": values.overflow_after_seconds,
    preemption: values.preemption,
    "on-agent-loss": values.on_agent_loss,
  };
}

/** Only what differs from what is set: an edit says what it changes, and nothing else. */
export function changedOnly(fields: Field[], values: Values): Values {
  return Object.fromEntries(
    fields
      .filter(({ name, initial }) => (values[name] ?? "") !== (initial ?? ""))
      .map(({ name }) => [name, values[name] ?? ""]),
  );
}

function pick(from: Record<string, unknown>, names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)));
}

const OPTION_OF: Record<string, string> = {
  quotas: "quota",
  weights: "weight",
  max_backlog: "max-backlog",
  reserve_after_seconds: "reserve-after",
  overflow_after_seconds: "overflow-after",
  on_agent_loss: "on-agent-loss",
};

export function editQueue(where: Where, queue: Queue): Action {
  const fields = settingFields(queue);
  return {
    title: `Change ${nameOf(where)}`,
    explains: "What runs goes on. New limits hold from the next round of admission.",
    verb: "Change",
    fields,
    takesReason: true,
    call: (values) => {
      const names = Object.keys(changedOnly(fields, values));
      return call("PATCH", QUEUE, { in: { ...where }, body: pick(settingBody(values), names) });
    },
    cli: (values) => {
      const names = Object.keys(changedOnly(fields, values)).map((name) => OPTION_OF[name] ?? name);
      return line(where, ["queues", "update", nameOf(where)], pick(settingOptions(values), names) as Options);
    },
  };
}

export function createQueue(owner: string, agents: string[], onDone: (queue: Queue) => unknown): Action {
  return {
    title: "Make a queue",
    explains: "A queue of an agent, with its own limits and its own share of the agent.",
    verb: "Make it",
    fields: [
      {
        name: "agent",
        label: "Agent",
        kind: "select",
        required: true,
        initial: agents[0],
        choices: agents.map((name) => ({ value: name, label: name })),
      },
      { name: "name", label: "Name", hint: "Letters, digits and -", required: true },
      { name: "description", label: "What it is for" },
      ...limitFields(),
    ],
    takesReason: true,
    call: (values) =>
      call("POST", "/api/v1/orgs/{owner}/agents/{agent}/queues", {
        in: { owner, agent: values.agent ?? "" },
        body: { name: values.name, description: values.description || null, ...limitBody(values) },
      }),
    cli: (values) =>
      line({ owner }, ["queues", "create", `${values.agent}/${values.name}`], {
        description: values.description,
        ...Object.fromEntries(
          Object.entries(limitOptions(values)).filter(([, value]) => value !== "none" && String(value) !== "none"),
        ),
      }),
    onDone,
  };
}
