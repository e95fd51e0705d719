//! Access tokens: asked for with a `DPoP` proof and a signed assertion, a code or a refresh token; kept until shortly
//! before they end.
//!
//! A proof is always sent. A tenant that requires it answers with a challenge first; one that ignores it answers with a
//! plain Bearer token. Okta uses up an assertion and a proof with every request, so both are made anew each time.

use super::dpop::{CLOCK_MARGIN_SECONDS, ProofKey};
use super::error::{Error, TokenRefusal};
use super::key::SigningKey;
use super::null;
use super::request::Repeat;
use crate::clock;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use url::Url;

/// The path of the org authorization server's token endpoint; only it grants `okta.*` scopes.
pub const TOKEN_PATH: &str = "/oauth2/v1/token";
/// The path of its endpoint that takes tokens back.
pub const REVOKE_PATH: &str = "/oauth2/v1/revoke";
/// Okta's code for "repeat with this nonce".
const USE_NONCE: &str = "use_dpop_nonce";
/// A token is renewed this long before it ends.
const RENEW_BEFORE_SECONDS: i64 = 120;
const ASSERTION_SECONDS: i64 = 300;
/// Okta's clock and ours differ by so much at most.
const CLOCK_SKEW_SECONDS: i64 = 300;
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

/// The OAuth client that users sign in to: a web app with a secret.
#[derive(Clone)]
pub struct WebApp {
    /// The client's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

/// What a user's browser brought back, good for one exchange.
pub struct Code {
    /// The code.
    pub code: SecretString,
    /// Where the browser was sent.
    pub redirect_uri: String,
    /// What its challenge was made of (RFC 7636).
    pub verifier: SecretString,
}

/// What a token is asked for with.
pub(super) enum Ask<'a> {
    /// A signed assertion, for these scopes.
    Assertion(&'a PrivateKeyJwt, &'a str),
    /// A user's code.
    Code(&'a WebApp, &'a Code),
    /// The refresh token of a user's sign-in.
    Refresh(&'a WebApp, &'a SecretString),
}

/// Everything a grant may bring.
pub struct Granted {
    /// The access token.
    pub token: Token,
    /// The refresh token to use from now on; absent: the one there was, if there was one.
    pub refresh_token: Option<SecretString>,
    /// The nonce in the ID token.
    pub nonce: Option<String>,
}

/// A granted access token.
#[derive(Clone)]
pub struct Token {
    /// The token itself: never logged, and stored sealed alone.
    pub access_token: SecretString,
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
struct Answer {
    access_token: SecretString,
    token_type: String,
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "null::as_default")]
    scope: String,
    refresh_token: Option<SecretString>,
    #[serde(default, deserialize_with = "null::as_default")]
    id_token: String,
}

#[derive(Deserialize)]
struct IdClaims {
    nonce: Option<String>,
    aud: Audience,
    exp: i64,
}

/// One client, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Ask<'_> {
    /// The form of one token request.
    #[expect(clippy::disallowed_methods, reason = "a credential is shown to Okta and to nobody else")]
    pub fn form(&self, endpoint: &Url, now: Timestamp) -> Result<Vec<(&'static str, String)>, Error> {
        Ok(match self {
            Self::Assertion(identity, scopes) => return identity.form(endpoint, scopes, now),
            Self::Code(_, code) => vec![
                ("grant_type", "authorization_code".to_owned()),
                ("code", code.code.expose_secret().to_owned()),
                ("redirect_uri", code.redirect_uri.clone()),
                ("code_verifier", code.verifier.expose_secret().to_owned()),
            ],
            Self::Refresh(_, token) => {
                vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token.expose_secret().to_owned())]
            }
        })
    }

    /// The client that shows a secret.
    pub fn app(&self) -> Option<&WebApp> {
        match self {
            Self::Assertion(..) => None,
            Self::Code(app, _) | Self::Refresh(app, _) => Some(app),
        }
    }

    /// The `kid` that signs.
    pub fn key_id(&self) -> Option<&String> {
        if let Self::Assertion(identity, _) = self { identity.key_id.as_ref() } else { None }
    }

    /// The scopes to assume where the answer names none.
    pub fn scopes(&self) -> &str {
        if let Self::Assertion(_, scopes) = self { scopes } else { "" }
    }

    /// Asking twice with an assertion grants two tokens, which harms nobody; a refresh token works a little longer for
    /// those who lost its answer; a code is used up.
    pub fn repeat(&self) -> Repeat {
        if matches!(self, Self::Code(..)) { Repeat::OnlyIfUnsent } else { Repeat::Safe }
    }
}

