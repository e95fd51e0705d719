//! Users of all statuses.

use super::selection::{self, Selection, Taken};
use super::{Directory, Listed, Page, READ_AT_ONCE};
use crate::fold::WordPrefix;
use crate::okta::UserId;
use crate::problem::Problem;
use crate::store::keys;
use crate::store::{Index, Item, Query};
use crate::synced::User;
use crate::synced::roster::Row;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;

/// Which users.
#[derive(Default)]
pub struct UserFilter {
    /// Only these statuses; empty: all.
    pub statuses: Vec<String>,
    /// Only those of whom a word of name, login or email begins so.
    pub q: Option<String>,
    /// Only those that were stored at or after this moment.
    pub updated_since: Option<Timestamp>,
    /// Those that were removed, instead of those that were not.
    pub removed: bool,
    /// What every list can be asked for.
    pub selection: Selection,
}

impl UserFilter {
    /// True for what fits, whatever its name.
    fn takes(&self, row: &Row) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&row.status))
            && self.updated_since.is_none_or(|since| row.updated >= since)
    }
}

/// A page of users behind the user with the id `after`.
pub async fn users(
    directory: &Directory<'_>,
    filter: &UserFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    if filter.removed {
        return removed(directory, filter, after, limit).await;
    }
    let q = filter.q.as_deref().map(WordPrefix::of);
    let taken = Taken { q, takes: Box::new(|_, row: &Row| filter.takes(row)) };
    selection::page(directory, taken, &filter.selection, after, limit, |_, user| json(user)).await
}

/// The users of some lines, in their order; one that was removed meanwhile is left out.
pub(super) async fn load(directory: &Directory<'_>, rows: Vec<&Row>) -> Result<Vec<User>, Problem> {
    let wanted: Vec<_> = rows.iter().map(|row| User::key(&directory.connection.id, &row.id)).collect();
    let items = directory.app.store.get_many(&wanted).await?;
    let mut found: HashMap<_, _> = items.iter().map(|item| (item.partition_key(), item)).collect();
    let users = wanted.iter().filter_map(|key| found.remove(key.pk.as_str())).map(Item::parse::<User>);
    let users: Result<Vec<_>, _> =
        users.filter(|user| user.as_ref().is_ok_and(|user| user.removed_at.is_none()) || user.is_err()).collect();
    Ok(users?.into_iter().map(|user| named(directory, user)).collect())
}

/// With the name of its type, where that is known.
fn named(directory: &Directory<'_>, mut user: User) -> User {
    if let Some(user_type) = &mut user.user_type {
        let known = directory.state.types.iter().find(|known| known.id == user_type.id);
        user_type.name = known.and_then(|known| known.name.clone());
    }
    user
}

/// Removed users lie in index partitions of their own.
async fn removed(
    directory: &Directory<'_>,
    filter: &UserFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let mut ids = Vec::new();
    for shard in 0..keys::SHARDS {
        let partition = keys::users_partition(&directory.connection.id, keys::Listed::Removed, shard);
        let query = Query::index(Index::G1, partition).after(after).limit(limit + 1);
        let items = directory.app.store.query(&query).await?;
        ids.extend(items.iter().filter_map(|item| UserId::parse(item.sort_key(Some(Index::G1))).ok()));
    }
    ids.sort();
    let more = ids.len() > limit;
    ids.truncate(limit);
    let q = filter.q.as_deref().map(WordPrefix::of);
    let (mut page, mut passed) = (Page::new(limit), None);
    for some in ids.chunks(READ_AT_ONCE) {
        let wanted: Vec<_> = some.iter().map(|id| User::key(&directory.connection.id, id)).collect();
        let items = directory.app.store.get_many(&wanted).await?;
        let mut users = items.iter().map(Item::parse::<User>).collect::<Result<Vec<_>, _>>()?;
        users.sort_by(|a, b| a.id.cmp(&b.id));
        for user in users {
            let row = Row::new(&user, &directory.connection.settings.attributes);
            let place = user.id.to_string();
            let takes = filter.takes(&row) && q.as_ref().is_none_or(|q| row.matches(q));
            if takes && !page.add(place.clone(), json(&named(directory, user))) {
                return Ok(Listed { next: passed, ..page.end(true) });
            }
            passed = Some(place);
        }
    }
    let partial = more && page.items.len() < limit;
    Ok(Listed { next: ids.last().map(ToString::to_string).filter(|_| more), partial, ..page.end(false) })
}

/// One user by id or login; a removed one is found by its id until it is forgotten.
pub async fn user(directory: &Directory<'_>, reference: &str) -> Result<User, Problem> {
    find_user(directory, reference).await
}

/// The user that a reference names.
pub async fn find_user(directory: &Directory<'_>, reference: &str) -> Result<User, Problem> {
    let store = &directory.app.store;
    if let Ok(id) = UserId::parse(reference)
        && let Some(item) = store.get(&User::key(&directory.connection.id, &id)).await?
    {
        return Ok(named(directory, item.parse()?));
    }
    let place = directory.roster.place_of_login(reference).ok_or_else(Problem::not_found)?;
    let id = &directory.roster.rows[place].id;
    let item = store.get(&User::key(&directory.connection.id, id)).await?;
    Ok(named(directory, item.ok_or_else(Problem::not_found)?.parse()?))
}

fn json(user: &User) -> Value {
    serde_json::to_value(user).unwrap_or_default()
}
