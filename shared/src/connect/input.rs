//! What callers send to set up a connection.

use crate::connection::{Attributes, Fault, Permissions, Settings, SyncSettings};
use crate::okta::{Pasted, SigningKey};
use crate::problem::Problem;
use crate::schema;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A new connection.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnection {
    /// A name for people.
    pub name: String,
    /// The tenant's domain; it may be pasted as a URL.
    #[serde(default)]
    pub domain: Option<String>,
    /// How to sign in.
    auth: Map<String, Value>,
    /// Who may use it beside the admins.
    #[serde(default)]
    pub teams: Vec<String>,
    /// What may be done with it.
    #[serde(default)]
    pub permissions: Permissions,
    /// What is synced and when; null: nothing by itself.
    #[serde(default = "usual_sync")]
    pub sync: Option<SyncSettings>,
    /// Which profile attributes mean what.
    #[serde(default)]
    pub attributes: Attributes,
}

#[expect(clippy::unnecessary_wraps, reason = "the default of a field that may be null")]
fn usual_sync() -> Option<SyncSettings> {
    Some(SyncSettings::default())
}

/// Another way to sign in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeAuth {
    /// The tenant's domain; absent: as it is.
    #[serde(default)]
    pub domain: Option<String>,
    /// How to sign in.
    auth: Map<String, Value>,
}

/// A rotation of the hosted key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKeys {
    /// How long the new key is published before it signs, and the old one after: `24h`; `0s` is at once.
    pub overlap: String,
}

/// How to sign in, checked.
pub enum AuthInput {
    /// With an API token.
    ApiToken(SecretString),
    /// With a signed key.
    PrivateKeyJwt {
        /// The OAuth client.
        client_id: Option<String>,
        /// The key that was pasted; absent: one that is hosted here.
        pasted: Option<Pasted>,
        /// The scopes to ask for; absent: what the app grants.
        scopes: Option<BTreeSet<String>>,
    },
    /// With a user's sign-in to a web app.
    AuthorizationCode {
        /// The OAuth client.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
        /// The scopes to ask for; absent: everything that can be read.
        scopes: Option<BTreeSet<String>>,
    },
}

/// Sign in with an API token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiToken {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "api_token"))]
    _type: String,
    /// The token as Okta showed it.
    token: String,
}

/// Sign in with OAuth client credentials and a signed key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrivateKeyJwt {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "private_key_jwt"))]
    _type: String,
    /// The app's Client ID.
    #[serde(default)]
    client_id: Option<String>,
    /// PEM or a JWK; absent: a key that is made and hosted here.
    #[serde(default)]
    private_key: Option<Value>,
    /// The `kid` of a key in PEM.
    #[serde(default)]
    key_id: Option<String>,
    /// The scopes to ask for; absent: what the app grants.
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

/// Sign in by a user's sign-in to a web app.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationCode {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "authorization_code"))]
    _type: String,
    /// The web app's Client ID.
    client_id: String,
    /// Its secret.
    client_secret: String,
    /// The scopes to ask for; absent: everything that can be read.
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

/// What stands in for a way to sign in that cannot be read: nothing is wrong with it.
fn any_auth() -> Value {
    json!({"type": "private_key_jwt"})
}

impl NewConnection {
    /// As much of it as can be read, and what is wrong with the rest.
    pub fn read(body: &Value) -> (Option<Self>, Vec<Fault>) {
        schema::salvage(body, "", &[("name", json!("name")), ("auth", any_auth())])
    }

    /// The configured part.
    pub fn settings(&self) -> Settings {
        Settings {
            name: self.name.clone(),
            teams: self.teams.clone(),
            permissions: self.permissions.clone(),
            sync: self.sync.clone(),
            attributes: self.attributes.clone(),
            paused: false,
        }
    }

    /// How to sign in.
    pub fn auth(&self) -> Result<AuthInput, Vec<Fault>> {
        parse_auth(&self.auth)
    }
}

impl ChangeAuth {
    /// As much of it as can be read, and what is wrong with the rest.
    pub fn read(body: &Value) -> (Option<Self>, Vec<Fault>) {
        schema::salvage(body, "", &[("auth", any_auth())])
    }

    /// How to sign in.
    pub fn auth(&self) -> Result<AuthInput, Vec<Fault>> {
        parse_auth(&self.auth)
    }
}

impl From<Vec<Fault>> for Problem {
    fn from(faults: Vec<Fault>) -> Self {
        Self::invalid(&faults)
    }
}

fn parse_auth(auth: &Map<String, Value>) -> Result<AuthInput, Vec<Fault>> {
    let value = Value::Object(auth.clone());
    match auth.get("type").and_then(Value::as_str) {
        Some("api_token") => parse_api_token(value),
        Some("private_key_jwt") => {
            let (input, faults) = schema::salvage(&value, "/auth", &[]);
            match input {
                Some(input) => parse_private_key_jwt(input, faults),
                None => Err(faults),
            }
        }
        Some("authorization_code") => {
            let stand_ins = [("client_id", json!("0oa1")), ("client_secret", json!("s"))];
            let (input, faults) = schema::salvage(&value, "/auth", &stand_ins);
            match input {
                Some(input) => parse_authorization_code(input, faults),
                None => Err(faults),
            }
        }
        _ => Err(vec![Fault::new("/auth/type", "must be api_token, private_key_jwt or authorization_code")]),
    }
}

