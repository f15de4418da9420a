//! What agents come to the broker with. A password is told once, when it is made; kept are its hashes.

use std::collections::HashMap;

use axum::Json as Answer;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use berth_broker::{Error, UserSupport};
use berth_broker_config::password::PasswordHashes;
use berth_broker_config::rights::{AgentUser, Slot, agent_user};
use berth_broker_config::{Names, Topology};
use berth_domain::access::Action;
use berth_store::{Credentials, NewCredentials};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::agents::{find, part};
use crate::app::{App, AppState};
use crate::authenticate::{Caller, new_secret};
use crate::listing;
use crate::params::shown;
use crate::path::InAgent;
use crate::problem::Problem;

/// `GET .../agents/{agent}/credentials`: the generations that come in, oldest first, and whether any are needed.
pub(crate) async fn list(
    State(app): State<AppState>,
    caller: Caller,
    at: InAgent,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::ManageAgents, at.resource())?;
    let agent = find(&app, &at.owner, &at.agent).await?;
    let there = app.store.credentials(&at.owner, agent.name.as_str()).await?;
    let mut answer = listing::whole(&there.iter().map(|it| shape(&app.names, it)).collect::<Vec<_>>());
    answer["needed"] = json!(app.broker.user_support() != UserSupport::None);
    Ok(Answer(answer))
}

/// `POST .../agents/{agent}/credentials`: a new generation. The one before still comes in; what is older does not.
pub(crate) async fn create(
    State(app): State<AppState>,
    caller: Caller,
    at: InAgent,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ManageAgents, at.resource())?;
    let agent = find(&app, &at.owner, &at.agent).await?;
    let name = agent.name.as_str();
    if app.broker.user_support() == UserSupport::None {
        return Err(Problem::conflict(
            "the broker is inside this process, and so are its agents: they need no credentials",
        ));
    }
    let password = new_secret();
    let hashes = PasswordHashes::of(&password, rand::random());
    let new = NewCredentials { rabbitmq_hash: hashes.rabbitmq, redis_hash: hashes.redis };
    let audit = caller.audit("agent.credentials.create");
    let made = app.store.create_credentials(&at.owner, name, new, &audit).await?;
    app.wake.settings_changed();
    let note = match let_in(&app, &made).await {
        Ok(note) => note,
        Err(error) => {
            // Somebody else's user has that name: these credentials would never come in.
            let audit = caller.audit("agent.credentials.retire");
            app.store.delete_credentials(&at.owner, name, made.generation, &audit).await?;
            return Err(Problem::conflict(error.to_string()));
        }
    };
    let valid = app.store.credentials(&at.owner, name).await?;
    let mut answer = shape(&app.names, &made);
    let user = user_of(&app.names, &made);
    let url = app.broker.url_for(&user, &password).map(|url| url.expose_secret().to_owned());
    answer["helm_values"] = json!(helm_values(name, url.as_deref().unwrap_or_default()));
    answer["password"] = json!(password);
    answer["url"] = json!(url);
    answer["valid"] = valid.iter().map(|credentials| credentials.generation).collect();
    answer["on_broker"] = json!(note.is_none());
    answer["note"] = json!(note);
    Ok((StatusCode::CREATED, Answer(answer)))
}

/// `DELETE .../agents/{agent}/credentials/{generation}`: it comes in no more, and its connections end.
pub(crate) async fn retire(
    State(app): State<AppState>,
    caller: Caller,
    at: InAgent,
    Path(path): Path<HashMap<String, String>>,
) -> Result<Answer<Value>, Problem> {
    caller.may(Action::ManageAgents, at.resource())?;
    let agent = find(&app, &at.owner, &at.agent).await?;
    let name = agent.name.as_str();
    let text = part(&path, "generation");
    let there = app.store.credentials(&at.owner, name).await?;
    let retired = there.iter().find(|credentials| credentials.generation.to_string() == text);
    let retired = retired.ok_or_else(|| Problem::not_found("generation", shown(&text)))?;
    let user = user_of(&app.names, retired);
    // The broker first: what is said to be out is out.
    let note = match app.broker.user_support() {
        UserSupport::None => None,
        UserSupport::Untold(why) => Some(format!("{why}: delete the user `{user}` there by hand")),
        UserSupport::Taken => match app.broker.remove_user(&user, Some(&hashes_of(retired))).await {
            Ok(_) => None,
            Err(error @ Error::Conflict { .. }) => return Err(Problem::conflict(error.to_string())),
            Err(error) => {
                return Err(Problem::unavailable(format!("nothing was changed: {error}")));
            }
        },
    };
    let audit = caller.audit("agent.credentials.retire");
    app.store.delete_credentials(&at.owner, name, retired.generation, &audit).await?;
    app.wake.settings_changed();
    let mut answer = shape(&app.names, retired);
    answer["on_broker"] = json!(note.is_none());
    answer["note"] = json!(note);
    Ok(Answer(answer))
}

/// Takes away the users of an agent that is gone.
pub(crate) async fn lock_out(app: &App, agent: &str) {
    if app.broker.user_support() != UserSupport::Taken {
        return;
    }
    for slot in Slot::ALL {
        let user = agent_user(&app.names, agent, slot);
        if let Err(error) = app.broker.remove_user(&user, None).await {
            tracing::warn!(agent.name = agent, user, %error, "the user {user} of agent {agent} is still on the broker");
        }
    }
}

/// Makes the user with its rights; what is left to do, if the broker could not be told. An error if it never will be.
async fn let_in(app: &App, made: &Credentials) -> Result<Option<String>, Error> {
    if let UserSupport::Untold(why) = app.broker.user_support() {
        return Ok(Some(format!(
            "{why}: load what `berth broker export rabbitmq` prints into it before the agent comes"
        )));
    }
    let user = AgentUser { agent: made.agent.clone(), slot: slot_of(made), password: hashes_of(made) };
    match app.broker.apply(&Topology::default().with_user(&app.names, user)).await {
        Ok(()) => Ok(None),
        Err(error @ Error::Conflict { .. }) => Err(error),
        Err(error) => {
            tracing::warn!(agent.name = made.agent, %error, "the broker was not told of an agent's credentials");
            Ok(Some(format!("the broker can't be told now, and is as soon as it can: {error}")))
        }
    }
}

fn hashes_of(credentials: &Credentials) -> PasswordHashes {
    let (rabbitmq, redis) = (credentials.rabbitmq_hash.clone(), credentials.redis_hash.clone());
    PasswordHashes { rabbitmq, redis }
}

fn slot_of(credentials: &Credentials) -> Slot {
    Slot::of_number(credentials.slot).unwrap_or(Slot::First)
}

fn user_of(names: &Names, credentials: &Credentials) -> String {
    agent_user(names, &credentials.agent, slot_of(credentials))
}

fn shape(names: &Names, credentials: &Credentials) -> Value {
    json!({
        "agent": credentials.agent,
        "generation": credentials.generation,
        "user": user_of(names, credentials),
        "created_at": credentials.created_at,
        "created_by": credentials.created_by,
    })
}

/// What the agent is installed with. A JSON text is a YAML text.
fn helm_values(agent: &str, url: &str) -> String {
    format!("agent:\n  name: {}\nbroker:\n  url: {}\n", json!(agent), json!(url))
}
