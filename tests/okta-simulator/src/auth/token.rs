//! The token endpoint: `client_credentials` with a signed assertion, and the access tokens that every grant makes.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::jws::Jws;
use super::keys::invalid_client;
use super::proof::{self, Expectation, Proof};
use super::{Access, Gate, web_app};
use crate::Dpop;
use crate::answer::{Answer, Outcome, Refusal};
use crate::faults::Effects;
use crate::tenant::Tenant;

/// How long an access token lives, and the longest an assertion may.
const HOUR: i64 = 3600;
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A request to the token endpoint.
#[derive(Debug)]
pub struct TokenRequest {
    /// The form, or nothing if the body was not one.
    pub form: Option<HashMap<String, String>>,
    /// The `DPoP` headers.
    pub proofs: Vec<String>,
    /// The id and the secret sent in `Authorization: Basic`.
    pub basic: Option<(String, String)>,
    /// The server's clock in seconds, with its skew.
    pub seen: i64,
}

impl TokenRequest {
    /// A field of the form; an empty one counts as absent.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form.as_ref()?.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn assertion(&self) -> Option<Jws> {
        Jws::parse(self.field("client_assertion")?)
    }
}

/// Where keys must be fetched from before the request can be judged.
pub fn keys_to_fetch(gate: &Gate, tenant: &Tenant, request: &TokenRequest, effects: &Effects) -> Option<String> {
    let assertion = request.assertion()?;
    let known = assertion.claims["iss"] == tenant.service.credentials.client_id;
    let now = tenant.clock.now().as_second();
    let kid = assertion.header["kid"].as_str();
    known.then(|| gate.keys.wanted(&tenant.service, kid, now, effects.jwks_stale)).flatten()
}

/// The client a request claims to be, if there is one like it.
pub fn claimed_client(tenant: &Tenant, request: &TokenRequest) -> Option<String> {
    let ids = &tenant.service.credentials;
    let assertion = request.assertion();
    let named = request.basic.as_ref().map(|basic| basic.0.as_str()).or(request.field("client_id"));
    let claimed = assertion.as_ref().and_then(|jws| jws.claims["iss"].as_str()).or(named)?;
    [&ids.client_id, &ids.web_client_id].into_iter().find(|id| *id == claimed).cloned()
}

impl Gate {
    /// Keeps keys that were fetched.
    pub fn store_keys(&mut self, set: Option<Value>, now: i64) {
        self.keys.store(set, now);
    }
}

/// Answers a request.
pub fn grant(gate: &mut Gate, tenant: &mut Tenant, request: &TokenRequest, effects: &Effects) -> Outcome {
    require_form(request)?;
    match request.field("grant_type") {
        None => Err(Refusal::oauth(400, "invalid_request", "The grant_type parameter is missing.")),
        Some("client_credentials") => {
            authenticate_client(gate, tenant, request, effects)?;
            let proof = binding(gate, tenant, request, tenant.service.dpop)?;
            let scopes = scopes(tenant, request, effects)?;
            let client = tenant.service.credentials.client_id.clone();
            let granted = Granted { subject: client.clone(), client, scopes, sign_in: None, more: Vec::new() };
            Ok(issue(gate, tenant, request, granted, proof))
        }
        Some("authorization_code") => web_app::exchange(gate, tenant, request),
        Some("refresh_token") => web_app::refresh(gate, tenant, request),
        Some(_) => {
            let text = "The authorization grant type is not supported by the authorization server.";
            Err(Refusal::oauth(400, "unsupported_grant_type", text))
        }
    }
}

/// Refuses a body that is no form.
pub fn require_form(request: &TokenRequest) -> Result<(), Refusal> {
    let text = "The Content-Type of the request must be application/x-www-form-urlencoded.";
    request.form.as_ref().map(|_| ()).ok_or_else(|| Refusal::oauth(400, "invalid_request", text))
}

