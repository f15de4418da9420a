//! Where traces go, and which are recorded. Recording them is telemetry's.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use super::resolve::{Error, Origin, Resolved};
use super::table::OTLP_TRACES_ENDPOINT;

/// Where OTLP has traces, under a collector's address.
const PATH: &str = "v1/traces";

/// What traces are set up with, if there is a collector.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// The collector's address for traces.
    pub endpoint: String,
    /// The authorities that sign its certificate, if they are not among the system's.
    pub ca_file: Option<PathBuf>,
    /// Headers that it wants: names and values.
    pub headers: Vec<(String, SecretString)>,
    /// What the process is called.
    pub service: String,
    /// What else is said of it.
    pub attributes: Vec<(String, String)>,
    /// The share of new traces that is recorded.
    pub ratio: f64,
}

impl TraceSettings {
    /// Reads `otlp_endpoint` and what belongs to it; none if there is no endpoint.
    ///
    /// # Errors
    /// If one of them can't be used, whether or not there is an endpoint.
    pub fn read(resolved: &Resolved) -> Result<Option<Self>, Error> {
        let is_whole = resolved
            .get("otlp_endpoint")
            .is_some_and(|value| is_variable(&value.origin, OTLP_TRACES_ENDPOINT));
        let endpoint = resolved
            .read(
                "otlp_endpoint",
                "http://HOST:PORT or https://HOST, without user and password, or off",
                |text| {
                    if text == "off" { Some(None) } else { endpoint(text, is_whole).map(Some) }
                },
            )?
            .flatten();
        let list = "NAME=VALUE, by commas, with %XX for what would end a value";
        let headers = resolved.read("otlp_headers", list, pairs)?.unwrap_or_default();
        let attributes = resolved.read("otlp_resource_attributes", list, pairs)?.unwrap_or_default();
        let ca_file = resolved.read("otlp_ca_file", "a file", |text| Some(PathBuf::from(text)))?;
        let ratio = resolved.read("trace_sample_ratio", "a share from 0 to 1", |text| {
            text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
        })?;
        let service =
            resolved.get("otlp_service_name").map_or_else(|| "berth".to_owned(), |value| value.text.clone());
        Ok(endpoint.map(|endpoint| Self {
            endpoint,
            ca_file,
            headers: headers.into_iter().map(|(name, value)| (name, value.into())).collect(),
            service,
            attributes,
            ratio: ratio.unwrap_or(1.0),
        }))
    }
}

fn is_variable(origin: &Origin, name: &str) -> bool {
    matches!(origin, Origin::Variable(given) if given == name)
}

/// The address for traces, made of the collector's unless it is `whole`.
fn endpoint(text: &str, is_whole: bool) -> Option<String> {
    let url: Url = text.parse().ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain {
        return None;
    }
    if is_whole || url.path().trim_end_matches('/').ends_with(PATH) {
        return Some(url.to_string());
    }
    let mut under = url.clone();
    under.set_path(&format!("{}/{PATH}", url.path().trim_end_matches('/')));
    Some(under.to_string())
}

