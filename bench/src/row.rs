//! One line of the result: what was measured, against whom, and whether the goal was met.

use serde::Serialize;

use crate::statistics::{Spread, ratios};

/// What a figure should be. A ratio's if there is a partner, else the value's own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Goal {
    /// Whether a value is good enough.
    pub fn met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(goal) => value >= goal,
            Self::AtMost(goal) => value <= goal,
        }
    }
}

/// Who did something, and how well, round by round.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// What ran.
    pub name: String,
    /// One value a round.
    pub values: Vec<f64>,
}

impl Side {
    /// A side's name and values.
    pub fn new(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self { name: name.into(), values }
    }
}

/// One line of the result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// `B1`.
    pub figure: String,
    /// What was done.
    pub work: String,
    /// Of the values.
    pub unit: &'static str,
    /// Berth.
    pub ours: Side,
    /// The other one, in the same rounds.
    pub partner: Option<Side>,
    /// What it should be.
    pub goal: Option<Goal>,
}

impl Row {
    /// The figure itself: the ratios of the pairs, or our values where there is no partner by design.
    pub fn measured(&self) -> Option<Spread> {
        match &self.partner {
            Some(partner) => Spread::of(&ratios(&self.ours.values, &partner.values)),
            None => Spread::of(&self.ours.values),
        }
    }

    /// Whether the goal was met by the median; `None` without a goal or a value.
    pub fn met(&self) -> Option<bool> {
        Some(self.goal?.met(self.measured()?.median))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(partner: Option<Vec<f64>>, goal: Goal) -> Row {
        Row {
            figure: "B1".to_owned(),
            work: "work".to_owned(),
            unit: "/s",
            ours: Side::new("berth", vec![30.0, 45.0, 20.0]),
            partner: partner.map(|values| Side::new("other", values)),
            goal: Some(goal),
        }
    }

    #[test]
    fn with_a_partner_the_goal_is_about_the_ratio() {
        let row = row(Some(vec![2.0, 3.0, 2.0]), Goal::AtLeast(15.0));
        assert_eq!(row.measured().unwrap(), Spread { median: 15.0, low: 10.0, high: 15.0 });
        assert_eq!(row.met(), Some(true));
    }

    #[test]
    fn without_one_it_is_about_the_value() {
        assert_eq!(row(None, Goal::AtMost(29.0)).met(), Some(false));
        assert_eq!(row(None, Goal::AtMost(30.0)).met(), Some(true));
    }

    #[test]
    fn a_partner_that_did_nothing_gives_no_figure() {
        assert_eq!(row(Some(vec![]), Goal::AtLeast(1.0)).measured(), None);
    }
}
