//! Universal Logout: the end of everything a user is signed in with.

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::tenant::Tenant;
use crate::tenant::user::User;

/// `POST /oauth2/v1/global-token-revocation`: sessions, the tokens of the web app, and the API tokens the user made.
/// Only the format `opaque` is known here; `iss_sub` is an early access feature.
pub fn revoke_all(tenant: &mut Tenant, call: &Call) -> Outcome {
    let body = call.object()?;
    let subject = body.get("sub_id").cloned().unwrap_or_default();
    if subject["format"] != "opaque" {
        return Err(Refusal::invalid("sub_id", "sub_id: The format is not supported"));
    }
    let id = subject["id"].as_str().map(str::to_owned);
    let id = id.ok_or_else(|| Refusal::invalid("sub_id", "sub_id: The id is missing"))?;
    let user = tenant.user(&id)?.id;
    tenant.clear_sessions(user);
    tenant.signed_out.push(user);
    if user == tenant.org.owner {
        tenant.service.api_token_active = false;
    }
    let party = tenant.users.get(&user).map(User::party);
    tenant.record(call, "user.authentication.universal_logout", party.into_iter().collect());
    Ok(Answer::no_content())
}
