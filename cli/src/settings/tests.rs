//! Settings as users meet them: which source wins, and the exact text for what can't be used.

use std::collections::BTreeMap;

use super::*;

/// Variables and files that a test made up.
#[derive(Default)]
struct World {
    variables: BTreeMap<&'static str, &'static str>,
    files: BTreeMap<&'static str, &'static str>,
}

impl World {
    fn load(&self, part: Part, flags: &[(&str, &str)], config: Option<&str>) -> Result<Resolved, Error> {
        let variable = |name: &str| self.variables.get(name).map(|text| (*text).to_owned());
        let read = |path: &str| {
            self.files
                .get(path)
                .map(|text| (*text).to_owned())
                .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))
        };
        let given = flags.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        load(part, &given, config, &Sources { variable: &variable, read: &read })
    }
}

fn with(variables: &[(&'static str, &'static str)], yaml: &'static str) -> World {
    World { variables: variables.iter().copied().collect(), files: BTreeMap::from([("berth.yaml", yaml)]) }
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let world = with(&[("BERTH_LOG_FILTER", "warn")], "log_filter: debug\nlog_format: json\n");
    let resolved = world.load(Part::Up, &[], Some("berth.yaml")).unwrap();
    let of = |resolved: &Resolved, key: &str| {
        let value = resolved.get(key).unwrap();
        (value.text.clone(), value.origin.to_string())
    };
    assert_eq!(of(&resolved, "log_filter"), ("warn".into(), "BERTH_LOG_FILTER".into()));
    assert_eq!(of(&resolved, "log_format"), ("json".into(), "berth.yaml:2".into()));
    assert_eq!(of(&resolved, "listen"), ("127.0.0.1:8000".into(), "default".into()));
    let resolved = world.load(Part::Up, &[("log_filter", "error")], Some("berth.yaml")).unwrap();
    assert_eq!(of(&resolved, "log_filter"), ("error".into(), "--log-filter".into()));
}

#[test]
fn connections_are_read_from_their_file_and_what_is_wrong_names_it() {
    let mut world = World::default();
    world.files.extend([
        ("good.yaml", "connections: [{name: data, kind: s3, schema: {bucket: s3://b}}]"),
        ("bad.yaml", "connections: [{name: data, kind: s3}]"),
    ]);
    let read = |path: &str, executor: ExecutorKind| {
        let resolved = world.load(Part::Agent, &[("connections", path)], None).unwrap();
        let read = |path: &str| {
            let text = world.files.get(path).map(|text| (*text).to_owned());
            text.ok_or_else(|| std::io::ErrorKind::NotFound.into())
        };
        connections(&resolved, executor, &read)
    };
    assert_eq!(read("good.yaml", ExecutorKind::Kubernetes).unwrap().names(), "data");
    for (path, executor, expected) in [
        (
            "bad.yaml",
            ExecutorKind::Kubernetes,
            "`connections` (from --connections): bad.yaml: connection `data`: `schema.bucket` is missing; a connection \
             of kind s3 needs it",
        ),
        (
            "none.yaml",
            ExecutorKind::Kubernetes,
            "can't read `none.yaml` (from --connections): entity not found",
        ),
        (
            "good.yaml",
            ExecutorKind::Process,
            "`connections` (from --connections): `good.yaml` is not used by `--executor process`: only `--executor \
             kubernetes` has connections",
        ),
    ] {
        assert_eq!(read(path, executor).unwrap_err().to_string(), expected);
    }
}

#[test]
fn the_configuration_file_may_be_named_by_a_variable() {
    let world = with(&[("BERTH_CONFIG", "berth.yaml")], "# nothing else\nowner: acme\n");
    let resolved = world.load(Part::Client, &[], None).unwrap();
    assert_eq!(ClientSettings::read(&resolved).unwrap().owner, "acme");
}

