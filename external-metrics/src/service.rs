//! One request: who asks, whether that one may, and what is answered.

use berth_domain::time::Clock;
use berth_domain::waiting::Load;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::Full;
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use tokio::sync::watch;

use crate::answer;
use crate::cluster::{Cluster, Trust};
use crate::metric::Server;
use crate::request::{Asked, Right, asked};
use crate::selector::Selector;

/// How old figures may be. Older ones say nothing, and an autoscaler that is told so leaves things as they are.
const STALE: std::time::Duration = std::time::Duration::from_secs(60);

/// What requests are answered from.
pub(crate) struct Service {
    pub(crate) server: Server,
    pub(crate) load: watch::Receiver<Option<Load>>,
    pub(crate) trust: watch::Receiver<Result<Trust, String>>,
    pub(crate) cluster: Cluster,
    pub(crate) clock: Clock,
}

/// Why a request has no better answer: a status, a word for programs, a sentence for people.
struct Refused(StatusCode, &'static str, String);

impl Service {
    /// Answers a request of a peer that showed `chain`.
    pub(crate) async fn answer(
        &self,
        head: &Parts,
        chain: &[CertificateDer<'static>],
    ) -> Response<Full<Bytes>> {
        let path = head.uri.path();
        let asked = asked(&head.method, path);
        let permitted = match asked.right(path) {
            None => Ok(()),
            Some(right) => self.permit(&right, &head.headers, chain).await,
        };
        let query = head.uri.query().unwrap_or_default();
        let result = permitted.and_then(|()| self.body(&asked, path, query));
        let (status, body) = match result {
            Ok(None) => return text(StatusCode::OK, "ok"),
            Ok(Some(body)) => (StatusCode::OK, body),
            Err(Refused(status, reason, message)) => (status, answer::refusal(status, reason, &message)),
        };
        let mut response = text(status, body.to_string());
        let json = header::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }

    /// Whether who asks has that right.
    async fn permit(
        &self,
        right: &Right,
        headers: &HeaderMap,
        chain: &[CertificateDer<'static>],
    ) -> Result<(), Refused> {
        let trust = self.trust.borrow().clone();
        let trust = trust.map_err(|why| unavailable(format!("nobody can be known: {why}")))?;
        let user = trust
            .authorities
            .common_name(chain, self.clock.now())
            .and_then(|name| trust.front_proxy.user(&name, headers))
            .map_err(|why| Refused(StatusCode::UNAUTHORIZED, "Unauthorized", why))?;
        if self.cluster.may(&user, right).await.map_err(unavailable)? {
            return Ok(());
        }
        let what = match right {
            Right::Path(path) => format!("get path \"{path}\""),
            Right::Metric { namespace, metric } => {
                format!("list {metric}.{} in the namespace \"{namespace}\"", crate::request::GROUP)
            }
        };
        Err(Refused(StatusCode::FORBIDDEN, "Forbidden", format!("user \"{}\" may not {what}", user.name)))
    }

    /// The answer; none of a health check.
    fn body(&self, asked: &Asked, path: &str, query: &str) -> Result<Option<Value>, Refused> {
        let not_found = |message| Refused(StatusCode::NOT_FOUND, "NotFound", message);
        match asked {
            Asked::Health => Ok(None),
            Asked::Document(document) => Ok(Some(answer::document(*document, self.server))),
            Asked::Nothing => Err(not_found(format!(
                "there is nothing at {path}; a metric is at /apis/{}/{}/namespaces/NAMESPACE/METRIC",
                crate::request::GROUP,
                crate::request::VERSION
            ))),
            Asked::Change => {
                let message = "everything here is read: use GET".to_owned();
                Err(Refused(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message))
            }
            Asked::Values { metric, .. } => {
                let metric = answer::named(metric, self.server).map_err(not_found)?;
                let selector = url::form_urlencoded::parse(query.as_bytes())
                    .find(|(key, _)| key == "labelSelector")
                    .map(|(_, value)| value.into_owned())
                    .unwrap_or_default();
                let selector = Selector::read(&selector, metric.labels())
                    .map_err(|invalid| Refused(StatusCode::BAD_REQUEST, "BadRequest", invalid.to_string()))?;
                let load = self.load.borrow().clone();
                let is_fresh = |load: &Load| self.clock.now().since(load.at) <= STALE;
                let load = load.filter(is_fresh).ok_or_else(|| {
                    unavailable(format!("what waits was not measured in the last {} s", STALE.as_secs()))
                })?;
                Ok(Some(answer::values(metric, &selector, &load)))
            }
        }
    }
}

fn unavailable(message: String) -> Refused {
    Refused(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}