fn authenticate_client(
    gate: &mut Gate,
    tenant: &Tenant,
    request: &TokenRequest,
    effects: &Effects,
) -> Result<(), Refusal> {
    let ids = &tenant.service.credentials;
    if request.field("client_assertion").is_none() {
        return Err(match request.field("client_id") {
            Some(id) if id == ids.web_client_id => invalid_client(
                "Only clients with 'application_type' of 'service' may use the client_credentials 'grant_type' with the Org Authorization Server.",
            ),
            _ if request.basic.is_some() || request.field("client_secret").is_some() => invalid_client(
                "Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.",
            ),
            Some(id) if id != ids.client_id => invalid_client("Invalid value for 'client_id' parameter."),
            _ => invalid_client("No client credentials found."),
        });
    }
    if request.field("client_assertion_type") != Some(ASSERTION) {
        return Err(Refusal::oauth(400, "invalid_request", "The client_assertion_type is invalid."));
    }
    if request.basic.is_some() || request.field("client_secret").is_some() {
        return Err(Refusal::oauth(400, "invalid_request", "Cannot supply multiple client credentials."));
    }
    let assertion = request.assertion().ok_or_else(|| invalid_client("The parsing of the client_assertion failed."))?;
    check_claims(tenant, request, &assertion.claims)?;
    if !assertion.is_known_algorithm() {
        return Err(invalid_client("The client_assertion JWT signature algorithm is invalid."));
    }
    if effects.key_revoked {
        return Err(invalid_client("The client_assertion JWT kid is invalid."));
    }
    let key = gate.keys.choose(&tenant.service, &assertion.header)?;
    if !assertion.is_signed_by(&key) {
        return Err(invalid_client("The client_assertion signature is invalid."));
    }
    let expires = assertion.claims["exp"].as_i64().unwrap_or(request.seen);
    match assertion.claims["jti"].as_str() {
        Some(id) if !gate.use_once(format!("assertion {id}"), expires, request.seen) => {
            Err(invalid_client("The client_assertion token has already been used."))
        }
        _ => Ok(()),
    }
}

fn check_claims(tenant: &Tenant, request: &TokenRequest, claims: &Value) -> Result<(), Refusal> {
    let client = tenant.service.credentials.client_id.as_str();
    let endpoint = format!("{}/oauth2/v1/token", tenant.base);
    let audience =
        claims["aud"].as_array().map_or_else(|| claims["aud"] == endpoint, |all| all.contains(&json!(endpoint)));
    let expires = claims["exp"].as_i64();
    let faults = [
        (claims["iss"] != client, "The issuer claim for client_assertion is not a valid client_id."),
        (claims["sub"] != client, "The subject claim for client_assertion is not a valid client_id."),
        (request.field("client_id").is_some_and(|id| id != client), "Invalid value for 'client_id' parameter."),
        (!audience, "The audience claim for client_assertion must be the endpoint invoked for the request."),
        (expires.is_none(), "The client_assertion token must contain the 'exp' claim as seconds since epoch."),
        (expires.is_some_and(|at| at <= request.seen), "The client_assertion token is expired."),
        (
            expires.is_some_and(|at| at > request.seen + HOUR),
            "The client_assertion token has an expiration too far into the future.",
        ),
        (
            claims.get("iat").is_some_and(|at| at.as_f64().is_none_or(|at| at.floor() > exact(request.seen))),
            "The client_assertion token must be issued before the current time.",
        ),
    ];
    faults.iter().find(|fault| fault.0).map_or(Ok(()), |fault| Err(invalid_client(fault.1)))
}

/// Seconds as a float; exact for as long as there are fewer than 2^53 of them.
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a double exactly")]
fn exact(seconds: i64) -> f64 {
    seconds as f64
}

