//! The service app's public keys: kept by Okta, or fetched from the app and cached.
//!
//! Okta caches a fetched set and throttles reloading it; how long is not documented. Here a set is kept for an hour,
//! and an unknown `kid` fetches it again at most once a second, so that a rotation can be watched.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use crate::answer::Refusal;
use crate::tenant::service::ServiceApp;

/// Seconds a fetched set is used without asking again.
const KEPT: i64 = 3600;
/// Seconds between two fetches for an unknown key.
const FLOOR: i64 = 1;

/// Keys fetched from the app.
#[derive(Debug, Default)]
pub struct Keys {
    fetched: Option<(Value, i64)>,
}

/// A refusal of the client's credentials.
pub fn invalid_client(description: &str) -> Refusal {
    Refusal::oauth(401, "invalid_client", description)
}

impl Keys {
    /// Where to fetch keys from before a token signed with this `kid` can be judged; `stale` forbids fetching again.
    pub fn wanted(&self, service: &ServiceApp, kid: Option<&str>, now: i64, stale: bool) -> Option<String> {
        let uri = service.jwks_uri.clone()?;
        let fetch = match &self.fetched {
            None => true,
            Some(_) if stale => false,
            Some((_, at)) if now - at >= KEPT => true,
            Some((set, at)) => now - at >= FLOOR && kid.is_some_and(|kid| keys_of(set).all(|key| key["kid"] != kid)),
        };
        fetch.then_some(uri)
    }

    /// Keeps a fetched set; a failed fetch leaves the old one.
    pub fn store(&mut self, set: Option<Value>, now: i64) {
        if let Some(set) = set {
            self.fetched = Some((set, now));
        }
    }

    /// The key a token's header means.
    pub fn choose(&self, service: &ServiceApp, header: &Value) -> Result<Value, Refusal> {
        let set = match (&service.jwks, &service.jwks_uri, &self.fetched) {
            (Some(set), _, _) | (None, Some(_), Some((set, _))) => set,
            (None, Some(_), None) => return Err(invalid_client("Error retrieving the client JWKSet from jwks_uri.")),
            (None, None, _) => {
                let text = "The client does not have a JWKSet configured, but the client_assertion requires one.";
                return Err(invalid_client(text));
            }
        };
        if header.get("jku").is_some_and(|jku| jku.as_str() != service.jwks_uri.as_deref()) {
            return Err(invalid_client("The 'jku' in JWT and 'jwks_uri' doesn't match."));
        }
        choose_from(set, header["kid"].as_str())
    }
}

fn keys_of(set: &Value) -> impl Iterator<Item = &Value> {
    set["keys"].as_array().into_iter().flatten()
}

fn choose_from(set: &Value, kid: Option<&str>) -> Result<Value, Refusal> {
    let keys: Vec<&Value> = keys_of(set).collect();
    if keys.is_empty() {
        return Err(invalid_client("The client JWKSet from jwks_uri must contain at least one key."));
    }
    let mut kids = HashSet::new();
    if keys.len() > 1 && !keys.iter().all(|key| key["kid"].as_str().is_some_and(|kid| kids.insert(kid))) {
        return Err(invalid_client("All keys in the client JWKSet from jwks_uri must have a unique kid."));
    }
    let key = match kid {
        None if keys.len() == 1 => Some(keys[0]),
        None => None,
        Some(kid) => keys.iter().copied().find(|key| key["kid"] == kid),
    };
    let key = key.ok_or_else(|| invalid_client("The client_assertion JWT kid is invalid."))?;
    if key.get("use").is_some_and(|usage| usage != "sig") {
        let text = "The public key being used for client assertion has an invalid 'use' parameter.";
        return Err(invalid_client(text));
    }
    Ok(key.clone())
}

/// Fetches a key set; none if it is not there, not JSON, or too slow. Redirects are not followed.
pub async fn fetch(http: &reqwest::Client, uri: &str) -> Option<Value> {
    let request = http.get(uri).header("accept", "application/json").timeout(Duration::from_secs(5));
    let response = request.send().await.ok()?.error_for_status().ok()?;
    response.json::<Value>().await.ok().filter(|set| set["keys"].is_array())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use serde_json::json;

    fn service() -> ServiceApp {
        let mut service = ServiceApp::new(&Config::default());
        service.jwks_uri = Some("http://127.0.0.1:1/jwks".into());
        service
    }

    #[test]
    fn an_unknown_key_fetches_again_at_most_once_a_second() {
        let (service, mut keys) = (service(), Keys::default());
        assert!(keys.wanted(&service, Some("a"), 100, true).is_some());
        keys.store(Some(json!({"keys": [{"kid": "a"}]})), 100);
        assert!(keys.wanted(&service, Some("a"), 200, false).is_none());
        assert!(keys.wanted(&service, Some("b"), 100, false).is_none());
        assert!(keys.wanted(&service, Some("b"), 101, false).is_some());
        assert!(keys.wanted(&service, Some("b"), 101, true).is_none());
        assert!(keys.wanted(&service, Some("a"), 100 + KEPT, false).is_some());
    }

    #[test]
    fn a_set_must_have_keys_with_unique_ids() {
        let key = |kid: &str| json!({"kid": kid, "use": "sig"});
        let cases = [
            (json!({"keys": []}), None, false),
            (json!({"keys": [key("a")]}), None, true),
            (json!({"keys": [key("a")]}), Some("b"), false),
            (json!({"keys": [key("a"), key("b")]}), Some("b"), true),
            (json!({"keys": [key("a"), key("b")]}), None, false),
            (json!({"keys": [key("a"), key("a")]}), Some("a"), false),
            (json!({"keys": [{"kid": "a", "use": "enc"}]}), Some("a"), false),
        ];
        for (set, kid, chosen) in cases {
            assert_eq!(choose_from(&set, kid).is_ok(), chosen, "{set} {kid:?}");
        }
    }
}
