//! Random numbers by seed: `SplitMix64` (G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators",
//! OOPSLA 2014). It stands here, and not in a library, so that a seed gives the same trace after every upgrade.

/// A source of random numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The source that begins with `seed`.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// At least 0 and below 1, evenly.
    pub fn unit(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
        {
            (self.next() >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// One of `choices`, each as often as its weight says; the last, if there is no weight.
    pub fn pick<'a, T>(&mut self, choices: &'a [(T, f64)]) -> Option<&'a T> {
        let total: f64 = choices.iter().map(|(_, weight)| weight).sum();
        let mut left = self.unit() * total;
        for (choice, weight) in choices {
            if left < *weight {
                return Some(choice);
            }
            left -= weight;
        }
        choices.last().map(|(choice, _)| choice)
    }

    /// A value whose logarithm is normal: half are below `median`, and `spread` is the deviation of the logarithm.
    pub fn log_normal(&mut self, median: f64, spread: f64) -> f64 {
        // Box and Muller's transform; 1 less the unit is never 0.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        median * (spread * normal).exp()
    }

    /// A value between given quantiles (the part of all values below, and the value, both ascending), even in its
    /// logarithm between two of them.
    pub fn between_quantiles(&mut self, quantiles: &[(f64, f64)]) -> f64 {
        let part = self.unit();
        let above =
            quantiles.iter().position(|(at, _)| *at > part).unwrap_or(quantiles.len().saturating_sub(1));
        let (Some((low, from)), Some((high, to))) =
            (quantiles.get(above.saturating_sub(1)), quantiles.get(above))
        else {
            return 0.0;
        };
        let way = if high > low { ((part - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        from * (to / from).powf(way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut random = Random::seeded(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn quantiles_are_kept() {
        let mut random = Random::seeded(1);
        let quantiles = [(0.0, 1.0), (0.5, 100.0), (1.0, 10_000.0)];
        let mut values: Vec<f64> = (0..10_000).map(|_| random.between_quantiles(&quantiles)).collect();
        values.sort_by(f64::total_cmp);
        assert!((80.0..125.0).contains(&values[5_000]), "{}", values[5_000]);
        assert!(values[0] >= 1.0 && values[9_999] <= 10_000.0);
    }

    #[test]
    fn choices_come_as_often_as_their_weights_say() {
        let mut random = Random::seeded(1);
        let picked = (0..10_000).filter(|_| *random.pick(&[("a", 3.0), ("b", 1.0)]).unwrap() == "a").count();
        assert!((7_300..7_700).contains(&picked), "{picked}");
        assert_eq!(random.pick::<u8>(&[]), None);
    }

    #[test]
    fn half_of_the_log_normal_values_are_below_the_median() {
        let mut random = Random::seeded(1);
        let below = (0..10_000).filter(|_| random.log_normal(60.0, 2.0) < 60.0).count();
        assert!((4_800..5_200).contains(&below), "{below}");
    }
}
