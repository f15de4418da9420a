//! Golden texts, and what can't become one.

use std::path::PathBuf;

use serde_json::json;

use super::*;

fn dockerfile(given: &Value) -> Result<(PathBuf, String), String> {
    match write(given, Path::new("/context"), "f") {
        Ok(Task::Write { path, content, .. }) => Ok((path, content)),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Err(refusal.message),
    }
}

#[test]
fn the_least_is_an_image_in_which_one_works() {
    let (path, text) = dockerfile(&json!({"image": "python:3.12"})).unwrap();
    assert_eq!(path, Path::new("/context/Dockerfile"));
    assert_eq!(text, "FROM python:3.12\n\nENV SHELL=\"/bin/bash\"\n\nWORKDIR /code\n");
}

#[test]
fn each_field_is_an_instruction_where_polyaxon_has_it() {
    let (path, text) = dockerfile(&json!({
        "image": "registry.example.com:5000/base@sha256:ab",
        "langEnv": "en_US.UTF-8",
        "shell": "/bin/sh",
        "path": ["/opt/bin", "/x y"],
        "env": {"KEY": "va\"l\\ue $HOME \\$5", "N": 2, "T": true},
        "workdir": "/app",
        "copy": ["requirements.txt", ["my data/*", "/data"]],
        "run": ["pip install -r requirements.txt", "apt-get update \\\n  # a comment\n\n  && apt-get install -y git\n"],
        "postRunCopy": [["src", "/app/src"]],
        "uid": 2222,
        "gid": 1111,
        "username": "me",
        "workdirPath": "./code",
        "filename": "Dockerfile.gpu",
    }))
    .unwrap();
    assert_eq!(path, Path::new("/context/Dockerfile.gpu"));
    let expected = r#"FROM registry.example.com:5000/base@sha256:ab

ENV LC_ALL="en_US.UTF-8"
ENV LANG="en_US.UTF-8"
ENV LANGUAGE="en_US.UTF-8"
ENV SHELL="/bin/sh"
ENV PATH="${PATH}:/opt/bin"
ENV PATH="${PATH}:/x y"
ENV KEY="va\"l\\ue $HOME \$5"
ENV N="2"
ENV T="true"

WORKDIR /app

COPY ["requirements.txt","/app"]
COPY ["my data/*","/data"]

RUN pip install -r requirements.txt
RUN apt-get update   && apt-get install -y git

COPY ["src","/app/src"]

RUN groupadd -g 1111 -r polyaxon && useradd -r -m -g polyaxon -u 2222 me

COPY ["./code","/app"]
"#;
    assert_eq!(text, expected);
}

#[test]
fn variables_may_be_pairs_and_a_shell_may_be_none() {
    let given = json!({"image": "a", "env": [["B", "2"], ["A", "1"]], "shell": "", "workdir": null});
    let (_, text) = dockerfile(&given).unwrap();
    assert_eq!(text, "FROM a\n\nENV B=\"2\"\nENV A=\"1\"\n\nWORKDIR /code\n");
}

#[test]
fn no_value_can_become_an_instruction() {
    for end in ["\n", "\r", "\r\n", "\u{0}", "\u{b}", "\u{85}"] {
        let evil = format!("a{end}RUN evil");
        for (field, value) in [
            ("image", json!(evil)),
            ("langEnv", json!(evil)),
            ("shell", json!(evil)),
            ("workdir", json!(evil)),
            ("workdirPath", json!(evil)),
            ("filename", json!(evil)),
            ("path", json!([evil])),
            ("copy", json!([evil])),
            ("copy", json!([["a", evil]])),
            ("postRunCopy", json!([[evil, "a"]])),
            ("run", json!([evil])),
            ("env", json!({"A": evil})),
            ("env", json!({&evil: "a"})),
            ("env", json!([["A", evil]])),
        ] {
            let mut given = json!({"image": "a"});
            given[field] = value;
            let refused = dockerfile(&given).unwrap_err();
            assert!(refused.starts_with(&format!("`f.{field}")), "{refused}");
        }
        let given = json!({"image": "a", "uid": 1, "gid": 1, "username": evil});
        assert!(dockerfile(&given).unwrap_err().starts_with("`f.username`"));
    }
}

#[test]
fn what_no_builder_would_take_is_refused_by_name() {
    for (field, value, expected) in [
        ("image", json!(null), "`f.image` is missing"),
        ("image", json!("a b"), "`f.image` is `a b`; it may neither begin with `-` nor hold spaces"),
        ("image", json!("--platform=x"), "`f.image` is `--platform=x`; it may neither"),
        ("workdir", json!("/a\\"), "`f.workdir` is `/a\\`; it may neither"),
        ("filename", json!("../Dockerfile"), "`f.filename` is `../Dockerfile`; it is a name, and `path`"),
        ("env", json!({"1A": "a"}), "`f.env.1A` is no name of a variable"),
        ("env", json!({"A": [1]}), "`f.env.A` must be a text, a number, true or false"),
        ("env", json!(["A=1"]), "`f.env[0]` must be a pair"),
        ("path", json!([""]), "`f.path[0]` must be a text that is not empty"),
        ("copy", json!([["a", "b", "c"]]), "`f.copy[0]` must be a path, or a pair"),
        ("copy", json!("a"), "`f.copy` must be a list"),
        ("run", json!(["a \\"]), "`f.run[0]` ends a line with `\\` that nothing follows"),
        ("run", json!(["a \\\\\nb"]), "`f.run[0]` ends a line with `\\` that nothing follows, or with two"),
        ("run", json!(["x", "a\nb"]), "`f.run[1]` has several lines: write each command"),
        ("uid", json!(5), "`f.uid` needs `gid` too"),
        ("gid", json!(5), "`f.gid` needs `uid` too"),
        ("uid", json!(0), "`f.uid` is `0`; allowed is 1 to 4294967295"),
        ("username", json!("me"), "`f.username` needs `uid` and `gid` too"),
    ] {
        let mut given = json!({"image": "a"});
        given[field] = value;
        let refused = dockerfile(&given).unwrap_err();
        assert!(refused.starts_with(expected), "{refused}");
    }
    let given = json!({"image": "a", "uid": 1, "gid": 1, "username": "me; evil"});
    assert!(dockerfile(&given).unwrap_err().starts_with("`f.username` is `me; evil`; it begins with"));
}
