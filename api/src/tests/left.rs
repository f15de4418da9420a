//! What a run left in its agent's artifacts store, and what it tracked, of an agent that answers from a list.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use axum::body::Body;
use axum::http::Request;
use berth_broker::{Incoming, Requests, Responder};
use berth_broker_config::build;
use berth_domain::access::Scope;
use berth_domain::protocol::left::Left;
use berth_domain::protocol::logs::{Request as Asked, RequestBody};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Api, Auth, HOST, lease};
use crate::layers::Limits;

const LOSS: &str = "step|timestamp|metric\n0|2026-11-23T02:27:43Z|0.9\n1|2026-11-23T02:27:44Z|0.5\n2|2026-11-23T02:27:45Z|nan\n";

/// The files of the run; none: the agent has no artifacts store.
type Files = Option<BTreeMap<&'static str, &'static str>>;

fn files() -> Files {
    let long = "outputs/a-name-that-is-longer-than-the-hundred-bytes-that-the-head-of-a-tar-file-has-place-for-0123456789.txt";
    Some(BTreeMap::from([
        ("outputs/model.bin", "weights"),
        (long, "x"),
        ("outputs/page.html", "<script>alert(1)</script>"),
        ("events/metric/loss.plx", LOSS),
        ("events/metric/train/lr.plx", "step|timestamp|metric\n0|t|1e-3\n"),
        ("events/text/words.plx", "{\"step\": 1, \"timestamp\": \"t\", \"text\": \"hello\"}\n"),
        ("resources/metric/cpu.plx", "step|timestamp|metric\n0|t|12\n"),
    ]))
}

/// As an agent does: what is below a path.
fn below(files: &Files, path: &str, deep: bool) -> Left {
    let Some(files) = files else { return Left::NoStore };
    let start = if path.is_empty() { String::new() } else { format!("{path}/") };
    let mut found = BTreeMap::new();
    let mut dirs = Vec::new();
    for (name, text) in files {
        let Some(rest) = name.strip_prefix(&start) else { continue };
        match rest.split_once('/') {
            Some((folder, _)) if !deep => dirs.push(folder.to_owned()),
            _ => drop(found.insert(rest.to_owned(), text.len() as u64)),
        }
    }
    dirs.dedup();
    if found.is_empty() && dirs.is_empty() {
        Left::Nothing
    } else {
        Left::Folder { files: found, dirs, is_cut: false }
    }
}

async fn answer(files: Files, mut responder: Responder, asked: Asked) {
    let (left, text) = match asked.body {
        RequestBody::Folder(asked) => (below(&files, &asked.path, asked.deep), ""),
        RequestBody::File(asked) => match files.as_ref().map(|files| files.get(asked.path.as_str())) {
            Some(Some(text)) => (Left::File { bytes: text.len() as u64 }, *text),
            Some(None) => (Left::Nothing, ""),
            None => (Left::NoStore, ""),
        },
        other => panic!("not asked for: {other:?}"),
    };
    let line = serde_json::to_string(&left).unwrap() + "\n" + text;
    responder.send(Bytes::from(line)).await.unwrap();
    responder.finish().await.unwrap();
}

/// The replica `r1` of the agent `local`, which answers from a list for as long as the guard lives.
async fn agent(api: &Api, files: Files) -> DropGuard {
    answering(api, move |responder, asked| answer(files.clone(), responder, asked)).await
}

/// The replica `r1` of the agent `local`, which answers so for as long as the guard lives.
#[expect(clippy::disallowed_methods, reason = "a test's own agent")]
pub(super) async fn answering<F: Future<Output = ()> + Send>(
    api: &Api,
    answer: impl Fn(Responder, Asked) -> F + Send + 'static,
) -> DropGuard {
    api.lease(lease()).await;
    let (broker, names) = (api.app.broker.clone(), api.app.names.clone());
    broker.apply(&build::control_queue(&names, "local", "r1")).await.unwrap();
    let stop = CancellationToken::new();
    let guard = stop.clone().drop_guard();
    tokio::spawn(async move {
        let requests = Requests::new(broker.clone(), names.clone(), "local");
        let mut consumer = broker.consume(&names.control("local", "r1"), 10).await;
        while let Some(Some(delivery)) = stop.run_until_cancelled(consumer.next()).await {
            if let Incoming::Request(responder) = requests.accept(&delivery.message) {
                answer(responder, serde_json::from_slice(&delivery.message.body).unwrap()).await;
            }
            delivery.ack().await.unwrap();
        }
    });
    guard
}

/// A run that was executed once, as far as the store knows; its path below `/streams/v1`.
pub(super) async fn begun(api: &Api) -> String {
    let run = api.submit().await;
    for verb in ["stop", "resume"] {
        api.post(&format!("/api/v1/default/p/runs/{run}/{verb}"), &json!({})).await.ok();
    }
    format!("/streams/v1/default/default/p/runs/{run}")
}

