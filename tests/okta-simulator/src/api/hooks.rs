//! Event hooks: who is told of what happens.
//!
//! Verifying one asks its address, which takes time: [`verify`] only looks whether that may be tried, and [`verified`]
//! comes when the address has answered.

use serde_json::Value;

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::random::Id;
use crate::tenant::Tenant;
use crate::tenant::hook::{Channel, Draft, Hook, MOST_ACTIVE, refused};

fn find<'t>(tenant: &'t mut Tenant, id: &str) -> Result<&'t mut Hook, Refusal> {
    Id::parse(id).and_then(|id| tenant.hooks.get_mut(&id)).ok_or_else(|| Refusal::missing(id, "Webhook"))
}

/// `GET /api/v1/eventHooks`
#[expect(clippy::unnecessary_wraps, reason = "the type of a handler")]
pub fn list(tenant: &mut Tenant, _: &Call) -> Outcome {
    Ok(Answer::ok(tenant.hooks.values().map(|hook| hook.json(&tenant.base)).collect()))
}

/// `GET /api/v1/eventHooks/{id}`
pub fn get(tenant: &mut Tenant, call: &Call) -> Outcome {
    show(tenant, call.param("id"))
}

fn show(tenant: &mut Tenant, id: &str) -> Outcome {
    let base = tenant.base.clone();
    Ok(Answer::ok(find(tenant, id)?.json(&base)))
}

/// Refuses one more active hook than there may be.
fn room(tenant: &Tenant) -> Result<(), Refusal> {
    let active = tenant.hooks.values().filter(|hook| hook.active).count();
    if active < MOST_ACTIVE { Ok(()) } else { Err(refused(vec!["An organization has at most 25 active hooks".into()])) }
}

/// `POST /api/v1/eventHooks`
pub fn create(tenant: &mut Tenant, call: &Call) -> Outcome {
    let draft = Draft::parse(&call.object()?, None)?;
    room(tenant)?;
    let (id, now) = (tenant.ids.next(*b"who"), tenant.stamp());
    let hook = Hook {
        id,
        draft,
        active: true,
        verified: false,
        created: now,
        created_by: call.principal.actor.id.clone(),
        last_updated: now,
    };
    tenant.hooks.insert(id, hook);
    show(tenant, id.as_str())
}

/// `PUT /api/v1/eventHooks/{id}`
pub fn replace(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (body, now) = (call.object()?, tenant.stamp());
    let hook = find(tenant, call.param("id"))?;
    let draft = Draft::parse(&body, Some(&hook.draft.channel))?;
    hook.replace(draft, now);
    match body.get("status").and_then(Value::as_str) {
        Some("ACTIVE") => hook.active = true,
        Some("INACTIVE") => hook.active = false,
        _ => {}
    }
    get(tenant, call)
}

/// `DELETE /api/v1/eventHooks/{id}`: only an inactive one. Okta describes a 403 for the rest, not its code.
pub fn delete(tenant: &mut Tenant, call: &Call) -> Outcome {
    let hook = find(tenant, call.param("id"))?;
    if hook.active {
        return Err(Refusal::code("E0000006"));
    }
    let id = hook.id;
    tenant.hooks.remove(&id);
    Ok(Answer::no_content())
}

/// `POST /api/v1/eventHooks/{id}/lifecycle/activate`
pub fn activate(tenant: &mut Tenant, call: &Call) -> Outcome {
    if !find(tenant, call.param("id"))?.active {
        room(tenant)?;
    }
    turn(tenant, call, true)
}

/// `POST /api/v1/eventHooks/{id}/lifecycle/deactivate`
pub fn deactivate(tenant: &mut Tenant, call: &Call) -> Outcome {
    turn(tenant, call, false)
}

fn turn(tenant: &mut Tenant, call: &Call, active: bool) -> Outcome {
    let now = tenant.stamp();
    let hook = find(tenant, call.param("id"))?;
    if hook.active != active {
        (hook.active, hook.last_updated) = (active, now);
    }
    get(tenant, call)
}

/// `POST /api/v1/eventHooks/{id}/lifecycle/verify`, before the address is asked. An inactive hook has no such link.
pub fn verify(tenant: &mut Tenant, call: &Call) -> Outcome {
    let hook = find(tenant, call.param("id"))?;
    if hook.active { get(tenant, call) } else { Err(unverified(&hook.draft.name)) }
}

/// Where a hook is to be asked.
pub fn channel(tenant: &mut Tenant, id: &str) -> Result<Channel, Refusal> {
    Ok(find(tenant, id)?.draft.channel.clone())
}

/// The same once the address has been asked, and has proven itself or not.
pub fn verified(tenant: &mut Tenant, id: &str, asked: &Channel, proven: bool) -> Outcome {
    let now = tenant.stamp();
    let hook = find(tenant, id)?;
    if !proven || hook.draft.channel != *asked {
        return Err(unverified(&hook.draft.name));
    }
    (hook.verified, hook.last_updated) = (true, now);
    show(tenant, id)
}

fn unverified(name: &str) -> Refusal {
    refused(vec![format!("Unable to verify event hook. Hook {name} execution failed")])
}