#[test]
fn an_empty_variable_and_an_empty_file_say_nothing() {
    let world = with(&[("BERTH_OWNER", "")], "\n# only a comment\n");
    let resolved = world.load(Part::Client, &[], Some("berth.yaml")).unwrap();
    assert_eq!(resolved.get("owner").unwrap().origin, Origin::Default);
}

#[test]
fn a_secret_may_be_in_a_file_at_every_rank() {
    let mut world = with(&[("BERTH_TOKEN_FILE", "env.txt")], "token_file: yaml.txt\n");
    world.files.extend([
        ("env.txt", "from-variable\n"),
        ("yaml.txt", "from-yaml"),
        ("flag.txt", "from-flag\n"),
    ]);
    let token = |world: &World, flags: &[(&str, &str)]| {
        let resolved = world.load(Part::Client, flags, Some("berth.yaml")).unwrap();
        let value = resolved.get("token").unwrap().clone();
        (value.text, value.origin.to_string())
    };
    assert_eq!(token(&world, &[("token_file", "flag.txt")]), ("from-flag".into(), "--token-file".into()));
    assert_eq!(token(&world, &[]), ("from-variable".into(), "BERTH_TOKEN_FILE".into()));
    world.variables.clear();
    assert_eq!(token(&world, &[]), ("from-yaml".into(), "berth.yaml:1".into()));
}

#[test]
fn labels_come_as_a_list_by_commas_or_as_repeated_flags() {
    let world = with(&[], "labels: [zone=eu, gpu=a100]\n");
    let resolved = world.load(Part::Up, &[("data_dir", "/d")], Some("berth.yaml")).unwrap();
    let agent = AgentSettings::read(&resolved, &|_| None).unwrap();
    assert_eq!(agent.labels.get("gpu").map(String::as_str), Some("a100"));
    assert_eq!(agent.labels.len(), 2);
}

/// Reads everything that a part has, as its command does.
fn read_all(resolved: &Resolved) -> Result<(), Error> {
    let home = |name: &str| (name == "HOME").then(|| "/h".to_owned());
    match resolved.part {
        Part::Client => ClientSettings::read(resolved).map(drop),
        Part::Up => {
            let agent = AgentSettings::read(resolved, &home)?;
            ApiSettings::read(resolved)?;
            LogSettings::read(resolved)?;
            RetentionSettings::read(resolved)?;
            BrokerSettings::read(resolved)?;
            DatabaseSettings::read(resolved, Some(&agent.data_dir)).map(drop)
        }
        Part::Api => {
            ApiSettings::read(resolved)?;
            MetricsSettings::read(resolved)?;
            BrokerSettings::read(resolved)?;
            ExternalMetricsSettings::read(resolved, &home)?;
            DatabaseSettings::read(resolved, None).map(drop)
        }
        Part::Scheduler => {
            MetricsSettings::read(resolved)?;
            SchedulerSettings::read(resolved).map(drop)
        }
        Part::Agent => {
            AgentSettings::read(resolved, &home)?;
            BrokerSettings::read(resolved).map(drop)
        }
        Part::Admin => DatabaseSettings::read(resolved, None).map(drop),
        Part::Broker => {
            BrokerSettings::read(resolved)?;
            DatabaseSettings::read_if_given(resolved).map(drop)
        }
    }
}

const PG: (&str, &str) = ("database_url", "postgres://u:p@h/d");
const MQ: (&str, &str) = ("broker_url", "amqp://u:p@h/");

#[test]
fn the_defaults_alone_are_enough_for_up_and_for_commands() {
    for part in [Part::Up, Part::Client] {
        let resolved = World::default().load(part, &[], None).unwrap();
        read_all(&resolved).unwrap();
    }
    let resolved = World::default().load(Part::Up, &[("data_dir", "/d")], None).unwrap();
    let database = DatabaseSettings::read(&resolved, Some(std::path::Path::new("/d"))).unwrap();
    assert_eq!(database.kind, DatabaseKind::Sqlite { path: "/d/berth.db".into() });
}

