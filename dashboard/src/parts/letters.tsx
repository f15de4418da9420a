// Dead letters: counted by reason, listed, replayed and dropped. For all of an organization, or for one queue.

import { useQuery } from "@tanstack/react-query";
import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";
import * as act from "~/actions/dead-letters";
import * as ask from "~/api/queries";
import type { Letter } from "~/api/shapes";
import { count, plural } from "~/format/number";
import { fieldOf, withField } from "~/format/query";
import { useAction } from "./action";
import { ActionMenu } from "./menu";
import { Answer } from "./states";
import { DataTable } from "./table";
import { Ago, Badge, Message } from "./text";
import { Way } from "./way";

/** What each reason means. */
const MEANINGS: Record<string, string> = {
  poison: "claimed too often without a start",
  undecodable: "an agent can't read a message",
  unreadable: "no message of an agent",
  newer_version: "of a newer version than this server reads",
  foreign: "an agent spoke of a run that is not at it",
};

export interface LettersProps {
  owner: string;
  query: string;
  /** Sets the query; without it, reasons are no filters. */
  onQuery?: (query: string) => void;
  onOpen?: (uuid: string) => void;
  isShort?: boolean;
}

export function Letters({ owner, query, onQuery, onOpen, isShort }: LettersProps) {
  const open = useAction();
  const letters = useQuery(ask.letters(owner, query));
  // Counted over all reasons, also while one is chosen.
  const groups = useQuery(ask.letterGroups(owner, withField(query, "reason", null)));
  const chosen = fieldOf(query, "reason");
  const columns = useMemo<ColumnDef<Letter>[]>(
    () => [
      {
        id: "reason",
        header: "Reason",
        size: 130,
        accessorKey: "reason",
        cell: ({ row: { original } }) => <Badge tone="bad">{original.reason.replaceAll("_", " ")}</Badge>,
      },
      {
        id: "message",
        header: "What happened",
        size: 300,
        meta: { grows: true },
        accessorFn: (letter) => letter.message ?? "",
        cell: ({ row: { original } }) => {
          const text = original.message ?? MEANINGS[original.reason] ?? "";
          return onOpen ? (
            <button type="button" className="link" title={text} onClick={() => onOpen(original.uuid)}>
              <Message text={text} />
            </button>
          ) : (
            <span title={text}>
              <Message text={text} />
            </span>
          );
        },
      },
      {
        id: "run",
        header: "Run",
        size: 110,
        enableSorting: false,
        cell: ({ row: { original } }) =>
          original.run ? (
            <Way to="/runs/$uuid" params={{ uuid: original.run }}>
              <code>{original.run.slice(0, 8)}</code>
            </Way>
          ) : (
            <span className="faint">–</span>
          ),
      },
      {
        id: "queue",
        header: "Queue",
        size: 150,
        accessorFn: (letter) => `${letter.agent ?? ""}/${letter.queue ?? ""}`,
        cell: ({ row: { original } }) =>
          original.agent && original.queue ? (
            <Way to="/queues/$agent/$queue" params={{ agent: original.agent, queue: original.queue }}>
              {original.agent}/{original.queue}
            </Way>
          ) : (
            (original.agent ?? <span className="faint">–</span>)
          ),
      },
      { id: "times", header: "Times", size: 74, accessorKey: "times", meta: { align: "right" } },
      {
        id: "first",
        header: "First",
        size: 112,
        accessorKey: "first_at",
        cell: ({ row }) => <Ago at={row.original.first_at} />,
      },
      {
        id: "last",
        header: "Last",
        size: 112,
        accessorKey: "last_at",
        cell: ({ row }) => <Ago at={row.original.last_at} />,
      },
      {
        id: "do",
        header: () => <span className="visually-hidden">Actions</span>,
        size: 52,
        enableSorting: false,
        meta: { name: "Actions" },
        cell: ({ row: { original } }) => (
          <ActionMenu
            label={`Actions on dead letter ${original.uuid.slice(0, 8)}`}
            items={[
              { label: "Replay", onSelect: () => open(act.replayOne(owner, original)) },
              { label: "Drop", isDangerous: true, onSelect: () => open(act.dropOne(owner, original, () => {})) },
            ]}
          />
        ),
      },
    ],
    [open, owner, onOpen],
  );

  return (
    <>
      <Answer of={groups}>
        {({ results }) =>
          results.length === 0 ? null : (
            <fieldset className="groups" aria-label="By reason">
              {results.map((group) => (
                <button
                  key={group.reason}
                  type="button"
                  className={chosen === group.reason ? "group-card group-on" : "group-card"}
                  aria-pressed={chosen === group.reason}
                  disabled={!onQuery}
                  onClick={() => onQuery?.(withField(query, "reason", chosen === group.reason ? null : group.reason))}
                >
                  <span className="group-count number">{count(group.letters)}</span>
                  <span>
                    <strong>{group.reason.replaceAll("_", " ")}</strong>
                    <br />
                    <span className="faint">{MEANINGS[group.reason]}</span>
                  </span>
                  <span className="faint number">
                    {plural(group.times, "time")}, last <Ago at={group.last_at} />
                  </span>
                </button>
              ))}
            </fieldset>
          )
        }
      </Answer>
      <Answer of={letters}>
        {({ results, count: all }) => (
          <>
            {results.length > 0 && (
              <div className="filters">
                <button type="button" className="button" onClick={() => open(act.replayMany(owner, query))}>
                  Replay {plural(all ?? results.length, "letter")}
                </button>
                <button type="button" className="button button-danger" onClick={() => open(act.dropMany(owner, query))}>
                  Drop {plural(all ?? results.length, "letter")}
                </button>
              </div>
            )}
            <DataTable
              label="Dead letters"
              columns={columns}
              rows={results}
              idOf={(letter) => letter.uuid}
              empty="Nothing was set aside."
              isShort={isShort}
            />
          </>
        )}
      </Answer>
    </>
  );
}
