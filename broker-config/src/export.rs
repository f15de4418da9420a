//! Exports for administrators who set a broker up by their own means.

use serde_json::{Value, json};

use crate::arguments::table;
use crate::names::Names;
use crate::policies::APPLY_TO;
use crate::rights::{self, AgentUser};
use crate::topology::Topology;

/// A definitions file for `rabbitmqctl import_definitions` or `load_definitions`.
pub fn rabbitmq_definitions(names: &Names, topology: &Topology, vhost: &str) -> Value {
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
    let users = topology.users.iter().map(|(name, user)| {
        json!({"name": name, "password_hash": user.password.rabbitmq,
               "hashing_algorithm": rights::RABBITMQ_HASHING, "tags": ""})
    });
    let permissions = topology.users.iter().map(|(name, user)| {
        let rights = rights::rabbitmq(names, &user.agent);
        json!({"user": name, "vhost": vhost,
               "configure": rights.configure, "write": rights.write, "read": rights.read})
    });
    let policies = topology.policies.iter().map(|(name, policy)| {
        json!({"name": name, "vhost": vhost, "pattern": policy.pattern, "apply-to": APPLY_TO,
               "priority": policy.priority, "definition": policy.definition})
    });
    json!({
        "vhosts": [{"name": vhost}],
        "users": users.collect::<Vec<_>>(),
        "permissions": permissions.collect::<Vec<_>>(),
        "policies": policies.collect::<Vec<_>>(),
        "exchanges": exchanges.collect::<Vec<_>>(),
        "queues": queues.collect::<Vec<_>>(),
        "bindings": bindings.collect::<Vec<_>>(),
    })
}

/// The lines of a Redis ACL file for agents whose queues are in `database`, one per user.
pub fn redis_acl_lines(names: &Names, topology: &Topology, database: u32) -> Vec<String> {
    let line = |(name, user): (&String, &AgentUser)| {
        format!("user {name} {}", rights::redis_acl(names, &user.agent, &user.password.redis, database))
    };
    topology.users.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::QueueKind;
    use crate::build;
    use crate::password::PasswordHashes;
    use crate::policies;
    use crate::rights::Slot;

    #[test]
    fn definitions_have_what_the_topology_has() {
        let names = Names::default();
        let password = PasswordHashes { rabbitmq: "c2FsdA==".to_owned(), redis: "00ff".to_owned() };
        let user = AgentUser { agent: "a".to_owned(), slot: Slot::Second, password };
        let topology = build::agent(&names, "a", ["q"], QueueKind::Quorum).with_user(&names, user);
        let topology = topology.with_policy(policies::limit(&names, 1024));
        let file = rabbitmq_definitions(&names, &topology, "/");
        assert_eq!(file["queues"].as_array().unwrap().len(), 2);
        assert_eq!(
            file["queues"][1]["arguments"],
            json!({"x-queue-type": "quorum", "x-delivery-limit": 2_147_483_647})
        );
        assert_eq!(file["bindings"][0]["routing_key"], "berth.a.out");
        assert_eq!(file["permissions"][0]["user"], "berth-a.2");
        assert_eq!(file["users"][0]["password_hash"], "c2FsdA==");
        assert_eq!(file["policies"][0]["definition"]["max-length-bytes"], 1024);
        assert_eq!(file["policies"][0]["apply-to"], "queues");
        let lines = redis_acl_lines(&names, &topology, 0);
        assert!(lines[0].starts_with("user berth-a.2 reset resetchannels on #00ff ~berth.a.*"), "{lines:?}");
    }
}
