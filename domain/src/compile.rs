//! From an operation as authored to one that can be executed: component, operation and `runPatch` merged, params
//! resolved and checked, templates rendered, limits held, routing and resources read out.
//!
//! Order, as in Polyaxon: params, then everything else. File presets are laid over the operation before
//! ([`crate::spec::apply_preset`]), defaults of agents and queues under it ([`compile_over`]). What only the agent or a running run knows (`globals.store_path`, `started_at`,
//! `connections.*`, ...) renders empty and leaves a warning, like every other undefined name.
//! The result is deterministic in its arguments.

mod globals;
mod guard;
mod layers;
mod operation;
mod origins;
mod params;
mod render;
mod resources;
pub(crate) mod routing;
mod run;
mod service;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::feature::Features;
use crate::redact;
use crate::spec::{
    self, Checker, Component, Io, Limits, Node, Operation, RENDERED, SpecError, SpecErrors, join, shown,
};
use crate::time::Time;

pub use layers::Layer;
pub use operation::{
    Cache, CompiledKind, CompiledOperation, Culling, ExecProbe, HttpProbe, Probe, Termination,
};
pub use origins::{Origin, Origins};
pub use resources::{Resources, resources_of};
pub use routing::{OnAgentLoss, Routing, UnknownOnAgentLoss};
pub use run::{
    Container, ContainerPort, EnvFrom, EnvVar, EnvVarSource, Environment, Init, KeyRef, NameRef,
    ResourceRequirements, Runtime, RuntimeKind, Service, Toleration, Volume, VolumeMount,
};

use params::Resolved;
use render::Renderer;
pub(crate) use render::python_number;

/// What is wrong with an operation that is well-formed, but can't be compiled. Paths are those of the compiled form.
pub type CompileErrors = SpecErrors;

/// What templates may know of the run: `globals.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The run's id.
    pub uuid: Uuid,
    /// The run's name, where the request gave one that takes the place of the file's.
    pub name: Option<String>,
    /// Its organization.
    pub owner: String,
    /// Its project.
    pub project: String,
    /// The project's id.
    pub project_uuid: Uuid,
    /// Who submitted it.
    pub username: String,
    /// Their address.
    pub user_email: String,
    /// The namespace that it will run in, if the operation names none.
    pub namespace: String,
    /// When it was submitted.
    pub created_at: Time,
    /// When it is compiled.
    pub compiled_at: Time,
    /// When it is due, if later.
    pub schedule_at: Option<Time>,
    /// Its number in a search.
    pub iteration: Option<u32>,
    /// `copy`, `restart` or `cache`, if it was made from another.
    pub cloning_kind: Option<String>,
    /// The run that it was made from.
    pub original_uuid: Option<Uuid>,
    /// Whether it is part of no pipeline.
    pub is_independent: bool,
}

impl Default for Context {
    /// Of nothing in particular: for a check of a file that no run is made of yet.
    fn default() -> Self {
        Self {
            uuid: Uuid::nil(),
            name: None,
            owner: crate::name::DEFAULT.to_owned(),
            project: crate::name::DEFAULT.to_owned(),
            project_uuid: Uuid::nil(),
            username: String::new(),
            user_email: String::new(),
            namespace: crate::name::DEFAULT.to_owned(),
            created_at: Time::from_micros(0),
            compiled_at: Time::from_micros(0),
            schedule_at: None,
            iteration: None,
            cloning_kind: None,
            original_uuid: None,
            is_independent: true,
        }
    }
}

/// An operation that can be executed, and what was read out of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// What the agent receives.
    pub operation: CompiledOperation,
    /// What a condition of type `warning` should say: undefined names in templates, annotations that mean nothing.
    pub warnings: Vec<String>,
    /// Where it may run, and how urgent it is.
    pub routing: Routing,
    /// The values of its inputs, by name.
    pub inputs: Map<String, Value>,
    /// What its containers ask for together.
    pub resources: Resources,
    /// What its executor must be able to do.
    pub needs: Features,
    /// The Kubernetes secrets that it refers to; values never pass through here.
    pub secret_names: BTreeSet<String>,
}

