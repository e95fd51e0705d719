//! Apps, who is assigned to them, and by which groups.
//!
//! What is stored of an assignment is whether it is the user's own or by a group. By which groups is worked out here: those
//! that the app is assigned to and the user is in.

use super::named::{self, NamedFilter};
use super::{Directory, Listed, cut, groups};
use crate::okta::{AppId, GroupId};
use crate::problem::Problem;
use crate::store::keys;
use crate::store::{Index, Item, Query};
use crate::synced::roster::Row;
use crate::synced::{App, Group, Scope, TypeName, User};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// An app by its id and label.
#[derive(Clone, Serialize, JsonSchema)]
pub struct AppLabel {
    /// Okta's id.
    pub id: AppId,
    /// The name people see.
    pub label: String,
}

/// An app that a user has.
#[derive(Serialize, JsonSchema)]
pub struct UserApp {
    /// The app.
    pub app: App,
    /// Whether it was assigned to the user or to a group.
    pub scope: Scope,
    /// Of an assignment by a group: the user's groups that have the app.
    pub groups: Vec<Group>,
}

/// A user who has an app.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DirectoryAppUser")]
pub struct AppUser {
    /// The user.
    pub user: UserLogin,
    /// Whether it was assigned to the user or to a group.
    pub scope: Scope,
    /// Of an assignment by a group: the user's groups that have the app.
    pub groups: Vec<Group>,
}

/// A user by id, login and name, with the status.
#[derive(Serialize, JsonSchema)]
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

/// What is known of users' types and of the attributes of their profiles.
#[derive(Serialize, JsonSchema)]
pub struct ProfileSchema {
    /// The user types.
    pub types: Vec<TypeName>,
    /// What people call the attributes that are not Okta's own, by their names.
    pub attributes: BTreeMap<String, String>,
}

/// A page of apps behind an index key: those that the tenant has, or those that it no longer has.
pub async fn apps(
    directory: &Directory<'_>,
    filter: &NamedFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    if !directory.state.is_published() {
        return Ok(Listed::default());
    }
    let partition = keys::apps_partition(&directory.connection.id, filter.which());
    let show = |item: &Item| Ok(json!(told(directory, item.parse()?)));
    named::page(directory, partition, filter, after, limit, show).await
}

/// One app; a removed one until it is forgotten.
pub async fn app(directory: &Directory<'_>, id: &str) -> Result<App, Problem> {
    Ok(told(directory, find(directory, id).await?.parse()?))
}

/// An app as it is told: its assignments may have been read again since it was stored.
fn told(directory: &Directory<'_>, app: App) -> App {
    App { assignments_at: directory.state.assigned_at(&app), ..app }
}

/// An app, and the groups that it is assigned to.
pub(super) async fn with_groups(directory: &Directory<'_>, id: &str) -> Result<(App, Vec<Group>), Problem> {
    let item = find(directory, id).await?;
    let groups = granting(directory, &App::groups(&item)?).await?;
    Ok((item.parse()?, groups))
}

/// The same of every active app of the organization's own.
pub(super) async fn all_with_groups(directory: &Directory<'_>) -> Result<Vec<(App, Vec<Group>)>, Problem> {
    let (store, connection) = (&directory.app.store, &directory.connection.id);
    let query = Query::index(Index::G1, keys::apps_partition(connection, keys::Listed::Present));
    let listed = store.query(&query).await?;
    let mut all = Vec::new();
    for item in store.get_many(&listed.iter().map(Item::key).collect::<Vec<_>>()).await? {
        let app: App = item.parse()?;
        if !app.okta_owned && app.status.as_deref() == Some("ACTIVE") {
            all.push((app, granting(directory, &App::groups(&item)?).await?));
        }
    }
    Ok(all)
}

async fn find(directory: &Directory<'_>, id: &str) -> Result<Item, Problem> {
    let id = AppId::parse(id).map_err(|_| Problem::not_found())?;
    let item = directory.app.store.get(&keys::app(&directory.connection.id, &id)).await?;
    item.ok_or_else(Problem::not_found)
}

/// A page of an app's users, behind an index key.
pub async fn app_users(
    directory: &Directory<'_>,
    id: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let item = find(directory, id).await?;
    if !directory.state.is_published() {
        return Ok(Listed::default());
    }
    let app: App = item.parse()?;
    let partition = keys::assigned_partition(&directory.connection.id, &app.id);
    let (edges, more) = directory.app.store.first(Query::index(Index::G2, partition).after(after), limit).await?;
    let places: Vec<_> = edges.iter().map(|edge| edge.sort_key(Some(Index::G2))).collect();
    let next = places.last().filter(|_| more).map(|place| (*place).to_owned());
    let granting = granting(directory, &App::groups(&item)?).await?;
    let members = members_among(directory, &granting, &places).await?;
    let user = |place: &str| {
        let (id, scope) = keys::split_edge_index(place);
        let row = &directory.roster.rows[directory.roster.place(id)?];
        let (scope, user) = (Scope::parse(scope), UserLogin::of(row));
        let by = |group: &&Group| {
            let everyone = group.is_everyone() && row.is_person();
            everyone || members.get(&group.id).is_some_and(|users| users.contains(id))
        };
        let groups = if scope == Scope::Group { granting.iter().filter(by).cloned().collect() } else { Vec::new() };
        Some(AppUser { user, scope, groups })
    };
    let items = places.iter().filter_map(|place| Some(((*place).to_owned(), json!(user(place)?))));
    let page = cut(items, limit);
    Ok(Listed { next: page.next.or(next), ..page })
}

