//! Services: what their templates know beside what those of jobs do, and which combinations make no sense.
//!
//! Source of the paths: Polyaxon's `service` context. Berth has no proxy of its own under them; a service is made to
//! serve below them all the same, so that a proxy that an operator sets up finds it where Polyaxon's would.

use serde_json::{Map, Value, json};

use super::Context;
use super::render::Renderer;
use crate::spec::{Checker, SpecErrors};

/// Polyaxon's port of a service that names none.
const DEFAULT_PORT: u64 = 80;

/// Renders the ports of a service, and returns `globals.ports`, `base_url` and `base_urls`; nothing for a job.
///
/// # Errors
/// If the templates of the ports can't be rendered.
pub(super) fn globals(
    document: &mut Map<String, Value>,
    context: &Context,
    renderer: &mut Renderer,
) -> Result<Map<String, Value>, SpecErrors> {
    let Some(Value::Object(run)) = document.get_mut("run").filter(|run| is_service(run)) else {
        return Ok(Map::new());
    };
    let mut errors = Vec::new();
    for field in ["ports", "rewritePath", "isExternal"] {
        if let Some(value) = run.get_mut(field) {
            renderer.render_tree(value, &format!("run.{field}"), &mut errors)?;
        }
    }
    if !errors.is_empty() {
        return Err(SpecErrors(errors));
    }
    let is = |field: &str| run.get(field).is_some_and(|flag| *flag == true);
    let location = match (is("isExternal"), is("rewritePath")) {
        (false, false) => "services",
        (false, true) => "rewrite-services",
        (true, false) => "external",
        (true, true) => "rewrite-external",
    };
    let Context { namespace, owner, project, uuid, .. } = context;
    let ports = run.get("ports").and_then(Value::as_array).cloned().unwrap_or_default();
    let served = if ports.is_empty() { vec![json!(DEFAULT_PORT)] } else { ports.clone() };
    let urls: Vec<String> = served
        .iter()
        .map(|port| {
            let port = port.as_str().map_or_else(|| port.to_string(), str::to_owned);
            format!("/{location}/v1/{namespace}/{owner}/{project}/runs/{}/{port}", uuid.simple())
        })
        .collect();
    Ok(Map::from_iter([
        ("ports".to_owned(), Value::Array(ports)),
        ("base_url".to_owned(), json!(urls.first())),
        ("base_urls".to_owned(), json!(urls)),
    ]))
}

fn is_service(run: &Value) -> bool {
    run.get("kind").and_then(Value::as_str) == Some("service")
}

/// Which combinations of a rendered service are refused. Jobs keep `culling` and `probe` without effect, as before.
pub(super) fn check(checker: &mut Checker, document: &Value) {
    let Some(run) = document.get("run").filter(|run| is_service(run)) else { return };
    let ports: Vec<u64> =
        run.get("ports").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64).collect();
    for (index, port) in ports.iter().enumerate() {
        if ports[..index].contains(port) {
            checker.report(None, &format!("run.ports[{index}]"), format!("the port {port} is named twice"));
        }
    }
    let termination = document.get("termination");
    let field = |path: &[&str]| path.iter().try_fold(termination?, |value, name| value.get(name));
    let culls = field(&["culling", "timeout"]).and_then(Value::as_u64).is_some_and(|seconds| seconds > 0);
    let (http, exec) = (field(&["probe", "http"]), field(&["probe", "exec"]));
    if culls && http.is_none() && exec.is_none() {
        let message = "without `termination.probe` nobody can see whether the service is idle; give `http` or \
                       `exec`, or remove `culling`";
        checker.report(None, "termination.culling", message.to_owned());
    }
    if http.is_some() && exec.is_some() {
        checker.report(None, "termination.probe", "give either `http` or `exec`, not both".to_owned());
    }
    if http.is_some_and(|http| http.get("port").is_none()) && ports.is_empty() {
        let message = "required, since the service names no `ports`";
        checker.report(None, "termination.probe.http.port", message.to_owned());
    }
    if exec.is_some_and(|exec| exec.get("command").and_then(Value::as_array).is_none_or(Vec::is_empty)) {
        checker.report(None, "termination.probe.exec.command", "required, but not given".to_owned());
    }
}
