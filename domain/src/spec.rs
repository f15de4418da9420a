//! The polyaxonfile: what a user asks for, as written, checked for form.
//!
//! [`parse`] takes every form that Polyaxon 2.18 knows for a job (an operation with its component, a component alone,
//! the flat form; YAML or JSON), refuses what is unknown or not supported yet by name and place, and returns one
//! normalized [`Operation`]. Params are not resolved and templates not rendered here: that is `compile`.
//!
//! Berth's own root fields (`priority`, `queues`, `agentSelector`, `onAgentLoss`, `retry`) are sugar, lowered to the
//! `berth.dev/...` annotations of the run's environment, where stock clients can write them too.

mod defaults;
mod error;
mod input;
mod io_type;
mod lower;
mod merge;
mod node;
mod operation;
mod preset;
mod schema;
mod shape;
mod source;

pub use defaults::{parse_defaults, parse_preset};
pub use error::{SpecError, SpecErrors};
pub use input::{Io, Param, Validation};
pub use io_type::IoType;
pub use merge::PatchStrategy;
pub use operation::{Component, Header, Operation, OperationKind};
pub use preset::apply_preset;

pub(crate) use error::MAX_ERRORS;
pub(crate) use lower::{ANNOTATION_PREFIX, apply_shortcuts};
pub(crate) use merge::merge;
pub(crate) use node::{Node, shown, shown_long};
pub(crate) use schema::{ON_AGENT_LOSS, RENDERED};
pub(crate) use shape::{Checker, is_template, join, nearest};
pub(crate) use source::read as read_document;

/// What a document is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2, with merge keys.
    Yaml,
    /// JSON.
    Json,
    /// JSON if it looks like it, else YAML.
    #[default]
    Auto,
}

/// How much a document may ask of us. The defaults are the documented limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Size of a document, before and after its aliases are expanded. 8 MiB.
    pub max_document_bytes: usize,
    /// Levels of lists and mappings in each other. 64.
    pub max_depth: usize,
    /// Scalars, lists and mappings of a document, aliases expanded. 250,000.
    pub max_nodes: usize,
    /// Size of a compiled operation as JSON. 512 KiB.
    pub max_compiled_bytes: usize,
    /// Environment variables of all containers of a run. 10,000.
    pub max_env_vars: usize,
    /// Steps that all templates of an operation may take. 1,000,000.
    pub template_fuel: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_document_bytes: 8 << 20,
            max_depth: 64,
            max_nodes: 250_000,
            max_compiled_bytes: 512 << 10,
            max_env_vars: 10_000,
            template_fuel: 1_000_000,
        }
    }
}

/// Reads an operation, a component or a preset.
///
/// # Errors
/// Every mistake that was found, with its path and, where the source has lines, its place.
pub fn parse(text: &str, format: Format, limits: &Limits) -> Result<Operation, SpecErrors> {
    operation::from_node(&source::read(text, format, limits)?)
}

/// The same, from bytes that may not be UTF-8.
///
/// # Errors
/// As [`parse`]; invalid UTF-8 is an error that names the offset of the first wrong byte.
pub fn parse_bytes(bytes: &[u8], format: Format, limits: &Limits) -> Result<Operation, SpecErrors> {
    if bytes.len() > limits.max_document_bytes {
        return Err(source::too_large(bytes.len(), limits));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text, format, limits),
        Err(error) => Err(SpecErrors::one(
            "",
            format!("the document is not valid UTF-8: wrong byte at offset {}", error.valid_up_to()),
        )),
    }
}
