//! Where things are kept where nothing is said: the XDG base directories. Makes no folder.

use std::path::PathBuf;

/// The data folder: `$XDG_DATA_HOME/berth`, else `~/.local/share/berth`; none without a home.
#[must_use]
pub fn data_folder(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    folder(variable, "XDG_DATA_HOME", ".local/share")
}

/// The configuration folder: `$XDG_CONFIG_HOME/berth`, else `~/.config/berth`; none without a home.
#[must_use]
pub fn config_folder(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    folder(variable, "XDG_CONFIG_HOME", ".config")
}

/// The specification says that a relative path in such a variable is to be ignored.
fn folder(variable: &dyn Fn(&str) -> Option<String>, name: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(name).or_else(|| absolute("HOME").map(|home| home.join(below_home)))?;
    Some(base.join("berth"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_over_the_home_and_a_relative_path_is_ignored() {
        let some = |name: &str| match name {
            "XDG_DATA_HOME" => Some("/data".to_owned()),
            "XDG_CONFIG_HOME" => Some("relative".to_owned()),
            "HOME" => Some("/h".to_owned()),
            _ => None,
        };
        assert_eq!(data_folder(&some), Some(PathBuf::from("/data/berth")));
        assert_eq!(config_folder(&some), Some(PathBuf::from("/h/.config/berth")));
        assert_eq!(data_folder(&|_| None), None);
    }
}
