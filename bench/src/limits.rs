//! The limits: bare loops over the same client libraries, with none of our code in between.

pub mod amqp;
pub mod kubernetes;
pub mod postgres;
pub mod redis;
