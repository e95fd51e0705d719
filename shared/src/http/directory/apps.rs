//! The routes of apps and assignments, and of what is known of profiles.

use super::selection::{APPS, selection, selects};
use super::{Answer, Reader, list};
use crate::connection::Stream;
use crate::directory::{self, AppUser, Directory, NamedFilter, ProfileSchema, UserApp};
use crate::http::caller::Caller;
use crate::http::params::Params;
use crate::http::path::Path;
use crate::http::route::{Of, Operation, Routes};
use crate::problem::Problem;
use crate::synced::App;
use axum::Json;
use axum::extract::State;

/// An app's statuses (Management API, `ApplicationLifecycleStatus`).
const STATUSES: [&str; 3] = ["ACTIVE", "INACTIVE", "DELETED"];

/// The routes.
pub(super) fn routes() -> Routes<Reader> {
    Routes::new("Directory")
        .on(
            selects(
                Operation::get(
                    "/v1/connections/{id}/apps",
                    "listApps",
                    "List apps, the inactive ones and Okta's own among them.",
                ),
                &directory::NAMED_SORTS,
            )
            .query("status", Of::Words(&STATUSES), "Only apps with one of these statuses.")
            .query("q", Of::Word, "Only apps of whose label a word begins so.")
            .query("removed", Of::Flag, "Those that were removed, instead of those that were not.")
            .lists::<App>(),
            apps,
        )
        .on(Operation::get("/v1/connections/{id}/apps/{app}", "getApp", "Read an app, by id.").answers::<App>(200), app)
        .on(
            Operation::get("/v1/connections/{id}/apps/{app}/users", "listAppUsers", "List who is assigned to an app.")
                .lists::<AppUser>(),
            app_users,
        )
        .on(
            Operation::get("/v1/connections/{id}/users/{user}/apps", "listUserApps", "List the apps of a user.")
                .lists::<UserApp>(),
            user_apps,
        )
        .on(
            Operation::get(
                "/v1/connections/{id}/schema",
                "getSchema",
                "Read the user types, and what people call the attributes of profiles that are not Okta's own.",
            )
            .answers::<ProfileSchema>(200),
            schema,
        )
}

async fn apps(caller: Caller, mut params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Answer {
    open!(reader, caller, id => opened);
    let filter = NamedFilter {
        q: params.word("q")?,
        statuses: params.words("status", &STATUSES)?,
        removed: params.flag("removed")?,
        selection: selection(&mut params, &directory::NAMED_SORTS, &APPS)?,
    };
    let paging = params.paging()?;
    let apps = directory::apps(&opened, &filter, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Apps, apps), &paging))
}

async fn app(
    caller: Caller,
    params: Params,
    Path((id, app)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Result<Json<App>, Problem> {
    open!(reader, caller, id => opened);
    params.none_left()?;
    Ok(Json(directory::app(&opened, &app).await?))
}

async fn app_users(
    caller: Caller,
    params: Params,
    Path((id, app)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let users = directory::app_users(&opened, &app, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Apps, users), &paging))
}

async fn user_apps(
    caller: Caller,
    params: Params,
    Path((id, user)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let user = directory::find_user(&opened, &user).await?;
    let apps = directory::user_apps(&opened, &user, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Apps, apps), &paging))
}

async fn schema(
    caller: Caller,
    params: Params,
    Path(id): Path<String>,
    State(reader): State<Reader>,
) -> Result<Json<ProfileSchema>, Problem> {
    open!(reader, caller, id => opened);
    params.none_left()?;
    Ok(Json(directory::schema(&opened)))
}
