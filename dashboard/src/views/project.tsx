// One project: its limits and where its runs go, and who changed it.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import * as act from "~/actions/manage";
import * as ask from "~/api/queries";
import { useCommands } from "~/app/commands";
import { useOwner } from "~/app/owner";
import { limit } from "~/format/number";
import { useAction } from "~/parts/action";
import { AuditList } from "~/parts/audit-list";
import { Page, Section } from "~/parts/page";
import { Answer } from "~/parts/states";
import { Facts, Moment } from "~/parts/text";

const route = getRouteApi("/projects/$project");

export function ProjectView() {
  const owner = useOwner();
  const { project: name } = route.useParams();
  const navigate = useNavigate({ from: "/projects/$project" });
  const open = useAction();
  const project = useQuery(ask.project(owner, name));
  const { data } = project;
  const edit = () => data && open(act.editProject(owner, data));
  const remove = () => data && open(act.deleteProject(owner, data, () => navigate({ to: "/projects" })));
  useCommands([
    { name: `Change: ${name}`, run: edit },
    { name: `Delete: ${name}`, run: remove },
  ]);
  const list = (names: string[] | undefined) => (names ?? []).join(", ") || "all";
  return (
    <Page
      title={name}
      kicker={<Link to="/projects">Projects</Link>}
      actions={
        <>
          <Link to="/runs" search={{ project: name }} className="button">
            Its runs
          </Link>
          <button type="button" className="button" onClick={edit}>
            Change
          </button>
          <button type="button" className="button button-danger" onClick={remove}>
            Delete
          </button>
        </>
      }
    >
      <Answer of={project}>
        {(it) => (
          <>
            <div className="panel">
              <Facts
                facts={[
                  ["Description", it.description ?? "none"],
                  ["Tags", it.tags.join(", ") || "none"],
                  ["Queue of runs that name none", it.default_queue ?? "the organization's"],
                  ["Queues", list(it.queues)],
                  ["Agents", list(it.agents)],
                  ["Namespaces", list(it.namespaces)],
                  ["Concurrency", limit(it.concurrency)],
                  [
                    "Quotas",
                    Object.entries(it.quotas ?? {})
                      .map(([resource, amount]) => `${resource} ${amount}`)
                      .join(", ") || "none",
                  ],
                  ["Starts per period", it.rate ?? "no limit"],
                  ["Made", <Moment key="made" at={it.created_at} />],
                  ["Changed", <Moment key="changed" at={it.updated_at} />],
                ]}
              />
            </div>
            <Section title="Audit trail">
              <AuditList owner={owner} asked={{ object: it.uuid }} isShort />
            </Section>
          </>
        )}
      </Answer>
    </Page>
  );
}
