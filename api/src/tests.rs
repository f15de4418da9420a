//! The API through its router, over a store in memory and a broker in the process.

mod access;
mod agents;
mod answers;
mod bad_requests;
mod dashboard;
mod dead_letters;
mod layers;
mod left;
mod limits;
mod logs;
mod openapi;
mod operators;
mod overview;
mod quotas;
mod routing;
mod shapes;
mod streams;
mod submitting;
mod traces;

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use berth_broker::Broker;
use berth_broker_config::Names;
use berth_domain::access::Scope;
use berth_domain::id::{ProjectId, TokenId};
use berth_domain::lifecycle::{DispatchState, RetryPolicy};
use berth_domain::protocol::{Identity, LeaseRequest};
use berth_domain::time::Clock;
use berth_store::{Audit, NewAgent, NewProject, NewRun, NewToken, Options, Store};
use berth_telemetry::{Health, Registry, Tracer};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::app::{App, AppState, Auth, Config};
use crate::authenticate::{hash, new_secret};
use crate::layers::Limits;
use crate::server::{Layered, service};

const HOST: &str = "127.0.0.1:8000";

/// A server without a listener.
struct Api {
    app: AppState,
    service: Layered,
    token: Option<String>,
}

/// What it answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }
}

impl Api {
    async fn open() -> Self {
        Self::with(Auth::OpenOnLoopback { allowed_hosts: vec![HOST.to_owned()] }, Limits::default()).await
    }

    /// With the project `p`, the agent `local` (the default one) and its queue `default`.
    async fn with(auth: Auth, limits: Limits) -> Self {
        Self::on(Broker::memory(), auth, limits).await
    }

    /// The same on another broker.
    async fn on(broker: Broker, auth: Auth, limits: Limits) -> Self {
        Self::traced_by(Tracer::off(), broker, auth, limits).await
    }

    /// The same, with something that records traces.
    async fn traced_by(tracer: Tracer, broker: Broker, auth: Auth, limits: Limits) -> Self {
        let store = Store::connect("sqlite::memory:", Options::default()).await.unwrap();
        store.migrate(berth_store::Phase::Contract, Clock::system().now()).await.unwrap();
        let config = Config {
            store: store.clone(),
            broker: broker.clone(),
            requests_broker: broker,
            names: Names::default(),
            clock: Clock::system(),
            auth,
            limits,
            spec_limits: berth_domain::spec::Limits::default(),
            registry: Registry::new(),
            health: Health::new(),
            release: "0.1.0".to_owned(),
            replica: "api-1".to_owned(),
            tracer,
            load: None,
        };
        let app = App::new(config, CancellationToken::new()).unwrap();
        let audit = Audit::new("test", "test", app.clock.now());
        let mut agent = NewAgent::named("default", "local".parse().unwrap());
        agent.is_default = true;
        store.create_agent(agent, &audit).await.unwrap();
        let project = NewProject {
            id: ProjectId::new(),
            owner: "default".to_owned(),
            name: "p".to_owned(),
            ..NewProject::default()
        };
        store.create_project(project, &audit).await.unwrap();
        let service = service(&app);
        app.tasks.spawn(crate::feed::read_forever(app.clone()));
        Self { app, service, token: None }
    }

    /// A token of that scope.
    async fn token(&self, scope: Scope) -> String {
        let secret = new_secret();
        let new = NewToken {
            id: TokenId::new(),
            name: format!("t-{scope}"),
            owner: "default".to_owned(),
            username: format!("u-{scope}"),
            scopes: vec![scope.to_string()],
            expires_at: None,
        };
        let audit = Audit::new("test", "test", self.app.clock.now());
        self.app.store.create_token(new, &hash(&secret), &audit).await.unwrap();
        secret
    }

    async fn raw(&self, request: Request<Body>) -> axum::response::Response {
        self.service.clone().oneshot(request).await.unwrap()
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", HOST);
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Token {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.raw(request.body(Body::from(body)).unwrap()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Vec::new()).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], body.to_string().into_bytes()).await
    }

    /// Gives the agent `local` the lease that one of its replicas asks for.
    async fn lease(&self, request: LeaseRequest) {
        let agent = self.app.store.agent("default", "local").await.unwrap();
        self.app.store.grant_lease(agent.id, "r1", &request, self.app.clock.now()).await.unwrap();
        self.app.wake.settings_changed();
    }

    /// The queue `default` of the agent `local`.
    async fn queue(&self) -> berth_domain::id::QueueId {
        self.app.store.queue("default", "local", "default").await.unwrap().id
    }

    /// Writes so many runs into the store, past the API; returns their uuids.
    async fn submit_to_store(&self, count: usize) -> Vec<String> {
        let project = self.app.store.project("default", "p").await.unwrap().id;
        let state = DispatchState::new(RetryPolicy::default());
        let runs: Vec<NewRun> = (0..count).map(|_| NewRun::job("default", project, state.clone())).collect();
        let audit = Audit::new("test", "test", self.app.clock.now());
        let made = self.app.store.create_runs(&runs, &audit).await.unwrap();
        made.into_iter().map(|made| made.unwrap().uuid().simple().to_string()).collect()
    }

    /// Submits a job that says hello and returns its uuid.
    async fn submit(&self) -> String {
        let run = self.post("/api/v1/default/p/runs", &json!({ "content": hello().to_string() })).await.ok();
        run["uuid"].as_str().unwrap().to_owned()
    }
}

/// What a replica asks for that can do nothing, and says nothing of its agent.
fn lease() -> LeaseRequest {
    LeaseRequest {
        nonce: "n".into(),
        hello: true,
        identity: Identity::Machine { id: "m".into() },
        release: "0.1.0".into(),
        features: Vec::new(),
        executor: "kubernetes".into(),
        create_grace_ms: 0,
        handover_rate: 0.0,
        live: 0,
        held_offers: 0,
        queues: Vec::new(),
        seen: None,
        labels: None,
        namespaces: Vec::new(),
        connections: Vec::new(),
        nodes: None,
        vitals: None,
    }
}

fn hello() -> Value {
    json!({
        "kind": "operation",
        "name": "hello",
        "tags": ["a"],
        "component": {
            "inputs": [{ "name": "msg", "type": "str", "isOptional": true, "value": "hi" }],
            "run": { "kind": "job", "container": {
                "image": "busybox", "command": ["echo"], "args": ["{{ msg }}"],
                "env": [{ "name": "DB_PASSWORD", "value": "hunter2hunter2" }],
            }},
        },
    })
}

/// The keys of an object, sorted.
fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// What a stock client relies on is there.
#[track_caller]
fn has_keys(value: &Value, wanted: &str) {
    for key in wanted.split_whitespace() {
        assert!(value.get(key).is_some(), "`{key}` is missing among {:?}", keys(value));
    }
}

/// Waits for something that another task does.
async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn every_path_is_routed_and_slashes_at_its_end_are_optional() {
    let api = Api::open().await;
    for path in ["/healthz", "/healthz/", "/readyz", "/api/v1/installation", "/api/v1/installation/"] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
    let document = api.get("/openapi.json").await.ok();
    assert!(document["paths"]["/api/v1/{owner}/{project}/runs"]["post"].is_object(), "{document}");
    let answer = api.get("/nothing").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.detail(), "nothing is at `/nothing`; /openapi.json lists what there is");
}