/// The proof the token will be bound to, if it will be.
pub fn binding(gate: &mut Gate, tenant: &Tenant, request: &TokenRequest, dpop: Dpop) -> Result<Option<Proof>, Refusal> {
    let invalid = |text: &str| Refusal::oauth(400, "invalid_dpop_proof", text);
    let sent = match (dpop, request.proofs.as_slice()) {
        (Dpop::Off, _) | (Dpop::Optional, []) => return Ok(None),
        (Dpop::Required, []) => return Err(invalid("The DPoP proof JWT header is missing.")),
        (_, [sent]) => sent,
        _ => return Err(invalid(proof::MULTIPLE)),
    };
    let url = format!("{}/oauth2/v1/token", tenant.base);
    let wanted = Expectation { method: "POST", url: &url, now: request.seen, token: None };
    let proved = proof::verify(sent, &wanted, gate).map_err(|text| invalid(&text))?;
    let now = tenant.clock.now().as_second();
    if proved.nonce.as_deref().is_some_and(|nonce| proof::is_good_nonce(&tenant.seal, nonce, now)) {
        return Ok(Some(proved));
    }
    Err(Refusal::OAuth {
        status: crate::answer::status_code(400),
        error: "use_dpop_nonce",
        description: "Authorization server requires nonce in DPoP proof.".into(),
        nonce: Some(proof::nonce(&tenant.seal, now)),
    })
}

fn scopes(tenant: &Tenant, request: &TokenRequest, effects: &Effects) -> Result<Vec<String>, Refusal> {
    let invalid = |text: &str| Refusal::oauth(400, "invalid_scope", text);
    let asked: Vec<&str> = request.field("scope").unwrap_or_default().split_ascii_whitespace().collect();
    if asked.is_empty() {
        return Err(invalid("No scopes were requested."));
    }
    if asked.contains(&"openid") {
        return Err(invalid("Cannot request 'openid' scopes using client credentials."));
    }
    // The suffix is a scope's, not a file's.
    if asked.iter().any(|scope| scope.rsplit('.').next() == Some("self")) {
        return Err(invalid("The 'client_credentials' grant type may not request .self scopes."));
    }
    let is_granted = |scope: &&str| tenant.service.scopes.iter().any(|granted| granted == scope);
    let granted: Vec<String> = asked.iter().copied().filter(|scope| is_granted(scope)).map(str::to_owned).collect();
    if granted.len() < asked.len() && (granted.is_empty() || !effects.drop_ungranted) {
        return Err(invalid("One or more scopes are not configured for the authorization server resource."));
    }
    Ok(granted)
}

/// What a grant gives.
#[derive(Debug)]
pub struct Granted {
    /// The client.
    pub client: String,
    /// Whom the token speaks for: a user's login, or the client itself.
    pub subject: String,
    /// The scopes.
    pub scopes: Vec<String>,
    /// The place of the user's sign-in.
    pub sign_in: Option<usize>,
    /// What else the answer holds.
    pub more: Vec<(&'static str, String)>,
}

/// A token that looks like a JWT, although only its text means anything.
pub fn lookalike(tenant: &mut Tenant, kind: &str, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "kid": "sim", "typ": kind, "alg": "RS256" });
    format!("{}.{}.{}", part(&header), part(claims), tenant.random.text(342))
}

/// Makes an access token and the answer it is in.
pub fn issue(
    gate: &mut Gate,
    tenant: &mut Tenant,
    request: &TokenRequest,
    granted: Granted,
    proof: Option<Proof>,
) -> Answer {
    let Granted { client, subject, scopes, sign_in, more } = granted;
    let mut claims = json!({
        "ver": 1, "jti": format!("AT.{}", tenant.random.text(43)), "iss": tenant.base, "aud": tenant.base,
        "sub": subject, "iat": request.seen, "exp": request.seen + HOUR, "cid": client, "scp": scopes,
    });
    let kind = if proof.is_some() { "DPoP" } else { "Bearer" };
    if let Some(proof) = &proof {
        claims["cnf"] = json!({ "jkt": proof.thumbprint });
    }
    let token = lookalike(tenant, "application/okta-internal-at+jwt", &claims);
    let mut body = json!({ "token_type": kind, "expires_in": HOUR, "access_token": token, "scope": scopes.join(" ") });
    for (name, value) in more {
        body[name] = value.into();
    }
    let now = tenant.clock.now().as_second();
    let nonce = proof.as_ref().map(|_| proof::nonce(&tenant.seal, now));
    let thumbprint = proof.map(|proof| proof.thumbprint);
    gate.remember(token, Access { client, scopes, expires: now + HOUR, thumbprint, sign_in }, now);
    nonce.into_iter().fold(Answer::ok(body), |answer, nonce| answer.header("dpop-nonce", nonce))
}
