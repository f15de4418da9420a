//! One container as a fake node plays it: a pure machine over a script and the time.

use std::time::Duration;

use jiff::Timestamp;

use super::script::Step;

/// The exit code of a container that SIGTERM ended.
const TERMINATED: i32 = 143;
/// The exit code of a container that SIGKILL ended.
const KILLED: i32 = 137;
/// How long an image pull is said to have failed before it is said to be backed off.
const PULL: Duration = Duration::from_secs(1);

/// A container, from before its start to its end.
#[derive(Debug, Clone)]
pub(super) struct Played {
    pub(super) name: String,
    pub(super) image: String,
    steps: Vec<Step>,
    /// The step that it is at, and since when.
    at: usize,
    since: Timestamp,
    ignores_term: bool,
    pub(super) state: State,
    pub(super) last: Option<Ended>,
    pub(super) ready: bool,
    pub(super) restarts: u32,
}

/// What a status says of a container.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    Waiting { reason: String, message: String },
    Running { since: Timestamp },
    Ended(Ended),
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) reason: &'static str,
    pub(super) started: Timestamp,
    pub(super) finished: Timestamp,
}

impl Played {
    pub(super) fn new(name: &str, image: &str, steps: Vec<Step>) -> Self {
        Self {
            name: name.to_owned(),
            image: image.to_owned(),
            steps,
            at: 0,
            since: Timestamp::UNIX_EPOCH,
            ignores_term: false,
            state: State::Waiting { reason: "PodInitializing".to_owned(), message: String::new() },
            last: None,
            ready: false,
            restarts: 0,
        }
    }

    pub(super) fn ended(&self) -> Option<&Ended> {
        if let State::Ended(ended) = &self.state { Some(ended) } else { None }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// Starts it, if it was not started: what keeps it from starting is its first step.
    pub(super) fn start(&mut self, now: Timestamp) {
        if !matches!(&self.state, State::Waiting { reason, .. } if reason == "PodInitializing") {
            return;
        }
        (self.at, self.since) = (0, now);
        self.state = match self.steps.first() {
            Some(Step::Stuck { reason, message }) => waiting(reason, message),
            Some(Step::ImageError) => {
                let image = &self.image;
                waiting("ErrImagePull", &format!("failed to pull and unpack image \"{image}\": not found"))
            }
            _ => {
                self.ready = true;
                State::Running { since: now }
            }
        };
    }

    /// Starts it once more after its end.
    pub(super) fn restart(&mut self, now: Timestamp) {
        let before = std::mem::replace(&mut self.state, waiting("PodInitializing", ""));
        if let State::Ended(ended) = before {
            self.last = Some(ended);
        }
        self.restarts += 1;
        self.ignores_term = false;
        self.start(now);
    }

    /// Goes on to `now`; returns when there will be something to do again.
    pub(super) fn advance(&mut self, now: Timestamp) -> Option<Timestamp> {
        if let State::Waiting { reason, .. } = &self.state {
            if reason != "ErrImagePull" {
                return None;
            }
            let due = later(self.since, PULL);
            if now < due {
                return Some(due);
            }
            self.state = waiting("ImagePullBackOff", &format!("Back-off pulling image \"{}\"", self.image));
            return None;
        }
        while self.is_running() {
            match self.steps.get(self.at) {
                None => self.end(0, "Completed", self.since),
                Some(Step::Exit(code)) => {
                    let code = *code;
                    self.end(code, if code == 0 { "Completed" } else { "Error" }, self.since);
                }
                Some(Step::Oom) => self.end(KILLED, "OOMKilled", self.since),
                Some(Step::Sleep(None)) => return None,
                Some(Step::Sleep(Some(length))) => {
                    let due = later(self.since, *length);
                    if now < due {
                        return Some(due);
                    }
                    self.since = due;
                }
                Some(Step::Ready(ready)) => self.ready = *ready,
                Some(Step::IgnoreTerm) => self.ignores_term = true,
                // Only a first step keeps a container from starting.
                Some(Step::Stuck { .. } | Step::ImageError) => {}
            }
            self.at += 1;
        }
        None
    }

    /// Ends it as SIGTERM does, or as SIGKILL does where that is ignored and `patience` is over.
    pub(super) fn terminate(&mut self, now: Timestamp, patience_is_over: bool) {
        if !self.is_running() {
            return;
        }
        if !self.ignores_term {
            self.end(TERMINATED, "Error", now);
        } else if patience_is_over {
            self.end(KILLED, "Error", now);
        }
    }

    /// Ends it as SIGKILL does.
    pub(super) fn kill(&mut self, now: Timestamp) {
        if self.is_running() {
            self.end(KILLED, "Error", now);
        }
    }

    fn end(&mut self, code: i32, reason: &'static str, finished: Timestamp) {
        if let State::Running { since } = self.state {
            self.state = State::Ended(Ended { code, reason, started: since, finished });
            self.ready = false;
        }
    }
}

fn waiting(reason: &str, message: &str) -> State {
    State::Waiting { reason: reason.to_owned(), message: message.to_owned() }
}

/// The time after a while; the end of time if that is beyond it.
pub(super) fn later(time: Timestamp, length: Duration) -> Timestamp {
    time.saturating_add(length).unwrap_or(Timestamp::MAX)
}
