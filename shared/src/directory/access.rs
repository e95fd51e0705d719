//! Who holds which admin role, who owns which group, and who can grant what.

mod granting;

use super::apps::{self, UserLogin};
use super::people::{Finding, Named};
use super::{Directory, Listed, behind_number, cut, groups, users};
use crate::okta::{GroupId, Principal};
use crate::problem::Problem;
use crate::store::{Item, keys};
use crate::synced::access::{Admin, AppScope, CUSTOM, CustomRole, HeldRole, Owned, ResourceSet, record, records};
use crate::synced::{App, Group};
use granting::{Evidence, Kind, Way};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A role that a user, a group or an OAuth client holds.
#[derive(Serialize, JsonSchema)]
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

/// What holds a role.
#[derive(Serialize, JsonSchema)]
pub struct RoleHolder {
    /// `USER`, `GROUP` or `CLIENT`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Okta's id.
    pub id: String,
    /// Its name, where it is known.
    pub name: Option<String>,
}

/// A role by its names.
#[derive(Clone, Serialize, JsonSchema)]
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
#[derive(Serialize, JsonSchema)]
pub struct RoleTargets {
    /// Groups.
    pub groups: Vec<Named>,
    /// Apps.
    pub apps: Vec<AppTargetName>,
}

/// An app, or all apps of an integration.
#[derive(Serialize, JsonSchema)]
pub struct AppTargetName {
    /// Okta's id of the app; null for all apps of an integration.
    pub id: Option<String>,
    /// The name people see.
    pub label: String,
    /// The integration, where it is all apps of one.
    pub name: Option<String>,
}

/// A resource set by its names.
#[derive(Serialize, JsonSchema)]
pub struct ResourceSetName {
    /// Okta's id.
    pub id: String,
    /// The name people see.
    pub label: String,
}

