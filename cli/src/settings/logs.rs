//! How and which log lines are written. Writing them is telemetry's.

use super::resolve::{Error, Resolved};

/// What logging is set up with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// One JSON object a line, instead of text.
    pub json: bool,
    /// The filter's directives.
    pub filter: String,
}

impl LogSettings {
    /// Reads `log_format` and `log_filter`.
    ///
    /// # Errors
    /// If the format is unknown. The filter is checked by who sets logging up.
    pub fn read(resolved: &Resolved) -> Result<Self, Error> {
        let json = resolved
            .read("log_format", "text or json", |text| match text {
                "text" => Some(false),
                "json" => Some(true),
                _ => None,
            })?
            .unwrap_or_default();
        let filter = resolved.get("log_filter").map_or_else(|| "info".to_owned(), |value| value.text.clone());
        Ok(Self { json, filter })
    }
}
