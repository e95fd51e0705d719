//! Apps, and the groups that they are assigned to.

use crate::okta::{AppId, GroupId};
use serde::Deserialize;

/// An app instance.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// `0oa…`
    pub id: AppId,
    /// The name of the integration; several instances share it.
    #[serde(default)]
    pub name: Option<String>,
    /// The name people see.
    #[serde(default)]
    pub label: Option<String>,
    /// `ACTIVE`, `INACTIVE` or `DELETED`; an unknown one is kept.
    #[serde(default)]
    pub status: Option<String>,
    /// How people sign in to it.
    #[serde(default)]
    pub sign_on_mode: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub created: Option<String>,
    /// When it last changed; assigning a user does not count.
    #[serde(default)]
    pub last_updated: Option<String>,
}

/// A group that is assigned to an app.
#[derive(Clone, Debug, Deserialize)]
pub struct AppGroup {
    /// `00g…`
    pub id: GroupId,
}
