//! The URL of a Redis that Sentinels watch over: several places, and the name of a service. Reading and writing it only;
//! asking them who the master is is `redis::sentinel`'s.

use std::fmt::Write as _;

use secrecy::SecretString;
use url::Url;

use crate::settings::SettingsError;

/// How such a URL is written.
pub(crate) const FORM: &str = "redis(s)+sentinel://[USER:PASSWORD@]HOST[:PORT],.../DB?service=NAME";

/// Where a Sentinel listens, unless it is said.
const PORT: u16 = 26379;

/// Who watches over a Redis.
#[derive(Clone, Debug)]
pub(crate) struct Sentinels {
    /// Their hosts and ports, at least one.
    pub(crate) places: Vec<(String, u16)>,
    /// What they call the Redis (kombu's `master_name`).
    pub(crate) service: String,
    /// Their own user and password, which is not the Redis'.
    pub(crate) user: Option<String>,
    pub(crate) password: Option<SecretString>,
}

impl Sentinels {
    /// Takes a URL apart: who watches, and what the URL would be if the first of them were the Redis. `None` if it is
    /// another URL.
    pub(crate) fn of(url: &str) -> Result<Option<(Self, String)>, SettingsError> {
        let Some((scheme, rest)) = url.split_once("+sentinel://") else { return Ok(None) };
        if !matches!(scheme, "redis" | "rediss") {
            return Ok(None);
        }
        let wrong = |part: &'static str, problem: String| SettingsError::Part { part, problem };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let at = authority.rfind('@').map_or(0, |at| at + 1);
        let (user, hosts) = authority.split_at(at);
        let mut places = Vec::new();
        for host in hosts.split(',') {
            let place = Url::parse(&format!("{scheme}://{host}")).ok();
            let name = place.as_ref().and_then(Url::host_str).filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| wrong("host", format!("`{host}` is not HOST or HOST:PORT")))?;
            places.push((name.to_owned(), place.as_ref().and_then(Url::port).unwrap_or(PORT)));
        }
        // At least one: the pieces of a text are never none.
        let (host, port) = &places[0];
        let mut plain =
            Url::parse(&format!("{scheme}://{user}{host}:{port}{rest}")).map_err(SettingsError::NotAUrl)?;
        let mut found = Self { places, service: String::new(), user: None, password: None };
        for (name, value) in plain.query_pairs() {
            match &*name {
                "service" => found.service = value.into_owned(),
                "sentinel_user" => found.user = Some(value.into_owned()),
                "sentinel_password" => found.password = Some(value.into_owned().into()),
                other => {
                    let problem = format!("`{other}` is not service, sentinel_user or sentinel_password");
                    return Err(wrong("query", problem));
                }
            }
        }
        if found.service.is_empty() {
            return Err(wrong("query", format!("`service` is missing: write {FORM}")));
        }
        plain.set_query(None);
        plain.set_fragment(None);
        Ok(Some((found, plain.into())))
    }

    /// The URL of which `plain` is what [`Self::of`] made, without the Sentinels' own credentials.
    pub(crate) fn spread(&self, plain: &Url) -> String {
        let mut url = format!("{}+sentinel://", plain.scheme());
        if !plain.username().is_empty() || plain.password().is_some() {
            url.push_str(plain.username());
            if let Some(password) = plain.password() {
                // Writing to a text never fails.
                let _ = write!(url, ":{password}");
            }
            url.push('@');
        }
        url.push_str(&self.shown_places());
        url.push_str(plain.path());
        let mut query = plain.clone();
        query.query_pairs_mut().clear().append_pair("service", &self.service);
        let _ = write!(url, "?{}", query.query().unwrap_or_default());
        url
    }

    /// `HOST:PORT` of each, by commas.
    pub(crate) fn shown_places(&self) -> String {
        let places: Vec<String> = self.places.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        places.join(",")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_url_names_every_sentinel_and_the_service() {
        let url =
            "rediss+sentinel://me:s%40crt@h1,h2:26380,[::1]:7/3?service=my+redis&sentinel_password=p%26w";
        let (found, plain) = Sentinels::of(url).unwrap().unwrap();
        assert_eq!(found.shown_places(), "h1:26379,h2:26380,[::1]:7");
        assert_eq!(found.service, "my redis");
        assert_eq!((found.user.as_deref(), found.password.unwrap().expose_secret()), (None, "p&w"));
        assert_eq!(plain, "rediss://me:s%40crt@h1:26379/3");
    }

    #[test]
    fn a_url_is_put_together_again_without_the_sentinels_password() {
        let url = "redis+sentinel://me:pw@h1:1,h2:2/3?service=a%26b&sentinel_user=u&sentinel_password=p";
        let (found, plain) = Sentinels::of(url).unwrap().unwrap();
        let again = found.spread(&Url::parse(&plain).unwrap());
        assert_eq!(again, "redis+sentinel://me:pw@h1:1,h2:2/3?service=a%26b");
        assert_eq!(Sentinels::of(&again).unwrap().unwrap().0.service, "a&b");
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_allowed() {
        for (url, text) in [
            ("redis+sentinel://h/0", "`service` is missing: write redis(s)+sentinel://"),
            ("redis+sentinel://h1,,h2/0?service=x", "`` is not HOST or HOST:PORT"),
            ("redis+sentinel://h:x/0?service=x", "`h:x` is not HOST or HOST:PORT"),
            (
                "redis+sentinel://h/0?service=x&db=3",
                "`db` is not service, sentinel_user or sentinel_password",
            ),
        ] {
            let error = Sentinels::of(url).unwrap_err().to_string();
            assert!(error.contains(text), "{url}: {error}");
        }
        for other in ["redis://h/0", "amqp+sentinel://h/", "sentinel://h"] {
            assert!(Sentinels::of(other).unwrap().is_none(), "{other}");
        }
    }
}
