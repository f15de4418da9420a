//! What each target begins with: the captures and polyaxonfiles of the tree, and a few of everything else.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use berth_broker::celery::envelope;
use berth_broker::{Message, offer};
use berth_domain::id::RunId;
use berth_domain::lifecycle::{End, FailureClass, Outcome};
use berth_domain::protocol::{self, FromAgentBody, Phase, ToAgentBody, Verdict, logs};
use berth_domain::time::Time;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::captures::{self, Capture};
use crate::input;

/// Forms of a run list's query.
const QUERIES: &[&str] = &[
    "status:created|running, -name:~%old%",
    "status:~running, kind:job",
    "created_at:2026-01-01..2026-02-01, finished_at:nil",
    "priority:>=3, priority:<=9, updated_at:>2026-01-01T10:00:00Z, priority:<5",
    "name:%old%, tags:a|b, queue:eu/gpu",
];

/// Names, ids, quantities, times, and texts with secrets in them.
const SCALARS: &[&str] = &[
    "default",
    "eu/gpu-a100",
    "1.5Gi",
    "100m",
    "-2e3",
    "0.1",
    "12E",
    "9223372036854775807",
    "1n",
    "2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00.123456+02:00",
    "00000000000000000000000000000001",
    "018f4e1c-7b2a-7000-8000-0123456789ab",
    "succeeded",
    "upstream_failed",
    "My Project",
    "日本",
    "postgres://user:secret@host/db",
    "Bearer abc.def",
    "API_TOKEN=abc",
    "PT1H30M",
    "--password=x",
];

/// Texts with templates in them.
const TEMPLATES: &[&str] = &[
    "--lr={{ lr }} --n={{ params.n.value }} {{ globals.run_outputs_path }}",
    "{{ params.as_args }} {{ params.lr.as_arg }} {{ l[0] }} {{ d.k }} {{ nothing }}",
    "{% for x in l %}{{ x | upper }}{% if loop.last %}.{% endif %}{% endfor %}",
    "{% set y = n * 2 %}{{ y ** 2 }} {{ range(10) | join(',') }} {{ d | tojson }} {{ lr | round(2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1) }} {# a comment #} {% raw %}{{ x }}{% endraw %}",
    "{{ s | replace('a', 'b') | default('c') | length }} {{ l | sort | first }} {{ 1 if n > 2 else 3 }}",
];

/// Writes every seed of the tree at `root` below `out`, in a folder for each target.
///
/// # Errors
/// If something can't be read or written.
pub fn write(root: &Path, out: &Path) -> anyhow::Result<()> {
    let captures = root.join("broker/tests/captures");
    for (folder, target) in [
        ("amqp", "celery_task"),
        ("redis", "celery_task"),
        ("events", "celery_messages"),
        ("control", "celery_messages"),
        ("results", "celery_messages"),
    ] {
        for capture in captures::read(&captures.join(folder))? {
            match capture {
                Capture::Amqp(message) => {
                    keep(out, target, &input::of(&message))?;
                    keep(out, "envelope", envelope::encode(&message, "run.q").as_bytes())?;
                }
                Capture::Redis(raw) => {
                    keep(out, target, &input::of(&envelope::decode(raw.as_bytes()).0))?;
                    keep(out, "envelope", raw.as_bytes())?;
                    keep(out, "envelope", format!("[{raw}, \"\", \"run.q\"]").as_bytes())?;
                }
            }
        }
    }
    for folder in ["domain/tests/polyaxonfiles", "examples"] {
        for file in files(&root.join(folder))? {
            let text = std::fs::read(&file).with_context(|| format!("can't read {}", file.display()))?;
            keep(out, "polyaxonfile", &text)?;
        }
    }
    keep(out, "offer", &input::of(&an_offer()?))?;
    for message in protocol_messages()? {
        keep(out, "protocol", message.as_bytes())?;
    }
    for (target, texts) in [("query", QUERIES), ("scalars", SCALARS), ("template", TEMPLATES)] {
        for text in texts {
            keep(out, target, text.as_bytes())?;
        }
    }
    Ok(())
}

/// A seed is named after what is in it: two of the same are one file.
fn keep(out: &Path, target: &str, seed: &[u8]) -> anyhow::Result<()> {
    let folder = out.join(target);
    std::fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    let name = Uuid::from_u128(seed.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u128, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    }));
    let path = folder.join(name.simple().to_string());
    std::fs::write(&path, seed).with_context(|| format!("can't write {}", path.display()))
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("can't list {}", folder.display()))?;
    entries
        .map(|entry| Ok(entry?.path()))
        .filter(|path| path.as_ref().is_ok_and(|path| path.is_file()))
        .collect()
}

