//! What a change of a run's state is in its trace: a claim was granted, or an attempt has ended. Whoever commits the change
//! records it, and each is committed once.

use berth_domain::id::{AgentId, QueueId, RunId};
use berth_domain::lifecycle::{DispatchState, FailureClass, Outcome, Status};
use berth_domain::time::Time;
use berth_domain::trace::{Hop, SpanId, TraceContext};

use super::{Kind, Span, Tracer};

/// A run, as far as its trace needs to know it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Which.
    pub run: RunId,
    /// Where it belongs in a trace, if it is in one.
    pub context: Option<&'a TraceContext>,
    /// Its agent.
    pub agent: Option<AgentId>,
    /// Its queue.
    pub queue: Option<QueueId>,
}

/// A hop that a change of state is.
#[derive(Debug, Clone, PartialEq)]
pub struct Passed {
    /// The run.
    pub run: RunId,
    /// Where it belongs in a trace.
    pub context: TraceContext,
    /// Its agent.
    pub agent: Option<AgentId>,
    /// Its queue.
    pub queue: Option<QueueId>,
    /// Which hop: a grant or an end.
    pub hop: Hop,
    /// The status after it.
    pub status: Status,
    id: SpanId,
    parent: Option<SpanId>,
    attempt: u32,
    end: Option<Ended>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
struct Ended {
    exit_code: Option<i32>,
    reason: String,
    failure: Option<(FailureClass, String)>,
}

impl Passed {
    /// What the change of `subject` from `before` to `after` is, if it is a hop of a run that is in a trace. `told` is the span
    /// of who asked for it: of a claim, or of what an agent reports the end of.
    #[must_use]
    pub fn of(
        subject: Subject<'_>,
        before: &DispatchState,
        after: &DispatchState,
        told: Option<SpanId>,
    ) -> Option<Self> {
        let context = subject.context?;
        let (run, attempt, turn) = (subject.run, before.attempt, before.turn());
        let offer = || SpanId::of(run, attempt, turn, Hop::Offer);
        let grant = || SpanId::of(run, attempt, turn, Hop::Grant);
        let is_claimed = |state: &DispatchState| state.claim.as_ref().is_some_and(|claim| !claim.is_handed);
        let (hop, id, before_it) = if has_ended(before, after) {
            let last = match &before.claim {
                Some(claim) if !claim.is_handed => Some(grant()),
                Some(_) => Some(offer()),
                None => before.is_offered().then(offer),
            };
            (Hop::End, SpanId::of(run, attempt, 0, Hop::End), last)
        } else if after.attempt == attempt && is_claimed(after) && !is_claimed(before) {
            (Hop::Grant, grant(), Some(offer()))
        } else {
            return None;
        };
        let end = before.claim.as_ref().filter(|_| hop == Hop::End).and_then(|_| ended(after));
        Some(Self {
            run,
            context: context.clone(),
            agent: subject.agent,
            queue: subject.queue,
            hop,
            status: after.status,
            id,
            parent: told.or(before_it),
            attempt,
            end,
        })
    }

