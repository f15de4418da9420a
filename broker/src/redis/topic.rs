//! Broadcast topics: publish and subscribe, on a channel of the topic's name.

use std::sync::Arc;

use berth_broker_config::Address;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::link::Link;
use crate::celery::envelope;
use crate::consumer::Subscription;
use crate::error::Error;
use crate::message::Message;

pub(crate) async fn broadcast(link: &Link, topic: &Address, message: &Message) -> Result<(), Error> {
    let text = envelope::encode(message, topic.kombu_name())?;
    let mut publish = ::redis::cmd("PUBLISH");
    let _: u64 = link.command("broadcasting", publish.arg(&topic.queue).arg(text)).await?;
    Ok(())
}

pub(crate) fn subscribe(link: &Arc<Link>, topic: &Address) -> Subscription {
    let (sender, messages) = mpsc::channel(64);
    let stop = link.core.stop.child_token();
    let (task_link, name, ended) = (Arc::clone(link), topic.queue.clone(), stop.clone());
    link.core.tracker.spawn(ended.run_until_cancelled_owned(async move {
        let mut topic = task_link.topic(&name).await;
        loop {
            match topic.recv().await {
                Ok(message) => {
                    if sender.send(message).await.is_err() {
                        return;
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }));
    Subscription { messages, _stop: stop.drop_guard() }
}
