// Runs.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { ColumnDef } from "@tanstack/react-table";
import { call } from "~/api/call";
import { send } from "~/api/client";
import type { List, Run } from "~/api/shapes";
import { useOwner } from "~/app/owner";
import { Page } from "~/parts/page";
import { Answer } from "~/parts/states";
import { DataTable } from "~/parts/table";
import { Ago, Status } from "~/parts/text";

const route = getRouteApi("/runs");

const COLUMNS: ColumnDef<Run>[] = [
  {
    id: "status",
    header: "Status",
    size: 120,
    accessorKey: "status",
    cell: ({ row }) => <Status status={row.original.status} />,
  },
  {
    id: "name",
    header: "Run",
    size: 260,
    meta: { grows: true },
    accessorFn: (run) => run.name ?? run.uuid,
    cell: ({ row: { original } }) => (
      <Link to="/runs/$uuid" params={{ uuid: original.uuid }}>
        {original.name ?? original.uuid.slice(0, 8)}
      </Link>
    ),
  },
  {
    id: "made",
    header: "Made",
    size: 130,
    accessorKey: "created_at",
    cell: ({ row }) => <Ago at={row.original.created_at} />,
  },
];

export function Runs() {
  const owner = useOwner();
  const { query } = route.useSearch();
  const runs = useQuery({
    queryKey: ["runs", owner, query],
    queryFn: ({ signal }) =>
      send<List<Run>>(call("GET", "/api/v1/orgs/{owner}/runs", { in: { owner }, query: { query, limit: 200 } }), {
        signal,
      }),
    meta: { live: ["run"] },
  });
  return (
    <Page title="Runs" fills>
      <Answer of={runs}>
        {({ results }) => (
          <DataTable
            label="Runs"
            columns={COLUMNS}
            rows={results}
            idOf={(run) => run.uuid}
            empty="No run is like that."
          />
        )}
      </Answer>
    </Page>
  );
}
