//! Access tokens: asked for with a signed assertion and a `DPoP` proof, kept until shortly before they end.
//!
//! A proof is always sent. A tenant that requires it answers with a challenge first; one that ignores it answers with a
//! plain Bearer token. Okta uses up an assertion and a proof with every request, so both are made anew each time.

use super::dpop::{CLOCK_MARGIN_SECONDS, ProofKey};
use super::error::{Error, TokenRefusal};
use super::key::SigningKey;
use super::null;
use crate::clock;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use url::Url;

/// The path of the org authorization server's token endpoint; only it grants `okta.*` scopes.
pub const TOKEN_PATH: &str = "/oauth2/v1/token";
/// Okta's code for "repeat with this nonce".
const USE_NONCE: &str = "use_dpop_nonce";
/// A token is renewed this long before it ends.
const RENEW_BEFORE_SECONDS: i64 = 120;
const ASSERTION_SECONDS: i64 = 300;
/// How long a token lasts that does not say it.
const ONE_HOUR: i64 = 3_600;

/// How a client proves who it is: a key, and the `kid` under which Okta knows it.
#[derive(Clone)]
pub struct PrivateKeyJwt {
    /// The OAuth client's id.
    pub client_id: String,
    /// The key that signs.
    pub key: SigningKey,
    /// The key's id; a pasted PEM key may have none.
    pub key_id: Option<String>,
}

/// A granted access token.
#[derive(Clone)]
pub struct Token {
    /// The token itself: never logged, never stored.
    pub access_token: secrecy::SecretString,
    /// The key it is bound to; `None` for a Bearer token.
    pub bound_to: Option<Arc<ProofKey>>,
    /// What it may do.
    pub scopes: BTreeSet<String>,
    /// From when it is no longer used.
    pub renew_at: Timestamp,
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

#[derive(Deserialize)]
struct Granted {
    access_token: secrecy::SecretString,
    token_type: String,
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "null::as_default")]
    scope: String,
}

impl PrivateKeyJwt {
    /// The form of one token request, signed for this attempt alone.
    pub(super) fn form(
        &self,
        endpoint: &Url,
        scopes: &str,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, String)>, Error> {
        let claims = Assertion {
            iss: &self.client_id,
            sub: &self.client_id,
            aud: endpoint.as_str(),
            iat: now.as_second() - CLOCK_MARGIN_SECONDS,
            exp: now.as_second() + ASSERTION_SECONDS,
            jti: uuid::Uuid::new_v4().to_string(),
        };
        let mut header = Header::new(Algorithm::RS256);
        header.kid.clone_from(&self.key_id);
        let assertion = jsonwebtoken::encode(&header, &claims, self.key.encoding())
            .map_err(|error| Error::Key(error.to_string()))?;
        Ok(vec![
            ("grant_type", "client_credentials".to_owned()),
            ("scope", scopes.to_owned()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
            ("client_assertion", assertion),
        ])
    }
}

/// Reads a grant.
pub(super) fn granted(body: &[u8], key: Arc<ProofKey>, asked: &str, now: Timestamp) -> Result<Token, Error> {
    let granted: Granted =
        serde_json::from_slice(body).map_err(|_| Error::Unreadable("not a token answer".to_owned()))?;
    let scope = if granted.scope.is_empty() { asked } else { &granted.scope };
    let life = granted.expires_in.unwrap_or(ONE_HOUR);
    Ok(Token {
        access_token: granted.access_token,
        bound_to: granted.token_type.eq_ignore_ascii_case("DPoP").then_some(key),
        scopes: scope.split_whitespace().map(str::to_owned).collect(),
        renew_at: clock::after(now, life.saturating_sub(RENEW_BEFORE_SECONDS).max(life / 2)),
    })
}

/// True where the refusal asks for the nonce it brings.
pub(super) fn wants_nonce(refusal: &TokenRefusal) -> bool {
    refusal.error == USE_NONCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_before_it_ends_however_long_it_lasts() {
        let key = Arc::new(ProofKey::generate().expect("a key"));
        let now = Timestamp::UNIX_EPOCH;
        for (life, renewed) in [
            ("3600", 3_480),
            ("120", 60),
            ("1", 0),
            ("0", 0),
            ("null", 3_480),
            ("-9223372036854775808", i64::MIN / 2),
            ("9223372036854775807", i64::MAX),
        ] {
            let body = format!("{{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":{life}}}");
            let token = granted(body.as_bytes(), Arc::clone(&key), "okta.users.read", now).expect("a token");
            assert_eq!(token.renew_at, clock::after(now, renewed), "{life}");
        }
    }
}
