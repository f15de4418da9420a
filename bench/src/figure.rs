//! The figures by their names in the book's chapter on benchmarks, and how much work each takes.

use std::str::FromStr;

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Consume no-op tasks.
    B1,
    /// Publish with confirms.
    B2,
    /// POST runs one at a time.
    B3,
    /// From a POST to its pod.
    B6,
    /// Create pods.
    B7,
    /// Dispatch from a deep backlog.
    B8,
    /// Memory at rest.
    B10,
    /// Queries at rest.
    B11,
    /// Start of the embedded system.
    B12,
    /// When waiting runs start, as they are told.
    Estimates,
    /// What the dashboard asks, of a million runs.
    Lists,
    /// How soon a change is seen.
    Live,
}

impl Figure {
    /// All, in order.
    pub const ALL: [Self; 12] = [
        Self::B1,
        Self::B2,
        Self::B3,
        Self::B6,
        Self::B7,
        Self::B8,
        Self::B10,
        Self::B11,
        Self::B12,
        Self::Estimates,
        Self::Lists,
        Self::Live,
    ];
}

impl FromStr for Figure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|figure| format!("{figure:?}").eq_ignore_ascii_case(text)).ok_or_else(
            || {
                let known: Vec<String> = Self::ALL.iter().map(|figure| format!("{figure:?}")).collect();
                format!("`{text}` is not a figure that is measured: use {}", known.join(", "))
            },
        )
    }
}

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds; each gives one ratio.
    pub pairs: usize,
    /// Divides the amount of work of a round.
    pub divisor: usize,
    /// Whether this is only a first look.
    pub quick: bool,
}

impl Effort {
    /// What a reported figure needs.
    pub const FULL: Self = Self { pairs: 5, divisor: 1, quick: false };
    /// A first look.
    pub const QUICK: Self = Self { pairs: 2, divisor: 5, quick: true };

    /// The amount of work of a round that is `full` at full effort.
    pub fn of(self, full: usize) -> usize {
        (full / self.divisor).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_known_by_its_name_in_any_case() {
        assert_eq!("b12".parse(), Ok(Figure::B12));
        let error = "B4".parse::<Figure>().unwrap_err();
        assert_eq!(
            error,
            "`B4` is not a figure that is measured: use B1, B2, B3, B6, B7, B8, B10, B11, B12, Estimates, Lists, Live"
        );
    }

    #[test]
    fn a_first_look_takes_less_work_but_never_none() {
        assert_eq!(Effort::QUICK.of(10_000), 2_000);
        assert_eq!(Effort::QUICK.of(2), 1);
        assert_eq!(Effort::FULL.of(10_000), 10_000);
        const { assert!(Effort::FULL.pairs >= 5, "a reported ratio is a median of at least five") };
    }
}