/// Compiles an operation.
///
/// # Errors
/// Every mistake that was found, with its path: params that are missing, unknown or of the wrong type, templates that
/// can't be rendered, values that don't fit their fields once rendered, limits that are exceeded.
pub fn compile(op: &Operation, context: &Context, limits: &Limits) -> Result<Compiled, CompileErrors> {
    compile_traced(op, &[], context, limits, false).map(|(compiled, _)| compiled)
}

/// The same over layers, the lowest first, and with the origin of each field.
///
/// # Errors
/// As [`compile`].
pub fn compile_over(
    layers: &[Layer],
    op: &Operation,
    context: &Context,
    limits: &Limits,
) -> Result<(Compiled, Origins), CompileErrors> {
    compile_traced(op, layers, context, limits, true)
}

fn compile_traced(
    op: &Operation,
    layers: &[Layer],
    context: &Context,
    limits: &Limits,
    traced: bool,
) -> Result<(Compiled, Origins), CompileErrors> {
    let Some(component) = op.component.as_ref().filter(|_| !op.is_preset) else {
        return Err(SpecErrors::one(
            "isPreset",
            "a preset can't be run itself; give an operation and lay it over",
        ));
    };
    let layers::Merged { mut document, mut origins } = layers::merge(layers, component, op, traced)?;
    if document.get("template").and_then(|template| template.get("enabled")) == Some(&Value::Bool(true)) {
        let message = "a template can't be run: make a copy without `template.enabled: true`";
        return Err(SpecErrors::one("template.enabled", message));
    }
    document.remove("template");

    let name = context.name.clone().or_else(|| op.name().map(str::to_owned));
    let mut globals = globals::globals(context, name.as_deref());
    let mut renderer = Renderer::new(globals.clone(), limits);
    let resolved = params::resolve(op, component, document.get("strictParams"), &mut renderer)?;
    let of_service = service::globals(&mut document, context, &mut renderer)?;
    if !of_service.is_empty() {
        globals.extend(of_service);
        renderer.define_watched("globals", globals);
    }
    render_document(&mut document, &mut renderer)?;
    let before = origins.is_some().then(|| Value::Object(document.clone()));
    if let Some(Value::Object(run)) = document.get_mut("run") {
        params::lay_into_run(run, &resolved);
    }
    if let (Some(tree), Some(before)) = (&mut origins, before) {
        *tree = tree.after(&before, &Value::Object(document.clone()), &Origin::Param);
    }

    let mut errors = Checker::new(false);
    let checked = errors.check(&Node::from_map(&document), &RENDERED, "");
    check_run(&mut errors, &checked, limits);
    service::check(&mut errors, &checked);
    if !errors.errors.is_empty() {
        return Err(SpecErrors(errors.errors));
    }
    let Value::Object(mut checked) = checked else {
        return Err(SpecErrors::one("", "expected an operation (a mapping)"));
    };
    if let Some(name) = name {
        checked.insert("name".to_owned(), json!(name));
    }
    lay_inputs(&mut checked, component, &resolved);
    let mut operation: CompiledOperation = serde_json::from_value(Value::Object(checked))
        .map_err(|error| SpecErrors::one("", error.to_string()))?;
    if let Some(termination) = &mut operation.termination {
        // As in Polyaxon, a time-out of nothing is no time-out.
        termination.timeout = termination.timeout.filter(|seconds| *seconds > 0);
    }

    let mut warnings = renderer.into_warnings();
    let routing = routing::read(&operation, &mut warnings)?;
    let bytes = serde_json::to_vec(&operation).map_err(|error| SpecErrors::one("", error.to_string()))?.len();
    if bytes > limits.max_compiled_bytes {
        return Err(too_large(bytes, limits));
    }
    let origins = match (origins, serde_json::to_value(&operation)) {
        (Some(tree), Ok(Value::Object(document))) => tree.flat(&document),
        _ => Origins::new(),
    };
    let compiled = Compiled {
        resources: resources_of(&operation)?,
        secret_names: operation.run.secret_names(),
        inputs: input_values(component, &resolved),
        needs: crate::feature::needs(&operation),
        operation,
        warnings,
        routing,
    };
    Ok((compiled, origins))
}

fn too_large(bytes: usize, limits: &Limits) -> SpecErrors {
    let most = limits.max_compiled_bytes;
    SpecErrors::one("", format!("the compiled operation has {bytes} bytes; allowed are at most {most}"))
}

