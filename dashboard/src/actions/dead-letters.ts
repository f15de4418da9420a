// What can be done to dead letters: one, or all that a query names.

import { call } from "~/api/call";
import type { Letter } from "~/api/shapes";
import { berth } from "~/format/shell";
import type { Action } from "~/parts/action";

const shown = (letter: Letter) => `${letter.reason}: ${letter.message ?? letter.run ?? letter.uuid}`;

function line(owner: string, verb: string, query: string, reason: string): string {
  const which = query ? { query } : { all: true };
  return berth(["queues", "dead", verb], { ...which, reason, yes: true }, { owner, host: location.origin });
}

export function replayMany(owner: string, query: string): Action {
  return {
    title: query ? `Replay dead letters with ${query}` : "Replay all dead letters",
    explains:
      "Runs go back to their queues and may start again; messages go where they were read. What fails again is the same letter once more.",
    verb: "Replay them",
    takesReason: true,
    previews: { things: "dead letter", show: shown },
    call: () => call("POST", "/api/v1/orgs/{owner}/dead-letters/replay", { in: { owner }, body: { query } }),
    cli: (_, reason) => line(owner, "replay", query, reason),
  };
}

export function dropMany(owner: string, query: string): Action {
  return {
    title: query ? `Drop dead letters with ${query}` : "Drop all dead letters",
    explains: "They are forgotten; runs stay as they ended. This can't be undone.",
    verb: "Drop them",
    isDangerous: true,
    takesReason: true,
    typed: query || "all",
    previews: { things: "dead letter", show: shown },
    call: () => call("POST", "/api/v1/orgs/{owner}/dead-letters/drop", { in: { owner }, body: { query } }),
    cli: (_, reason) => line(owner, "drop", query, reason),
  };
}

export function replayOne(owner: string, letter: Letter): Action {
  return {
    title: "Replay a dead letter",
    explains: shown(letter),
    verb: "Replay it",
    takesReason: true,
    call: () => call("POST", "/api/v1/orgs/{owner}/dead-letters/{uuid}/replay", { in: { owner, uuid: letter.uuid } }),
    cli: (_, reason) => berth(["queues", "dead", "replay", letter.uuid], { reason }, { owner, host: location.origin }),
  };
}

export function dropOne(owner: string, letter: Letter, onDone: () => unknown): Action {
  return {
    title: "Drop a dead letter",
    explains: `${shown(letter)}. It is forgotten; a run stays as it ended. This can't be undone.`,
    verb: "Drop it",
    isDangerous: true,
    takesReason: true,
    call: () => call("DELETE", "/api/v1/orgs/{owner}/dead-letters/{uuid}", { in: { owner, uuid: letter.uuid } }),
    cli: (_, reason) => berth(["queues", "dead", "drop", letter.uuid], { reason }, { owner, host: location.origin }),
    onDone,
  };
}