fn an_offer() -> anyhow::Result<Message> {
    Ok(offer::encode(&offer::Offer {
        run: Uuid::from_u128(1),
        attempt: 1,
        agent: "local".to_owned(),
        queue: "default".to_owned(),
        owner: "default".to_owned(),
        project: "default".to_owned(),
        name: Some("train".to_owned()),
        operation: RawValue::from_string(r#"{"run": {"kind": "job"}}"#.to_owned())?,
        spec_hash: "0".repeat(64),
        hard_limit: Some(60.0),
        soft_limit: Some(30.5),
        eta: Some("2026-01-31T12:00:00Z".to_owned()),
        expires: None,
        root_id: Some(Uuid::from_u128(2)),
        parent_id: Some(Uuid::from_u128(3)),
        needs: vec!["init".to_owned()],
    }))
}

fn protocol_messages() -> anyhow::Result<Vec<String>> {
    let run: RunId = "018f4e1c7b2a70008000000000000001".parse()?;
    let (attempt, version) = (1, protocol::VERSION);
    let report = |phase| protocol::Report {
        run,
        attempt,
        uid: Some("u".into()),
        rank: 3,
        at: Time::from_micros(1),
        phase,
    };
    let end = End {
        outcome: Outcome::Failed(FailureClass::User),
        exit_code: Some(3),
        reason: "ExitCode".into(),
        message: "exited with 3".into(),
    };
    let lease = protocol::LeaseRequest {
        nonce: "n".into(),
        hello: true,
        identity: protocol::Identity::Machine { id: "m".into() },
        release: "0.1.0".into(),
        features: vec!["v1".into()],
        executor: "process".into(),
        create_grace_ms: 0,
        handover_rate: 1.5,
        live: 1,
        held_offers: 2,
        queues: vec!["default".into()],
    };
    let from = [
        FromAgentBody::Lease(lease),
        FromAgentBody::Claims(vec![protocol::ClaimRequest { nonce: "n".into(), run, attempt }]),
        FromAgentBody::Reports(vec![
            report(Phase::Created),
            report(Phase::Running),
            report(Phase::Warning { reason: "r".into(), message: "m".into() }),
            report(Phase::Unschedulable { message: "m".into() }),
            report(Phase::Ended(end)),
        ]),
        FromAgentBody::Answers(vec![protocol::Answer { run, attempt, question: 1, present: true }]),
        FromAgentBody::Inventory(vec![protocol::Held { run, attempt, uid: "u".into() }]),
        FromAgentBody::Undecodable { queue: "q".into(), raw: "AA==".into(), reason: "r".into() },
        FromAgentBody::Goodbye,
    ];
    let to = [
        ToAgentBody::LeaseGranted { nonce: "n".into(), queues: vec!["q".into()], cordoned: false },
        ToAgentBody::LeaseRefused { nonce: "n".into(), reason: "r".into() },
        ToAgentBody::ClaimAnswers(vec![
            protocol::ClaimAnswer { nonce: "n".into(), run, attempt, verdict: Verdict::Go { valid_ms: 5 } },
            protocol::ClaimAnswer {
                nonce: "n".into(),
                run,
                attempt,
                verdict: Verdict::Drop { reason: "r".into() },
            },
        ]),
        ToAgentBody::Receipts(vec![protocol::EndReceipt { run, attempt, uid: None }]),
        ToAgentBody::Remove(vec![protocol::AttemptRef { run, attempt }]),
        ToAgentBody::Questions(vec![protocol::Question { run, attempt, question: 1 }]),
    ];
    let logs = logs::LogRequest {
        run,
        attempt: Some(attempt),
        from: logs::LogFrom::After(Time::from_micros(1)),
        follow: true,
        limit_bytes: Some(1024),
    };
    let mut texts = Vec::new();
    for body in from {
        texts.push(serde_json::to_string(&protocol::FromAgent { version, replica: "r1".into(), body })?);
    }
    for body in to {
        texts.push(serde_json::to_string(&protocol::ToAgent { version, body })?);
    }
    texts.push(serde_json::to_string(&logs::Request { version, body: logs::RequestBody::Logs(logs) })?);
    Ok(texts)
}
