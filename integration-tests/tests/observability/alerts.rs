//! Alerts are what the page and the API call warnings, and each has its page in the book and its own test.

use std::process::Command;

use berth_domain::warning::Name;
use berth_test_servers::process::run;

use super::files::{root, rules};

#[test]
fn every_warning_has_an_alert_of_its_name_and_severity() {
    let rules = rules();
    for name in Name::ALL {
        let alert = rules.iter().find(|rule| rule.alert.as_deref() == Some(name.alert()));
        let alert = alert.unwrap_or_else(|| panic!("no alert {}", name.alert()));
        assert_eq!(alert.labels["severity"], name.severity().as_str(), "{name}");
        // Schedulers that are not there tell nothing.
        let of_warning = format!("berth_warning{{warning=\"{name}\"}}");
        assert!(alert.expr.contains(&of_warning) || *name == Name::NoScheduler, "{}", alert.expr);
    }
}

#[test]
fn every_alert_has_a_page_in_the_book_that_names_it_and_a_test() {
    let tests = std::fs::read_to_string(root().join("deploy/prometheus/berth.test.yml")).unwrap();
    let list = std::fs::read_to_string(root().join("docs/runbooks/README.md")).unwrap();
    for rule in rules() {
        let Some(alert) = &rule.alert else { continue };
        let page = &rule.annotations["runbook"];
        let text =
            std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(&format!("`{alert}`, {}", rule.labels["severity"])), "{page} is about another");
        let file = page.rsplit('/').next().unwrap();
        assert!(list.contains(&format!("({file})")), "{file} is not in the list of runbooks");
        assert!(tests.contains(&format!("- name: {alert}\n")), "{alert} is never made to fire");
        assert!(
            tests.contains(&format!("alertname: {alert}, exp_alerts: []")),
            "{alert} may fire when all is well"
        );
    }
}

#[test]
fn rules_do_what_their_tests_say() {
    let folder = root().join("deploy/prometheus");
    run(Command::new("promtool").current_dir(&folder).args(["check", "rules", "rules/berth.yml"]));
    run(Command::new("promtool").current_dir(&folder).args(["test", "rules", "berth.test.yml"]));
}
