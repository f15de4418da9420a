//! What is masked, and what stays readable.

use berth_domain::redact::{is_secret_name, mask_value, redact};
use serde_json::json;

#[test]
fn names_that_look_secret_are_told_from_others() {
    for name in [
        "PASSWORD",
        "DB_PASSWORD",
        "dbPassword",
        "API_TOKEN",
        "token",
        "AWS_SECRET_ACCESS_KEY",
        "PRIVATE_KEY",
        "apiKey",
        "API-KEY",
        "CREDENTIALS",
        "PGPASSWORD",
        "GITHUB_TOKEN",
        "passphrase",
        "client_secret",
        "SENTRY_DSN",
        "KEY",
    ] {
        assert!(is_secret_name(name), "{name}");
    }
    for name in [
        "PATH",
        "LR",
        "KEYBOARD",
        "MONKEY",
        "EPOCHS",
        "secretName",
        "secretKeyRef",
        "imagePullSecrets",
        "PASSIVE",
        "AUTHOR",
        "",
    ] {
        assert!(!is_secret_name(name), "{name}");
    }
}

#[test]
fn texts_lose_their_passwords() {
    for (text, expected) in [
        ("postgres://user:hunter2@db:5432/x", "postgres://user:********@db:5432/x"),
        ("amqp://a:p%40ss@b and redis://:secret@c", "amqp://a:********@b and redis://:********@c"),
        ("https://example.com/a?b=c", "https://example.com/a?b=c"),
        ("--password=hunter2 --lr=1", "--password=******** --lr=1"),
        ("API_KEY: abc, x", "API_KEY: ********, x"),
        ("export TOKEN='a b' x", "export TOKEN=******** x"),
        ("Authorization: Bearer abcdefghijkl", "Authorization: Bearer ********"),
        ("nothing to see", "nothing to see"),
    ] {
        assert_eq!(mask_value(text), expected);
    }
}

#[test]
fn an_operation_is_masked_where_it_is_secret_and_readable_elsewhere() {
    let mut op = json!({
        "params": {"lr": {"value": 0.1}, "db_password": {"value": "hunter2000"}, "short": {"value": "x"}, "token": "bare-token"},
        "component": {
            "inputs": [
                {"name": "pin", "type": "SecretStr", "value": "pin-of-mine"},
                {"name": "lr", "type": "float", "value": 0.1},
            ],
            "run": {
                "environment": {"tolerations": [{"key": "gpu", "operator": "Exists"}], "imagePullSecrets": ["reg"]},
                "volumes": [{"name": "v", "secret": {"secretName": "s"}}],
                "container": {
                    "args": ["--pin=pin-of-mine", "--db=hunter2000", "--lr=0.1"],
                    "env": [
                        {"name": "API_TOKEN", "value": "abc"},
                        {"name": "MODE", "value": "test"},
                        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                    ],
                },
            },
        },
        "env": {"SECRET": "xyz", "MODE": "fast"},
    });
    redact(&mut op);
    assert_eq!(
        op,
        json!({
            "params": {"lr": {"value": 0.1}, "db_password": {"value": "********"}, "short": {"value": "x"}, "token": "********"},
            "component": {
                "inputs": [
                    {"name": "pin", "type": "SecretStr", "value": "********"},
                    {"name": "lr", "type": "float", "value": 0.1},
                ],
                "run": {
                    "environment": {"tolerations": [{"key": "gpu", "operator": "Exists"}], "imagePullSecrets": ["reg"]},
                    "volumes": [{"name": "v", "secret": {"secretName": "s"}}],
                    "container": {
                        "args": ["--pin=********", "--db=********", "--lr=0.1"],
                        "env": [
                            {"name": "API_TOKEN", "value": "********"},
                            {"name": "MODE", "value": "test"},
                            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                        ],
                    },
                },
            },
            "env": {"SECRET": "********", "MODE": "fast"},
        })
    );
}

#[test]
fn errors_do_not_repeat_passwords() {
    use berth_domain::spec::{Format, Limits, parse};
    let text = "termination: {timeout: \"redis://u:hunter2@h\"}\ncmd: x";
    let error =
        parse(text, Format::Yaml, &Limits::default()).map(|_| ()).map_err(|errors| errors.to_string());
    assert_eq!(
        error,
        Err("line 1, column 24: termination.timeout: expected a whole number from 0 to 3153600000, found the text \"redis://u:********@h\"".to_owned())
    );
}

#[test]
fn a_param_is_as_secret_as_its_input_says() {
    let mut op = json!({"params": {"pin": "12345678"}, "inputs": [{"name": "pin", "type": "Optional[SecretStr]", "toEnv": "PIN"}], "cmd": ["echo 12345678"], "env": [{"name": "PIN", "value": "123"}]});
    redact(&mut op);
    assert_eq!(op["params"], json!({"pin": "********"}));
    assert_eq!(op["cmd"], json!(["echo ********"]));
    assert_eq!(op["env"], json!([{"name": "PIN", "value": "********"}]));
}
