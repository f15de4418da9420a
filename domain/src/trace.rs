//! Trace contexts: which trace a run belongs to, read and written as the W3C's `traceparent` and `tracestate`, and the
//! ids of its hops. What is recorded of a trace, and where it is sent, is telemetry's.
//!
//! What others send is read strictly, and ignored if it is wrong, as the specification says: a header never fails a request.

mod context;
mod hop;
mod state;

pub use context::{InvalidTraceparent, SpanId, TraceContext, TraceId};
pub use hop::Hop;
