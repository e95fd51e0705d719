//! The apps callers sign in as, and the API token, as an administrator has set them up.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use crate::log::Party;
use crate::random::Random;
use crate::role::Role;
use crate::{Config, Credentials, Dpop};

/// What becomes of a refresh token that is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// It is replaced, and works for half a minute more.
    Rotate,
    /// It stays.
    Static,
}

/// What a new service app is granted.
const SCOPES: &[&str] = &[
    "okta.users.read",
    "okta.users.manage",
    "okta.groups.read",
    "okta.groups.manage",
    "okta.apps.read",
    "okta.apps.manage",
    "okta.logs.read",
    "okta.schemas.read",
    "okta.userTypes.read",
    "okta.orgs.read",
    "okta.linkedObjects.read",
    "okta.roles.read",
    "okta.eventHooks.read",
    "okta.eventHooks.manage",
];

impl Credentials {
    /// The credentials of a seed; they outlive a reset of the tenant.
    pub(crate) fn new(seed: u64) -> Credentials {
        let mut random = Random::new(seed, "credentials");
        Credentials {
            api_token: format!("00{}", random.text(40)),
            client_id: format!("0oa{}5d7", random.text(14)),
            web_client_id: format!("0oa{}5d7", random.text(14)),
            client_secret: random.text(64),
        }
    }
}

/// The service app, the web app and the API token.
#[derive(Debug)]
pub struct ServiceApp {
    /// Client ids, secret and API token.
    pub credentials: Credentials,
    /// Where the app's public keys are fetched.
    pub jwks_uri: Option<String>,
    /// The app's public keys, kept by Okta.
    pub jwks: Option<Value>,
    /// Whether access tokens are bound to a key of the caller's.
    pub dpop: Dpop,
    /// The scopes granted to both apps.
    pub scopes: Vec<String>,
    /// The app's administrator role.
    pub role: Option<Role>,
    /// The role of the administrator who made the API token.
    pub api_token_role: Option<Role>,
    /// Whether the API token is valid.
    pub api_token_active: bool,
    /// The role of whoever signs in to the web app.
    pub web_role: Option<Role>,
    /// What becomes of the web app's refresh tokens.
    pub refresh_rotation: Rotation,
    redirect_uris: Vec<String>,
}

impl ServiceApp {
    /// A new app: no keys yet, every scope, super administrator.
    pub fn new(config: &Config) -> ServiceApp {
        ServiceApp {
            credentials: Credentials::new(config.seed),
            jwks_uri: None,
            jwks: None,
            dpop: config.dpop,
            scopes: SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
            role: Some(Role::SuperAdmin),
            api_token_role: Some(Role::SuperAdmin),
            api_token_active: true,
            web_role: Some(Role::SuperAdmin),
            refresh_rotation: Rotation::Rotate,
            redirect_uris: Vec::new(),
        }
    }

    /// A client as actor and as target of an event.
    pub fn party(client: &str) -> Party {
        Party { id: client.into(), kind: "PublicClientApp", alternate: client.into(), name: "Service app".into() }
    }

    /// Whether the web app's users may be sent to this URL: exactly one of those registered.
    pub fn is_registered(&self, redirect_uri: &str) -> bool {
        self.redirect_uris.iter().any(|known| known == redirect_uri)
    }

    /// The apps as the operator sees them.
    pub fn json(&self) -> Value {
        json!({
            "client_id": self.credentials.client_id,
            "jwks_uri": self.jwks_uri,
            "jwks": self.jwks,
            "dpop": self.dpop,
            "scopes": self.scopes,
            "role": self.role,
            "redirect_uris": self.redirect_uris,
            "api_token_role": self.api_token_role,
            "api_token_active": self.api_token_active,
            "web_role": self.web_role,
            "refresh_rotation": self.refresh_rotation,
        })
    }

    /// Changes some settings, all or none of them; the error says which does not fit.
    pub fn patch(&mut self, patch: Map<String, Value>) -> Result<(), String> {
        let mut next = ServiceApp {
            credentials: self.credentials.clone(),
            jwks_uri: self.jwks_uri.clone(),
            jwks: self.jwks.clone(),
            scopes: self.scopes.clone(),
            redirect_uris: self.redirect_uris.clone(),
            ..*self
        };
        for (name, value) in patch {
            let known = next.set(&name, value);
            known.map_err(|wanted| format!("{name}: {wanted}"))?;
        }
        *self = next;
        Ok(())
    }

    fn set(&mut self, name: &str, value: Value) -> Result<(), &'static str> {
        const URI: &str = "an https URL, an http URL of this machine, or null";
        const ROLE: &str = "an Okta role type such as READ_ONLY_ADMIN, or null";
        match name {
            "jwks_uri" => {
                let uri: Option<String> = parse(value).ok_or(URI)?;
                self.jwks_uri = if uri.as_deref().is_none_or(is_fetchable) { uri } else { return Err(URI) };
                self.jwks = self.jwks.take().filter(|_| self.jwks_uri.is_none());
            }
            "jwks" => {
                if !value.is_null() && !value["keys"].is_array() {
                    return Err("a JSON Web Key Set, or null");
                }
                self.jwks = Some(value).filter(|value| !value.is_null());
                self.jwks_uri = self.jwks_uri.take().filter(|_| self.jwks.is_none());
            }
            "dpop" => self.dpop = parse(value).ok_or("required, optional or off")?,
            "scopes" => self.scopes = parse(value).ok_or("a list of scopes")?,
            "role" => self.role = parse(value).ok_or(ROLE)?,
            "redirect_uris" => self.redirect_uris = parse(value).ok_or("a list of URLs")?,
            "api_token_role" => self.api_token_role = parse(value).ok_or(ROLE)?,
            "api_token_active" => self.api_token_active = parse(value).ok_or("true or false")?,
            "web_role" => self.web_role = parse(value).ok_or(ROLE)?,
            "refresh_rotation" => self.refresh_rotation = parse(value).ok_or("rotate or static")?,
            _ => return Err("unknown field"),
        }
        Ok(())
    }
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

/// Whether a URL may be called from here: https anywhere, http on this machine.
pub fn is_fetchable(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    let here = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(patch: &Value) -> Result<ServiceApp, String> {
        let mut app = ServiceApp::new(&Config::default());
        app.patch(patch.as_object().cloned().unwrap_or_default()).map(|()| app)
    }

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let app = patched(&json!({"jwks_uri": "http://127.0.0.1:1/jwks", "role": null, "dpop": "off"})).expect("fits");
        assert_eq!((app.role, app.dpop, app.api_token_active), (None, Dpop::Off, true));
        assert_eq!(app.json()["jwks_uri"], "http://127.0.0.1:1/jwks");
    }

    #[test]
    fn a_field_that_does_not_fit_is_named() {
        let cases = [
            json!({"jwks_uri": "http://example.com/jwks"}),
            json!({"jwks_uri": 7}),
            json!({"jwks": {"kty": "RSA"}}),
            json!({"dpop": "sometimes"}),
            json!({"role": "KING"}),
            json!({"scopes": "okta.users.read"}),
            json!({"refresh_rotation": "sometimes"}),
            json!({"client_id": "x"}),
        ];
        for patch in cases {
            let name = patch.as_object().and_then(|object| object.keys().next().cloned()).unwrap_or_default();
            assert!(patched(&patch).is_err_and(|message| message.starts_with(&name)));
        }
    }
}
