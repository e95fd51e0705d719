//! Owners of groups.

use axum::http::StatusCode;
use serde_json::Value;

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::page::Page;
use crate::random::Id;
use crate::tenant::Tenant;
use crate::tenant::admin::Holder;
use crate::tenant::group::{Group, GroupKind};
use crate::tenant::owner::{Occasion, Owner};
use crate::tenant::terms::Governance;

/// Owners on a page.
const OWNERS: usize = 1000;

/// The group that a path names, if the organization may have owners at all.
fn owned(tenant: &Tenant, call: &Call) -> Result<Id, Refusal> {
    match tenant.terms.governance {
        Governance::Licensed => Ok(tenant.group(call.param("id"))?.id),
        Governance::FeatureMissing => Err(Refusal::code("E0000015")),
        Governance::Forbidden => Err(Refusal::code("E0000006")),
        Governance::NotFound => Err(Refusal::code("E0000008")),
    }
}

/// `GET /api/v1/groups/{id}/owners`
pub fn list(tenant: &mut Tenant, call: &Call) -> Outcome {
    let group = owned(tenant, call)?;
    let page = Page::of(call, &tenant.seal, OWNERS, OWNERS, "E0000029")?;
    let mut owners = tenant.owners.get(&group).cloned().unwrap_or_default();
    owners.sort_by_key(|owner| owner.who.id());
    let after = page.after.as_deref().and_then(Id::parse);
    let owners = owners.iter().filter(|owner| after.is_none_or(|after| owner.who.id() > after));
    let items = owners.map(|owner| (owner.who.id().to_string(), tenant.owner_json(owner, Occasion::Listed)));
    Ok(page.answer(call, &tenant.seal, &tenant.base, items))
}

/// `POST /api/v1/groups/{id}/owners`
pub fn add(tenant: &mut Tenant, call: &Call) -> Outcome {
    let group = owned(tenant, call)?;
    if tenant.group(group.as_str())?.kind == GroupKind::BuiltIn {
        return Err(Refusal::code("E0000111"));
    }
    let body = call.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let who = match text("type") {
        "USER" => Holder::User(tenant.user(text("id"))?.id),
        "GROUP" => Holder::Group(tenant.group(text("id"))?.id),
        _ => return Err(Refusal::invalid("type", "type: must be USER or GROUP")),
    };
    // How a second time is refused is not documented.
    if !tenant.add_owner(group, who) {
        return Err(Refusal::invalid("id", "id: The owner is already assigned to the group"));
    }
    record(tenant, call, group, who);
    let owner = Owner { who, since: tenant.stamp() };
    Ok(Answer::with(StatusCode::CREATED, tenant.owner_json(&owner, Occasion::Added)))
}

/// `DELETE /api/v1/groups/{id}/owners/{owner}`
pub fn remove(tenant: &mut Tenant, call: &Call) -> Outcome {
    let group = owned(tenant, call)?;
    let id = call.param("owner");
    let removed = Id::parse(id).and_then(|owner| tenant.remove_owner(group, owner));
    let who = removed.ok_or_else(|| Refusal::missing(id, "GroupOwner"))?;
    record(tenant, call, group, who);
    Ok(Answer::no_content())
}

/// One event for both; which targets it has is not documented, these are the two it is about.
fn record(tenant: &mut Tenant, call: &Call, group: Id, who: Holder) {
    let group = tenant.groups.get(&group).map(Group::party);
    let owner = tenant.holder_party(who);
    tenant.record(call, "resource.owner.update", [group, owner].into_iter().flatten().collect());
}
