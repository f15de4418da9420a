//! The paths that the page's router knows. A test compares them with the router itself.

/// Each as its parts; `$` stands for any one part.
const VIEWS: [&[&str]; 15] = [
    &[],
    &["queues"],
    &["queues", "$", "$"],
    &["agents"],
    &["agents", "$"],
    &["runs"],
    &["runs", "$"],
    &["dead-letters"],
    &["projects"],
    &["projects", "$"],
    &["tokens"],
    &["audit"],
    &["settings"],
    &["runbooks"],
    &["runbooks", "$"],
];

/// Whether a view has that path.
pub(crate) fn is_view(path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else { return false };
    let parts: Vec<&str> = if path.is_empty() { Vec::new() } else { path.split('/').collect() };
    VIEWS.iter().any(|view| {
        view.len() == parts.len()
            && view
                .iter()
                .zip(&parts)
                .all(|(known, part)| known == part || (*known == "$" && !part.is_empty()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_knows_the_paths_of_the_page() {
        let router = include_str!("../src/router.tsx");
        let paths =
            router.lines().filter_map(|line| line.trim().strip_prefix("path: \"")?.strip_suffix("\","));
        let mut theirs: Vec<Vec<&str>> = paths
            .map(|path| path.split('/').filter(|part| !part.is_empty()))
            .map(|parts| parts.map(|part| if part.starts_with('$') { "$" } else { part }).collect())
            .collect();
        let mut ours: Vec<Vec<&str>> = VIEWS.iter().map(|view| view.to_vec()).collect();
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn a_path_of_a_view_has_all_its_parts() {
        assert!(is_view("/") && is_view("/agents/a") && is_view("/dead-letters"));
        assert!(
            !is_view("/agents/") && !is_view("/agents/a/b") && !is_view("/queues/a") && !is_view("agents")
        );
    }
}