/// The groups of these ids that the tenant has, by id.
async fn granting(directory: &Directory<'_>, ids: &[GroupId]) -> Result<Vec<Group>, Problem> {
    let wanted: Vec<_> = ids.iter().map(|id| keys::group(&directory.connection.id, id)).collect();
    let mut found = groups::load(directory, &wanted).await?;
    found.retain(|group| group.removed_at.is_none());
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

/// Which users of a page are in which group. Whoever is in a group that has the app, has the app; so between the first and
/// the last user of a page, a group has no more members than the page has users.
async fn members_among(
    directory: &Directory<'_>,
    groups: &[Group],
    places: &[&str],
) -> Result<BTreeMap<GroupId, BTreeSet<String>>, Problem> {
    let mut members = BTreeMap::new();
    let by_group =
        places.iter().map(|place| keys::split_edge_index(place)).filter(|(_, scope)| *scope == Some("GROUP"));
    let users: Vec<_> = by_group.map(|(user, _)| user).collect();
    let (Some(first), Some(last)) = (users.first(), users.last()) else { return Ok(members) };
    for group in groups.iter().filter(|group| !group.is_everyone()) {
        let partition = keys::members_partition(&directory.connection.id, &group.id);
        let query = Query::index(Index::G2, partition).between(Some(first), Some(last));
        let edges = directory.app.store.query(&query).await?;
        let users = edges.iter().map(|edge| edge.sort_key(Some(Index::G2)).to_owned());
        members.insert(group.id.clone(), users.collect());
    }
    Ok(members)
}

/// A page of the apps of a user, behind the app with the id `after`.
pub async fn user_apps(
    directory: &Directory<'_>,
    user: &User,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let (found, next) = assigned(directory, user, after, limit).await?;
    let mine: BTreeSet<_> = groups::ids_of(directory, user).await?.into_iter().collect();
    let by_group = found.iter().filter(|found| found.scope == Scope::Group);
    let ids: BTreeSet<_> = by_group.flat_map(|found| &found.groups).filter(|id| mine.contains(id)).cloned().collect();
    let granting = granting(directory, &ids.into_iter().collect::<Vec<_>>()).await?;
    let items = found.into_iter().map(|Assigned { app, scope, groups }| {
        let by = |group: &&Group| scope == Scope::Group && groups.contains(&group.id);
        let groups = granting.iter().filter(by).cloned().collect();
        (app.id.to_string(), json!(UserApp { app: told(directory, app), scope, groups }))
    });
    let page = cut(items, limit);
    Ok(Listed { next: page.next.or(next), ..page })
}

/// How a user has an app, and the groups to which it is assigned; none where the user does not have it.
pub(super) async fn granted(
    directory: &Directory<'_>,
    user: &User,
    app: &AppId,
) -> Result<Option<(Scope, Vec<Group>)>, Problem> {
    let connection = &directory.connection.id;
    let edge = directory.app.store.get(&keys::assignment(connection, app, &user.id)).await?;
    let Some(edge) = edge else { return Ok(None) };
    let scope = Scope::parse(keys::split_edge_index(edge.sort_key(Some(Index::G2))).1);
    let groups = App::groups(&find(directory, app.as_str()).await?)?;
    Ok(Some((scope, granting(directory, &groups).await?)))
}

/// All apps of a user.
pub(super) async fn of(directory: &Directory<'_>, user: &User) -> Result<Vec<AppLabel>, Problem> {
    let (found, _) = assigned(directory, user, None, usize::MAX).await?;
    Ok(found.into_iter().map(|found| AppLabel::of(found.app)).collect())
}

/// An app of a user's, and the groups that have it.
struct Assigned {
    app: App,
    scope: Scope,
    groups: Vec<GroupId>,
}

/// The first apps of a user behind an app, by id, and the last app that was looked at, where there are more.
async fn assigned(
    directory: &Directory<'_>,
    user: &User,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<Assigned>, Option<String>), Problem> {
    let (connection, store) = (&directory.connection.id, &directory.app.store);
    let query = Query::partition(keys::user_partition(connection, &user.id)).prefix(keys::ASSIGNMENTS);
    let edges = store.query(&query).await?;
    let scoped = edges.iter().filter_map(|edge| {
        let id = AppId::parse(edge.sort_key(None).strip_prefix(keys::ASSIGNMENTS)?).ok()?;
        Some((id, Scope::parse(keys::split_edge_index(edge.sort_key(Some(Index::G2))).1)))
    });
    let mut scoped: Vec<_> = scoped.filter(|(id, _)| after.is_none_or(|after| id.as_str() > after)).collect();
    let more = scoped.len() > limit;
    scoped.truncate(limit);
    let next = scoped.last().filter(|_| more).map(|(id, _)| id.to_string());
    let scopes: BTreeMap<_, _> = scoped.into_iter().collect();
    let wanted: Vec<_> = scopes.keys().map(|id| keys::app(connection, id)).collect();
    let mut found = BTreeMap::new();
    for item in store.get_many(&wanted).await? {
        let app: App = item.parse()?;
        if let Some(scope) = scopes.get(&app.id).filter(|_| app.removed_at.is_none()) {
            found.insert(app.id.clone(), Assigned { app, scope: *scope, groups: App::groups(&item)? });
        }
    }
    Ok((found.into_values().collect(), next))
}

/// What was learnt of users' types and profiles.
pub fn schema(directory: &Directory<'_>) -> ProfileSchema {
    ProfileSchema { types: directory.state.types.clone(), attributes: directory.state.labels.clone() }
}

impl AppLabel {
    fn of(app: App) -> Self {
        Self { id: app.id, label: app.label }
    }
}

impl UserLogin {
    /// Of a user's line.
    pub(super) fn of(row: &Row) -> Self {
        Self { id: row.id.to_string(), login: row.login.clone(), name: row.name.clone(), status: row.status.clone() }
    }
}
