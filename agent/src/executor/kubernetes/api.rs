//! The API server: how one connects, and what its answers mean. Every call is bounded in time, and nothing is tried
//! again behind the caller's back: whoever asks for a create must know how often it was sent.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http::{Request, StatusCode, header};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Status;
use kube::{Api, Client, Config, Resource};
use serde_json::Value;

use super::super::Trouble;
use super::lean::Landed;

/// How long one call may take. Longer, and a server that hangs holds a hand-over; shorter, and one that is only slow
/// is taken for dead.
pub(super) const CALL: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);

/// Where the API server is, and who one is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// The cluster that this process is a pod of, as its service account.
    InCluster,
    /// As a kubeconfig file says.
    Kubeconfig(PathBuf),
}

/// A connection, and the namespace that it is about where nothing else is said.
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) namespace: String,
}

/// Makes ready to speak to the API server; nothing is sent yet.
pub(super) async fn connect(access: &Access) -> Result<Connected, Trouble> {
    let config = match access {
        Access::InCluster => Config::incluster().map_err(|error| {
            failed("can't find the cluster that this process is a pod of", io::Error::other(error))
        }),
        Access::Kubeconfig(path) => {
            let read = async {
                let file = Kubeconfig::read_from(path)?;
                Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await
            };
            read.await.map_err(|error| {
                failed(format!("can't use the kubeconfig {}", path.display()), io::Error::other(error))
            })
        }
    };
    let mut config = config?;
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    config.write_timeout = Some(CALL);
    let namespace = config.default_namespace.clone();
    let client = Client::try_from(config)
        .map_err(|error| failed("can't make a client for the API server", io::Error::other(error)))?;
    Ok(Connected { client, namespace })
}

pub(super) fn failed(doing: impl Into<String>, source: io::Error) -> Trouble {
    Trouble { doing: doing.into(), source }
}

/// Makes a call within its time; what isn't there is none.
pub(super) async fn call<T>(
    doing: impl Fn() -> String,
    work: impl Future<Output = kube::Result<T>>,
) -> Result<Option<T>, Trouble> {
    match tokio::time::timeout(CALL, work).await {
        Ok(Ok(answer)) => Ok(Some(answer)),
        Ok(Err(kube::Error::Api(status))) if status.is_not_found() => Ok(None),
        Ok(Err(error)) => Err(failed(doing(), io::Error::other(words(&error)))),
        Err(_) => {
            let words = format!("no answer within {} s", CALL.as_secs());
            Err(failed(doing(), io::Error::new(io::ErrorKind::TimedOut, words)))
        }
    }
}

/// An error in the API server's own words where it had some.
pub(super) fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => told(status),
        other => crate::control::chain(other),
    }
}

fn told(status: &Status) -> String {
    let message = status.message.trim();
    if message.is_empty() { format!("status {}", status.code) } else { message.to_owned() }
}

/// What became of a create.
#[derive(Debug)]
pub(super) enum Created {
    /// It is there; what the server says of it beside its spec and its status.
    Object(Box<ObjectMeta>),
    /// One of that name is there already.
    Exists,
    /// It was refused for what it is, in the server's own words.
    Refused(String),
    /// This agent may not create anything.
    Forbidden(String),
    /// Nothing was created, and trying again may help.
    Busy {
        /// How long the server wants to be left alone.
        retry_after: Option<Duration>,
        /// Its words.
        words: String,
    },
    /// It may have been created, or may yet be.
    Unsure(String),
}

/// What is wanted of an answer: what was sent needs no way back. Where the server can't leave it out, it comes all the same.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// Asks for an object. Fields that the server doesn't know are refused by it, not dropped.
pub(super) async fn create<K>(client: &Client, namespace: &str, object: &Value) -> Created
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let uri = format!(
        "{}?fieldValidation=Strict&fieldManager=berth&timeout={}s",
        K::url_path(&(), Some(namespace)),
        CALL.as_secs()
    );
    let request = serde_json::to_vec(object).map_err(|error| error.to_string()).and_then(|body| {
        Request::post(uri)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, METADATA)
            .body(Body::from(body))
            .map_err(|error| error.to_string())
    });
    let request = match request {
        Ok(request) => request,
        Err(words) => return Created::Refused(words),
    };
    let sent = async {
        let (parts, body) = client.send(request).await?.into_parts();
        let retry_after =
            parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok::<_, kube::Error>((parts.status, retry_after, body.collect_bytes().await?))
    };
    match tokio::time::timeout(CALL, sent).await {
        Ok(Ok((status, retry_after, body))) => judge(status, retry_after.map(Duration::from_secs), &body),
        Ok(Err(error)) => Created::Unsure(words(&error)),
        Err(_) => Created::Unsure(format!("no answer within {} s", CALL.as_secs())),
    }
}

/// What an answer to a create means.
fn judge(code: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Created {
    if code.is_success() {
        return match serde_json::from_slice(body) {
            Ok(Landed(metadata)) => Created::Object(Box::new(metadata)),
            Err(error) => Created::Unsure(format!("the answer can't be read: {error}")),
        };
    }
    let status: Status = serde_json::from_slice(body).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(body);
        Status::failure(text.trim(), "").with_code(code.as_u16())
    });
    let words = told(&status);
    // What the object itself is refused for has its name; what this agent may not do has none.
    let is_about_the_object = status.details.as_ref().is_some_and(|details| !details.name.is_empty());
    match code.as_u16() {
        409 if status.is_already_exists() => Created::Exists,
        409 | 429 => Created::Busy { retry_after, words },
        401 => Created::Forbidden(words),
        403 if !is_about_the_object => Created::Forbidden(words),
        400..=499 => Created::Refused(words),
        503 if retry_after.is_some() => Created::Busy { retry_after, words },
        _ => Created::Unsure(words),
    }
}

/// The pods of a namespace.
pub(super) fn pods(client: &Client, namespace: &str) -> Api<Pod> {
    Api::namespaced(client.clone(), namespace)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(code: u16, retry_after: Option<u64>, body: &Value) -> String {
        let code = StatusCode::from_u16(code).unwrap();
        let judged = judge(code, retry_after.map(Duration::from_secs), body.to_string().as_bytes());
        format!("{judged:?}")
    }

    #[test]
    fn every_answer_to_a_create_means_one_thing() {
        let about = |name: &str, reason: &str| {
            json!({"kind": "Status", "status": "Failure", "message": "told", "reason": reason,
                   "details": {"name": name, "kind": "pods"}})
        };
        for (code, retry_after, body, begins) in [
            (409, None, about("p", "AlreadyExists"), "Exists"),
            (409, None, about("quota", "Conflict"), "Busy"),
            (422, None, about("p", "Invalid"), "Refused(\"told\")"),
            (400, None, about("", "BadRequest"), "Refused"),
            (404, None, about("ns", "NotFound"), "Refused"),
            (403, None, about("p", "Forbidden"), "Refused"),
            (403, None, about("", "Forbidden"), "Forbidden"),
            (401, None, json!({}), "Forbidden"),
            (429, Some(3), json!("Too many requests"), "Busy { retry_after: Some(3s)"),
            (503, Some(1), json!({}), "Busy"),
            (503, None, json!({}), "Unsure"),
            (500, None, about("", "InternalError"), "Unsure"),
            (504, None, about("", "Timeout"), "Unsure"),
            (201, None, json!({"metadata": {"name": "p"}}), "Object"),
            (201, None, json!([1]), "Unsure"),
        ] {
            let judged = judged(code, retry_after, &body);
            assert!(judged.starts_with(begins), "{code} {body}: {judged}");
        }
    }
}
