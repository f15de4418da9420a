//! What a broker does to messages, and what becomes of the runs that they offer: held for too long, held by what dies,
//! cut off, or no offers at all. On RabbitMQ and on Redis, with real agents.

#![expect(clippy::unwrap_used, reason = "tests panic where something is not as it should be")]

#[path = "delivery/deaths.rs"]
mod deaths;
#[path = "delivery/disconnects.rs"]
mod disconnects;
#[path = "delivery/numbers.rs"]
mod numbers;
#[path = "delivery/poison.rs"]
mod poison;
#[path = "delivery/refused.rs"]
mod refused;
#[path = "delivery/tail.rs"]
mod tail;

use berth_integration_tests::on_both_brokers;
