//! Routing rules: a table of the organization that says where runs go that name no queue. The first that matches
//! holds; one that can't be the first for any run is pointed out.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::limits::Demand;
use crate::labels::{self, InvalidLabel, Labels};
use crate::name::QueueRef;
use crate::quantity::Quantity;
use crate::spec::{Format, Limits, read_document, shown};

/// The most rules of an organization.
pub const MAX_RULES: usize = 256;
/// The most queues that a rule names.
pub const MAX_QUEUES: usize = 100;

/// The kinds that runs have.
const KINDS: [&str; 2] = ["job", "service"];

/// Which runs a rule is for: those that have all of this. Nothing is for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// The name of their project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Labels of their environment.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Their kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What they ask for of resources, at the least.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, Quantity>,
}

/// Where the runs go that match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingRule {
    /// Which runs.
    #[serde(rename = "match", default)]
    pub matches: Match,
    /// Their queues, in order of preference.
    pub queues: Vec<QueueRef>,
}

/// A run, as far as rules tell runs apart.
#[derive(Debug, Clone, Copy)]
pub struct Routed<'a> {
    /// The name of its project.
    pub project: &'a str,
    /// The labels of its environment.
    pub labels: &'a Labels,
    /// Its kind.
    pub kind: &'a str,
    /// What it asks for of resources.
    pub demand: &'a Demand,
}

impl Match {
    /// Whether a run has all of it.
    #[must_use]
    pub fn holds(&self, run: Routed<'_>) -> bool {
        self.project.as_ref().is_none_or(|project| project == run.project)
            && self.kind.as_ref().is_none_or(|kind| kind == run.kind)
            && labels::matches(&self.labels, run.labels)
            && self.resources.iter().all(|(name, least)| run.demand.of(name) >= *least)
    }

    /// The run of `kind` that has this and nothing more: no rule that is for other runs than this one matches it
    /// unless it matches every run of that kind that this one matches.
    fn least(&self, kind: &str, holds: impl FnOnce(Routed<'_>) -> bool) -> bool {
        // No project has a slash in its name.
        let project = self.project.as_deref().unwrap_or("any/other");
        let demand = self.resources.iter().map(|(name, amount)| (name.clone(), *amount)).collect();
        holds(Routed { project, labels: &self.labels, kind, demand: &demand })
    }
}

/// Reads a table, a list of rules in YAML or JSON, as far as its form goes.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse(text: &str) -> Result<Vec<RoutingRule>, String> {
    let node = read_document(text, Format::Auto, &Limits::default()).map_err(|errors| errors.to_string())?;
    let Value::Array(rules) = node.to_value() else {
        return Err("expected a list of rules, each with `match` and `queues`".to_owned());
    };
    let read =
        |(place, rule)| serde_json::from_value(rule).map_err(|error| format!("rule {}: {error}", place + 1));
    rules.into_iter().enumerate().map(read).collect()
}

/// The first rule that is for a run, with its place from 0.
#[must_use]
pub fn first_match<'a>(rules: &'a [RoutingRule], run: Routed<'_>) -> Option<(usize, &'a RoutingRule)> {
    rules.iter().enumerate().find(|(_, rule)| rule.matches.holds(run))
}

/// What is wrong with a table of rules. Rules are told by their place, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRules {
    /// There are too many.
    #[error("{0} rules are too many; allowed are {MAX_RULES}")]
    TooMany(usize),
    /// A rule names no queue, or too many.
    #[error("rule {rule} names {queues} queues; allowed are 1 to {MAX_QUEUES}")]
    Queues {
        /// Its place.
        rule: usize,
        /// How many it names.
        queues: usize,
    },
    /// A kind that no run has.
    #[error("rule {rule} can never match: no run is of the kind `{kind}`; use {}", KINDS.join(" or "))]
    Kind {
        /// Its place.
        rule: usize,
        /// The kind.
        kind: String,
    },
    /// A label that no run has.
    #[error("rule {rule} can never match: {source}")]
    Label {
        /// Its place.
        rule: usize,
        /// Why it is none.
        source: InvalidLabel,
    },
    /// An amount that every run has.
    #[error("rule {rule} asks for {amount} of `{resource}`, which says nothing; use more than 0")]
    Amount {
        /// Its place.
        rule: usize,
        /// Of what.
        resource: String,
        /// How much.
        amount: Quantity,
    },
    /// Every run that a rule is for is taken by others before it.
    #[error("rule {rule} can never be the first: what it matches, {}", Shadows(by))]
    Shadowed {
        /// Its place.
        rule: usize,
        /// Those before it that take its runs.
        by: Vec<usize>,
    },
}

