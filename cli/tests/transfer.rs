//! What containers of our own image do in a pod, done by the program itself: with the variables that a connection brings,
//! against a server that asks for a password.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use berth_agent::transfer::Task;
use berth_test_servers::git::{Repository, Web};

const ACCOUNT: &str = "robot:to%2Fken";
/// What the server takes, and what may be found nowhere.
const PASSWORD: &str = "to/ken";

struct Place {
    folder: tempfile::TempDir,
    code: Repository,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), code: Repository::new() }
    }

    fn server(&self) -> Web {
        self.code.https("localhost", &format!("robot:{PASSWORD}"))
    }

    fn clone(&self) -> PathBuf {
        self.folder.path().join("code")
    }

    /// Clones as a pod's container does that trusts `servers`.
    fn clone_from(&self, url: String, servers: &[&Web], credentials: Option<&str>) -> Output {
        let trusted = self.folder.path().join("trusted.pem");
        let certificates: Vec<&str> = servers.iter().map(|server| server.certificate()).collect();
        std::fs::write(&trusted, certificates.concat()).unwrap();
        let task = Task::Clone { url, revision: Some("v2".into()), depth: None, into: self.clone() };
        let mut berth = Command::new(env!("CARGO_BIN_EXE_berth"));
        berth.args(["transfer", &task.encode().unwrap()]).env_clear().env("SSL_CERT_FILE", trusted);
        berth.envs(credentials.map(|text| ("POLYAXON_GIT_CREDENTIALS", text)));
        berth.output().unwrap()
    }
}

/// The files below a folder that hold one of `words`.
fn holding(folder: &Path, words: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, words));
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            found.extend(words.iter().any(|word| text.contains(word)).then_some(path));
        }
    }
    found
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[test]
fn a_private_repository_is_cloned_and_its_credentials_are_kept_nowhere() {
    let place = Place::new();
    let server = place.server();
    let output = place.clone_from(server.url(), &[&server], Some(ACCOUNT));
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains(&format!("at {} into", place.code.commits()[1])), "{said}");
    assert_eq!(std::fs::read_to_string(place.clone().join("text")).unwrap(), "2");
    assert!(server.was_told_a_password());
    let words = [PASSWORD, "to%2Fken", "robot", "cm9ib3Q6"];
    assert!(!words.iter().any(|word| said.contains(word)), "{said}");
    assert_eq!(holding(&place.clone(), &words), Vec::<PathBuf>::new());
}

#[test]
fn a_server_that_does_not_let_one_in_is_told_of_without_the_password() {
    let place = Place::new();
    let (server, other) = (place.server(), place.server());
    for (credentials, trusted, expected) in [
        (None, &[&server][..], "it asks for credentials, and there are none: `POLYAXON_GIT_CREDENTIALS`"),
        (
            Some("robot:wrong"),
            &[&server][..],
            "it doesn't take the credentials of `POLYAXON_GIT_CREDENTIALS`",
        ),
        (Some(ACCOUNT), &[&other][..], "invalid peer certificate"),
    ] {
        let output = place.clone_from(server.url(), trusted, credentials);
        let said = said(&output);
        assert!(!output.status.success(), "{said}");
        assert!(
            said.contains(&format!("can't clone {}: ", server.url())) && said.contains(expected),
            "{said}"
        );
        assert!(!said.contains("wrong") && !said.contains(PASSWORD), "{said}");
    }
}

#[test]
fn no_password_is_told_without_tls() {
    let place = Place::new();
    let server = place.code.http("localhost", &format!("robot:{PASSWORD}"));
    let output = place.clone_from(server.url(), &[&place.server()], Some(ACCOUNT));
    assert!(said(&output).contains("Will not send credentials in clear text over http"), "{}", said(&output));
    assert!(!server.was_told_a_password());
}

#[test]
fn another_server_that_one_is_sent_to_is_told_no_password() {
    let place = Place::new();
    let (named, other) = (place.server(), place.server());
    named.send_to(&other);
    let output = place.clone_from(named.url(), &[&named, &other], Some(ACCOUNT));
    let said = said(&output);
    assert!(said.contains("it sent us to another server, which asks for credentials"), "{said}");
    assert!(!named.was_told_a_password() && !other.was_told_a_password(), "{said}");
}
