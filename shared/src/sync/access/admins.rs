//! Admin roles: who holds which, and on what.

use super::{remove, store, whole};
use crate::connection::Stream;
use crate::okta::{self, AppTarget, Assignee, ClientId, GroupId, GroupTarget, OAuthApp, Principal, Role, UserId, api};
use crate::store::{Error, keys};
use crate::sync::change::Change;
use crate::sync::listing::{self, Read};
use crate::sync::work::{Stop, Work, forbidden};
use crate::synced::access::{Admin, AppScope, CUSTOM, CustomGrant, HeldRole, record, records};
use crate::synced::{Checkpoint, Listing, Phase};
use okta::api::Targets;
use std::collections::BTreeSet;

/// The scope without which Okta tells no roles.
const SCOPE: &str = "okta.roles.read";
/// The list of groups that hold roles, as the list of groups says.
const GROUPS: &str = "admin_groups";
/// Okta does not say whether what it embeds is whole. From so many targets on, their own list is read.
const WHOLE_BELOW: usize = 20;

/// The standard roles that can be narrowed to groups, and to apps.
/// <https://developer.okta.com/docs/api/openapi/okta-management/guides/roles/>
const ON_GROUPS: [&str; 3] = ["USER_ADMIN", "GROUP_MEMBERSHIP_ADMIN", "HELP_DESK_ADMIN"];
const ON_APPS: [&str; 1] = ["APP_ADMIN"];

/// One page of the users with roles.
pub async fn read_assignees(work: &mut Work<'_>, listing: Listing) -> Result<(), Stop> {
    work.run.phase = Some(Phase::Admins);
    // An API token has no scopes.
    let scopes = &work.connection.auth.scopes;
    if !scopes.is_empty() && !scopes.contains(SCOPE) {
        return skip(work, "scope_missing".to_owned()).await;
    }
    let name = assignees(listing.pass);
    let (page, next) = match listing::read::<Assignee>(work, api::list_role_assignees(), &listing).await {
        Ok(Read::Page(page, next)) => (page, next),
        Ok(Read::Restart(listing)) => {
            work.run.checkpoint = Checkpoint::Assignees { listing };
            return Ok(work.commit(Vec::new()).await?);
        }
        Err(error) => {
            listing::end_stream(work, &[Phase::Admins], error).await?;
            work.run.checkpoint = Checkpoint::SortAccess;
            return Ok(work.commit(Vec::new()).await?);
        }
    };
    // An organization always has a super administrator: a list of none is that of a role which sees nothing.
    // https://help.okta.com/en/prod/Content/Topics/Security/administrators-assign-admins.htm
    if page.items.is_empty() && page.bad.is_empty() && listing.pages == 0 && next.is_none() {
        return skip(work, "role_missing".to_owned()).await;
    }
    let users: Vec<_> = page.items.into_iter().map(|user| user.id).collect();
    work.tell_all_bad("admin", page.bad);
    let note = work.note(&name, listing.pages, &users)?;
    work.run.checkpoint = match next {
        Some(listing) => Checkpoint::Assignees { listing },
        None => {
            work.run.read.insert(Phase::Admins, vec![name]);
            Checkpoint::SortAccess
        }
    };
    Ok(work.commit(vec![note]).await?)
}

fn assignees(pass: u32) -> String {
    format!("assignees.{pass}")
}

async fn skip(work: &mut Work<'_>, finding: String) -> Result<(), Stop> {
    work.run.skipped.insert(Phase::Admins, finding);
    work.run.checkpoint = Checkpoint::SortAccess;
    Ok(work.commit(Vec::new()).await?)
}

/// Remembers which groups of a list hold roles: Okta lists those nowhere else.
pub fn note_groups(work: &Work<'_>, groups: &[okta::Group]) -> Result<Option<Change>, Error> {
    if !work.syncs(Stream::Admins) || work.run.patches() {
        return Ok(None);
    }
    let holding: Vec<_> = groups.iter().filter(|group| group.holds_roles()).map(|group| group.id.clone()).collect();
    work.note_aside(GROUPS, &holding)
}

/// Whom a run that reads everything asks for: those that Okta lists, those that held a role when they were last asked, and
/// the client that asks. OAuth clients are in no list of Okta's, so that a run that takes nothing for known asks all of them.
pub async fn holders(work: &mut Work<'_>) -> Result<BTreeSet<Principal>, Stop> {
    let mut holders = BTreeSet::new();
    for list in work.run.read.get(&Phase::Admins).cloned().unwrap_or_default() {
        work.each_noted(&list, |users: Vec<UserId>| holders.extend(users.into_iter().map(Principal::User))).await?;
    }
    work.each_noted(GROUPS, |groups: Vec<GroupId>| holders.extend(groups.into_iter().map(Principal::Group))).await?;
    let stored = records::<Admin>(&work.app.store, &work.connection.id).await?;
    holders.extend(stored.into_iter().map(|admin| admin.holder));
    let own = work.connection.auth.client_id.as_deref().and_then(|id| ClientId::parse(id).ok());
    holders.extend(own.map(Principal::Client));
    if work.knows_nothing_of(Phase::Admins) {
        holders.extend(service_apps(work).await?.into_iter().map(Principal::Client));
    }
    Ok(holders)
}

/// The service apps; none where apps may not be read.
async fn service_apps(work: &mut Work<'_>) -> Result<Vec<ClientId>, Stop> {
    let apps = match whole::<OAuthApp>(work, &api::list_oauth_apps()).await {
        Ok(apps) => apps.items,
        Err(error) => {
            let refusal = work.refused(error)?;
            if forbidden(&refusal).is_none() {
                work.pass_over("list", "oauth_apps", None, &refusal);
            }
            Vec::new()
        }
    };
    let services = apps.into_iter().filter(OAuthApp::is_service);
    Ok(services.filter_map(|app| ClientId::parse(app.id.as_str()).ok()).collect())
}

