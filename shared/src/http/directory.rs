//! The routes of the function `directory`.

use super::audit::audit;
use super::caller::Caller;
use super::connect::page;
use super::params::{Paging, Params};
use super::path::Path;
use crate::app::App;
use crate::directory::{self, Directory, Listed, PeopleFilter, Rosters, UserFilter};
use crate::problem::Problem;
use crate::store::keys;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use std::sync::Arc;

/// What the routes need.
#[derive(Clone)]
struct Reader {
    app: App,
    rosters: Arc<Rosters>,
}

/// A user's statuses (Management API, `UserStatus`).
const STATUSES: [&str; 8] =
    ["STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED", "DEPROVISIONED"];

type Answer = Result<Json<Value>, Problem>;

/// The router.
pub fn directory(app: App) -> Router {
    let audit = audit(app.clone());
    Router::new()
        .route("/v1/connections/{id}/syncs", get(syncs))
        .route("/v1/connections/{id}/syncs/{sync}", get(sync))
        .route("/v1/connections/{id}/users", get(users))
        .route("/v1/connections/{id}/users/{user}", get(user))
        .route("/v1/connections/{id}/users/{user}/groups", get(user_groups))
        .route("/v1/connections/{id}/groups", get(groups))
        .route("/v1/connections/{id}/groups/{group}", get(group))
        .route("/v1/connections/{id}/groups/{group}/members", get(members))
        .route("/v1/connections/{id}/memberships", get(memberships))
        .route("/v1/connections/{id}/people", get(people))
        .route("/v1/connections/{id}/people/{user}", get(person))
        .route("/v1/connections/{id}/findings", get(findings))
        .with_state(Reader { app, rosters: Arc::default() })
        .merge(audit)
}

/// A page as it is told.
fn list(listed: &Listed, paging: &Paging) -> Json<Value> {
    page(&listed.items, listed.next.as_deref(), paging)
}

/// Opens the directory of a connection that the caller may see.
macro_rules! open {
    ($reader:ident, $caller:ident, $id:ident => $directory:ident) => {
        let stored = $caller.find(&$reader.app, &$id).await?;
        let $directory = Directory::open(&$reader.app, &$reader.rosters, &stored.connection).await?;
    };
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
) -> Answer {
    let stored = caller.find(&reader.app, &id).await?;
    params.none_left()?;
    Ok(Json(directory::sync(&reader.app, &stored.connection.id, &sync).await?))
}

async fn users(caller: Caller, mut params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Answer {
    open!(reader, caller, id => opened);
    let statuses = params.words("status", &STATUSES)?;
    let filter = UserFilter {
        statuses,
        q: params.word("q")?,
        updated_since: params.time("updated_since")?,
        removed: params.flag("removed")?,
    };
    let paging = params.paging()?;
    Ok(list(&directory::users(&opened, &filter, paging.after.as_deref(), paging.limit).await?, &paging))
}

async fn user(
    caller: Caller,
    params: Params,
    Path((id, user)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
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
    Ok(list(&directory::user_groups(&opened, &user, paging.after.as_deref(), paging.limit).await?, &paging))
}

async fn groups(caller: Caller, mut params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Answer {
    open!(reader, caller, id => opened);
    let q = params.word("q")?;
    let listed = if params.flag("removed")? { keys::Listed::Removed } else { keys::Listed::Present };
    let paging = params.paging()?;
    Ok(list(&directory::groups(&opened, q.as_deref(), listed, paging.after.as_deref(), paging.limit).await?, &paging))
}

async fn group(
    caller: Caller,
    params: Params,
    Path((id, group)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
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
    Ok(list(&directory::members(&opened, &group, paging.after.as_deref(), paging.limit).await?, &paging))
}

async fn memberships(caller: Caller, params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    Ok(list(&directory::memberships(&opened, paging.after.as_deref(), paging.limit).await?, &paging))
}

async fn people(caller: Caller, mut params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Answer {
    open!(reader, caller, id => opened);
    let filter = PeopleFilter {
        q: params.word("q")?,
        title: params.word("title")?,
        department: params.word("department")?,
        manager: params.word("manager")?,
    };
    let paging = params.paging()?;
    Ok(list(&directory::people(&opened, &filter, paging.after.as_deref(), paging.limit).await?, &paging))
}

async fn person(
    caller: Caller,
    params: Params,
    Path((id, user)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
    open!(reader, caller, id => opened);
    params.none_left()?;
    Ok(Json(directory::person(&opened, &user).await?))
}

async fn findings(caller: Caller, params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    Ok(list(&directory::findings(&opened, paging.after.as_deref(), paging.limit), &paging))
}
