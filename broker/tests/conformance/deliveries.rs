//! Publishing, consuming, acking, and what happens to what was not acked.

use std::collections::BTreeSet;

use berth_broker::{Broker, Delivery, Depth, Message, Publish, ack_many};
use serde_json::json;

use crate::rig::{PATIENCE, Rig, batch, message, next, nothing, number, until};

pub(crate) async fn a_batch_is_published_and_consumed_in_order(rig: Rig) {
    let broker = rig.ready().await;
    broker.publish(batch(&rig.offers(), 0..1500)).await.unwrap();
    let mut consumer = broker.consume(&rig.offers(), 100).await;
    let mut expected = 0;
    while expected < 1500 {
        let deliveries = consumer.next_batch(64).await;
        for delivery in &deliveries {
            assert_eq!(number(delivery), expected);
            assert!(!delivery.redelivered);
            expected += 1;
        }
        ack_many(deliveries).await.unwrap();
    }
    nothing(&mut consumer).await;
    until("everything is acked", async || {
        broker.depth(&rig.offers()).await == Ok(Depth { ready: 0, unacked: Some(0) })
    })
    .await;
}

pub(crate) async fn headers_and_properties_arrive_unchanged(rig: Rig) {
    let broker = rig.ready().await;
    let mut sent = message(1);
    sent.properties.correlation_id = Some("c".to_owned());
    sent.properties.reply_to = Some("r".to_owned());
    sent.properties.priority = Some(0);
    sent.properties.expiration_ms = Some(600_000);
    let headers = json!({"text": "ü", "none": null, "list": [1, 2.5, []], "table": {"a": true}, "big": 5_000_000_000_i64});
    sent.headers = headers.as_object().unwrap().clone().into();
    broker.publish(vec![Publish { to: rig.offers(), message: sent.clone() }]).await.unwrap();
    let mut consumer = broker.consume(&rig.offers(), 1).await;
    let got = next(&mut consumer).await;
    assert_eq!(got.message, sent);
    got.ack().await.unwrap();
}

pub(crate) async fn no_more_than_the_prefetch_is_held(rig: Rig) {
    let broker = rig.ready().await;
    broker.publish(batch(&rig.offers(), 0..10)).await.unwrap();
    let mut consumer = broker.consume(&rig.offers(), 3).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(next(&mut consumer).await);
    }
    nothing(&mut consumer).await;
    held.pop().unwrap().ack().await.unwrap();
    held.push(next(&mut consumer).await);
    nothing(&mut consumer).await;
    until("three are held", async || broker.depth(&rig.offers()).await.unwrap().unacked == Some(3)).await;
}

pub(crate) async fn what_a_dead_consumer_held_is_delivered_again(rig: Rig) {
    let broker = rig.ready().await;
    broker.publish(batch(&rig.offers(), 0..3)).await.unwrap();
    let mut first = broker.consume(&rig.offers(), 2).await;
    let (a, b) = (next(&mut first).await, next(&mut first).await);
    assert_eq!((number(&a), number(&b)), (0, 1));
    drop(first);
    let mut second = broker.consume(&rig.offers(), 10).await;
    let mut seen = BTreeSet::new();
    let mut again = 0;
    for _ in 0..3 {
        let delivery = next(&mut second).await;
        again += usize::from(delivery.redelivered);
        seen.insert(number(&delivery));
        delivery.ack().await.unwrap();
    }
    assert_eq!(seen, BTreeSet::from([0, 1, 2]));
    assert_eq!(again, 2);
}

pub(crate) async fn a_requeued_message_comes_again(rig: Rig) {
    let broker = rig.ready().await;
    broker.publish(batch(&rig.offers(), 0..1)).await.unwrap();
    let mut consumer = broker.consume(&rig.offers(), 1).await;
    next(&mut consumer).await.requeue().await.unwrap();
    let again = next(&mut consumer).await;
    assert!(again.redelivered);
    assert_eq!(number(&again), 0);
    again.ack().await.unwrap();
    nothing(&mut consumer).await;
}

