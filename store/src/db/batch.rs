//! Many rows as one argument: JSON arrays, cut so that none grows past what a statement should carry.

use serde::Serialize;

use super::args::json_text;
use crate::Error;

/// PostgreSQL refuses JSONB above 255 MiB, and memory is better spent in smaller pieces.
const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The rows as JSON arrays of at most about [`MAX_BATCH_BYTES`] each; none for no rows.
pub(crate) fn batches<T: Serialize>(rows: &[T]) -> Result<Vec<String>, Error> {
    let mut batches = Vec::new();
    let mut batch = String::new();
    for row in rows {
        let row = json_text(row)?;
        if !batch.is_empty() && batch.len() + row.len() > MAX_BATCH_BYTES {
            batch.push(']');
            batches.push(std::mem::take(&mut batch));
        }
        batch.push(if batch.is_empty() { '[' } else { ',' });
        batch.push_str(&row);
    }
    if !batch.is_empty() {
        batch.push(']');
        batches.push(batch);
    }
    Ok(batches)
}
