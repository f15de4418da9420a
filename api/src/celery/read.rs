//! A task `berth.submit(project, content, owner="default", name=None)`, read: what it asks for, or why it is refused.

use berth_broker::celery::task::Task;
use berth_domain::id::RunId;
use berth_domain::name::DEFAULT;
use berth_domain::time::Time;
use serde_json::{Map, Value, json};

use crate::submit::OperationBody;

/// The task's name.
const TASK: &str = "berth.submit";
/// Its arguments, in order.
const ARGUMENTS: [&str; 4] = ["project", "content", "owner", "name"];

/// A run to be.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) id: RunId,
    pub(super) owner: String,
    pub(super) project: String,
    pub(super) body: OperationBody,
    /// The message's priority, by the larger-first convention; none if it says nothing.
    pub(super) priority: Option<u8>,
}

/// Why a task makes no run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// What is wrong with it.
    Invalid(String),
    /// It came too late.
    Expired,
}

/// Reads a task.
///
/// # Errors
/// What is wrong with it, by the argument's or the header's name.
pub(super) fn submission(task: &Task, is_redis: bool, now: Time) -> Result<Submission, Refusal> {
    let invalid = |what: String| Err(Refusal::Invalid(what));
    if task.name != TASK {
        return invalid(format!("task: `{}` is not known here, which is for {TASK} only", task.name));
    }
    let embed = &task.body.embed;
    let canvas = [
        ("chain", embed.chain.as_ref().is_some_and(|chain| !chain.is_empty())),
        ("chord", embed.chord.as_ref().is_some_and(|chord| !chord.is_null())),
        ("group", task.group.is_some()),
    ];
    if let Some((which, _)) = canvas.into_iter().find(|(_, is_there)| *is_there) {
        return invalid(format!(
            "{which}: a submission can't be part of a {which} yet; submit its runs by themselves"
        ));
    }
    let Ok(id) = task.id.parse::<RunId>() else {
        return invalid(format!("task_id: `{}` is no UUID, and it is the run's", shown(&task.id)));
    };
    let mut given = arguments(task)?;
    let text = |given: &mut Map<String, Value>, name: &str| match given.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Refusal::Invalid(format!("{name}: {} is no text", shown(&other.to_string())))),
    };
    let Some(project) = text(&mut given, "project")? else {
        return invalid("project: it is missing".to_owned());
    };
    let owner = text(&mut given, "owner")?.unwrap_or_else(|| DEFAULT.to_owned());
    let name = text(&mut given, "name")?;
    let content = given.remove("content").filter(|content| !content.is_null());
    let Some(content) = content else { return invalid("content: it is missing".to_owned()) };
    let schedule_at = time("eta", task.eta.as_deref())?;
    let expires_at = time("expires", task.expires.as_deref())?;
    if expires_at.is_some_and(|expires| expires <= now) {
        return Err(Refusal::Expired);
    }
    let mut meta_info = Map::new();
    meta_info.insert("celery".to_owned(), json!({ "headers": task.extra, "stamps": task.stamps }));
    let body = OperationBody {
        content: Some(content),
        name,
        meta_info: (!task.extra.is_empty() || !task.stamps.is_empty()).then_some(meta_info),
        schedule_at,
        expires_at,
        ..OperationBody::default()
    };
    Ok(Submission { id, owner, project, body, priority: priority(task.priority, is_redis) })
}

/// Positional and keyword arguments, by name.
fn arguments(task: &Task) -> Result<Map<String, Value>, Refusal> {
    let invalid = |what: String| Err(Refusal::Invalid(what));
    if task.body.args.len() > ARGUMENTS.len() {
        return invalid(format!(
            "args: {} are given, and {TASK} takes {}",
            task.body.args.len(),
            ARGUMENTS.len()
        ));
    }
    let mut given = Map::new();
    for (name, value) in ARGUMENTS.iter().zip(&task.body.args) {
        given.insert((*name).to_owned(), value.clone());
    }
    for (name, value) in &task.body.kwargs {
        if !ARGUMENTS.contains(&name.as_str()) {
            return invalid(format!("{}: {TASK} takes {} only", shown(name), ARGUMENTS.join(", ")));
        }
        if given.insert(name.clone(), value.clone()).is_some() {
            return invalid(format!("{name}: it is given twice"));
        }
    }
    Ok(given)
}

