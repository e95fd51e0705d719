//! What differs between organizations, or is not documented well enough to be one way only: the operator decides.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How an organization is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Whether it has bought Okta Identity Governance, without which groups have no owners.
    pub governance: Governance,
    /// Whom `GET /api/v1/iam/assignees/users` lists.
    pub assignees: Assignees,
}

/// Okta Identity Governance, and how owners are refused without it. Okta says that owners need it, not how it refuses
/// them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Governance {
    /// It is there.
    #[default]
    Licensed,
    /// 401, the code of features that are not enabled.
    FeatureMissing,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
}

/// Okta lists "all users with role assignments", and does not say whether a role of their group makes them one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignees {
    /// Those who hold a role by themselves or through a group, as everywhere else where roles are listed.
    #[default]
    All,
    /// Those who hold a role by themselves.
    Direct,
}

impl Terms {
    /// The same with some of it changed; the error says what does not fit.
    pub fn patched(self, patch: Map<String, Value>) -> Result<Terms, String> {
        let mut next = json!(self);
        for (name, value) in patch {
            next[name] = value;
        }
        serde_json::from_value(next).map_err(|error| error.to_string())
    }
}
