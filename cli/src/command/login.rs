//! `berth login`: tries a token, then keeps it for the host.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use secrecy::SecretString;

use super::{Surroundings, folder};
use crate::arguments::Login;
use crate::client::Client;
use crate::client::kept::{Entry, Kept};
use crate::failure::{Failure, Status};
use crate::output::{Output, text};
use crate::settings::{ClientSettings, Given, Part};

/// Keeps a token that the server takes, or forgets one.
///
/// # Errors
/// If there is no token, the server doesn't take it, or it can't be kept.
pub async fn act(surroundings: &Surroundings<'_>, flags: &Given, login: &Login) -> Result<(), Failure> {
    let settings = ClientSettings::read(&surroundings.settings(Part::Client, flags)?)?;
    let folder = folder(surroundings)
        .ok_or_else(|| Failure::usage("there is neither XDG_CONFIG_HOME nor HOME to keep a token in"))?;
    let mut kept = Kept::read(&folder)?;
    let mut output = Output::standard(settings.format);
    let host = settings.host.clone();
    let shown = host.as_str().trim_end_matches('/').to_owned();
    if login.forget {
        kept.keep(&host, None)?;
        return output.line(&format!("nothing is kept for {shown} any more"));
    }
    let token = match settings.token {
        Some(token) => token,
        None => ask(&shown)?,
    };
    let client = Client::new(host.clone(), Some(token.clone()))?;
    let user = client.get(&["api", "v1", "users"], &[]).await?;
    let owner = settings.given.0.then_some(settings.owner);
    let project = settings.given.1.then_some(settings.project);
    let path = kept.keep(&host, Some(Entry::new(&token, owner, project)))?;
    let who = text(&user, "username");
    output.line(&format!("logged in to {shown} as {who}; the token is kept in {}", path.display()))
}

/// Reads the token from the standard input, so that it is in no history and no list of processes.
fn ask(shown: &str) -> Result<SecretString, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let mut stderr = std::io::stderr().lock();
        write!(stderr, "token for {shown}: ")?;
        stderr.flush()?;
    }
    let mut line = String::new();
    stdin
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::new(Status::Usage, format!("can't read the token: {error}")))?;
    let token = line.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::usage("no token was given")
            .hint("give --token-file or BERTH_TOKEN, or write it to the standard input"));
    }
    Ok(token.to_owned().into())
}
