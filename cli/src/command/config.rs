//! `berth config show`.

use serde_json::{Value, json};

use super::Surroundings;
use crate::failure::Failure;
use crate::output::{Column, Output, text};
use crate::settings::{Format, Given, Part, show};

const COLUMNS: &[Column] = &[
    ("SETTING", |item| text(item, "key")),
    ("VALUE", |item| text(item, "value")),
    ("FROM", |item| text(item, "from")),
];

/// Prints what each setting of a part holds and where from.
///
/// # Errors
/// If a source can't be read.
pub fn print(surroundings: &Surroundings<'_>, part: Part, output: &str) -> Result<(), Failure> {
    let given = Given::from([("output".to_owned(), output.to_owned())]);
    let format: Format =
        crate::settings::ClientSettings::read(&surroundings.settings(Part::Client, &given)?)?.format;
    let resolved = surroundings.settings(part, &Given::new())?;
    let items: Vec<Value> = show(&resolved)
        .into_iter()
        .map(|shown| json!({"key": shown.key, "value": shown.value, "from": shown.from}))
        .collect();
    Output::standard(format).list(&items, COLUMNS, |item| text(item, "key"))
}
