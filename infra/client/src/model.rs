//! What the API tells, as its description has it. Words of a closed list are text here: a newer deployment may have more.

use crate::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

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
    /// Names of actions, or words: read, write, destructive, credentials, all.
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

/// What a caller may know of an action.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// What it does, in a few words.
    pub title: String,
    /// What it does.
    pub description: String,
    /// What it does to the tenant.
    pub effect: String,
    /// The scopes it needs.
    pub scopes: Vec<String>,
    /// The JSON Schema of its input.
    pub input_schema: Value,
    /// The JSON Schema of its output.
    pub output_schema: Value,
}

/// What an action did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Performed {
    /// The action's name.
    pub action: String,
    /// What the action answers.
    pub output: Value,
    /// Okta's ids of all requests, in order.
    pub okta_request_ids: Vec<String>,
    /// How long it took.
    pub duration_ms: u64,
}

/// What an action would send.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rehearsed {
    /// The action's name.
    pub action: String,
    /// The requests that it is about, in order.
    pub would: Vec<Rehearsal>,
}

/// A request that would be sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rehearsal {
    /// The method.
    pub method: String,
    /// Path and query. References stand as given; what only a read tells is a `{placeholder}`.
    pub path: String,
    /// The body, secrets as `***`.
    pub body: Value,
}

/// A run as callers see it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sync {
    /// Its id.
    pub id: String,
    /// How much it reads.
    pub mode: String,
    /// What became of it.
    pub status: String,
    /// When it was asked for.
    pub started_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// What it is busy with; null once it is over.
    pub phase: Option<String>,
    /// What it has done in each phase.
    pub progress: BTreeMap<String, Progress>,
    /// Requests sent to Okta.
    pub requests: u64,
    /// Access tokens that were granted for it.
    pub tokens: u64,
    /// Seconds slept for limits.
    pub waited_seconds: u64,
    /// Until when it waits.
    pub next_wake: Option<String>,
    /// What it would remove once somebody confirms.
    pub pending_removals: Option<BTreeMap<String, u64>>,
    /// Why it failed.
    pub error: Option<Problem>,
    /// What was asked for, where that was something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_mode: Option<String>,
    /// What Okta did not let us read, and why: `scope_missing`, `role_missing` or `not_licensed`. What was stored of
    /// it stays as it was.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, String>,
}

/// What a run has done in a phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Read from Okta.
    pub seen: u64,
    /// Stored for the first time.
    pub added: u64,
    /// Stored again.
    pub changed: u64,
    /// Removed.
    pub removed: u64,
}

/// Something that would be removed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Removal {
    /// `user`, `group`, `app` or `membership`.
    pub kind: String,
    /// Okta's id; of a membership or an assignment, `<group or app>/<user>`.
    pub id: String,
    /// Its name; none of a membership or an assignment.
    pub name: Option<String>,
}

/// A person, as a list shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// Okta's id of the user.
    pub id: String,
    /// Display name, else first and last name, else login.
    pub name: String,
    /// The login.
    pub login: Option<String>,
    /// The email.
    pub email: Option<String>,
    /// The title.
    pub title: Option<String>,
    /// The department.
    pub department: Option<String>,
    /// The division.
    pub division: Option<String>,
    /// The cost centre.
    pub cost_center: Option<String>,
    /// The employee number.
    pub employee_number: Option<String>,
    /// The profile's `userType`.
    pub user_type: Option<String>,
    /// The user's status: one of Okta's.
    pub status: String,
    /// Where the person works, where it is known.
    pub location: Option<Named>,
    /// The manager, where it is one of the people.
    pub manager: Option<Named>,
    /// Direct reports.
    pub reports_count: u64,
    /// The profile's attributes that are not Okta's own.
    pub custom: BTreeMap<String, Value>,
}

/// A person with everything around them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonInFull {
    /// What lists show.
    #[serde(flatten)]
    pub person: Person,
    /// Okta's profile, verbatim.
    pub profile: BTreeMap<String, Value>,
    /// The managers above, nearest first.
    pub manager_chain: Vec<Named>,
    /// Reports, direct and below.
    pub all_reports_count: u64,
    /// Direct reports.
    pub reports: Shown,
    /// Groups.
    pub groups: Shown,
    /// Applications.
    pub apps: ShownApps,
}

/// Something by its id and name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The first 200 of several, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// At most 200.
    pub items: Vec<Named>,
    /// All of them.
    pub total: u64,
}

/// An app by its id and label.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppLabel {
    /// Okta's id.
    pub id: String,
    /// The name people see.
    pub label: String,
}

/// The first 200 of several apps, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShownApps {
    /// At most 200.
    pub items: Vec<AppLabel>,
    /// All of them.
    pub total: u64,
}

