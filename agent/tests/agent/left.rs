//! The files that a run left, listed and read for those who look: in a folder, in a bucket of a real S3 server, and never
//! outside of the run's own folder.

use std::path::Path;

use berth_agent::artifacts::ArtifactsStore;
use berth_domain::id::RunId;
use berth_domain::protocol::left::{FileRequest, FolderRequest, Left};
use berth_domain::protocol::logs::RequestBody;
use berth_test_servers::S3;

use super::archive::{ask, bucket, store};
use super::rig::{Rig, shell};
use super::script::Script;

/// What a request is answered with, and what follows.
async fn left(script: &Script, body: RequestBody) -> (Left, String) {
    let text = ask(script, body).await.unwrap();
    let (line, rest) = text.split_once('\n').unwrap();
    (serde_json::from_str(line).unwrap(), rest.to_owned())
}

async fn folder(script: &Script, run: RunId, path: &str, deep: bool) -> Left {
    left(script, RequestBody::Folder(FolderRequest { run, path: path.into(), deep })).await.0
}

async fn file(script: &Script, run: RunId, path: &str) -> (Left, String) {
    left(script, RequestBody::File(FileRequest { run, path: path.into() })).await
}

fn listed<const F: usize, const D: usize>(files: [(&str, u64); F], dirs: [&str; D]) -> Left {
    Left::Folder {
        files: files.map(|(name, bytes)| (name.to_owned(), bytes)).into(),
        dirs: dirs.map(str::to_owned).to_vec(),
        is_cut: false,
    }
}

/// Puts files where a run's collector would, and looks at them.
async fn listed_and_read(store: Option<ArtifactsStore>, files: &Path) {
    let mut script = Script::new(Rig::new()).await;
    script.artifacts = store;
    let replica = script.replica();
    let run = script.start(&shell("true")).await.run;
    let other = RunId::new();
    assert_eq!(folder(&script, other, "", false).await, listed([], []), "nothing yet");
    let put = |run: RunId, path: &str, text: &str| {
        let path = files.join(run.to_string()).join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let large = "0123456789".repeat(30_000);
    put(run, "outputs/model.bin", &large);
    put(run, "outputs/a b.txt", "spaced");
    put(run, "events/metric/train/loss.plx", "step|timestamp|metric\n");
    put(other, "outputs/secret", "not theirs");

    assert_eq!(
        folder(&script, run, "/outputs/", false).await,
        listed([("a b.txt", 6), ("model.bin", 300_000)], [])
    );
    assert_eq!(folder(&script, run, "events", false).await, listed([], ["metric"]));
    assert_eq!(folder(&script, run, "events/metric", true).await, listed([("train/loss.plx", 22)], []));
    let Left::Folder { dirs, .. } = folder(&script, run, "", false).await else { panic!("no folder") };
    assert!(dirs.contains(&"events".to_owned()) && dirs.contains(&"outputs".to_owned()), "{dirs:?}");

    assert_eq!(file(&script, run, "outputs/model.bin").await, (Left::File { bytes: 300_000 }, large));
    assert_eq!(file(&script, run, "outputs/a b.txt").await.1, "spaced");
    let up = format!("../{other}/outputs");
    for path in ["outputs", "none", "", "outputs/../outputs/a b.txt", &format!("{up}/secret"), "/etc/passwd"]
    {
        assert_eq!(file(&script, run, path).await, (Left::Nothing, String::new()), "{path}");
    }
    for path in ["none", "outputs/none", &up, "..", "outputs/.."] {
        assert_eq!(folder(&script, run, path, true).await, Left::Nothing, "{path}");
    }
    replica.close().await;
}

#[tokio::test]
async fn what_a_run_left_in_a_folder_is_listed_and_read() {
    let kept = tempfile::tempdir().unwrap();
    listed_and_read(store(kept.path()), kept.path()).await;
}

#[tokio::test]
async fn what_a_run_left_in_a_bucket_is_listed_and_read() {
    let server = S3::start();
    listed_and_read(bucket(&server, &server.variables()), &server.files().join("a/part")).await;
}

#[tokio::test]
async fn a_link_that_a_run_made_leads_nowhere() {
    let kept = tempfile::tempdir().unwrap();
    let mut script = Script::new(Rig::new()).await;
    script.artifacts = store(kept.path());
    let replica = script.replica();
    let run = script.start(&shell("true")).await.run;
    let other = RunId::new();
    let own = kept.path().join(run.to_string());
    let theirs = kept.path().join(other.to_string());
    std::fs::create_dir_all(own.join("outputs")).unwrap();
    std::fs::create_dir_all(&theirs).unwrap();
    std::fs::write(theirs.join("secret"), "not theirs").unwrap();
    std::fs::write(own.join("outputs/real"), "mine").unwrap();
    let link =
        |to: &Path, name: &str| std::os::unix::fs::symlink(to, own.join("outputs").join(name)).unwrap();
    link(Path::new("/etc/passwd"), "passwd");
    link(&theirs, "theirs");
    link(&own.join("outputs/real"), "inside");
    for path in ["outputs/passwd", "outputs/theirs/secret"] {
        assert_eq!(file(&script, run, path).await.0, Left::Nothing, "{path}");
    }
    assert_eq!(folder(&script, run, "outputs/theirs", false).await, Left::Nothing);
    assert_eq!(file(&script, run, "outputs/inside").await.1, "mine");
    assert_eq!(folder(&script, run, "outputs", true).await, listed([("inside", 4), ("real", 4)], []));
    // Nor does a folder that is itself a link.
    let third = RunId::new();
    std::os::unix::fs::symlink(&theirs, kept.path().join(third.to_string())).unwrap();
    assert_eq!(file(&script, third, "secret").await.0, Left::Nothing);
    assert_eq!(folder(&script, third, "", true).await, listed([], []));
    replica.close().await;
}

#[tokio::test]
async fn an_agent_without_a_store_says_so_and_one_that_is_away_is_named() {
    let mut server = S3::start();
    let mut script = Script::new(Rig::new()).await;
    let replica = script.replica();
    let run = script.start(&shell("true")).await.run;
    assert_eq!(folder(&script, run, "", false).await, Left::NoStore);
    assert_eq!(file(&script, run, "a").await.0, Left::NoStore);
    replica.close().await;
    script.artifacts = bucket(&server, &server.variables_of_a_stranger());
    let replica = script.replica_with(script.rig.reopened());
    script.start(&shell("true")).await;
    let refused = ask(&script, RequestBody::File(FileRequest { run, path: "a".into() })).await.unwrap_err();
    assert!(refused.contains("s3://runs/a/part") && refused.contains("SignatureDoesNotMatch"), "{refused}");
    replica.close().await;
    server.kill9();
}
