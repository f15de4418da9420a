//! Requests and replies against credit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use berth_broker::{
    Broker, Incoming, Message, ReplyError, ReplyStream, RequestOptions, Requests, RespondError, Responder,
};
use berth_broker_config::build;
use bytes::Bytes;
use tokio_util::task::TaskTracker;

use crate::rig::{PATIENCE, Rig, until};

/// An agent's replica that gives every request to `answer`.
async fn agent<F: Future<Output = ()> + Send + 'static>(
    rig: &Rig,
    answer: impl Fn(Message, Responder) -> F + Send + 'static,
) -> Broker {
    let broker = rig.ready().await;
    broker.apply(&build::control_queue(&rig.names, "a", "r1")).await.unwrap();
    let requests = Requests::new(rig.connect().await, rig.names.clone(), "a");
    let mut control = broker.consume(&rig.names.control("a", "r1"), 64).await;
    let tracker = TaskTracker::new();
    tracker.clone().spawn(async move {
        while let Some(delivery) = control.next().await {
            if let Incoming::Request(responder) = requests.accept(&delivery.message) {
                tracker.spawn(answer(delivery.message.clone(), responder));
            }
            delivery.ack().await.unwrap();
        }
    });
    broker
}

async fn ask(rig: &Rig, broker: &Broker, options: RequestOptions) -> ReplyStream {
    let (to, reply) = (rig.names.control("a", "r1"), rig.names.reply("a", "api-1"));
    let mut stream = None;
    // The replica may not be listening yet.
    until("the request is taken", async || {
        stream = broker.request(&to, &reply, Message::json("{\"logs\": 1}"), options).await.ok();
        stream.is_some()
    })
    .await;
    stream.unwrap()
}

async fn read(stream: &mut ReplyStream) -> Option<Result<Bytes, ReplyError>> {
    tokio::time::timeout(PATIENCE, stream.next()).await.expect("an answer in time")
}

pub(crate) async fn a_reply_arrives_whole_and_in_order(rig: Rig) {
    let _agent = agent(&rig, async |request: Message, mut responder: Responder| {
        assert_eq!(&request.body[..], b"{\"logs\": 1}");
        for number in 0_u32..1000 {
            responder.send(Bytes::from(number.to_be_bytes().to_vec())).await.unwrap();
        }
        responder.send(Bytes::from(vec![7; 200_000])).await.unwrap();
        responder.finish().await.unwrap();
    })
    .await;
    let broker = rig.connect().await;
    let mut stream = ask(&rig, &broker, RequestOptions { credit: 8, ..Default::default() }).await;
    for number in 0_u32..1000 {
        assert_eq!(read(&mut stream).await.unwrap().unwrap(), Bytes::from(number.to_be_bytes().to_vec()));
    }
    let mut rest = 0;
    while let Some(chunk) = read(&mut stream).await {
        let chunk = chunk.unwrap();
        assert!(chunk.len() <= 64 * 1024);
        rest += chunk.len();
    }
    assert_eq!(rest, 200_000);
}

pub(crate) async fn a_slow_reader_bounds_what_is_sent(rig: Rig) {
    let (begun, sent) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counters = (Arc::clone(&begun), Arc::clone(&sent));
    let _agent = agent(&rig, move |_, mut responder: Responder| {
        let (begun, sent) = counters.clone();
        async move {
            for _ in 0..100 {
                begun.fetch_add(1, Ordering::SeqCst);
                responder.send(Bytes::from_static(b"x")).await.unwrap();
                sent.fetch_add(1, Ordering::SeqCst);
            }
            responder.finish().await.unwrap();
        }
    })
    .await;
    let broker = rig.connect().await;
    let mut stream = ask(&rig, &broker, RequestOptions { credit: 4, ..Default::default() }).await;
    until("the credit is used, and more waits", async || begun.load(Ordering::SeqCst) == 5).await;
    assert_eq!(sent.load(Ordering::SeqCst), 4);
    for read_so_far in 1..=100 {
        read(&mut stream).await.unwrap().unwrap();
        assert!(sent.load(Ordering::SeqCst) <= read_so_far + 4);
    }
    assert!(read(&mut stream).await.is_none());
}

pub(crate) async fn a_failure_arrives_as_its_text(rig: Rig) {
    let _agent =
        agent(&rig, async |_, responder: Responder| responder.fail("no such run").await.unwrap()).await;
    let broker = rig.connect().await;
    let mut stream = ask(&rig, &broker, RequestOptions::default()).await;
    assert_eq!(read(&mut stream).await, Some(Err(ReplyError::Failed("no such run".to_owned()))));
    assert_eq!(read(&mut stream).await, None);
}

pub(crate) async fn silence_ends_in_a_timeout(rig: Rig) {
    let _agent = agent(&rig, async |_, responder: Responder| {
        responder.cancelled().await;
    })
    .await;
    let broker = rig.connect().await;
    let ttl = Duration::from_millis(500);
    let mut stream = ask(&rig, &broker, RequestOptions { ttl, ..Default::default() }).await;
    assert_eq!(read(&mut stream).await, Some(Err(ReplyError::Timeout { millis: 500 })));
}

pub(crate) async fn a_reader_that_leaves_stops_the_responder(rig: Rig) {
    let (ended, mut end) = tokio::sync::mpsc::channel(1);
    let _agent = agent(&rig, move |_, mut responder: Responder| {
        let ended = ended.clone();
        async move {
            loop {
                if let Err(error) = responder.send(Bytes::from_static(b"x")).await {
                    ended.send(error).await.unwrap();
                    return;
                }
            }
        }
    })
    .await;
    let broker = rig.connect().await;
    let mut stream = ask(&rig, &broker, RequestOptions::default()).await;
    read(&mut stream).await.unwrap().unwrap();
    drop(stream);
    let error = tokio::time::timeout(PATIENCE, end.recv()).await.unwrap().unwrap();
    assert_eq!(error, RespondError::Cancelled);
}
