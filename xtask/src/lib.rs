//! What is done with the source tree beside building it: `cargo xtask tidy|image|simulate|test`. Nothing here is part of the
//! product.

pub mod image;
pub mod programs;
pub mod simulate;
pub mod tidy;
