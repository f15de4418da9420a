//! The Celery protocol against captures of real traffic, and against nonsense.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests stop at the first surprise")]

#[path = "celery/captures.rs"]
mod captures;
#[path = "celery/hostile.rs"]
mod hostile;
#[path = "celery/offers.rs"]
mod offers;
