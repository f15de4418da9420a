//! What each operation does, in words, by group; and which query parameters it takes. Tests compare both with the routes
//! and with what handlers refuse. Bodies are not here.

use crate::listing;

/// Operations under one tag.
pub(super) struct Group {
    /// The tag.
    pub name: &'static str,
    /// What all of its paths begin with.
    base: &'static str,
    operations: &'static [Operation],
}

/// The method, the rest of the path, a summary without a final stop, and the query parameters.
type Operation = (&'static str, &'static str, &'static str, Query);
type Query = &'static [&'static str];

const NONE: Query = &[];
const LIST: Query = &listing::PARAMS;
const QUEUES: Query = &crate::queues::PARAMS;
const DRY: Query = &["dry_run"];
const RANGE: Query = &["range"];
const GROUPS: Query = &["by", "query", "limit"];
const AUDIT: Query = &["limit", "offset", "cursor", "no_page", "object", "actor", "action"];
const FOLDER: Query = &["path", "connection"];
const SERIES: Query = &["names", "orient", "force", "sample", "connection", "status"];
const USE: Query = &["names", "orient", "force", "sample", "connection", "status", "kind", "tail"];
const ARTIFACT: Query = &["path", "stream", "force", "connection", "check_path"];

/// What each query parameter is for.
pub(super) const PARAMETERS: &[(&str, &str)] = &[
    ("action", "Only entries of this action, such as `run.stop`"),
    ("actor", "Only what this user did"),
    ("attempt", "The attempt, from 0; the last one if nothing is said"),
    ("bookmarks", "Of stock clients; changes nothing"),
    ("by", "What runs are counted by: queue, agent, project, status, user, kind or reason"),
    ("check_path", "Of stock clients; changes nothing"),
    ("connection", "Of stock clients; changes nothing"),
    ("container", "The container; the main one if nothing is said"),
    ("cursor", "Where to go on, as `next` of the answer before has it"),
    ("dry_run", "`true`: says what would be done, and changes nothing"),
    ("force", "Of stock clients; changes nothing"),
    ("kind", "Of stock clients; changes nothing"),
    ("last_file", "The part of the log that was read last, as the answer before names it"),
    ("last_time", "The time of the last line that was read"),
    ("limit", "How many, 1 to 1,000"),
    ("mode", "Of stock clients; changes nothing"),
    ("names", "Which series, by commas; all if nothing is said"),
    ("no_page", "`true`: doesn't count"),
    ("object", "Only entries about the object with this uuid"),
    ("offset", "How many to pass over, up to 1,000,000; go by `cursor` beyond"),
    ("orient", "How rows are answered: `csv` or `dict`"),
    ("path", "The file or the folder"),
    ("previous", "`true`: of the container's instance before"),
    ("query", "Which, in the query language: `status:failed,tags:night`; of agents and queues `name:TEXT`"),
    ("range", "`1h`, `24h`, `7d` or `30d`"),
    ("replica", "The replica of a service, from 0"),
    ("sample", "At most so many rows of each, spread over all of them"),
    ("series", "`true`: adds the backlogs of the last hour, one a minute"),
    ("since", "From when: a time, or how long ago it was, such as `10m`"),
    ("sort", "By which field, `-` before it for descending"),
    ("status", "Of stock clients; changes nothing"),
    ("stream", "Of stock clients; changes nothing"),
    ("tail", "So many last lines"),
];

