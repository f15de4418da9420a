//! Real servers for tests: RabbitMQ, Redis and its Sentinels, PostgreSQL, Prometheus, S3, git's own, and a TCP proxy that breaks connections.
//!
//! Each starts on a free loopback port in a temporary folder, can be killed and restarted, and is gone
//! when its value is dropped or when the test process ends in any way (a reaper holds a pipe from it, so
//! servers in a `static` go too). A server that can't be started panics with the name of what is missing.
//! Only tests and benchmarks depend on this crate; nothing of ours lives below it. There is no async runtime in it,
//! but for Kubernetes (the feature `kubernetes`), whose client is asynchronous.

pub mod celery;
#[cfg(any(feature = "kubernetes", feature = "tls"))]
mod certificates;
pub mod deadline;
pub mod effort;
#[cfg(feature = "git")]
pub mod git;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
pub mod port;
pub mod postgres;
pub mod process;
pub mod prometheus;
pub mod proxy;
pub mod rabbitmq;
pub mod redis;
pub mod s3;
pub mod sentinels;
#[cfg(feature = "tls")]
pub mod tls;

pub use celery::CeleryWorker;
pub use deadline::eventually;
pub use effort::{effort, within};
pub use postgres::Postgres;
pub use prometheus::Prometheus;
pub use proxy::{Proxy, Way};
pub use rabbitmq::RabbitMq;
pub use redis::Redis;
pub use s3::S3;
pub use sentinels::Sentinels;
