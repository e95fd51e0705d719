//! What a sync would remove once somebody confirms it.

use super::Listed;
use super::cut;
use crate::app::App;
use crate::id::{ConnectionId, SyncId};
use crate::okta::{AppId, GroupId, UserId};
use crate::problem::Problem;
use crate::store::keys;
use crate::synced::{self, EXCESS_ASSIGNMENTS, EXCESS_MEMBERSHIPS, Group, Objects, Phase, Run, User, each_noted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Something that would be removed.
#[derive(Serialize, JsonSchema)]
pub struct Removal {
    /// `user`, `group`, `app` or `membership`.
    pub kind: &'static str,
    /// Okta's id; of a membership or an assignment, `<group or app>/<user>`.
    pub id: String,
    /// Its name; none of a membership or an assignment.
    pub name: Option<String>,
}

/// Users that a group or an app has here and not in the tenant, as a sync notes them.
#[derive(Deserialize)]
struct Excess {
    holder: Holder,
    users: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Holder {
    Group(String),
    App(String),
}

/// A page of what a run would remove, behind a number.
pub async fn removals(
    app: &App,
    connection: &ConnectionId,
    id: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let id = SyncId::parse(id).ok_or_else(Problem::not_found)?;
    let run = Run::load(&app.store, connection, &id).await?.ok_or_else(Problem::not_found)?;
    let first = after.and_then(|after| after.parse::<usize>().ok()).map_or(0, |after| after + 1);
    let mut found = Vec::new();
    for of in Objects::ALL.into_iter().filter(|of| run.pending_removals.contains_key(&of.phase())) {
        let visit = |ids: Vec<String>| found.extend(ids.into_iter().map(|id| (of.kind(), id)));
        each_noted(&app.store, &run.id, &of.removals(), visit).await?;
    }
    let edges = [
        (Phase::Memberships, EXCESS_MEMBERSHIPS, "membership"),
        (Phase::Assignments, EXCESS_ASSIGNMENTS, "assignment"),
    ];
    for (_, list, kind) in edges.into_iter().filter(|(phase, ..)| run.pending_removals.contains_key(phase)) {
        let visit = |pages: Vec<Excess>| {
            for Excess { holder: Holder::Group(holder) | Holder::App(holder), users } in pages {
                found.extend(users.into_iter().map(|user| (kind, format!("{holder}/{user}"))));
            }
        };
        each_noted(&app.store, &run.id, list, visit).await?;
    }
    let mut items = Vec::new();
    for (place, (kind, id)) in found.into_iter().enumerate().skip(first).take(limit + 1) {
        let name = name(app, connection, kind, &id).await?;
        items.push((place.to_string(), json!(Removal { kind, id, name })));
    }
    Ok(cut(items, limit))
}

async fn name(app: &App, connection: &ConnectionId, kind: &str, id: &str) -> Result<Option<String>, Problem> {
    let key = match kind {
        "user" => UserId::parse(id).ok().map(|id| keys::user(connection, &id)),
        "group" => GroupId::parse(id).ok().map(|id| keys::group(connection, &id)),
        "app" => AppId::parse(id).ok().map(|id| keys::app(connection, &id)),
        _ => None,
    };
    let Some(key) = key else { return Ok(None) };
    let Some(item) = app.store.get(&key).await? else { return Ok(None) };
    Ok(match kind {
        "user" => Some(item.parse::<User>()?.name()),
        "app" => Some(item.parse::<synced::App>()?.label),
        _ => Some(item.parse::<Group>()?.name),
    })
}
