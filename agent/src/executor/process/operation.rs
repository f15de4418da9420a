//! What a compiled operation means for a local process, and what of it a local process can't honour.
//!
//! Reads only the fields it needs of Polyaxon's `compiled_operation` JSON; everything else was checked when the run
//! was accepted. The image and resources are recorded there and unused here. Pure.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use berth_domain::reported::Reported;
use serde::Deserialize;
use serde_json::Value;

use super::super::environment::{TRACE_VARIABLES, UID_VARIABLE, own_environment};
use super::super::{Order, Refusal};
use super::record::Launch;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operation {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    termination: Option<Termination>,
    run: Run,
}

#[derive(Deserialize, Default)]
struct Termination {
    #[serde(default)]
    timeout: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    container: Option<Container>,
    #[serde(default)]
    init: Value,
    #[serde(default)]
    sidecars: Value,
    #[serde(default)]
    volumes: Value,
    #[serde(default)]
    connections: Value,
    #[serde(default)]
    ports: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    #[serde(default)]
    command: Option<Words>,
    #[serde(default)]
    args: Option<Words>,
    #[serde(default)]
    env: Option<Vec<Variable>>,
    #[serde(default)]
    env_from: Value,
    #[serde(default)]
    working_dir: Option<String>,
    #[serde(default)]
    volume_mounts: Value,
    #[serde(default)]
    volume_devices: Value,
    #[serde(default)]
    ports: Value,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Many(Vec<Value>),
    One(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    name: String,
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    value_from: Value,
}

/// What the executor adds to every operation.
pub(crate) struct Defaults<'a> {
    /// What every process inherits.
    pub(crate) environment: &'a BTreeMap<String, String>,
    /// Between being asked to end and being killed.
    pub(crate) grace: Duration,
    /// How much of a log is kept.
    pub(crate) log_limit_bytes: u64,
    /// The features it has.
    pub(crate) features: &'a [String],
}

/// How to run `order`, whose object is `uid`.
pub(crate) fn launch(order: &Order, uid: &str, defaults: &Defaults<'_>) -> Result<Launch, Refusal> {
    order.needs_no_more_than(defaults.features)?;
    let operation: Operation = serde_json::from_str(&order.operation).map_err(|error| Refusal {
        reason: "InvalidOperation",
        message: format!("the compiled operation can't be read: {error}"),
    })?;
    if let Some(namespace) = operation.namespace.as_deref().filter(|namespace| !namespace.is_empty())
        && let Some(message) = Reported::default().lacks(&order.agent, namespace)
    {
        return Err(Refusal { reason: "Unsupported", message: format!("`namespace`: {message}") });
    }
    refuse_by_name(&operation.run)?;
    let Some(container) = operation.run.container else {
        return Err(unsupported("run.container", "is missing; it must have a `command`"));
    };
    let mut own = own_environment(order, operation.name.as_deref());
    own.push((UID_VARIABLE, uid.to_owned()));
    let environment = environment(&container, defaults.environment, own)?;
    let command = command(&container, &environment)?;
    Ok(Launch {
        command,
        environment,
        working_dir: working_dir(container.working_dir.as_deref())?,
        timeout_seconds: operation.termination.unwrap_or_default().timeout.filter(|seconds| *seconds > 0),
        grace_ms: u64::try_from(defaults.grace.as_millis()).unwrap_or(u64::MAX),
        log_limit_bytes: defaults.log_limit_bytes,
    })
}

