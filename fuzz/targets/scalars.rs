//! Fuzzes what is read from a single text: quantities, times, ids, names, statuses; and the masking of secrets.

#![no_main]

use std::fmt::{Debug, Display};
use std::hint::black_box;
use std::str::FromStr;

use berth_domain::id::RunId;
use berth_domain::lifecycle::Status;
use berth_domain::name::{QueueRef, Slug};
use berth_domain::quantity::Quantity;
use berth_domain::redact;
use berth_domain::time::Time;

libfuzzer_sys::fuzz_target!(|text: &str| {
    reads_what_it_shows::<Slug>(text);
    reads_what_it_shows::<QueueRef>(text);
    reads_what_it_shows::<RunId>(text);
    reads_what_it_shows::<Status>(text);
    if let Ok(quantity) = text.parse::<Quantity>() {
        assert!(quantity.as_f64().is_finite());
        assert!(
            quantity.checked_add(quantity).is_none_or(|twice| twice.is_negative() == quantity.is_negative())
        );
    }
    if let Ok(time) = Time::parse(text) {
        assert_eq!(Time::parse(&time.to_string()), Ok(time));
    }
    let slug = Slug::standing_for(text);
    assert_eq!(slug.as_str().parse().as_ref(), Ok(&slug));
    black_box((redact::mask_value(text), redact::is_secret_name(text)));
});

fn reads_what_it_shows<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    if let Ok(read) = text.parse::<T>() {
        assert_eq!(read.to_string().parse::<T>().ok().as_ref(), Some(&read));
    }
}
