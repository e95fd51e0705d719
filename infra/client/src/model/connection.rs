//! Connections, and what came of setting one up or testing it.

use serde::{Deserialize, Serialize};

/// A connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connection {
    /// Its id.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// The host that is spoken to.
    pub domain: Option<String>,
    /// Okta's id of the organization.
    pub org_id: Option<String>,
    /// `oie` or `classic`.
    pub engine: Option<String>,
    /// Whether it can be used.
    pub status: String,
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
    pub keys: Vec<Key>,
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
    pub counts: Counts,
    /// The last sync that ended.
    pub last_sync: Option<LastSync>,
    /// When it was made.
    pub created_at: String,
    /// When its configuration last changed.
    pub updated_at: String,
    /// When it was last tested.
    pub tested_at: Option<String>,
    /// Counts configuration changes; also the `ETag`.
    pub version: u64,
}

/// How a connection signs in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// Which way.
    #[serde(rename = "type")]
    pub kind: String,
    /// The OAuth client.
    pub client_id: Option<String>,
    /// The `kid` that signs now.
    pub key_id: Option<String>,
    /// Where the key came from.
    pub key_source: Option<String>,
    /// Whether tokens are bound to a key (DPoP); null before the first token.
    pub dpop: Option<bool>,
    /// The scopes that were granted when it was last verified.
    pub scopes: Vec<String>,
}

/// How a connection will sign in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StagedAuth {
    /// Which way.
    #[serde(rename = "type")]
    pub kind: String,
    /// The OAuth client.
    pub client_id: String,
}

/// A key behind a public key URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Key {
    /// Its `kid`.
    pub key_id: String,
    /// What it is for now.
    pub state: String,
    /// From when it signs, until a later key does.
    pub signs_from: String,
    /// From when it is no longer published.
    pub unpublished_at: Option<String>,
}

/// Which actions are allowed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Permissions {
    /// Names of actions, or words: read, write, destructive, credentials, all. Left out: read.
    pub actions: Vec<String>,
}

/// What is synced and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncSettings {
    /// When everything is read; null: never by itself.
    pub full: Option<String>,
    /// When changes are read; null: never by itself.
    pub incremental: Option<String>,
    /// When everything is read and nothing is taken for unchanged; null: never by itself.
    pub verify: Option<String>,
    /// The time zone of the schedules.
    pub timezone: String,
    /// What is read.
    pub streams: Vec<String>,
    /// Whether changes in Okta are read as they happen.
    pub live: bool,
}

/// Whether the directory follows Okta as it changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Live {
    /// `off`, `active` or `failing`.
    pub status: String,
    /// Why it does not, although it should.
    pub status_reason: Option<String>,
    /// From where it hears of changes.
    pub source: Option<String>,
    /// When the last event that it heard of happened.
    pub last_event_at: Option<String>,
}

/// Which profile attributes mean what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attributes {
    /// What a location is made of.
    pub location: Vec<String>,
    /// What names a person's manager: an Okta id, login, email or employee number.
    pub manager: Option<String>,
    /// A person's first day.
    pub start_date: Option<String>,
}

/// How many there are in the directory, as of the last sync that succeeded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Users of all statuses.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Applications.
    pub apps: u64,
    /// Locations.
    pub locations: u64,
}

/// A run that ended, in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastSync {
    /// Which.
    pub id: String,
    /// How it read.
    pub mode: String,
    /// How it ended.
    pub status: String,
    /// When it ended.
    pub finished_at: String,
}

/// A connection and what happened to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SetUp {
    /// The connection as it now is.
    #[serde(flatten)]
    pub connection: Connection,
    /// In one sentence.
    pub message: String,
    /// What the verification found.
    pub checks: Vec<Check>,
    /// The first sync, where one was started.
    pub sync_id: Option<String>,
}

/// One line of a test's report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Check {
    /// What was checked.
    pub capability: String,
    /// The same in the product's words.
    pub title: String,
    /// How it came out.
    pub status: String,
    /// What was found.
    pub finding: Option<String>,
    /// What was seen.
    pub detail: String,
    /// What to do about it.
    pub fix: Option<String>,
    /// The scopes it needs.
    pub scopes: Vec<String>,
    /// Okta's own code.
    pub okta_error_code: Option<String>,
}

/// What a test found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestReport {
    /// The connection's status as it now is.
    pub status: String,
    /// In one sentence.
    pub message: String,
    /// When it was tested.
    pub tested_at: Option<String>,
    /// In detail.
    pub checks: Vec<Check>,
}

/// A link by which a user agrees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Invited {
    /// Okta's page, to open in the user's browser. It is told once.
    pub authorize_url: String,
    /// Until when the user must have agreed.
    pub expires_at: String,
}

/// Somebody who is known. Without one in the request's extensions there is no caller, and never an admin by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Caller {
    /// Who.
    pub subject: String,
    /// Their teams.
    pub teams: Vec<String>,
    /// Whether they set up integrations.
    pub admin: bool,
}

impl Check {
    /// True where something was found that is to be mended; what could not be found out is not.
    pub fn is_bad(&self) -> bool {
        matches!(self.status.as_str(), "failed" | "degraded")
    }
}
