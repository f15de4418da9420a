//! What cargo and test programs write is read as it is meant.

use xtask::programs::{Tally, programs};

const MESSAGES: &str = r##"{"reason":"compiler-artifact","package_id":"registry+index#serde@1.0.0","manifest_path":"/r/serde/Cargo.toml","target":{"name":"serde"},"profile":{"test":false},"executable":null}
{"reason":"compiler-artifact","package_id":"path+file:///w/cli#berth@0.1.0","manifest_path":"/w/cli/Cargo.toml","target":{"name":"berth"},"profile":{"test":false},"executable":"/t/debug/berth"}
{"reason":"compiler-artifact","package_id":"path+file:///w/domain#berth-domain@0.1.0","manifest_path":"/w/domain/Cargo.toml","target":{"name":"admission"},"profile":{"test":true},"executable":"/t/debug/deps/admission-1"}
{"reason":"compiler-artifact","package_id":"path+file:///w/xtask#0.1.0","manifest_path":"/w/xtask/Cargo.toml","target":{"name":"tidy"},"profile":{"test":true},"executable":"/t/debug/deps/tidy-1"}
{"reason":"compiler-artifact","package_id":"path+file:///w/integration-tests#berth-integration-tests@0.1.0","manifest_path":"/w/integration-tests/Cargo.toml","target":{"name":"kubernetes"},"profile":{"test":true},"executable":"/t/debug/deps/kubernetes-1"}
{"reason":"build-finished","success":true}
"##;

#[test]
fn test_programs_are_found_the_longest_first() {
    let found = programs(MESSAGES).unwrap();
    let names: Vec<&str> = found.iter().map(|program| program.name.as_str()).collect();
    assert_eq!(names, ["berth-integration-tests kubernetes", "berth-domain admission", "xtask tidy"]);
    assert_eq!(found[1].folder.to_str(), Some("/w/domain"));
    assert_eq!(found[1].file.as_deref().and_then(std::path::Path::to_str), Some("/t/debug/deps/admission-1"));
}

#[test]
fn what_is_not_a_message_is_told_and_not_passed_over() {
    let error = programs("warning: something\n").unwrap_err();
    assert_eq!(error.to_string(), "not a message of cargo: warning: something");
}

#[test]
fn results_of_all_programs_are_counted() {
    let mut tally = Tally::default();
    tally.add("test a ... ok\ntest result: ok. 12 passed; 0 failed; 0 ignored; finished in 0.1s\n", true);
    tally.add("test result: FAILED. 3 passed; 2 failed; 0 ignored; finished in 0.1s\n", false);
    assert_eq!((tally.passed, tally.failed), (15, 2));
}

#[test]
fn a_program_that_crashed_is_a_failure_whatever_it_counted() {
    let mut tally = Tally::default();
    tally.add("running 3 tests\ntest a ... ok\n", false);
    tally.add("test result: ok. 1 passed; 0 failed;\n", false);
    assert_eq!((tally.passed, tally.failed), (1, 2));
}

#[test]
fn what_can_not_run_here_is_named_once() {
    let mut tally = Tally::default();
    tally.add("test a ... NOT RUN: no root\nNOT RUN: no root\ntest result: ok. 1 passed; 0 failed;\n", true);
    assert_eq!(tally.unrun.into_iter().collect::<Vec<_>>(), ["NOT RUN: no root"]);
}

#[test]
fn what_a_failed_test_said_is_kept_without_its_backtrace() {
    let mut tally = Tally::default();
    tally.add(
        "test b ... ok\nfailures:\n\n---- a::b stdout ----\nsaid before\n\n\
         thread 'a::b' (7) panicked at tests/a.rs:7:5:\nleft: 1\nright: 2\nstack backtrace:\n   0: begin\n\n\
         ---- b stdout ----\nthread 'b' (8) panicked at tests/b.rs:1:1:\nno trace\n\
         ---- c stdout ----\nError: \"not even a panic\"\n\n\nfailures:\n    a::b\n    c\n\n\
         test result: FAILED. 1 passed; 2 failed; 0 ignored;\n",
        false,
    );
    let expected = "a::b\n    thread 'a::b' (7) panicked at tests/a.rs:7:5:\n    left: 1\n    right: 2";
    let untraced = "b\n    thread 'b' (8) panicked at tests/b.rs:1:1:\n    no trace";
    assert_eq!(tally.failures, [expected, untraced, "c"]);
}