/// An owner of a group.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GroupOwner")]
pub struct OwnerName {
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
#[derive(Serialize, JsonSchema)]
pub struct Granter {
    /// Who.
    pub user: UserLogin,
    /// Why: at least one.
    pub reasons: Vec<Reason>,
}

/// Why a user can grant something.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GrantReason")]
pub struct Reason {
    /// By what.
    pub kind: Kind,
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
#[derive(Clone, Serialize, JsonSchema)]
pub struct GrantTarget {
    /// `app`, `integration`, `group` or `resource_set`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its id; of an integration, its name.
    pub id: String,
    /// The name people see.
    pub name: String,
}

/// A page of all roles that are held, behind a number. A group stands for its members.
pub async fn admins(directory: &Directory<'_>, after: Option<&str>, limit: usize) -> Result<Listed, Problem> {
    let admins = records::<Admin>(&directory.app.store, &directory.connection.id).await?;
    let names = Names::load(directory, &admins).await?;
    let roles = admins.iter().flat_map(|admin| admin.roles.iter().map(move |role| (&admin.holder, role)));
    let first = behind_number(after);
    let items = roles
        .enumerate()
        .skip(first)
        .map(|(at, (holder, role))| (at.to_string(), json!(names.role(directory, holder, role, None))));
    Ok(cut(items, limit))
}

/// A page of the roles of a user, by id or login, and of the user's groups, behind a number.
pub async fn admin_roles(
    directory: &Directory<'_>,
    user: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let user = users::find_user(directory, user).await?;
    let holder = Principal::User(user.id.clone());
    let connection = &directory.connection.id;
    let groups = groups::ids_of(directory, &user).await?.into_iter().map(Principal::Group);
    let wanted: Vec<_> = groups.chain([holder.clone()]).map(|holder| keys::admin(connection, &holder)).collect();
    let found = directory.app.store.get_many(&wanted).await?;
    let mut admins = found.iter().map(Item::parse::<Admin>).collect::<Result<Vec<_>, _>>()?;
    // The user's own come first.
    admins.sort_by(|a, b| a.holder.cmp(&b.holder));
    let names = Names::load(directory, &admins).await?;
    let roles = admins.iter().flat_map(|admin| admin.roles.iter().map(move |role| (&admin.holder, role)));
    let first = behind_number(after);
    let items = roles.enumerate().skip(first).map(|(at, (of, role))| {
        let via = match of {
            Principal::Group(group) => Some(names.group(group)),
            _ => None,
        };
        (at.to_string(), json!(names.role(directory, &holder, role, via)))
    });
    Ok(cut(items, limit))
}

/// A page of the owners of a group, behind a number.
pub async fn owners(
    directory: &Directory<'_>,
    group: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let group = groups::group(directory, group).await?;
    let key = keys::owned(&directory.connection.id, &group.id);
    let owned = record::<Owned>(&directory.app.store, &key).await?;
    let owners = owned.map(|owned| owned.owners).unwrap_or_default();
    let items = owners.into_iter().enumerate().skip(behind_number(after)).map(|(at, owner)| {
        let row = directory.roster.place(&owner.id).map(|place| &directory.roster.rows[place]);
        let name = row.map(|row| row.name.clone()).or(owner.name);
        (at.to_string(), json!(OwnerName { kind: owner.kind, id: owner.id, name, resolved: owner.resolved }))
    });
    Ok(cut(items, limit))
}

/// A page of who can give an app to a user, behind a number.
pub async fn app_granters(
    directory: &Directory<'_>,
    app: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let (app, groups) = apps::with_groups(directory, app).await?;
    let evidence = Evidence::load(directory, &groups).await?;
    let granters = granters(directory, &evidence, evidence.ways_to_app(&app, &groups)).await?;
    Ok(page(directory, granters, after, limit))
}

/// A page of who can add a member to a group, behind a number.
pub async fn group_granters(
    directory: &Directory<'_>,
    group: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let group = [groups::group(directory, group).await?];
    let evidence = Evidence::load(directory, &group).await?;
    let granters = granters(directory, &evidence, evidence.ways_to_group(&group[0])).await?;
    Ok(page(directory, granters, after, limit))
}

fn page(
    directory: &Directory<'_>,
    granters: BTreeMap<usize, Vec<Reason>>,
    after: Option<&str>,
    limit: usize,
) -> Listed {
    let items = granters.into_iter().enumerate().skip(behind_number(after)).map(|(at, (place, reasons))| {
        let user = UserLogin::of(&directory.roster.rows[place]);
        (at.to_string(), json!(Granter { user, reasons }))
    });
    cut(items, limit)
}

/// The users who go these ways and can sign in, by their places in the roster, each with the reasons.
async fn granters(
    directory: &Directory<'_>,
    evidence: &Evidence,
    ways: Vec<Way<'_>>,
) -> Result<BTreeMap<usize, Vec<Reason>>, Problem> {
    let mut granters = BTreeMap::<usize, Vec<Reason>>::new();
    let mut members = HashMap::new();
    for way in ways {
        let places = places_of(directory, &way.holder, &mut members).await?;
        for place in places {
            let row = &directory.roster.rows[place];
            if can_sign_in(&row.status) {
                granters.entry(place).or_default().push(evidence.reason(&way, &row.name));
            }
        }
    }
    Ok(granters)
}

/// The users that a holder stands for. Members of a group are read once.
async fn places_of(
    directory: &Directory<'_>,
    holder: &Principal,
    members: &mut HashMap<GroupId, Vec<usize>>,
) -> Result<Vec<usize>, Problem> {
    match holder {
        Principal::User(id) => Ok(directory.roster.place(id.as_str()).into_iter().collect()),
        Principal::Client(_) => Ok(Vec::new()),
        Principal::Group(id) => {
            if let Some(known) = members.get(id) {
                return Ok(known.clone());
            }
            // A group that is gone since its roles were read has no members.
            let places = match groups::places_of(directory, id.as_str()).await {
                Err(problem) if problem.kind == crate::problem::Kind::NotFound => Vec::new(),
                other => other?,
            };
            members.insert(id.clone(), places.clone());
            Ok(places)
        }
    }
}

/// True for a status in which Okta lets a user sign in.
/// <https://help.okta.com/en-us/content/topics/users-groups-profiles/usgp-end-user-states.htm>
fn can_sign_in(status: &str) -> bool {
    matches!(status, "ACTIVE" | "PASSWORD_EXPIRED" | "RECOVERY")
}

/// Where the users stand in the roster who hold a role, of their own or by a group; of a type, where one is named.
pub async fn admin_places(directory: &Directory<'_>, role_type: Option<&str>) -> Result<HashSet<usize>, Problem> {
    let mut places = HashSet::new();
    let mut members = HashMap::new();
    for admin in records::<Admin>(&directory.app.store, &directory.connection.id).await? {
        if admin.roles.iter().any(|role| role_type.is_none_or(|wanted| role.role_type == wanted)) {
            places.extend(places_of(directory, &admin.holder, &mut members).await?);
        }
    }
    Ok(places)
}

/// Where the users stand in the roster who own a group, themselves or by a group.
pub async fn owner_places(directory: &Directory<'_>) -> Result<HashSet<usize>, Problem> {
    let mut places = HashSet::new();
    let mut members = HashMap::new();
    for owned in records::<Owned>(&directory.app.store, &directory.connection.id).await? {
        for holder in owned.owners.iter().filter_map(granting::owner) {
            places.extend(places_of(directory, &holder, &mut members).await?);
        }
    }
    Ok(places)
}

/// What is wrong with who may grant what.
pub(super) async fn findings(directory: &Directory<'_>) -> Result<Vec<Finding>, Problem> {
    let mut found = Vec::new();
    let mut members = HashMap::new();
    let rows = &directory.roster.rows;
    let admins = records::<Admin>(&directory.app.store, &directory.connection.id).await?;
    let names = Names::load(directory, &admins).await?;
    for admin in &admins {
        let labels = admin.roles.iter().map(|role| role.label.as_str()).collect::<Vec<_>>().join(", ");
        let by = match &admin.holder {
            Principal::Group(group) => format!(", as a member of {},", names.group(group).name),
            _ => String::new(),
        };
        let places = places_of(directory, &admin.holder, &mut members).await?;
        for row in places.iter().map(|place| &rows[*place]).filter(|row| !can_sign_in(&row.status)) {
            let detail = format!("{}{by} holds the role {labels} and cannot sign in ({})", row.name, row.status);
            found.push(Finding::of_user("admin_inactive", row, detail));
        }
    }
    for owned in records::<Owned>(&directory.app.store, &directory.connection.id).await? {
        for owner in owned.owners.iter().filter_map(granting::owner) {
            let places = places_of(directory, &owner, &mut members).await?;
            for row in places.iter().map(|place| &rows[*place]).filter(|row| !can_sign_in(&row.status)) {
                let group = groups::name(directory, &owned.group).await?;
                let detail = format!("{} is an owner of {group} and cannot sign in ({})", row.name, row.status);
                found.push(Finding::of_user("owner_inactive", row, detail));
            }
        }
    }
    // Without roles nothing is known of who can grant an app.
    if !admins.is_empty() {
        found.extend(apps_without_granter(directory, &admins, &mut members).await?);
    }
    Ok(found)
}

/// The apps that no user who can sign in can give to another. One super administrator can give all of them.
async fn apps_without_granter(
    directory: &Directory<'_>,
    admins: &[Admin],
    members: &mut HashMap<GroupId, Vec<usize>>,
) -> Result<Vec<Finding>, Problem> {
    for admin in admins.iter().filter(|admin| admin.roles.iter().any(granting::is_super_admin)) {
        let places = places_of(directory, &admin.holder, members).await?;
        if places.iter().any(|place| can_sign_in(&directory.roster.rows[*place].status)) {
            return Ok(Vec::new());
        }
    }
    let mut found = Vec::new();
    for (app, groups) in apps::all_with_groups(directory).await? {
        let evidence = Evidence::load(directory, &groups).await?;
        if granters(directory, &evidence, evidence.ways_to_app(&app, &groups)).await?.is_empty() {
            let detail = format!("No user who can sign in can assign {}.", app.label);
            found.push(Finding::of_app("app_without_granter", &app, detail));
        }
    }
    Ok(found)
}

/// The names of what roles are narrowed to and held by.
struct Names {
    groups: HashMap<GroupId, String>,
    apps: HashMap<String, String>,
    sets: HashMap<String, String>,
}

impl Names {
    async fn load(directory: &Directory<'_>, admins: &[Admin]) -> Result<Self, Problem> {
        let connection = &directory.connection.id;
        let mut groups = BTreeSet::new();
        let mut clients = BTreeSet::new();
        for admin in admins {
            match &admin.holder {
                Principal::Group(id) => drop(groups.insert(id)),
                Principal::Client(id) => drop(clients.insert(id.as_str())),
                Principal::User(_) => {}
            }
            groups.extend(admin.roles.iter().flat_map(|role| &role.groups));
        }
        let wanted: Vec<_> = groups.into_iter().map(|id| keys::group(connection, id)).collect();
        let groups = groups::load(directory, &wanted).await?;
        // A client that is an app of the organization's has its id.
        let wanted = clients.into_iter().filter_map(|id| crate::okta::AppId::parse(id).ok());
        let wanted: Vec<_> = wanted.map(|id| keys::app(connection, &id)).collect();
        let apps = directory.app.store.get_many(&wanted).await?;
        let apps = apps.iter().map(Item::parse::<App>).collect::<Result<Vec<_>, _>>()?;
        let sets = records::<ResourceSet>(&directory.app.store, connection).await?;
        Ok(Self {
            groups: groups.into_iter().map(|group| (group.id, group.name)).collect(),
            apps: apps.into_iter().map(|app| (app.id.to_string(), app.label)).collect(),
            sets: sets.into_iter().map(|set| (set.id, set.label)).collect(),
        })
    }

