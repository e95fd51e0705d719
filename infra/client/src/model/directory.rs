//! What was synced.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

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
    /// The realm that it is in, where the organization has realms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm_id: Option<String>,
    /// Who checks how it signs in, and masters it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
}

/// Who checks how a user signs in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provider {
    /// `OKTA`, `ACTIVE_DIRECTORY`, `LDAP`, `FEDERATION`, `SOCIAL` or `IMPORT`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name, such as a directory's domain.
    pub name: Option<String>,
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
    /// Its attributes beside name and description.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, Value>,
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

/// A user by id, login and name, with the status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserLogin {
    /// Okta's id.
    pub id: String,
    /// The login.
    pub login: String,
    /// Display name, else first and last name, else login.
    pub name: String,
    /// One of Okta's statuses.
    pub status: String,
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
    /// `manager_cycle`, `manager_dangling`, `manager_ambiguous`, `bad_record`, `admin_inactive`, `owner_inactive` or
    /// `app_without_granter`.
    pub kind: String,
    /// Okta's id of the user, where it is known; null for a record of another kind.
    pub user: Option<String>,
    /// What it is about.
    pub object: FindingObject,
    /// What was found.
    pub detail: String,
}

/// What a finding is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FindingObject {
    /// `user`, `group`, `app`, `schema` or another kind of record that a sync reads.
    #[serde(rename = "type")]
    pub kind: String,
    /// Okta's id, where it is known.
    pub id: Option<String>,
    /// Name, login or label, where it is known.
    pub name: Option<String>,
}

/// Something that a search found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hit {
    /// `person`, `group`, `app` or `location`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name or label.
    pub name: String,
    /// Why it was found.
    pub matched: Matched,
    /// How well it fits, from 0 to 1.
    pub score: f64,
}

/// Where the search was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Matched {
    /// The attribute.
    pub field: String,
    /// What it says.
    pub text: String,
}

/// A role that a user, a group or an OAuth client holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdminRole {
    /// Who holds it.
    pub principal: RoleHolder,
    /// Which.
    pub role: RoleName,
    /// What it is narrowed to; null where it is for the whole organization, or for a resource set.
    pub targets: Option<RoleTargets>,
    /// Of a custom role, the resource set that it is about.
    pub resource_set: Option<ResourceSetName>,
    /// The group by which a user holds it; null for a role of the holder's own.
    pub via_group: Option<Named>,
    /// Of the role: `ACTIVE` or `INACTIVE`.
    pub status: String,
}

impl AdminRole {
    /// What it is for, in a few words.
    pub fn extent(&self) -> String {
        let targets = self.targets.as_ref().map(|targets| {
            let groups = targets.groups.iter().map(|group| group.name.as_str());
            groups.chain(targets.apps.iter().map(|app| app.label.as_str())).collect::<Vec<_>>().join(", ")
        });
        let set = self.resource_set.as_ref().map(|set| set.label.clone());
        targets.or(set).unwrap_or_else(|| "the whole organization".to_owned())
    }
}

/// What holds a role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoleHolder {
    /// `USER`, `GROUP` or `CLIENT`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Okta's id.
    pub id: String,
    /// Its name, where it is known.
    pub name: Option<String>,
}

/// A role by its names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoleName {
    /// Of a custom role, its id; of another one, that of its assignment.
    pub id: String,
    /// `SUPER_ADMIN`, …, `CUSTOM`.
    #[serde(rename = "type")]
    pub role_type: String,
    /// The name people see.
    pub label: String,
}

/// What a role is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoleTargets {
    /// Groups.
    pub groups: Vec<Named>,
    /// Apps.
    pub apps: Vec<AppTargetName>,
}

/// An app, or all apps of an integration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppTargetName {
    /// Okta's id of the app; null for all apps of an integration.
    pub id: Option<String>,
    /// The name people see.
    pub label: String,
    /// The integration, where it is all apps of one.
    pub name: Option<String>,
}

/// A resource set by its names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceSetName {
    /// Okta's id.
    pub id: String,
    /// The name people see.
    pub label: String,
}

/// An owner of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupOwner {
    /// `USER` or `GROUP`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Okta's id.
    pub id: String,
    /// Its name, where it is known.
    pub name: Option<String>,
    /// Whether Okta knows who it is.
    pub resolved: bool,
}

/// Somebody who can give an app to a user, or add a member to a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Granter {
    /// Who.
    pub user: UserLogin,
    /// Why: at least one.
    pub reasons: Vec<GrantReason>,
}

/// Why a user can grant something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantReason {
    /// By what.
    pub kind: String,
    /// The role; null for an owner.
    pub role: Option<RoleName>,
    /// The group to which the user can add a member; of a role for the app itself, the group by which the user holds it.
    pub group: Option<Named>,
    /// What the role is narrowed to; null where it is for everything of its kind.
    pub target: Option<GrantTarget>,
    /// The same as a sentence.
    pub text: String,
}

/// What a role is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantTarget {
    /// `app`, `integration`, `group` or `resource_set`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id; of an integration, its name.
    pub id: String,
    /// The name people see.
    pub name: String,
}

/// A manager of members of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Managing {
    /// The manager.
    pub user: UserLogin,
    /// How many members report to them.
    pub members: u64,
    /// Of all members of the group, from 0 to 1.
    pub share: f64,
}

/// Why a user has an app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// Whether the user has it.
    pub assigned: bool,
    /// How.
    pub paths: Vec<AccessPath>,
}

/// One way in which a user has an app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessPath {
    /// `direct` or `group`.
    pub kind: String,
    /// The group that has the app, and the user as a member.
    pub group: Option<Group>,
    /// The first active group rule that adds members to that group, where group rules are synced and there is one.
    pub rule: Option<GroupRuleName>,
    /// The same as a sentence.
    pub text: String,
}

/// A group rule by its id and name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupRuleName {
    /// Okta's id.
    pub id: String,
    /// The name people see.
    pub name: String,
}
