//! Users as the operator sees and arranges them.

use axum::body::Bytes;
use axum::extract::{Path, State as Held};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Door, Reply, ok, parse, refuse};
use crate::random::Id;
use crate::tenant::Tenant;
use crate::tenant::factor::{Factor, FactorKind};
use crate::tenant::user::Status;

/// `GET /_sim/users/{id}`
pub async fn show(Held(shared): Door, Path(key): Path<String>) -> Reply {
    let tenant = &shared.state().tenant;
    ok(&json(tenant, find(tenant, &key)?))
}

fn find(tenant: &Tenant, key: &str) -> Result<Id, Response> {
    tenant.find(key).map_err(|_| refuse(StatusCode::NOT_FOUND, "no user has this id or login"))
}

fn json(tenant: &Tenant, id: Id) -> Value {
    let Some(user) = tenant.users.get(&id) else { return Value::Null };
    let apps: Vec<_> = tenant.apps.values().filter(|app| tenant.is_assigned(app, user)).map(|app| app.id).collect();
    let factor = |factor: &Factor| {
        let (kind, provider, _) = factor.kind.row();
        json!({ "id": factor.id, "factorType": kind, "provider": provider })
    };
    json!({
        "id": user.id, "status": user.status, "profile": user.profile, "groups": user.groups, "apps": apps,
        "factors": user.factors.iter().map(factor).collect::<Vec<_>>(),
        "sessions": user.sessions, "recovery": user.recovery,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arrangement {
    status: Option<String>,
    sessions: Option<usize>,
    recovery: Option<bool>,
    factors: Option<Vec<String>>,
}

/// `POST /_sim/users/{id}`: what is named is so from now on, all or nothing; the log hears of none of it.
pub async fn arrange(Held(shared): Door, Path(key): Path<String>, body: Bytes) -> Reply {
    let wanted: Arrangement = parse(&body)?;
    let mut state = shared.state();
    let tenant = &mut state.tenant;
    let id = find(tenant, &key)?;
    let bad = |message| refuse(StatusCode::BAD_REQUEST, message);
    let status = wanted.status.map(|name| Status::parse(&name).ok_or_else(|| bad("status: one of Okta's eight")));
    let factors =
        wanted.factors.map(|names| names.iter().map(|name| FactorKind::parse(name)).collect::<Option<Vec<_>>>());
    let factors = factors.map(|kinds| kinds.ok_or_else(|| bad("factors: factor types such as push, sms")));
    let (status, factors) = (status.transpose()?, factors.transpose()?);
    if let Some(status) = status {
        tenant.put(id, status);
    }
    if let Some(kinds) = factors {
        tenant.enroll_factors(id, &kinds);
    }
    if let Some(user) = tenant.users.get_mut(&id) {
        user.sessions = wanted.sessions.unwrap_or(user.sessions);
        user.recovery = wanted.recovery.unwrap_or(user.recovery);
    }
    tenant.settle_rules();
    ok(&json(tenant, id))
}
