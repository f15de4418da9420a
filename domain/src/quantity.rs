//! Kubernetes resource quantities (`500m`, `1Gi`, `2e3`), parsed, added, compared and printed exactly.
//!
//! Source: `k8s.io/apimachinery/pkg/api/resource` (grammar and canonical form of `Quantity`). Values are held as
//! whole nano-units; like there, what is finer than a nano-unit is rounded up. Which resources a run asks for is
//! decided in `compile`, not here.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// Nano-units in one unit.
const NANO: i128 = 1_000_000_000;

/// How a quantity is printed; as in Kubernetes it follows how it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Style {
    /// `500m`, `2k`, `3M`.
    Decimal,
    /// `1Gi`.
    Binary,
    /// `2e3`.
    Exponent,
}

/// An amount of a resource, exact to a billionth of its unit.
///
/// Two quantities are equal when their values are, however they are written: `1024Mi == 1Gi`.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    nano: i128,
    style: Style,
}

/// Why a text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseQuantityError {
    /// The text is not in the grammar of quantities.
    #[error("`{0}` is not a quantity: use a number with an optional suffix, as in 500m, 2, 1.5Gi, 2e3")]
    Malformed(String),
    /// The value does not fit.
    #[error("`{0}` is too large for a quantity")]
    TooLarge(String),
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { nano: 0, style: Style::Decimal };

    /// A whole number of units.
    #[must_use]
    pub fn from_units(units: i64) -> Self {
        Self { nano: i128::from(units) * NANO, style: Style::Decimal }
    }

    /// The nearest amount to a float of units, rounded up to a billionth; none of what is no number or below zero.
    #[must_use]
    pub fn from_f64(units: f64) -> Self {
        let nano = if units > 0.0 { (units * 1e9).ceil() } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and is no NaN")]
        {
            Self { nano: nano as i128, style: Style::Decimal }
        }
    }

    /// The value in billionths of the unit.
    #[must_use]
    pub fn nano_units(&self) -> i128 {
        self.nano
    }

    /// The value in units, as near as a float gets.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        let whole = self.nano / NANO;
        let rest = self.nano % NANO;
        #[expect(clippy::cast_precision_loss, reason = "the nearest float is what the name promises")]
        {
            whole as f64 + rest as f64 / 1e9
        }
    }

    /// Whether the value is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.nano < 0
    }

    /// The sum; the largest amount there is, if it doesn't fit.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        self.checked_add(other).unwrap_or(Self { nano: i128::MAX, style: self.style })
    }

    /// What is left when `other` is taken away; nothing, if that is more than there is.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self { nano: self.nano.saturating_sub(other.nano).max(0), style: self.style }
    }

    /// So many of it; the largest amount there is, if that doesn't fit.
    #[must_use]
    pub fn saturating_times(self, count: u32) -> Self {
        Self { nano: self.nano.saturating_mul(i128::from(count)), style: self.style }
    }

    /// How many times `amount` is in it, whole; as often as can be counted, if that is nothing or less.
    #[must_use]
    pub fn times_of(self, amount: Self) -> u64 {
        if amount.nano <= 0 {
            return u64::MAX;
        }
        u64::try_from((self.nano / amount.nano).max(0)).unwrap_or(u64::MAX)
    }

    /// The sum, or nothing if it doesn't fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let nano = self.nano.checked_add(other.nano)?;
        Some(Self { nano, style: if self.nano == 0 { other.style } else { self.style } })
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.nano.cmp(&other.nano)
    }
}

impl std::hash::Hash for Quantity {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.nano.hash(state);
    }
}

/// What a suffix multiplies by: `numerator / denominator` units.
fn scale(suffix: &str) -> Option<(Style, i128, i128)> {
    let decimal = |power: u32| (Style::Decimal, 10_i128.pow(power), 1);
    let binary = |power: u32| (Style::Binary, 1024_i128.pow(power), 1);
    Some(match suffix {
        "n" => (Style::Decimal, 1, 1_000_000_000),
        "u" => (Style::Decimal, 1, 1_000_000),
        "m" => (Style::Decimal, 1, 1_000),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let digits = suffix.strip_prefix(['e', 'E'])?;
            let power: i32 = digits.strip_prefix('+').unwrap_or(digits).parse().ok()?;
            if digits.starts_with("+-") || !(-18..=18).contains(&power) {
                return None;
            }
            let factor = 10_i128.pow(power.unsigned_abs());
            if power >= 0 { (Style::Exponent, factor, 1) } else { (Style::Exponent, 1, factor) }
        }
    })
}

impl FromStr for Quantity {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || ParseQuantityError::Malformed(shortened(text));
        let too_large = || ParseQuantityError::TooLarge(shortened(text));
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let end = rest.bytes().position(|b| !b.is_ascii_digit() && b != b'.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(malformed());
        }
        let (style, numerator, denominator) = scale(suffix).ok_or_else(malformed)?;
        let fraction = fraction.trim_end_matches('0');
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        if digits.len() > 30 || fraction.len() > 18 {
            return Err(too_large());
        }
        let mantissa: i128 = if digits.is_empty() { 0 } else { digits.parse().map_err(|_| malformed())? };
        // At most 18 fraction digits were let through, so the exponent fits and the power can't overflow.
        let point = u32::try_from(fraction.len()).map_err(|_| malformed())?;
        let below = denominator.checked_mul(10_i128.pow(point)).ok_or_else(too_large)?;
        let above = mantissa
            .checked_mul(numerator)
            .and_then(|product| product.checked_mul(NANO))
            .ok_or_else(too_large)?;
        let mut nano = above / below;
        if above % below != 0 {
            nano += 1;
        }
        Ok(Self { nano: if negative { -nano } else { nano }, style })
    }
}