#[test]
fn every_bad_setting_has_its_exact_text() {
    let address = "is not an address: use HOST:PORT with an IP address, such as 127.0.0.1:8000 or [::1]:8000";
    let number = |high: &str| format!("is not a whole number from 1 to {high}");
    let name = "is not a name: use 1 to 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit";
    let database = "is not sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE";
    let broker = "is not amqp://, amqps://, redis:// or rediss:// and USER:PASSWORD@HOST, redis+sentinel:// or rediss+sentinel:// and USER:PASSWORD@HOST,HOST/DB?service=NAME, or memory:";
    type Row<'a> = (Part, &'a [(&'a str, &'a str)], String);
    let table: Vec<Row<'_>> = vec![
        (Part::Up, &[("listen", "8000")], format!("`listen` (from --listen): `8000` {address}")),
        (Part::Up, &[("listen", "example.org:80")], format!("`listen` (from --listen): `example.org:80` {address}")),
        (Part::Up, &[("listen", "0.0.0.0:8000")], "`listen` (from --listen): `berth up` asks nobody for a token, so it listens on a loopback address only, and 0.0.0.0 is none; use 127.0.0.1, or `berth api` with tokens".into()),
        (Part::Up, &[("listen", "[::]:8000")], "`listen` (from --listen): `berth up` asks nobody for a token, so it listens on a loopback address only, and :: is none; use 127.0.0.1, or `berth api` with tokens".into()),
        (Part::Up, &[("log_format", "xml")], "`log_format` (from --log-format): `xml` is not text or json".into()),
        (Part::Up, &[("prefetch", "0")], format!("`prefetch` (from --prefetch): `0` {}", number("1000"))),
        (Part::Up, &[("prefetch", "many")], format!("`prefetch` (from --prefetch): `many` {}", number("1000"))),
        (Part::Up, &[("work_dir_keep_hours", "-1")], "`work_dir_keep_hours` (from --work-dir-keep-hours): `-1` is not a whole number from 0 to 8760".into()),
        (Part::Up, &[("retention_runs_days", "0")], format!("`retention_runs_days` (from --retention-runs-days): `0` {}", number("36500"))),
        (Part::Up, &[("retention_audit_days", "1.5")], format!("`retention_audit_days` (from --retention-audit-days): `1.5` {}", number("36500"))),
        (Part::Up, &[("labels", "zone")], "`labels` (from --label): `zone` is not KEY=VALUE".into()),
        (Part::Up, &[("labels", "a b=c")], "`labels` (from --label): the key `a b` is not 1 to 63 of letters, digits, `-`, `_`, `.` and `/`, beginning and ending with a letter or digit".into()),
        (Part::Up, &[("database_url", "mysql://h/d")], format!("`database_url` (from --database-url): what was given (hidden) {database}")),
        (Part::Up, &[("database_url", "sqlite:")], format!("`database_url` (from --database-url): what was given (hidden) {database}")),
        (Part::Up, &[("broker_url", "kafka://h")], format!("`broker_url` (from --broker-url): what was given (hidden) {broker}")),
        (Part::Up, &[("broker_url", "amqp://")], format!("`broker_url` (from --broker-url): what was given (hidden) {broker}")),
        (Part::Up, &[("broker_prefix", "Berth")], "`broker_prefix` (from --broker-prefix): `Berth` is not 1 to 32 of a-z, 0-9 and `-`".into()),
        (Part::Up, &[("broker_queue_type", "stream")], "`broker_queue_type` (from --broker-queue-type): `stream` is not quorum or classic".into()),
        (Part::Api, &[MQ], "`database_url` is needed: give --database-url, BERTH_DATABASE_URL or `database_url:` in the configuration file; use sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE".into()),
        (Part::Up, &[("broker_management_url", "rabbit:15672")], "`broker_management_url` (from --broker-management-url): what was given (hidden) is not http(s)://[USER:PASSWORD@]HOST[:PORT], or off".into()),
        (Part::Broker, &[MQ, ("database_url", "mysql://h")], "`database_url` (from --database-url): what was given (hidden) is not sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE".into()),
        (Part::Api, &[PG], "`broker_url` is needed: give --broker-url, BERTH_BROKER_URL or `broker_url:` in the configuration file; use amqp://, amqps://, redis:// or rediss:// and USER:PASSWORD@HOST, redis+sentinel:// or rediss+sentinel:// and USER:PASSWORD@HOST,HOST/DB?service=NAME, or memory:".into()),
        (Part::Api, &[MQ, ("database_url", "sqlite:/x.db")], "`database_url` (from --database-url): SQLite serves one process, and `berth api` shares its database with other processes; use postgres://, or `berth up`".into()),
        (Part::Api, &[PG, ("broker_url", "memory:")], "`broker_url` (from --broker-url): memory: is inside one process, and `berth api` is one of several; use amqp:// or redis://, or `berth up`".into()),
        (Part::Scheduler, &[PG, MQ, ("metrics_listen", "x")], format!("`metrics_listen` (from --metrics-listen): `x` {address}")),
        (Part::Api, &[PG, MQ, ("external_metrics_listen", "8443")], format!("`external_metrics_listen` (from --external-metrics-listen): `8443` {address}")),
        (Part::Api, &[PG, MQ, ("external_metrics_listen", "0.0.0.0:8443")], "`external_metrics_cert_file` is needed: give --external-metrics-cert-file, BERTH_EXTERNAL_METRICS_CERT_FILE or `external_metrics_cert_file:` in the configuration file; a file: `external_metrics_listen` is served by TLS".into()),
        (Part::Agent, &[MQ], "`agent_name` is needed: give --name, BERTH_AGENT_NAME or `agent_name:` in the configuration file; the name that `berth agents create` was given".into()),
        (Part::Agent, &[MQ, ("agent_name", "EU")], format!("`agent_name` (from --name): `EU` {name}")),
        (Part::Agent, &[MQ, ("agent_name", "eu"), ("namespaces", "ml,etl")], "`namespaces` (from --namespace): `ml,etl` is not served by `--executor process`: only `--executor kubernetes` serves namespaces".into()),
        (Part::Agent, &[MQ, ("agent_name", "eu"), ("labels", "zone=eu!")], "`labels` (from --label): the value `eu!` of `zone` is not up to 63 of letters, digits, `-`, `_`, `.` and `/`, beginning and ending with a letter or digit".into()),
        (Part::Agent, &[MQ, ("agent_name", "eu"), ("executor", "docker")], "`executor` (from --executor): `docker` is not process or kubernetes".into()),
        (Part::Agent, &[MQ, ("agent_name", "eu"), ("executor", "kubernetes"), ("namespaces", "jobs,A b")], "`namespaces` (from --namespace): `jobs,A b` is not a list of names, by commas".into()),
        (Part::Client, &[("host", "127.0.0.1:8000")], "`host` (from --host): `127.0.0.1:8000` is not a URL: use http://HOST:PORT or https://HOST".into()),
        (Part::Client, &[("host", "ftp://h")], "`host` (from --host): `ftp://h` is not a URL: use http://HOST:PORT or https://HOST".into()),
        (Part::Client, &[("output", "xml")], "`output` (from --output): `xml` is not table, json, yaml or name".into()),
        (Part::Client, &[("project", "a/b")], "`project` (from --project): `a/b` is not a name: without `/`, `?` and `#`, at most 255 letters".into()),
        (Part::Client, &[("token", "a b")], "`token` (from --token): what was given (hidden) is not a token: printable, without spaces".into()),
        (Part::Client, &[("token", "a"), ("token_file", "f")], "give one of --token and --token-file, not both".into()),
        (Part::Client, &[("token_file", "nowhere")], "can't read `nowhere` (from --token-file): entity not found".into()),
    ];
    for (part, flags, text) in table {
        let error = World::default().load(part, flags, None).and_then(|resolved| read_all(&resolved));
        assert_eq!(error.map_err(|error| error.to_string()), Err(text), "{part:?} {flags:?}");
    }
}

