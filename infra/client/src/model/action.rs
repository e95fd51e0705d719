//! Actions, what came of one, and the audit.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    pub requests: Vec<Rehearsal>,
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
