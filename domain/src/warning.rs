//! What is wrong with an installation, as far as its numbers tell: each with its cause, for people.
//!
//! The page, the API and the alerts of Prometheus ask this one function, so that they can't disagree.

mod facts;
mod name;

use std::time::Duration;

use serde::Serialize;

use crate::time::Time;

pub use facts::{AgentFacts, Facts, QueueFacts, Starved, Stuck};
pub use name::{Name, Severity};

/// For how long runs may wait where nobody serves them: agents begin, and move.
pub const WITHOUT_CONSUMERS: Duration = Duration::from_secs(60);
/// For how long a run may wait that nothing but its turn holds back.
pub const LONGEST_WAIT: Duration = Duration::from_secs(3_600);
/// For how long a limit or a quota may hold back runs of a kind.
pub const LONGEST_STARVATION: Duration = Duration::from_secs(3_600);
/// For how long publishing an admitted attempt may fail.
pub const LONGEST_OUTBOX: Duration = Duration::from_secs(30);
/// For how long a run may be between two statuses of which one follows the other by itself.
pub const LONGEST_TRANSITION: Duration = Duration::from_secs(600);
/// How far a clock may be ahead; and behind, which may also be a slow broker.
pub const CLOCK_AHEAD: Duration = Duration::from_secs(5);
/// See [`CLOCK_AHEAD`].
pub const CLOCK_BEHIND: Duration = Duration::from_secs(30);
/// How often one attempt may be claimed in vain before that is worth a word.
pub const LOST_CLAIMS: u32 = 2;
/// How many dead letters an hour are too many.
pub const DEAD_LETTERS: u64 = 0;

/// What a warning is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Object {
    /// `queue`, `agent`, `broker` or `scheduler`.
    pub kind: &'static str,
    /// The agent's name.
    pub agent: Option<String>,
    /// The queue's name.
    pub queue: Option<String>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Warning {
    /// Which.
    pub name: Name,
    /// With what.
    pub object: Object,
    /// What it is, for people.
    pub message: String,
    /// Since when, if that is known.
    pub since: Option<Time>,
    /// What was measured; its unit is the name's.
    pub value: f64,
    /// What it may be at most.
    pub threshold: f64,
}

/// Everything that is wrong by these facts: the worst first, and of the same kind the oldest.
#[must_use]
pub fn warnings(facts: &Facts) -> Vec<Warning> {
    let mut found = Vec::new();
    found.extend(of_broker(facts));
    found.extend(of_scheduler(facts));
    for agent in &facts.agents {
        found.extend(of_agent(agent, facts));
    }
    for queue in &facts.queues {
        found.extend(of_queue(queue, facts.now));
    }
    found.sort_by(|a, b| {
        let key = |warning: &Warning| (warning.name.severity(), warning.since.is_none(), warning.since);
        key(a).cmp(&key(b)).then_with(|| (a.name, &a.object).cmp(&(b.name, &b.object)))
    });
    found
}

fn of_broker(facts: &Facts) -> Option<Warning> {
    let broker = || Object { kind: "broker", agent: None, queue: None };
    let said =
        |name, message| Warning { name, object: broker(), message, since: None, value: 1.0, threshold: 0.0 };
    if let Some(why) = &facts.broker_down {
        let message = format!("the broker can't be reached: {why}. Runs are accepted, and none starts");
        return Some(said(Name::BrokerDown, message));
    }
    let why = facts.broker_alarm.as_ref()?;
    let message = format!("the broker takes no messages: {why}. Runs are accepted, and none starts");
    Some(said(Name::BrokerAlarm, message))
}

fn of_scheduler(facts: &Facts) -> Option<Warning> {
    let seen = facts.scheduler_seen;
    let silent = seen.map(|seen| facts.now.since(seen)).filter(|silent| *silent < facts.scheduler_silence);
    if silent.is_some() {
        return None;
    }
    let ago = seen.map_or_else(|| "yet".to_owned(), |seen| format!("for {}", span(facts.now.since(seen))));
    Some(Warning {
        name: Name::NoScheduler,
        object: Object { kind: "scheduler", agent: None, queue: None },
        message: format!("no scheduler has worked {ago}: runs are accepted, and none starts"),
        since: seen,
        value: seen.map_or(0.0, |seen| facts.now.since(seen).as_secs_f64()),
        threshold: facts.scheduler_silence.as_secs_f64(),
    })
}

fn of_agent(agent: &AgentFacts, facts: &Facts) -> Vec<Warning> {
    let now = facts.now;
    let name = &agent.agent;
    let object = || Object { kind: "agent", agent: Some(name.clone()), queue: None };
    let mut found = Vec::new();
    if let Some(until) = agent.lease_until
        && until <= now
        && agent.runs > 0
    {
        let silent = now.since(until);
        found.push(Warning {
            name: Name::AgentLost,
            object: object(),
            message: format!(
                "agent `{name}` has had no lease for {}, and {} are its",
                span(silent),
                runs(agent.runs)
            ),
            since: Some(until),
            value: silent.as_secs_f64(),
            threshold: 0.0,
        });
    }
    if let Some(ahead) = agent.clock_ahead_ms
        && (ahead > millis(CLOCK_AHEAD) || ahead < -millis(CLOCK_BEHIND))
    {
        let (off, threshold) = if ahead > 0 {
            ("ahead of", CLOCK_AHEAD)
        } else {
            ("behind, or its messages are late by", CLOCK_BEHIND)
        };
        let by = Duration::from_millis(ahead.unsigned_abs());
        found.push(Warning {
            name: Name::ClockSkew,
            object: object(),
            message: if ahead > 0 {
                format!("the clock of agent `{name}` is {} {off} the control plane's", span(by))
            } else {
                format!("the clock of agent `{name}` is {off} {}", span(by))
            },
            since: None,
            value: by.as_secs_f64(),
            threshold: threshold.as_secs_f64(),
        });
    }
    if let Some(release) = &agent.release
        && agent.lease_until.is_some_and(|until| until > now)
        && let Some(skew) = releases_apart(release, &facts.release)
    {
        found.push(Warning {
            name: Name::VersionSkew,
            object: object(),
            message: format!(
                "agent `{name}` is of release {release}, and the control plane of {}",
                facts.release
            ),
            since: None,
            value: skew as f64,
            threshold: 1.0,
        });
    }
    found
}

