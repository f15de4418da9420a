//! How each figure is measured: one file each, and the setting that they share.

pub mod backlog;
pub mod consume;
pub mod dispatch;
pub mod estimates;
pub mod idle;
pub mod lists;
pub mod live;
pub mod pods;
pub mod post;
pub mod publish;
pub mod stage;
pub mod start;
pub mod tasks;
