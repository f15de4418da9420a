//! The other ones: their pinned packages and their processes. What is measured on them is in `figures`.

pub mod celery;
pub mod group;
pub mod polyaxon;
pub mod venv;
