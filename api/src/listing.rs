//! Lists: which part of one is asked for, and the shape `{"count", "next", "previous", "results"}`.

use axum::http::Uri;
use berth_store::{Page, PageOf};
use serde_json::{Value, json};

use crate::params::Params;
use crate::problem::Problem;

/// What every list takes. `bookmarks` and `mode` are the stock client's, and change nothing.
pub(crate) const PARAMS: [&str; 8] =
    ["limit", "offset", "sort", "query", "cursor", "no_page", "bookmarks", "mode"];

/// Items on one page at the most.
const MAX_LIMIT: u64 = 1_000;
/// The largest offset; beyond it, go by `cursor`.
const MAX_OFFSET: u64 = 1_000_000;

/// Which page is asked for; `default` items of it if nothing is said.
///
/// # Errors
/// If it makes no sense.
pub(crate) fn page(params: &Params, default: u32) -> Result<Page, Problem> {
    let limit = match params.number("limit", MAX_LIMIT)? {
        Some(0) => return Err(Problem::field("limit", "`0` is not a whole number from 1 to 1000")),
        Some(limit) => u32::try_from(limit).unwrap_or(default),
        None => default,
    };
    let offset = params.number("offset", MAX_OFFSET)?.unwrap_or(0);
    let cursor = params.text("cursor").map(ToOwned::to_owned);
    if cursor.is_some() && offset > 0 {
        return Err(Problem::bad_request("`cursor` and `offset` exclude each other"));
    }
    let count = !params.flag("no_page")? && cursor.is_none();
    Ok(Page { limit, offset, cursor, count })
}

/// A page as an answer. `next` is the path of the next page, by `cursor`.
pub(crate) fn answer<T>(uri: &Uri, page: &PageOf<T>, render: impl FnMut(&T) -> Value) -> Value {
    let next = page.next_cursor.as_deref().map(|cursor| next(uri, cursor));
    let results: Vec<Value> = page.items.iter().map(render).collect();
    json!({ "count": page.count, "next": next, "previous": null, "results": results })
}

/// A list that is always whole.
pub(crate) fn whole(results: &[Value]) -> Value {
    json!({ "count": results.len(), "next": null, "previous": null, "results": results })
}

fn next(uri: &Uri, cursor: &str) -> String {
    let kept = uri.query().unwrap_or_default().split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && name != "cursor" && name != "offset"
    });
    let mut pairs: Vec<String> = kept.map(ToOwned::to_owned).collect();
    pairs.push(format!("cursor={cursor}"));
    format!("{}?{}", uri.path(), pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Page, String> {
        let params = Params::read(&format!("/x?{query}").parse().unwrap(), &PARAMS).unwrap();
        page(&params, 20).map_err(|problem| problem.json()["detail"].to_string())
    }

    #[test]
    fn a_page_is_asked_for_by_offset_or_by_cursor() {
        assert_eq!(asked("").unwrap(), Page { limit: 20, offset: 0, cursor: None, count: true });
        assert_eq!(
            asked("limit=5&offset=10").unwrap(),
            Page { limit: 5, offset: 10, cursor: None, count: true }
        );
        assert!(!asked("no_page=true").unwrap().count);
        assert!(asked("limit=0").is_err());
        assert!(asked("limit=1001").is_err());
        assert!(asked("cursor=ab&offset=3").is_err());
    }

    #[test]
    fn the_next_page_keeps_what_was_asked() {
        let uri = "/api/v1/default/p/runs?limit=5&offset=5&query=status%3Ax".parse().unwrap();
        assert_eq!(next(&uri, "ab"), "/api/v1/default/p/runs?limit=5&query=status%3Ax&cursor=ab");
    }
}
