//! What only a real kubelet shows: logs, and that its way of saying things is the one that was read.

use berth_agent::executor::kubernetes::{Access, Settings};
use berth_agent::executor::{LogName, LogReader};
use berth_domain::lifecycle::{FailureClass, Outcome};
use berth_domain::protocol::AttemptRef;
use berth_domain::protocol::logs::LogFrom;
use berth_test_servers::Proxy;
use berth_test_servers::kubernetes::{BUSYBOX, Cluster, Options, RealNode};
use serde_json::{Value, json};

use super::rig::Rig;

fn shell(script: &str) -> Value {
    let container = |script: &str| json!({"image": BUSYBOX, "command": ["sh", "-c", script]});
    let mut init = container("echo fetched");
    init["name"] = json!("fetch");
    json!({"run": {"kind": "job", "init": [{"container": init}], "container": container(script)}})
}

/// Has an executor come to the API server by `way`.
fn lead_by(way: &Proxy, port: u16, settings: &mut Settings) {
    let Access::Kubeconfig(path) = &settings.access else { panic!("there is a kubeconfig") };
    let kubeconfig = std::fs::read_to_string(path).unwrap();
    let led = kubeconfig.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{}", way.port()));
    std::fs::write(path, led).unwrap();
}

/// Reads on until a line is `last`, or the log ends; gives the lines, each with its offset.
async fn read(reader: &mut LogReader, last: &str) -> Vec<(String, u64)> {
    let mut lines = Vec::new();
    let reading = async {
        loop {
            let (page, ended) = reader.page(64 * 1024).await.unwrap().unwrap();
            lines.extend(page.lines.into_iter().map(|line| (line.text, line.next)));
            if ended || lines.last().is_some_and(|(text, _)| text == last) {
                break;
            }
        }
    };
    tokio::time::timeout(super::rig::PATIENCE, reading).await.expect("the lines come");
    lines
}

fn texts(lines: &[(String, u64)]) -> Vec<&str> {
    lines.iter().map(|(text, _)| text.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_followed_and_resumed_and_ends_are_told_on_a_real_node() {
    let Some(cluster) = Cluster::own(Options::default()).await else { return };
    let Some(_node) = RealNode::start(&cluster).await else { return };
    let way = Proxy::start(cluster.port());
    let rig = Rig::on(&cluster, "node", |settings| lead_by(&way, cluster.port(), settings)).await;
    let log = async |attempt: AttemptRef, container: Option<&str>, from, follow| {
        let name = LogName::new(0, container.map(str::to_owned));
        rig.executor.read_log(attempt, &name, from, follow).await.unwrap().unwrap()
    };
    let attempt = rig.start(&shell("echo a; echo b; sleep 3; echo c; exit 7")).await;
    let mut follower = log(attempt, None, LogFrom::Start, true).await;
    let first = read(&mut follower, "b").await;
    assert_eq!(texts(&first), ["a", "b"]);
    assert_eq!(texts(&read(&mut follower, "never").await), ["c"], "followed to its end");
    let end = rig.end(attempt).await;
    assert_eq!((end.outcome, end.exit_code), (Outcome::Failed(FailureClass::User), Some(7)));

    for (from, expected) in [
        (LogFrom::Start, ["a", "b", "c"].as_slice()),
        (LogFrom::Offset(first[0].1), &["b", "c"]),
        (LogFrom::Offset(first[1].1), &["c"]),
    ] {
        let mut reader = log(attempt, None, from, false).await;
        assert_eq!(texts(&read(&mut reader, "never").await), expected, "{from:?}");
    }
    let mut fetch = log(attempt, Some("fetch"), LogFrom::Start, false).await;
    assert_eq!(texts(&read(&mut fetch, "never").await), ["fetched"]);

    let many = rig.start(&shell("i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); done")).await;
    let mut follower = log(many, None, LogFrom::Start, true).await;
    let lines = read(&mut follower, "never").await;
    assert_eq!(lines.len(), 5_000);
    assert!(lines.iter().enumerate().all(|(at, (text, _))| *text == at.to_string()), "in order, each once");
    rig.end(many).await;
    let mut reader = log(many, None, LogFrom::Start, false).await;
    way.trickle(true);
    let (page, ended) = reader.page(1).await.unwrap().unwrap();
    assert!(!ended && !page.lines.is_empty());
    way.cut();
    way.trickle(false);
    let rest = read(&mut reader, "never").await;
    assert_eq!(page.lines.len() + rest.len(), 5_000, "a lost connection is not the log's end");

    let polite = rig.start(&shell("trap 'exit 5' TERM; sleep 600 & wait")).await;
    rig.running(polite).await;
    rig.executor.stop(polite, None).await.unwrap();
    let end = rig.end(polite).await;
    assert_eq!((end.outcome, end.exit_code), (Outcome::Stopped, Some(5)));
    let mut nothing = shell("");
    nothing["run"]["container"]["command"] = json!(["/no/such/program"]);
    let end = rig.end(rig.start(&nothing).await).await;
    assert_eq!((end.reason.as_str(), end.exit_code), ("CommandNotFound", Some(127)), "{end:?}");
}
