//! Clones of a repository that git itself serves.

use berth_test_servers::git::{Repository, git};

use super::*;

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn a_branch_a_tag_and_a_commit_are_cloned_with_as_much_history_as_is_wanted() {
    let (code, clones) = (Repository::new(), tempfile::tempdir().unwrap());
    let daemon = code.daemon();
    let first = code.commits()[0].as_str();
    for (name, revision, depth, text, at, history) in [
        ("default", None, None, "2", 1, 2),
        ("branch", Some("next"), None, "3", 2, 3),
        ("tag", Some("v2"), None, "2", 1, 2),
        ("commit", Some(first), None, "1", 0, 1),
        ("full", Some("refs/heads/next"), None, "3", 2, 3),
        ("shallow", None, NonZeroU32::new(1), "2", 1, 1),
        ("shallow-branch", Some("next"), NonZeroU32::new(2), "3", 2, 2),
        ("shallow-tag", Some("v2"), NonZeroU32::new(1), "2", 1, 1),
        ("shallow-commit", Some(code.commits()[1].as_str()), NonZeroU32::new(1), "2", 1, 1),
    ] {
        let into = clones.path().join(name);
        let wanted = Wanted { url: daemon.url(), revision, depth };
        let commit = clone(&wanted, &into, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(commit, code.commits()[at], "{name}");
        assert_eq!(read(&into, "text"), text, "{name}");
        assert_eq!(git(&into, &["rev-parse", "HEAD"]), commit, "git agrees: {name}");
        assert_eq!(git(&into, &["status", "--porcelain"]), "", "git sees no change: {name}");
        assert_eq!(git(&into, &["rev-list", "--count", "HEAD"]), history.to_string(), "{name}");
    }
}

#[test]
fn what_can_not_be_cloned_is_told_and_nothing_is_left_of_it() {
    let (code, clones) = (Repository::new(), tempfile::tempdir().unwrap());
    let daemon = code.daemon();
    let into = clones.path().join("code");
    let none = daemon.url().replace("code", "none");
    let short = &code.commits()[0][..8];
    for (url, revision, expected) in [
        (daemon.url(), Some("none"), "none"),
        (daemon.url(), Some(short), short),
        (none.as_str(), None, "repository"),
    ] {
        let error = clone(&Wanted { url, revision, depth: None }, &into, None).unwrap_err().to_string();
        assert!(error.starts_with(&format!("can't clone {url}: ")), "{error}");
        assert!(error.contains(expected), "{error}");
        assert!(!into.join(".git").exists(), "{revision:?}");
    }
    std::fs::create_dir_all(&into).unwrap();
    std::fs::write(into.join("own"), "mine").unwrap();
    let error = clone(&Wanted { url: daemon.url(), revision: None, depth: None }, &into, None).unwrap_err();
    assert!(error.to_string().contains("empty"), "{error}");
    assert_eq!(read(&into, "own"), "mine");
}

#[test]
fn a_submodule_is_an_empty_folder() {
    let (code, clones) = (Repository::new(), tempfile::tempdir().unwrap());
    let daemon = code.daemon();
    let link = format!("160000,{},part", code.commits()[0]);
    git(&code.folder(), &["update-index", "--add", "--cacheinfo", &link]);
    git(&code.folder(), &["commit", "--quiet", "--message", "part"]);
    let into = clones.path().join("code");
    clone(&Wanted { url: daemon.url(), revision: None, depth: None }, &into, None).unwrap();
    assert_eq!(std::fs::read_dir(into.join("part")).unwrap().count(), 0);
}

#[test]
fn credentials_are_read_as_they_stand_in_a_url() {
    let read = |text: &str| {
        let account = account(text);
        (account.username, account.password)
    };
    let pair = |name: &str, password: &str| (name.to_owned(), password.to_owned());
    assert_eq!(read("me:se:cret\n"), pair("me", "se:cret"));
    assert_eq!(read("token"), pair("token", ""));
    assert_eq!(read("me%40org:p%2Fq%"), pair("me@org", "p/q%"));
}

#[test]
fn credentials_are_told_to_the_server_that_was_named_and_to_no_other() {
    for (asked, now, is_told) in [
        ("https://h/a", "https://h/a", true),
        ("https://h/a", "https://H:443/b", true),
        ("http://h/a", "https://h/a", true),
        ("https://h/a", "https://h.other/a", false),
        ("https://h/a", "https://h:8443/a", false),
        ("https://h/a", "http://h/a", false),
        ("http://h:1/a", "https://h:2/a", false),
    ] {
        let by = Context { url: Some(now.into()), ..Context::default() };
        let told = tell(&gix::url::parse(asked).unwrap(), by, account("me:secret"));
        assert_eq!(told.is_ok(), is_told, "{asked} {now}");
    }
}