/// Reads a list of pairs, as the variables of OpenTelemetry have it.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let decoded =
        |text: &str| percent_decode_str(text.trim()).decode_utf8().ok().map(|text| text.into_owned());
    text.split(',')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let name = decoded(name).filter(|name| !name.is_empty())?;
            Some((name, decoded(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::super::table::Part;
    use super::super::{Given, Sources, load};
    use super::*;

    fn read(flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Option<TraceSettings>, String> {
        let given: Given = flags.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned());
        let sources = Sources { variable: &variable, read: &|_| Err(std::io::ErrorKind::NotFound.into()) };
        let resolved = load(Part::Agent, &given, None, &sources).map_err(|error| error.to_string())?;
        TraceSettings::read(&resolved).map_err(|error| error.to_string())
    }

    fn address(flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Option<String> {
        read(flags, variables).unwrap().map(|settings| settings.endpoint)
    }

    #[test]
    fn without_an_endpoint_there_are_no_traces() {
        assert_eq!(address(&[], &[]), None);
        assert_eq!(address(&[("trace_sample_ratio", "0.5")], &[("OTEL_SERVICE_NAME", "x")]), None);
    }

    #[test]
    fn the_collector_is_named_by_our_own_setting_or_by_the_standard_variables() {
        let (general, own) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "BERTH_OTLP_ENDPOINT");
        let traces = OTLP_TRACES_ENDPOINT;
        let full = Some("http://c:4318/v1/traces".to_owned());
        for given in ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces"] {
            assert_eq!(address(&[("otlp_endpoint", given)], &[]), full);
            assert_eq!(
                address(&[], &[(own, given), (general, "http://other"), (traces, "http://third")]),
                full
            );
            assert_eq!(address(&[], &[(general, given)]), full);
        }
        assert_eq!(address(&[], &[(general, "https://c/otlp/")]).unwrap(), "https://c/otlp/v1/traces");
        let as_it_is = address(&[], &[(general, "http://other"), (traces, "http://c:1/here")]);
        assert_eq!(as_it_is.unwrap(), "http://c:1/here");
        assert_eq!(address(&[("otlp_endpoint", "off")], &[(general, "http://other")]), None);
    }

    #[test]
    fn the_authorities_of_the_collector_are_named_by_our_own_setting_or_by_the_standard_variables() {
        let file = |flags: &[(&str, &str)], variables: &[(&str, &str)]| {
            let flags = [&[("otlp_endpoint", "https://c")], flags].concat();
            read(&flags, variables).unwrap().unwrap().ca_file
        };
        let (traces, general) = ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE");
        assert_eq!(file(&[], &[]), None);
        assert_eq!(file(&[], &[(general, "/g"), (traces, "/t")]), Some("/t".into()));
        assert_eq!(file(&[], &[(general, "/g")]), Some("/g".into()));
        assert_eq!(file(&[("otlp_ca_file", "/o")], &[(traces, "/t")]), Some("/o".into()));
    }

    #[test]
    fn headers_and_attributes_are_pairs() {
        let settings = read(
            &[
                ("otlp_endpoint", "http://c"),
                ("otlp_headers", "authorization=Basic%20YTpi=, x-scope = a%2Cb"),
            ],
            &[
                ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod,team=ml"),
                ("OTEL_SERVICE_NAME", "eu"),
            ],
        );
        let settings = settings.unwrap().unwrap();
        let headers: Vec<_> =
            settings.headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
        assert_eq!(headers, [("authorization", "Basic YTpi="), ("x-scope", "a,b")]);
        assert_eq!(settings.attributes[1], ("team".to_owned(), "ml".to_owned()));
        assert_eq!((settings.service.as_str(), settings.ratio), ("eu", 1.0));
        assert!(!format!("{settings:?}").contains("YTpi"));
    }

    #[test]
    fn what_can_not_be_used_is_refused_by_name() {
        let refused = |key: &str, text: &str| read(&[(key, text)], &[]).unwrap_err();
        let allowed = "is not http://HOST:PORT or https://HOST, without user and password, or off";
        for bad in ["c:4318", "grpc://c:4317", "http://u:p@c", "http://"] {
            let text = refused("otlp_endpoint", bad);
            assert_eq!(text, format!("`otlp_endpoint` (from --otlp-endpoint): `{bad}` {allowed}"));
        }
        for bad in ["1.5", "-0.1", "NaN", "half"] {
            assert!(refused("trace_sample_ratio", bad).ends_with("is not a share from 0 to 1"));
        }
        let headers = refused("otlp_headers", "hunter2");
        assert!(headers.contains("what was given (hidden) is not NAME=VALUE, by commas"), "{headers}");
        assert!(refused("otlp_resource_attributes", "=x").contains("NAME=VALUE"));
    }
}