fn parse_api_token(mut value: Value) -> Result<AuthInput, Vec<Fault>> {
    // A JWK may come as an object. As text, it is named for what it is.
    if let Some(token) = value.get_mut("token").filter(|token| token.is_object()) {
        *token = token.to_string().into();
    }
    let (input, mut faults) = schema::salvage::<ApiToken>(&value, "/auth", &[("token", json!("00"))]);
    match input.map(|input| Pasted::api_token(&input.token)) {
        Some(Ok(token)) if faults.is_empty() => return Ok(AuthInput::ApiToken(token)),
        Some(Err(wrong)) => faults.push(Fault::new("/auth/token", wrong.to_string())),
        Some(Ok(_)) | None => {}
    }
    Err(faults)
}

fn parse_private_key_jwt(input: PrivateKeyJwt, mut faults: Vec<Fault>) -> Result<AuthInput, Vec<Fault>> {
    let client_id = input.client_id;
    faults.extend(client_id.as_deref().and_then(client_id_fault));
    let key_id = input.key_id.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
    let pasted = match input.private_key.as_ref().filter(|key| !key.is_null()).map(SigningKey::paste).transpose() {
        Ok(Some(pasted)) => match (key_id, &pasted.key_id) {
            (Some(given), Some(own)) if given != *own => {
                faults.push(Fault::new("/auth/key_id", "must be the kid of the JWK, or be left out"));
                Some(pasted)
            }
            (given, own) => Some(Pasted { key_id: given.or(own.clone()), key: pasted.key }),
        },
        Ok(None) => {
            if key_id.is_some() {
                faults.push(Fault::new("/auth/key_id", "belongs to a private_key; a hosted key has its own"));
            }
            None
        }
        Err(wrong) => {
            faults.push(Fault::new("/auth/private_key", wrong.to_string()));
            None
        }
    };
    let scopes = input.scopes.map(|scopes| scopes.into_iter().collect::<BTreeSet<_>>());
    let is_scope = |scope: &String| {
        scope.starts_with("okta.") && is_header_text(scope) && scope.rsplit('.').next() != Some("self")
    };
    if scopes.as_ref().is_some_and(|scopes| scopes.is_empty() || !scopes.iter().all(is_scope)) {
        faults.push(Fault::new(
            "/auth/scopes",
            "must be Okta API scopes, as in okta.users.read; leave it out for whatever the app grants",
        ));
    }
    if faults.is_empty() { Ok(AuthInput::PrivateKeyJwt { client_id, pasted, scopes }) } else { Err(faults) }
}

fn parse_authorization_code(input: AuthorizationCode, mut faults: Vec<Fault>) -> Result<AuthInput, Vec<Fault>> {
    faults.extend(client_id_fault(&input.client_id));
    if !is_header_text(&input.client_secret) {
        faults.push(Fault::new("/auth/client_secret", "must be the app's client secret as Okta showed it"));
    }
    let scopes = input.scopes.map(|scopes| scopes.into_iter().collect::<BTreeSet<_>>());
    let is_scope = |scope: &String| is_header_text(scope) && (scope.starts_with("okta.") || !scope.contains('.'));
    if scopes.as_ref().is_some_and(|scopes| scopes.is_empty() || !scopes.iter().all(is_scope)) {
        faults.push(Fault::new(
            "/auth/scopes",
            "must be scopes of Okta's API or of OpenID Connect, as in okta.users.read; leave it out for all that read",
        ));
    }
    let AuthorizationCode { client_id, client_secret, .. } = input;
    let client_secret = client_secret.into();
    if faults.is_empty() { Ok(AuthInput::AuthorizationCode { client_id, client_secret, scopes }) } else { Err(faults) }
}

fn client_id_fault(id: &str) -> Option<Fault> {
    let bad = crate::okta::ClientId::parse(id).is_err();
    bad.then(|| Fault::new("/auth/client_id", "must be the app's Client ID, as in 0oa1b2c3d4e5f6g7h8i9"))
}

/// True for what can stand in a header or a form without spaces.
fn is_header_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= 1_024 && text.bytes().all(|b| b.is_ascii_graphic())
}

/// What a merge patch may name.
pub const PATCHED: [&str; 6] = ["name", "teams", "permissions", "sync", "attributes", "paused"];