fn unsupported(field: &str, why: &str) -> Refusal {
    Refusal { reason: "Unsupported", message: format!("`{field}` {why}") }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn refuse_by_name(run: &Run) -> Result<(), Refusal> {
    const WHY: &str =
        "is not supported by the process executor; remove it, or choose a queue of a Kubernetes agent";
    if let Some(kind) = run.kind.as_deref().filter(|kind| *kind != "job") {
        return Err(unsupported("run.kind", &format!("is `{kind}`; the process executor runs: job")));
    }
    let container = run.container.as_ref();
    let null = Value::Null;
    let fields = [
        ("run.init", &run.init),
        ("run.sidecars", &run.sidecars),
        ("run.volumes", &run.volumes),
        ("run.connections", &run.connections),
        ("run.ports", &run.ports),
        ("run.container.volumeMounts", container.map_or(&null, |c| &c.volume_mounts)),
        ("run.container.volumeDevices", container.map_or(&null, |c| &c.volume_devices)),
        ("run.container.ports", container.map_or(&null, |c| &c.ports)),
        ("run.container.envFrom", container.map_or(&null, |c| &c.env_from)),
    ];
    match fields.iter().find(|(_, value)| !is_empty(value)) {
        Some((field, _)) => Err(unsupported(field, WHY)),
        None => Ok(()),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn words(words: Option<&Words>) -> Vec<String> {
    match words {
        Some(Words::Many(words)) => words.iter().map(text).collect(),
        Some(Words::One(word)) => vec![word.clone()],
        None => Vec::new(),
    }
}

fn command(container: &Container, environment: &[(String, String)]) -> Result<Vec<String>, Refusal> {
    let mut command = words(container.command.as_ref());
    if command.first().is_none_or(String::is_empty) {
        let why = "is missing; the process executor has no image whose entry point it could run";
        return Err(unsupported("run.container.command", why));
    }
    command.extend(words(container.args.as_ref()));
    let command: Vec<String> = command.iter().map(|word| expand(word, environment)).collect();
    if let Some(at) = command.iter().position(|word| word.contains('\0')) {
        return Err(unsupported("run.container.command", &format!("has a NUL byte in its word {at}")));
    }
    Ok(command)
}

/// Puts variables in for `$(NAME)`, as Kubernetes does in `command` and `args`: `$$` is a plain `$` everywhere, and a
/// name that isn't known stays as it is.
fn expand(word: &str, environment: &[(String, String)]) -> String {
    let mut expanded = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = rest.strip_prefix("$(").and_then(|tail| tail.split_once(')'));
        if let Some(tail) = rest.strip_prefix("$$") {
            expanded.push('$');
            rest = tail;
        } else if let Some((name, tail)) = name {
            match environment.iter().rev().find(|(known, _)| known == name) {
                Some((_, value)) => expanded.push_str(value),
                None => expanded.push_str(&rest[..name.len() + 3]),
            }
            rest = tail;
        } else {
            expanded.push('$');
            rest = &rest[1..];
        }
    }
    expanded.push_str(rest);
    expanded
}

/// The whole environment: what is inherited, under what the operation says, under Berth's own.
fn environment(
    container: &Container,
    inherited: &BTreeMap<String, String>,
    own: Vec<(&'static str, String)>,
) -> Result<Vec<(String, String)>, Refusal> {
    let mut environment = inherited.clone();
    for variable in container.env.iter().flatten() {
        let name = &variable.name;
        let field = format!("run.container.env[{name}]");
        if !is_empty(&variable.value_from) {
            let from = variable.value_from.as_object().and_then(|from| from.keys().next().cloned());
            let field = format!("{field}.valueFrom.{}", from.unwrap_or_default());
            return Err(unsupported(&field, "is not supported by the process executor; give it a `value`"));
        }
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(unsupported(&field, "has a name that can't be a variable's"));
        }
        let value = variable.value.as_ref().map(text).unwrap_or_default();
        if value.contains('\0') {
            return Err(unsupported(&field, "has a NUL byte in its value"));
        }
        environment.insert(name.clone(), value);
    }
    for (name, value) in own {
        if !(TRACE_VARIABLES.contains(&name) && environment.contains_key(name)) {
            environment.insert(name.to_owned(), value);
        }
    }
    Ok(environment.into_iter().collect())
}

fn working_dir(dir: Option<&str>) -> Result<Option<PathBuf>, Refusal> {
    match dir {
        None | Some("") => Ok(None),
        Some(dir) if dir.starts_with('/') => Ok(Some(PathBuf::from(dir))),
        Some(dir) => {
            let why = format!("is `{dir}`; the process executor needs an absolute path, or none");
            Err(unsupported("run.container.workingDir", &why))
        }
    }
}

#[cfg(test)]
mod tests {
    use berth_domain::id::RunId;
    use berth_domain::protocol::AttemptRef;
    use berth_domain::trace::TraceContext;
    use serde_json::json;

    use super::super::super::OrderTrace;
    use super::*;
    use crate::uptime::Uptime;

    fn read(operation: &Value) -> Result<Launch, Refusal> {
        read_traced(operation, None)
    }

    fn read_traced(operation: &Value, trace: Option<&str>) -> Result<Launch, Refusal> {
        let context = |text: &str| text.parse::<TraceContext>().unwrap();
        let order = Order {
            attempt: AttemptRef { run: RunId::new(), attempt: 1 },
            agent: "local".into(),
            replica: "r".into(),
            queue: "default".into(),
            owner: "default".into(),
            project: "p".into(),
            spec_hash: "h".into(),
            needs: Vec::new(),
            operation: operation.to_string(),
            replace: false,
            trace: trace.map(|joined| {
                let kept = context("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
                Box::new(OrderTrace { kept, joined: context(joined) })
            }),
            create_by: Uptime::manual().now(),
        };
        let environment = BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]);
        let defaults = Defaults {
            environment: &environment,
            grace: Duration::from_secs(10),
            log_limit_bytes: 1,
            features: &[],
        };
        launch(&order, "the-uid", &defaults)
    }

    fn message(operation: &Value) -> String {
        read(operation).err().expect("refused").message
    }

    #[test]
    fn a_job_is_its_command_with_its_environment() {
        let launch = read(&json!({
            "kind": "compiled_operation",
            "termination": {"maxRetries": 1, "timeout": 30},
            "run": {"kind": "job", "init": [], "container": {
                "image": "alpine", "command": ["sh", "-c"], "args": ["echo $(N) $$(N) $(M) $N", 5],
                "env": [{"name": "N", "value": 3}], "workingDir": "/tmp", "resources": {"limits": {"cpu": 1}}
            }}
        }))
        .ok()
        .unwrap();
        assert_eq!(launch.command, ["sh", "-c", "echo 3 $(N) $(M) $N", "5"]);
        assert_eq!(launch.timeout_seconds, Some(30));
        assert_eq!(launch.working_dir, Some("/tmp".into()));
        for (name, value) in [("PATH", "/bin"), ("N", "3"), ("BERTH_ATTEMPT", "1"), (UID_VARIABLE, "the-uid")]
        {
            assert!(launch.environment.contains(&(name.into(), value.into())), "{name}");
        }
    }

    #[test]
    fn a_program_joins_its_trace_unless_it_was_told_otherwise() {
        let joined = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01";
        let operation =
            |env: Value| json!({"run": {"kind": "job", "container": {"command": ["true"], "env": env}}});
        let value = |launch: &Launch, name: &str| {
            launch.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        let launch = read_traced(&operation(json!([])), Some(&format!("{joined} a=1"))).ok().unwrap();
        assert_eq!(value(&launch, "TRACEPARENT").as_deref(), Some(joined));
        assert_eq!(value(&launch, "TRACESTATE").as_deref(), Some("a=1"));
        let said = value(&launch, "OTEL_RESOURCE_ATTRIBUTES").unwrap();
        assert!(said.ends_with(",berth.attempt=1,berth.agent=local,berth.queue=default"), "{said}");
        let own = json!([{"name": "TRACEPARENT", "value": "mine"}, {"name": "OTEL_RESOURCE_ATTRIBUTES", "value": "a=b"}]);
        let launch = read_traced(&operation(own), Some(joined)).ok().unwrap();
        assert_eq!(value(&launch, "TRACEPARENT").as_deref(), Some("mine"));
        assert_eq!(value(&launch, "OTEL_RESOURCE_ATTRIBUTES").as_deref(), Some("a=b"));
        let launch = read(&operation(json!([]))).ok().unwrap();
        for name in TRACE_VARIABLES {
            assert_eq!(value(&launch, name), None);
        }
    }

    #[test]
    fn a_namespace_is_refused_by_name_but_for_the_one_that_stands_for_none() {
        let named = |namespace: &str| json!({"namespace": namespace, "run": {"kind": "job", "container": {"command": ["true"]}}});
        read(&named("default")).unwrap();
        let refused = message(&named("ml"));
        assert!(
            refused.starts_with("`namespace`: agent local does not serve the namespace `ml`"),
            "{refused}"
        );
    }

    #[test]
    fn what_can_not_be_honoured_is_refused_by_name() {
        let run = |extra: Value| {
            let mut run = json!({"kind": "job", "container": {"command": ["true"]}});
            for (field, value) in extra.as_object().unwrap() {
                match field.strip_prefix("container.") {
                    Some(field) => run["container"][field] = value.clone(),
                    None => run[field] = value.clone(),
                }
            }
            json!({"run": run})
        };
        for (extra, field) in [
            (json!({"init": [{"git": {}}]}), "`run.init`"),
            (json!({"sidecars": [{}]}), "`run.sidecars`"),
            (json!({"volumes": [{}]}), "`run.volumes`"),
            (json!({"connections": ["s3"]}), "`run.connections`"),
            (json!({"ports": [80]}), "`run.ports`"),
            (json!({"container.volumeMounts": [{}]}), "`run.container.volumeMounts`"),
            (json!({"container.ports": [{}]}), "`run.container.ports`"),
            (json!({"container.envFrom": [{}]}), "`run.container.envFrom`"),
            (
                json!({"container.env": [{"name": "K", "valueFrom": {"secretKeyRef": {}}}]}),
                "`run.container.env[K].valueFrom.secretKeyRef`",
            ),
            (
                json!({"container.command": null, "container.args": ["x"]}),
                "`run.container.command` is missing",
            ),
            (json!({"container.workingDir": "x"}), "`run.container.workingDir` is `x`"),
            (json!({"container": null}), "`run.container` is missing"),
            (json!({"kind": "service"}), "`run.kind` is `service`"),
        ] {
            let message = message(&run(extra));
            assert!(message.starts_with(field), "{message}");
        }
        assert!(message(&json!({"run": 3})).starts_with("the compiled operation can't be read"));
    }
}
