//! A connection: one Okta tenant, how to sign in to it, who may use it and what is kept of it.

mod actions;
mod credentials;
mod hosted_key;
mod refresh;
mod repository;
mod sealed;
mod settings;

pub use actions::{ACTIONS, CREDENTIALS, Effect, WORDS};
pub use credentials::{Credentials, session};
pub use hosted_key::{HostedKey, KeyState, rotate};
pub use refresh::StoredToken;
pub use repository::{Pages, Stored, change, delete, list, load, pages, revise, save};
pub use settings::{Attributes, Fault, Permissions, Settings, Stream, SyncSettings, is_team};

use crate::id::ConnectionId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Whether a connection can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Status {
    /// Something is still missing: the domain, the client id, or a first successful sign-in.
    Pending,
    /// It was tested and works.
    Active,
    /// It was tested and does not work; it is still tried.
    Inactive,
}

/// The three ways to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthType {
    /// An Okta API token.
    ApiToken,
    /// OAuth client credentials with a signed key.
    PrivateKeyJwt,
    /// A user's sign-in to a web app.
    AuthorizationCode,
}

/// Where the private key came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// Made here; Okta fetches its public half from the public key URL.
    Hosted,
    /// Pasted by the caller.
    Supplied,
}

/// How a connection signs in, without any secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// Which way.
    pub auth_type: AuthType,
    /// The OAuth client.
    pub client_id: Option<String>,
    /// The `kid` of a supplied key; a hosted key's is in the list of keys.
    pub key_id: Option<String>,
    /// Where the key came from.
    pub key_source: Option<KeySource>,
    /// Whether tokens are bound to a key; not known before the first one.
    pub dpop: Option<bool>,
    /// The scopes the caller named; absent: whatever the app grants.
    pub requested_scopes: Option<BTreeSet<String>>,
    /// The scopes that were granted when it was last verified.
    pub scopes: BTreeSet<String>,
    /// The keys that have signed in with success: it tells a revoked key from one that Okta never fetched.
    pub proved_keys: BTreeSet<String>,
    /// The user's sign-in that access tokens come from; each has a name of its own. None: nobody has signed in yet.
    #[serde(default)]
    pub sign_in: Option<String>,
}

/// A web app that takes effect once a user has signed in to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Tells it from another one that was staged before.
    pub name: String,
    /// The tenant; absent: the connection's.
    pub domain: Option<String>,
    /// The OAuth client.
    pub client_id: String,
    /// The scopes the caller named.
    pub requested_scopes: Option<BTreeSet<String>>,
}

/// A connection as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The host that is spoken to.
    pub domain: Option<String>,
    /// The organization that was found there first; credentials of another are refused.
    pub org_id: Option<String>,
    /// `oie` or `classic`.
    pub engine: Option<String>,
    /// Whether it can be used.
    pub status: Status,
    /// Why it has this status.
    pub status_reason: Option<String>,
    /// How it signs in.
    pub auth: Auth,
    /// How it will sign in once a user agrees.
    #[serde(default)]
    pub staged: Option<Staged>,
    /// The keys behind its public key URL.
    pub keys: Vec<HostedKey>,
    /// Which version of its secret holds what `auth` needs.
    pub secret_version: Option<String>,
    /// What its owner configured.
    #[serde(flatten)]
    pub settings: Settings,
    /// Whether its first full sync was started.
    pub first_sync_started: bool,
    /// Whether another organization answered at its domain when it was last tested.
    #[serde(default)]
    pub is_elsewhere: bool,
    /// When its schedules last changed, if they ever did; paused ones count as none.
    #[serde(default)]
    pub scheduled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its configuration last changed.
    pub updated_at: Timestamp,
    /// When it was last tested.
    pub tested_at: Option<Timestamp>,
    /// Counts configuration changes.
    pub version: u64,
}

impl Connection {
    /// A new one, not yet signed in.
    pub fn pending(id: ConnectionId, auth: Auth, settings: Settings, now: Timestamp) -> Self {
        Self {
            id,
            domain: None,
            org_id: None,
            engine: None,
            status: Status::Pending,
            status_reason: None,
            auth,
            staged: None,
            keys: Vec::new(),
            secret_version: None,
            settings,
            first_sync_started: false,
            is_elsewhere: false,
            scheduled_at: None,
            created_at: now,
            updated_at: now,
            tested_at: None,
            version: 1,
        }
    }

    /// True where it has signed in and can do so again.
    pub fn is_ready(&self) -> bool {
        self.status != Status::Pending && !self.is_elsewhere && self.is_complete()
    }

    /// True where its schedules count.
    pub fn is_scheduled(&self) -> bool {
        self.is_ready() && !self.settings.paused
    }

    /// True where nothing more has to be told before it can sign in.
    pub fn is_complete(&self) -> bool {
        let known = match self.auth.auth_type {
            AuthType::ApiToken => true,
            AuthType::PrivateKeyJwt => self.auth.client_id.is_some(),
            AuthType::AuthorizationCode => self.auth.sign_in.is_some(),
        };
        self.domain.is_some() && known && self.secret_version.is_some()
    }

    /// The `kid` that signs now.
    pub fn signing_key_id(&self, now: Timestamp) -> Option<&str> {
        match self.auth.key_source {
            Some(KeySource::Hosted) => self
                .keys
                .iter()
                .find(|key| key.state(&self.keys, now) == Some(KeyState::Signing))
                .map(|key| key.key_id.as_str()),
            Some(KeySource::Supplied) => self.auth.key_id.as_deref(),
            None => None,
        }
    }

    /// Marks a change of configuration.
    pub fn touch(&mut self, now: Timestamp) {
        self.version += 1;
        self.updated_at = now;
    }
}

impl Auth {
    /// A way to sign in of which nothing is known yet.
    pub fn new(auth_type: AuthType) -> Self {
        Self {
            auth_type,
            client_id: None,
            key_id: None,
            key_source: None,
            dpop: None,
            requested_scopes: None,
            scopes: BTreeSet::new(),
            proved_keys: BTreeSet::new(),
            sign_in: None,
        }
    }
}

#[cfg(test)]
impl Connection {
    /// One that is set up, with these settings beside a name, for tests.
    pub(crate) fn set_up(mut settings: serde_json::Value, created_at: Timestamp) -> Self {
        settings["name"] = "Acme".into();
        let settings = serde_json::from_value(settings).expect("settings");
        let mut connection = Self::pending(ConnectionId::random(), Auth::new(AuthType::ApiToken), settings, created_at);
        (connection.status, connection.domain) = (Status::Active, Some("acme.okta.com".to_owned()));
        connection.secret_version = Some("1".to_owned());
        connection
    }
}
