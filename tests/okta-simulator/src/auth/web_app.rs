//! The web app: its secret, and what it gets for a code and for a refresh token.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::json;

use super::Gate;
use super::jws::sha256;
use super::keys::invalid_client;
use super::proof::Proof;
use super::token::{Granted, TokenRequest, binding, issue, lookalike, require_form};
use crate::Dpop;
use crate::answer::{Answer, Outcome, Refusal, status_code};
use crate::tenant::Tenant;
use crate::tenant::service::Rotation;
use crate::tenant::user::{Status, User};

/// How long an ID token lives.
const HOUR: i64 = 3600;
const BAD_CODE: &str = "The authorization code is invalid or has expired.";
const BAD_TOKEN: &str = "The refresh token is invalid or expired.";

/// Refuses whoever is not the web app.
fn authenticate(tenant: &Tenant, request: &TokenRequest) -> Result<(), Refusal> {
    let ids = &tenant.service.credentials;
    let posted = request.field("client_secret");
    if request.field("client_assertion").is_some() || (posted.is_some() && request.basic.is_some()) {
        return Err(Refusal::oauth(400, "invalid_request", "Cannot supply multiple client credentials."));
    }
    let (id, secret) = match (&request.basic, posted) {
        (Some((id, secret)), _) => (id.as_str(), secret.as_str()),
        (None, Some(secret)) => (request.field("client_id").unwrap_or_default(), secret),
        (None, None) => return Err(invalid_client("No client credentials found.")),
    };
    if id == ids.client_id {
        let text = "The client is not authorized to use the provided grant type.";
        return Err(Refusal::oauth(400, "unauthorized_client", text));
    }
    let named = request.field("client_id").is_none_or(|named| named == id);
    if id != ids.web_client_id || !named {
        return Err(invalid_client("Invalid value for 'client_id' parameter."));
    }
    verify_slices_are_equal(secret.as_bytes(), ids.client_secret.as_bytes())
        .map_err(|_| invalid_client("The client secret supplied for a confidential client is invalid."))
}

fn invalid_grant(description: &str) -> Refusal {
    Refusal::oauth(400, "invalid_grant", description)
}

/// The proof the token will be bound to. The web app does not insist on one, but honours it, unless proofs are off.
fn bound(gate: &mut Gate, tenant: &Tenant, request: &TokenRequest) -> Result<Option<Proof>, Refusal> {
    let dpop = if tenant.service.dpop == Dpop::Off { Dpop::Off } else { Dpop::Optional };
    binding(gate, tenant, request, dpop)
}

/// `grant_type=authorization_code`. The code is used up only after client and proof were found good, so that it
/// survives the request for a nonce.
pub fn exchange(gate: &mut Gate, tenant: &mut Tenant, request: &TokenRequest) -> Outcome {
    authenticate(tenant, request)?;
    let proof = bound(gate, tenant, request)?;
    let now = tenant.clock.now().as_second();
    let code = request.field("code").and_then(|code| gate.sign_ins.take(code, now));
    let code = code.ok_or_else(|| invalid_grant(BAD_CODE))?;
    if request.field("redirect_uri") != Some(&code.redirect_uri) {
        return Err(invalid_grant("The 'redirect_uri' does not match the redirection URI used in the authorization."));
    }
    if code.challenge != request.field("code_verifier").map(sha256) {
        return Err(invalid_grant("PKCE verification failed."));
    }
    active(tenant, code.sign_in.user).ok_or_else(|| invalid_grant(BAD_CODE))?;
    let scopes = code.sign_in.scopes.clone();
    let place = gate.sign_ins.open(code.sign_in);
    let refresh = scopes.iter().any(|scope| scope == "offline_access");
    let refresh = if refresh { RefreshToken::New } else { RefreshToken::None };
    answer(gate, tenant, request, place, scopes, refresh, proof).ok_or_else(|| invalid_grant(BAD_CODE))
}

/// `grant_type=refresh_token`.
pub fn refresh(gate: &mut Gate, tenant: &mut Tenant, request: &TokenRequest) -> Outcome {
    authenticate(tenant, request)?;
    let proof = bound(gate, tenant, request)?;
    let now = tenant.clock.now().as_second();
    let rotate = tenant.service.refresh_rotation == Rotation::Rotate;
    let place = request.field("refresh_token").and_then(|token| gate.sign_ins.refresh(token, now, rotate));
    let place = place.ok_or_else(|| invalid_grant(BAD_TOKEN))?;
    let granted = gate.sign_ins.live(place).map(|sign_in| sign_in.scopes.clone()).unwrap_or_default();
    let scopes = match request.field("scope") {
        None => granted,
        Some(asked) if asked.split(' ').all(|scope| granted.iter().any(|has| has == scope)) => {
            asked.split(' ').map(str::to_owned).collect()
        }
        Some(_) => {
            let text = "The requested scope exceeds the scope granted by the resource owner.";
            return Err(Refusal::oauth(400, "invalid_scope", text));
        }
    };
    let shown = request.field("refresh_token").unwrap_or_default().to_owned();
    let refresh = if rotate { RefreshToken::New } else { RefreshToken::Same(shown) };
    answer(gate, tenant, request, place, scopes, refresh, proof).ok_or_else(|| invalid_grant(BAD_TOKEN))
}

/// Which refresh token comes with an access token.
enum RefreshToken {
    None,
    New,
    /// A persistent one comes with each answer.
    Same(String),
}

fn active(tenant: &Tenant, user: crate::random::Id) -> Option<&User> {
    tenant.users.get(&user).filter(|user| user.status == Status::Active)
}

/// The tokens of a sign-in; none if its user may not sign in any more.
fn answer(
    gate: &mut Gate,
    tenant: &mut Tenant,
    request: &TokenRequest,
    place: usize,
    scopes: Vec<String>,
    refresh: RefreshToken,
    proof: Option<Proof>,
) -> Option<Answer> {
    let sign_in = gate.sign_ins.live(place)?.clone();
    let (id, subject) = active(tenant, sign_in.user).map(|user| (user.id, user.login().to_owned()))?;
    let client = tenant.service.credentials.web_client_id.clone();
    let mut more = Vec::new();
    match refresh {
        RefreshToken::None => {}
        RefreshToken::Same(token) => more.push(("refresh_token", token)),
        RefreshToken::New => {
            let token = tenant.random.text(43);
            gate.sign_ins.issue(token.clone(), place);
            more.push(("refresh_token", token));
        }
    }
    if scopes.iter().any(|scope| scope == "openid") {
        let claims = json!({
            "ver": 1, "iss": tenant.base, "aud": client, "sub": id, "nonce": sign_in.nonce,
            "iat": request.seen, "exp": request.seen + HOUR, "auth_time": sign_in.at, "preferred_username": subject,
        });
        more.push(("id_token", lookalike(tenant, "JWT", &claims)));
    }
    Some(issue(gate, tenant, request, Granted { client, subject, scopes, sign_in: Some(place), more }, proof))
}

/// The endpoint that takes a token back; one that nobody knows is as good as taken back.
pub fn revoke(gate: &mut Gate, tenant: &Tenant, request: &TokenRequest) -> Outcome {
    require_form(request)?;
    authenticate(tenant, request)?;
    let Some(token) = request.field("token") else {
        return Err(Refusal::oauth(400, "invalid_request", "The 'token' parameter is missing."));
    };
    gate.sign_ins.revoke(token);
    gate.tokens.remove(token);
    Ok(Answer::empty(status_code(200)))
}
