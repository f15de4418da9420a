//! What each target begins with: the captures and polyaxonfiles of the tree, and a few of everything else.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use berth_broker::celery::envelope;
use berth_broker::{Message, offer};
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

/// What agents and the scheduler say, one of each kind.
const PROTOCOL: &[&str] = &[
    r#"{"version":1,"replica":"r1","kind":"lease","body":{"nonce":"n","hello":true,"identity":{"kind":"machine","id":"m"},"release":"0.1.0","features":["v1"],"executor":"process","create_grace_ms":0,"handover_rate":1.5,"live":1,"held_offers":2,"queues":["default"],"labels":{"gpu":"a100"},"namespaces":["ml"]}}"#,
    r#"{"version":1,"replica":"r1","kind":"claims","body":[{"nonce":"n","run":"018f4e1c7b2a70008000000000000001","attempt":1}]}"#,
    r#"{"version":1,"replica":"r1","kind":"reports","body":[{"run":"018f4e1c7b2a70008000000000000001","attempt":0,"uid":"u","rank":3,"at":"2026-01-31T12:00:00Z","phase":"running"},{"run":"018f4e1c7b2a70008000000000000001","attempt":0,"uid":null,"rank":3,"at":"2026-01-31T12:00:00Z","phase":"warning","reason":"r","message":"m"}]}"#,
    r#"{"version":1,"replica":"r1","kind":"answers","body":[{"run":"018f4e1c7b2a70008000000000000001","attempt":0,"question":1,"present":true}]}"#,
    r#"{"version":1,"replica":"r1","epoch":"018f4e1c7b2a70008000000000000002","kind":"inventory","body":[{"run":"018f4e1c7b2a70008000000000000001","attempt":0,"uid":"u"}]}"#,
    r#"{"version":1,"replica":"r1","kind":"undecodable","body":{"queue":"q","raw":"AA==","reason":"r"}}"#,
    r#"{"version":1,"replica":"r1","kind":"goodbye"}"#,
    r#"{"version":1,"kind":"lease_granted","body":{"nonce":"n","queues":["q"],"cordoned":false}}"#,
    r#"{"version":1,"kind":"lease_refused","body":{"nonce":"n","reason":"r"}}"#,
    r#"{"version":1,"kind":"claim_answers","body":[{"nonce":"n","run":"018f4e1c7b2a70008000000000000001","attempt":0,"verdict":"go","valid_ms":5},{"nonce":"n","run":"018f4e1c7b2a70008000000000000001","attempt":0,"verdict":"drop","reason":"r"}]}"#,
    r#"{"version":1,"kind":"receipts","body":[{"run":"018f4e1c7b2a70008000000000000001","attempt":0,"uid":null}]}"#,
    r#"{"version":1,"kind":"remove","body":[{"run":"018f4e1c7b2a70008000000000000001","attempt":0}]}"#,
    r#"{"version":1,"kind":"questions","body":[{"run":"018f4e1c7b2a70008000000000000001","attempt":0,"question":1}]}"#,
    r#"{"version":1,"kind":"logs","body":{"run":"018f4e1c7b2a70008000000000000001","attempt":1,"from":{"after":"2026-01-31T12:00:00Z"},"follow":true,"limit_bytes":1024}}"#,
    r#"{"kind":"line","ts":"2026-01-31T12:00:00Z","stream":"stdout","line":"hello","next":6}"#,
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
                    keep(out, "envelope", envelope::encode(&message, "run.q")?.as_bytes())?;
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
    for (target, texts) in
        [("protocol", PROTOCOL), ("query", QUERIES), ("scalars", SCALARS), ("template", TEMPLATES)]
    {
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
        trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 vendor=x".parse().ok(),
    }))
}

#[cfg(test)]
mod tests {
    use berth_domain::protocol::{FromAgent, ToAgent, logs};
    use serde_json::from_str;

    use super::*;

    #[test]
    fn every_message_of_the_protocol_is_one() {
        for text in PROTOCOL {
            let read = from_str::<FromAgent>(text).is_ok()
                || from_str::<ToAgent>(text).is_ok()
                || from_str::<logs::Request>(text).is_ok()
                || from_str::<logs::LogItem>(text).is_ok();
            assert!(read, "{text}");
        }
    }
}
