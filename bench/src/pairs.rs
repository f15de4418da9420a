//! Running contestants in turn, so that a machine that slows down slows all of them.

use std::collections::BTreeMap;

/// Who runs in a round, and in which order: each round begins with another one.
pub fn in_turn<T: Copy>(round: usize, contestants: &[T]) -> Vec<T> {
    let mut order = contestants.to_vec();
    if !order.is_empty() {
        order.rotate_left(round % contestants.len());
    }
    order
}

/// What each contestant did, round by round.
#[derive(Clone, Debug)]
pub struct Series<T: Ord>(BTreeMap<T, Vec<f64>>);

impl<T: Ord> Default for Series<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord> Series<T> {
    /// Adds what a contestant did in the round that runs.
    pub fn push(&mut self, contestant: T, value: f64) {
        self.0.entry(contestant).or_default().push(value);
    }

    /// The values of one contestant, in the order of the rounds.
    pub fn of(&self, contestant: &T) -> Vec<f64> {
        self.0.get(contestant).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_runs_once_a_round_and_begins_in_turn() {
        assert_eq!(in_turn(0, &['a', 'b', 'c']), ['a', 'b', 'c']);
        assert_eq!(in_turn(1, &['a', 'b', 'c']), ['b', 'c', 'a']);
        assert_eq!(in_turn(5, &['a', 'b', 'c']), ['c', 'a', 'b']);
        assert!(in_turn::<char>(3, &[]).is_empty());
    }

    #[test]
    fn values_stay_in_the_order_of_the_rounds() {
        let mut series = Series::default();
        series.push("ours", 2.0);
        series.push("theirs", 1.0);
        series.push("ours", 3.0);
        assert_eq!(series.of(&"ours"), [2.0, 3.0]);
        assert_eq!(series.of(&"nobody"), [] as [f64; 0]);
    }
}
