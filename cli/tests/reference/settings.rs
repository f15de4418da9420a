//! The table of `docs/configuration.md`: every setting. The rest of that page is written by hand.

use std::fmt::Write as _;

use berth_cli::settings::{DefaultValue, SETTINGS, Setting};

use super::{docs, is_page};

const HEAD: &str = "| key | flag | for | default | what it is |\n|---|---|---|---|---|\n";

fn default(setting: &Setting) -> String {
    match setting.default {
        DefaultValue::None => String::new(),
        DefaultValue::Text(text) => format!("`{text}`"),
        DefaultValue::Derived(how) => how.to_owned(),
        DefaultValue::PerPart(texts) => {
            let texts: Vec<String> =
                texts.iter().map(|(part, text)| format!("{}: `{text}`", part.as_str())).collect();
            texts.join(", ")
        }
    }
}

fn table() -> String {
    let mut table = HEAD.to_owned();
    for setting in SETTINGS {
        let parts: Vec<&str> = setting.parts.iter().map(|part| part.as_str()).collect();
        let secret = if setting.secret { " (secret)" } else { "" };
        writeln!(
            table,
            "| `{}` | `--{}` | {} | {} | {}{secret} |",
            setting.key,
            setting.flag,
            parts.join(", "),
            default(setting),
            setting.help,
        )
        .unwrap();
    }
    table
}

#[test]
fn the_configuration_page_has_every_setting_as_it_is() {
    let page = std::fs::read_to_string(docs().join("configuration.md")).unwrap();
    let (before, rest) = page.split_once("## Settings\n\n").expect("the page has the heading `Settings`");
    // The table ends with its first empty line.
    let (_, after) = rest.split_once("\n\n").expect("something follows the table");
    is_page("configuration.md", &format!("{before}## Settings\n\n{}\n{after}", table()));
}
