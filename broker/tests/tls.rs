//! TLS with an authority of one's own, and with clients' certificates, on real brokers that ask for them.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::time::Duration;

use berth_broker::{Broker, Message, Publish, Settings, Tls};
use berth_broker_config::arguments::QueueKind;
use berth_broker_config::{Names, build};
use berth_test_servers::tls::Tls as Certificates;
use berth_test_servers::{RabbitMq, Redis};

const LONG: Duration = Duration::from_secs(30);

fn connect(url: &str, tls: Tls) -> Broker {
    let mut settings = Settings::new(url).unwrap();
    settings.tls = tls;
    Broker::connect(settings).unwrap()
}

fn known(certificates: &Certificates, with_identity: bool) -> Tls {
    let identity = (certificates.client_certificate.clone(), certificates.client_key.clone().into());
    Tls::new(Some(certificates.ca.clone()), with_identity.then_some(identity)).unwrap()
}

/// Why there is no connection.
async fn refusal(broker: &Broker) -> String {
    let mut connection = broker.connection();
    let failed = connection.wait_for(|state| state.last_error.is_some() || state.up);
    let state = tokio::time::timeout(LONG, failed).await.unwrap().unwrap().clone();
    assert!(!state.up, "it is connected");
    state.last_error.unwrap()
}

async fn who_is_known_speaks_and_nobody_else(url: &str, certificates: &Certificates) {
    let broker = connect(url, known(certificates, true));
    assert!(broker.connected(LONG).await, "{:?}", *broker.connection().borrow());
    let names = Names::default();
    broker.apply(&build::agent(&names, "a", ["q"], QueueKind::Classic)).await.unwrap();
    let to = names.offers("a", "q");
    broker.publish(vec![Publish { to: to.clone(), message: Message::json("{}") }]).await.unwrap();
    let mut consumer = broker.consume(&to, 1).await;
    let delivery = tokio::time::timeout(LONG, consumer.next()).await.unwrap().unwrap();
    delivery.ack().await.unwrap();
    broker.close().await;

    for (who, tls) in [
        ("shows nothing", known(certificates, false)),
        ("trusts others", known(&Certificates::new(), true)),
        ("trusts the system's authorities", Tls::default()),
    ] {
        let broker = connect(url, tls);
        let why = refusal(&broker).await;
        assert!(!why.contains("secret"), "{who}: {why}");
        broker.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_speaks_with_who_shows_a_certificate() {
    let certificates = Certificates::new();
    let server = RabbitMq::start_tls(&certificates);
    who_is_known_speaks_and_nobody_else(&server.tls_url(), &certificates).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_speaks_with_who_shows_a_certificate() {
    let certificates = Certificates::new();
    let server = Redis::start_tls(&certificates);
    who_is_known_speaks_and_nobody_else(&server.tls_url(), &certificates).await;
}