/// Renders what may hold templates. Names, tags and descriptions never do.
fn render_document(document: &mut Map<String, Value>, renderer: &mut Renderer) -> Result<(), SpecErrors> {
    let rendered =
        ["queue", "namespace", "cache", "termination", "plugins", "isApproved", "cost", "mount", "run"];
    let mut errors = Vec::new();
    for field in rendered {
        if let Some(value) = document.get_mut(field) {
            renderer.render_tree(value, field, &mut errors)?;
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(SpecErrors(errors)) }
}

/// What the tables can't say of a rendered run.
fn check_run(checker: &mut Checker, document: &Value, limits: &Limits) {
    let Some(run) = document.get("run").filter(|run| run.is_object()) else { return };
    if run.get("container").is_none() {
        checker.report(None, "run.container", "required, but not given".to_owned());
    }
    let mut count = 0;
    let mut check = |container: &Value, path: &str| {
        for (index, var) in container.get("env").and_then(Value::as_array).into_iter().flatten().enumerate() {
            count += 1;
            let name = var.get("name").and_then(Value::as_str).unwrap_or_default();
            let value = var.get("value").and_then(Value::as_str).unwrap_or_default();
            let field = join(path, &format!("env[{index}]"));
            if name.is_empty() || name.contains(['=', '\0']) {
                let message = format!(
                    "the name of an environment variable can't be empty or contain `=`, found \"{}\"",
                    shown(name)
                );
                checker.report(None, &join(&field, "name"), message);
            }
            if value.contains('\0') {
                let message = "the value of an environment variable can't contain a zero byte".to_owned();
                checker.report(None, &join(&field, "value"), message);
            }
            if var.get("value").is_some() && var.get("valueFrom").is_some() {
                checker.report(None, &field, "give either `value` or `valueFrom`, not both".to_owned());
            }
        }
    };
    if let Some(container) = run.get("container") {
        check(container, "run.container");
    }
    for (index, sidecar) in run.get("sidecars").and_then(Value::as_array).into_iter().flatten().enumerate() {
        check(sidecar, &format!("run.sidecars[{index}]"));
    }
    for (index, init) in run.get("init").and_then(Value::as_array).into_iter().flatten().enumerate() {
        if let Some(container) = init.get("container") {
            check(container, &format!("run.init[{index}].container"));
        }
    }
    if count > limits.max_env_vars {
        let most = limits.max_env_vars;
        checker.errors.insert(
            0,
            SpecError::new(
                "run.container.env",
                format!("the run has {count} environment variables; allowed are at most {most}"),
            ),
        );
        checker.errors.truncate(spec::MAX_ERRORS);
    }
}

/// Writes the inputs down with their values, as Polyaxon does.
fn lay_inputs(document: &mut Map<String, Value>, component: &Component, resolved: &[Resolved]) {
    let with_value = |io: &Io| {
        let value = resolved.iter().find(|param| param.name == io.name).map(|param| param.value.clone());
        let value = value.filter(|value| !value.is_null());
        json!(Io { value, ..io.clone() })
    };
    let lists = [("inputs", &component.inputs), ("outputs", &component.outputs)];
    for (field, list) in lists {
        if !list.is_empty() {
            document.insert(field.to_owned(), list.iter().map(with_value).collect());
        }
    }
    let contexts: Vec<Value> = resolved
        .iter()
        .filter(|param| param.is_context)
        .map(|param| {
            json!(Io { name: param.name.clone(), value: Some(param.value.clone()), ..Io::default() })
        })
        .collect();
    if !contexts.is_empty() {
        document.insert("contexts".to_owned(), Value::Array(contexts));
    }
}

fn input_values(component: &Component, resolved: &[Resolved]) -> Map<String, Value> {
    component
        .inputs
        .iter()
        .filter_map(|io| resolved.iter().find(|param| param.name == io.name))
        .filter(|param| !param.value.is_null())
        .map(|param| (param.name.clone(), param.value.clone()))
        .collect()
}

impl Compiled {
    /// The compiled operation as JSON, with everything secret masked: for answers, logs and the audit.
    #[must_use]
    pub fn redacted(&self) -> Value {
        let mut document = json!(self.operation);
        redact::redact(&mut document);
        document
    }
}