#[tokio::test]
async fn files_are_listed_and_downloaded_and_browsers_make_nothing_of_them() {
    let api = Api::open().await;
    let _agent = agent(&api, files()).await;
    let run = begun(&api).await;
    let root = api.get(&format!("{run}/artifacts/tree")).await.ok();
    assert_eq!(root, json!({ "files": {}, "dirs": ["events", "outputs", "resources"], "is_done": false }));
    let metrics = api.get(&format!("{run}/artifacts/tree?path=events/metric&connection=x")).await.ok();
    assert_eq!(
        (&metrics["files"], &metrics["dirs"]),
        (&json!({ "loss.plx": LOSS.len() }), &json!(["train"]))
    );

    let page = api
        .send(
            "GET",
            &format!("{run}/artifact?path=outputs/page.html&stream=True&force=False"),
            &[("accept-encoding", "gzip")],
            Vec::new(),
        )
        .await;
    assert_eq!((page.status, page.body.as_str()), (200, Some("<script>alert(1)</script>")));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-disposition", "attachment; filename=\"page.html\""),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cache-control", "private, no-store"),
        ("content-length", "25"),
    ] {
        assert_eq!(page.headers[name], value, "{name}");
    }
    for (path, detail) in [
        ("artifact?path=outputs", "Artifact not found: filepath=outputs"),
        ("artifact?path=none", "Artifact not found: filepath=none"),
        ("artifacts/tree?path=none", "Artifact not found: filepath=none"),
        ("artifacts?path=none", "Artifact not found: filepath=none"),
    ] {
        let missing = api.get(&format!("{run}/{path}")).await;
        assert_eq!((missing.status, missing.detail()), (404, detail), "{path}");
    }
    let nameless = api.get(&format!("{run}/artifact")).await;
    assert_eq!(
        (nameless.status, nameless.detail()),
        (400, "`path`: is missing; artifacts/tree lists what there is")
    );
    assert_eq!(api.get(&format!("{run}/artifacts/tree?pth=x")).await.status, 400);
    super::eventually("downloads that are over give their place back", async || {
        api.app.streams.available_permits() == api.app.limits.streams
    })
    .await;
}

/// A file in a tar file, by the system's own program rather than by what wrote it.
fn unpacked(tar: &[u8], name: &str) -> String {
    let mut command = Command::new("tar");
    command.args(["-xOf", "-", name]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(tar).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_folder_is_downloaded_as_one_tar_file() {
    let api = Api::open().await;
    let _agent = agent(&api, files()).await;
    let run = begun(&api).await;
    let request = Request::get(format!("{run}/artifacts?path=outputs")).header("host", HOST);
    let response = api.raw(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"outputs.tar\"");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let files = files().unwrap();
    for (name, text) in files.iter().filter_map(|(name, text)| Some((name.strip_prefix("outputs/")?, *text)))
    {
        assert_eq!(unpacked(&bytes, name), text, "{name}");
    }
    let one = api.get(&format!("{run}/artifacts?path=outputs/model.bin&check_path=True")).await;
    assert_eq!((one.status, one.body.as_str()), (200, Some("weights")));
}

#[tokio::test]
async fn what_a_run_tracked_is_answered_by_series() {
    let api = Api::open().await;
    let _agent = agent(&api, files()).await;
    let run = begun(&api).await;
    let all = api.get(&format!("{run}/events/metric")).await.ok();
    let loss = json!({
        "name": "loss", "kind": "metric",
        "data": {
            "step": [0, 1, 2],
            "timestamp": ["2026-11-23T02:27:43Z", "2026-11-23T02:27:44Z", "2026-11-23T02:27:45Z"],
            "metric": [0.9, 0.5, null],
        },
    });
    assert_eq!(all["data"][0], loss);
    assert_eq!(all["data"][1]["name"], "train/lr");
    let some =
        api.get(&format!("{run}/events/metric?names=none,loss&orient=dict&force=False&sample=2")).await.ok();
    assert_eq!(
        (some["data"].as_array().unwrap().len(), &some["data"][0]["data"]["step"]),
        (1, &json!([0, 2]))
    );
    let text = api.get(&format!("{run}/events/metric?names=loss&orient=csv")).await.ok();
    assert_eq!(text["data"][0]["data"], LOSS);
    let words = api.get(&format!("{run}/events/text?names=words")).await.ok();
    assert_eq!(words["data"][0]["data"]["text"], json!(["hello"]));
    let used = api.get(&format!("{run}/resources?kind=metric")).await.ok();
    assert_eq!(
        (&used["data"][0]["name"], &used["data"][0]["data"]["metric"]),
        (&json!("cpu"), &json!([12.0]))
    );
    assert_eq!(api.get(&format!("{run}/events/image")).await.ok(), json!({ "data": [] }));
    let bad = api.get(&format!("{run}/events/metric?orient=wide")).await;
    assert_eq!((bad.status, bad.detail()), (400, "`orient`: `wide` is neither csv nor dict"));
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let api = Api::open().await;
    let run = api.submit().await;
    let waiting = format!("/streams/v1/default/default/p/runs/{run}");
    assert_eq!(
        api.get(&format!("{waiting}/artifacts/tree")).await.ok(),
        json!({ "files": {}, "dirs": [], "is_done": false })
    );
    assert_eq!(api.get(&format!("{waiting}/events/metric")).await.ok(), json!({ "data": [] }));
    assert_eq!(api.get(&format!("{waiting}/artifact?path=a")).await.status, 404);

    let begun = begun(&api).await;
    let away = api.get(&format!("{begun}/artifacts/tree")).await;
    assert_eq!(away.status, 503);
    assert!(away.detail().contains("agent `local` is away"), "{away:?}");
    let _agent = agent(&api, None).await;
    for path in ["artifacts/tree", "artifact?path=a", "artifacts", "events/metric", "resources"] {
        let none = api.get(&format!("{begun}/{path}")).await;
        assert_eq!(none.status, 404, "{path}");
        assert_eq!(
            none.detail(),
            "agent `local` has no artifacts store to look into: it was started without `--artifacts-store`"
        );
    }
}

#[tokio::test]
async fn whoever_may_not_see_the_run_gets_no_file_of_it() {
    let mut api = Api::with(Auth::Tokens, Limits::default()).await;
    api.token = Some(api.token(Scope::Write).await);
    let run = api.submit().await;
    api.token = None;
    for path in ["artifacts/tree", "artifact?path=a", "artifacts", "events/metric", "resources"] {
        let path = format!("/streams/v1/default/default/p/runs/{run}/{path}");
        assert_eq!(api.get(&path).await.status, 401, "{path}");
    }
}
