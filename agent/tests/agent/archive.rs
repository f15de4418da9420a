//! Logs in the artifacts store: kept before an end is told, read when nothing else is left.

use std::path::Path;
use std::time::Duration;

use berth_agent::artifacts::ArtifactsStore;
use berth_agent::uptime::Uptime;
use berth_broker::{Message, RequestOptions};
use berth_domain::protocol::logs::{InspectRequest, LogFrom, LogItem, LogRequest, Request, RequestBody};
use berth_domain::protocol::{AttemptRef, VERSION};

use super::rig::{Rig, eventually, shell};
use super::script::{AGENT, Script};

fn store(folder: &Path) -> Option<ArtifactsStore> {
    Some(ArtifactsStore::open(&folder.display().to_string(), []).unwrap())
}

fn wanted(attempt: AttemptRef) -> LogRequest {
    LogRequest {
        run: attempt.run,
        attempt: Some(attempt.attempt),
        container: None,
        previous: false,
        tail: None,
        from: LogFrom::Start,
        follow: false,
        limit_bytes: None,
    }
}

/// Asks the replica, and gives its answer as it came, or its refusal.
async fn ask(script: &Script, body: RequestBody) -> Result<String, String> {
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

/// The lines of the log, and whether the answer says that it was all.
async fn read(script: &Script, wanted: LogRequest) -> Result<(Vec<(String, u64)>, bool), String> {
    let text = ask(script, RequestBody::Logs(wanted)).await?;
    let mut lines = Vec::new();
    let mut is_all = false;
    for text in text.lines().filter(|text| !text.is_empty()) {
        match serde_json::from_str(text).unwrap() {
            LogItem::Line { line, next, .. } => lines.push((line, next)),
            LogItem::End { complete, .. } => is_all = complete,
            LogItem::Source { .. } | LogItem::Note { .. } => {}
        }
    }
    Ok((lines, is_all))
}

fn texts(lines: &[(String, u64)]) -> Vec<&str> {
    lines.iter().map(|(text, _)| text.as_str()).collect()
}

#[tokio::test]
async fn a_log_is_kept_before_its_end_is_told_and_read_when_the_executor_has_it_no_more() {
    let kept = tempfile::tempdir().unwrap();
    let rig = Rig::with(|settings| (settings.keep, settings.uptime) = (Duration::ZERO, Uptime::manual()));
    let mut script = Script::new(rig).await;
    script.artifacts = store(kept.path());
    let replica = script.replica();
    let many = "i=0; while [ $i -lt 40000 ]; do echo $i a line of some length, so that there are parts; i=$((i+1)); done";
    let attempt = script.start(&shell(many)).await;
    let end = script.end(attempt).await;
    let folder = kept.path().join(format!("{}/plxlogs/0", attempt.run));
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
        let from = LogFrom::Offset(all[at].1);
        let (rest, _) = read(&script, LogRequest { from, ..wanted(attempt) }).await.unwrap();
        assert_eq!(rest, all[at + 1..], "from line {at} on");
    }
    let (last, _) = read(&script, LogRequest { tail: Some(3), ..wanted(attempt) }).await.unwrap();
    assert_eq!(last, all[39_997..]);
    let other = LogRequest { container: Some("other".into()), ..wanted(attempt) };
    let refused = read(&script, other).await.unwrap_err();
    assert!(refused.contains("there is no `other`; there are: polyaxon-main"), "{refused}");
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