/// A user as it is stored and told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// Okta's id.
    pub id: String,
    /// One of Okta's statuses.
    pub status: String,
    /// Its user type.
    #[serde(rename = "type")]
    pub kind: Option<TypeName>,
    /// Okta's profile, verbatim.
    pub profile: BTreeMap<String, Value>,
    /// When it was made.
    pub created: Option<String>,
    /// When it was last activated.
    pub activated: Option<String>,
    /// When its status last moved.
    pub status_changed: Option<String>,
    /// When it last signed in, as of the last stored change.
    pub last_login: Option<String>,
    /// When Okta last changed it, as of the last stored change.
    pub last_updated: Option<String>,
    /// When its password last changed, as of the last stored change.
    pub password_changed: Option<String>,
    /// When the tenant was seen without it.
    pub removed_at: Option<String>,
    /// When it was last stored.
    pub synced_at: String,
}

/// A user type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TypeName {
    /// `oty…`
    pub id: String,
    /// Its name, where it is known.
    pub name: Option<String>,
}

/// A group as it is stored and told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// Okta's id.
    pub id: String,
    /// `OKTA_GROUP`, `APP_GROUP` or `BUILT_IN`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// When it was made.
    pub created: Option<String>,
    /// When its profile last changed.
    pub last_updated: Option<String>,
    /// When its members last changed.
    pub last_membership_updated: Option<String>,
    /// How many members were found; none before they were first read.
    pub members_count: Option<u64>,
    /// When the tenant was seen without it.
    pub removed_at: Option<String>,
    /// When it was last stored.
    pub synced_at: String,
}

/// An app as it is stored and told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DirectoryApp {
    /// Okta's id.
    pub id: String,
    /// The name of the integration; several apps share it.
    pub name: Option<String>,
    /// The name people see.
    pub label: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: Option<String>,
    /// How people sign in to it.
    pub sign_on_mode: Option<String>,
    /// True for Okta's own, as its Admin Console.
    pub okta_owned: bool,
    /// When it was made.
    pub created: Option<String>,
    /// When it last changed; assigning a user does not count.
    pub last_updated: Option<String>,
    /// How many users were found assigned; none before they were first read.
    pub users_count: Option<u64>,
    /// How many groups were found assigned; none before they were first read.
    pub groups_count: Option<u64>,
    /// When its users and groups were last read whole.
    pub assignments_at: Option<String>,
    /// When the tenant was seen without it.
    pub removed_at: Option<String>,
    /// When it was last stored.
    pub synced_at: String,
}

/// A user who has an app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DirectoryAppUser {
    /// The user.
    pub user: UserLogin,
    /// Whether it was assigned to the user or to a group.
    pub scope: String,
    /// Of an assignment by a group: the user's groups that have the app.
    pub groups: Vec<Group>,
}

/// A user by id, login and name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserLogin {
    /// Okta's id.
    pub id: String,
    /// The login.
    pub login: String,
    /// Display name, else first and last name, else login.
    pub name: String,
}

/// A place where people work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Location {
    /// `loc_` and a hash of what makes it this place, whatever its spelling.
    pub id: String,
    /// Its parts, in the spelling that most people use.
    pub name: String,
    /// `streetAddress` of the profiles.
    pub street_address: Option<String>,
    /// `city` of the profiles.
    pub city: Option<String>,
    /// `state` of the profiles.
    pub state: Option<String>,
    /// `zipCode` of the profiles.
    pub postal_code: Option<String>,
    /// The country's alpha-2 code of ISO 3166-1; null where it is not told, or none of ISO's.
    pub country_code: Option<String>,
    /// How many people work there.
    pub people_count: u64,
}

/// Something that is wrong in the directory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DirectoryFinding {
    /// `manager_cycle`, `manager_dangling`, `manager_ambiguous` or `bad_record`.
    pub kind: String,
    /// Okta's id of the user, where it is known.
    pub user: Option<String>,
    /// What was found.
    pub detail: String,
}