/// Reads the roles of one holder.
pub async fn read(work: &mut Work<'_>, holder: &Principal) -> Result<Option<Change>, Stop> {
    work.run.phase = Some(Phase::Admins);
    let key = keys::admin(&work.connection.id, holder);
    let before = record::<Admin>(&work.app.store, &key).await?.map(|admin| admin.roles).unwrap_or_default();
    let page = match whole::<Role>(work, &api::list_roles_of(holder, first_targets(&before))).await {
        Ok(page) => page,
        Err(okta::Error::Api(refusal)) if refusal.is_absence() => {
            return Ok(remove::<Admin>(work, Phase::Admins, key).await?);
        }
        Err(error) => return pass_over(work, holder, error),
    };
    let unreadable: BTreeSet<_> = page.bad.iter().filter_map(|bad| bad.id.clone()).collect();
    work.tell_all_bad("admin", page.bad);
    // What cannot be read is held all the same.
    let mut roles: Vec<_> = before.into_iter().filter(|role| unreadable.contains(&role.id)).collect();
    for role in page.items.into_iter().filter(|role| is_own(holder, role)) {
        match held(work, holder, role).await {
            Ok(role) => roles.push(role),
            Err(error) => return pass_over(work, holder, error),
        }
    }
    roles.sort();
    work.run.count(Phase::Admins).seen += roles.len() as u64;
    if roles.is_empty() {
        return Ok(remove::<Admin>(work, Phase::Admins, key).await?);
    }
    Ok(store(work, Phase::Admins, &Admin { holder: holder.clone(), roles }).await?)
}

/// What is asked for with the roles: what those are narrowed to that were held before.
fn first_targets(before: &[HeldRole]) -> Targets {
    let holds = |types: &[&str]| before.iter().any(|role| types.contains(&role.role_type.as_str()));
    if holds(&ON_APPS) && !holds(&ON_GROUPS) { Targets::Apps } else { Targets::Groups }
}

/// False for a role that a user has by a group: it is the group's.
fn is_own(holder: &Principal, role: &Role) -> bool {
    !matches!(holder, Principal::User(_)) || role.assignment_type.as_deref() != Some("GROUP")
}

/// Okta refuses the roles of one holder: what is stored of it stays as it is. Where no right is given to read any, the
/// stream ends.
fn pass_over(work: &mut Work<'_>, holder: &Principal, error: okta::Error) -> Result<Option<Change>, Stop> {
    let refusal = work.refused(error)?;
    match forbidden(&refusal) {
        Some(finding) if work.run.progress.get(&Phase::Admins).is_none_or(|counts| counts.seen == 0) => {
            work.run.skipped.insert(Phase::Admins, finding);
        }
        _ => work.pass_over("admin", holder.id(), None, &refusal),
    }
    Ok(None)
}

/// A role with what it is narrowed to.
async fn held(work: &mut Work<'_>, holder: &Principal, role: Role) -> Result<HeldRole, okta::Error> {
    let role_type = role.role_type.clone().unwrap_or_default();
    let id = role.id.clone().unwrap_or_else(|| role_type.clone());
    let groups = if ON_GROUPS.contains(&role_type.as_str()) {
        let embedded = role.embedded_groups().map(<[_]>::to_vec);
        targets::<GroupTarget>(work, holder, &id, Targets::Groups, embedded).await?
    } else {
        Vec::new()
    };
    let apps = if ON_APPS.contains(&role_type.as_str()) {
        let embedded = role.embedded_apps().map(<[_]>::to_vec);
        targets::<AppTarget>(work, holder, &id, Targets::Apps, embedded).await?
    } else {
        Vec::new()
    };
    let mut groups: Vec<_> = groups.into_iter().map(|group| group.id).collect();
    let mut apps: Vec<_> = apps.into_iter().map(scope).collect();
    groups.sort();
    apps.sort();
    let custom = role.role.zip(role.resource_set).filter(|_| role_type == CUSTOM);
    Ok(HeldRole {
        id,
        label: role.label.unwrap_or_else(|| role_type.clone()),
        role_type,
        status: role.status.unwrap_or_else(|| "ACTIVE".to_owned()),
        groups,
        apps,
        custom: custom.map(|(role, set)| CustomGrant { role, set }),
    })
}

/// What a role is narrowed to: what Okta embedded, or, where that is nothing or may not be whole, the list of its own.
async fn targets<T: serde::de::DeserializeOwned>(
    work: &mut Work<'_>,
    holder: &Principal,
    assignment: &str,
    kind: Targets,
    embedded: Option<Vec<T>>,
) -> Result<Vec<T>, okta::Error> {
    if let Some(embedded) = embedded.filter(|targets| targets.len() < WHOLE_BELOW) {
        return Ok(embedded);
    }
    let page = match whole::<T>(work, &api::list_role_targets(holder, assignment, kind)).await {
        // What a client's role is narrowed to decides nothing about people.
        Err(okta::Error::Api(refusal)) if refusal.is_absence() && matches!(holder, Principal::Client(_)) => {
            return Ok(Vec::new());
        }
        other => other?,
    };
    work.tell_all_bad("admin", page.bad);
    Ok(page.items)
}

fn scope(target: AppTarget) -> AppScope {
    match target.id {
        Some(id) => AppScope::App { id, label: target.name },
        None => AppScope::Integration {
            label: target.display_name.unwrap_or_else(|| target.name.clone()),
            name: target.name,
        },
    }
}
