//! How each figure is measured: one file each, and the setting that they share.

pub mod consume;
pub mod publish;
pub mod stage;
pub mod tasks;
