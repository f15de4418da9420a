// Access tokens: who may come in, and how far.

import { useQuery } from "@tanstack/react-query";
import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";
import * as act from "~/actions/manage";
import * as ask from "~/api/queries";
import type { Token } from "~/api/shapes";
import { useAction } from "~/parts/action";
import { Make } from "~/parts/make";
import { Page } from "~/parts/page";
import { Answer } from "~/parts/states";
import { DataTable } from "~/parts/table";
import { Ago, Moment, Snippet } from "~/parts/text";

export function Tokens() {
  const open = useAction();
  const tokens = useQuery(ask.tokens());
  const create = () => act.createToken((token) => <Made token={token} />);
  const columns = useMemo<ColumnDef<Token>[]>(
    () => [
      { id: "name", header: "Token", size: 220, meta: { grows: true }, accessorKey: "name" },
      { id: "scopes", header: "May", size: 110, accessorFn: (token) => token.scopes.join(", ") },
      {
        id: "used",
        header: "Last used",
        size: 130,
        accessorKey: "started_at",
        cell: ({ row }) => <Ago at={row.original.started_at} />,
      },
      {
        id: "ends",
        header: "Ends",
        size: 170,
        accessorFn: (token) => token.expires_at ?? "9999",
        cell: ({ row }) =>
          row.original.expires_at ? <Moment at={row.original.expires_at} /> : <span className="faint">never</span>,
      },
      {
        id: "made",
        header: "Made",
        size: 170,
        accessorKey: "created_at",
        cell: ({ row }) => <Moment at={row.original.created_at} />,
      },
      {
        id: "do",
        header: () => <span className="visually-hidden">Actions</span>,
        size: 96,
        enableSorting: false,
        meta: { name: "Actions", align: "right" },
        cell: ({ row: { original } }) => (
          <button
            type="button"
            className="button button-small button-danger"
            aria-label={`Revoke ${original.name}`}
            onClick={() => open(act.revokeToken(original))}
          >
            Revoke
          </button>
        ),
      },
    ],
    [open],
  );
  return (
    <Page title="Tokens" fills actions={<Make what="Make a token" action={create} />}>
      <Answer of={tokens}>
        {({ results }) => (
          <DataTable
            label="Tokens"
            columns={columns}
            rows={results}
            idOf={(token) => token.uuid}
            empty="There is no token."
          />
        )}
      </Answer>
    </Page>
  );
}

function Made({ token }: { token: Token }) {
  return (
    <div className="form">
      <p>The key of {token.name}. It is shown this once: keep it, or make another.</p>
      <Snippet text={token.key ?? ""} label="Key" />
    </div>
  );
}
