//! Custom roles and resource sets: those that some holder has.

use super::{remove, store, whole};
use crate::okta::{self, Permission, api};
use crate::store::{Error, keys};
use crate::sync::change::Change;
use crate::sync::work::{Stop, Work};
use crate::synced::access::{Admin, CustomRole, Resource, ResourceSet, records};
use crate::synced::{Checkpoint, Phase};
use std::collections::BTreeSet;

/// Reads the custom role or the resource set at a place among those that are held; behind the last, those that are held no
/// more are removed.
pub async fn read(work: &mut Work<'_>, place: usize) -> Result<(), Stop> {
    let held = Held::of(work).await?;
    let change = if let Some(role) = held.roles.iter().nth(place) {
        read_role(work, role).await?
    } else if let Some(set) = held.sets.iter().nth(place.saturating_sub(held.roles.len())) {
        read_set(work, set).await?
    } else {
        let changes = remove_others(work, &held).await?;
        work.run.checkpoint = work.after_custom_roles();
        return Ok(work.commit(changes).await?);
    };
    work.run.checkpoint = Checkpoint::CustomRoles { place: place + 1 };
    Ok(work.commit(change.into_iter().collect()).await?)
}

/// The ids of the custom roles and resource sets that some holder has.
#[derive(Default)]
struct Held {
    roles: BTreeSet<String>,
    sets: BTreeSet<String>,
}

impl Held {
    async fn of(work: &Work<'_>) -> Result<Self, Error> {
        let mut held = Self::default();
        for admin in records::<Admin>(&work.app.store, &work.connection.id).await? {
            for grant in admin.roles.into_iter().filter_map(|role| role.custom) {
                held.roles.insert(grant.role);
                held.sets.insert(grant.set);
            }
        }
        Ok(held)
    }
}

async fn read_role(work: &mut Work<'_>, id: &str) -> Result<Option<Change>, Stop> {
    let page = match whole::<Permission>(work, &api::list_permissions(id)).await {
        Ok(page) => page,
        Err(error) if is_absence(&error) => {
            let key = keys::custom_role(&work.connection.id, id);
            return Ok(remove::<CustomRole>(work, Phase::Admins, key).await?);
        }
        Err(error) => return pass_over(work, "role", id, error),
    };
    work.tell_all_bad("role", page.bad);
    let permissions = page.items.into_iter().map(|permission| permission.label).collect();
    Ok(store(work, Phase::Admins, &CustomRole { id: id.to_owned(), permissions }).await?)
}

async fn read_set(work: &mut Work<'_>, id: &str) -> Result<Option<Change>, Stop> {
    let named = match work.client.fetch::<okta::ResourceSet>(&api::get_resource_set(id)).await {
        Ok(set) => set,
        Err(error) if is_absence(&error) => {
            let key = keys::resource_set(&work.connection.id, id);
            return Ok(remove::<ResourceSet>(work, Phase::Admins, key).await?);
        }
        Err(error) => return pass_over(work, "resource_set", id, error),
    };
    let page = match whole::<okta::Resource>(work, &api::list_resources(id)).await {
        Ok(page) => page,
        Err(error) => return pass_over(work, "resource_set", id, error),
    };
    work.tell_all_bad("resource_set", page.bad);
    let resources = page.items.iter().map(Resource::of).collect();
    let label = named.label.unwrap_or_else(|| id.to_owned());
    Ok(store(work, Phase::Admins, &ResourceSet { id: id.to_owned(), label, resources }).await?)
}

/// Roles and sets of Okta's own making are granted like custom ones, and cannot be read.
fn is_absence(error: &okta::Error) -> bool {
    matches!(error, okta::Error::Api(refusal) if refusal.is_absence())
}

/// Okta refuses one of them: what is stored of it stays as it is.
fn pass_over(work: &mut Work<'_>, kind: &str, id: &str, error: okta::Error) -> Result<Option<Change>, Stop> {
    let refusal = work.refused(error)?;
    work.pass_over(kind, id, None, &refusal);
    Ok(None)
}

async fn remove_others(work: &mut Work<'_>, held: &Held) -> Result<Vec<Change>, Error> {
    let connection = work.connection.id.clone();
    let mut changes = Vec::new();
    let roles = records::<CustomRole>(&work.app.store, &connection).await?;
    for role in roles.iter().filter(|role| !held.roles.contains(&role.id)) {
        changes.extend(remove::<CustomRole>(work, Phase::Admins, keys::custom_role(&connection, &role.id)).await?);
    }
    let sets = records::<ResourceSet>(&work.app.store, &connection).await?;
    for set in sets.iter().filter(|set| !held.sets.contains(&set.id)) {
        changes.extend(remove::<ResourceSet>(work, Phase::Admins, keys::resource_set(&connection, &set.id)).await?);
    }
    Ok(changes)
}