struct Shadows<'a>(&'a [usize]);

impl fmt::Display for Shadows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [one] => write!(f, "rule {one} matches before it"),
            several => {
                let places: Vec<String> = several.iter().map(ToString::to_string).collect();
                write!(f, "the rules {} together match before it", places.join(", "))
            }
        }
    }
}

/// Checks a table.
///
/// # Errors
/// The first mistake: a rule that names no queue, can never match, or is shadowed by those before it.
pub fn check(rules: &[RoutingRule]) -> Result<(), InvalidRules> {
    if rules.len() > MAX_RULES {
        return Err(InvalidRules::TooMany(rules.len()));
    }
    for (place, rule) in rules.iter().enumerate() {
        check_one(place + 1, rule)?;
        if let Some(by) = shadowing(&rules[..place], &rule.matches) {
            return Err(InvalidRules::Shadowed { rule: place + 1, by });
        }
    }
    Ok(())
}

fn check_one(rule: usize, RoutingRule { matches, queues }: &RoutingRule) -> Result<(), InvalidRules> {
    if queues.is_empty() || queues.len() > MAX_QUEUES {
        return Err(InvalidRules::Queues { rule, queues: queues.len() });
    }
    if let Some(kind) = matches.kind.as_deref().filter(|kind| !KINDS.contains(kind)) {
        return Err(InvalidRules::Kind { rule, kind: shown(kind) });
    }
    labels::check(&matches.labels).map_err(|source| InvalidRules::Label { rule, source })?;
    match matches.resources.iter().find(|(_, amount)| **amount <= Quantity::ZERO) {
        Some((resource, amount)) => {
            Err(InvalidRules::Amount { rule, resource: shown(resource), amount: *amount })
        }
        None => Ok(()),
    }
}

