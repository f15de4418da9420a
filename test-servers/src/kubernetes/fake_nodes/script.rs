//! What a container on a fake node does, read from the words that a real one would run.
//!
//! The statements are a shell's, so that the same pod behaves alike on a real node: `sleep 2; exit 3`. What only a node
//! can do to a container is said by words of our own (`oom`, `image-error`, `stuck Reason message`). Unknown
//! statements take no time, and the end of a script is `exit 0`.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Pod};

/// An annotation of this prefix and a container's name has a script, for pods whose arguments can't.
pub const ANNOTATION: &str = "fake-node.berth.dev/";

/// One thing that a container does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// `sleep 0.5`, `sleep infinity` (as `None`).
    Sleep(Option<Duration>),
    /// `exit 3`: ends with that code.
    Exit(i32),
    /// `oom`: killed by the kernel for its memory.
    Oom,
    /// `stuck CreateContainerConfigError secret "x" not found`: never starts, for that reason.
    Stuck { reason: String, message: String },
    /// `image-error`: its image can't be pulled.
    ImageError,
    /// `unready` and `ready`: what its readiness probe would find. Ready from its start if nothing is said.
    Ready(bool),
    /// `trap '' TERM`: goes on after SIGTERM, until its grace is over.
    IgnoreTerm,
}

/// The steps of a container of `pod`.
pub(super) fn of_container(pod: &Pod, container: &Container) -> Vec<Step> {
    let key = format!("{ANNOTATION}{}", container.name);
    let annotated = pod.metadata.annotations.as_ref().and_then(|annotations| annotations.get(&key));
    parse(&annotated.cloned().unwrap_or_else(|| words(container)))
}

/// The shell's script of `sh -c script`; else the words of the command as they stand.
fn words(container: &Container) -> String {
    let words: Vec<&str> =
        container.command.iter().chain(&container.args).flatten().map(String::as_str).collect();
    match words.iter().position(|word| *word == "-c") {
        Some(at) => words.get(at + 1).copied().unwrap_or_default().to_owned(),
        None => words.join(" "),
    }
}

fn parse(script: &str) -> Vec<Step> {
    script
        .split([';', '\n'])
        .flat_map(|part| part.split("&&"))
        .filter_map(|part| statement(part.trim()))
        .collect()
}

fn statement(text: &str) -> Option<Step> {
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim();
    match verb {
        "sleep" => {
            Some(Step::Sleep(rest.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())))
        }
        "exit" => Some(Step::Exit(rest.parse().unwrap_or(0))),
        "oom" => Some(Step::Oom),
        "image-error" => Some(Step::ImageError),
        "stuck" => {
            let (reason, message) = rest.split_once(' ').unwrap_or((rest, ""));
            Some(Step::Stuck { reason: reason.to_owned(), message: message.to_owned() })
        }
        "ready" => Some(Step::Ready(true)),
        "unready" => Some(Step::Ready(false)),
        "trap" if rest.ends_with("TERM") => Some(Step::IgnoreTerm),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shells_script_is_read_as_the_shell_would() {
        let steps = parse("trap '' TERM; echo hello && sleep 0.5\nexit 3");
        let half = Some(Duration::from_millis(500));
        assert_eq!(steps, [Step::IgnoreTerm, Step::Sleep(half), Step::Exit(3)]);
        assert_eq!(parse("sleep infinity"), [Step::Sleep(None)]);
    }

    #[test]
    fn a_command_without_a_shell_is_one_statement() {
        let strings = |texts: &[&str]| Some(texts.iter().map(ToString::to_string).collect());
        let plain = Container { command: strings(&["sleep"]), args: strings(&["7"]), ..Container::default() };
        assert_eq!(words(&plain), "sleep 7");
        let shell =
            Container { command: strings(&["sh", "-c"]), args: strings(&["exit 1"]), ..Container::default() };
        assert_eq!(words(&shell), "exit 1");
    }

    #[test]
    fn an_annotation_wins() {
        let pod: Pod = serde_json::from_value(serde_json::json!({
            "metadata": { "annotations": { "fake-node.berth.dev/main": "stuck CreateContainerConfigError no \"x\"" } },
        }))
        .unwrap();
        let container = Container { name: "main".to_owned(), ..Container::default() };
        let stuck =
            Step::Stuck { reason: "CreateContainerConfigError".to_owned(), message: "no \"x\"".to_owned() };
        assert_eq!(of_container(&pod, &container), [stuck]);
    }
}
