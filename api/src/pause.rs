//! That a queue or an agent starts nothing for now: why, by whom, and until when.

use std::time::Duration;

use berth_domain::scheduling::Paused;
use berth_domain::time::Time;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::authenticate::Caller;
use crate::params::shown;
use crate::problem::Problem;

/// The longest reason that is kept, in characters.
const MAX_REASON: usize = 500;

/// Why and until when, as it is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pause {
    reason: Option<String>,
    until: Option<String>,
    drain: Option<bool>,
    #[serde(rename = "by")]
    _by: IgnoredAny,
}

impl Pause {
    /// The same, and no new run is let in.
    pub(crate) fn draining(self, drain: bool) -> Self {
        Self { drain: Some(drain), ..self }
    }

    /// As it is kept.
    ///
    /// # Errors
    /// 400 if it would be over already, or its end is none.
    pub(crate) fn by(self, caller: &Caller) -> Result<Paused, Problem> {
        let until = self.until.as_deref().map(|text| read_until(text, caller.now)).transpose()?;
        if until.is_some_and(|until| until <= caller.now) {
            return Err(Problem::field("until", "it lies in the past"));
        }
        // Stock clients, which send back what they got, name who paused it: that is whoever asks.
        let reason =
            self.reason.or_else(|| caller.reason.clone()).unwrap_or_else(|| "no reason was given".to_owned());
        let reason = reason.chars().take(MAX_REASON).collect();
        let by = caller.principal.name().to_owned();
        Ok(Paused { reason, by, until, drain: self.drain.unwrap_or(false) })
    }
}

/// As answers show it.
pub(crate) fn shape(paused: Option<&Paused>) -> Value {
    paused.map_or(Value::Null, |paused| {
        json!({ "reason": paused.reason, "by": paused.by, "until": paused.until, "drain": paused.drain })
    })
}

/// A moment, or how long from now it is: `90s`, `10m`, `2h`, `1d`.
fn read_until(text: &str, now: Time) -> Result<Time, Problem> {
    let length = || {
        let (at, unit) = text.char_indices().last()?;
        let unit = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        text[..at].parse::<u32>().ok().map(|count| Duration::from_secs(u64::from(count) * unit))
    };
    if let Some(length) = length() {
        return Ok(now.plus(length));
    }
    Time::parse(text).map_err(|_| {
        let message = format!(
            "`{}` is neither a time, as in 2026-01-31T12:00:00Z, nor how long it takes, as in 90s, 10m, 2h, 1d",
            shown(text)
        );
        Problem::field("until", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_moment_or_how_long_it_takes() {
        let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
        for (text, until) in [
            ("90s", "2026-01-01T00:01:30Z"),
            ("10m", "2026-01-01T00:10:00Z"),
            ("2h", "2026-01-01T02:00:00Z"),
            ("1d", "2026-01-02T00:00:00Z"),
            ("2026-03-01T12:00:00+01:00", "2026-03-01T11:00:00Z"),
        ] {
            assert_eq!(read_until(text, now).unwrap(), Time::parse(until).unwrap(), "{text}");
        }
        for bad in ["", "m", "-1m", "1.5h", "10", "tomorrow", "9999999999d", "10µ"] {
            let detail = read_until(bad, now).unwrap_err().json()["detail"].to_string();
            assert!(detail.contains("is neither a time"), "{bad}: {detail}");
        }
    }
}
