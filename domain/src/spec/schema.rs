//! The fields of a polyaxonfile, as tables: every model of Polyaxon 2.18 that a job or a service can have.
//!
//! Source: Polyaxon's models (`V1Polyaxonfile`, `V1Job`, `V1Service`, `V1Environment`, `V1Init`, `V1IO`, ...) and, for containers,
//! Kubernetes `core/v1`. A field that Polyaxon has and Berth doesn't yet is `Later`: refused by name.

use serde_json::Value;

use super::node::{Kind, Node};
use super::shape::Shape::{
    Any, Bool, Checked, Choice, Coerced, Dict, Either, Int, Later, List, Plain, Positive, Quantity, Range,
    Run, Slug, Text, Texts, Written,
};
use super::shape::{Checker, Object, Shape, join, one_of};
use crate::compile::routing;

/// The runtimes that are supported.
pub(crate) const SUPPORTED_KINDS: &[&str] = &["job", "service"];
/// The runtimes that Polyaxon has and Berth doesn't yet.
const LATER_KINDS: &[&str] = &[
    "dag",
    "daskcluster",
    "raycluster",
    "mpijob",
    "tfjob",
    "pytorchjob",
    "matrix",
    "schedule",
    "tuner",
    "watchdog",
    "notifier",
    "cleaner",
    "builder",
];

const UNSIGNED: Shape = Int { min: 0, max: i64::MAX };
/// Up to a hundred years, so that no sum with a time overflows.
const SECONDS: Shape = Int { min: 0, max: 3_153_600_000 };
const RETRIES: Shape = Int { min: 0, max: 1_000_000 };
const WHOLE: Shape = Int { min: i64::MIN, max: i64::MAX };
const PORT: Shape = Int { min: 1, max: 65_535 };
const TEXTS: Shape = List(&Coerced);
const DICT: Shape = Dict(&Any);
const LABELS: Shape = Dict(&Coerced);
const ANY_LIST: Shape = List(&Any);

type Fields = &'static [(&'static str, Shape)];

/// Fields of operations and components alike.
const SHARED: Fields = &[
    ("version", Any),
    ("name", Plain(&Slug(128))),
    ("description", Plain(&Text)),
    ("tags", Plain(&TEXTS)),
    ("presets", Plain(&TEXTS)),
    ("queue", Checked(routing::check_queues)),
    ("namespace", Checked(routing::check_namespace)),
    ("cache", Shape::Object(&CACHE)),
    ("termination", Shape::Object(&TERMINATION)),
    ("plugins", Shape::Object(&PLUGINS)),
    ("isApproved", Bool),
    ("cost", Positive),
    ("mount", List(&Either(&Shape::Object(&MOUNT), &Coerced))),
    ("strictParams", Plain(&Bool)),
    ("template", Shape::Object(&TEMPLATE)),
    ("build", Later),
    ("hooks", Later),
    ("schedule", Later),
    ("events", Later),
    ("matrix", Later),
    ("joins", Later),
    ("dependencies", Later),
    ("trigger", Later),
    ("conditions", Later),
    ("skipOnUpstreamSkip", Later),
];

/// What runs, and with what.
const DEFINITION: Fields = &[
    ("inputs", Plain(&List(&Shape::Object(&IO)))),
    ("outputs", Plain(&List(&Shape::Object(&IO)))),
    ("run", Run),
];

/// Shortcuts at the root, that are lowered onto `run`.
pub(crate) const SHORTCUTS: Fields = &[
    ("container", Shape::Object(&CONTAINER)),
    ("cmd", Texts),
    ("env", LABELS),
    ("resources", Dict(&Range)),
    ("environment", Shape::Object(&ENVIRONMENT)),
    ("init", List(&Shape::Object(&INIT))),
    ("connections", TEXTS),
    ("sidecars", List(&Shape::Object(&CONTAINER))),
    ("volumes", List(&Shape::Object(&VOLUME))),
    ("ports", List(&PORT)),
];

