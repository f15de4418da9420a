//! What is asked for, by its path, and which right that takes. Pure.

use http::Method;

/// The API's group.
pub(crate) const GROUP: &str = "external.metrics.k8s.io";
/// Its version.
pub(crate) const VERSION: &str = "v1beta1";

/// Something that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Whether this lives: by anybody.
    Health,
    /// One of the documents by which Kubernetes finds out what is here.
    Document(Document),
    /// The values of a metric, for a namespace.
    Values {
        /// The namespace of who asks. Every one has the same answer.
        namespace: String,
        /// The metric's name, which there may be none of.
        metric: String,
    },
    /// Something that is not here.
    Nothing,
    /// A change: everything here is read.
    Change,
}

/// A document about this API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    Groups,
    Group,
    Resources,
    OpenApiV2,
    OpenApiV3,
    OpenApiV3OfGroup,
}

/// A right, as Kubernetes grants them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Right {
    /// To get a path.
    Path(String),
    /// To list a metric in a namespace.
    Metric {
        /// The namespace.
        namespace: String,
        /// The metric.
        metric: String,
    },
}

/// What a request asks for.
pub(crate) fn asked(method: &Method, path: &str) -> Asked {
    if method != Method::GET && method != Method::HEAD {
        return Asked::Change;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["healthz" | "livez" | "readyz"] => Asked::Health,
        ["apis"] => Asked::Document(Document::Groups),
        ["apis", GROUP] => Asked::Document(Document::Group),
        ["apis", GROUP, VERSION] => Asked::Document(Document::Resources),
        ["apis", GROUP, VERSION, "namespaces", namespace, metric] => {
            Asked::Values { namespace: (*namespace).to_owned(), metric: (*metric).to_owned() }
        }
        ["openapi", "v2"] => Asked::Document(Document::OpenApiV2),
        ["openapi", "v3"] => Asked::Document(Document::OpenApiV3),
        ["openapi", "v3", "apis", GROUP, VERSION] => Asked::Document(Document::OpenApiV3OfGroup),
        _ => Asked::Nothing,
    }
}

impl Asked {
    /// The right that it takes; none if anybody may ask.
    pub(crate) fn right(&self, path: &str) -> Option<Right> {
        match self {
            Self::Health => None,
            Self::Values { namespace, metric } => {
                Some(Right::Metric { namespace: namespace.clone(), metric: metric.clone() })
            }
            Self::Document(_) | Self::Nothing | Self::Change => Some(Right::Path(path.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_takes_the_right_that_kubernetes_would_ask_of_it() {
        let path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/jobs/berth_queue_admissible";
        let values = asked(&Method::GET, path);
        let (namespace, metric) = ("jobs".to_owned(), "berth_queue_admissible".to_owned());
        assert_eq!(values, Asked::Values { namespace: namespace.clone(), metric: metric.clone() });
        assert_eq!(values.right(path), Some(Right::Metric { namespace, metric }));
        assert_eq!(asked(&Method::GET, "/healthz").right("/healthz"), None);
        let resources = asked(&Method::GET, "/apis/external.metrics.k8s.io/v1beta1/");
        assert_eq!(resources, Asked::Document(Document::Resources));
        assert_eq!(resources.right("/x"), Some(Right::Path("/x".to_owned())));
        assert_eq!(asked(&Method::GET, "/apis/metrics.k8s.io"), Asked::Nothing);
        assert_eq!(asked(&Method::POST, path), Asked::Change);
    }
}