    fn group(&self, id: &GroupId) -> Named {
        Named { id: id.to_string(), name: self.groups.get(id).cloned().unwrap_or_else(|| id.to_string()) }
    }

    fn holder(&self, directory: &Directory<'_>, holder: &Principal) -> RoleHolder {
        let name = match holder {
            Principal::User(id) => {
                directory.roster.place(id.as_str()).map(|place| directory.roster.rows[place].name.clone())
            }
            Principal::Group(id) => self.groups.get(id).cloned(),
            Principal::Client(id) => self.apps.get(id.as_str()).cloned(),
        };
        RoleHolder { kind: holder.kind(), id: holder.id().to_owned(), name }
    }

    fn role(&self, directory: &Directory<'_>, holder: &Principal, role: &HeldRole, via: Option<Named>) -> AdminRole {
        let is_narrowed = !role.groups.is_empty() || !role.apps.is_empty();
        let targets = is_narrowed.then(|| RoleTargets {
            groups: role.groups.iter().map(|id| self.group(id)).collect(),
            apps: role.apps.iter().map(AppTargetName::of).collect(),
        });
        let set = role.custom.as_ref().map(|grant| ResourceSetName {
            id: grant.set.clone(),
            label: self.sets.get(&grant.set).cloned().unwrap_or_else(|| grant.set.clone()),
        });
        AdminRole {
            principal: self.holder(directory, holder),
            role: RoleName::of(role),
            targets,
            resource_set: set,
            via_group: via,
            status: role.status.clone(),
        }
    }
}

impl RoleName {
    fn of(role: &HeldRole) -> Self {
        let id = role.custom.as_ref().filter(|_| role.role_type == CUSTOM).map_or(&role.id, |grant| &grant.role);
        Self { id: id.clone(), role_type: role.role_type.clone(), label: role.label.clone() }
    }
}

impl AppTargetName {
    fn of(scope: &AppScope) -> Self {
        match scope {
            AppScope::App { id, label } => Self { id: Some(id.to_string()), label: label.clone(), name: None },
            AppScope::Integration { name, label } => Self { id: None, label: label.clone(), name: Some(name.clone()) },
        }
    }
}

impl Evidence {
    /// What decides who can grant an app or a group: all roles, and who owns these groups.
    async fn load(directory: &Directory<'_>, groups: &[Group]) -> Result<Self, Problem> {
        let (store, connection) = (&directory.app.store, &directory.connection.id);
        let admins = records::<Admin>(store, connection).await?;
        let holding = admins.iter().filter_map(|admin| match &admin.holder {
            Principal::Group(id) => Some(keys::group(connection, id)),
            _ => None,
        });
        let holding = groups::load(directory, &holding.collect::<Vec<_>>()).await?;
        let wanted: Vec<_> = groups.iter().map(|group| keys::owned(connection, &group.id)).collect();
        let owned = store.get_many(&wanted).await?;
        let owned = owned.iter().map(Item::parse::<Owned>).collect::<Result<Vec<_>, _>>()?;
        let roles = records::<CustomRole>(store, connection).await?;
        let sets = records::<ResourceSet>(store, connection).await?;
        // An owner that is a group has a name as well.
        let owning = owned.iter().flat_map(|owned| &owned.owners).filter_map(granting::owner);
        let owning: BTreeSet<_> = owning
            .filter_map(|owner| match owner {
                Principal::Group(id) => Some(id),
                _ => None,
            })
            .collect();
        let owning: Vec<_> = owning.iter().map(|id| keys::group(connection, id)).collect();
        let named = holding.into_iter().chain(groups::load(directory, &owning).await?);
        Ok(Self::new(admins, roles, sets, owned, named.map(|group| (group.id, group.name)).collect()))
    }
}