/// The beginning of a text that may be very long, for an error.
fn shortened(text: &str) -> String {
    if text.chars().count() <= 64 {
        text.to_owned()
    } else {
        text.chars().take(61).chain("...".chars()).collect()
    }
}

const DECIMAL_SUFFIXES: [(i128, &str); 10] = [
    (1_000_000_000_000_000_000 * NANO, "E"),
    (1_000_000_000_000_000 * NANO, "P"),
    (1_000_000_000_000 * NANO, "T"),
    (1_000_000_000 * NANO, "G"),
    (1_000_000 * NANO, "M"),
    (1_000 * NANO, "k"),
    (NANO, ""),
    (1_000_000, "m"),
    (1_000, "u"),
    (1, "n"),
];

const BINARY_SUFFIXES: [(i128, &str); 7] = [
    ((1 << 60) * NANO, "Ei"),
    ((1 << 50) * NANO, "Pi"),
    ((1 << 40) * NANO, "Ti"),
    ((1 << 30) * NANO, "Gi"),
    ((1 << 20) * NANO, "Mi"),
    ((1 << 10) * NANO, "Ki"),
    (NANO, ""),
];

impl fmt::Display for Quantity {
    /// The canonical form: the largest suffix that leaves a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nano == 0 {
            return f.write_str("0");
        }
        if self.style == Style::Exponent {
            let mut mantissa = self.nano;
            let mut power = -9;
            while mantissa % 1000 == 0 {
                mantissa /= 1000;
                power += 3;
            }
            return if power == 0 { write!(f, "{mantissa}") } else { write!(f, "{mantissa}e{power}") };
        }
        if self.style == Style::Binary {
            for (unit, suffix) in BINARY_SUFFIXES {
                if self.nano % unit == 0 {
                    return write!(f, "{}{suffix}", self.nano / unit);
                }
            }
        }
        for (unit, suffix) in DECIMAL_SUFFIXES {
            if self.nano % unit == 0 {
                return write!(f, "{}{suffix}", self.nano / unit);
            }
        }
        Ok(())
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsQuantity;
        impl Visitor<'_> for AsQuantity {
            type Value = Quantity;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity, as 500m or 1Gi")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Quantity, E> {
                Ok(Quantity::from_units(number))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Quantity, E> {
                number.to_string().parse().map_err(E::custom)
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Quantity, E> {
                number.to_string().parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(AsQuantity)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nano(text: &str) -> i128 {
        text.parse::<Quantity>().unwrap().nano_units()
    }

    #[test]
    fn every_suffix_means_what_kubernetes_says() {
        for (text, expected) in [
            ("1", NANO),
            ("500m", NANO / 2),
            ("0.5", NANO / 2),
            (".5", NANO / 2),
            ("1n", 1),
            ("1u", 1_000),
            ("2k", 2_000 * NANO),
            ("1Ki", 1024 * NANO),
            ("1.5Gi", 1_610_612_736 * NANO),
            ("2e3", 2_000 * NANO),
            ("2E3", 2_000 * NANO),
            ("1E", 1_000_000_000_000_000_000 * NANO),
            ("25e-1", 2_500_000_000),
            ("-3", -3 * NANO),
            ("0.1n", 1),
        ] {
            assert_eq!(nano(text), expected, "{text}");
        }
    }

    #[test]
    fn the_canonical_form_is_that_of_kubernetes() {
        for (text, expected) in [
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.1Ki", "102400m"),
            ("2000", "2k"),
            ("2000e0", "2e3"),
            ("0", "0"),
            ("0Gi", "0"),
        ] {
            assert_eq!(text.parse::<Quantity>().unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused_with_its_text() {
        for text in ["", "-", "1 Gi", "Gi", "1gb", "1.2.3", "1e", "1e99", "e3", "1Gii", "0x10", "1e+-3"] {
            let error = text.parse::<Quantity>().unwrap_err();
            assert_eq!(error, ParseQuantityError::Malformed(text.to_owned()));
        }
        assert!(matches!("9".repeat(40).parse::<Quantity>(), Err(ParseQuantityError::TooLarge(_))));
    }

    #[test]
    fn json_numbers_are_quantities_too() {
        let read: Vec<Quantity> = serde_json::from_str(r#"[1, 0.25, "1Gi"]"#).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"["1","250m","1Gi"]"#);
    }

    proptest! {
        #[test]
        fn printing_and_parsing_round_trips(mantissa in 0_i64..1_000_000_000, suffix in "(n|u|m||k|M|G|T|Ki|Mi|Gi|Ti|e3|e-3)") {
            let quantity: Quantity = format!("{mantissa}{suffix}").parse().unwrap();
            let printed = quantity.to_string();
            prop_assert_eq!(printed.parse::<Quantity>().unwrap(), quantity);
            prop_assert_eq!(printed.parse::<Quantity>().unwrap().to_string(), printed);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            if let Ok(quantity) = text.parse::<Quantity>() {
                prop_assert_eq!(quantity.to_string().parse::<Quantity>().unwrap(), quantity);
            }
        }
    }
}
