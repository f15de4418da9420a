//! Label selectors, as Kubernetes writes them: `agent=eu,queue in (gpu,cpu)`. Pure.

/// What labels must be like; all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
}

/// Why a text is no selector for some labels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    /// It is not written as selectors are.
    #[error(
        "labelSelector: `{0}` is no requirement: use key=value, key!=value, key in (a,b), key notin (a,b), key or !key"
    )]
    Malformed(String),
    /// It asks for a label that the metric has not.
    #[error("labelSelector: there is no label `{key}` here: {}", allowed(.labels))]
    Unknown {
        /// The label.
        key: String,
        /// Those that there are.
        labels: &'static [&'static str],
    },
}

fn allowed(labels: &[&str]) -> String {
    if labels.is_empty() { "it has none".to_owned() } else { format!("it has {}", labels.join(" and ")) }
}

impl Selector {
    /// Reads a selector of things that have these `labels`. An empty text selects everything.
    pub(crate) fn read(text: &str, labels: &'static [&'static str]) -> Result<Self, Invalid> {
        let requirements: Vec<Requirement> =
            parts(text).filter(|part| !part.is_empty()).map(requirement).collect::<Result<_, _>>()?;
        match requirements.iter().find(|one| !labels.contains(&one.key.as_str())) {
            Some(one) => Err(Invalid::Unknown { key: one.key.clone(), labels }),
            None => Ok(Self(requirements)),
        }
    }

    /// Whether these labels are selected.
    pub(crate) fn selects(&self, labels: &[(&str, &str)]) -> bool {
        self.0.iter().all(|Requirement { key, test }| {
            let value = labels.iter().find(|(name, _)| name == key).map(|(_, value)| *value);
            let is_in = |values: &[String]| value.is_some_and(|value| values.iter().any(|one| one == value));
            match test {
                Test::In(values) => is_in(values),
                Test::NotIn(values) => !is_in(values),
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
            }
        })
    }
}

/// The requirements' texts: between commas, but for those in parentheses.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    text.split(move |letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    })
    .map(str::trim)
}

fn requirement(text: &str) -> Result<Requirement, Invalid> {
    let malformed = || Invalid::Malformed(text.to_owned());
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    let (is_negated, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest.trim_start()));
    let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
    let (key, operation) = (&rest[..end], rest[end..].trim());
    let test = if operation.is_empty() {
        if is_negated { Test::Missing } else { Test::Exists }
    } else if let Some(value) = operation.strip_prefix("!=") {
        Test::NotIn(vec![value.trim().to_owned()])
    } else if let Some(value) = operation.strip_prefix("==").or_else(|| operation.strip_prefix('=')) {
        Test::In(vec![value.trim().to_owned()])
    } else {
        let (verb, list) = operation.split_once('(').ok_or_else(malformed)?;
        let list = list.strip_suffix(')').ok_or_else(malformed)?;
        let values = list.split(',').map(|value| value.trim().to_owned()).collect();
        match verb.trim() {
            "in" => Test::In(values),
            "notin" => Test::NotIn(values),
            _ => return Err(malformed()),
        }
    };
    let values: &[String] = match &test {
        Test::In(values) | Test::NotIn(values) => values,
        Test::Exists | Test::Missing => &[],
    };
    let is_sound = values.iter().all(|value| value.chars().all(is_word));
    if key.is_empty() || !is_sound || (is_negated && test != Test::Missing) {
        return Err(malformed());
    }
    Ok(Requirement { key: key.to_owned(), test })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: &[&str] = &["agent", "queue"];

    fn selected(text: &str) -> Vec<&'static str> {
        let selector = Selector::read(text, LABELS).unwrap();
        let queues = [("eu", "gpu"), ("eu", "cpu"), ("us", "gpu")];
        let names = ["eu/gpu", "eu/cpu", "us/gpu"];
        let selects = |(agent, queue)| selector.selects(&[("agent", agent), ("queue", queue)]);
        queues.into_iter().zip(names).filter(|(queue, _)| selects(*queue)).map(|(_, name)| name).collect()
    }

    #[test]
    fn a_selector_selects_what_kubernetes_would() {
        for (text, expected) in [
            ("", &["eu/gpu", "eu/cpu", "us/gpu"][..]),
            ("agent=eu", &["eu/gpu", "eu/cpu"]),
            ("agent==eu , queue = gpu", &["eu/gpu"]),
            ("agent!=eu", &["us/gpu"]),
            ("agent in (eu,us),queue notin (gpu)", &["eu/cpu"]),
            ("queue in (cpu, other)", &["eu/cpu"]),
            ("agent,queue", &["eu/gpu", "eu/cpu", "us/gpu"]),
            ("!agent", &[]),
            ("agent=", &[]),
        ] {
            assert_eq!(selected(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused_with_what_would_be() {
        for text in
            ["agent in eu", "agent in (eu", "=eu", "agent>3", "agent=a b", "!agent=eu", "agent near (eu)"]
        {
            let told = Selector::read(text, LABELS).unwrap_err().to_string();
            assert!(told.contains(&format!("`{text}` is no requirement: use key=value")), "{told}");
        }
        let told = |labels| Selector::read("team=a", labels).unwrap_err().to_string();
        assert_eq!(told(LABELS), "labelSelector: there is no label `team` here: it has agent and queue");
        assert_eq!(told(&[]), "labelSelector: there is no label `team` here: it has none");
    }
}
