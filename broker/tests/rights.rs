//! An agent's broker user reaches its own names and nothing else, on real servers.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

#[path = "rights/rabbitmq.rs"]
mod rabbitmq;
#[path = "rights/redis.rs"]
mod redis;

use std::time::Duration;

use berth_broker::{Broker, Error, Message, Publish, Settings};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::password::PasswordHashes;
use berth_broker_config::rights::{self, AgentUser, Slot};
use berth_broker_config::{Address, Names, Topology, build};
use berth_test_servers::{RabbitMq, Redis};

async fn connect(url: &str) -> Broker {
    let broker = Broker::connect(Settings::new(url).unwrap()).unwrap();
    let up = broker.connected(Duration::from_secs(20)).await;
    assert!(up, "{:?}", *broker.connection().borrow());
    broker
}

fn one(to: Address) -> Vec<Publish> {
    vec![Publish { to, message: Message::json("{}") }]
}

async fn reaches_its_own_and_nothing_else(control: Broker, agent: Broker) {
    let names = Names::default();
    for name in ["a", "b"] {
        control.apply(&build::agent(&names, name, ["q"], QueueKind::Classic)).await.unwrap();
    }
    agent.apply(&build::control_queue(&names, "a", "r1")).await.unwrap();

    // Its own: offers in, reports out, requests in.
    control.publish(one(names.offers("a", "q"))).await.unwrap();
    let mut offers = agent.consume(&names.offers("a", "q"), 1).await;
    let offer = tokio::time::timeout(Duration::from_secs(20), offers.next()).await.unwrap().unwrap();
    offer.ack().await.unwrap();
    agent.publish(one(names.out("a"))).await.unwrap();
    let mut requests = agent.consume(&names.control("a", "r1"), 1).await;
    control.publish(one(names.control("a", "r1"))).await.unwrap();
    let request = tokio::time::timeout(Duration::from_secs(20), requests.next()).await.unwrap().unwrap();
    request.requeue().await.unwrap();
    agent.depth(&names.offers("a", "q")).await.unwrap();

    // Another's: nothing.
    let forbidden = |error: &Error| matches!(error, Error::Forbidden { .. });
    for foreign in [names.offers("b", "q"), names.out("b"), names.submit("sa"), Address::foreign("celery")] {
        let error = agent.publish(one(foreign.clone())).await.unwrap_err().reason;
        assert!(forbidden(&error), "{}: {error:?}", foreign.queue);
    }
    let error = agent.purge(&names.offers("b", "q")).await.unwrap_err();
    assert!(forbidden(&error), "{error:?}");
    let error = agent.delete_queue(&names.offers("b", "q")).await.unwrap_err();
    assert!(forbidden(&error), "{error:?}");
    let error = agent.apply(&build::control_queue(&names, "b", "r1")).await.unwrap_err();
    assert!(forbidden(&error), "{error:?}");
    control.publish(one(names.offers("b", "q"))).await.unwrap();
    let mut stolen = agent.consume(&names.offers("b", "q"), 1).await;
    assert!(tokio::time::timeout(Duration::from_secs(2), stolen.next()).await.is_err());
    let error = agent.broadcast(&names.wake(), Message::json("{}")).await.unwrap_err();
    assert!(forbidden(&error), "{error:?}");
    // What consumers held is given back now, and not while others look at what has changed.
    agent.close().await;
    control.close().await;
}

const PASSWORD: &str = "agent-secret";

/// The agent's user.
fn user() -> AgentUser {
    let password = PasswordHashes::of(PASSWORD, *b"salt");
    AgentUser { agent: "a".to_owned(), slot: Slot::First, password }
}

/// Makes the agent's user, twice: the second time changes nothing.
async fn make_user(control: &Broker, names: &Names) {
    let topology = Topology::default().with_user(names, user());
    control.apply(&topology).await.unwrap();
    control.apply(&topology).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_rabbitmq_user_reaches_its_own_names_only() {
    let server = RabbitMq::start_managed();
    let names = Names::default();
    let mut settings = Settings::new(&server.url()).unwrap();
    settings.management = server.management_url().parse().unwrap();
    let control = Broker::connect(settings).unwrap();
    assert!(control.connected(Duration::from_secs(20)).await);
    make_user(&control, &names).await;
    let name = rights::agent_user(&names, "a", Slot::First);
    let url = server.url_of(&name, PASSWORD, server.port());
    reaches_its_own_and_nothing_else(control, connect(&url).await).await;
    rabbitmq::everything_else_is_refused(&server, &url, &name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_redis_user_reaches_its_own_keys_only() {
    let server = Redis::start();
    let names = Names::default();
    let control = connect(&server.url()).await;
    make_user(&control, &names).await;
    let name = rights::agent_user(&names, "a", Slot::First);
    let url = format!("redis://{name}:{PASSWORD}@127.0.0.1:{}/0", server.port());
    reaches_its_own_and_nothing_else(control, connect(&url).await).await;
    redis::everything_else_is_refused(&server.url(), &url).await;
}