#[test]
fn every_bad_configuration_file_has_its_exact_text_with_the_line() {
    let table = [
        ("\nlisen: x\n", "berth.yaml:2: unknown setting `lisen`; did you mean `listen`?"),
        ("colour: red\n", "berth.yaml:1: unknown setting `colour`; `berth config show` lists all"),
        ("listen_file: x\n", "berth.yaml:1: unknown setting `listen_file`; `berth config show` lists all"),
        ("owner: a\nproject:\n", "berth.yaml:2: `project` has no value"),
        ("owner:\n  name: a\n", "berth.yaml:1: `owner` takes a text, a number or a list of texts"),
    ];
    for (yaml, text) in table {
        let error = with(&[], yaml).load(Part::Client, &[], Some("berth.yaml")).map(drop);
        assert_eq!(error.map_err(|error| error.to_string()), Err(text.to_owned()));
    }
    for (yaml, line) in [("owner: a\nowner: b\n", 2), ("- a\n", 1), ("owner: [a\n", 2), ("just text", 1)] {
        let error = with(&[], yaml).load(Part::Client, &[], Some("berth.yaml")).map(drop).unwrap_err();
        let Error::File { line: found, .. } = error else { panic!("{error}") };
        assert!(found <= line, "{yaml}: {error}");
    }
    let error = World::default().load(Part::Client, &[], Some("gone.yaml")).map(drop).unwrap_err();
    assert_eq!(error.to_string(), "can't read `gone.yaml` (from --config): entity not found");
}