pub(crate) async fn acks_in_any_order_ack_just_those(rig: Rig) {
    let broker = rig.ready().await;
    broker.publish(batch(&rig.offers(), 0..10)).await.unwrap();
    let mut consumer = broker.consume(&rig.offers(), 10).await;
    let mut held: Vec<_> = Vec::new();
    for _ in 0..10 {
        held.push(Some(next(&mut consumer).await));
    }
    let mut take = |indices: &[usize]| indices.iter().map(|i| held[*i].take().unwrap()).collect::<Vec<_>>();
    let (one, two, three) = (take(&[4, 7]), take(&[0, 1, 2, 9]), take(&[3, 5]));
    ack_many(one).await.unwrap();
    ack_many(two).await.unwrap();
    ack_many(three).await.unwrap();
    drop(consumer);
    let mut second = broker.consume(&rig.offers(), 10).await;
    let mut seen = BTreeSet::new();
    for _ in 0..2 {
        let delivery = next(&mut second).await;
        seen.insert(number(&delivery));
        delivery.ack().await.unwrap();
    }
    assert_eq!(seen, BTreeSet::from([6, 8]));
    nothing(&mut second).await;
}

pub(crate) async fn long_messages_come_one_after_the_other_and_one_that_nobody_could_read_as_its_beginning(
    rig: Rig,
) {
    const HUGE: usize = 40 * 1024 * 1024;
    let ready = rig.ready().await;
    // Nothing here is about patience.
    let broker = rig.settings().map_or(ready, |mut settings| {
        (settings.visibility_timeout, settings.answer_timeout) = (PATIENCE, PATIENCE);
        settings.heartbeat = PATIENCE;
        Broker::connect(settings).unwrap()
    });
    assert!(broker.connected(PATIENCE).await);
    let of_length = |length: usize| Publish {
        to: rig.offers(),
        message: Message { body: vec![b'x'; length].into(), ..message(0) },
    };
    // Together more than Redis lets wait for a subscriber.
    let lengths = [vec![600 * 1024; 60], vec![HUGE], vec![7; 10]].concat();
    for chunk in lengths.chunks(20) {
        broker.publish(chunk.iter().map(|length| of_length(*length)).collect()).await.unwrap();
    }
    let before = broker.connection().borrow().generation;
    let mut consumer = broker.consume(&rig.offers(), 128).await;
    let mut held = Vec::new();
    while held.len() < lengths.len() {
        held.push(next(&mut consumer).await);
    }
    let is_whole = |held: &Delivery| held.message.cut_from.is_none();
    for (length, delivery) in lengths.iter().zip(&held) {
        match delivery.message.cut_from {
            None => assert_eq!(delivery.message.body.len(), *length),
            Some(whole) => assert!(whole > HUGE && *length == HUGE && delivery.message.body.len() < HUGE),
        }
    }
    // It can be given back, and comes again; and again, when its consumer has died.
    let huge = held.remove(60);
    let was_whole = is_whole(&huge);
    huge.requeue().await.unwrap();
    let again = next(&mut consumer).await;
    assert_eq!(is_whole(&again), was_whole);
    ack_many(held).await.unwrap();
    drop(consumer);
    let mut second = broker.consume(&rig.offers(), 1).await;
    let last = next(&mut second).await;
    assert_eq!((is_whole(&last), last.message.cut_from), (was_whole, again.message.cut_from));
    last.ack().await.unwrap();
    assert!(again.ack().await.is_err());
    until("nothing is left", async || {
        broker.depth(&rig.offers()).await == Ok(Depth { ready: 0, unacked: Some(0) })
    })
    .await;
    assert_eq!(broker.connection().borrow().generation, before, "the connection has held");
}

pub(crate) async fn a_late_ack_harms_nobody(rig: Rig) {
    let broker = rig.ready().await;
    broker.publish(batch(&rig.offers(), 0..1)).await.unwrap();
    let mut first = broker.consume(&rig.offers(), 1).await;
    let late = next(&mut first).await;
    drop(first);
    let mut second = broker.consume(&rig.offers(), 1).await;
    let again = next(&mut second).await;
    assert_eq!(late.ack().await.unwrap_err().stale, 1);
    // The late ack has not acked the second delivery.
    drop(second);
    let mut third = broker.consume(&rig.offers(), 1).await;
    let third_time = next(&mut third).await;
    third_time.ack().await.unwrap();
    assert!(again.ack().await.is_err());
}

pub(crate) async fn two_consumers_share_a_queue(rig: Rig) {
    let (one, two) = (rig.ready().await, rig.connect().await);
    let mut first = one.consume(&rig.offers(), 5).await;
    let mut second = two.consume(&rig.offers(), 5).await;
    one.publish(batch(&rig.offers(), 0..200)).await.unwrap();
    let mut seen = BTreeSet::new();
    while seen.len() < 200 {
        let delivery = tokio::select! {
            delivery = next(&mut first) => delivery,
            delivery = next(&mut second) => delivery,
        };
        assert!(seen.insert(number(&delivery)), "delivered twice");
        delivery.ack().await.unwrap();
    }
}
