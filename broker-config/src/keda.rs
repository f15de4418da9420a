//! KEDA's objects for those who scale with it: for each queue what waits on the broker, and what could start.
//!
//! They are read as YAML, of which JSON is a part. The broker's address with its credentials is in a Secret that
//! whoever installs the agent has made; nothing of it is here.

use serde_json::{Value, json};

use crate::names::Names;

/// Where agents run, and what their numbers are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaling {
    /// Which broker.
    pub broker: ScaledBroker,
    /// A Prometheus that has the scheduler's metrics, if there is one.
    pub prometheus: Option<String>,
}

/// What of a broker a trigger has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScaledBroker {
    /// RabbitMQ, with this virtual host.
    RabbitMq {
        /// The virtual host.
        vhost: String,
    },
    /// Redis.
    Redis {
        /// `host:port`; with Sentinels, that of each, by commas.
        address: String,
        /// What Sentinels call it, if they watch over it.
        service: Option<String>,
        /// The database's number.
        database: u32,
        /// Whether it speaks TLS.
        tls: bool,
    },
}

/// How many waiting offers, or runs, one replica of an agent is for.
const PER_REPLICA: &str = "50";

/// The most replicas.
const MOST: u32 = 10;

/// What stands between a queue's name and its priority steps on Redis, after the list that has the queue's own name.
const REDIS_STEPS: [&str; 4] = ["", "\u{6}\u{16}3", "\u{6}\u{16}6", "\u{6}\u{16}9"];

/// The objects of one agent: how a trigger comes in, and what is scaled by what.
pub fn objects<'a>(
    names: &Names,
    agent: &str,
    queues: impl IntoIterator<Item = &'a str>,
    scaling: &Scaling,
) -> Vec<Value> {
    let name = format!("berth-agent-{agent}");
    let secrets: &[(&str, &str)] = match scaling.broker {
        ScaledBroker::RabbitMq { .. } => &[("host", "broker-url")],
        ScaledBroker::Redis { .. } => &[("username", "broker-user"), ("password", "broker-password")],
    };
    let secrets: Vec<Value> = secrets
        .iter()
        .map(|(parameter, key)| json!({"parameter": parameter, "name": "berth-agent", "key": key}))
        .collect();
    let triggers: Vec<Value> =
        queues.into_iter().flat_map(|queue| of_queue(names, agent, queue, scaling)).collect();
    vec![
        json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": "TriggerAuthentication",
            "metadata": {"name": name}, "spec": {"secretTargetRef": secrets},
        }),
        json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": {"name": name},
            "spec": {
                "scaleTargetRef": {"name": name},
                "minReplicaCount": 1,
                "maxReplicaCount": MOST,
                "triggers": triggers,
            },
        }),
    ]
}

fn of_queue(names: &Names, agent: &str, queue: &str, scaling: &Scaling) -> Vec<Value> {
    let address = names.offers(agent, queue).queue;
    let authentication = json!({"name": format!("berth-agent-{agent}")});
    let mut triggers = match &scaling.broker {
        ScaledBroker::RabbitMq { vhost } => vec![json!({
            "type": "rabbitmq", "authenticationRef": authentication,
            "metadata": {"protocol": "amqp", "queueName": address, "vhostName": vhost,
                         "mode": "QueueLength", "value": PER_REPLICA},
        })],
        // A list for each priority step: an absent one has the length 0.
        ScaledBroker::Redis { address: host, service, database, tls } => REDIS_STEPS
            .iter()
            .map(|step| {
                let mut metadata = json!({
                    "listName": format!("{address}{step}"), "listLength": PER_REPLICA,
                    "databaseIndex": database.to_string(), "enableTLS": tls.to_string(),
                });
                let kind = match service {
                    Some(service) => {
                        metadata["addresses"] = json!(host);
                        metadata["sentinelMaster"] = json!(service);
                        "redis-sentinel"
                    }
                    None => {
                        metadata["address"] = json!(host);
                        "redis"
                    }
                };
                json!({"type": kind, "authenticationRef": authentication, "metadata": metadata})
            })
            .collect(),
    };
    if let Some(server) = &scaling.prometheus {
        // Every scheduler shows the same numbers: the largest is one of them.
        let query = format!("max(berth_queue_admissible{{agent=\"{agent}\",queue=\"{queue}\"}})");
        triggers.push(json!({
            "type": "prometheus",
            "metadata": {"serverAddress": server, "query": query, "threshold": PER_REPLICA},
        }));
    }
    triggers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triggers(scaling: &Scaling) -> Vec<Value> {
        let objects = objects(&Names::default(), "eu", ["gpu"], scaling);
        assert_eq!(objects[1]["spec"]["scaleTargetRef"]["name"], "berth-agent-eu");
        objects[1]["spec"]["triggers"].as_array().unwrap().clone()
    }

    #[test]
    fn on_rabbitmq_a_queue_is_one_trigger_and_what_could_start_another() {
        let broker = ScaledBroker::RabbitMq { vhost: "/".to_owned() };
        let prometheus = Some("http://prometheus:9090".to_owned());
        let triggers = triggers(&Scaling { broker, prometheus });
        assert_eq!(triggers.len(), 2);
        assert_eq!(triggers[0]["metadata"]["queueName"], "berth.eu.run.gpu");
        let query = "max(berth_queue_admissible{agent=\"eu\",queue=\"gpu\"})";
        assert_eq!(triggers[1]["metadata"]["query"], query);
    }

    #[test]
    fn on_redis_each_priority_has_a_list() {
        let broker =
            ScaledBroker::Redis { address: "r:6379".to_owned(), service: None, database: 2, tls: false };
        let triggers = triggers(&Scaling { broker, prometheus: None });
        let lists: Vec<&str> =
            triggers.iter().map(|trigger| trigger["metadata"]["listName"].as_str().unwrap()).collect();
        assert_eq!(lists[0], "berth.eu.run.gpu");
        assert_eq!(lists[3], "berth.eu.run.gpu\u{6}\u{16}9");
        assert_eq!(triggers[0]["metadata"]["databaseIndex"], "2");
        assert_eq!(
            (&triggers[0]["type"], &triggers[0]["metadata"]["address"]),
            (&json!("redis"), &json!("r:6379"))
        );
    }

    #[test]
    fn with_sentinels_a_trigger_asks_them_where_the_redis_is() {
        let (address, service) = ("s1:26379,s2:26379".to_owned(), Some("berth".to_owned()));
        let broker = ScaledBroker::Redis { address, service, database: 0, tls: false };
        let triggers = triggers(&Scaling { broker, prometheus: None });
        assert_eq!(triggers[0]["type"], "redis-sentinel");
        assert_eq!(triggers[0]["metadata"]["addresses"], "s1:26379,s2:26379");
        assert_eq!(triggers[0]["metadata"]["sentinelMaster"], "berth");
    }
}
