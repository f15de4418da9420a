//! One suite that every transport passes: in-process, Redis, RabbitMQ.
//!
//! Each test is written once over a [`rig::Rig`] and run on each transport, with names of its own on a server
//! that the tests of this file share; tests that break a server start one for themselves.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests stop at the first surprise")]

#[path = "conformance/deliveries.rs"]
mod deliveries;
#[path = "conformance/faults.rs"]
mod faults;
#[path = "conformance/requests.rs"]
mod requests;
#[path = "conformance/rig.rs"]
mod rig;
#[path = "conformance/topology.rs"]
mod topology;

/// Runs each of these tests on every transport.
macro_rules! on_every_transport {
    ($($(#[$attribute:meta])* $path:path as $name:ident),* $(,)?) => {
        mod in_process {
            $($(#[$attribute])* #[tokio::test(flavor = "multi_thread")]
            async fn $name() { $path(crate::rig::Rig::memory()).await; })*
        }
        mod on_redis {
            $($(#[$attribute])* #[tokio::test(flavor = "multi_thread")]
            async fn $name() { $path(crate::rig::Rig::redis()).await; })*
        }
        mod on_rabbitmq {
            $($(#[$attribute])* #[tokio::test(flavor = "multi_thread")]
            async fn $name() { $path(crate::rig::Rig::rabbitmq()).await; })*
        }
    };
}

on_every_transport!(
    crate::deliveries::a_batch_is_published_and_consumed_in_order
        as a_batch_is_published_and_consumed_in_order,
    crate::deliveries::headers_and_properties_arrive_unchanged as headers_and_properties_arrive_unchanged,
    crate::deliveries::no_more_than_the_prefetch_is_held as no_more_than_the_prefetch_is_held,
    crate::deliveries::what_a_dead_consumer_held_is_delivered_again
        as what_a_dead_consumer_held_is_delivered_again,
    crate::deliveries::a_requeued_message_comes_again as a_requeued_message_comes_again,
    crate::deliveries::acks_in_any_order_ack_just_those as acks_in_any_order_ack_just_those,
    crate::deliveries::long_messages_come_one_after_the_other_and_one_that_nobody_could_read_as_its_beginning
        as long_messages_come_one_after_the_other_and_one_that_nobody_could_read_as_its_beginning,
    crate::deliveries::a_late_ack_harms_nobody as a_late_ack_harms_nobody,
    crate::deliveries::two_consumers_share_a_queue as two_consumers_share_a_queue,
    crate::topology::depth_counts_what_waits as depth_counts_what_waits,
    crate::topology::a_purge_removes_what_waits as a_purge_removes_what_waits,
    crate::topology::a_missing_queue_is_named as a_missing_queue_is_named,
    crate::topology::applying_twice_changes_nothing as applying_twice_changes_nothing,
    crate::topology::a_deleted_queue_is_gone as a_deleted_queue_is_gone,
    crate::topology::a_broadcast_reaches_every_subscriber as a_broadcast_reaches_every_subscriber,
    crate::topology::a_marker_is_there_once_it_was_put as a_marker_is_there_once_it_was_put,
    crate::topology::what_is_there_is_surveyed as what_is_there_is_surveyed,
    crate::topology::messages_of_an_agent_reach_the_control_plane
        as messages_of_an_agent_reach_the_control_plane,
    crate::requests::a_reply_arrives_whole_and_in_order as a_reply_arrives_whole_and_in_order,
    crate::requests::a_slow_reader_bounds_what_is_sent as a_slow_reader_bounds_what_is_sent,
    crate::requests::a_failure_arrives_as_its_text as a_failure_arrives_as_its_text,
    crate::requests::silence_ends_in_a_timeout as silence_ends_in_a_timeout,
    crate::requests::a_reader_that_leaves_stops_the_responder as a_reader_that_leaves_stops_the_responder,
);
