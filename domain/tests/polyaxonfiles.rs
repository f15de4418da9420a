//! Every polyaxonfile of the reference and of `examples/`: it compiles, or is refused by the right name.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};

use berth_domain::compile::{Compiled, Context, compile};
use berth_domain::spec::{Format, Limits, Operation, apply_preset, parse};

fn read(folder: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn reference(name: &str) -> String {
    read("tests/polyaxonfiles", name)
}

fn parsed(text: &str) -> Operation {
    parse(text, Format::Auto, &Limits::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn compiled(op: &Operation) -> Compiled {
    compile(op, &Context::default(), &Limits::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn refusal(text: &str) -> String {
    parse(text, Format::Auto, &Limits::default()).unwrap_err().to_string()
}

#[test]
fn the_reference_files_of_other_kinds_are_refused_by_name() {
    for (file, expected) in [
        (
            "dag.yaml",
            "line 5, column 9: run.kind: `run.kind: dag` is not supported yet; supported: job, service",
        ),
        (
            "torch.yaml",
            "line 4, column 9: run.kind: `run.kind: pytorchjob` is not supported yet; supported: job, service",
        ),
        ("grid.yaml", "line 3, column 1: matrix: `matrix` is not supported yet"),
        ("cron.yaml", "line 4, column 1: schedule: `schedule` is not supported yet"),
        ("job.yaml", "line 64, column 1: hooks: `hooks` is not supported yet"),
    ] {
        assert_eq!(refusal(&reference(file)), expected, "{file}");
    }
}

#[test]
fn the_reference_files_with_mistakes_are_refused_with_their_place() {
    assert!(
        refusal(&reference("bad.yaml"))
            .starts_with("line 2, column 1: foo: unknown field `foo`; allowed are")
    );
    assert!(refusal(&reference("flat.yaml")).starts_with("line 1, column 1: image: unknown field `image`; "));
}

#[test]
fn the_reference_job_compiles_without_its_hooks() {
    let text = reference("job.yaml");
    let (job, _) = text.split_once("hooks:").unwrap();
    let compiled = compiled(&parsed(job));
    let run = &compiled.operation.run;
    assert_eq!(
        run.container.args,
        ["--lr=0.01", "--epochs=3", "--out=/plx-context/artifacts/00000000000000000000000000000000/outputs"]
    );
    assert_eq!(run.container.working_dir.as_deref(), Some("/plx-context/artifacts"));
    assert!(run.container.env.iter().any(|var| var.name == "LR" && var.value.as_deref() == Some("0.01")));
    let environment = run.environment.as_ref().unwrap();
    assert_eq!(environment.node_selector["pool"], "gpu");
    assert_eq!(environment.node_selector["kubernetes.io/arch"], "amd64");
    assert_eq!(compiled.resources.cpu, 2.0);
    assert_eq!(compiled.resources.memory, 4.0 * 1024.0 * 1024.0 * 1024.0);
    assert_eq!(compiled.resources.gpu, 1.0);
    assert_eq!(compiled.resources.cost, 0.5);
    assert_eq!(compiled.routing.queues[0].to_string(), "agent-eu/gpu-queue");
    assert_eq!(compiled.routing.namespace.as_ref().unwrap().as_str(), "ml-team-a");
    assert_eq!(compiled.operation.termination.as_ref().unwrap().max_retries, Some(2));
    assert_eq!(compiled.secret_names.iter().collect::<Vec<_>>(), ["regcred"]);
    assert_eq!(compiled.warnings, Vec::<String>::new());
}

#[test]
fn the_reference_preset_lies_over_a_job() {
    let text = reference("job.yaml");
    let (job, _) = text.split_once("hooks:").unwrap();
    let merged = apply_preset(parsed(job), &parsed(&reference("preset.yaml"))).unwrap();
    let compiled = compiled(&merged);
    assert_eq!(compiled.operation.cost, Some(0.016));
    assert_eq!(compiled.operation.termination.as_ref().unwrap().timeout, Some(14400));
    assert_eq!(compiled.operation.termination.as_ref().unwrap().max_retries, Some(2));
    let tolerations = &compiled.operation.run.environment.as_ref().unwrap().tolerations;
    assert_eq!(
        tolerations.iter().map(|t| t.key.as_deref().unwrap()).collect::<Vec<_>>(),
        ["nvidia.com/gpu", "gpu"]
    );
    let limits = &compiled.operation.run.container.resources.as_ref().unwrap().limits;
    assert_eq!(limits["nvidia.com/gpu"].to_string(), "4");
    assert_eq!(limits["memory"].to_string(), "8Gi");
}

#[test]
fn the_reference_flat_form_is_lowered_as_polyaxon_lowers_it() {
    let compiled = compiled(&parsed(&reference("short.yaml")));
    let container = serde_json::to_value(&compiled.operation.run.container).unwrap();
    assert_eq!(
        container,
        serde_json::json!({
            "image": "busybox",
            "command": ["/bin/sh", "-c"],
            "args": ["set -e\necho hi\necho bye"],
            "env": [{"name": "A", "value": "1"}],
            "resources": {
                "requests": {"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": "1"},
                "limits": {"cpu": "1", "nvidia.com/gpu": "1"},
            },
        })
    );
    assert_eq!(compiled.operation.name.as_deref(), Some("hello"));
}

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

#[test]
fn every_example_compiles_without_a_warning_and_needs_no_image() {
    assert!(examples().len() >= 8);
    for path in examples() {
        let op = parsed(&std::fs::read_to_string(&path).unwrap());
        if op.is_preset {
            continue;
        }
        let compiled = compiled(&op);
        assert_eq!(compiled.warnings, Vec::<String>::new(), "{}", path.display());
        let run = &compiled.operation.run;
        assert!(!run.container.command.is_empty(), "{}", path.display());
        assert!(
            run.init.is_empty() && run.sidecars.is_empty() && run.volumes.is_empty(),
            "{}",
            path.display()
        );
        assert!(
            run.container.ports.is_empty() && run.container.volume_mounts.is_empty(),
            "{}",
            path.display()
        );
    }
}

#[test]
fn the_preset_example_lies_over_its_job() {
    let job = parsed(&read("../examples", "preset-job.yaml"));
    let merged = apply_preset(job, &parsed(&read("../examples", "preset-patient.yaml"))).unwrap();
    let compiled = compiled(&merged);
    assert_eq!(compiled.operation.termination.unwrap().timeout, Some(600));
    assert_eq!(compiled.operation.run.container.env[0].value.as_deref(), Some("patient"));
}

#[test]
fn the_params_example_passes_its_arguments() {
    let compiled = compiled(&parsed(&read("../examples", "params.yaml")));
    let args = &compiled.operation.run.container.args;
    assert_eq!(args[1..], ["train", "--lr=0.01", "--epochs=3", "--layers=[64,32]", "--optimizer=adam"]);
    assert!(args[0].contains("echo \"hello: "), "{}", args[0]);
    assert_eq!(compiled.inputs["lr"], 0.01);
}

/// What the main container of an example does here, as the process executor starts it.
fn executed(file: &str) -> (Option<i32>, String) {
    let operation = compiled(&parsed(&read("../examples", file))).operation;
    let container = operation.run.container;
    let mut command = std::process::Command::new(&container.command[0]);
    command.args(&container.command[1..]).args(&container.args);
    command.envs(container.env.iter().filter_map(|var| Some((&var.name, var.value.as_ref()?))));
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", container.command[0]));
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_examples_run_as_they_stand() {
    let (code, output) = executed("quickstart.yaml");
    assert_eq!((code, output.lines().count()), (Some(0), 7), "{output}");
    assert!(output.starts_with("hello from quickstart, run "), "{output}");
    let (code, output) = executed("params.yaml");
    assert_eq!(code, Some(0));
    assert_eq!(
        output,
        "hello: train --lr=0.01 --epochs=3 --layers=[64,32] --optimizer=adam\nlayers: [64,32], optimizer adam\n3 epochs of the same\n"
    );
    assert_eq!(executed("flat.yaml"), (Some(0), "hello world\nbye\n".to_owned()));
    assert_eq!(executed("priority.yaml"), (Some(0), "urgent work\n".to_owned()));
    assert_eq!(executed("preset-job.yaml"), (Some(0), "mode is unset\n".to_owned()));
}