/// Berth's own fields at the root, that are lowered to annotations.
pub(crate) const SUGAR: Fields = &[
    ("priority", Int { min: 0, max: 9 }),
    ("queues", Either(&List(&Checked(routing::check_queues)), &Checked(routing::check_queues))),
    ("agentSelector", Either(&LABELS, &Checked(routing::check_selector))),
    ("onAgentLoss", Choice(ON_AGENT_LOSS)),
    ("retry", Either(&Shape::Object(&RETRY), &Checked(routing::check_retry))),
];

/// What may happen to a run whose agent is lost.
pub(crate) const ON_AGENT_LOSS: &[&str] = &["wait", "replace"];

const RETRY_COUNT: Shape = Int { min: 0, max: 1_000 };
const RETRY: Object = Object {
    fields: &[&[
        ("user", RETRY_COUNT),
        ("oom", RETRY_COUNT),
        ("timeout", RETRY_COUNT),
        ("image", RETRY_COUNT),
        ("config", RETRY_COUNT),
        ("evicted", RETRY_COUNT),
        ("preempted", RETRY_COUNT),
        ("node_lost", RETRY_COUNT),
        ("agent_lost", RETRY_COUNT),
    ]],
    required: &[],
    open: false,
};

/// Fields of operations only.
const OPERATION_ONLY: Fields = &[
    ("kind", Plain(&Choice(&["operation", "component"]))),
    ("params", Plain(&Dict(&Any))),
    ("runPatch", Written(&Shape::Object(&RUN_PATCH))),
    ("patchStrategy", Plain(&Choice(&["replace", "isnull", "post_merge", "pre_merge"]))),
    ("isPreset", Plain(&Bool)),
    ("component", Written(&Shape::Object(&COMPONENT))),
    ("hubRef", Later),
    ("dagRef", Later),
    ("urlRef", Later),
    ("pathRef", Later),
];

/// A whole document.
pub(crate) static OPERATION: Shape = Shape::Object(&Object {
    fields: &[SHARED, DEFINITION, SHORTCUTS, SUGAR, OPERATION_ONLY],
    required: &[],
    open: false,
});

const COMPONENT: Object = Object {
    fields: &[SHARED, DEFINITION, SHORTCUTS, SUGAR, &[("kind", Plain(&Choice(&["component"])))]],
    required: &[],
    open: false,
};

/// The sections that are checked again, without templates, once they are rendered.
pub(crate) static RENDERED: Shape =
    Shape::Object(&Object { fields: &[SHARED, &[("run", Run)]], required: &[], open: false });

/// One explicit param; any other mapping is a value.
pub(crate) static PARAM: Shape = Shape::Object(&Object {
    fields: &[&[
        ("value", Any),
        ("ref", Later),
        ("contextOnly", Bool),
        ("connection", Text),
        ("toInit", Bool),
        ("toEnv", Text),
    ]],
    required: &[],
    open: false,
});

const CACHE: Object = Object {
    fields: &[&[
        ("disable", Bool),
        ("ttl", SECONDS),
        ("io", TEXTS),
        ("sections", List(&Choice(&["containers", "init", "connections"]))),
    ]],
    required: &[],
    open: false,
};

const TERMINATION: Object = Object {
    fields: &[&[
        ("maxRetries", RETRIES),
        ("ttl", SECONDS),
        ("timeout", SECONDS),
        (
            "culling",
            Shape::Object(&Object { fields: &[&[("timeout", SECONDS)]], required: &[], open: false }),
        ),
        ("probe", Shape::Object(&PROBE)),
        ("podFailurePolicy", DICT),
    ]],
    required: &[],
    open: false,
};

const PROBE: Object = Object {
    fields: &[&[
        (
            "http",
            Shape::Object(&Object {
                fields: &[&[("path", Text), ("port", PORT)]],
                required: &[],
                open: false,
            }),
        ),
        ("exec", Shape::Object(&Object { fields: &[&[("command", TEXTS)]], required: &[], open: false })),
    ]],
    required: &[],
    open: false,
};

