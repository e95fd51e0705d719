//! Callers with a token: what API Gateway's JWT authorizer does on AWS.

use http::{HeaderMap, header};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use okta_connector::clock::{Clock, SystemClock};
use okta_connector::http::Caller;
use okta_connector_client::is_loopback;
use reqwest::redirect::Policy;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use thiserror::Error;
use url::Url;

/// The keys are read again so often while tokens come: what the issuer withdrew is accepted for so long at most.
const AGAIN: Duration = Duration::from_secs(60);
/// Keys that could not be read again are accepted for so long.
const KEPT: Duration = Duration::from_hours(1);
/// A token with an unknown key makes the keys be read, but no more often than this.
const PAUSE: Duration = Duration::from_secs(10);
/// An issuer that does not answer within this is silent.
const PATIENCE: Duration = Duration::from_secs(3);
/// No document of an issuer is larger.
const MOST_BYTES: usize = 1024 * 1024;
/// Clocks differ by so much at most.
const SKEW: u64 = 60;

/// An issuer whose tokens are accepted.
#[derive(Clone)]
pub struct Issuer(Arc<Accepted>);

struct Accepted {
    url: String,
    audience: String,
    teams_claim: String,
    admin_scope: String,
    http: reqwest::Client,
    known: Mutex<Known>,
    /// Held by the task that reads the keys.
    reading: tokio::sync::Mutex<()>,
}

/// What is known of the issuer's keys.
#[derive(Default)]
struct Known {
    keys: Option<(Arc<JwkSet>, Instant)>,
    tried: Option<Instant>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// Why an issuer cannot be one, or why its keys could not be read.
#[derive(Debug, Error)]
pub enum IssuerError {
    /// Not https.
    #[error("--jwt-issuer must be an https URL, as in https://acme.okta.com/oauth2/default")]
    NotHttps,
    /// It cannot be reached, or it answers what is no such document.
    #[error("{0}")]
    Unread(#[from] reqwest::Error),
    /// A document of another issuer, too large, or not JSON.
    #[error("{0}")]
    Unusable(String),
}

impl Issuer {
    /// Nothing is fetched before the first token comes.
    pub fn new(url: &str, audience: &str, teams_claim: &str, admin_scope: &str) -> Result<Self, IssuerError> {
        if !is_safe(url) {
            return Err(IssuerError::NotHttps);
        }
        Ok(Self(Arc::new(Accepted {
            url: url.trim_end_matches('/').to_owned(),
            audience: audience.to_owned(),
            teams_claim: teams_claim.to_owned(),
            admin_scope: admin_scope.to_owned(),
            http: reqwest::Client::builder().timeout(PATIENCE).redirect(Policy::none()).build()?,
            known: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        })))
    }

    /// The caller that a request's bearer token names; none where it is missing or not accepted.
    pub async fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let token = token.strip_prefix("Bearer ").or_else(|| token.strip_prefix("bearer "))?;
        let claims = self.verify(token).await?;
        Caller::of_claims(&claims, &self.0.teams_claim, &self.0.admin_scope)
    }

