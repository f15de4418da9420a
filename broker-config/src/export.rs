//! Exports for administrators who set a broker up by their own means.

use serde_json::{Value, json};

use crate::arguments::table;
use crate::names::Names;
use crate::rights;
use crate::topology::Topology;

/// An agent's broker user, with the hashes of its password in each broker's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentUser {
    /// The agent.
    pub agent: String,
    /// RabbitMQ's: base64 of a 4-byte salt and the SHA-256 of salt and password.
    pub rabbitmq_password_hash: Option<String>,
    /// Redis': lower-case hex of the SHA-256 of the password.
    pub redis_password_sha256: Option<String>,
}

/// A definitions file for `rabbitmqctl import_definitions` or `load_definitions`.
pub fn rabbitmq_definitions(names: &Names, topology: &Topology, users: &[AgentUser], vhost: &str) -> Value {
    let exchanges = topology.exchanges.iter().map(|(name, exchange)| {
        json!({"name": name, "vhost": vhost, "type": exchange.kind.as_str(), "durable": true,
               "auto_delete": false, "internal": false, "arguments": {}})
    });
    let queues = topology.queues.iter().map(|(name, queue)| {
        json!({"name": name, "vhost": vhost, "durable": true, "auto_delete": false,
               "arguments": table(queue.kind, &queue.arguments)})
    });
    let bindings = topology.bindings.iter().map(|binding| {
        json!({"source": binding.exchange, "vhost": vhost, "destination": binding.queue,
               "destination_type": "queue", "routing_key": binding.routing_key, "arguments": {}})
    });
    let with_hash = users.iter().filter_map(|user| {
        let hash = user.rabbitmq_password_hash.as_ref()?;
        Some(json!({"name": rights::agent_user(names, &user.agent), "password_hash": hash,
                    "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": []}))
    });
    let permissions = users.iter().map(|user| {
        let rights = rights::rabbitmq(names, &user.agent);
        json!({"user": rights::agent_user(names, &user.agent), "vhost": vhost,
               "configure": rights.configure, "write": rights.write, "read": rights.read})
    });
    json!({
        "vhosts": [{"name": vhost}],
        "users": with_hash.collect::<Vec<_>>(),
        "permissions": permissions.collect::<Vec<_>>(),
        "exchanges": exchanges.collect::<Vec<_>>(),
        "queues": queues.collect::<Vec<_>>(),
        "bindings": bindings.collect::<Vec<_>>(),
    })
}

/// The lines of a Redis ACL file, one per agent whose password's hash is known.
pub fn redis_acl_lines(names: &Names, users: &[AgentUser]) -> Vec<String> {
    users
        .iter()
        .filter_map(|user| {
            let hash = user.redis_password_sha256.as_ref()?;
            let name = rights::agent_user(names, &user.agent);
            Some(format!("user {name} {}", rights::redis_acl(names, &user.agent, hash)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::QueueKind;
    use crate::build;

    #[test]
    fn definitions_have_what_the_topology_has() {
        let names = Names::default();
        let topology = build::agent(&names, "a", ["q"], QueueKind::Quorum);
        let user = AgentUser {
            agent: "a".to_owned(),
            rabbitmq_password_hash: Some("c2FsdA==".to_owned()),
            redis_password_sha256: None,
        };
        let file = rabbitmq_definitions(&names, &topology, std::slice::from_ref(&user), "/");
        assert_eq!(file["queues"].as_array().unwrap().len(), 2);
        assert_eq!(
            file["queues"][1]["arguments"],
            json!({"x-queue-type": "quorum", "x-delivery-limit": 2_147_483_647})
        );
        assert_eq!(file["bindings"][0]["routing_key"], "berth.a.out");
        assert_eq!(file["permissions"][0]["user"], "berth-a");
        assert_eq!(redis_acl_lines(&names, &[user]), [] as [String; 0]);
    }
}
