// One run.

import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { call } from "~/api/call";
import { send } from "~/api/client";
import type { Run } from "~/api/shapes";
import { useOwner } from "~/app/owner";
import { Page } from "~/parts/page";
import { Answer } from "~/parts/states";
import { Facts, Moment, Status } from "~/parts/text";

const route = getRouteApi("/runs/$uuid");

export function RunView() {
  const owner = useOwner();
  const { uuid } = route.useParams();
  const run = useQuery({
    queryKey: ["run", owner, uuid],
    queryFn: ({ signal }) =>
      send<Run>(call("GET", "/api/v1/orgs/{owner}/runs/{uuid}", { in: { owner, uuid } }), { signal }),
    meta: { live: ["run"], uuid },
  });
  return (
    <Page title={run.data?.name ?? uuid} kicker={<Link to="/runs">Runs</Link>}>
      <Answer of={run}>
        {(data) => (
          <div className="panel">
            <Facts
              facts={[
                ["Status", <Status key="status" status={data.status} />],
                ["Made", <Moment key="made" at={data.created_at} />],
              ]}
            />
          </div>
        )}
      </Answer>
    </Page>
  );
}
