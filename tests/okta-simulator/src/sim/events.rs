//! Events that the operator writes: they change nothing but the log.

use axum::body::Bytes;
use axum::extract::State as Held;
use axum::http::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use super::{Door, Reply, parse, reply};
use crate::log::{Ending, Entry, Origin, Party, Source, TYPES};
use crate::tenant::Tenant;
use crate::tenant::user::User;

#[derive(Deserialize)]
struct Events {
    count: usize,
    r#type: Option<String>,
    #[serde(default)]
    late_seconds: u32,
    user: Option<String>,
    outcome: Option<String>,
    reason: Option<String>,
    #[serde(flatten)]
    origin: Origin,
}

/// `POST /_sim/events`
pub async fn write(Held(shared): Door, body: Bytes) -> Reply {
    let order: Events = parse(&body)?;
    let state = &mut *shared.state();
    let tenant = &mut state.tenant;
    let mut written = Vec::new();
    for index in 0..order.count {
        let kind = order.r#type.as_deref().unwrap_or(TYPES[index % TYPES.len()].0);
        let (actor, subject) = parties(tenant, kind, order.user.as_deref());
        let ending = order.outcome.clone().map(|result| Ending { result, reason: order.reason.clone() });
        written.push(tenant.write(Entry {
            source: Source { origin: order.origin.clone(), ..Source::default() },
            ending: ending.unwrap_or_default(),
            late: SignedDuration::from_secs(i64::from(order.late_seconds)),
            ..Entry::new(kind, actor, vec![subject])
        }));
    }
    shared.tell_hooks(state);
    Ok(reply(StatusCode::CREATED, &json!({ "count": order.count, "uuids": written })))
}

/// Who does it, and to whom: the user named, or someone; people sign in themselves, the rest happens to them.
fn parties(tenant: &mut Tenant, kind: &str, named: Option<&str>) -> (Party, Party) {
    if let Some(named) = named {
        let known = tenant.find(named).ok().and_then(|id| tenant.users.get(&id)).map(User::party);
        let party = known.unwrap_or_else(|| unknown(named));
        return (party.clone(), party);
    }
    let subject = tenant.anyone(|_| {}).unwrap_or_else(|| tenant.system());
    let actor = if kind.starts_with("user.session") { subject.clone() } else { tenant.system() };
    (actor, subject)
}

/// Someone who tried to sign in and is nobody here.
fn unknown(login: &str) -> Party {
    Party { id: "unknown".into(), kind: "User", alternate: login.to_owned(), name: "unknown".into() }
}