/// All of them, in the order in which they are shown.
pub(super) const ALL: &[Group] = &[
    Group {
        name: "Server",
        base: "",
        operations: &[
            ("get", "/openapi.json", "This description", NONE),
            (
                "get",
                "/api/v1/installation",
                "Release and edition; `dist` tells stock clients whether to sign in",
                NONE,
            ),
            ("get", "/api/v1/compatibility/{key}/{version}/{service}", "Every client is fine", NONE),
            ("get", "/api/v1/log_handler", "Where stock clients log to: nowhere", NONE),
            ("get", "/api/v1/users", "Whoever asks", NONE),
            ("get", "/api/v1/users/tokens", "Access tokens that hold, without their keys", NONE),
            ("post", "/api/v1/users/tokens", "Makes a token; its key is told this once", NONE),
            ("get", "/api/v1/users/tokens/{uuid}", "One token, without its key", NONE),
            ("delete", "/api/v1/users/tokens/{uuid}", "Revokes a token, at once", NONE),
        ],
    },
    Group {
        name: "Organization",
        base: "/api/v1/orgs/{owner}",
        operations: &[
            ("get", "/overview", "How it does: counts, rates, saturation, health, warnings", NONE),
            ("get", "/warnings", "What is wrong, the worst first", NONE),
            ("get", "/history", "What all queues together did over time", RANGE),
            ("get", "/events", "Changes as server-sent events, resumable by `Last-Event-ID`", NONE),
            ("get", "/audit", "Who changed what, when and why", AUDIT),
            ("get", "/settings", "Limits, and where runs go that name no queue", NONE),
            ("patch", "/settings", "Changes settings; what is not given stays", NONE),
            ("put", "/settings", "The same", NONE),
        ],
    },
    Group {
        name: "Agents",
        base: "/api/v1/orgs/{owner}/agents",
        operations: &[
            ("get", "", "Agents", LIST),
            ("post", "", "Makes an agent, with a queue `default`", NONE),
            ("get", "/names", "The same as the list", LIST),
            ("get", "/{agent}", "One agent, by name or uuid, with its replicas", NONE),
            ("patch", "/{agent}", "Changes an agent; what is not given stays", NONE),
            ("put", "/{agent}", "The same", NONE),
            ("delete", "/{agent}", "Deletes an agent with its queues", NONE),
            ("get", "/{agent}/statuses", "Whether it is there: created, running or unknown", NONE),
            (
                "get",
                "/{agent}/credentials",
                "The generations of credentials that come in, the oldest first",
                NONE,
            ),
            (
                "post",
                "/{agent}/credentials",
                "Makes a new generation; the one before still comes in, what is older does not",
                NONE,
            ),
            (
                "delete",
                "/{agent}/credentials/{generation}",
                "Ends a generation, and its connections to the broker",
                NONE,
            ),
            ("post", "/{agent}/{verb}", "`cordon`, `uncordon`, `drain` or `release`", NONE),
        ],
    },
    Group {
        name: "Queues",
        base: "/api/v1/orgs/{owner}",
        operations: &[
            ("get", "/queues", "Queues of all agents, with their numbers", QUEUES),
            ("get", "/queues/names", "The same", QUEUES),
            ("get", "/agents/{agent}/queues", "Queues of an agent", QUEUES),
            ("post", "/agents/{agent}/queues", "Makes a queue", NONE),
            ("get", "/agents/{agent}/queues/names", "The same as the list", QUEUES),
            ("get", "/agents/{agent}/queues/{queue}", "One queue, with its numbers", NONE),
            ("patch", "/agents/{agent}/queues/{queue}", "Changes a queue; what is not given stays", NONE),
            ("put", "/agents/{agent}/queues/{queue}", "The same", NONE),
            ("delete", "/agents/{agent}/queues/{queue}", "Deletes a queue", NONE),
            ("get", "/agents/{agent}/queues/{queue}/history", "What it did over time", RANGE),
            (
                "get",
                "/agents/{agent}/queues/{queue}/head",
                "Which runs are next, and what holds each back",
                &["limit"],
            ),
            ("post", "/agents/{agent}/queues/{queue}/pause", "Starts nothing of it, and accepts runs", NONE),
            ("post", "/agents/{agent}/queues/{queue}/drain", "Starts nothing of it, and accepts none", NONE),
            ("post", "/agents/{agent}/queues/{queue}/resume", "Ends a pause or a drain", NONE),
            ("post", "/agents/{agent}/queues/{queue}/purge", "Stops what waits in it", DRY),
        ],
    },
    Group {
        name: "Dead letters",
        base: "/api/v1/orgs/{owner}/dead-letters",
        operations: &[
            ("get", "", "Dead letters", LIST),
            ("get", "/reasons", "How many of each reason", &["query"]),
            ("get", "/{uuid}", "One, with the message as it was", NONE),
            ("delete", "/{uuid}", "Drops one", NONE),
            ("post", "/{uuid}/replay", "Sends one on its way again", NONE),
            ("post", "/replay", "Sends those on their way again that the body's `query` names", DRY),
            ("post", "/drop", "Drops those that the body's `query` names", DRY),
        ],
    },
    Group {
        name: "Presets",
        base: "/api/v1/orgs/{owner}/presets",
        operations: &[
            ("get", "", "Presets", NONE),
            ("post", "", "Saves a preset", NONE),
            ("get", "/names", "The same as the list", NONE),
            ("get", "/{preset}", "One preset, by name or uuid", NONE),
            ("patch", "/{preset}", "Changes a preset; what is not given stays", NONE),
            ("put", "/{preset}", "The same", NONE),
            ("delete", "/{preset}", "Deletes a preset", NONE),
        ],
    },
    Group {
        name: "Projects",
        base: "/api/v1/{owner}",
        operations: &[
            ("post", "/projects/create", "Makes a project", NONE),
            ("get", "/projects/list", "Projects", LIST),
            ("get", "/projects/names", "The same", LIST),
            ("get", "/{project}", "One project", NONE),
            ("patch", "/{project}", "Changes a project; what is not given stays", NONE),
            ("put", "/{project}", "The same", NONE),
            ("delete", "/{project}", "Deletes a project, if all of its runs have ended", NONE),
            ("get", "/{project}/settings", "Limits, and where its runs may go", NONE),
            ("patch", "/{project}/settings", "Changes settings; what is not given stays", NONE),
            ("put", "/{project}/settings", "The same", NONE),
            ("get", "/{project}/stats", "Of stock clients: none are kept", NONE),
            ("post", "/{project}/archive", "Of stock clients: accepted, changes nothing", NONE),
            ("post", "/{project}/restore", "Of stock clients: accepted, changes nothing", NONE),
            ("post", "/{project}/bookmark", "Of stock clients: accepted, changes nothing", NONE),
            ("delete", "/{project}/unbookmark", "Of stock clients: accepted, changes nothing", NONE),
        ],
    },
    Group {
        name: "Runs, many at once",
        base: "/api/v1",
        operations: &[
            ("get", "/{owner}/{project}/runs", "Runs of a project, the newest first", LIST),
            (
                "post",
                "/{owner}/{project}/runs",
                "Submits a run; 201 means committed. `Idempotency-Key` is kept",
                DRY,
            ),
            (
                "post",
                "/{owner}/{project}/runs/bulk",
                "Submits up to 1,000 runs, each with a result of its own",
                NONE,
            ),
            ("get", "/{owner}/{project}/runs/groups", "Runs of a project, counted", GROUPS),
            (
                "delete",
                "/{owner}/{project}/runs/delete",
                "Deletes the runs that the body's `uuids` name",
                NONE,
            ),
            (
                "post",
                "/{owner}/{project}/runs/{uuid}",
                "Does what stands in the place of the uuid to those that the body's `uuids` or `query` name: `stop`, \
                 `skip`, `move`, `reprioritize`, `resume`, `restart`; by `uuids`: `approve`, `archive`, `restore`, `tag`",
                DRY,
            ),
            ("get", "/orgs/{owner}/runs", "Runs of all projects, the newest first", LIST),
            ("get", "/orgs/{owner}/runs/groups", "Runs of all projects, counted", GROUPS),
            ("delete", "/orgs/{owner}/runs/delete", "Deletes the runs that the body's `uuids` name", NONE),
            ("get", "/orgs/{owner}/runs/{uuid}", "One run of any project", NONE),
            ("post", "/orgs/{owner}/runs/{uuid}", "As for a project, with runs of all projects", DRY),
        ],
    },
    Group {
        name: "A run",
        base: "/api/v1/{owner}/{project}/runs/{uuid}",
        operations: &[
            ("get", "", "One run", NONE),
            (
                "patch",
                "",
                "Changes what it says of itself: name, description, tags, inputs, outputs, ...",
                NONE,
            ),
            ("put", "", "The same", NONE),
            ("delete", "", "Deletes a run; one that has not ended is stopped", NONE),
            ("get", "/statuses", "Its statuses, with their conditions", NONE),
            ("post", "/statuses", "A status of a run that a client executes itself", NONE),
            ("get", "/explain", "Why it waits, when it may start, and what it has waited for", NONE),
            ("get", "/origins", "Where each field of its operation comes from", NONE),
            (
                "get",
                "/events/stream",
                "Its changes as server-sent events, beginning with the run as it is",
                NONE,
            ),
            ("post", "/stop", "Stops it", NONE),
            ("post", "/skip", "Has it never start; before it was admitted", NONE),
            ("post", "/approve", "What it waited for is there", NONE),
            ("post", "/restart", "Submits its operation again, as a new run", NONE),
            ("post", "/copy", "The same, as a copy", NONE),
            ("post", "/resume", "Has one that ended go on, as a new attempt", NONE),
            ("post", "/transfer", "Of stock clients: only to the project where it is", NONE),
            ("post", "/archive", "Takes it out of lists", NONE),
            ("post", "/restore", "Puts it back into lists", NONE),
            ("get", "/namespace", "The namespace that it is in", NONE),
            ("get", "/settings", "The same", NONE),
            ("get", "/lineage/{kind}", "Of stock clients: none is kept", NONE),
            ("post", "/lineage/{kind}", "Of stock clients: accepted, not kept", NONE),
            ("get", "/lineage/{kind}/names", "Of stock clients: none is kept", NONE),
            ("post", "/invalidate", "Of stock clients: accepted, changes nothing", NONE),
            ("post", "/bookmark", "Of stock clients: accepted, changes nothing", NONE),
            ("delete", "/unbookmark", "Of stock clients: accepted, changes nothing", NONE),
        ],
    },
    Group {
        name: "What a run wrote",
        base: "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}",
        operations: &[
            ("get", "/logs", "Its log, in parts", &crate::logs::PARAMS),
            ("get", "/k8s_inspect", "Its objects, as its agent sees them", NONE),
            ("get", "/resources", "What it used of its machine, as its client tracked it", USE),
            ("get", "/events/{kind}", "Metrics or other events that its client tracked", SERIES),
            ("get", "/artifacts/tree", "What is in a folder that it left", FOLDER),
            ("get", "/artifacts", "A folder that it left, as a tar archive", ARTIFACT),
            ("post", "/artifacts", "Of stock clients: refused", NONE),
            ("delete", "/artifacts", "Of stock clients: refused", NONE),
            ("get", "/artifact", "A file that it left", ARTIFACT),
            ("post", "/artifact", "Of stock clients: refused", NONE),
            ("delete", "/artifact", "Of stock clients: refused", NONE),
        ],
    },
];

