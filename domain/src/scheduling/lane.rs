//! What of a run, beside its queue, its project and what its executor must be able to do, decides which limits count
//! it and whose share it starts from. Runs that agree in all of it wait in one lane.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::limits::Demand;
use super::settings::FairnessBy;
use crate::id::RunId;

/// A lane within a queue and a project, as the store keeps it: by its text, which is the same for the same lane.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct LaneKey {
    /// The pipelines that the run is part of, the innermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pipelines: Vec<RunId>,
    /// Who submitted it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Those of its labels that its queue is shared by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What it takes of quotas.
    #[serde(skip_serializing_if = "Demand::is_empty")]
    pub demand: Demand,
    /// The namespace that it names: its project may come to be confined to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl LaneKey {
    /// Its text; empty for the lane of runs of nobody that ask for nothing.
    #[must_use]
    pub fn text(&self) -> String {
        if *self == Self::default() {
            return String::new();
        }
        // Maps with text for keys, and no fallible part: it can't fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads such a text.
    ///
    /// # Errors
    /// If it is not one.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        if text.is_empty() { Ok(Self::default()) } else { serde_json::from_str(text) }
    }

    /// The same in a queue that is shared by `by`, of a run whose operation has these `labels`: of them a lane keeps
    /// those that its queue is shared by.
    #[must_use]
    pub fn shared_by(self, by: &FairnessBy, labels: &BTreeMap<String, String>) -> Self {
        let kept = match by {
            FairnessBy::Label(key) => labels.get_key_value(key),
            FairnessBy::None | FairnessBy::Project | FairnessBy::User => None,
        };
        Self { labels: kept.map(|(key, value)| (key.clone(), value.clone())).into_iter().collect(), ..self }
    }

    /// Whose share of a queue it starts from, if that is shared by `by`; `project` is the name of its project.
    #[must_use]
    pub fn share(&self, by: &FairnessBy, project: &str) -> String {
        match by {
            FairnessBy::None => String::new(),
            FairnessBy::Project => project.to_owned(),
            FairnessBy::User => self.user.clone(),
            FairnessBy::Label(key) => self.labels.get(key).cloned().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> LaneKey {
        LaneKey {
            user: "ada".into(),
            labels: [("team".to_owned(), "vision".to_owned())].into(),
            demand: [("gpu".to_owned(), "2".parse().unwrap())].into_iter().collect(),
            ..LaneKey::default()
        }
    }

    #[test]
    fn a_lane_is_read_as_it_was_written() {
        let text = r#"{"user":"ada","labels":{"team":"vision"},"demand":{"gpu":"2"}}"#;
        assert_eq!(key().text(), text);
        assert_eq!(LaneKey::read(text).unwrap(), key());
        assert_eq!(
            (LaneKey::default().text().as_str(), LaneKey::read("").unwrap()),
            ("", LaneKey::default())
        );
    }

    #[test]
    fn a_share_is_what_the_queue_is_shared_by() {
        for (by, share) in [
            ("none", String::new()),
            ("project", "vision-models".to_owned()),
            ("user", "ada".to_owned()),
            ("label:team", "vision".to_owned()),
            ("label:region", String::new()),
        ] {
            assert_eq!(key().share(&by.parse().unwrap(), "vision-models"), share);
        }
    }

    #[test]
    fn in_another_queue_a_run_has_the_labels_that_that_one_is_shared_by() {
        let labels = [("team", "vision"), ("region", "eu")];
        let labels: BTreeMap<_, _> = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        for (by, kept) in [("label:region", Some("eu")), ("label:none", None), ("project", None)] {
            let moved = key().shared_by(&by.parse().unwrap(), &labels);
            assert_eq!(moved.labels.values().next().map(String::as_str), kept, "{by}");
            assert_eq!((moved.user, moved.demand), (key().user, key().demand), "the rest is the run's own");
        }
    }
}
