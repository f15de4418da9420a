//! Every setting, once: its key, flag, variable, default and what it is for. How a value is read is not here.
//!
//! The variable is always `BERTH_` and the key in capitals, and the key in the YAML file is the key itself. A
//! secret may also be given as a file: `--<flag>-file`, `BERTH_<KEY>_FILE`, `<key>_file:`.

/// What of the program a setting is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Commands that speak to a server: `run`, `ops`, `queues`, ...
    Client,
    /// `berth up`.
    Up,
    /// `berth api`.
    Api,
    /// `berth scheduler`.
    Scheduler,
    /// `berth agent`.
    Agent,
    /// `berth admin`.
    Admin,
    /// `berth broker`.
    Broker,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Client, Self::Up, Self::Api, Self::Scheduler, Self::Agent, Self::Admin, Self::Broker];

    /// The name that `berth config show` takes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Up => "up",
            Self::Api => "api",
            Self::Scheduler => "scheduler",
            Self::Agent => "agent",
            Self::Admin => "admin",
            Self::Broker => "broker",
        }
    }
}

/// What holds where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// Nothing: the setting is needed, or its absence means something.
    None,
    /// This text.
    Text(&'static str),
    /// Made of other settings or of the system; the text says how.
    Derived(&'static str),
    /// A text for each part.
    PerPart(&'static [(Part, &'static str)]),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its key in the YAML file; `BERTH_` and the key in capitals is its variable.
    pub key: &'static str,
    /// Its flag, without the dashes.
    pub flag: &'static str,
    /// Its one-letter flag.
    pub short: Option<char>,
    /// What stands for its value in help.
    pub value_name: &'static str,
    /// What holds where nothing is said.
    pub default: DefaultValue,
    /// Whether its value must not be shown.
    pub secret: bool,
    /// Whether its flag may be repeated; the values are joined by commas.
    pub many: bool,
    /// Variables that others have for the same: they hold where its own says nothing, the first before the second.
    pub standard: &'static [&'static str],
    /// What it is for.
    pub parts: &'static [Part],
    /// A sentence for help and documentation, without a final stop.
    pub help: &'static str,
}

impl Setting {
    /// The setting with this key.
    #[must_use]
    pub fn by_key(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// The settings of a part, in the table's order.
    pub fn of(part: Part) -> impl Iterator<Item = &'static Self> {
        SETTINGS.iter().filter(move |setting| setting.parts.contains(&part))
    }

    /// The name of its variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("BERTH_{}", self.key.to_ascii_uppercase())
    }

    /// The default text for a part, if it is a plain text.
    #[must_use]
    pub fn default_for(&self, part: Part) -> Option<&'static str> {
        match self.default {
            Text(text) => Some(text),
            PerPart(texts) => texts.iter().find(|(of, _)| *of == part).map(|(_, text)| *text),
            Needed | Derived(_) => None,
        }
    }
}

use DefaultValue::{Derived, None as Needed, PerPart, Text};
use Part::{Admin, Agent, Api, Broker, Client, Scheduler, Up};

/// The one variable of an endpoint that is taken as it is.
pub(super) const OTLP_TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

const SERVICES: &[Part] = &[Up, Api, Scheduler, Agent];

const fn plain(
    key: &'static str,
    flag: &'static str,
    value_name: &'static str,
    default: DefaultValue,
    parts: &'static [Part],
    help: &'static str,
) -> Setting {
    Setting {
        key,
        flag,
        short: None,
        value_name,
        default,
        secret: false,
        many: false,
        standard: &[],
        parts,
        help,
    }
}

const fn secret(mut setting: Setting) -> Setting {
    setting.secret = true;
    setting
}

const fn standard(variables: &'static [&'static str], mut setting: Setting) -> Setting {
    setting.standard = variables;
    setting
}

const fn short(letter: char, mut setting: Setting) -> Setting {
    setting.short = Some(letter);
    setting
}

