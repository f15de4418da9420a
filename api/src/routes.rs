//! Every path, what answers it, and nothing else.

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use berth_telemetry::listener;

use crate::app::AppState;
use crate::params::shown;
use crate::problem::Problem;
use crate::{
    agents, audit, clone, credentials, dashboard, dead_letters, events, explain, head, history, installation,
    layers, left, logs, openapi, organizations, overview, presets, projects, queues, runs, sse, streams,
    tokens, warnings,
};

/// A path with what answers it.
pub(crate) struct Route {
    /// The path.
    pub path: &'static str,
    /// The methods that it answers, in lower case.
    pub methods: Vec<&'static str>,
    router: MethodRouter<AppState>,
}

fn at(path: &'static str) -> Route {
    Route { path, methods: Vec::new(), router: MethodRouter::new() }
}

/// One builder per method, that notes it.
macro_rules! methods {
    ($($method:ident),*) => {
        impl Route {
            $(fn $method<H: Handler<T, AppState>, T: 'static>(mut self, handler: H) -> Self {
                self.methods.push(stringify!($method));
                self.router = self.router.$method(handler);
                self
            })*
        }
    };
}

methods!(get, post, put, patch, delete);

/// All routes with their layers.
pub(crate) fn all(app: &AppState) -> Router {
    let mut routes = Router::new();
    for Route { path, router, .. } in table() {
        routes = routes.route(path, router);
    }
    let routes = routes
        .fallback(elsewhere)
        .method_not_allowed_fallback(wrong_method)
        .with_state(app.clone())
        .merge(listener::probes(app.health.clone()))
        .merge(listener::metrics(app.registry.clone()));
    layers::around(routes, app)
}

/// A path that is not the API's: the page's, or nobody's.
async fn elsewhere(State(app): State<AppState>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    if let Some(page) = dashboard::answer(&app, &request).await {
        return page;
    }
    let path = shown(request.uri.path());
    let detail = format!("nothing is at `{path}`; /openapi.json lists what there is");
    Problem::new(StatusCode::NOT_FOUND, detail).into_response()
}

async fn wrong_method(request: Request) -> Problem {
    let (method, path) = (request.method(), shown(request.uri().path()));
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("`{method}` is not possible at `{path}`"))
}

/// The paths, for [`openapi`] and for the router.
pub(crate) fn table() -> Vec<Route> {
    let mut all = general();
    all.extend(organization());
    all.extend(project());
    all.extend(run());
    all.extend(stream());
    all
}

fn general() -> Vec<Route> {
    vec![
        at("/openapi.json").get(openapi::get),
        at("/api/v1/installation").get(installation::installation),
        at("/api/v1/compatibility/{key}/{version}/{service}").get(installation::compatibility),
        at("/api/v1/log_handler").get(installation::log_handler),
        at("/api/v1/users").get(installation::user),
        at("/api/v1/users/tokens").get(tokens::list).post(tokens::create),
        at("/api/v1/users/tokens/{uuid}").get(tokens::get).delete(tokens::revoke),
    ]
}

fn organization() -> Vec<Route> {
    vec![
        at("/api/v1/orgs/{owner}/agents").get(agents::list).post(agents::create),
        at("/api/v1/orgs/{owner}/agents/names").get(agents::list),
        at("/api/v1/orgs/{owner}/agents/{agent}")
            .get(agents::get)
            .patch(agents::update)
            .put(agents::update)
            .delete(agents::delete),
        at("/api/v1/orgs/{owner}/agents/{agent}/statuses").get(agents::statuses),
        at("/api/v1/orgs/{owner}/agents/{agent}/credentials")
            .get(credentials::list)
            .post(credentials::create),
        at("/api/v1/orgs/{owner}/agents/{agent}/credentials/{generation}").delete(credentials::retire),
        at("/api/v1/orgs/{owner}/agents/{agent}/{verb}").post(agents::steer),
        at("/api/v1/orgs/{owner}/agents/{agent}/queues").get(queues::list).post(queues::create),
        at("/api/v1/orgs/{owner}/agents/{agent}/queues/names").get(queues::list),
        at("/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}")
            .get(queues::get)
            .patch(queues::update)
            .put(queues::update)
            .delete(queues::delete),
        at("/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/history").get(history::of_queue),
        at("/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/head").get(head::get),
        at("/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/pause").post(queues::pause),
        at("/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/drain").post(queues::drain),
        at("/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/resume").post(queues::resume),
        at("/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/purge").post(queues::purge),
        at("/api/v1/orgs/{owner}/presets").get(presets::list).post(presets::create),
        at("/api/v1/orgs/{owner}/presets/names").get(presets::list),
        at("/api/v1/orgs/{owner}/presets/{preset}")
            .get(presets::get)
            .patch(presets::update)
            .put(presets::update)
            .delete(presets::delete),
        at("/api/v1/orgs/{owner}/settings")
            .get(organizations::settings)
            .patch(organizations::change_settings)
            .put(organizations::change_settings),
        at("/api/v1/orgs/{owner}/queues").get(queues::list_all),
        at("/api/v1/orgs/{owner}/queues/names").get(queues::list_all),
        at("/api/v1/orgs/{owner}/dead-letters").get(dead_letters::list),
        at("/api/v1/orgs/{owner}/dead-letters/reasons").get(dead_letters::reasons),
        at("/api/v1/orgs/{owner}/dead-letters/replay").post(dead_letters::replay_many),
        at("/api/v1/orgs/{owner}/dead-letters/drop").post(dead_letters::drop_many),
        at("/api/v1/orgs/{owner}/dead-letters/{uuid}").get(dead_letters::get).delete(dead_letters::drop),
        at("/api/v1/orgs/{owner}/dead-letters/{uuid}/replay").post(dead_letters::replay),
        at("/api/v1/orgs/{owner}/overview").get(overview::get),
        at("/api/v1/orgs/{owner}/warnings").get(warnings::list),
        at("/api/v1/orgs/{owner}/history").get(history::of_owner),
        at("/api/v1/orgs/{owner}/audit").get(audit::list),
        at("/api/v1/orgs/{owner}/events").get(sse::of_owner),
        at("/api/v1/orgs/{owner}/runs").get(runs::list::of_owner),
        at("/api/v1/orgs/{owner}/runs/groups").get(runs::groups::of_owner),
        at("/api/v1/orgs/{owner}/runs/delete").delete(runs::bulk::delete),
        at("/api/v1/orgs/{owner}/runs/{uuid}").get(runs::list::get_anywhere).post(runs::bulk::post),
    ]
}