impl Group {
    /// The summary and the query parameters of an operation, if it is one of these.
    fn find(&self, method: &str, path: &str) -> Option<(&'static str, Query)> {
        let rest = path.strip_prefix(self.base)?;
        let found = self.operations.iter().find(|operation| (operation.0, operation.1) == (method, rest))?;
        Some((found.2, found.3))
    }
}

/// The group, the summary and the query parameters of an operation.
pub(super) fn of(method: &str, path: &str) -> Option<(&'static str, &'static str, Query)> {
    ALL.iter().find_map(|group| group.find(method, path).map(|(summary, query)| (group.name, summary, query)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::routes;

    #[test]
    fn every_operation_of_the_routes_is_told_once_and_no_other() {
        let routed: BTreeSet<(String, String)> = routes::table()
            .iter()
            .flat_map(|route| {
                route.methods.iter().map(|method| ((*method).to_owned(), route.path.to_owned()))
            })
            .collect();
        let told = ALL.iter().flat_map(|group| {
            group
                .operations
                .iter()
                .map(|(method, rest, ..)| ((*method).to_owned(), format!("{}{rest}", group.base)))
        });
        let told: Vec<_> = told.collect();
        let set: BTreeSet<_> = told.iter().cloned().collect();
        assert_eq!(set, routed);
        assert_eq!(set.len(), told.len(), "one is told twice");
    }

    #[test]
    fn every_query_parameter_is_explained_and_no_other() {
        let taken: BTreeSet<&str> = ALL
            .iter()
            .flat_map(|group| group.operations)
            .flat_map(|operation| operation.3)
            .copied()
            .collect();
        assert_eq!(taken, PARAMETERS.iter().map(|(name, _)| *name).collect());
    }
}
