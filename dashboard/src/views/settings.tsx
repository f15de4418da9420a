// The organization's settings, what this server is, and how the page looks to its reader.

import { useQuery } from "@tanstack/react-query";
import * as act from "~/actions/manage";
import * as ask from "~/api/queries";
import { ThemeChoice, ZoneChoice } from "~/app/choices";
import { useCommands } from "~/app/commands";
import { useOwner } from "~/app/owner";
import { limit } from "~/format/number";
import { useAction } from "~/parts/action";
import { Page, Section } from "~/parts/page";
import { Answer } from "~/parts/states";
import { Facts, Snippet } from "~/parts/text";

export function Settings() {
  const owner = useOwner();
  const open = useAction();
  const organization = useQuery(ask.organization(owner));
  const installation = useQuery(ask.installation());
  const user = useQuery(ask.user());
  const edit = () => organization.data && open(act.editOrganization(owner, organization.data));
  useCommands([{ name: `Change: ${owner}`, run: edit }]);
  return (
    <Page title="Settings">
      <Section
        title={`Organization ${owner}`}
        aside={
          <button type="button" className="button" onClick={edit} disabled={!organization.data}>
            Change
          </button>
        }
      >
        <Answer of={organization}>
          {(data) => (
            <div className="panel form">
              <Facts
                facts={[
                  ["Queue of runs of which nothing else is said", data.default_queue ?? "the default agent's"],
                  ["Concurrency", limit(data.concurrency)],
                  [
                    "Quotas",
                    Object.entries(data.quotas)
                      .map(([resource, amount]) => `${resource} ${amount}`)
                      .join(", ") || "none",
                  ],
                  ["Starts per period", data.rate ?? "no limit"],
                  ["Routing rules", data.routes.length === 0 ? "none" : `${data.routes.length}, in this order:`],
                ]}
              />
              {data.routes.length > 0 && <Snippet text={JSON.stringify(data.routes, null, 2)} label="Routing rules" />}
            </div>
          )}
        </Answer>
      </Section>
      <Section title="This server">
        <div className="panel">
          <Facts
            facts={[
              ["Berth", installation.data?.berth ?? "–"],
              ["Speaks Polyaxon's API", installation.data?.version ?? "–"],
              ["Sign-in", installation.data?.dist === "ce" ? "none: open on this machine" : "by access token"],
              ["You are", user.data?.name ?? "–"],
              [
                "Its description",
                <a key="openapi" href="/openapi.json">
                  /openapi.json
                </a>,
              ],
            ]}
          />
        </div>
      </Section>
      <Section title="How this page looks to you">
        <div className="panel settings-choices">
          <ZoneChoice />
          <ThemeChoice />
        </div>
      </Section>
    </Page>
  );
}
