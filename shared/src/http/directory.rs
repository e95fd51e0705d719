//! The routes of the function `directory`.

/// Opens the directory of a connection that the caller may see.
macro_rules! open {
    ($reader:ident, $caller:ident, $id:ident => $directory:ident) => {
        let stored = $caller.find(&$reader.app, &$id).await?;
        let $directory = Directory::open(&$reader.app, &$reader.rosters, &stored.connection).await?;
    };
}

mod access;
mod apps;
mod people;
mod search;
mod selection;

use super::audit::audit;
use super::caller::Caller;
use super::events::events;
use super::export::Export;
use super::params::{Paging, Params};
use super::path::Path;
use super::route::{Of, Operation, Routes};
use crate::app::App;
use crate::connection::Stream;
use crate::directory::{self, Directory, Listed, Managing, Membership, NamedFilter, Removal, Rosters, UserFilter};
use crate::problem::{Kind, Problem};
use crate::synced::{Group, SyncRun, User};
use axum::extract::State;
use axum::response::Response;
use axum::{Json, Router};
use selection::{selection, selects};
use serde_json::Value;
use std::sync::Arc;

/// What the routes need.
#[derive(Clone)]
pub(super) struct Reader {
    app: App,
    rosters: Arc<Rosters>,
}

/// A user's statuses (Management API, `UserStatus`).
const STATUSES: [&str; 8] =
    ["STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED", "DEPROVISIONED"];

/// Removed users are in no roster.
const NOT_OF_REMOVED: &str =
    "The query parameters 'filter', 'sort' and 'count' do not go with removed=true; leave them out.";

type Answer = Result<Json<Value>, Problem>;
/// A page that may be a file.
type Exported = Result<Response, Problem>;

/// The router.
pub fn directory(app: App) -> Router {
    let others = audit(app.clone()).merge(events(app.clone()));
    routes().with_state(Reader { app, rosters: Arc::default() }).merge(others)
}

/// The routes, those of the audit aside.
pub(super) fn routes() -> Routes<Reader> {
    Routes::new("Syncs")
        .on(
            Operation::get("/v1/connections/{id}/syncs", "listSyncs", "List the syncs of a connection, newest first.")
                .lists::<SyncRun>(),
            syncs,
        )
        .on(
            Operation::get("/v1/connections/{id}/syncs/{sync}", "getSync", "Read a sync, and how far it is.")
                .answers::<SyncRun>(200),
            sync,
        )
        .on(
            Operation::get(
                "/v1/connections/{id}/syncs/{sync}/removals",
                "listRemovals",
                "List what a sync would remove once somebody confirms it.",
            )
            .lists::<Removal>(),
            removals,
        )
        .and(of_users())
        .and(of_groups())
        .and(access::routes())
        .and(apps::routes())
        .and(people::routes())
        .and(search::routes())
}

fn of_users() -> Routes<Reader> {
    Routes::new("Directory")
        .on(
            selects(
                Operation::get("/v1/connections/{id}/users", "listUsers", "List users of all statuses."),
                &directory::SORTS,
            )
            .query("status", Of::Words(&STATUSES), "Only users with one of these statuses.")
            .query("q", Of::Word, "Only users of whose name, login or email a word begins so.")
            .query("updated_since", Of::Time, "Only users that were stored at or after this moment.")
            .query("removed", Of::Flag, "Those that were removed, instead of those that were not.")
            .exports::<User>(),
            users,
        )
        .on(
            Operation::get("/v1/connections/{id}/users/{user}", "getUser", "Read a user, by id or login.")
                .answers::<User>(200),
            user,
        )
        .on(
            Operation::get("/v1/connections/{id}/users/{user}/groups", "listUserGroups", "List the groups of a user.")
                .lists::<Group>(),
            user_groups,
        )
}

fn of_groups() -> Routes<Reader> {
    Routes::new("Directory")
        .on(
            selects(
                Operation::get("/v1/connections/{id}/groups", "listGroups", "List groups."),
                &directory::NAMED_SORTS,
            )
            .query("q", Of::Word, "Only groups of whose name a word begins so.")
            .query("removed", Of::Flag, "Those that were removed, instead of those that were not.")
            .exports::<Group>(),
            groups,
        )
        .on(
            Operation::get("/v1/connections/{id}/groups/{group}", "getGroup", "Read a group, by id.")
                .answers::<Group>(200),
            group,
        )
        .on(
            Operation::get(
                "/v1/connections/{id}/groups/{group}/members",
                "listMembers",
                "List the members of a group.",
            )
            .lists::<User>(),
            members,
        )
        .on(
            Operation::get(
                "/v1/connections/{id}/groups/{group}/managers",
                "listManagers",
                "List the managers of a group's members, those of most members first.",
            )
            .lists::<Managing>(),
            managers,
        )
        .on(
            Operation::get(
                "/v1/connections/{id}/memberships",
                "listMemberships",
                "List who is in which group; the group of all users is left out.",
            )
            .exports::<Membership>(),
            memberships,
        )
}

