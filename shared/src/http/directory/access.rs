//! The routes of admin roles, owners, and who can grant what.

use super::{Answer, Reader, list};
use crate::connection::Stream;
use crate::directory::{self, Access, AdminRole, Directory, Granter, OwnerName};
use crate::http::caller::Caller;
use crate::http::params::Params;
use crate::http::path::Path;
use crate::http::route::{Of, Operation, Routes};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;

/// The routes.
pub(super) fn routes() -> Routes<Reader> {
    Routes::new("Directory")
        .on(
            Operation::get(
                "/v1/connections/{id}/admins",
                "listAdmins",
                "List the admin roles that users, groups and OAuth clients hold. A group stands for its members.",
            )
            .lists::<AdminRole>(),
            admins,
        )
        .on(
            Operation::get(
                "/v1/connections/{id}/users/{user}/admin-roles",
                "listUserAdminRoles",
                "List the admin roles of a user: the user's own, and those of the user's groups.",
            )
            .lists::<AdminRole>(),
            admin_roles,
        )
        .on(
            Operation::get("/v1/connections/{id}/groups/{group}/owners", "listGroupOwners", "List the owners of a group.")
                .lists::<OwnerName>(),
            owners,
        )
        .on(
            Operation::get(
                "/v1/connections/{id}/apps/{app}/granters",
                "listAppGranters",
                "List who can give an app to a user, and why: by a role for the app, or by adding the user to a group that \
                    has it.",
            )
            .lists::<Granter>(),
            app_granters,
        )
        .on(
            Operation::get(
                "/v1/connections/{id}/groups/{group}/granters",
                "listGroupGranters",
                "List who can add a member to a group, and why.",
            )
            .lists::<Granter>(),
            group_granters,
        )
        .on(
            Operation::get(
                "/v1/connections/{id}/users/{user}/apps/{app}/why",
                "explainAccess",
                "Read why a user has an app, as far as the directory knows; nothing is asked of Okta.",
            )
            .query("offline", Of::Flag, "Okta is not asked, whatever this says.")
            .answers::<Access>(200),
            why,
        )
}

async fn admins(caller: Caller, params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let admins = directory::admins(&opened, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Admins, admins), &paging))
}

async fn admin_roles(
    caller: Caller,
    params: Params,
    Path((id, user)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let roles = directory::admin_roles(&opened, &user, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Admins, roles), &paging))
}

async fn owners(
    caller: Caller,
    params: Params,
    Path((id, group)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let owners = directory::owners(&opened, &group, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Owners, owners), &paging))
}

async fn app_granters(
    caller: Caller,
    params: Params,
    Path((id, app)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let granters = directory::app_granters(&opened, &app, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Admins, granters), &paging))
}

async fn group_granters(
    caller: Caller,
    params: Params,
    Path((id, group)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let granters = directory::group_granters(&opened, &group, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Admins, granters), &paging))
}

async fn why(
    caller: Caller,
    mut params: Params,
    Path((id, user, app)): Path<(String, String, String)>,
    State(reader): State<Reader>,
) -> Result<Json<Access>, Problem> {
    open!(reader, caller, id => opened);
    params.flag("offline")?;
    params.none_left()?;
    Ok(Json(directory::why(&opened, &user, &app).await?))
}