    /// Records it: from when the change was decided on to when it was committed.
    pub fn record(&self, tracer: &Tracer, times: (Time, Time), agent: &str, queue: &str) {
        tracer.hop(&self.context, (self.hop, self.id), times, |span| {
            let span = span.attempt(self.run, self.attempt, agent, queue);
            let span = match self.parent {
                Some(parent) => span.under(Some(parent)),
                None => span,
            };
            if self.hop == Hop::Grant {
                return span.kind(Kind::Server);
            }
            let span = span.kind(Kind::Consumer).with("berth.status", self.status.as_str());
            self.end.iter().fold(span, Ended::said)
        });
    }
}

impl Ended {
    fn said(span: Span, end: &Self) -> Span {
        let span = span.with("berth.reason", end.reason.as_str());
        let span = match end.exit_code {
            Some(code) => span.with("process.exit.code", code),
            None => span,
        };
        match &end.failure {
            Some((class, message)) => span.with("error.type", class.as_str()).failed(message.as_str()),
            None => span,
        }
    }
}

/// How an attempt ended that was at an agent.
fn ended(state: &DispatchState) -> Option<Ended> {
    let end = state.end.as_ref()?;
    let failure = match end.outcome {
        Outcome::Failed(class) => Some((class, end.message.clone())),
        Outcome::Succeeded | Outcome::Stopped => None,
    };
    Some(Ended { exit_code: end.exit_code, reason: end.reason.clone(), failure })
}

/// Whether an attempt ended: its run has, or another attempt follows.
fn has_ended(before: &DispatchState, after: &DispatchState) -> bool {
    !before.status.is_final() && (after.status.is_final() || after.attempt > before.attempt)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use berth_domain::lifecycle::{ClaimLimits, End, Event, RetryPolicy, step};
    use berth_domain::protocol::{Phase, Report};

    use super::*;

    const NOW: Time = Time::from_micros(1_000_000);

    struct Run {
        id: RunId,
        context: TraceContext,
        state: DispatchState,
        hops: Vec<(Hop, u32, Option<SpanId>)>,
    }

    impl Run {
        fn new(retries: u32) -> Self {
            let context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
            let mut run = Self {
                id: RunId::new(),
                context,
                state: DispatchState::new(RetryPolicy::of(retries)),
                hops: Vec::new(),
            };
            run.go(&Event::Compile, None);
            run.go(&Event::Queue, None);
            run
        }

        fn go(&mut self, event: &Event<'_>, told: Option<SpanId>) {
            let after = step(&self.state, event, NOW, 0.0).unwrap().state;
            let subject = Subject { run: self.id, context: Some(&self.context), agent: None, queue: None };
            let passed = Passed::of(subject, &self.state, &after, told);
            self.hops.extend(passed.map(|passed| (passed.hop, passed.attempt, passed.parent)));
            self.state = after;
        }

        fn claim(&mut self, told: Option<SpanId>) {
            let limits = ClaimLimits {
                validity: Duration::from_secs(10),
                create_grace: Duration::from_secs(1),
                replace: false,
            };
            let attempt = self.state.attempt;
            self.go(&Event::Claim { replica: "r", nonce: "n", attempt, limits }, told);
        }

        fn fail(&mut self, told: Option<SpanId>) {
            let end = End {
                outcome: Outcome::Failed(FailureClass::User),
                exit_code: Some(3),
                reason: "ExitCode".into(),
                message: "exited with 3".into(),
            };
            let (run, attempt) = (self.id, self.state.attempt);
            let phase = Phase::Ended(end);
            let report = Report { run, attempt, uid: Some("u".into()), rank: 9, at: NOW, span: told, phase };
            self.go(&Event::Report(&report), told);
        }

        fn of(&self, attempt: u32, turn: u32, hop: Hop) -> Option<SpanId> {
            Some(SpanId::of(self.id, attempt, turn, hop))
        }
    }

    #[test]
    fn each_attempt_is_granted_and_ends_once_under_what_its_agent_told() {
        let mut run = Run::new(1);
        let (claim, ran) = (Some(SpanId::new()), Some(SpanId::new()));
        run.go(&Event::Admit, None);
        run.claim(claim);
        run.claim(claim);
        run.fail(ran);
        run.go(&Event::Queue, None);
        run.go(&Event::Admit, None);
        run.claim(None);
        run.fail(None);
        let expected = [
            (Hop::Grant, 0, claim),
            (Hop::End, 0, ran),
            (Hop::Grant, 1, run.of(1, 0, Hop::Offer)),
            (Hop::End, 1, run.of(1, 0, Hop::Grant)),
        ];
        assert_eq!(run.hops, expected);
    }

    #[test]
    fn what_ends_before_it_began_ends_under_the_last_hop_there_was() {
        let mut waiting = Run::new(0);
        waiting.go(&Event::Stop { by: "me" }, None);
        assert_eq!(waiting.hops, [(Hop::End, 0, None)]);
        let mut offered = Run::new(0);
        offered.go(&Event::Admit, None);
        offered.go(&Event::Withdraw { reason: "paused" }, None);
        offered.go(&Event::Admit, None);
        offered.go(&Event::Expire, None);
        assert_eq!(offered.hops, [(Hop::End, 0, offered.of(0, 1, Hop::Offer))], "of its second turn");
    }

    #[test]
    fn a_recorded_end_says_how_it_ended() {
        let (tracer, mut seen) = Tracer::observed();
        let mut run = Run::new(0);
        run.go(&Event::Admit, None);
        run.claim(None);
        let before = run.state.clone();
        run.fail(None);
        let subject = Subject { run: run.id, context: Some(&run.context), agent: None, queue: None };
        let passed = Passed::of(subject, &before, &run.state, None).unwrap();
        passed.record(&tracer, (NOW, NOW.plus(Duration::from_millis(3))), "eu", "gpu");
        let span = seen.try_recv().unwrap();
        assert_eq!((span.kind, span.failure.as_deref()), (Kind::Consumer, Some("exited with 3")));
        for attribute in [
            ("berth.hop", "end".into()),
            ("berth.run.uuid", run.id.to_string().into()),
            ("berth.attempt", 0_u32.into()),
            ("berth.agent", "eu".into()),
            ("berth.queue", "gpu".into()),
            ("berth.status", "failed".into()),
            ("berth.reason", "ExitCode".into()),
            ("process.exit.code", 3_i32.into()),
            ("error.type", FailureClass::User.as_str().into()),
        ] {
            assert!(span.attributes.contains(&attribute), "{attribute:?}: {span:?}");
        }
    }
}
