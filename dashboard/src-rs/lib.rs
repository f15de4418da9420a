//! The web page, as plain data: which file or view a path means, its bytes, and how they may be kept. How it is sent is
//! the API's business.

mod paths;

/// One file of the page.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Its path on the server.
    pub path: &'static str,
    /// Its media type.
    pub kind: &'static str,
    /// Its bytes.
    pub whole: &'static [u8],
    /// The same by brotli, if that is smaller.
    pub brotli: Option<&'static [u8]>,
    /// The same by gzip, if that is smaller.
    pub gzip: Option<&'static [u8]>,
    /// Its entity tag, in quotes.
    pub tag: &'static str,
    /// Whether its name changes with its contents, so that it may be kept for ever.
    pub is_immutable: bool,
}

impl File {
    /// Whether this is the page itself, which every view begins with.
    #[must_use]
    pub fn is_page(&self) -> bool {
        self.path == PAGE
    }
}

/// The path of the page itself.
const PAGE: &str = "/index.html";

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// What a path means: a file of the page, or the page itself where its router knows the path. None: nothing of ours.
#[must_use]
pub fn find(path: &str) -> Option<&'static File> {
    let path = if paths::is_view(path) { PAGE } else { path };
    FILES.iter().find(|file| file.path == path)
}

/// Whether the page was there when this was built. If not, the only page says how to get it.
#[must_use]
pub const fn is_built() -> bool {
    IS_BUILT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_is_the_page_and_other_paths_are_nothing() {
        let page = find("/").unwrap();
        assert_eq!((page.path, page.is_immutable), ("/index.html", false));
        for view in ["/queues", "/queues/local/default", "/runs/8490e3eff75a4f3ba9d2194ecde68fcc"] {
            assert_eq!(find(view), Some(page), "{view}");
        }
        for other in ["/api", "/api/v1/orgs/default/queues", "/metrics", "/queues/a/b/c", "/Cargo.toml", ""] {
            assert_eq!(find(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_kept_for_ever_has_its_hash_in_its_name() {
        for file in FILES.iter().filter(|file| file.is_immutable) {
            let stem =
                file.path.rsplit('/').next().and_then(|name| name.split('.').next()).unwrap_or_default();
            let hash = stem.get(stem.len().saturating_sub(8)..).unwrap_or_default();
            assert!(
                stem.len() > 9 && hash.bytes().any(|b| b.is_ascii_uppercase() || b.is_ascii_digit()),
                "{}",
                file.path
            );
        }
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere_and_has_no_script_inside() {
        let page = std::str::from_utf8(find("/").unwrap().whole).unwrap();
        assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
        assert!(
            page.match_indices("<script").all(|(at, _)| page[at..]
                .split('>')
                .next()
                .unwrap()
                .contains(" src="))
        );
        assert!(!page.contains("<style") && !page.contains(" style="), "{page}");
    }
}