#[test]
fn what_is_shown_has_its_source_and_no_secret() {
    let world = with(
        &[("BERTH_DATABASE_URL", "postgres://admin:hunter2@db:5433/berth")],
        "broker_url: redis://:hunter2@mq/0\n",
    );
    let shown = show(&world.load(Part::Scheduler, &[], Some("berth.yaml")).unwrap());
    let of = |key: &str| {
        let shown = shown.iter().find(|shown| shown.key == key).unwrap();
        (shown.value.as_str(), shown.from.as_str())
    };
    assert_eq!(of("database_url"), ("postgres://(hidden)@db:5433/berth", "BERTH_DATABASE_URL"));
    assert_eq!(of("broker_url"), ("redis://(hidden)@mq/0", "berth.yaml:1"));
    assert_eq!(of("metrics_listen"), ("127.0.0.1:8001", "default"));
    assert!(!format!("{shown:?}").contains("hunter2"));
    let world = with(&[("BERTH_TOKEN", "hunter2")], "");
    let shown = show(&world.load(Part::Client, &[], None).unwrap());
    assert!(!format!("{shown:?}").contains("hunter2"));
    assert!(shown.iter().any(|shown| shown.value == "(hidden)"));
}

#[test]
fn settings_that_hold_secrets_do_not_print_them() {
    let resolved = World::default().load(Part::Scheduler, &[PG, MQ], None).unwrap();
    let text = format!("{:?}", SchedulerSettings::read(&resolved).unwrap());
    assert!(!text.contains("u:p@"), "{text}");
}

#[test]
fn keys_flags_and_variables_are_each_given_once_for_a_part() {
    for part in Part::ALL {
        let mut flags: Vec<&str> = Setting::of(part).map(|setting| setting.flag).collect();
        flags.sort_unstable();
        let before = flags.len();
        flags.dedup();
        assert_eq!(flags.len(), before, "{part:?}");
    }
    let mut keys: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), SETTINGS.len());
}
