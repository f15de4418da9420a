//! `berth broker export`: what must exist on a broker, in the forms that others read. It asks no broker.

use berth_broker_config::export::{rabbitmq_definitions, redis_acl_lines};
use berth_broker_config::keda::{self, ScaledBroker, Scaling};

use super::broker::Whole;
use super::replica::{broker_settings, names};
use crate::arguments::{Export, ExportForm};
use crate::failure::{Failure, Status};
use crate::output::Output;
use crate::settings::{BrokerKind, BrokerSettings, Format};

/// Prints it. Of passwords there are hashes in it at most.
pub(super) fn print(settings: &BrokerSettings, whole: &Whole, export: &Export) -> Result<(), Failure> {
    let (names, broker) = (names(settings), broker_settings(settings)?);
    let needs = |kind: BrokerKind, form: &str, schemes: &str| {
        if settings.kind == kind {
            return Ok(());
        }
        Err(Failure::usage(format!("export {form}: `broker_url` is of another broker; use {schemes}")))
    };
    match export.form {
        ExportForm::Rabbitmq => {
            needs(BrokerKind::Amqp, "rabbitmq", "amqp:// or amqps://")?;
            let definitions = rabbitmq_definitions(&names, &whole.topology, &broker.vhost());
            Output::standard(Format::Json).whole(&definitions)
        }
        ExportForm::RedisAcl => {
            needs(BrokerKind::Redis, "redis-acl", "redis:// or rediss://")?;
            let mut output = Output::standard(Format::Table);
            redis_acl_lines(&names, &whole.topology, broker.database())
                .iter()
                .try_for_each(|line| output.line(line))
        }
        ExportForm::Keda => {
            let scaled = match settings.kind {
                BrokerKind::Redis => {
                    let (address, service) = match broker.watched_by() {
                        Some((places, service)) => (places, Some(service)),
                        None => (broker.address(), None),
                    };
                    let (database, tls) = (broker.database(), broker.is_tls());
                    ScaledBroker::Redis { address, service, database, tls }
                }
                _ => ScaledBroker::RabbitMq { vhost: broker.vhost() },
            };
            let scaling = Scaling { broker: scaled, prometheus: export.prometheus.clone() };
            let mut output = Output::standard(Format::Table);
            for (agent, queues) in &whole.agents {
                for object in keda::objects(&names, agent, queues.iter().map(String::as_str), &scaling) {
                    let text = serde_saphyr::to_string(&object)
                        .map_err(|error| Failure::new(Status::Failed, error.to_string()))?;
                    output.line(&format!("---\n{}", text.trim_end()))?;
                }
            }
            Ok(())
        }
    }
}
