//! Logs in the artifacts store: kept before an end is told, read when nothing else is left. In a folder, and in a bucket of
//! a real S3 server.

use std::path::Path;
use std::time::Duration;

use berth_agent::artifacts::ArtifactsStore;
use berth_agent::uptime::Uptime;
use berth_broker::{Message, RequestOptions};
use berth_domain::id::RunId;
use berth_domain::protocol::logs::{InspectRequest, LogFrom, LogItem, LogRequest, Request, RequestBody};
use berth_domain::protocol::{ARCHIVE, AttemptRef, FromAgentBody, Notice, ToAgentBody, VERSION};
use berth_domain::time::Time;
use berth_test_servers::S3;

use super::rig::{Rig, eventually, shell};
use super::script::{AGENT, Script};

pub(super) fn store(folder: &Path) -> Option<ArtifactsStore> {
    Some(ArtifactsStore::open(&folder.display().to_string(), []).unwrap())
}

/// A part of the server's bucket, as whoever has these variables.
pub(super) fn bucket(server: &S3, variables: &[(&str, String)]) -> Option<ArtifactsStore> {
    // Someone else may have been first.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let url = format!("{}/a/part", server.url());
    Some(ArtifactsStore::open(&url, variables.collect::<Vec<_>>()).unwrap())
}

fn wanted(attempt: AttemptRef) -> LogRequest {
    LogRequest {
        run: attempt.run,
        attempt: Some(attempt.attempt),
        container: None,
        replica: 0,
        previous: false,
        tail: None,
        from: LogFrom::Start,
        follow: false,
        limit_bytes: None,
    }
}

/// Asks the replica, and gives its answer as it came, or its refusal.
pub(super) async fn ask(script: &Script, body: RequestBody) -> Result<String, String> {
    let message = Message::json(serde_json::to_vec(&Request { version: VERSION, body }).unwrap());
    let (control, reply) = (script.names.control(AGENT, &script.replica), script.names.reply(AGENT, "test"));
    let mut stream =
        script.broker.request(&control, &reply, message, RequestOptions::default()).await.unwrap();
    let mut text = Vec::new();
    while let Some(chunk) = stream.next().await {
        text.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
    }
    Ok(String::from_utf8(text).unwrap())
}

/// A line, when it was written, and the offset after it.
type Line = (String, Time, u64);

/// The lines of the log, and whether the answer says that it was all.
async fn read(script: &Script, wanted: LogRequest) -> Result<(Vec<Line>, bool), String> {
    let text = ask(script, RequestBody::Logs(wanted)).await?;
    let mut lines = Vec::new();
    let mut is_all = false;
    for text in text.lines().filter(|text| !text.is_empty()) {
        match serde_json::from_str(text).unwrap() {
            LogItem::Line { line, ts, next, .. } => lines.push((line, ts, next)),
            LogItem::End { complete, .. } => is_all = complete,
            LogItem::Source { .. } | LogItem::Note { .. } => {}
        }
    }
    Ok((lines, is_all))
}

fn texts(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|(text, ..)| text.as_str()).collect()
}

