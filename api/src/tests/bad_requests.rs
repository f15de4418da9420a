//! Bad requests, each with the exact words that it gets, and nothing changed by any.

use super::Api;

const RUN: &str = "/api/v1/default/p/runs/00000000000000000000000000000001";
const RUNS: &str = "/api/v1/default/p/runs";
const QUEUES: &str = "/api/v1/orgs/default/agents/local/queues";

#[tokio::test]
async fn bad_requests_hear_what_is_wrong_with_them() {
    let api = Api::open().await;
    let table: &[(&str, &str, &str, u16, &str)] = &[
        (
            "POST",
            RUNS,
            "{",
            400,
            "the body is not valid JSON: EOF while parsing an object, at line 1, column 1",
        ),
        (
            "POST",
            RUNS,
            "{\"content\":\n x}",
            400,
            "the body is not valid JSON: expected value, at line 2, column 2",
        ),
        ("POST", RUNS, "{\"content\":\"\"}", 400, "`content`: it is empty"),
        (
            "POST",
            RUNS,
            "{\"content\":[]}",
            400,
            "`content`: use a text that holds an operation as JSON or YAML, or the operation itself",
        ),
        (
            "POST",
            RUNS,
            "{\"managed_by\":\"me\"}",
            400,
            "`managed_by`: `me` is not allowed: use agent or cli or user",
        ),
        (
            "POST",
            RUNS,
            "{\"pending\":\"rain\"}",
            400,
            "`pending`: `rain` is not allowed: use approval or upload",
        ),
        (
            "POST",
            RUNS,
            "{\"tags\":[1]}",
            400,
            "`tags[0]`: invalid type: integer `1`, expected a string, at line 1, column 10",
        ),
        ("POST", RUNS, "{\"expires_at\":\"2001-01-01T00:00:00Z\"}", 400, "`expires_at`: it lies in the past"),
        (
            "POST",
            RUNS,
            "{\"schedule_at\":\"soon\"}",
            400,
            "`schedule_at`: `soon` is not a time: use ISO 8601 with an offset, such as 2026-01-31T12:00:00Z, at line 1, column 22",
        ),
        (
            "POST",
            RUNS,
            "{\"schedule_at\":\"2999-01-02T00:00:00Z\",\"expires_at\":\"2999-01-01T00:00:00Z\"}",
            400,
            "`expires_at`: it is not after `schedule_at`: the run would never start",
        ),
        (
            "POST",
            "/api/v1/default/p/runs?dryrun=true",
            "{}",
            400,
            "unknown query parameter `dryrun`; allowed: dry_run",
        ),
        (
            "POST",
            "/api/v1/default/p/runs?dry_run=maybe",
            "{}",
            400,
            "`dry_run`: `maybe` is neither true nor false",
        ),
        ("POST", "/api/v1/default/nope/runs", "{}", 404, "project `nope` does not exist"),
        ("POST", "/api/v1/acme/p/runs", "{}", 404, "organization `acme` does not exist"),
        (
            "POST",
            "/api/v1/default/p/runs/bulk",
            "{\"runs\":[]}",
            400,
            "`runs`: it has 0 items; 1 to 1000 are allowed",
        ),
        (
            "POST",
            "/api/v1/default/p/runs/stop",
            "{\"uuids\":[]}",
            400,
            "`uuids`: it has 0 items; 1 to 1000 are allowed",
        ),
        (
            "POST",
            "/api/v1/default/p/runs/stop",
            "{\"uuids\":[\"x\"]}",
            400,
            "`uuids[0]`: `x` is not a UUID: 32 hex digits, with or without dashes, at line 1, column 14",
        ),
        ("POST", "/api/v1/default/p/runs/explode", "{\"uuids\":[]}", 404, "nothing is at runs/explode"),
        ("GET", RUN, "", 404, "run `00000000000000000000000000000001` does not exist"),
        ("GET", "/api/v1/default/p/runs/xyz", "", 404, "run `xyz` does not exist"),
        (
            "POST",
            "/api/v1/default/p/runs/00000000000000000000000000000001/stop",
            "",
            404,
            "run `00000000000000000000000000000001` does not exist",
        ),
        (
            "GET",
            "/api/v1/default/p/runs?limit=0",
            "",
            400,
            "`limit`: `0` is not a whole number from 1 to 1000",
        ),
        (
            "GET",
            "/api/v1/default/p/runs?limit=9999",
            "",
            400,
            "`limit`: `9999` is not a whole number from 0 to 1000",
        ),
        (
            "GET",
            "/api/v1/default/p/runs?cursor=zz",
            "",
            400,
            "`cursor`: it is not one that this list gave with this sort order",
        ),
        (
            "GET",
            "/api/v1/default/p/runs?limt=1",
            "",
            400,
            "unknown query parameter `limt`; allowed: limit, offset, sort, query, cursor, no_page, bookmarks, mode",
        ),
        (
            "GET",
            "/api/v1/default/p/runs?query=running",
            "",
            400,
            "`query`: `running` has no `:`; write field:value, for example status:running",
        ),
        (
            "GET",
            "/api/v1/default/p/runs?query=color:red",
            "",
            400,
            "`query`: unknown field `color`; allowed: agent, created_at, finished_at, id, kind, live_state, name, original, pending, priority, queue, reason, status, tags, updated_at, user, uuid",
        ),
        (
            "GET",
            "/api/v1/default/p/runs?query=name:~x",
            "",
            400,
            "`query`: `name` can't be negated; only `status` can",
        ),
        (
            "GET",
            "/api/v1/default/p/runs?query=priority:12",
            "",
            400,
            "`query`: priority: `12` is not a number from 0 to 9",
        ),
        (
            "GET",
            "/api/v1/default/p/runs?query=queue:nope",
            "",
            400,
            "`query`: queue `nope` does not exist; there are: local/default",
        ),
        (
            "GET",
            "/api/v1/default/p/runs?query=created_at:now",
            "",
            400,
            "`query`: `created_at` takes a span, such as `created_at:>2026-01-31`",
        ),
        (
            "GET",
            "/api/v1/default/p/runs?sort=color",
            "",
            400,
            "`sort`: runs can't be sorted by `color`; allowed: created_at, finished_at, name, priority, started_at, updated_at",
        ),
        ("POST", "/api/v1/default/projects/create", "{}", 400, "`name`: This field is required."),
        (
            "POST",
            "/api/v1/default/projects/create",
            "{\"name\":\"a/b\"}",
            400,
            "`name`: a name has 1 to 256 bytes, without `/` and control characters",
        ),
        (
            "POST",
            "/api/v1/default/projects/create",
            "{\"name\":\"x\",\"concurrency\":-2}",
            400,
            "`concurrency`: -2 is no limit: use -1 for none, or 0 and more, at line 1, column 29",
        ),
        (
            "POST",
            QUEUES,
            "{\"name\":\"Q\"}",
            400,
            "`name`: `Q` is not a name: use 1 to 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit",
        ),
        (
            "POST",
            QUEUES,
            "{\"name\":\"q\",\"on_agent_loss\":\"cry\"}",
            400,
            "`on_agent_loss`: `cry` is not allowed: use wait or replace",
        ),
        (
            "POST",
            QUEUES,
            "{\"name\":\"q\",\"protocol\":\"amqp\"}",
            400,
            "`protocol`: `amqp` is not allowed: use berth or celery",
        ),
        (
            "POST",
            QUEUES,
            "{\"name\":\"q\",\"protocol\":\"celery\",\"answer_within_seconds\":0}",
            400,
            "`answer_within_seconds`: 0 is not allowed: use 1 to 31536000",
        ),
        (
            "POST",
            QUEUES,
            "{\"name\":\"q\",\"quota\":\"4\"}",
            400,
            "`resource`: a quota that is one amount needs the resource that it is of",
        ),
        (
            "POST",
            "/api/v1/orgs/default/agents/nope/queues",
            "{\"name\":\"q\"}",
            404,
            "agent `nope` does not exist",
        ),
        (
            "POST",
            "/api/v1/orgs/default/agents",
            "{\"name\":\"wake\"}",
            400,
            "`name`: `wake` is taken by Berth itself; use another",
        ),
        (
            "POST",
            "/api/v1/orgs/default/agents/local/explode",
            "",
            404,
            "`explode` can't be done to an agent; allowed: cordon, uncordon, drain, release",
        ),
        (
            "POST",
            "/api/v1/users/tokens",
            "{\"name\":\"t\",\"scopes\":[\"root\"]}",
            400,
            "`scopes`: `root` is not a scope: use read, write or admin",
        ),
        (
            "POST",
            "/api/v1/users/tokens",
            "{\"name\":\"t\",\"expiration\":0}",
            400,
            "`expiration`: `0` is not a number of days from 1 to 3650",
        ),
        ("PUT", "/api/v1/installation", "", 405, "`PUT` is not possible at `/api/v1/installation`"),
    ];
    let mut wrong = Vec::new();
    for (method, path, body, status, detail) in table {
        let answer = api.send(method, path, &[], body.as_bytes().to_vec()).await;
        if answer.status != *status || answer.detail() != *detail {
            wrong.push(format!(
                "{method} {path} {body}\n  {} {}\n  not\n  {status} {detail}",
                answer.status,
                answer.detail()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(api.get(RUNS).await.ok()["count"], 0);
}

#[tokio::test]
async fn a_bad_operation_is_told_field_by_field() {
    let api = Api::open().await;
    let body = r#"{"content":"{\"kind\":\"operation\",\"component\":{\"run\":{\"kind\":\"dag\",\"container\":{\"image\":\"x\"}}}}"}"#;
    let answer = api.send("POST", RUNS, &[], body.as_bytes().to_vec()).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.detail().starts_with("Compile operation received an invalid configuration: "),
        "{answer:?}"
    );
    assert!(answer.detail().contains("supported: job"), "{answer:?}");
    assert_eq!(answer.body["errors"][0]["field"], "component.run.kind");
    let deep = format!("{{\"content\":{}", "[".repeat(200_000));
    let answer = api.send("POST", RUNS, &[], deep.into_bytes()).await;
    assert!(
        answer.detail().starts_with("the body is not valid JSON: recursion limit exceeded"),
        "{answer:?}"
    );
}
