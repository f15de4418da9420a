//! The command line of the benchmarks.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;

use crate::figure::{Effort, Figure};

/// Measures Berth side by side with others: same machine, broker, database and durability, in one run.
#[derive(Clone, Debug, Parser)]
#[command(name = "berth-bench")]
pub struct Arguments {
    /// A first look: few pairs, little work, and marked as such.
    #[arg(long)]
    pub quick: bool,
    /// Only these figures, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "B1,B2,...")]
    pub only: Vec<Figure>,
    /// Where the JSON goes; `bench/results/<date>.json` if not given.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Rounds, each giving one ratio; 5 unless quick.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub pairs: Option<u16>,
    /// The `berth` to measure; built in release mode if not given.
    #[arg(long, value_name = "PROGRAM")]
    pub berth: Option<PathBuf>,
    /// Where what is downloaded is kept; `berth` in the user's cache folder if not given.
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
}

impl Arguments {
    /// What is to be measured, in order.
    pub fn figures(&self) -> Vec<Figure> {
        Figure::ALL.into_iter().filter(|figure| self.only.is_empty() || self.only.contains(figure)).collect()
    }

    /// How much to measure.
    pub fn effort(&self) -> Effort {
        let effort = if self.quick { Effort::QUICK } else { Effort::FULL };
        Effort { pairs: self.pairs.map_or(effort.pairs, usize::from), ..effort }
    }

    /// The cache folder: as told, `BERTH_CACHE`, or `berth` in the user's cache folder; in the current folder
    /// where there is no home. `variable` looks an environment variable up.
    pub fn cache_folder(&self, variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
        let of = |name: &str, rest: &str| {
            let folder = variable(name).filter(|folder| !folder.is_empty())?;
            Some(PathBuf::from(folder).join(rest))
        };
        let told = self.cache.clone().or_else(|| of("BERTH_CACHE", ""));
        let user = || of("XDG_CACHE_HOME", "berth").or_else(|| of("HOME", ".cache/berth"));
        told.or_else(user).unwrap_or_else(|| PathBuf::from(".berth-cache"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(words: &[&str]) -> Arguments {
        Arguments::try_parse_from([&["berth-bench"], words].concat()).unwrap()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn figures_are_picked_by_name_and_run_in_order() {
        assert_eq!(parse(&["--only", "B3,B1"]).figures(), [Figure::B1, Figure::B3]);
        assert_eq!(parse(&[]).figures(), Figure::ALL);
    }

    #[test]
    fn quick_takes_fewer_pairs_unless_told() {
        assert_eq!(parse(&["--quick"]).effort().pairs, 2);
        assert_eq!(parse(&["--quick", "--pairs", "1"]).effort().pairs, 1);
        assert!(parse(&[]).effort().pairs >= 5);
    }

    #[test]
    fn the_cache_is_where_the_users_other_caches_are() {
        let with = |given: &[(&str, &str)]| {
            let given: Vec<(String, OsString)> =
                given.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
            parse(&[]).cache_folder(move |name| {
                given.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
            })
        };
        let user = [("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(with(&[("BERTH_CACHE", "/c"), user[0], user[1]]), PathBuf::from("/c"));
        assert_eq!(with(&user), PathBuf::from("/x/berth"));
        assert_eq!(with(&[("XDG_CACHE_HOME", ""), user[1]]), PathBuf::from("/h/.cache/berth"));
        assert_eq!(with(&[]), PathBuf::from(".berth-cache"));
        assert_eq!(parse(&["--cache", "/t"]).cache_folder(|_| None), PathBuf::from("/t"));
    }
}