/// The rules before it that take all that a rule matches; none if it is the first for some run.
///
/// It is exact: what a rule asks for of labels and resources, a run has that has more, so that the run with the
/// least is the last to be taken by others; and of projects that no rule names, one stands for all.
fn shadowing(before: &[RoutingRule], matches: &Match) -> Option<Vec<usize>> {
    let kinds = KINDS.iter().filter(|kind| matches.kind.as_ref().is_none_or(|own| own == *kind));
    let mut by = kinds
        .map(|kind| {
            let taken = before.iter().position(|rule| matches.least(kind, |run| rule.matches.holds(run)));
            taken.map(|place| place + 1)
        })
        .collect::<Option<Vec<usize>>>()?;
    by.sort_unstable();
    by.dedup();
    Some(by)
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rules(table: &Value) -> Vec<RoutingRule> {
        let rule = |matches: &Value| json!({ "match": matches, "queues": ["a/q"] });
        serde_json::from_value(table.as_array().unwrap().iter().map(rule).collect()).unwrap()
    }

    #[test]
    fn the_first_rule_that_matches_holds() {
        let rules = rules(&json!([
            { "project": "vision", "resources": { "gpu": "1" } },
            { "labels": { "team": "x" }, "kind": "job" },
            { "kind": "service" },
        ]));
        let team: Labels = [("team".to_owned(), "x".to_owned())].into();
        let gpus = |count: &str| [("gpu".to_owned(), count.parse().unwrap())].into_iter().collect::<Demand>();
        for (project, labels, kind, demand, first) in [
            ("vision", &team, "job", gpus("2"), Some(0)),
            ("vision", &team, "job", gpus("500m"), Some(1)),
            ("other", &team, "job", gpus("2"), Some(1)),
            ("other", &team, "service", gpus("2"), Some(2)),
            ("other", &Labels::new(), "job", gpus("2"), None),
        ] {
            let run = Routed { project, labels, kind, demand: &demand };
            assert_eq!(first_match(&rules, run).map(|(place, _)| place), first);
        }
    }

    #[test]
    fn what_can_never_be_the_first_is_pointed_out_in_these_words() {
        for (table, said) in [
            (
                json!([{ "kind": "job" }, { "kind": "job", "project": "p" }]),
                "rule 2 can never be the first: what it matches, rule 1 matches before it",
            ),
            (
                json!([{ "resources": { "gpu": "1" } }, { "resources": { "gpu": "2", "cpu": "1" } }]),
                "rule 2 can never be the first: what it matches, rule 1 matches before it",
            ),
            (
                json!([{ "kind": "job" }, { "kind": "service" }, { "project": "p" }]),
                "rule 3 can never be the first: what it matches, the rules 1, 2 together match before it",
            ),
            (
                json!([{}, { "labels": { "a": "b" } }]),
                "rule 2 can never be the first: what it matches, rule 1 matches before it",
            ),
            (
                json!([{ "kind": "dag" }]),
                "rule 1 can never match: no run is of the kind `dag`; use job or service",
            ),
            (
                json!([{ "resources": { "gpu": "0" } }]),
                "rule 1 asks for 0 of `gpu`, which says nothing; use more than 0",
            ),
        ] {
            assert_eq!(check(&rules(&table)).unwrap_err().to_string(), said);
        }
        let long = json!([{ "labels": { "a b": "c" } }]);
        assert!(check(&rules(&long)).unwrap_err().to_string().starts_with("rule 1 can never match: the key"));
        let mut none = rules(&json!([{}]));
        none[0].queues.clear();
        assert_eq!(check(&none).unwrap_err().to_string(), "rule 1 names 0 queues; allowed are 1 to 100");
    }

    #[test]
    fn a_table_is_read_from_yaml_and_mistakes_are_told_by_their_rule() {
        let yaml =
            "- match: {project: vision, resources: {gpu: 1}}\n  queues: [eu/gpu, us/gpu]\n- queues: [cpu]\n";
        let rules = parse(yaml).unwrap();
        assert_eq!((rules.len(), rules[0].queues.len(), &rules[1].matches), (2, 2, &Match::default()));
        assert_eq!(rules[0].matches.resources["gpu"], Quantity::from_units(1));
        for (text, said) in [
            ("a: b", "expected a list of rules, each with `match` and `queues`"),
            ("- queues: [cpu]\n- match: {}\n", "rule 2: missing field `queues`"),
            (
                "- {queues: [cpu], match: {porject: p}}",
                "rule 1: unknown field `porject`, expected one of `project`, `labels`, `kind`, `resources`",
            ),
            (
                "- queues: [a/b/c]",
                "rule 1: `b/c` is not a name: use 1 to 63 of a-z, 0-9 and `-`, beginning and ending with a letter or digit",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), said);
        }
    }

    fn few_labels() -> impl Strategy<Value = Labels> {
        btree_map(prop_oneof![Just("a".to_owned()), Just("b".to_owned())], "[xy]", 0..3)
    }

    fn any_match() -> impl Strategy<Value = Match> {
        let resources = btree_map("[gc]", (1_i64..3).prop_map(Quantity::from_units), 0..2);
        (option::of("[pq]"), few_labels(), option::of(prop_oneof![Just("job"), Just("service")]), resources)
            .prop_map(|(project, labels, kind, resources)| Match {
                project,
                labels,
                kind: kind.map(str::to_owned),
                resources,
            })
    }

    /// All runs that rules of [`any_match`] can tell apart.
    fn runs() -> Vec<(String, Labels, &'static str, Demand)> {
        let mut all = Vec::new();
        let values = [None, Some("x"), Some("y")];
        for project in ["p", "q", "r"] {
            for (a, b) in values.iter().flat_map(|a| values.iter().map(move |b| (a, b))) {
                let labels = [("a", a), ("b", b)];
                let labels: Labels = labels
                    .iter()
                    .filter_map(|(k, v)| Some(((*k).to_owned(), v.map(str::to_owned)?)))
                    .collect();
                for kind in KINDS {
                    for (g, c) in (0..3).flat_map(|g| (0..3).map(move |c| (g, c))) {
                        let demand =
                            [("g", g), ("c", c)].map(|(n, u)| (n.to_owned(), Quantity::from_units(u)));
                        all.push((project.to_owned(), labels.clone(), kind, demand.into_iter().collect()));
                    }
                }
            }
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_rule_is_called_shadowed_exactly_if_it_is_the_first_for_no_run(matches in vec(any_match(), 1..5)) {
            let queues: Vec<QueueRef> = vec!["a/q".parse().unwrap()];
            let rules: Vec<RoutingRule> =
                matches.into_iter().map(|matches| RoutingRule { matches, queues: queues.clone() }).collect();
            let runs = runs();
            for (place, rule) in rules.iter().enumerate() {
                let is_first = runs.iter().any(|(project, labels, kind, demand)| {
                    let run = Routed { project, labels, kind, demand };
                    first_match(&rules, run).is_some_and(|(first, _)| first == place)
                });
                let called = shadowing(&rules[..place], &rule.matches);
                prop_assert_eq!(called.is_none(), is_first, "{:?}: {:?}", place + 1, called);
            }
        }
    }
}
