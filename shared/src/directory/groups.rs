//! Groups, their members, and the groups of a user. `Everyone` holds all people; its members are never stored.

use super::apps::UserLogin;
use super::named::{self, NamedFilter};
use super::{Directory, Listed, behind_number, cut, users};
use crate::okta::GroupId;
use crate::problem::Problem;
use crate::store::{Index, Item, Key, Query, keys};
use crate::synced::{Group, User};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Somebody in a group.
#[derive(Serialize, JsonSchema)]
pub struct Membership {
    /// The group.
    pub group_id: GroupId,
    /// The user.
    pub user_id: String,
}

/// A page of groups behind an index key: those that the tenant has, or those that it no longer has.
pub async fn groups(
    directory: &Directory<'_>,
    filter: &NamedFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    if !directory.state.is_published() {
        return Ok(Listed::default());
    }
    let partition = keys::groups_partition(&directory.connection.id, filter.which());
    let show = |item: &Item| Ok(json!(told(directory, item.parse()?)));
    named::page(directory, partition, filter, after, limit, show).await
}

fn present(directory: &Directory<'_>) -> String {
    keys::groups_partition(&directory.connection.id, keys::Listed::Present)
}

/// Groups by their keys, in any order.
pub(super) async fn load(directory: &Directory<'_>, keys: &[Key]) -> Result<Vec<Group>, Problem> {
    let items = directory.app.store.get_many(keys).await?;
    Ok(items.iter().map(Item::parse).collect::<Result<Vec<_>, _>>()?)
}

/// A group as it is told; `Everyone` has as many members as there are people.
fn told(directory: &Directory<'_>, mut group: Group) -> Group {
    if group.is_everyone() {
        let people = directory.roster.rows.iter().filter(|row| row.is_person()).count();
        group.members_count = u64::try_from(people).ok();
    }
    group
}

/// One group; a removed one until it is forgotten.
pub async fn group(directory: &Directory<'_>, id: &str) -> Result<Group, Problem> {
    Ok(told(directory, find(directory, id).await?))
}

async fn find(directory: &Directory<'_>, id: &str) -> Result<Group, Problem> {
    let id = GroupId::parse(id).map_err(|_| Problem::not_found())?;
    let item = directory.app.store.get(&keys::group(&directory.connection.id, &id)).await?;
    Ok(item.ok_or_else(Problem::not_found)?.parse()?)
}

/// What a group is called, or its id where it is not known.
pub(super) async fn name(directory: &Directory<'_>, id: &GroupId) -> Result<String, Problem> {
    let item = directory.app.store.get(&keys::group(&directory.connection.id, id)).await?;
    let group = item.map(|item| item.parse::<Group>()).transpose()?;
    Ok(group.map_or_else(|| id.to_string(), |group| group.name))
}

/// The group of all users, if it was seen.
pub async fn everyone(directory: &Directory<'_>) -> Result<Option<Group>, Problem> {
    let query = Query::index(Index::G1, present(directory)).prefix(&keys::named_exactly("everyone"));
    let listed = directory.app.store.query(&query).await?;
    let found = load(directory, &listed.iter().map(Item::key).collect::<Vec<_>>()).await?;
    Ok(found.into_iter().find(Group::is_everyone))
}

/// A page of a group's members, behind the user with the id `after`.
pub async fn members(
    directory: &Directory<'_>,
    id: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let group = find(directory, id).await?;
    if !directory.state.is_published() {
        return Ok(Listed::default());
    }
    let (rows, next) = if group.is_everyone() {
        let roster = &directory.roster;
        let behind = roster.rows[roster.first_behind(after)..].iter();
        let mut rows: Vec<_> = behind.filter(|row| row.is_person()).take(limit + 1).collect();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().map(|row| row.id.to_string()).filter(|_| more);
        (rows, next)
    } else {
        let (ids, next) = member_ids(directory, &group.id, after, limit).await?;
        let rows = ids.iter().filter_map(|id| directory.roster.place(id)).map(|place| &directory.roster.rows[place]);
        (rows.collect(), next)
    };
    let found = users::load(directory, rows).await?;
    let page = cut(
        found.into_iter().map(|user| (user.id.to_string(), serde_json::to_value(&user).unwrap_or_default())),
        limit,
    );
    Ok(Listed { next: page.next.or(next), ..page })
}

/// A manager of members of a group.
#[derive(Serialize, JsonSchema)]
pub struct Managing {
    /// The manager.
    pub user: UserLogin,
    /// How many members report to them.
    pub members: usize,
    /// Of all members of the group, from 0 to 1.
    pub share: f64,
}

/// A page of the managers of a group's members, those of most members first, behind a number.
pub async fn managers(
    directory: &Directory<'_>,
    id: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let roster = &directory.roster;
    let places = places_of(directory, id).await?;
    let mut counts = BTreeMap::<usize, usize>::new();
    for manager in places.iter().filter_map(|place| roster.tree.manager(*place)) {
        *counts.entry(manager).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(manager, members)| (Reverse(*members), *manager));
    let first = behind_number(after);
    #[expect(clippy::cast_precision_loss, reason = "no group has so many members")]
    let share = |members: usize| members as f64 / places.len() as f64;
    let items = counts.into_iter().enumerate().skip(first).map(|(at, (manager, members))| {
        let user = UserLogin::of(&roster.rows[manager]);
        (at.to_string(), json!(Managing { user, members, share: share(members) }))
    });
    Ok(cut(items, limit))
}

