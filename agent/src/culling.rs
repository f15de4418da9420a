//! Ends services that nobody uses: asks each whether it is in use, as its operation says, and leaves the decision to
//! `berth_domain::lifecycle::culling`. One replica of the agent asks; what it knows is forgotten with it, and then the
//! service lives somewhat longer.

use std::collections::HashMap;
use std::time::Duration;

use berth_domain::lifecycle::culling::{self, Activity, Cull};
use berth_domain::protocol::AttemptRef;
use berth_domain::time::Time;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::control::chain;
use crate::executor::Culled;
use crate::service::Shared;
use crate::watch;

/// How often is looked for services that are due.
const LOOK: Duration = Duration::from_secs(1);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How much of an answer is read: what is longer tells no last use.
const MAX_BODY: usize = 256 * 1024;
/// How many services are asked at once.
const AT_ONCE: usize = 16;

type Http = Client<HttpConnector, Empty<Bytes>>;

/// When a service was used last, as far as is known, and when it is asked again.
#[derive(Debug, Clone, Copy)]
struct Known {
    used_at: Time,
    probe_at: Time,
    /// Whether it could not be asked, so that it is said once.
    is_unknown: bool,
}

/// Culls, for as long as the replica lives.
pub(crate) async fn keep(shared: &Shared) {
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    let mut known: HashMap<(AttemptRef, String), Known> = HashMap::new();
    while shared.stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        let services = shared.executor.culled();
        if services.is_empty() {
            known.clear();
            continue;
        }
        let services = watch::of_this_replica(shared, services, |service| &service.object).await;
        known.retain(|key, _| services.iter().any(|service| *key == id(service)));
        let now = shared.clock.now();
        let at_first = Known { used_at: now, probe_at: now, is_unknown: false };
        let due: Vec<(Culled, Known)> = services
            .into_iter()
            .map(|service| {
                let before = known.get(&id(&service)).copied().unwrap_or(at_first);
                (service, before)
            })
            .filter(|(_, before)| before.probe_at <= now)
            .collect();
        let asked = stream::iter(due).map(async |(service, before)| {
            let seen = culling::of_all(ask_all(&http, &service.urls).await);
            (service, before, seen)
        });
        let asking = asked.buffer_unordered(AT_ONCE).collect::<Vec<_>>();
        let Some(answers) = shared.stop.run_until_cancelled(asking).await else { return };
        for (service, before, seen) in answers {
            if let Some(next) = heed(shared, &service, before, &seen).await {
                known.insert(id(&service), next);
            }
        }
    }
}

fn id(service: &Culled) -> (AttemptRef, String) {
    (service.object.attempt, service.object.uid.clone())
}

/// Does what follows from what was seen of a service; returns what is known now, if it goes on.
async fn heed(shared: &Shared, service: &Culled, before: Known, seen: &Activity) -> Option<Known> {
    let (attempt, trace_id) = (service.object.attempt, service.object.trace_id());
    let is_unknown = *seen == Activity::Unknown;
    if is_unknown && !before.is_unknown {
        let urls = service.urls.join(", ");
        tracing::warn!(
            run.uuid = %attempt.run, trace_id,
            "agent.service.unasked: {urls} do not tell whether they are in use; while that is so the service is not ended for being idle"
        );
    }
    match culling::cull(service.limit, before.used_at, seen, shared.clock.now()) {
        Cull::Keep { used_at, probe_at } => Some(Known { used_at, probe_at, is_unknown }),
        Cull::End { idle } => {
            tracing::info!(run.uuid = %attempt.run, trace_id, idle_s = idle.as_secs(), "agent.service.culled");
            if let Err(error) = shared.executor.cull(attempt, idle).await {
                tracing::warn!(run.uuid = %attempt.run, trace_id, error = %chain(&error), "agent.service.cull_failed");
            }
            // Until its end is seen, or to be ended again.
            Some(Known { probe_at: shared.clock.now().plus(ANSWER), ..before })
        }
    }
}

async fn ask_all(http: &Http, urls: &[String]) -> Vec<Activity> {
    let asked = urls.iter().cloned().map(|url| ask(http, url));
    stream::iter(asked).buffer_unordered(AT_ONCE).collect().await
}

/// What one replica says. Redirections are not followed: they lead to others.
async fn ask(http: &Http, url: String) -> Activity {
    let Ok(url) = url.parse() else { return Activity::Unknown };
    let asking = async {
        let (parts, body) = http.get(url).await.ok()?.into_parts();
        let body =
            Limited::new(body, MAX_BODY).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Some(culling::of_http(parts.status.as_u16(), &body))
    };
    match tokio::time::timeout(ANSWER, asking).await {
        Ok(Some(seen)) => seen,
        Ok(None) | Err(_) => Activity::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// A server that gives one answer to each request, as long as the tests run; returns what is asked of it.
    fn server(answer: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut request) = (stream.unwrap(), [0; 1024]);
                let read = stream.read(&mut request).unwrap();
                assert!(request[..read].starts_with(b"GET /api/status HTTP/1.1\r\n"));
                // Who has read enough hangs up.
                drop(stream.write_all(answer.as_bytes()));
            }
        });
        format!("http://{address}/api/status")
    }

    #[tokio::test]
    async fn what_a_service_answers_tells_whether_it_is_in_use() {
        let http: Http = Client::builder(TokioExecutor::new()).build_http();
        let answer = |status: &str, body: &str| {
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        };
        let at = "2026-01-01T00:00:00Z";
        let status = answer("200 OK", &format!(r#"{{"last_activity":"{at}"}}"#));
        let since = Activity::Since(Time::parse(at).unwrap());
        for (answer, expected) in [
            (status.clone(), since.clone()),
            (answer("200 OK", "hello"), Activity::Active),
            (answer("200 OK", &"x".repeat(MAX_BODY + 1)), Activity::Active),
            (answer("503 Service Unavailable", ""), Activity::Idle),
            ("not http".to_owned(), Activity::Unknown),
        ] {
            let url = server(answer.clone());
            assert_eq!(ask(&http, url).await, expected, "{}", &answer[..20.min(answer.len())]);
        }
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let gone = format!("http://{gone}/api/status");
        assert_eq!(ask(&http, gone.clone()).await, Activity::Unknown);
        let both = ask_all(&http, &[server(status), gone]).await;
        assert_eq!(culling::of_all(both), Activity::Unknown, "one replica that can't be asked may be in use");
    }
}