const PLUGINS: Object = Object {
    fields: &[&[
        ("auth", Bool),
        ("docker", Bool),
        ("shm", Bool),
        ("tmux", Bool),
        ("sandbox", Bool),
        ("ssh", Bool),
        ("mountArtifactsStore", Bool),
        ("collectArtifacts", Bool),
        ("collectLogs", Bool),
        ("collectResources", Bool),
        ("syncStatuses", Bool),
        ("autoResume", Bool),
        ("logLevel", Text),
        ("externalHost", Bool),
        ("sidecar", DICT),
        ("notifications", ANY_LIST),
    ]],
    required: &[],
    open: false,
};

const MOUNT: Object = Object { fields: &[&[("from", Text), ("to", Text)]], required: &["from"], open: false };

const TEMPLATE: Object = Object {
    fields: &[&[("enabled", Bool), ("description", Text), ("fields", TEXTS)]],
    required: &[],
    open: false,
};

const IO: Object = Object {
    fields: &[&[
        ("name", Slug(128)),
        ("description", Text),
        ("type", Text),
        ("isOptional", Bool),
        ("isList", Bool),
        ("isFlag", Bool),
        ("argFormat", Text),
        ("connection", Text),
        ("toInit", Bool),
        ("toEnv", Text),
        ("value", Any),
        ("validation", Shape::Object(&VALIDATION)),
        ("delayValidation", Bool),
        ("options", ANY_LIST),
    ]],
    required: &["name"],
    open: false,
};

const VALIDATION: Object = Object {
    fields: &[&[
        ("delay", Bool),
        ("gt", Any),
        ("ge", Any),
        ("lt", Any),
        ("le", Any),
        ("multipleOf", Any),
        ("minDigits", UNSIGNED),
        ("maxDigits", UNSIGNED),
        ("decimalPlaces", UNSIGNED),
        ("regex", Text),
        ("minLength", UNSIGNED),
        ("maxLength", UNSIGNED),
        ("contains", Any),
        ("excludes", Any),
        ("options", Any),
        ("minItems", UNSIGNED),
        ("maxItems", UNSIGNED),
        ("keys", Any),
        ("containsKeys", Any),
        ("excludesKeys", Any),
    ]],
    required: &[],
    open: false,
};

const JOB_FIELDS: Fields = &[
    ("environment", Shape::Object(&ENVIRONMENT)),
    ("connections", TEXTS),
    ("volumes", List(&Shape::Object(&VOLUME))),
    ("init", List(&Shape::Object(&INIT))),
    ("sidecars", List(&Shape::Object(&CONTAINER))),
    ("container", Shape::Object(&CONTAINER)),
];

/// What services have beside what jobs have.
pub(crate) const SERVICE_FIELDS: Fields = &[
    ("ports", List(&PORT)),
    ("rewritePath", Bool),
    ("isExternal", Bool),
    ("replicas", Int { min: 1, max: 1_000 }),
];

const JOB: Object = Object { fields: &[&[("kind", Any)], JOB_FIELDS], required: &[], open: false };
const SERVICE: Object =
    Object { fields: &[&[("kind", Any)], JOB_FIELDS, SERVICE_FIELDS], required: &[], open: false };
const RUN_PATCH: Object = Object {
    fields: &[&[("kind", Plain(&Choice(SUPPORTED_KINDS)))], JOB_FIELDS, SERVICE_FIELDS],
    required: &[],
    open: false,
};