/// Where the members of a group stand in the roster.
pub(super) async fn places_of(directory: &Directory<'_>, id: &str) -> Result<Vec<usize>, Problem> {
    let group = find(directory, id).await?;
    let roster = &directory.roster;
    if group.is_everyone() {
        return Ok((0..roster.rows.len()).filter(|place| roster.rows[*place].is_person()).collect());
    }
    let partition = keys::members_partition(&directory.connection.id, &group.id);
    let edges = directory.app.store.query(&Query::index(Index::G2, partition)).await?;
    Ok(edges.iter().filter_map(|edge| roster.place(edge.sort_key(Some(Index::G2)))).collect())
}

async fn member_ids(
    directory: &Directory<'_>,
    group: &GroupId,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<String>, Option<String>), Problem> {
    let partition = keys::members_partition(&directory.connection.id, group);
    let (edges, more) = directory.app.store.first(Query::index(Index::G2, partition).after(after), limit).await?;
    let ids: Vec<_> = edges.iter().map(|edge| edge.sort_key(Some(Index::G2)).to_owned()).collect();
    let next = ids.last().filter(|_| more).cloned();
    Ok((ids, next))
}

/// A page of all memberships but those in `Everyone`; `after` is `<group's index key> <user>`.
pub async fn memberships(directory: &Directory<'_>, after: Option<&str>, limit: usize) -> Result<Listed, Problem> {
    let mut items: Vec<Value> = Vec::new();
    if !directory.state.is_published() {
        return Ok(Listed { items, ..Listed::default() });
    }
    let (mut at, mut user) = match after.and_then(|after| after.rsplit_once(' ')) {
        Some((group, user)) => (Some(group.to_owned()), Some(user.to_owned()).filter(|user| !user.is_empty())),
        None => (None, None),
    };
    // The group in the middle of which the last page ended comes first.
    let mut current = at.clone().filter(|_| user.is_some());
    loop {
        let group = match current.take() {
            Some(group) => group,
            None => {
                let query = Query::index(Index::G1, present(directory)).after(at.as_deref()).limit(1);
                match directory.app.store.query(&query).await?.first() {
                    Some(item) => item.sort_key(Some(Index::G1)).to_owned(),
                    None => return Ok(Listed { items, ..Listed::default() }),
                }
            }
        };
        if let Some((_, id)) = keys::split_named_index(&group)
            && let Ok(id) = GroupId::parse(id)
        {
            let left = limit - items.len();
            let (users, next) = member_ids(directory, &id, user.as_deref(), left).await?;
            items.extend(users.into_iter().map(|user_id| json!(Membership { group_id: id.clone(), user_id })));
            if items.len() >= limit {
                // Without a user behind the blank, the next page begins with the next group.
                let user = next.unwrap_or_default();
                return Ok(Listed { items, next: Some(format!("{group} {user}")), ..Listed::default() });
            }
        }
        user = None;
        at = Some(group);
    }
}

/// A page of the groups of a user, behind the group with the id `after`.
pub async fn user_groups(
    directory: &Directory<'_>,
    user: &User,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let found = groups_of(directory, user, after, limit).await?;
    Ok(cut(found.into_iter().map(|group| (group.id.to_string(), json!(group))), limit))
}

/// The groups of a user, behind the group with the id `after`: one more than fit, if there are more.
pub(super) async fn groups_of(
    directory: &Directory<'_>,
    user: &User,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Group>, Problem> {
    let mut ids = ids_of(directory, user).await?;
    ids.retain(|id| after.is_none_or(|after| id.as_str() > after));
    ids.truncate(limit + 1);
    let wanted: Vec<_> = ids.iter().map(|id| keys::group(&directory.connection.id, id)).collect();
    let mut found = load(directory, &wanted).await?;
    found.retain(|group| group.removed_at.is_none());
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found.into_iter().map(|group| told(directory, group)).collect())
}

/// The ids of a user's groups, in order.
pub(super) async fn ids_of(directory: &Directory<'_>, user: &User) -> Result<Vec<GroupId>, Problem> {
    let pk = keys::user_partition(&directory.connection.id, &user.id);
    let edges = directory.app.store.query(&Query::partition(pk).prefix(keys::MEMBERSHIPS)).await?;
    let ids = edges.iter().filter_map(|edge| GroupId::parse(edge.sort_key(None).strip_prefix(keys::MEMBERSHIPS)?).ok());
    let mut ids: Vec<_> = ids.collect();
    if user.removed_at.is_none() && user.status != "DEPROVISIONED" {
        ids.extend(everyone(directory).await?.map(|group| group.id));
    }
    ids.sort();
    Ok(ids)
}
