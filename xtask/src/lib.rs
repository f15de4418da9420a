//! What is done with the source tree beside building it: `cargo xtask tidy|book|image|simulate|test`. Nothing here is part of the
//! product.

pub mod book;
pub mod image;
pub mod programs;
pub mod simulate;
pub mod tidy;