impl WebApp {
    /// Shows the secret in the one way that every web app of Okta's accepts.
    #[expect(clippy::disallowed_methods, reason = "a credential is shown to Okta and to nobody else")]
    pub(super) fn sign(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        // RFC 6749, section 2.3.1: both are written as in a form first.
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        request.basic_auth(encoded(&self.client_id), Some(encoded(self.client_secret.expose_secret())))
    }
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

/// The form that takes a refresh token back.
#[expect(clippy::disallowed_methods, reason = "a credential is shown to Okta and to nobody else")]
pub(super) fn revocation(token: &SecretString) -> [(&'static str, &str); 2] {
    [("token", token.expose_secret()), ("token_type_hint", "refresh_token")]
}

/// Reads a grant.
pub(super) fn granted(body: &[u8], key: Arc<ProofKey>, ask: &Ask<'_>, now: Timestamp) -> Result<Granted, Error> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| Error::Unreadable("not a token answer".to_owned()))?;
    let scope = if answer.scope.is_empty() { ask.scopes() } else { &answer.scope };
    let life = answer.expires_in.unwrap_or(ONE_HOUR);
    let token = Token {
        access_token: answer.access_token,
        bound_to: answer.token_type.eq_ignore_ascii_case("DPoP").then_some(key),
        scopes: scope.split_whitespace().map(str::to_owned).collect(),
        renew_at: clock::after(now, life.saturating_sub(RENEW_BEFORE_SECONDS).max(life / 2)),
    };
    let nonce = ask.app().and_then(|app| nonce(&answer.id_token, &app.client_id, now));
    Ok(Granted { token, refresh_token: answer.refresh_token, nonce })
}

/// The nonce in an ID token for this client. Its signature and its issuer add nothing: it came from Okta itself, in the same
/// answer as the rest (OpenID Connect Core, section 3.1.3.7).
fn nonce(id_token: &str, client_id: &str, now: Timestamp) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1)?).ok()?;
    let claims: IdClaims = serde_json::from_slice(&claims).ok()?;
    let is_for_us = match &claims.aud {
        Audience::One(audience) => audience == client_id,
        Audience::Many(audiences) => audiences.iter().any(|audience| audience == client_id),
    };
    let is_valid = is_for_us && clock::after(now, -CLOCK_SKEW_SECONDS).as_second() < claims.exp;
    claims.nonce.filter(|_| is_valid)
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
            let token = SecretString::from(String::new());
            let app = WebApp { client_id: "0oa1".to_owned(), client_secret: token.clone() };
            let granted = granted(body.as_bytes(), Arc::clone(&key), &Ask::Refresh(&app, &token), now);
            let token = granted.expect("a token").token;
            assert_eq!(token.renew_at, clock::after(now, renewed), "{life}");
        }
    }

    #[test]
    fn the_nonce_counts_in_an_id_token_that_is_for_this_client_and_not_over() {
        let now = Timestamp::constant(1_700_000_000, 0);
        let nonce = |claims: &str| nonce(&format!("x.{}.y", URL_SAFE_NO_PAD.encode(claims)), "0oa1", now);
        let good = Some("n".to_owned());
        assert_eq!(nonce("{\"nonce\":\"n\",\"aud\":\"0oa1\",\"exp\":1700003600}"), good);
        assert_eq!(nonce("{\"nonce\":\"n\",\"aud\":[\"0oa2\",\"0oa1\"],\"exp\":1699999900}"), good, "clocks differ");
        for bad in [
            "{\"nonce\":\"n\",\"aud\":\"0oa2\",\"exp\":1700003600}",
            "{\"nonce\":\"n\",\"aud\":\"0oa1\",\"exp\":1699999000}",
            "{\"nonce\":\"n\",\"exp\":1700003600}",
            "{\"aud\":\"0oa1\",\"exp\":1700003600}",
        ] {
            assert_eq!(nonce(bad), None, "{bad}");
        }
    }
}
