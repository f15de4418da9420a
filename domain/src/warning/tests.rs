//! Each warning is given when its cause is there, and not otherwise.

use super::*;

fn at(seconds: u64) -> Time {
    Time::from_micros(1_795_400_799_000_000).plus(Duration::from_secs(seconds))
}

/// A day in which all is well.
const NOW: u64 = 86_400;

fn healthy() -> Facts {
    Facts {
        now: at(NOW),
        release: "0.4.0".to_owned(),
        agents: vec![AgentFacts {
            agent: "a".to_owned(),
            lease_until: Some(at(NOW + 10)),
            runs: 5,
            release: Some("0.3.2".to_owned()),
            clock_ahead_ms: Some(-200),
        }],
        queues: vec![QueueFacts {
            agent: "a".to_owned(),
            queue: "q".to_owned(),
            backlog: 3,
            oldest_queued_at: Some(at(NOW - 60)),
            is_open: true,
            consumers: Some(2),
            ..QueueFacts::default()
        }],
        broker_down: None,
        broker_alarm: None,
        scheduler_seen: Some(at(NOW - 5)),
        scheduler_silence: Duration::from_secs(60),
    }
}

/// What is said when something of a healthy day is changed.
fn when(change: impl FnOnce(&mut Facts)) -> Vec<(Name, String)> {
    let mut facts = healthy();
    change(&mut facts);
    warnings(&facts).into_iter().map(|warning| (warning.name, warning.message)).collect()
}

fn when_queue(change: impl FnOnce(&mut QueueFacts)) -> Vec<(Name, String)> {
    when(|facts| change(&mut facts.queues[0]))
}

fn when_agent(change: impl FnOnce(&mut AgentFacts)) -> Vec<(Name, String)> {
    when(|facts| change(&mut facts.agents[0]))
}

fn said(name: Name, message: &str) -> Vec<(Name, String)> {
    vec![(name, message.to_owned())]
}

#[test]
fn nothing_is_said_of_a_healthy_day() {
    assert_eq!(when(|_| {}), []);
    assert_eq!(when(|facts| (facts.agents, facts.queues) = (Vec::new(), Vec::new())), []);
}

#[test]
fn a_backlog_without_consumers_is_said_unless_the_queue_is_closed_or_it_has_just_begun() {
    let nobody = |queue: &mut QueueFacts| {
        queue.consumers = Some(0);
        queue.oldest_queued_at = Some(at(NOW - 61));
    };
    let message = "3 runs wait in `a/q`, and no replica of its agent lives";
    assert_eq!(when_queue(nobody), said(Name::BacklogWithoutConsumers, message));
    let closed = |queue: &mut QueueFacts| {
        nobody(queue);
        queue.is_open = false;
    };
    assert_eq!(when_queue(closed), []);
    assert_eq!(when_queue(|queue| queue.consumers = Some(0)), [], "for a minute it may be so");
    let by_others = |queue: &mut QueueFacts| {
        nobody(queue);
        queue.consumers = None;
    };
    assert_eq!(when_queue(by_others), [], "of workers nothing is known");
}

#[test]
fn a_long_wait_is_told_from_one_that_a_limit_makes() {
    let old = |queue: &mut QueueFacts| queue.oldest_queued_at = Some(at(NOW - 2 * 3_600 - 300));
    let message = "a run has waited in `a/q` for 2 h 5 min";
    assert_eq!(when_queue(old), said(Name::OldestRunWaitsTooLong, message));
    let starved =
        |since: u64| Starved { since: at(since), rule: "a quota".to_owned(), of: "project `p`".to_owned() };
    let held = when_queue(|queue| {
        old(queue);
        queue.starved = Some(starved(NOW - 7_200));
    });
    let message = "runs in `a/q` have been held back by a quota of project `p` for 2 h 0 min";
    assert_eq!(held, said(Name::QuotaStarvation, message));
    assert_eq!(when_queue(|queue| queue.starved = Some(starved(NOW - 60))), []);
}

#[test]
fn what_stands_still_is_said() {
    let message = "the broker has not taken the offers of `a/q` for 31 s: its runs stay `scheduled`";
    assert_eq!(
        when_queue(|queue| queue.unpublished_since = Some(at(NOW - 31))),
        said(Name::OutboxLags, message)
    );
    assert_eq!(when_queue(|queue| queue.unpublished_since = Some(at(NOW - 29))), []);
    let stuck =
        |since: u64| move |queue: &mut QueueFacts| queue.stuck = Some(Stuck { since: at(since), count: 2 });
    let message =
        "2 runs are starting or stopping in `a/q`, the longest for 11 min 0 s: its agent says nothing of it";
    assert_eq!(when_queue(stuck(NOW - 660)), said(Name::RunsStuckBetweenStates, message));
    assert_eq!(when_queue(stuck(NOW - 500)), []);
}

