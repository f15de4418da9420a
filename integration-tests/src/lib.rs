//! Whole installations of Berth for end-to-end tests: real servers, real processes, and a client.
//!
//! Everything starts on free ports in folders of its own, and is gone when its value is dropped, or when the
//! test process dies.

mod binary;
pub mod browser;
mod client;
mod collector;
mod command_line;
pub mod helm;
pub mod image;
mod installation;
mod journal;
mod pods;
mod python;
mod repeater;
mod role;

pub use binary::berth;
pub use client::{Client, Run, job, shell};
pub use collector::{Collector, Seen};
pub use installation::{Backing, BrokerServer, Installation, Proxies};
pub use journal::Journal;
pub use pods::created_once;
pub use python::{stock, stock_celery54};
pub use repeater::Repeater;
pub use role::Role;

/// Makes one test of a story, a function that takes a [`Backing`], for each broker.
#[macro_export]
macro_rules! on_both_brokers {
    ($($story:ident),+ $(,)?) => {
        mod rabbitmq {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() { super::$story($crate::Backing::RabbitMq).await; })+
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() { super::$story($crate::Backing::Redis).await; })+
        }
    };
}

/// The same for each backing.
#[macro_export]
macro_rules! on_all_three {
    ($($story:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() { super::$story($crate::Backing::Embedded).await; })+
        }
        $crate::on_both_brokers!($($story),+);
    };
}