/// A trigger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trigger {
    /// Its id.
    pub id: String,
    /// `event_hook`, `new_events` or `event_search`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A name for people.
    pub name: Option<String>,
    /// Whether anything fires it.
    pub enabled: bool,
    /// The time zone of a `cron(…)`.
    pub timezone: String,
    /// Where its events go.
    pub deliver: Vec<String>,
    /// Whether it works.
    pub status: String,
    /// Why not.
    pub status_reason: Option<String>,
    /// Where Okta delivers to.
    pub hook_url: Option<String>,
    /// Okta's id of the hook.
    pub okta_hook_id: Option<String>,
    /// Whether Okta has seen that the URL is ours; null where there is no hook.
    pub verified: Option<bool>,
    /// When the log was last read for it.
    pub last_run_at: Option<String>,
    /// When the newest event happened that fired it.
    pub last_event_at: Option<String>,
    /// How long after that the event was in the feed.
    pub lag_seconds: Option<i64>,
    /// When it was made.
    pub created_at: String,
    /// When its owner last changed it.
    pub updated_at: String,
    /// Okta's event types, of a hook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_types: Option<Vec<String>>,
    /// Which events, in Okta's filter language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// How far back the first run of a search looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookback: Option<String>,
    /// How many events of the connection's hooks the log told of and no hook has delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed_hooks: Option<u64>,
    /// When the log is polled or searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
}

/// An event as CloudEvents 1.0 describes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudEvent {
    /// `1.0`.
    pub specversion: String,
    /// Okta's uuid, or a hash that is the same for the same event.
    pub id: String,
    /// The trigger, or the directory.
    pub source: String,
    /// `com.okta.…` or `okta-connector.…`
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened.
    pub time: String,
    /// What it is about.
    pub subject: String,
    /// `application/json`.
    pub datacontenttype: String,
    /// What happened.
    pub data: Value,
}

/// A row, as it is kept and as it is told: never a credential, never a body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditRow {
    /// Its id.
    pub id: String,
    /// When the change was asked for.
    pub at: String,
    /// The connection that it belongs to.
    pub connection: Option<String>,
    /// Who asked.
    pub actor: Actor,
    /// What was asked for, as in `connection.update` or `user.suspend`.
    pub action: String,
    /// What was to be changed, as far as it is known.
    pub target: Option<AuditTarget>,
    /// What became of it.
    pub outcome: String,
    /// The problem that was answered, if one was.
    pub problem_type: Option<String>,
    /// The request that asked for it.
    pub request_id: String,
    /// Okta's ids of the requests that it took.
    pub okta_request_ids: Vec<String>,
    /// How long it took; none until it is settled.
    pub duration_ms: Option<u64>,
}

/// Somebody who asked for a change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Actor {
    /// Who.
    pub subject: String,
    /// The address that the request came from, where it is known.
    pub source_ip: Option<String>,
}

/// What was to be changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditTarget {
    /// `connection`, `user`, `group` or `app`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id; none before it has one.
    pub id: Option<String>,
    /// A user's login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// Anything else's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn assert_as_described<T: Default + Serialize>(name: &str) {
        let description: Value = serde_json::from_str(include_str!("../../openapi.json")).expect("JSON");
        let schema = &description["components"]["schemas"][name];
        let names = |object: &Value| object.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let described: BTreeSet<String> = names(&schema["properties"]);
        let optional: BTreeSet<String> = {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            described.iter().filter(|name| !required.iter().any(|it| it == *name)).cloned().collect()
        };
        let known: BTreeSet<String> = names(&serde_json::to_value(T::default()).expect("JSON"));
        assert!(known.is_subset(&described), "{name}: {:?}", known.difference(&described));
        let missing: BTreeSet<_> = described.difference(&known).cloned().collect();
        assert!(missing.is_subset(&optional), "{name}: {missing:?} is told and not known");
    }

    #[test]
    fn what_is_known_of_the_api_is_what_its_description_tells() {
        assert_as_described::<Connection>("Connection");
        assert_as_described::<SetUp>("SetUp");
        assert_as_described::<Auth>("Auth");
        assert_as_described::<Key>("Key");
        assert_as_described::<SyncSettings>("SyncSettings");
        assert_as_described::<Attributes>("Attributes");
        assert_as_described::<Counts>("Counts");
        assert_as_described::<LastSync>("LastSync");
        assert_as_described::<Check>("Check");
        assert_as_described::<TestReport>("TestReport");
        assert_as_described::<Caller>("Caller");
        assert_as_described::<Action>("Action");
        assert_as_described::<Performed>("Performed");
        assert_as_described::<Rehearsal>("Rehearsal");
        assert_as_described::<Sync>("Sync");
        assert_as_described::<Person>("Person");
        assert_as_described::<PersonInFull>("PersonInFull");
        assert_as_described::<User>("User");
        assert_as_described::<Group>("Group");
        assert_as_described::<DirectoryApp>("DirectoryApp");
        assert_as_described::<DirectoryAppUser>("DirectoryAppUser");
        assert_as_described::<Location>("Location");
        assert_as_described::<DirectoryFinding>("DirectoryFinding");
        assert_as_described::<Trigger>("Trigger");
        assert_as_described::<CloudEvent>("CloudEvent");
        assert_as_described::<AuditRow>("AuditRow");
    }
}