#[test]
fn what_comes_again_or_goes_nowhere_is_said() {
    let message =
        "1 run was in `a/q` claimed more than 2 times without a start: its agent dies or loses them";
    assert_eq!(when_queue(|queue| queue.lost_claims = 1), said(Name::RedeliveriesGrow, message));
    let message = "4 runs or messages became dead letters of `a/q` within the hour";
    assert_eq!(when_queue(|queue| queue.dead_letters_lately = 4), said(Name::DeadLettersGrow, message));
}

#[test]
fn an_agent_is_lost_when_its_lease_has_ended_and_it_has_runs() {
    let gone = |agent: &mut AgentFacts| agent.lease_until = Some(at(NOW - 90));
    let message = "agent `a` has had no lease for 1 min 30 s, and 5 runs are its";
    assert_eq!(when_agent(gone), said(Name::AgentLost, message));
    let idle = |agent: &mut AgentFacts| {
        gone(agent);
        agent.runs = 0;
    };
    assert_eq!(when_agent(idle), []);
    assert_eq!(when_agent(|agent| agent.lease_until = None), [], "it has never begun");
}

#[test]
fn a_clock_that_is_off_is_said_with_its_direction() {
    let message = "the clock of agent `a` is 6 s ahead of the control plane's";
    assert_eq!(when_agent(|agent| agent.clock_ahead_ms = Some(6_000)), said(Name::ClockSkew, message));
    let message = "the clock of agent `a` is behind, or its messages are late by 40 s";
    assert_eq!(when_agent(|agent| agent.clock_ahead_ms = Some(-40_000)), said(Name::ClockSkew, message));
    assert_eq!(when_agent(|agent| agent.clock_ahead_ms = Some(-20_000)), []);
    assert_eq!(when_agent(|agent| agent.clock_ahead_ms = Some(i64::MIN)).len(), 1);
}

#[test]
fn an_agent_may_be_one_release_behind_and_none_ahead() {
    let skewed = |release: &str| when_agent(|agent| agent.release = Some(release.to_owned())).len();
    assert_eq!((skewed("0.4.9"), skewed("0.3.0"), skewed("nightly")), (0, 0, 0));
    assert_eq!((skewed("0.2.0"), skewed("0.5.0"), skewed("1.4.0")), (1, 1, 1));
    let gone = when_agent(|agent| {
        agent.release = Some("0.1.0".to_owned());
        agent.lease_until = Some(at(1));
        agent.runs = 0;
    });
    assert_eq!(gone, [], "it is not there");
}

#[test]
fn a_broker_that_is_away_hides_its_alarm() {
    let both = when(|facts| {
        facts.broker_down = Some("connection refused".to_owned());
        facts.broker_alarm = Some("low on disk".to_owned());
    });
    assert_eq!(both.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [Name::BrokerDown]);
    let alarm = when(|facts| facts.broker_alarm = Some("low on disk".to_owned()));
    let message = "the broker takes no messages: low on disk. Runs are accepted, and none starts";
    assert_eq!(alarm, said(Name::BrokerAlarm, message));
}

#[test]
fn schedulers_that_are_silent_are_said() {
    let silent = when(|facts| facts.scheduler_seen = Some(at(NOW - 61)));
    let message = "no scheduler has worked for 1 min 1 s: runs are accepted, and none starts";
    assert_eq!(silent, said(Name::NoScheduler, message));
    let message = "no scheduler has worked yet: runs are accepted, and none starts";
    assert_eq!(when(|facts| facts.scheduler_seen = None), said(Name::NoScheduler, message));
}

#[test]
fn the_worst_is_first_and_then_the_oldest() {
    let all = when(|facts| {
        facts.queues[0].dead_letters_lately = 1;
        facts.queues[0].unpublished_since = Some(at(NOW - 100));
        facts.agents[0].lease_until = Some(at(NOW - 200));
    });
    let names: Vec<Name> = all.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [Name::AgentLost, Name::OutboxLags, Name::DeadLettersGrow]);
}

#[test]
fn names_are_those_of_alerts_and_pages() {
    assert_eq!(Name::AgentLost.alert(), "BerthAgentLost");
    assert_eq!(Name::AgentLost.runbook(), "runbooks/AgentLost.html");
    assert_eq!(Name::ALL.len(), 13);
}

#[test]
fn only_what_somebody_limited_starves() {
    let hold = |rule| crate::scheduling::Hold { rule, level: "project".to_owned(), name: "p".to_owned() };
    let of = |rule| Starved::by(&hold(rule), at(1)).map(|starved| (starved.rule, starved.of));
    use crate::scheduling::Rule;
    assert_eq!(of(Rule::Quota), Some(("a quota".to_owned(), "project `p`".to_owned())));
    assert!(of(Rule::Limit).is_some() && of(Rule::Rate).is_some());
    for other in [Rule::Paused, Rule::Cordoned, Rule::Behind, Rule::Window, Rule::AgentLost, Rule::FairShare]
    {
        assert_eq!(of(other), None, "{other:?}");
    }
}