fn project() -> Vec<Route> {
    vec![
        at("/api/v1/{owner}/projects/create").post(projects::create),
        at("/api/v1/{owner}/projects/list").get(projects::list),
        at("/api/v1/{owner}/projects/names").get(projects::list),
        at("/api/v1/{owner}/{project}")
            .get(projects::get)
            .patch(projects::update)
            .put(projects::update)
            .delete(projects::delete),
        at("/api/v1/{owner}/{project}/settings")
            .get(projects::settings)
            .patch(projects::change_settings)
            .put(projects::change_settings),
        at("/api/v1/{owner}/{project}/archive").post(projects::accept),
        at("/api/v1/{owner}/{project}/restore").post(projects::accept),
        at("/api/v1/{owner}/{project}/bookmark").post(projects::accept),
        at("/api/v1/{owner}/{project}/unbookmark").delete(projects::accept),
        at("/api/v1/{owner}/{project}/stats").get(projects::stats),
        at("/api/v1/{owner}/{project}/runs").get(runs::list::of_project).post(runs::create::create),
        at("/api/v1/{owner}/{project}/runs/bulk").post(runs::create::bulk),
        at("/api/v1/{owner}/{project}/runs/groups").get(runs::groups::of_project),
        at("/api/v1/{owner}/{project}/runs/delete").delete(runs::bulk::delete),
    ]
}

fn run() -> Vec<Route> {
    vec![
        at("/api/v1/{owner}/{project}/runs/{uuid}")
            .get(runs::list::get)
            .patch(runs::change::update)
            .put(runs::change::update)
            .delete(runs::change::delete)
            .post(runs::bulk::post),
        at("/api/v1/{owner}/{project}/runs/{uuid}/statuses")
            .get(runs::statuses::get)
            .post(runs::statuses::post),
        at("/api/v1/{owner}/{project}/runs/{uuid}/origins").get(runs::list::origins),
        at("/api/v1/{owner}/{project}/runs/{uuid}/stop").post(runs::verbs::stop),
        at("/api/v1/{owner}/{project}/runs/{uuid}/skip").post(runs::verbs::skip),
        at("/api/v1/{owner}/{project}/runs/{uuid}/approve").post(runs::verbs::approve),
        at("/api/v1/{owner}/{project}/runs/{uuid}/restart").post(clone::restart),
        at("/api/v1/{owner}/{project}/runs/{uuid}/copy").post(clone::copy),
        at("/api/v1/{owner}/{project}/runs/{uuid}/resume").post(clone::resume),
        at("/api/v1/{owner}/{project}/runs/{uuid}/transfer").post(runs::verbs::transfer),
        at("/api/v1/{owner}/{project}/runs/{uuid}/archive").post(runs::change::archive),
        at("/api/v1/{owner}/{project}/runs/{uuid}/restore").post(runs::change::restore),
        at("/api/v1/{owner}/{project}/runs/{uuid}/invalidate").post(runs::change::accept),
        at("/api/v1/{owner}/{project}/runs/{uuid}/bookmark").post(runs::change::accept),
        at("/api/v1/{owner}/{project}/runs/{uuid}/unbookmark").delete(runs::change::accept),
        at("/api/v1/{owner}/{project}/runs/{uuid}/explain").get(explain::get),
        at("/api/v1/{owner}/{project}/runs/{uuid}/namespace").get(runs::list::namespace),
        at("/api/v1/{owner}/{project}/runs/{uuid}/settings").get(runs::list::namespace),
        at("/api/v1/{owner}/{project}/runs/{uuid}/lineage/{kind}")
            .get(runs::list::lineage)
            .post(runs::list::no_lineage),
        at("/api/v1/{owner}/{project}/runs/{uuid}/lineage/{kind}/names").get(runs::list::lineage),
        at("/api/v1/{owner}/{project}/runs/{uuid}/events/stream").get(sse::of_run),
    ]
}

fn stream() -> Vec<Route> {
    vec![
        at("/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/logs").get(logs::get),
        at("/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/k8s_inspect").get(streams::inspect),
        at("/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/resources").get(events::resources),
        at("/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/events/{kind}").get(events::of_kind),
        at("/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifacts/tree").get(left::tree),
        at("/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifacts")
            .get(left::files)
            .post(streams::unsupported)
            .delete(streams::unsupported),
        at("/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifact")
            .get(left::file)
            .post(streams::unsupported)
            .delete(streams::unsupported),
    ]
}