/// A page as it is answered.
fn list(listed: &Listed, paging: &Paging) -> Json<Value> {
    Json(listed.json(|place| paging.cursor(place)))
}

async fn syncs(caller: Caller, params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Answer {
    let stored = caller.find(&reader.app, &id).await?;
    let paging = params.paging()?;
    Ok(list(
        &directory::syncs(&reader.app, &stored.connection.id, paging.after.as_deref(), paging.limit).await?,
        &paging,
    ))
}

async fn sync(
    caller: Caller,
    params: Params,
    Path((id, sync)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Result<Json<SyncRun>, Problem> {
    let stored = caller.find(&reader.app, &id).await?;
    params.none_left()?;
    Ok(Json(directory::sync(&reader.app, &stored.connection.id, &sync).await?))
}

async fn removals(
    caller: Caller,
    params: Params,
    Path((id, sync)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
    let stored = caller.find(&reader.app, &id).await?;
    let paging = params.paging()?;
    let (connection, after) = (&stored.connection.id, paging.after.as_deref());
    Ok(list(&directory::removals(&reader.app, connection, &sync, after, paging.limit).await?, &paging))
}

async fn users(caller: Caller, mut params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Exported {
    open!(reader, caller, id => opened);
    let statuses = params.words("status", &STATUSES)?;
    let filter = UserFilter {
        statuses,
        q: params.word("q")?,
        updated_since: params.time("updated_since")?,
        removed: params.flag("removed")?,
        selection: selection(&mut params, &directory::SORTS, &selection::USERS)?,
    };
    if filter.removed && !filter.selection.is_plain() {
        return Err(Problem::new(Kind::BadRequest, NOT_OF_REMOVED));
    }
    let export = Export::of(params)?;
    let users = directory::users(&opened, &filter, export.after(), export.paging.limit).await?;
    Ok(export.tell::<User>(&opened.of(Stream::Users, users)))
}

async fn user(
    caller: Caller,
    params: Params,
    Path((id, user)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Result<Json<User>, Problem> {
    open!(reader, caller, id => opened);
    params.none_left()?;
    Ok(Json(directory::user(&opened, &user).await?))
}

async fn user_groups(
    caller: Caller,
    params: Params,
    Path((id, user)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let user = directory::find_user(&opened, &user).await?;
    let groups = directory::user_groups(&opened, &user, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Groups, groups), &paging))
}

async fn groups(caller: Caller, mut params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Exported {
    open!(reader, caller, id => opened);
    let filter = NamedFilter {
        q: params.word("q")?,
        statuses: Vec::new(),
        removed: params.flag("removed")?,
        selection: selection(&mut params, &directory::NAMED_SORTS, &selection::GROUPS)?,
    };
    let export = Export::of(params)?;
    let groups = directory::groups(&opened, &filter, export.after(), export.paging.limit).await?;
    Ok(export.tell::<Group>(&opened.of(Stream::Groups, groups)))
}

async fn group(
    caller: Caller,
    params: Params,
    Path((id, group)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Result<Json<Group>, Problem> {
    open!(reader, caller, id => opened);
    params.none_left()?;
    Ok(Json(directory::group(&opened, &group).await?))
}

async fn members(
    caller: Caller,
    params: Params,
    Path((id, group)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let members = directory::members(&opened, &group, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Groups, members), &paging))
}

async fn managers(
    caller: Caller,
    params: Params,
    Path((id, group)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let managers = directory::managers(&opened, &group, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Groups, managers), &paging))
}

async fn memberships(caller: Caller, params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Exported {
    open!(reader, caller, id => opened);
    let export = Export::of(params)?;
    let memberships = directory::memberships(&opened, export.after(), export.paging.limit).await?;
    Ok(export.tell::<Membership>(&opened.of(Stream::Groups, memberships)))
}