    async fn verify(&self, token: &str) -> Option<Map<String, Value>> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let accepted = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::ES256, Algorithm::ES384];
        // `crit` names extensions that must be understood, and none is here.
        if !accepted.contains(&header.alg) || header.crit.is_some() {
            return None;
        }
        let key = self.key(&header.kid?, header.alg).await?;
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[self.0.url.as_str(), &format!("{}/", self.0.url)]);
        validation.set_audience(&[&self.0.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = SKEW;
        let claims = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation).ok()?.claims;
        let latest = SystemClock.now() + Duration::from_secs(SKEW);
        let issued = claims.get("iat").and_then(Value::as_f64);
        let in_future = issued.is_some_and(|issued| issued > latest.as_duration().as_secs_f64());
        (!in_future).then_some(claims)
    }

    /// A key by its name. One that is known is given at once; the keys are read again beside it.
    async fn key(&self, key_id: &str, algorithm: Algorithm) -> Option<DecodingKey> {
        let named = |keys: &Arc<JwkSet>| keys.find(key_id).is_some();
        if let Some(keys) = self.current().filter(named) {
            return usable(&keys, key_id, algorithm);
        }
        let reading = self.0.reading.lock().await;
        // The task that held it before may have read them.
        let keys = match self.current().filter(named) {
            Some(keys) => keys,
            None if self.known().tried.is_some_and(|tried| tried.elapsed() < PAUSE) => return None,
            None => {
                let first = self.known().keys.is_none();
                let keys = self.read().await?;
                if first {
                    tokio::spawn(read_again(Arc::downgrade(&self.0)));
                }
                keys
            }
        };
        drop(reading);
        usable(&keys, key_id, algorithm)
    }

    /// The keys that are known, if they are not too old.
    fn current(&self) -> Option<Arc<JwkSet>> {
        let (keys, read) = self.known().keys.clone()?;
        (read.elapsed() < KEPT).then_some(keys)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self) -> Option<Arc<JwkSet>> {
        self.known().tried = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                self.known().keys = Some((Arc::clone(&keys), Instant::now()));
                Some(keys)
            }
            Err(error) => {
                tracing::warn!("the keys of the issuer {} could not be read: {error}", self.0.url);
                None
            }
        }
    }

    async fn fetch(&self) -> Result<JwkSet, IssuerError> {
        let discovery = format!("{}/.well-known/openid-configuration", self.0.url);
        let Discovery { issuer, jwks_uri } = self.document(&discovery).await?;
        if issuer.trim_end_matches('/') != self.0.url {
            return Err(IssuerError::Unusable(format!("{discovery} is that of another issuer, {issuer:?}")));
        }
        if !is_safe(&jwks_uri) {
            return Err(IssuerError::Unusable(format!("jwks_uri is not https: {jwks_uri:?}")));
        }
        self.document(&jwks_uri).await
    }

    async fn document<T: DeserializeOwned>(&self, url: &str) -> Result<T, IssuerError> {
        let mut response = self.0.http.get(url).send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST_BYTES {
                return Err(IssuerError::Unusable(format!("{url} is larger than {MOST_BYTES} bytes")));
            }
        }
        serde_json::from_slice(&bytes).map_err(|error| IssuerError::Unusable(format!("{url}: {error}")))
    }
}

/// Reads the keys again and again, until the issuer is dropped.
async fn read_again(issuer: Weak<Accepted>) {
    loop {
        tokio::time::sleep(AGAIN).await;
        let Some(accepted) = issuer.upgrade() else { return };
        let issuer = Issuer(accepted);
        let _reading = issuer.0.reading.lock().await;
        issuer.read().await;
    }
}

/// A key that may sign such tokens.
fn usable(keys: &JwkSet, key_id: &str, algorithm: Algorithm) -> Option<DecodingKey> {
    let jwk = keys.find(key_id)?;
    let public = matches!(jwk.algorithm, AlgorithmParameters::RSA(_) | AlgorithmParameters::EllipticCurve(_));
    (public && signs(jwk, algorithm)).then(|| DecodingKey::from_jwk(jwk).ok())?
}

fn signs(jwk: &Jwk, algorithm: Algorithm) -> bool {
    let common = &jwk.common;
    common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|it| it.contains(&KeyOperations::Verify))
        && common.key_algorithm.is_none_or(|it| Algorithm::try_from(it).is_ok_and(|it| it == algorithm))
}

/// https, or an address of this machine.
fn is_safe(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "https" || is_loopback(&url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::extract::State;
    use axum::routing::get;
    use serde_json::json;
    use tokio::net::TcpListener;

    fn keys(names: &[&str]) -> Value {
        let keys = names.iter().map(|name| json!({"kty": "RSA", "kid": name, "n": "AQAB", "e": "AQAB"}));
        json!({"keys": keys.collect::<Vec<_>>()})
    }

    #[tokio::test]
    async fn a_key_that_the_issuer_withdrew_is_gone_once_the_keys_are_read_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let published = Arc::new(Mutex::new(keys(&["k1"])));
        let discovery = json!({"issuer": url, "jwks_uri": format!("{url}/keys")}).to_string();
        let answer = |State(keys): State<Arc<Mutex<Value>>>| async move { keys.lock().expect("no panic").to_string() };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(move || async move { discovery }))
            .route("/keys", get(answer))
            .with_state(published.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Issuer::new(&url, "a", "teams", "admin").expect("an issuer");
        assert!(issuer.key("k1", Algorithm::RS256).await.is_some());
        *published.lock().expect("no panic") = keys(&["k2"]);
        assert!(issuer.key("k1", Algorithm::RS256).await.is_some(), "it was read a moment ago");
        issuer.read().await.expect("keys");
        assert!(issuer.key("k1", Algorithm::RS256).await.is_none());
        assert!(issuer.key("k2", Algorithm::RS256).await.is_some());
    }

    #[test]
    fn an_issuer_is_asked_over_tls_or_on_this_machine() {
        for (url, good) in [
            ("https://acme.okta.com/oauth2/default", true),
            ("http://127.0.0.1:9", true),
            ("http://issuer.example.com", false),
            ("acme.okta.com", false),
        ] {
            assert_eq!(Issuer::new(url, "a", "teams", "admin").is_ok(), good, "{url}");
        }
    }
}