/// The next word on a log that was not kept.
async fn not_kept(script: &mut Script) -> Notice {
    script
        .hear("that its log is not kept", |body| match body {
            FromAgentBody::Notices(notices) => {
                notices.iter().find(|notice| notice.reason == "LogNotKept").cloned()
            }
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_log_is_kept_before_its_end_is_told_and_read_when_the_executor_has_it_no_more() {
    let kept = tempfile::tempdir().unwrap();
    kept_and_read(store(kept.path()), kept.path()).await;
}

#[tokio::test]
async fn a_log_in_a_bucket_is_kept_and_read_as_one_in_a_folder() {
    let server = S3::start();
    kept_and_read(bucket(&server, &server.variables()), &server.files().join("a/part")).await;
}

/// Keeps a log of several parts in a store whose objects are the files of a folder, and reads it from there.
async fn kept_and_read(store: Option<ArtifactsStore>, files: &Path) {
    let rig = Rig::with(|settings| (settings.keep, settings.uptime) = (Duration::ZERO, Uptime::manual()));
    let mut script = Script::new(rig).await;
    script.artifacts = store;
    let replica = script.replica();
    let many = "i=0; while [ $i -lt 40000 ]; do echo $i a line of some length, so that there are parts; i=$((i+1)); done";
    let attempt = script.start(&shell(many)).await;
    let end = script.end(attempt).await;
    let folder = files.join(format!("{}/plxlogs/0", attempt.run));
    assert!(folder.join("end.json").exists(), "kept before it was told");
    let parts = std::fs::read_dir(folder.join("polyaxon-main")).unwrap().count();
    assert!(parts > 2, "{parts} parts");

    // While the executor has it too, the same comes from either.
    let (all, is_all) = read(&script, wanted(attempt)).await.unwrap();
    assert!(all.len() == 40_000 && is_all, "{} {is_all}", all.len());
    script.rig.uptime.advance(Duration::from_secs(14));
    script.receipt(&end).await;
    eventually("its release", async || {
        script.rig.executor.tidy().await.unwrap();
        script.rig.executor.look(attempt).await.unwrap().is_none().then_some(())
    })
    .await;
    let again = read(&script, LogRequest { attempt: None, ..wanted(attempt) }).await.unwrap();
    assert_eq!(again, (all.clone(), true), "offsets are the same");
    for at in [0, 1, 20_000, 39_998] {
        for from in [LogFrom::Offset(all[at].2), LogFrom::After(all[at].1)] {
            let (rest, _) = read(&script, LogRequest { from, ..wanted(attempt) }).await.unwrap();
            assert_eq!(rest, all[at + 1..], "after line {at}");
        }
    }
    let (last, _) = read(&script, LogRequest { tail: Some(3), ..wanted(attempt) }).await.unwrap();
    assert_eq!(last, all[39_997..]);
    let main = LogRequest { container: Some("polyaxon-main".into()), tail: Some(1), ..wanted(attempt) };
    assert_eq!(read(&script, main).await.unwrap().0, all[39_999..]);
    let other = LogRequest { container: Some("other".into()), ..wanted(attempt) };
    let refused = read(&script, other).await.unwrap_err();
    assert!(refused.contains("there is no `other`; there are: polyaxon-main"), "{refused}");
    let refused = read(&script, LogRequest { replica: 1, ..wanted(attempt) }).await.unwrap_err();
    assert!(refused.contains("replica: there is no 1; the last is 0"), "{refused}");
    replica.close().await;
}

#[tokio::test]
async fn the_attempt_before_is_read_by_previous_and_objects_are_inspected() {
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    let first = script.start(&shell("echo first; exit 1")).await;
    script.end(first).await;
    let second = AttemptRef { attempt: 1, ..first };
    script.offer_again(second, &shell("echo second")).await;
    script.go().await;
    script.end(second).await;
    let (lines, _) = read(&script, LogRequest { previous: true, ..wanted(second) }).await.unwrap();
    assert_eq!(texts(&lines), ["first"]);
    let refused = read(&script, LogRequest { previous: true, ..wanted(first) }).await.unwrap_err();
    assert!(refused.contains("nothing of it ran before"), "{refused}");
    let text = ask(&script, RequestBody::Inspect(InspectRequest { run: first.run })).await.unwrap();
    let objects: serde_json::Value = serde_json::from_str(&text).unwrap();
    for attempt in [0, 1] {
        let object = &objects[format!("berth-{}-{attempt}", first.run)];
        assert_eq!(object["status"]["phase"]["phase"], "ended", "{objects}");
    }
    replica.close().await;
}

#[tokio::test]
async fn what_is_kept_of_a_deleted_run_goes_and_what_it_left_stays() {
    let server = S3::start();
    let mut script = Script::new(Rig::new()).await;
    script.artifacts = bucket(&server, &server.variables());
    let replica = script.replica();
    let (gone, other) = (script.start(&shell("echo gone")).await, script.start(&shell("echo stays")).await);
    script.end(gone).await;
    script.end(other).await;
    let of = |attempt: AttemptRef| server.files().join("a/part").join(attempt.run.to_string());
    std::fs::create_dir(of(gone).join("outputs")).unwrap();
    std::fs::write(of(gone).join("outputs/model"), "").unwrap();
    let unknown = RunId::new();
    script.tell(ToAgentBody::Forget(vec![gone.run, unknown])).await;
    let forgotten = script
        .hear("that it has forgotten them", |body| match body {
            FromAgentBody::Forgotten(runs) => Some(runs.clone()),
            _ => None,
        })
        .await;
    assert_eq!(forgotten, [gone.run, unknown]);
    assert!(!of(gone).join("plxlogs/0/end.json").exists());
    assert!(of(gone).join("outputs/model").exists() && of(other).join("plxlogs/0/end.json").exists());
    assert!(script.leases.iter().all(|lease| lease.features.contains(&ARCHIVE.to_owned())));
    replica.close().await;
}

#[tokio::test]
async fn a_replica_deletes_logs_that_were_kept_long_enough() {
    let kept = tempfile::tempdir().unwrap();
    let mut script = Script::new(Rig::new()).await;
    script.artifacts = store(kept.path());
    let day = Duration::from_secs(24 * 3600);
    let first = script.replica();
    let (old, young) = (script.start(&shell("echo old")).await, script.start(&shell("echo young")).await);
    script.end(old).await;
    script.end(young).await;
    first.close().await;
    let end = |attempt: AttemptRef| kept.path().join(format!("{}/plxlogs/0/end.json", attempt.run));
    let file = std::fs::File::options().write(true).open(end(old)).unwrap();
    file.set_modified(file.metadata().unwrap().modified().unwrap() - 31 * day).unwrap();

    script.keep = Some(30 * day);
    let second = script.replica_with(script.rig.reopened());
    eventually("that the old one is gone", async || {
        script.hears(Duration::from_millis(50), |_| false).await;
        (!end(old).exists()).then_some(())
    })
    .await;
    assert!(end(young).exists());
    second.close().await;
}

#[tokio::test]
async fn a_store_that_comes_back_gets_the_log_and_holds_the_end_no_longer() {
    let kept = tempfile::tempdir().unwrap();
    let mut script = Script::new(Rig::new()).await;
    script.artifacts = store(&kept.path().join("store"));
    // What is a file can't be written into.
    std::fs::remove_dir(kept.path().join("store")).unwrap();
    std::fs::write(kept.path().join("store"), "").unwrap();
    let replica = script.replica();
    let attempt = script.start(&shell("echo kept")).await;
    let is_told = script.hears(Duration::from_secs(3), super::replica::is_end).await;
    assert!(!is_told, "its end waits");
    std::fs::remove_file(kept.path().join("store")).unwrap();
    script.end(attempt).await;
    assert!(kept.path().join(format!("store/{}/plxlogs/0/end.json", attempt.run)).exists());
    replica.close().await;
}

#[tokio::test]
async fn who_may_not_write_into_a_bucket_is_told_so_on_the_run() {
    let server = S3::start();
    let mut script = Script::new(Rig::new()).await;
    script.artifacts = bucket(&server, &server.variables_of_a_stranger());
    script.hold = Duration::from_secs(4);
    let replica = script.replica();
    let attempt = script.start(&shell("echo lost")).await;
    let notice = not_kept(&mut script).await;
    assert_eq!((notice.run, notice.attempt), (attempt.run, 0));
    for part in ["s3://runs/a/part", "SignatureDoesNotMatch", "10 more minutes"] {
        assert!(notice.message.contains(part), "{part}: {}", notice.message);
    }
    assert!(notice.message.len() < 500, "{}", notice.message);
    script.end(attempt).await;
    replica.close().await;
}

#[tokio::test]
async fn a_bucket_that_is_away_gets_the_log_when_it_is_back_and_the_object_waits_for_that() {
    let mut server = S3::start();
    let rig = Rig::with(|settings| (settings.keep, settings.uptime) = (Duration::ZERO, Uptime::manual()));
    let mut script = Script::new(rig).await;
    script.artifacts = bucket(&server, &server.variables());
    script.hold = Duration::ZERO;
    let replica = script.replica();
    server.kill9();
    let attempt = script.start(&shell("echo kept")).await;
    let notice = not_kept(&mut script).await;
    assert!(notice.message.contains("s3://runs/a/part"), "{}", notice.message);
    let end = script.end(attempt).await;
    script.rig.uptime.advance(Duration::from_secs(14));
    script.receipt(&end).await;
    let (lines, _) = read(&script, wanted(attempt)).await.unwrap();
    assert_eq!(texts(&lines), ["kept"], "from where it ran");
    server.restart();
    eventually("its release", async || {
        script.rig.executor.tidy().await.unwrap();
        script.rig.executor.look(attempt).await.unwrap().is_none().then_some(())
    })
    .await;
    let (lines, is_all) = read(&script, wanted(attempt)).await.unwrap();
    assert_eq!((texts(&lines), is_all), (vec!["kept"], true), "from the bucket");
    replica.close().await;
}
