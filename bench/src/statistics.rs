//! Medians and spreads of few values. No measuring here.

use serde::Serialize;

/// The middle of some values, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The middle value; the mean of the two middle ones of an even number.
    pub median: f64,
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

impl Spread {
    /// `None` if there are no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self { median, low, high })
    }
}

/// The ratio of each pair, in the order they were run; what has no partner in its round is left out.
pub fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_odd_number_is_the_middle_one_in_any_order() {
        let spread = Spread::of(&[9.0, 1.0, 5.0]).unwrap();
        assert_eq!(spread, Spread { median: 5.0, low: 1.0, high: 9.0 });
    }

    #[test]
    fn the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 100.0]).unwrap().median, 3.0);
    }

    #[test]
    fn one_value_is_its_own_spread_and_none_has_none() {
        assert_eq!(Spread::of(&[7.0]).unwrap(), Spread { median: 7.0, low: 7.0, high: 7.0 });
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn ratios_are_taken_pair_by_pair_not_between_medians() {
        let ratios = ratios(&[10.0, 40.0, 30.0], &[1.0, 8.0, 2.0]);
        assert_eq!(ratios, [10.0, 5.0, 15.0]);
        assert_eq!(Spread::of(&ratios).unwrap().median, 10.0);
    }

    #[test]
    fn a_round_without_its_partner_gives_no_ratio() {
        assert_eq!(ratios(&[10.0, 20.0], &[5.0]), [2.0]);
    }
}