const ENVIRONMENT: Object = Object {
    fields: &[&[
        ("labels", LABELS),
        ("annotations", LABELS),
        ("nodeSelector", LABELS),
        ("affinity", DICT),
        ("tolerations", List(&Shape::Object(&TOLERATION))),
        ("nodeName", Text),
        ("serviceAccountName", Text),
        ("hostAliases", ANY_LIST),
        ("securityContext", DICT),
        ("imagePullSecrets", TEXTS),
        ("hostNetwork", Bool),
        ("hostPID", Bool),
        ("dnsPolicy", Text),
        ("dnsConfig", DICT),
        ("schedulerName", Text),
        ("runtimeClassName", Text),
        ("priorityClassName", Text),
        ("priority", WHOLE),
        ("restartPolicy", Choice(&["Always", "OnFailure", "Never", "ExitCode"])),
    ]],
    required: &[],
    open: false,
};

const TOLERATION: Object = Object {
    fields: &[&[
        ("key", Text),
        ("operator", Choice(&["Exists", "Equal", "Lt", "Gt"])),
        ("value", Coerced),
        ("effect", Choice(&["NoSchedule", "PreferNoSchedule", "NoExecute"])),
        ("tolerationSeconds", WHOLE),
    ]],
    required: &[],
    open: false,
};

const VOLUME: Object = Object { fields: &[&[("name", Text)]], required: &["name"], open: true };

const CONTAINER: Object = Object {
    fields: &[&[
        ("name", Text),
        ("image", Text),
        ("imagePullPolicy", Choice(&["Always", "IfNotPresent", "Never"])),
        ("command", Texts),
        ("args", Texts),
        ("workingDir", Text),
        ("env", List(&Shape::Object(&ENV_VAR))),
        ("envFrom", List(&Shape::Object(&ENV_FROM))),
        ("ports", List(&Shape::Object(&CONTAINER_PORT))),
        ("resources", Shape::Object(&RESOURCES)),
        ("volumeMounts", List(&Shape::Object(&VOLUME_MOUNT))),
        ("volumeDevices", ANY_LIST),
        ("resizePolicy", ANY_LIST),
        ("restartPolicy", Text),
        ("livenessProbe", DICT),
        ("readinessProbe", DICT),
        ("startupProbe", DICT),
        ("lifecycle", DICT),
        ("terminationMessagePath", Text),
        ("terminationMessagePolicy", Text),
        ("securityContext", DICT),
        ("stdin", Bool),
        ("stdinOnce", Bool),
        ("tty", Bool),
    ]],
    required: &[],
    open: false,
};

const ENV_VAR: Object = Object {
    fields: &[&[("name", Text), ("value", Coerced), ("valueFrom", Shape::Object(&ENV_SOURCE))]],
    required: &["name"],
    open: false,
};

const ENV_SOURCE: Object = Object {
    fields: &[&[
        ("secretKeyRef", Shape::Object(&KEY_REF)),
        ("configMapKeyRef", Shape::Object(&KEY_REF)),
        ("fieldRef", DICT),
        ("resourceFieldRef", DICT),
    ]],
    required: &[],
    open: false,
};

const KEY_REF: Object = Object {
    fields: &[&[("name", Text), ("key", Text), ("optional", Bool)]],
    required: &["name", "key"],
    open: false,
};

const ENV_FROM: Object = Object {
    fields: &[&[
        ("prefix", Text),
        ("secretRef", Shape::Object(&NAME_REF)),
        ("configMapRef", Shape::Object(&NAME_REF)),
    ]],
    required: &[],
    open: false,
};

const NAME_REF: Object =
    Object { fields: &[&[("name", Text), ("optional", Bool)]], required: &["name"], open: false };

const CONTAINER_PORT: Object = Object {
    fields: &[&[
        ("name", Text),
        ("containerPort", PORT),
        ("hostPort", PORT),
        ("hostIP", Text),
        ("protocol", Choice(&["TCP", "UDP", "SCTP"])),
    ]],
    required: &["containerPort"],
    open: false,
};

const RESOURCES: Object = Object {
    fields: &[&[("requests", Dict(&Quantity)), ("limits", Dict(&Quantity)), ("claims", ANY_LIST)]],
    required: &[],
    open: false,
};