fn of_queue(queue: &QueueFacts, now: Time) -> Vec<Warning> {
    let name = format!("{}/{}", queue.agent, queue.queue);
    let mut found = Vec::new();
    let mut say = |warning: Name, message: String, since: Option<Time>, value: f64, threshold: f64| {
        let (agent, queue) = (Some(queue.agent.clone()), Some(queue.queue.clone()));
        let object = Object { kind: "queue", agent, queue };
        found.push(Warning { name: warning, object, message, since, value, threshold });
    };
    let oldest = queue.oldest_queued_at.filter(|_| queue.backlog > 0 && queue.is_open);
    if let Some(since) = oldest {
        let waits = now.since(since);
        if queue.consumers == Some(0) {
            if waits > WITHOUT_CONSUMERS {
                let message =
                    format!("{} in `{name}`, and no replica of its agent lives", wait(queue.backlog));
                say(Name::BacklogWithoutConsumers, message, Some(since), queue.backlog as f64, 0.0);
            }
        } else if waits > LONGEST_WAIT && queue.starved.is_none() {
            let message = format!("a run has waited in `{name}` for {}", span(waits));
            say(
                Name::OldestRunWaitsTooLong,
                message,
                Some(since),
                waits.as_secs_f64(),
                LONGEST_WAIT.as_secs_f64(),
            );
        }
    }
    if let Some(Starved { since, rule, of }) = &queue.starved {
        let starved = now.since(*since);
        if starved > LONGEST_STARVATION {
            let message =
                format!("runs in `{name}` have been held back by {rule} of {of} for {}", span(starved));
            let most = LONGEST_STARVATION.as_secs_f64();
            say(Name::QuotaStarvation, message, Some(*since), starved.as_secs_f64(), most);
        }
    }
    if let Some(since) = queue.unpublished_since
        && now.since(since) > LONGEST_OUTBOX
    {
        let lag = now.since(since);
        let message = format!(
            "the broker has not taken the offers of `{name}` for {}: its runs stay `scheduled`",
            span(lag)
        );
        say(Name::OutboxLags, message, Some(since), lag.as_secs_f64(), LONGEST_OUTBOX.as_secs_f64());
    }
    if queue.lost_claims > 0 {
        let message = format!(
            "{} in `{name}` claimed more than {LOST_CLAIMS} times without a start: its agent dies or loses them",
            if queue.lost_claims == 1 {
                "1 run was".to_owned()
            } else {
                format!("{} runs were", queue.lost_claims)
            }
        );
        say(Name::RedeliveriesGrow, message, None, queue.lost_claims as f64, 0.0);
    }
    if queue.dead_letters_lately > DEAD_LETTERS {
        let message = format!(
            "{} became dead letters of `{name}` within the hour",
            runs_or_messages(queue.dead_letters_lately)
        );
        say(Name::DeadLettersGrow, message, None, queue.dead_letters_lately as f64, DEAD_LETTERS as f64);
    }
    if let Some(Stuck { since, count }) = queue.stuck {
        let stuck = now.since(since);
        if stuck > LONGEST_TRANSITION {
            let what = if count == 1 { "1 run is".to_owned() } else { format!("{count} runs are") };
            let message = format!(
                "{what} starting or stopping in `{name}`, the longest for {}: its agent says nothing of it",
                span(stuck)
            );
            let most = LONGEST_TRANSITION.as_secs_f64();
            say(Name::RunsStuckBetweenStates, message, Some(since), stuck.as_secs_f64(), most);
        }
    }
    found
}

/// How many minor releases lie between the two, if more than one, or if the agent's is the newer; none if they go together,
/// or one of them is not a release's.
fn releases_apart(agent: &str, ours: &str) -> Option<u64> {
    let parts = |text: &str| {
        let mut parts = text.split(['.', '-', '+']);
        Some((parts.next()?.parse::<u64>().ok()?, parts.next()?.parse::<u64>().ok()?))
    };
    let ((agent_major, agent_minor), (major, minor)) = (parts(agent)?, parts(ours)?);
    if agent_major != major {
        // Counted as if each major release had a hundred minor ones.
        return Some(agent_major.abs_diff(major).saturating_mul(100));
    }
    let apart = agent_minor.abs_diff(minor);
    (apart > 1 || agent_minor > minor).then_some(apart)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn runs(count: u64) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

fn wait(count: u64) -> String {
    if count == 1 { "1 run waits".to_owned() } else { format!("{count} runs wait") }
}

fn runs_or_messages(count: u64) -> String {
    if count == 1 { "1 run or message".to_owned() } else { format!("{count} runs or messages") }
}

/// A time as people say it: its two largest units.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests;
