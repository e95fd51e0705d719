//! Who is calling: API tokens, access tokens, and the proofs that belong to them.

mod authorize;
mod jws;
mod keys;
mod proof;
mod sign_ins;
mod token;
mod web_app;

pub use authorize::{Authorize, authorize};
pub use keys::fetch;
pub use token::{TokenRequest, claimed_client, grant, keys_to_fetch};
pub use web_app::revoke;

use std::collections::HashMap;

use axum::http::{HeaderMap, StatusCode};

use crate::answer::{Refusal, status_code};
use crate::call::Principal;
use crate::faults::ProofFault;
use crate::routes::Route;
use crate::tenant::Tenant;
use crate::tenant::service::ServiceApp;
use crate::tenant::user::Status;
use keys::Keys;
use proof::Expectation;
use sign_ins::SignIns;

/// Algorithms of client assertions and proofs.
const ALGORITHMS: &str = "RS256 RS384 RS512 ES256 ES384 ES512";
/// Prune the memory of expired tokens and ids when it has grown by this many.
const PRUNE: usize = 10_000;

/// What the authorization server remembers.
#[derive(Debug, Default)]
pub struct Gate {
    tokens: HashMap<String, Access>,
    used: HashMap<String, i64>,
    keys: Keys,
    /// Users who signed in to the web app.
    pub sign_ins: SignIns,
}

/// An access token's meaning.
#[derive(Debug, Clone)]
struct Access {
    client: String,
    scopes: Vec<String>,
    expires: i64,
    /// The thumbprint of the key the token is bound to.
    thumbprint: Option<String>,
    /// The user's sign-in it belongs to, if it speaks for a user.
    sign_in: Option<usize>,
}

impl Gate {
    /// Valid access tokens.
    pub fn live_tokens(&self, now: i64) -> usize {
        self.tokens.values().filter(|access| access.expires > now).count()
    }

    /// Forgets fetched keys, because the app has others now.
    pub fn forget_keys(&mut self) {
        self.keys = Keys::default();
    }

    /// Uses up an id until a time; false if it was used already.
    fn use_once(&mut self, id: String, until: i64, now: i64) -> bool {
        if self.used.len() >= PRUNE && self.used.len().is_multiple_of(PRUNE) {
            self.used.retain(|_, until| *until >= now);
        }
        self.used.insert(id, until).is_none_or(|until| until < now)
    }

    fn remember(&mut self, token: String, access: Access, now: i64) {
        if self.tokens.len() >= PRUNE && self.tokens.len().is_multiple_of(PRUNE) {
            self.tokens.retain(|_, access| access.expires > now);
        }
        self.tokens.insert(token, access);
    }
}

/// The headers and the clock an API request is judged by.
#[derive(Debug)]
pub struct Presented<'a> {
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The route, for the challenge's scope and the proof's method.
    pub route: &'a Route,
    /// The path without its query.
    pub path: &'a str,
    /// The server's clock in seconds, with its skew.
    pub seen: i64,
}

/// Finds out who is calling. A proof is used up here, before any limit is looked at.
pub fn authenticate(gate: &mut Gate, tenant: &Tenant, presented: &Presented<'_>) -> Result<Principal, Refusal> {
    let header = presented.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    // SDKs send `SSWS` and the token without a space between (recorded with okta-sdk-python).
    if let Some(token) = header.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("ssws")).map(|_| &header[4..]) {
        return api_token(tenant, token.trim());
    }
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => {
            let access = known(gate, tenant, presented, "Bearer", token)?;
            if access.thumbprint.is_some() {
                let text =
                    "The resource request must use the DPoP authentication scheme when using a DPoP bound token.";
                return Err(challenge(tenant, presented, "DPoP", 400, "invalid_request", text));
            }
            principal(gate, tenant, presented, "Bearer", access)
        }
        "dpop" => {
            let access = known(gate, tenant, presented, "DPoP", token)?;
            prove(gate, tenant, presented, token, access.thumbprint.as_deref())?;
            principal(gate, tenant, presented, "DPoP", access)
        }
        _ => Err(Refusal::code("E0000005")),
    }
}

fn api_token(tenant: &Tenant, token: &str) -> Result<Principal, Refusal> {
    let owner = tenant.users.get(&tenant.org.owner).filter(|owner| owner.is_present());
    match owner {
        Some(owner) if tenant.service.api_token_active && token == tenant.service.credentials.api_token => {
            Ok(Principal {
                actor: owner.party(),
                role: tenant.service.api_token_role,
                scopes: None,
                user: Some(owner.id),
                client: None,
            })
        }
        _ => Err(Refusal::code("E0000011")),
    }
}

