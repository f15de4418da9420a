// What can be done to an agent.

import { call } from "~/api/call";
import type { Agent, NewCredentials } from "~/api/shapes";
import { berth, type Options } from "~/format/shell";
import type { Action, Field } from "~/parts/action";
import { limitBody, limitFields, limitOptions, pairsOrText, words, writePairs } from "./limits";
import { changedOnly, hold, UNTIL } from "./queue";

const AGENT = "/api/v1/orgs/{owner}/agents/{agent}";

export interface Which {
  owner: string;
  agent: string;
}

const LABELS = "As in zone=eu, gpu=a100; they hold over those that the agent reports";

const line = ({ owner }: { owner: string }, words: string[], options: Options = {}) =>
  berth(words, options, { owner, host: location.origin });

function steer(which: Which, verb: string) {
  return (body?: unknown) =>
    call("POST", `${AGENT}/{verb}`, { in: { owner: which.owner, agent: which.agent, verb }, body: body ?? {} });
}

export function cordon(which: Which): Action {
  return {
    title: `Cordon ${which.agent}`,
    explains:
      "The agent starts nothing more. What runs goes on, and its queues take new runs. You can take it back at any time.",
    verb: "Cordon",
    fields: [UNTIL],
    takesReason: true,
    call: (values) => steer(which, "cordon")(hold(values)),
    cli: ({ until }, reason) => line(which, ["agents", "cordon", which.agent], { reason, until }),
  };
}

export function drainAgent(which: Which): Action {
  return {
    title: `Drain ${which.agent}`,
    explains:
      "The agent starts nothing more, and its queues take no new run. What runs goes on. You can take it back at any time.",
    verb: "Drain",
    fields: [UNTIL],
    takesReason: true,
    call: (values) => steer(which, "drain")(hold(values)),
    cli: ({ until }, reason) => line(which, ["agents", "drain", which.agent], { reason, until }),
  };
}

export function uncordon(which: Which): Action {
  return {
    title: `Let ${which.agent} start again`,
    explains: "The agent starts runs again, and its queues take new ones.",
    verb: "Let it start",
    takesReason: true,
    call: () => steer(which, "uncordon")(),
    cli: () => line(which, ["agents", "cordon", which.agent], { off: true }),
  };
}

export function rotate(which: Which, show: (made: NewCredentials) => React.ReactNode): Action {
  return {
    title: `New credentials for ${which.agent}`,
    explains:
      "Makes a new generation, whose password is told once. The one before still comes in; what is older does not. Retire the older one when the agent has the new.",
    verb: "Make them",
    takesReason: true,
    call: () => call("POST", `${AGENT}/credentials`, { in: { ...which } }),
    cli: () => line(which, ["agents", "credentials", which.agent]),
    result: show,
  };
}

export function retire(which: Which, generation: number): Action {
  return {
    title: `Retire generation ${generation} of ${which.agent}`,
    explains: "These credentials come in no more, and their connections to the broker end. This can't be undone.",
    verb: "Retire them",
    isDangerous: true,
    takesReason: true,
    typed: which.agent,
    call: () =>
      call("DELETE", `${AGENT}/credentials/{generation}`, { in: { ...which, generation: String(generation) } }),
    cli: () => line(which, ["agents", "credentials", which.agent], { retire: true }),
  };
}

/** Options that are called otherwise than their fields. */
const OPTION_OF: Record<string, string> = { quotas: "quota", labels: "label" };

export function editAgent(which: Which, agent: Agent): Action {
  const fields: Field[] = [
    { name: "description", label: "What it is for", initial: agent.description ?? "" },
    { name: "labels", label: "Labels", hint: LABELS, initial: writePairs(agent.labels) },
    ...limitFields(agent),
  ];
  const pick = <T extends object>(from: T, names: string[]) =>
    Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)));
  return {
    title: `Change ${which.agent}`,
    explains: "What runs goes on. New limits hold from the next round of admission.",
    verb: "Change",
    fields,
    takesReason: true,
    call: (values) => {
      const names = Object.keys(changedOnly(fields, values));
      const body = {
        description: values.description || null,
        labels: pairsOrText(values.labels ?? ""),
        ...limitBody(values),
      };
      return call("PATCH", AGENT, { in: { ...which }, body: pick(body, names) });
    },
    cli: (values) => {
      const names = Object.keys(changedOnly(fields, values)).map((name) => OPTION_OF[name] ?? name);
      const labels = words(values.labels);
      const options = {
        description: values.description,
        label: labels.length > 0 ? labels : ["none"],
        ...limitOptions(values),
      };
      return line(which, ["agents", "update", which.agent], pick(options, names) as Options);
    },
  };
}

export function createAgent(owner: string, onDone: (agent: Agent) => unknown): Action {
  return {
    title: "Make an agent",
    explains: "An agent with a queue `default`. Install it where the work is, with credentials of its own.",
    verb: "Make it",
    fields: [
      { name: "name", label: "Name", hint: "Letters, digits and -", required: true },
      { name: "description", label: "What it is for" },
      { name: "labels", label: "Labels", hint: LABELS },
      ...limitFields(),
    ],
    takesReason: true,
    call: (values) =>
      call("POST", "/api/v1/orgs/{owner}/agents", {
        in: { owner },
        body: {
          name: values.name,
          description: values.description || null,
          labels: pairsOrText(values.labels ?? ""),
          ...limitBody(values),
        },
      }),
    cli: (values) =>
      line({ owner }, ["agents", "create", values.name ?? ""], {
        description: values.description,
        label: words(values.labels),
        ...Object.fromEntries(Object.entries(limitOptions(values)).filter(([, value]) => String(value) !== "none")),
      }),
    onDone,
  };
}

export function deleteAgent(which: Which, onDone: () => unknown): Action {
  return {
    title: `Delete ${which.agent}`,
    explains: "The agent, its queues and its credentials are gone. No run may be left at it.",
    verb: "Delete it",
    isDangerous: true,
    takesReason: true,
    typed: which.agent,
    call: () => call("DELETE", AGENT, { in: { ...which } }),
    cli: () => line(which, ["agents", "delete", which.agent]),
    onDone,
  };
}
