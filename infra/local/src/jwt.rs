//! Callers with a token: what API Gateway's JWT authorizer does on AWS.

use http::{HeaderMap, header};
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use okta_connector::http::Caller;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The issuer's keys are read again for an unknown key, but no more often than this.
const KEYS_FOR: Duration = Duration::from_secs(60);

/// An issuer whose tokens are accepted.
pub struct Issuer {
    url: String,
    audience: String,
    teams_claim: String,
    admin_scope: String,
    http: reqwest::Client,
    keys: Mutex<Option<(JwkSet, Instant)>>,
}

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

impl Issuer {
    /// Nothing is fetched before the first token comes.
    pub fn new(url: &str, audience: &str, teams_claim: &str, admin_scope: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            audience: audience.to_owned(),
            teams_claim: teams_claim.to_owned(),
            admin_scope: admin_scope.to_owned(),
            http: reqwest::Client::new(),
            keys: Mutex::default(),
        }
    }

    /// The caller that a request's bearer token names; none where it is missing or not accepted.
    pub async fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let token = token.strip_prefix("Bearer ").or_else(|| token.strip_prefix("bearer "))?;
        let claims = self.verify(token).await?;
        Caller::of_claims(&claims, &self.teams_claim, &self.admin_scope)
    }

    async fn verify(&self, token: &str) -> Option<Map<String, Value>> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if !matches!(
            header.alg,
            Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 | Algorithm::ES256 | Algorithm::ES384
        ) {
            return None;
        }
        let key = self.key(&header.kid?).await?;
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[self.url.as_str(), &format!("{}/", self.url)]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation).ok().map(|token| token.claims)
    }

    async fn key(&self, key_id: &str) -> Option<DecodingKey> {
        let mut keys = self.keys.lock().await;
        let known = keys.as_ref().is_some_and(|(set, _)| set.find(key_id).is_some());
        let fresh = keys.as_ref().is_some_and(|(_, read)| read.elapsed() < KEYS_FOR);
        if !known && !fresh {
            *keys = Some((self.fetch_keys().await?, Instant::now()));
        }
        let (set, _) = keys.as_ref()?;
        let jwk = set.find(key_id)?;
        let public = matches!(jwk.algorithm, AlgorithmParameters::RSA(_) | AlgorithmParameters::EllipticCurve(_));
        if public { DecodingKey::from_jwk(jwk).ok() } else { None }
    }

    async fn fetch_keys(&self) -> Option<JwkSet> {
        let discovery = format!("{}/.well-known/openid-configuration", self.url);
        let Discovery { jwks_uri } = self.http.get(discovery).send().await.ok()?.json().await.ok()?;
        self.http.get(jwks_uri).send().await.ok()?.json().await.ok()
    }
}
