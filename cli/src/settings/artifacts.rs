//! The agent's artifacts store: one place, by its URL or by the name of one of the agent's connections.

use berth_agent::artifacts::{self, ArtifactsStore};
use berth_agent::connections::{Connection, Connections, Reach};
use berth_agent::transfer::StoreAt;
use berth_domain::reported::is_connection_name;

use super::resolve::{Error, Resolved};

const KEY: &str = "artifacts_store";

/// Where the agent keeps logs, with who one is there; none if nothing is kept.
///
/// # Errors
/// If it can't be a store, or the file of connections marks another bucket as the artifacts store.
pub fn artifacts_store(
    resolved: &Resolved,
    connections: &Connections,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<ArtifactsStore>, Error> {
    let Some(given) = resolved.get(KEY).filter(|given| !given.text.is_empty()) else { return Ok(None) };
    let invalid = |found: String, allowed: &str| Error::Invalid {
        key: KEY,
        origin: given.origin.clone(),
        found,
        allowed: allowed.to_owned(),
    };
    let marked = connections.artifacts_store();
    let store = if is_connection_name(&given.text) {
        let Some(connection) = connections.get(&given.text) else {
            let found = format!("`{}`, which is no connection of the agent's", given.text);
            let names = format!(
                "a connection of `--connections` ({}), or {}",
                connections.names(),
                artifacts::ALLOWED
            );
            return Err(invalid(found, &names));
        };
        if let Some(marked) = marked.filter(|marked| marked.name != connection.name) {
            return Err(invalid(format!("`{}`", given.text), &one_place(marked)));
        }
        open(connection, variable).map_err(|why| invalid(why, artifacts::ALLOWED))?
    } else {
        let known = artifacts::VARIABLES.iter();
        let variables: Vec<_> =
            known.filter_map(|name| Some(((*name).to_owned(), variable(name)?))).collect();
        let store = ArtifactsStore::open(&given.text, variables);
        store.map_err(|error| invalid(error.to_string(), artifacts::ALLOWED))?
    };
    // Of a volume nobody can tell here: it may be mounted elsewhere in the agent.
    if let Some(marked) = marked
        && matches!(marked.reach, Reach::Bucket(_))
        && StoreAt::of(marked).is_some_and(|at| !is_same(&at.url, store.url()))
    {
        return Err(invalid(format!("`{}`", store.url()), &one_place(marked)));
    }
    Ok(Some(store))
}

/// Opens what a connection leads to, as the containers of a run do that collect into it; but for the connection's secret,
/// which the agent can't read.
fn open(
    connection: &Connection,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<ArtifactsStore, String> {
    let name = &connection.name;
    let Some(at) = StoreAt::of(connection) else {
        return Err(format!("connection `{name}`, whose kind is {}", connection.kind));
    };
    if matches!(connection.reach, Reach::Volume(_)) && !std::path::Path::new(&at.url).is_dir() {
        return Err(format!("connection `{name}`, a volume that is not mounted in {} here", at.url));
    }
    let own =
        |wanted: &str| connection.env.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.clone());
    at.open(&|wanted| own(wanted).or_else(|| variable(wanted)))
        .map_err(|error| format!("connection `{name}`: {error}"))
}

/// What is allowed where a connection is marked.
fn one_place(marked: &Connection) -> String {
    let place = StoreAt::of(marked).map(|at| at.url).unwrap_or_default();
    format!("`{}` or {place}: it is marked as `artifactsStore` in `--connections`", marked.name)
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::super::table::Part;
    use super::super::{Sources, load};
    use super::*;

    /// The store that `text` names for an agent with these connections: its URL, or why not.
    fn store(text: &str, connections: &str) -> Result<String, String> {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let connections = Connections::read(connections).unwrap();
        let given = [(KEY.to_owned(), text.to_owned())].into_iter().collect();
        let sources = Sources { variable: &|_| None, read: &|_| Err(std::io::ErrorKind::NotFound.into()) };
        let resolved = load(Part::Agent, &given, None, &sources).unwrap();
        let key = |name: &str| (name == "AZURE_STORAGE_ACCOUNT_KEY").then(|| "c2VjcmV0".to_owned());
        let store = artifacts_store(&resolved, &connections, &key);
        store.map(|store| store.unwrap().url().to_owned()).map_err(|error| error.to_string())
    }

    const BUCKETS: &str = "
artifactsStore: {name: kept, kind: wasb, schema: {bucket: 'wasbs://runs@acct.blob.core.windows.net/a/'}}
connections:
  - {name: other, kind: s3, schema: {bucket: 's3://other'}}
  - {name: code, kind: git}
";

    fn refused(text: &str, connections: &str, words: &[&str]) {
        let error = store(text, connections).unwrap_err();
        for word in [&["artifacts_store"], words].concat() {
            assert!(error.contains(word), "{word}: {error}");
        }
    }

    #[test]
    fn a_store_is_named_by_its_url_or_by_the_connection_that_leads_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().display().to_string();
        assert_eq!(store(&format!("{folder}/new"), ""), Ok(format!("{folder}/new")));
        assert_eq!(store("kept", BUCKETS), Ok("az://runs/a".to_owned()));
        let volume = format!(
            "artifactsStore: {{name: v, kind: host_path, schema: {{hostPath: /x, mountPath: {folder}}}}}"
        );
        assert_eq!(store("v", &volume), Ok(folder.clone()));
        assert_eq!(store(&format!("{folder}/elsewhere"), &volume), Ok(format!("{folder}/elsewhere")));
    }

    #[test]
    fn what_is_no_store_or_another_than_the_marked_one_is_refused_by_name() {
        refused("ftp://host/logs", "", &["ftp://host/logs", "s3://BUCKET"]);
        refused("none", BUCKETS, &["`none`", "no connection", "code, kept, other", "s3://BUCKET"]);
        refused("other", BUCKETS, &["`other`", "`kept` or az://runs/a", "artifactsStore"]);
        refused("s3://other", BUCKETS, &["s3://other", "`kept` or az://runs/a", "artifactsStore"]);
        refused("code", "connections: [{name: code, kind: git}]", &["`code`", "git"]);
        let unmounted =
            "artifactsStore: {name: v, kind: host_path, schema: {hostPath: /x, mountPath: /no/such}}";
        refused("v", unmounted, &["`v`", "not mounted in /no/such"]);
    }
}
