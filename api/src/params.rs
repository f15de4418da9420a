//! Query parameters: known by name, or refused by name.

use std::str::FromStr;

use axum::extract::Query;
use axum::http::Uri;

use crate::problem::Problem;

/// The query parameters of a request.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads them. One that is not among `allowed` is refused: a typing error should not go unnoticed.
    ///
    /// # Errors
    /// If one is not known, or given twice, or the encoding is broken.
    pub(crate) fn read(uri: &Uri, allowed: &[&str]) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| Problem::bad_request("the query parameters are not valid percent-encoded UTF-8"))?;
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !allowed.contains(&name.as_str()) {
                let name: String = name.chars().take(64).collect();
                let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
                return Err(Problem::bad_request(format!(
                    "unknown query parameter `{name}`; allowed: {allowed}"
                )));
            }
            if pairs.iter().take(at).any(|(earlier, _)| earlier == name) {
                return Err(Problem::field(name, "it is given twice"));
            }
        }
        Ok(Self(pairs))
    }

    /// The text of one; none if it is missing or empty.
    #[must_use]
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }

    /// A number from 0 to `most`.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn number(&self, name: &str, most: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match u64::from_str(text) {
            Ok(number) if number <= most => Ok(Some(number)),
            _ => {
                Err(Problem::field(name, format!("`{}` is not a whole number from 0 to {most}", shown(text))))
            }
        }
    }

    /// `true` or `false`, as several languages spell them; false if it is missing.
    ///
    /// # Errors
    /// If it is neither.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name) {
            None | Some("false" | "False" | "0") => Ok(false),
            Some("true" | "True" | "1") => Ok(true),
            Some(other) => Err(Problem::field(name, format!("`{}` is neither true nor false", shown(other)))),
        }
    }
}

/// As much of a value as an answer repeats.
#[must_use]
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Params, Problem> {
        Params::read(&format!("/x?{query}").parse().unwrap(), &["limit", "force", "query"])
    }

    #[test]
    fn parameters_are_known_or_refused_by_name() {
        let params = read("limit=5&query=status%3Aa%7Cb&force=true").unwrap();
        assert_eq!(params.number("limit", 100).unwrap(), Some(5));
        assert_eq!(params.text("query"), Some("status:a|b"));
        assert!(params.flag("force").unwrap());
        for (query, detail) in [
            ("limt=5", "unknown query parameter `limt`; allowed: limit, force, query"),
            ("limit=5&limit=6", "`limit`: it is given twice"),
        ] {
            assert_eq!(read(query).unwrap_err().json()["detail"], detail);
        }
        for (limit, detail) in [
            ("-1", "`limit`: `-1` is not a whole number from 0 to 100"),
            ("101", "`limit`: `101` is not a whole number from 0 to 100"),
            ("x", "`limit`: `x` is not a whole number from 0 to 100"),
        ] {
            let problem = read(&format!("limit={limit}")).unwrap().number("limit", 100).unwrap_err();
            assert_eq!(problem.json()["detail"], detail);
        }
        let problem = read("force=maybe").unwrap().flag("force").unwrap_err();
        assert_eq!(problem.json()["detail"], "`force`: `maybe` is neither true nor false");
    }
}
