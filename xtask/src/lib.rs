//! Checks of the source tree that are tests: `cargo xtask tidy`. Nothing here is part of the product.

pub mod image;
pub mod tidy;
