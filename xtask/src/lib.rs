//! What is done with the source tree beside building it: `cargo xtask tidy|image|test`. Nothing here is part of the
//! product.

pub mod image;
pub mod programs;
pub mod tidy;