/// Whom an access token speaks for; the role is that of this moment.
fn principal(
    gate: &Gate,
    tenant: &Tenant,
    presented: &Presented<'_>,
    scheme: &str,
    access: Access,
) -> Result<Principal, Refusal> {
    let Some(place) = access.sign_in else {
        return Ok(Principal {
            actor: ServiceApp::party(&access.client),
            role: tenant.service.role,
            scopes: Some(access.scopes),
            user: None,
            client: Some(access.client),
        });
    };
    let user = gate.sign_ins.live(place).and_then(|sign_in| tenant.users.get(&sign_in.user));
    let user = user
        .filter(|user| user.status == Status::Active)
        .ok_or_else(|| challenge(tenant, presented, scheme, 401, "invalid_token", "The access token is invalid."))?;
    Ok(Principal {
        actor: user.party(),
        role: tenant.service.web_role,
        scopes: Some(access.scopes),
        user: Some(user.id),
        client: Some(access.client),
    })
}

fn known(
    gate: &Gate,
    tenant: &Tenant,
    presented: &Presented<'_>,
    scheme: &str,
    token: &str,
) -> Result<Access, Refusal> {
    let invalid = |text| challenge(tenant, presented, scheme, 401, "invalid_token", text);
    match gate.tokens.get(token) {
        None => Err(invalid("The access token is invalid.")),
        Some(access) if access.expires <= tenant.clock.now().as_second() => Err(invalid("The token has expired.")),
        Some(access) => Ok(access.clone()),
    }
}

fn prove(
    gate: &mut Gate,
    tenant: &Tenant,
    presented: &Presented<'_>,
    token: &str,
    bound: Option<&str>,
) -> Result<(), Refusal> {
    let Some(thumbprint) = bound else {
        let text = "The presented access_token is not DPoP bound.";
        return Err(challenge(tenant, presented, "DPoP", 401, "invalid_token", text));
    };
    let proofs = proof::headers(presented.headers);
    let [sent] = proofs.as_slice() else {
        return Err(if proofs.is_empty() {
            let text = "The resource request requires a DPoP proof.";
            challenge(tenant, presented, "DPoP", 400, "invalid_request", text)
        } else {
            challenge(tenant, presented, "DPoP", 400, "invalid_dpop_proof", proof::MULTIPLE)
        });
    };
    let url = format!("{}{}", tenant.base, presented.path);
    let wanted = Expectation {
        method: presented.route.method.as_str(),
        url: &url,
        now: presented.seen,
        token: Some((token, thumbprint)),
    };
    let proved = proof::verify(sent, &wanted, gate);
    proved.map(|_| ()).map_err(|text| challenge(tenant, presented, "DPoP", 400, "invalid_dpop_proof", &text))
}

/// Refuses a token whose scopes do not reach; a `manage` scope reaches as far as its `read`.
pub fn require_scope(tenant: &Tenant, presented: &Presented<'_>, principal: &Principal) -> Result<(), Refusal> {
    let Some(scopes) = &principal.scopes else { return Ok(()) };
    let wanted = presented.route.scope;
    let manage = wanted.strip_suffix(".read").map(|area| format!("{area}.manage"));
    if wanted.is_empty() || scopes.iter().any(|scope| scope == wanted || Some(scope) == manage.as_ref()) {
        return Ok(());
    }
    let bound = presented.headers.contains_key("dpop");
    let text = "The access token provided does not contain the required scopes.";
    Err(challenge(tenant, presented, if bound { "DPoP" } else { "Bearer" }, 403, "insufficient_scope", text))
}

fn challenge(
    tenant: &Tenant,
    presented: &Presented<'_>,
    scheme: &str,
    status: u16,
    error: &str,
    description: &str,
) -> Refusal {
    let base = &tenant.base;
    let algorithms = if scheme == "DPoP" { format!("algs=\"{ALGORITHMS}\", ") } else { String::new() };
    let status: StatusCode = status_code(status);
    Refusal::Challenge {
        status,
        challenge: format!(
            "{scheme} {algorithms}authorization_uri=\"{base}/oauth2/v1/authorize\", realm=\"{base}\", scope=\"{}\", \
             error=\"{error}\", error_description=\"{description}\", resource=\"{}\"",
            presented.route.scope, presented.path
        ),
        nonce: None,
    }
}

/// Refuses a valid proof, as a fault wants it.
pub fn refuse_proof(tenant: &Tenant, presented: &Presented<'_>, fault: ProofFault) -> Refusal {
    match fault {
        ProofFault::Nonce => Refusal::Challenge {
            status: StatusCode::UNAUTHORIZED,
            challenge: "DPoP error=\"use_dpop_nonce\", error_description=\"Resource server requires nonce in DPoP \
                        proof\""
                .into(),
            nonce: Some(proof::nonce(&tenant.seal, tenant.clock.now().as_second())),
        },
        ProofFault::Used => challenge(tenant, presented, "DPoP", 400, "invalid_dpop_proof", proof::USED),
    }
}
