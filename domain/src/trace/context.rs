//! The context itself: a trace, the span that what comes next belongs under, and whether it is recorded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::hop::Hop;
use super::state;
use crate::id::RunId;

/// The flag of a trace that is recorded.
const SAMPLED: u8 = 0b01;
/// The flag of a trace id that is random where samplers look.
const RANDOM: u8 = 0b10;

/// A trace's id; never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 16]);

/// A span's id; never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// A new one. Its last seven bytes are random, which is what samplers decide by.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::new_v4().into_bytes())
    }

    /// As OTLP has it.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// Whether a trace that begins with this id is recorded where `ratio` of all are: everybody who is asked says the same.
    #[must_use]
    pub fn is_sampled(self, ratio: f64) -> bool {
        let [.., a, b, c, d, e, f, g] = self.0;
        let drawn = u64::from_be_bytes([0, a, b, c, d, e, f, g]);
        #[expect(clippy::cast_precision_loss, reason = "a draw of 56 bits is compared with a share")]
        let share = drawn as f64 / (1_u64 << 56) as f64;
        share < ratio
    }
}

impl Default for TraceId {
    fn default() -> Self {
        Self::new()
    }
}

impl SpanId {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        let [a, b, c, d, e, f, g, .., h] = Uuid::new_v4().into_bytes();
        Self::of_bytes([a, b, c, d, e, f, g, h])
    }

    /// The id of a hop of an attempt, in its `turn` ([`crate::lifecycle::DispatchState::turn`]). Derived, so that a hop that is
    /// told twice is known as one, and whoever needs the id of another's hop need not be told.
    #[must_use]
    pub fn of(run: RunId, attempt: u32, turn: u32, hop: Hop) -> Self {
        let digest = Sha256::new()
            .chain_update(run.uuid().as_bytes())
            .chain_update(attempt.to_be_bytes())
            .chain_update(turn.to_be_bytes())
            .chain_update(hop.as_str());
        Self::of_digest(&digest.finalize())
    }

    /// The id of a hop of an attempt that follows the span with this id: for whoever doesn't know its turn.
    #[must_use]
    pub fn following(self, run: RunId, attempt: u32, hop: Hop) -> Self {
        let digest = Sha256::new().chain_update(self.0).chain_update(Self::of(run, attempt, 0, hop).0);
        Self::of_digest(&digest.finalize())
    }

    fn of_digest(digest: &[u8]) -> Self {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest[..8]);
        Self::of_bytes(bytes)
    }

    fn of_bytes(bytes: [u8; 8]) -> Self {
        // Once in 2^64 draws it would be none.
        if bytes == [0; 8] { Self([1; 8]) } else { Self(bytes) }
    }

    /// As OTLP has it.
    #[must_use]
    pub const fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl Default for SpanId {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows bytes as lower-case hex.
fn hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Reads `N` bytes of lower-case hex; none if they are something else, or all zero.
fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |letter: u8| match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    };
    let letters = text.as_bytes();
    if letters.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(letters.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn nonzero<const N: usize>(bytes: [u8; N]) -> Option<[u8; N]> {
    (bytes != [0; N]).then_some(bytes)
}

macro_rules! shown_as_hex {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex(f, &self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidTraceparent;

            fn from_str(text: &str) -> Result<Self, InvalidTraceparent> {
                read_hex(text).and_then(nonzero).map(Self).ok_or(InvalidTraceparent)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

shown_as_hex!(TraceId);
shown_as_hex!(SpanId);

/// The text is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent: 00-TRACE-PARENT-FLAGS with 32, 16 and 2 lower-case hex digits, neither id zero")]
pub struct InvalidTraceparent;

/// Where something belongs in a trace. As a text it is a `traceparent`, followed after a space by the `tracestate` if there
/// is one; that is how a run's row and its objects keep it.
#[derive(Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span that what comes next belongs under.
    pub span: SpanId,
    flags: u8,
    state: Option<Box<str>>,
}

impl TraceContext {
    /// A trace that begins here, with the span that is its root.
    #[must_use]
    pub fn begin(trace: TraceId, root: SpanId, is_sampled: bool) -> Self {
        let sampled = if is_sampled { SAMPLED } else { 0 };
        Self { trace, span: root, flags: RANDOM | sampled, state: None }
    }

    /// Reads the two headers as they came: `traceparent`, and what there was of `tracestate`. A state that is wrong, or too
    /// long to be passed on, is left out; without a valid parent there is nothing.
    #[must_use]
    pub fn read(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let mut context: Self = parent(traceparent)?;
        context.state = tracestate.and_then(state::read);
        Some(context)
    }

    /// Whether its spans are recorded.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Its flags, as OTLP has them.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// The same trace, under another span.
    #[must_use]
    pub fn under(&self, span: SpanId) -> Self {
        Self { span, ..self.clone() }
    }

    /// As the header.
    #[must_use]
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace, self.span, self.flags)
    }

    /// What others added to the trace, as the header.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// Reads a `traceparent` of version 00, or as much of a newer one as is known.
fn parent(text: &str) -> Option<TraceContext> {
    let [version] = read_hex(text.get(..2)?)?;
    let (known, rest) = (text.get(2..55)?, text.get(55..)?);
    let is_whole = if version == 0 { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
    if version == 0xff || !is_whole {
        return None;
    }
    let mut parts = known.split('-');
    let (before, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if !before.is_empty() || parts.next().is_some() {
        return None;
    }
    let [flags] = read_hex(flags)?;
    Some(TraceContext {
        trace: trace.parse().ok()?,
        span: span.parse().ok()?,
        // Others have no meaning yet, and are not passed on.
        flags: flags & (SAMPLED | RANDOM),
        state: None,
    })
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.traceparent())?;
        self.state.iter().try_for_each(|state| write!(f, " {state}"))
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTraceparent;

    fn from_str(text: &str) -> Result<Self, InvalidTraceparent> {
        let (parent, state) =
            text.split_once(' ').map_or((text, None), |(parent, state)| (parent, Some(state)));
        Self::read(parent, state).ok_or(InvalidTraceparent)
    }
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written_again() {
        let context = TraceContext::read(GOOD, None).unwrap();
        assert_eq!(context.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.span.to_string(), "00f067aa0ba902b7");
        assert!(context.is_sampled());
        assert_eq!(context.traceparent(), GOOD);
        let unsampled = TraceContext::read(&GOOD.replace("-01", "-00"), None).unwrap();
        assert!(!unsampled.is_sampled());
    }

    #[test]
    fn of_a_newer_version_what_is_known_is_read_and_written_as_ours() {
        for newer in [
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fd",
            &format!("01{}-more-of-it", &GOOD[2..]),
        ] {
            assert_eq!(
                TraceContext::read(newer, None).map(|c| c.traceparent()),
                Some(GOOD.to_owned()),
                "{newer}"
            );
        }
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        let bad = [
            "",
            "00",
            "00-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0-4bf92f3577b34da6a3ce929d0e0e47360-00f067aa0ba902b7-01",
            "000-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00.4bf92f3577b34da6a3ce929d0e0e4736.00f067aa0ba902b7.01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-ébf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0é",
        ];
        for text in bad {
            assert_eq!(TraceContext::read(text, Some("a=b")), None, "{text}");
        }
    }

    #[test]
    fn a_context_is_kept_as_one_text() {
        let context = TraceContext::read(GOOD, Some("vendor=opaque, other@v=1")).unwrap();
        let text = context.to_string();
        assert_eq!(text, format!("{GOOD} vendor=opaque,other@v=1"));
        assert_eq!(text.parse(), Ok(context.clone()));
        assert_eq!(
            serde_json::from_str::<TraceContext>(&serde_json::to_string(&context).unwrap()).unwrap(),
            context
        );
        assert_eq!("nonsense".parse::<TraceContext>(), Err(InvalidTraceparent));
    }

    #[test]
    fn a_hop_has_the_same_id_for_everybody_and_no_two_have_the_same() {
        let run = RunId::new();
        let mut ids = std::collections::BTreeSet::new();
        for attempt in 0..3 {
            for turn in 0..2 {
                for hop in Hop::ALL {
                    assert_eq!(SpanId::of(run, attempt, turn, hop), SpanId::of(run, attempt, turn, hop));
                    ids.insert(SpanId::of(run, attempt, turn, hop));
                    ids.insert(SpanId::of(run, attempt, turn, hop).following(run, attempt, hop));
                }
            }
        }
        assert_eq!(ids.len(), 3 * 2 * Hop::ALL.len() * 2);
        assert_ne!(SpanId::of(run, 0, 0, Hop::Run), SpanId::of(RunId::new(), 0, 0, Hop::Run));
    }

    #[test]
    fn a_share_of_new_traces_is_sampled_and_all_or_none_if_so_wished() {
        let ids: Vec<TraceId> = (0..2_000).map(|_| TraceId::new()).collect();
        let sampled = |ratio| ids.iter().filter(|id| id.is_sampled(ratio)).count();
        assert_eq!((sampled(0.0), sampled(1.0)), (0, 2_000));
        assert!((300..700).contains(&sampled(0.25)), "{}", sampled(0.25));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_read_as_a_context_that_reads_itself_or_not_at_all(
            parent in prop_oneof![
                "\\PC{0,80}",
                "[0-9a-fA-F-]{50,60}",
                "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[a-z]{0,3})?",
            ],
            state in prop::option::of(prop_oneof!["\\PC{0,60}", "([a-z@/*_-]{1,4}=[ -~]{0,4},){0,40}"]),
        ) {
            if let Some(context) = TraceContext::read(&parent, state.as_deref()) {
                prop_assert_eq!(context.to_string().parse::<TraceContext>(), Ok(context.clone()));
                prop_assert_eq!(context.traceparent().len(), 55);
                prop_assert_eq!(&parent[3..52], &context.traceparent()[3..52]);
            }
        }
    }
}