const fn many(mut setting: Setting) -> Setting {
    setting.many = true;
    setting
}

/// The table, in the order in which help and documentation show it.
pub const SETTINGS: &[Setting] = &[
    // the command line's own
    plain(
        "host",
        "host",
        "URL",
        Text("http://127.0.0.1:8000"),
        &[Client],
        "The server that commands speak to",
    ),
    secret(plain(
        "token",
        "token",
        "TOKEN",
        Derived("what `berth login` keeps for the host"),
        &[Client],
        "The access token that commands send",
    )),
    plain("owner", "owner", "NAME", Text("default"), &[Client], "The organization that commands are about"),
    short(
        'p',
        plain(
            "project",
            "project",
            "NAME",
            Text("default"),
            &[Client],
            "The project that commands are about",
        ),
    ),
    short(
        'o',
        plain(
            "output",
            "output",
            "FORMAT",
            Text("table"),
            &[Client],
            "How answers are written: table, json, yaml or name",
        ),
    ),
    // where things are
    plain(
        "listen",
        "listen",
        "HOST:PORT",
        Text("127.0.0.1:8000"),
        &[Up, Api],
        "The address that the API is served on",
    ),
    plain(
        "metrics_listen",
        "metrics-listen",
        "HOST:PORT",
        PerPart(&[(Scheduler, "127.0.0.1:8001"), (Agent, "127.0.0.1:8002")]),
        &[Api, Scheduler, Agent],
        "The address that /metrics, /healthz and /readyz are served on without a token; the API has them on its \
         own address too, and this one only if it is given",
    ),
    plain(
        "external_metrics_listen",
        "external-metrics-listen",
        "HOST:PORT",
        Derived("they are not served"),
        &[Api, Agent],
        "The address that external.metrics.k8s.io is served on, by TLS, for autoscalers of a Kubernetes cluster; an agent \
         serves its own queues",
    ),
    plain(
        "external_metrics_cert_file",
        "external-metrics-cert-file",
        "FILE",
        Derived("none"),
        &[Api, Agent],
        "PEM: the certificate that is shown there; a file that is replaced is read again",
    ),
    plain(
        "external_metrics_key_file",
        "external-metrics-key-file",
        "FILE",
        Derived("none"),
        &[Api, Agent],
        "PEM: the key of `external_metrics_cert_file`",
    ),
    plain(
        "data_dir",
        "data-dir",
        "DIR",
        Derived("`berth` in the XDG data folder"),
        &[Up, Agent],
        "Where the database of `berth up` and the working directories of processes are",
    ),
    secret(plain(
        "database_url",
        "database-url",
        "URL",
        PerPart(&[(Up, "sqlite:<data_dir>/berth.db")]),
        &[Up, Api, Scheduler, Admin, Broker],
        "The database: sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE; SQLite serves one process. `berth \
         broker` can do without, and knows the agents then that --for names",
    )),
    secret(plain(
        "broker_url",
        "broker-url",
        "URL",
        PerPart(&[(Up, "memory:")]),
        &[Up, Api, Scheduler, Agent, Broker],
        "The broker: amqp(s)://USER:PASSWORD@HOST/VHOST, redis(s)://USER:PASSWORD@HOST/DB, \
         redis(s)+sentinel://USER:PASSWORD@HOST,HOST/DB?service=NAME, or memory: inside `berth up`",
    )),
    plain(
        "broker_ca_file",
        "broker-ca-file",
        "FILE",
        Derived("the system's authorities"),
        &[Up, Api, Scheduler, Agent, Broker],
        "PEM: the authorities that sign the broker's certificate, for amqps://, rediss:// and the management API",
    ),
    plain(
        "broker_cert_file",
        "broker-cert-file",
        "FILE",
        Derived("none is shown"),
        &[Up, Api, Scheduler, Agent, Broker],
        "PEM: the certificate that is shown to the broker; `broker_key_file` has its key",
    ),
    plain(
        "broker_key_file",
        "broker-key-file",
        "FILE",
        Derived("none"),
        &[Up, Api, Scheduler, Agent, Broker],
        "PEM: the key of `broker_cert_file`",
    ),
    plain(
        "broker_prefix",
        "broker-prefix",
        "PREFIX",
        Text("berth"),
        &[Up, Api, Scheduler, Agent, Broker],
        "The first part of every name on the broker; all roles must agree on it",
    ),
    plain(
        "broker_queue_type",
        "broker-queue-type",
        "TYPE",
        Text("quorum"),
        &[Up, Api, Scheduler, Agent, Broker],
        "The type of RabbitMQ's run queues: quorum or classic",
    ),
    plain(
        "broker_queue_limit_mib",
        "broker-queue-limit-mib",
        "MIB",
        Derived("no policy"),
        &[Broker],
        "RabbitMQ: a policy by which none of the queues under the prefix holds more than so many MiB of messages; \
         whoever publishes more is refused, and tries again",
    ),
    secret(plain(
        "broker_management_url",
        "broker-management-url",
        "URL",
        Derived("the broker's host and credentials, port 15672, or 15671 for amqps"),
        &[Up, Api, Scheduler, Broker],
        "RabbitMQ's management API: http(s)://[USER:PASSWORD@]HOST[:PORT], or off. It counts un-acked messages, lists \
         what is on the broker, and makes users and policies; everything else does without it",
    )),
    plain(
        "broker_visibility_seconds",
        "broker-visibility-seconds",
        "SECONDS",
        Text("30"),
        &[Up, Api, Scheduler, Agent, Broker],
        "Redis: what a consumer held and did not refresh for so long is delivered again",
    ),
    // Celery's tools
    plain(
        "celery_control",
        "celery-control",
        "MODE",
        Text("inspect"),
        &[Up, Scheduler],
        "What `celery inspect`, `celery control` and Flower may do: off, inspect, or all, which allows changes to \
         the principals",
    ),
    many(plain(
        "celery_principals",
        "celery-principal",
        "NAMESPACE",
        Text("celery"),
        &[Up, Scheduler],
        "A namespace (Celery's control_exchange) whose commands may change something under `all`; the broker's \
         rights say who may write to it; as a variable, a comma list",
    )),
    plain(
        "celery_events",
        "celery-events",
        "WHEN",
        Text("on-demand"),
        &[Up, Scheduler],
        "When events of runs are sent to Celery's monitors: off (no heartbeats either), on-demand (from \
         `celery control enable_events` on, as Flower asks for them), or always",
    ),
    many(plain(
        "celery_submitters",
        "celery-submitter",
        "ACCOUNT[=ORGANIZATION]",
        Derived("nobody"),
        &[Up, Scheduler, Broker],
        "An account whose tasks `berth.submit` on the queue berth.submit.ACCOUNT become runs of its organization \
         (default: default); as a variable, a comma list",
    )),
    plain(
        "celery_key_prefix",
        "celery-key-prefix",
        "PREFIX",
        Derived("none"),
        &[Up, Scheduler],
        "Redis: what stands before Celery's own keys and channels, and before the queues of callers, where its tools have \
         the transport option global_keyprefix",
    ),
    secret(plain(
        "celery_result_url",
        "celery-result-url",
        "URL",
        Derived("the broker, if it is Redis"),
        &[Up, Scheduler],
        "The Redis on which results of submitted tasks are stored for AsyncResult: redis(s)://...; with RabbitMQ, \
         rpc:// needs none",
    )),
    // access
    plain(
        "bootstrap_token_file",
        "bootstrap-token-file",
        "FILE",
        Derived("no token is made"),
        &[Api],
        "A file whose text becomes the first access token, if there is none yet",
    ),
    // the agent
    plain("agent_name", "name", "NAME", Needed, &[Agent], "The agent that this process is a replica of"),
    plain(
        "executor",
        "executor",
        "KIND",
        Text("process"),
        &[Up, Agent],
        "What runs are started with: process or kubernetes",
    ),
    many(plain(
        "namespaces",
        "namespace",
        "NAME",
        Derived("the pod's own, or the kubeconfig's"),
        &[Up, Agent],
        "A namespace that runs may be started in; the first holds where a run names none; as a variable, a comma list",
    )),
    plain(
        "kubeconfig",
        "kubeconfig",
        "FILE",
        Derived("the service account of the pod; KUBECONFIG or ~/.kube/config outside of one"),
        &[Up, Api, Agent],
        "The kubeconfig file by which the API server is found; the API needs it for external metrics only",
    ),
    plain(
        "connections",
        "connections",
        "FILE",
        Derived("none"),
        &[Up, Agent],
        "A YAML file with the connections that runs may name, and with the artifacts store: `connections:` and \
         `artifactsStore:` as Polyaxon's agents have them",
    ),
    plain(
        "helper_image",
        "helper-image",
        "IMAGE",
        Derived("runs that need it are refused"),
        &[Up, Agent],
        "Berth's own image, of which the containers are made that fetch files before a run and collect its outputs",
    ),
    plain(
        "pod_keep_minutes",
        "pod-keep-minutes",
        "MINUTES",
        Text("60"),
        &[Up, Agent],
        "How long a pod and its log are kept after its end was taken in, where `termination.ttl` doesn't say",
    ),
    plain(
        "kubernetes_request_timeout_seconds",
        "kubernetes-request-timeout-seconds",
        "SECONDS",
        Text("60"),
        &[Up, Agent],
        "The API server's --request-timeout: how long it may go on with a create that nobody waits for; shorter than \
         it is, and an attempt might be created twice",
    ),
    many(plain(
        "labels",
        "label",
        "KEY=VALUE",
        Derived("none"),
        &[Up, Agent],
        "A label that the agent reports of itself, for agent selectors; one of the same key that `berth agents \
         create --label` or the API set holds over it; as a variable, a comma list",
    )),
    plain(
        "prefetch",
        "prefetch",
        "COUNT",
        Text("128"),
        &[Up, Agent],
        "Offers that an agent replica holds un-acked for each queue; too many, and other replicas starve, too few, \
         and each waits for a round trip",
    ),
    plain(
        "grace_seconds",
        "grace-seconds",
        "SECONDS",
        Text("10"),
        &[Up, Agent],
        "How long a process or a pod has between being asked to end and being killed",
    ),
    plain(
        "log_limit_mib",
        "log-limit-mib",
        "MIB",
        Text("64"),
        &[Up, Agent],
        "How much of one attempt's log is kept; the oldest part goes first",
    ),
    plain(
        "work_dir_keep_hours",
        "work-dir-keep-hours",
        "HOURS",
        Text("24"),
        &[Up, Agent],
        "How long a process's working directory and log are kept after its end",
    ),
    plain(
        "artifacts_store",
        "artifacts-store",
        "URL",
        Derived("nothing is kept"),
        &[Up, Agent],
        "Where logs and artifacts are kept when their runs are over: a folder, s3://BUCKET[/PREFIX], \
         gs://BUCKET[/PREFIX] or az://CONTAINER[/PREFIX], or the name of a connection that leads to one; credentials come \
         from the cloud's own variables",
    ),
    plain(
        "artifacts_hold_seconds",
        "artifacts-hold-seconds",
        "SECONDS",
        Text("30"),
        &[Up, Agent],
        "How long the end of a run waits for its log to be in the artifacts store; longer, and a store that is away holds \
         slots of queues for longer, shorter, and who reads of an end may not find the log yet",
    ),
    plain(
        "artifacts_keep_days",
        "artifacts-keep-days",
        "DAYS",
        Text("30"),
        &[Up, Agent],
        "How long logs are kept in the artifacts store; 0: for ever",
    ),
    // retention
    plain(
        "retention_runs_days",
        "retention-runs-days",
        "DAYS",
        Text("90"),
        &[Up, Scheduler, Admin],
        "How long finished runs and their conditions are kept",
    ),
    plain(
        "retention_events_hours",
        "retention-events-hours",
        "HOURS",
        Text("24"),
        &[Up, Scheduler, Admin],
        "How long the event stream can be resumed",
    ),
    plain(
        "retention_audit_days",
        "retention-audit-days",
        "DAYS",
        Text("400"),
        &[Up, Scheduler, Admin],
        "How long audit entries are kept",
    ),
    plain(
        "retention_idempotency_hours",
        "retention-idempotency-hours",
        "HOURS",
        Text("24"),
        &[Up, Scheduler, Admin],
        "How long the answer to an `Idempotency-Key` is kept",
    ),
    plain(
        "retention_dead_letters_days",
        "retention-dead-letters-days",
        "DAYS",
        Text("30"),
        &[Up, Scheduler, Admin],
        "How long dead letters are kept",
    ),
    // logs
    plain("log_format", "log-format", "FORMAT", Text("text"), SERVICES, "How logs are written: text or json"),
    plain(
        "log_filter",
        "log-filter",
        "FILTER",
        Text("info"),
        SERVICES,
        "Which log lines are written: a level, or directives such as info,berth_scheduler=debug",
    ),
    // traces
    standard(
        &[OTLP_TRACES_ENDPOINT, "OTEL_EXPORTER_OTLP_ENDPOINT"],
        plain(
            "otlp_endpoint",
            "otlp-endpoint",
            "URL",
            Derived("no traces are recorded"),
            SERVICES,
            "The collector that traces are sent to, by OTLP over HTTP: http(s)://HOST:4318; /v1/traces is put behind it \
             where it is missing; or off. Or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, as it is, or OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
    ),
    standard(
        &["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
        secret(plain(
            "otlp_headers",
            "otlp-headers",
            "NAME=VALUE,...",
            Derived("none"),
            SERVICES,
            "Headers that the collector wants, such as its credentials, with %XX for what would end a value. Or \
             OTEL_EXPORTER_OTLP_TRACES_HEADERS, or OTEL_EXPORTER_OTLP_HEADERS",
        )),
    ),
    standard(
        &["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
        plain(
            "otlp_ca_file",
            "otlp-ca-file",
            "FILE",
            Derived("the system's authorities"),
            SERVICES,
            "PEM: authorities that sign the collector's certificate, beside the system's. Or \
             OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE, or OTEL_EXPORTER_OTLP_CERTIFICATE",
        ),
    ),
    standard(
        &["OTEL_SERVICE_NAME"],
        plain(
            "otlp_service_name",
            "otlp-service-name",
            "NAME",
            PerPart(&[
                (Up, "berth"),
                (Api, "berth-api"),
                (Scheduler, "berth-scheduler"),
                (Agent, "berth-agent"),
            ]),
            SERVICES,
            "What the process is called in traces (service.name). Or OTEL_SERVICE_NAME",
        ),
    ),
    standard(
        &["OTEL_RESOURCE_ATTRIBUTES"],
        plain(
            "otlp_resource_attributes",
            "otlp-resource-attributes",
            "NAME=VALUE,...",
            Derived("what is known of the process"),
            SERVICES,
            "What else is said of the process in traces, with %XX for what would end a value. Or OTEL_RESOURCE_ATTRIBUTES",
        ),
    ),
    plain(
        "trace_sample_ratio",
        "trace-sample-ratio",
        "SHARE",
        Text("1.0"),
        SERVICES,
        "The share, 0 to 1, of the traces that begin here that is recorded; in one that comes with a submission, who began \
         it decides",
    ),
];
