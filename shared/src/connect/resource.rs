//! A connection as callers see it: never a secret.

use super::Outcome;
use crate::connection::{
    Attributes, AuthType, Connection, HostedKey, KeySource, KeyState, Permissions, Status, SyncSettings,
};
use crate::diagnosis::Check;
use crate::id::{ConnectionId, SyncId};
use crate::synced::{LastSync, State};
use crate::triggers::Live;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// A connection.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Connection")]
pub struct Resource {
    /// Its id.
    pub id: ConnectionId,
    /// A name for people.
    pub name: String,
    /// The host that is spoken to.
    pub domain: Option<String>,
    /// Okta's id of the organization.
    pub org_id: Option<String>,
    /// `oie` or `classic`.
    pub engine: Option<String>,
    /// Whether it can be used.
    pub status: Status,
    /// Why it has this status.
    pub status_reason: Option<String>,
    /// No schedules, no actions, no syncs.
    pub paused: bool,
    /// How it signs in.
    pub auth: Auth,
    /// How it will sign in once a user agrees.
    pub staged_auth: Option<StagedAuth>,
    /// What to paste into the Okta app, where the key is hosted here.
    pub public_key_url: Option<String>,
    /// What to enter in the Okta app as its sign-in redirect URI, for sign-in by authorization code.
    pub redirect_uri: String,
    /// The keys behind the public key URL.
    pub keys: Vec<PublishedKey>,
    /// Who may use it beside the admins.
    pub teams: Vec<String>,
    /// What may be done with it.
    pub permissions: Permissions,
    /// What is synced and when; null: nothing by itself.
    pub sync: Option<SyncSettings>,
    /// Whether the directory follows changes as they happen.
    pub live: Live,
    /// Which profile attributes mean what.
    pub attributes: Attributes,
    /// How many there are in the directory.
    pub counts: DirectoryCounts,
    /// The last sync that ended.
    pub last_sync: Option<LastSync>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its configuration last changed.
    pub updated_at: Timestamp,
    /// When it was last tested.
    pub tested_at: Option<Timestamp>,
    /// Counts configuration changes; also the `ETag`.
    pub version: u64,
}

/// How a connection signs in.
#[derive(Serialize, JsonSchema)]
pub struct Auth {
    /// Which way.
    #[serde(rename = "type")]
    pub kind: AuthType,
    /// The OAuth client.
    pub client_id: Option<String>,
    /// The `kid` that signs now.
    pub key_id: Option<String>,
    /// Where the key came from.
    pub key_source: Option<KeySource>,
    /// Whether tokens are bound to a key (DPoP); null before the first token.
    pub dpop: Option<bool>,
    /// The scopes that were granted when it was last verified.
    pub scopes: BTreeSet<String>,
}

/// How a connection will sign in.
#[derive(Serialize, JsonSchema)]
pub struct StagedAuth {
    /// Which way.
    #[serde(rename = "type")]
    pub kind: AuthType,
    /// The OAuth client.
    pub client_id: String,
}

/// A key behind a public key URL.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub struct PublishedKey {
    /// Its `kid`.
    pub key_id: String,
    /// What it is for now.
    pub state: KeyState,
    /// From when it signs, until a later key does.
    pub signs_from: Timestamp,
    /// From when it is no longer published.
    pub unpublished_at: Option<Timestamp>,
}

/// How many there are in the directory, as of the last sync that succeeded.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Counts")]
pub struct DirectoryCounts {
    /// Users of all statuses.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Applications.
    pub apps: u64,
    /// Locations.
    pub locations: u64,
}

/// A connection and what happened to it.
#[derive(Serialize, JsonSchema)]
pub struct SetUp {
    /// The connection as it now is.
    #[serde(flatten)]
    pub connection: Resource,
    /// What happened, for people.
    pub message: &'static str,
    /// What was checked.
    pub checks: Vec<Check>,
    /// The first sync, if it was started by this.
    pub sync_id: Option<SyncId>,
}

/// A key that was published just now.
#[derive(Serialize, JsonSchema)]
pub struct RotatedKey {
    /// The new key.
    #[serde(flatten)]
    pub key: PublishedKey,
    /// All keys that are published.
    pub keys: Vec<PublishedKey>,
}

impl Resource {
    /// Of a connection at a moment.
    pub fn new(connection: Connection, state: State, live: Live, public_url: &str, now: Timestamp) -> Self {
        let key_id = connection.signing_key_id(now).map(str::to_owned);
        let (auth, settings, counts) = (connection.auth, connection.settings, state.counts);
        let hosted = auth.key_source == Some(KeySource::Hosted) || !connection.keys.is_empty();
        let staged = |client_id| StagedAuth { kind: AuthType::AuthorizationCode, client_id };
        Self {
            public_key_url: hosted.then(|| format!("{public_url}/v1/connections/{}/jwks.json", connection.id)),
            redirect_uri: format!("{public_url}/v1/oauth/callback"),
            id: connection.id,
            name: settings.name,
            domain: connection.domain,
            org_id: connection.org_id,
            engine: connection.engine,
            status: connection.status,
            status_reason: connection.status_reason,
            paused: settings.paused,
            auth: Auth {
                kind: auth.auth_type,
                client_id: auth.client_id,
                key_id,
                key_source: auth.key_source,
                dpop: auth.dpop,
                scopes: auth.scopes,
            },
            staged_auth: connection.staged.map(|it| staged(it.client_id)),
            keys: PublishedKey::all(&connection.keys, now),
            teams: settings.teams,
            permissions: settings.permissions,
            sync: settings.sync,
            live,
            attributes: settings.attributes,
            counts: DirectoryCounts {
                users: counts.users,
                groups: counts.groups,
                apps: counts.apps,
                locations: counts.locations,
            },
            last_sync: state.last,
            created_at: connection.created_at,
            updated_at: connection.updated_at,
            tested_at: connection.tested_at,
            version: connection.version,
        }
    }

    /// With what happened to it.
    pub fn set_up(self, outcome: &Outcome) -> SetUp {
        let Outcome { message, checks, sync_id, .. } = outcome;
        let (message, checks, sync_id) = (*message, checks.clone(), sync_id.clone());
        SetUp { connection: self, message, checks, sync_id }
    }
}

impl PublishedKey {
    /// Of a key among all of its connection; `None` once it is no longer published.
    pub fn new(key: &HostedKey, all: &[HostedKey], now: Timestamp) -> Option<Self> {
        let state = key.state(all, now)?;
        let HostedKey { key_id, signs_from, unpublished_at, .. } = key.clone();
        Some(Self { key_id, state, signs_from, unpublished_at })
    }

    /// Those of all keys of a connection that are published.
    pub fn all(keys: &[HostedKey], now: Timestamp) -> Vec<Self> {
        keys.iter().filter_map(|key| Self::new(key, keys, now)).collect()
    }
}
