//! How a user signs in, as administrators see and change it: factors, sessions, forgotten passwords.
//!
//! These endpoints take a user's id and nothing else.

use serde_json::{Value, json};

use super::lifecycle::{nothing, subject};
use super::users::tell;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::random::Id;
use crate::tenant::Tenant;
use crate::tenant::user::Status;

/// The user a call names by its id, with its status.
fn identified(tenant: &Tenant, call: &Call) -> Result<(Id, Status), Refusal> {
    tenant.user(call.param("id"))?;
    subject(tenant, call)
}

/// `GET /api/v1/users/{id}/factors`
pub fn factors(tenant: &mut Tenant, call: &Call) -> Outcome {
    let user = tenant.user(call.param("id"))?;
    Ok(Answer::ok(user.factors.iter().map(|factor| factor.json(user, &tenant.base)).collect()))
}

/// `GET /api/v1/users/{id}/factors/{factor}`
pub fn factor(tenant: &mut Tenant, call: &Call) -> Outcome {
    let user = tenant.user(call.param("id"))?;
    let wanted = call.param("factor");
    let factor = user.factors.iter().find(|factor| factor.id.as_str() == wanted);
    factor
        .map(|factor| Answer::ok(factor.json(user, &tenant.base)))
        .ok_or_else(|| Refusal::missing(wanted, "UserFactor"))
}

/// `DELETE /api/v1/users/{id}/factors/{factor}`
pub fn unenroll(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = identified(tenant, call)?;
    if status == Status::Deprovisioned {
        return Err(Refusal::code("E0000038"));
    }
    let gone = tenant.unenroll(id, call.param("factor"));
    if gone.is_empty() {
        return Err(Refusal::missing(call.param("factor"), "UserFactor"));
    }
    for _ in gone {
        tell(tenant, call, id, "user.mfa.factor.deactivate");
    }
    Ok(Answer::no_content())
}

/// `DELETE /api/v1/users/{id}/sessions`
pub fn clear_sessions(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, _) = identified(tenant, call)?;
    end_sessions(tenant, call, id);
    Ok(Answer::no_content())
}

/// Ends a user's sessions and tells the log.
pub fn end_sessions(tenant: &mut Tenant, call: &Call, id: Id) {
    tenant.clear_sessions(id);
    tell(tenant, call, id, "user.session.clear");
}

/// `POST /api/v1/users/{id}/credentials/forgot_password`: the status stays as it is.
pub fn forgot_password(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = identified(tenant, call)?;
    let recoverable = tenant.users.get(&id).is_some_and(|user| user.recovery);
    if !recoverable || !matches!(status, Status::Active | Status::PasswordExpired) {
        return Err(Refusal::code("E0000034"));
    }
    tell(tenant, call, id, "user.account.reset_password");
    if call.flag("sendEmail", true) {
        return Ok(nothing());
    }
    let url: Value = format!("{}/signin/reset-password/{}", tenant.base, tenant.random.text(20)).into();
    Ok(Answer::ok(json!({ "resetPasswordUrl": url })))
}
