//! The life of a user: what each operation is allowed from, what it leads to, and how it refuses.

use serde_json::{Value, json};

use super::access::end_sessions;
use super::users::{show, tell};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::random::Id;
use crate::role::Role;
use crate::tenant::Tenant;
use crate::tenant::user::Status;

/// The user a call is about, with its status.
pub fn subject(tenant: &Tenant, call: &Call) -> Result<(Id, Status), Refusal> {
    let id = tenant.find(call.param("id"))?;
    let status = tenant.users.get(&id).map_or(Status::Deprovisioned, |user| user.status);
    // A Help Desk Administrator may not touch administrators.
    if call.principal.role == Some(Role::HelpDeskAdmin) && id == tenant.org.owner {
        return Err(Refusal::code("E0000006"));
    }
    Ok((id, status))
}

/// 200 with nothing in it.
pub fn nothing() -> Answer {
    Answer::ok(json!({}))
}

/// A link with a token, or nothing if it was mailed.
fn activation(tenant: &mut Tenant, call: &Call, mailed: bool) -> Answer {
    if call.flag("sendEmail", mailed) {
        return nothing();
    }
    let token = tenant.random.text(20);
    Answer::ok(json!({ "activationUrl": format!("{}/tokens/{token}/verify", tenant.base), "activationToken": token }))
}

/// `POST …/activate`
pub fn activate(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = subject(tenant, call)?;
    if !matches!(status, Status::Staged | Status::Deprovisioned) {
        return Err(Refusal::code("E0000016"));
    }
    tenant.change(id, |user, now| {
        user.status = if user.password { Status::Active } else { Status::Provisioned };
        user.activated = Some(now);
        user.status_changed = Some(now);
    });
    tell(tenant, call, id, "user.lifecycle.activate");
    Ok(activation(tenant, call, true))
}

/// `POST …/reactivate`
pub fn reactivate(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = subject(tenant, call)?;
    if !matches!(status, Status::Provisioned | Status::Recovery) {
        return Err(Refusal::code("E0000038"));
    }
    tell(tenant, call, id, "user.lifecycle.reactivate");
    Ok(activation(tenant, call, false))
}

/// `POST …/deactivate`
pub fn deactivate(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = subject(tenant, call)?;
    // Undocumented for users who are gone already; the general code for a wrong status is the likeliest.
    if status == Status::Deprovisioned {
        return Err(Refusal::code("E0000038"));
    }
    tenant.deactivate(id, call);
    Ok(nothing())
}

/// `DELETE /api/v1/users/{id}`: the first call deactivates, the second removes; they look the same.
pub fn delete(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = subject(tenant, call)?;
    if status == Status::Deprovisioned {
        tell(tenant, call, id, "user.lifecycle.delete.initiated");
        tell(tenant, call, id, "user.lifecycle.delete.completed");
        tenant.delete(id);
    } else {
        tenant.deactivate(id, call);
    }
    Ok(Answer::no_content())
}

/// `POST …/suspend`
pub fn suspend(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = subject(tenant, call)?;
    if status != Status::Active {
        return Err(Refusal::invalid(
            "Cannot suspend a user that is not active",
            "Cannot suspend a user that is not active",
        ));
    }
    tenant.set_status(id, Status::Suspended);
    tell(tenant, call, id, "user.lifecycle.suspend");
    Ok(nothing())
}

/// `POST …/unsuspend`
pub fn unsuspend(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = subject(tenant, call)?;
    if status != Status::Suspended {
        let text = "Cannot unsuspend a user that is not suspended";
        return Err(Refusal::invalid(text, text));
    }
    tenant.set_status(id, Status::Active);
    tell(tenant, call, id, "user.lifecycle.unsuspend");
    Ok(nothing())
}

/// `POST …/unlock`
pub fn unlock(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = subject(tenant, call)?;
    if status != Status::LockedOut {
        return Err(Refusal::because("E0000032", "The user is not locked out."));
    }
    tenant.set_status(id, Status::Active);
    tell(tenant, call, id, "user.account.unlock");
    Ok(nothing())
}

/// Whether a user has or will have a password to deal with.
fn has_account(status: Status) -> bool {
    !matches!(status, Status::Staged | Status::Suspended | Status::Deprovisioned)
}

/// `POST …/expire_password`: answers the user with the old `statusChanged`, as Okta does.
pub fn expire_password(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = subject(tenant, call)?;
    if !has_account(status) {
        return Err(Refusal::code("E0000038"));
    }
    let stale = tenant.users.get(&id).and_then(|user| user.status_changed);
    tenant.set_status(id, Status::PasswordExpired);
    tell(tenant, call, id, "user.account.expire_password");
    let mut shown = show(tenant, id);
    shown["statusChanged"] = json!(stale);
    Ok(Answer::ok(shown))
}

/// `POST …/expire_password_with_temp_password`
pub fn expire_with_temporary(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = subject(tenant, call)?;
    if !has_account(status) {
        return Err(Refusal::code("E0000038"));
    }
    tenant.change(id, |user, now| {
        user.status = Status::PasswordExpired;
        user.status_changed = Some(now);
        user.password_changed = Some(now);
        user.password = true;
    });
    tell(tenant, call, id, "user.account.expire_password");
    if call.flag("revokeSessions", false) {
        end_sessions(tenant, call, id);
    }
    Ok(Answer::ok(json!({ "tempPassword": tenant.random.text(12) })))
}

/// `POST …/reset_password`
pub fn reset_password(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = subject(tenant, call)?;
    if call.query("sendEmail").is_none() {
        return Err(Refusal::because("E0000028", "The sendEmail parameter is required."));
    }
    if !has_account(status) {
        return Err(Refusal::code("E0000017"));
    }
    tenant.set_status(id, Status::Recovery);
    tell(tenant, call, id, "user.account.reset_password");
    if call.flag("revokeSessions", false) {
        end_sessions(tenant, call, id);
    }
    if call.flag("sendEmail", true) {
        return Ok(nothing());
    }
    let url: Value = format!("{}/reset_password/{}", tenant.base, tenant.random.text(20)).into();
    Ok(Answer::ok(json!({ "resetPasswordUrl": url })))
}

/// `POST …/reset_factors`: succeeds also where no factor is enrolled.
pub fn reset_factors(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = subject(tenant, call)?;
    if status == Status::Deprovisioned {
        return Err(Refusal::code("E0000038"));
    }
    tenant.enroll_factors(id, &[]);
    tell(tenant, call, id, "user.mfa.factor.reset_all");
    Ok(nothing())
}
