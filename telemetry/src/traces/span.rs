//! What is recorded of one hop.

use std::borrow::Cow;

use berth_domain::id::RunId;
use berth_domain::time::Time;
use berth_domain::trace::{Hop, SpanId, TraceContext, TraceId};

/// What part a hop plays, as OpenTelemetry has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Within one process.
    #[default]
    Internal,
    /// It answers a request.
    Server,
    /// It makes a request and waits for the answer.
    Client,
    /// It publishes a message.
    Producer,
    /// It takes a message in.
    Consumer,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u32> for Attribute {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i32> for Attribute {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

/// A hop that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trace it is in.
    pub trace: TraceId,
    /// Its id.
    pub id: SpanId,
    /// What it belongs under; none for the root.
    pub parent: Option<SpanId>,
    /// What it is called.
    pub name: Cow<'static, str>,
    /// Which part it plays.
    pub kind: Kind,
    /// When it began.
    pub start: Time,
    /// When it was over.
    pub end: Time,
    /// What is said of it.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// What else it has to do with.
    pub links: Vec<(TraceId, SpanId)>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    pub(super) flags: u8,
    pub(super) state: Option<String>,
}

impl Span {
    /// A hop in `context`, called as the hop is.
    #[must_use]
    pub fn of(context: &TraceContext, hop: Hop, id: SpanId, start: Time, end: Time) -> Self {
        Self {
            trace: context.trace,
            id,
            parent: Some(context.span).filter(|parent| *parent != id),
            name: Cow::Borrowed(hop.as_str()),
            kind: Kind::Internal,
            start,
            // A clock that was set back between the two ends nothing before it began.
            end: end.max(start),
            attributes: vec![("berth.hop", hop.as_str().into())],
            links: Vec::new(),
            failure: None,
            flags: context.flags(),
            state: context.tracestate().map(str::to_owned),
        }
    }

    pub(super) const fn is_sampled(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Calls it otherwise.
    #[must_use]
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Says which part it plays.
    #[must_use]
    pub const fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Puts it under another span, or makes it a root.
    #[must_use]
    pub const fn under(mut self, parent: Option<SpanId>) -> Self {
        self.parent = parent;
        self
    }

    /// Says something of it.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Attribute>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// Says which run it is about.
    #[must_use]
    pub fn run(self, run: RunId) -> Self {
        self.with("berth.run.uuid", run.to_string())
    }

    /// Says which attempt of a run it is about, and where that is.
    #[must_use]
    pub fn attempt(self, run: RunId, attempt: u32, agent: &str, queue: &str) -> Self {
        let span = self.run(run).with("berth.attempt", attempt);
        [("berth.agent", agent), ("berth.queue", queue)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .fold(span, |span, (name, value)| span.with(name, value))
    }

    /// Says which message it publishes or takes in.
    #[must_use]
    pub fn message(
        self,
        system: Option<&'static str>,
        operation: &'static str,
        destination: &str,
        id: &str,
    ) -> Self {
        let span = match system {
            Some(system) => self.with("messaging.system", system),
            None => self,
        };
        let kind = match operation {
            "publish" => "send",
            _ => "process",
        };
        span.named(format!("{operation} {destination}"))
            .with("messaging.operation.name", operation)
            .with("messaging.operation.type", kind)
            .with("messaging.destination.name", destination)
            .with("messaging.message.id", id)
    }

    /// Says that it failed, and why.
    #[must_use]
    pub fn failed(mut self, why: impl Into<String>) -> Self {
        self.failure = Some(why.into());
        self
    }

    /// Says what else it has to do with.
    #[must_use]
    pub fn linked(mut self, other: Option<&TraceContext>) -> Self {
        self.links.extend(other.map(|other| (other.trace, other.span)));
        self
    }
}
