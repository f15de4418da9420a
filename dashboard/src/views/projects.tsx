// All projects.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import type { ColumnDef } from "@tanstack/react-table";
import * as act from "~/actions/manage";
import * as ask from "~/api/queries";
import type { Project } from "~/api/shapes";
import { useOwner } from "~/app/owner";
import { plural } from "~/format/number";
import { Find } from "~/parts/filters";
import { Make } from "~/parts/make";
import { Page } from "~/parts/page";
import { Answer } from "~/parts/states";
import { DataTable } from "~/parts/table";
import { Ago } from "~/parts/text";
import { Way } from "~/parts/way";

const route = getRouteApi("/projects");

const COLUMNS: ColumnDef<Project>[] = [
  {
    id: "name",
    header: "Project",
    size: 220,
    accessorKey: "name",
    cell: ({ row: { original } }) => (
      <Way to="/projects/$project" params={{ project: original.name }}>
        {original.name}
      </Way>
    ),
  },
  {
    id: "description",
    header: "What it is for",
    size: 320,
    meta: { grows: true },
    accessorFn: (project) => project.description ?? "",
    cell: ({ row }) => row.original.description ?? <span className="faint">–</span>,
  },
  {
    id: "runs",
    header: "Runs",
    size: 80,
    enableSorting: false,
    cell: ({ row }) => (
      <Link to="/runs" search={{ project: row.original.name }} aria-label={`Runs of ${row.original.name}`}>
        show
      </Link>
    ),
  },
  { id: "tags", header: "Tags", size: 180, accessorFn: (project) => project.tags.join(", ") || "–" },
  {
    id: "changed",
    header: "Changed",
    size: 130,
    accessorKey: "updated_at",
    cell: ({ row }) => <Ago at={row.original.updated_at} />,
  },
  {
    id: "made",
    header: "Made",
    size: 130,
    accessorKey: "created_at",
    cell: ({ row }) => <Ago at={row.original.created_at} />,
  },
];

export function Projects() {
  const owner = useOwner();
  const { find = "" } = route.useSearch();
  const navigate = useNavigate({ from: "/projects" });
  const projects = useQuery(ask.projects(owner));
  const create = () =>
    act.createProject(owner, (made) => navigate({ to: "/projects/$project", params: { project: made.name } }));
  return (
    <Page title="Projects" fills actions={<Make what="Make a project" action={create} />}>
      <div className="filters">
        <Find
          label="Find projects by name"
          hint="Find by name"
          value={find}
          onFind={(next) => void navigate({ search: (before) => ({ ...before, find: next }), replace: true })}
        />
      </div>
      <Answer of={projects}>
        {(all) => {
          const shown = all.filter(({ name }) => name.toLowerCase().includes(find.toLowerCase()));
          return (
            <>
              <DataTable
                label="Projects"
                columns={COLUMNS}
                rows={shown}
                idOf={(project) => project.uuid}
                empty={all.length === 0 ? "There is no project yet." : "No project is called so."}
              />
              <p className="faint number">{plural(shown.length, "project")}</p>
            </>
          );
        }}
      </Answer>
    </Page>
  );
}
