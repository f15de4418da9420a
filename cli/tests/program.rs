//! The program as a shell sees it: exit statuses, texts, and what goes where. Runs with a server are not here.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};

/// The program with no settings but those given, and a home of its own.
fn berth(home: &std::path::Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_berth"))
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .envs(variables.iter().copied())
        .current_dir(home)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A server that gives one answer to everybody, on a port of its own, until the test ends.
fn server(status: u16, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            if stream.read(&mut request).is_err() {
                continue;
            }
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .ok();
        }
    });
    host
}

const RUN: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn every_kind_of_failure_has_its_exit_status() {
    let home = tempfile::tempdir().unwrap();
    let statuses = [
        (
            server(200, r#"{"status":"succeeded","status_conditions":[]}"#),
            vec!["ops", "statuses", "-w", RUN],
            0,
        ),
        (server(200, r#"{"status":"failed","status_conditions":[]}"#), vec!["ops", "statuses", "-w", RUN], 1),
        (server(400, r#"["bad"]"#), vec!["ops", "get", RUN], 2),
        (server(404, r#"{"detail":"no such run"}"#), vec!["ops", "get", RUN], 3),
        (server(401, "{}"), vec!["projects", "ls"], 4),
        (server(403, "{}"), vec!["agents", "ls"], 4),
        (server(503, "{}"), vec!["queues", "ls"], 5),
        ("http://127.0.0.1:1".to_owned(), vec!["ops", "ls"], 5),
        (server(200, "<html>"), vec!["ops", "ls"], 1),
    ];
    for (host, arguments, status) in statuses {
        let output = berth(home.path(), &arguments, &[("BERTH_HOST", &host)]);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(status == 0, output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_role_is_asked_where_its_settings_say_and_what_is_down_is_named() {
    let home = tempfile::tempdir().unwrap();
    let at = |url: &str| url.trim_start_matches("http://127.0.0.1").to_owned();
    let up = at(&server(200, r#"{"ready":true,"checks":{"store":{"up":true}}}"#));
    let down = at(&server(
        503,
        r#"{"ready":false,"checks":{"broker":{"up":false,"reason":"refused"},"store":{"up":true}}}"#,
    ));
    for (role, variable) in
        [("api", "BERTH_LISTEN"), ("api", "BERTH_METRICS_LISTEN"), ("agent", "BERTH_METRICS_LISTEN")]
    {
        let of = |port: &str| berth(home.path(), &["ready", role], &[(variable, &format!("0.0.0.0{port}"))]);
        let output = of(&up);
        assert_eq!(output.status.code(), Some(0), "{role}: {}", text(&output.stderr));
        let output = of(&down);
        assert_eq!(output.status.code(), Some(5), "{role}");
        assert!(text(&output.stderr).contains("(503): broker: refused\n"), "{}", text(&output.stderr));
    }
    let output = berth(home.path(), &["ready", "admin"], &[]);
    assert!(
        text(&output.stderr).contains("use one of: up, api, scheduler, agent"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_server_that_is_not_there_is_named_with_a_hint() {
    let home = tempfile::tempdir().unwrap();
    let output = berth(home.path(), &["ops", "ls", "--host", "http://127.0.0.1:1"], &[]);
    assert_eq!(
        text(&output.stderr),
        "berth: can't reach http://127.0.0.1:1: connection refused\nhint: is `berth up` running? --host or BERTH_HOST \
         name another server\n"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn bad_flags_and_settings_end_with_status_2_before_anything_is_done() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [
        vec!["--nonsense"],
        vec!["up", "--listen", "0.0.0.0:8000"],
        vec!["api"],
        vec!["scheduler", "--database-url", "sqlite:x.db", "--broker-url", "amqp://h"],
        vec!["agent", "--name", "a", "--broker-url", "memory:"],
        vec!["run", "-f", "not-there.yaml"],
        vec!["config", "show", "up", "--config", "not-there.yaml"],
        vec!["broker", "plan", "--broker-url", "redis://h", "--for", "A"],
    ] {
        let output = berth(home.path(), &arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "something was written");
}

#[test]
fn config_show_names_the_source_and_hides_the_secret() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("berth.yaml"), "broker_url: amqp://u:hunter2@mq/\n").unwrap();
    let arguments = ["config", "show", "scheduler", "--config", "berth.yaml"];
    let output = berth(home.path(), &arguments, &[("BERTH_DATABASE_URL", "postgres://u:hunter2@db/x")]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("postgres://(hidden)@db/x") && shown.contains("BERTH_DATABASE_URL"), "{shown}");
    assert!(shown.contains("berth.yaml:1"), "{shown}");
}

#[test]
fn completion_help_and_version_go_to_the_standard_output() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [
        vec!["completion", "bash"],
        vec!["completion", "zsh"],
        vec!["completion", "fish"],
        vec!["--help"],
        vec!["--version"],
        vec!["ops", "--help"],
    ] {
        let output = berth(home.path(), &arguments, &[]);
        assert!(output.status.success(), "{arguments:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_login_is_kept_for_the_host_and_used_there() {
    let home = tempfile::tempdir().unwrap();
    let host = server(200, r#"{"username":"ada"}"#);
    let output = berth(home.path(), &["login", "--host", &host], &[("BERTH_TOKEN", "s3cret")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.starts_with(&format!("logged in to {host} as ada; the token is kept in ")), "{said}");
    assert!(!said.contains("s3cret"));
    assert!(home.path().join(".config/berth/hosts.json").exists());
    let output = berth(home.path(), &["login", "--forget", "--host", &host], &[]);
    assert_eq!(text(&output.stdout), format!("nothing is kept for {host} any more\n"));
}
