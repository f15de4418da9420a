//! The process's log lines: to standard error, as text for people or as one JSON object a line for machines.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people; coloured on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Logs can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter makes no sense.
    #[error(
        "the log filter `{filter}` is not understood: {source}; use a level such as `info`, or `info,berth_broker=debug`"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The process has a subscriber already.
    #[error("logs are set up already")]
    Twice(#[from] TryInitError),
}

/// What libraries may say, whatever the filter: the AMQP client would log the bodies of returned messages as a
/// warning and the password at the finest level, and repeats as errors what we log ourselves.
const CLIENTS: [&str; 1] = ["lapin=off"];

/// Sends this process's log lines to standard error, those that `filter` lets through (`info`,
/// `info,berth_broker=debug`).
///
/// # Errors
/// If the filter is not understood, or logs were set up before.
pub fn init(format: Format, filter: &str) -> Result<(), Error> {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    use tracing_subscriber::{Layer, fmt};

    let filter = CLIENTS.iter().fold(parse(filter)?, |filter, quiet| match quiet.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    });
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match format {
        Format::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        Format::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    };
    tracing_subscriber::registry().with(filter).with(lines).try_init()?;
    Ok(())
}

fn parse(filter: &str) -> Result<EnvFilter, Error> {
    EnvFilter::builder()
        .parse(filter)
        .map_err(|source| Error::Filter { filter: filter.chars().take(200).collect(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_makes_no_sense_is_refused_with_what_is_allowed() {
        assert!(parse("info,berth_broker=debug").is_ok());
        let text = parse("info,berth=loud").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text.starts_with("the log filter `info,berth=loud` is not understood: "), "{text}");
        assert!(text.ends_with("use a level such as `info`, or `info,berth_broker=debug`"), "{text}");
    }
}
