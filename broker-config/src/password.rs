//! What each broker keeps of a password, and so what Berth keeps: hashes, never the password.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The hashes of one password. Passwords are 256 random bits: so much needs no slow hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordHashes {
    /// RabbitMQ's: base64 of a 4-byte salt and the SHA-256 of salt and password.
    pub rabbitmq: String,
    /// Redis': lower-case hex of the SHA-256 of the password.
    pub redis: String,
}

impl PasswordHashes {
    /// The hashes of `password`; `salt` is random.
    #[must_use]
    pub fn of(password: &str, salt: [u8; 4]) -> Self {
        let salted = Sha256::new().chain_update(salt).chain_update(password).finalize();
        let rabbitmq = BASE64_STANDARD.encode([&salt[..], &salted[..]].concat());
        let redis = Sha256::digest(password).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { rabbitmq, redis }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_in_the_form_that_each_broker_keeps() {
        let hashes = PasswordHashes::of("agent-secret", *b"salt");
        assert_eq!(hashes.rabbitmq, "c2FsdIomRe3ynOu8rLnsomo/Uzqj43SMvHUVSdYxRrvj0USs");
        assert_eq!(hashes.redis, "cc000e626ba67bed4834794d42288b228f012823877440d2bc5a3787cc6ffce9");
    }
}