/// The settings after a merge patch (RFC 7396). A null in `sync` or `attributes` stays a null, since it means "off" there;
/// elsewhere it means the documented value.
pub fn merge_patch(current: &Settings, patch: &Value) -> Result<Settings, Vec<Fault>> {
    let Value::Object(patch) = patch else { return Err(vec![Fault::new("", "must be an object")]) };
    let unknown = patch.keys().filter(|key| !PATCHED.contains(&key.as_str()));
    let mut faults: Vec<_> = unknown.map(|key| Fault::new(format!("/{key}"), "cannot be changed here")).collect();
    let mut merged = serde_json::to_value(current).unwrap_or_default();
    for (key, value) in patch {
        merged[key] = match (key.as_str(), value) {
            ("teams", Value::Null) => json!([]),
            ("paused", Value::Null) => json!(false),
            ("permissions" | "attributes", Value::Null) => {
                // Absent means the documented value.
                if let Value::Object(merged) = &mut merged {
                    merged.remove(key);
                }
                continue;
            }
            ("sync" | "attributes" | "permissions", Value::Object(new)) => {
                let mut members = merged[key].as_object().cloned().unwrap_or_default();
                members.extend(new.clone());
                Value::Object(members)
            }
            _ => value.clone(),
        };
    }
    let (settings, more) = schema::salvage::<Settings>(&merged, "", &[("name", json!("name"))]);
    faults.extend(more);
    faults.extend(settings.iter().flat_map(Settings::faults));
    settings.filter(|_| faults.is_empty()).ok_or(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(result: Result<AuthInput, Vec<Fault>>) -> Vec<String> {
        result.err().unwrap_or_default().into_iter().map(|fault| fault.pointer).collect()
    }

    fn auth(value: &Value) -> Result<AuthInput, Vec<Fault>> {
        parse_auth(value.as_object().expect("an object"))
    }

    #[test]
    fn every_fault_of_an_auth_is_told_with_its_place() {
        for (value, expected) in [
            (json!({}), vec!["/auth/type"]),
            (json!({"type": "magic"}), vec!["/auth/type"]),
            (json!({"type": "api_token"}), vec!["/auth/token"]),
            (json!({"type": "api_token", "token": "a b"}), vec!["/auth/token"]),
            (json!({"type": "api_token", "token": "x", "extra": 1}), vec!["/auth/extra"]),
            (json!({"type": "api_token", "token": "a b", "extra": 1}), vec!["/auth/extra", "/auth/token"]),
            (json!({"type": "api_token", "token": {"kty": "RSA"}}), vec!["/auth/token"]),
            (
                json!({"type": "private_key_jwt", "client_id": "a/b", "private_key": "nope", "scopes": []}),
                vec!["/auth/client_id", "/auth/private_key", "/auth/scopes"],
            ),
            (json!({"type": "private_key_jwt", "key_id": "k"}), vec!["/auth/key_id"]),
            (json!({"type": "authorization_code"}), vec!["/auth/client_id", "/auth/client_secret"]),
            (
                json!({"type": "authorization_code", "client_id": "a/b", "client_secret": "a b", "scopes": ["x.y"]}),
                vec!["/auth/client_id", "/auth/client_secret", "/auth/scopes"],
            ),
        ] {
            assert_eq!(pointers(auth(&value)), expected, "{value}");
        }
        assert!(auth(&json!({"type": "private_key_jwt"})).is_ok());
    }

    #[test]
    fn a_fault_never_repeats_a_secret() {
        for secret in [json!(["canary"]), json!({"kty": "canary"}), json!("canary canary"), json!("/home/canary")] {
            for value in [
                json!({"type": "api_token", "token": secret}),
                json!({"type": "private_key_jwt", "private_key": secret}),
            ] {
                let faults = auth(&value).err().unwrap_or_default();
                assert!(!faults.is_empty() && !format!("{faults:?}").contains("canary"), "{value}");
            }
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test compares the token")]
    fn what_surrounds_a_pasted_token_is_removed() {
        let value = json!({"type": "api_token", "token": "\u{feff}\"SSWS 00token\"\r\n"});
        let Ok(AuthInput::ApiToken(token)) = auth(&value) else { panic!("a token") };
        assert_eq!(secrecy::ExposeSecret::expose_secret(&token), "00token");
    }

    #[test]
    fn a_patch_merges_and_null_switches_off() {
        let current: Settings = serde_json::from_value(json!({"name": "Acme", "teams": ["a"]})).expect("settings");
        let patched = |patch| merge_patch(&current, &patch);
        let sync = patched(json!({"sync": {"full": null}})).expect("settings").sync.expect("a sync");
        assert_eq!((sync.full, sync.incremental.as_deref()), (None, Some("rate(15 minutes)")));
        assert_eq!(patched(json!({"sync": null})).expect("settings").sync, None);
        assert_eq!(patched(json!({"teams": null})).expect("settings").teams, Vec::<String>::new());
        assert_eq!(
            patched(json!({"name": "B"})).map(|it| (it.name, it.teams)),
            Ok(("B".to_owned(), vec!["a".to_owned()]))
        );
        for (patch, pointer) in [
            (json!({"domain": "x"}), "/domain"),
            (json!({"name": null}), "/name"),
            (json!({"sync": {"fast": true}}), "/sync/fast"),
            (json!({"paused": "yes"}), "/paused"),
        ] {
            let faults = patched(patch).expect_err("a fault");
            assert_eq!(faults.first().map(|fault| fault.pointer.as_str()), Some(pointer));
        }
    }
}