const VOLUME_MOUNT: Object = Object {
    fields: &[&[
        ("name", Text),
        ("mountPath", Text),
        ("subPath", Text),
        ("subPathExpr", Text),
        ("readOnly", Bool),
        ("recursiveReadOnly", Text),
        ("mountPropagation", Text),
    ]],
    required: &["name", "mountPath"],
    open: false,
};

const INIT: Object = Object {
    fields: &[&[
        (
            "artifacts",
            Shape::Object(&Object {
                fields: &[&[("files", ANY_LIST), ("dirs", ANY_LIST), ("workers", UNSIGNED)]],
                required: &[],
                open: false,
            }),
        ),
        ("paths", Either(&ANY_LIST, &Coerced)),
        (
            "git",
            Shape::Object(&Object {
                fields: &[&[("url", Text), ("revision", Coerced), ("flags", TEXTS)]],
                required: &[],
                open: false,
            }),
        ),
        ("dockerfile", Shape::Object(&DOCKERFILE)),
        (
            "file",
            Shape::Object(&Object {
                fields: &[&[("kind", Text), ("content", Text), ("filename", Text), ("chmod", Coerced)]],
                required: &["content"],
                open: false,
            }),
        ),
        (
            "tensorboard",
            Shape::Object(&Object {
                fields: &[&[
                    ("port", PORT),
                    ("uuids", TEXTS),
                    ("useNames", Bool),
                    ("pathPrefix", Text),
                    ("plugins", TEXTS),
                ]],
                required: &[],
                open: false,
            }),
        ),
        ("lineageRef", Text),
        ("modelRef", Text),
        ("artifactRef", Text),
        ("connection", Text),
        ("path", Text),
        ("container", Shape::Object(&CONTAINER)),
    ]],
    required: &[],
    open: false,
};

const DOCKERFILE: Object = Object {
    fields: &[&[
        ("image", Text),
        ("env", Any),
        ("path", TEXTS),
        ("copy", ANY_LIST),
        ("postRunCopy", ANY_LIST),
        ("run", TEXTS),
        ("langEnv", Text),
        ("uid", UNSIGNED),
        ("gid", UNSIGNED),
        ("username", Text),
        ("filename", Text),
        ("workdir", Text),
        ("workdirPath", Text),
        ("shell", Text),
    ]],
    required: &["image"],
    open: false,
};

/// Checks a runtime by what its `kind` says.
pub(crate) fn check_run(checker: &mut Checker, node: &Node, path: &str) -> Value {
    let Kind::Map(entries) = &node.kind else {
        checker.report(node.at, path, format!("expected a mapping, found {}", node.describe()));
        return Value::Null;
    };
    let field = join(path, "kind");
    let supported = SUPPORTED_KINDS.join(", ");
    let Some(kind) = node.get("kind") else {
        checker.report(node.at, &field, format!("required, but not given; supported: {supported}"));
        return Value::Null;
    };
    match kind.text() {
        Some("service") => checker.object(node, entries, &SERVICE, path),
        Some("job") => {
            let misplaced = entries.iter().find(|entry| {
                entry.value.kind != Kind::Null && SERVICE_FIELDS.iter().any(|(name, _)| *name == entry.key)
            });
            if let Some(entry) = misplaced {
                let name = &entry.key;
                let message = format!("`{name}` belongs to `kind: service`, and this is `kind: job`");
                checker.report(entry.at, &join(path, name), message);
                return Value::Null;
            }
            checker.object(node, entries, &JOB, path)
        }
        Some(name) if LATER_KINDS.contains(&name) => {
            let message = format!("`run.kind: {name}` is not supported yet; supported: {supported}");
            checker.report(kind.at, &field, message);
            Value::Null
        }
        _ => {
            let message = format!("expected {}, found {}", one_of(SUPPORTED_KINDS), kind.describe());
            checker.report(kind.at, &field, message);
            Value::Null
        }
    }
}