fn time(header: &str, text: Option<&str>) -> Result<Option<Time>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    // Without an offset it is UTC, as Celery's default time zone.
    let time = Time::parse(text).or_else(|_| Time::parse(&format!("{text}Z")));
    time.map(Some)
        .map_err(|_| Refusal::Invalid(format!("{header}: `{}` is no time in ISO 8601", shown(text))))
}

/// RabbitMQ: larger first. Redis: smaller first. What says nothing says 0 on both.
fn priority(given: Option<u8>, is_redis: bool) -> Option<u8> {
    let given = given.filter(|given| *given > 0)?.min(9);
    Some(if is_redis { 9 - given } else { given })
}

/// A text from elsewhere, in a message.
fn shown(text: &str) -> String {
    text.chars().take(64).filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use berth_broker::celery::task::{Body, Embed};

    use super::*;

    const NOW: Time = Time::from_micros(1_795_400_799_000_000);

    fn task(args: &Value, kwargs: &Value) -> Task {
        Task {
            name: TASK.to_owned(),
            id: "93620f7e-566a-4606-80a5-884217076329".to_owned(),
            body: Body {
                args: args.as_array().cloned().unwrap(),
                kwargs: kwargs.as_object().cloned().unwrap(),
                embed: Embed::default(),
            },
            ..Task::default()
        }
    }

    fn refusal(task: &Task) -> String {
        match submission(task, false, NOW) {
            Err(Refusal::Invalid(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_submission_is_what_its_arguments_and_headers_say() {
        let mut asked = task(&json!(["p", "{}"]), &json!({ "name": "train" }));
        asked.eta = Some("2026-11-23T02:27:40.396943+00:00".to_owned());
        asked.priority = Some(7);
        let read = submission(&asked, false, NOW).unwrap();
        assert_eq!((read.owner.as_str(), read.project.as_str()), (DEFAULT, "p"));
        assert_eq!(read.id.uuid().to_string(), asked.id);
        assert_eq!((read.body.name.as_deref(), read.body.content), (Some("train"), Some(json!("{}"))));
        assert!(read.body.schedule_at.is_some() && read.body.meta_info.is_none());
        assert_eq!(read.priority, Some(7));
        assert_eq!(submission(&asked, true, NOW).unwrap().priority, Some(2));
        asked.priority = Some(0);
        assert_eq!(
            submission(&asked, true, NOW).unwrap().priority,
            None,
            "what every client sends says nothing"
        );
        asked.stamps.insert("team".to_owned(), json!("vision"));
        let kept = submission(&asked, false, NOW).unwrap().body.meta_info.unwrap();
        assert_eq!(kept["celery"]["stamps"]["team"], "vision");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = || task(&json!(["p", "{}"]), &json!({}));
        assert_eq!(refusal(&task(&json!([]), &json!({ "content": "{}" }))), "project: it is missing");
        assert_eq!(refusal(&task(&json!(["p"]), &json!({}))), "content: it is missing");
        assert_eq!(
            refusal(&task(&json!(["p", "{}"]), &json!({ "project": "q" }))),
            "project: it is given twice"
        );
        let unknown = refusal(&task(&json!(["p", "{}"]), &json!({ "queue": "q" })));
        assert_eq!(unknown, "queue: berth.submit takes project, content, owner, name only");
        assert_eq!(refusal(&task(&json!([1, "{}"]), &json!({}))), "project: 1 is no text");
        assert_eq!(
            refusal(&task(&json!([1, 2, 3, 4, 5]), &json!({}))),
            "args: 5 are given, and berth.submit takes 4"
        );
        let other = Task { name: "capp.add".to_owned(), ..good() };
        assert_eq!(refusal(&other), "task: `capp.add` is not known here, which is for berth.submit only");
        assert!(refusal(&Task { id: "x".to_owned(), ..good() }).starts_with("task_id: `x` is no UUID"));
        assert!(
            refusal(&Task { eta: Some("soon".to_owned()), ..good() }).starts_with("eta: `soon` is no time")
        );
        assert!(
            refusal(&Task { group: Some("g".to_owned()), ..good() }).starts_with("group: a submission can't")
        );
        let mut chained = good();
        chained.body.embed.chain = Some(vec![json!({})]);
        assert!(refusal(&chained).starts_with("chain: a submission can't be part of a chain yet"));
        let late = Task { expires: Some("2020-01-01T00:00:00+00:00".to_owned()), ..good() };
        assert_eq!(submission(&late, false, NOW).unwrap_err(), Refusal::Expired);
    }
}
