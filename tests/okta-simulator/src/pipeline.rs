//! What happens to a request under the lock: who is calling, how often, with what right, and then its handler.
//!
//! The order is Okta's as far as it can be seen from outside: a proof is used up before a limit is looked at, a limit
//! comes before a missing scope, a missing scope before a missing role.

use std::collections::HashMap;
use std::net::IpAddr;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, request::Parts};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use url::form_urlencoded;

use crate::answer::{Answer, Outcome, Refusal};
use crate::api::{departed, meta};
use crate::auth::{self, Authorize, Presented, TokenRequest};
use crate::call::{Address, Call, Principal};
use crate::clock::moved;
use crate::deliveries;
use crate::faults::{Effects, Ordered, Throttle};
use crate::limits::Quota;
use crate::log::Party;
use crate::routes::{Kind, Route};
use crate::state::{Shared, State};

/// The principal of whoever did not say who they are.
const ANONYMOUS: &str = "anonymous";

/// A request and everything known about it before it is judged.
#[derive(Debug)]
pub struct Exchange {
    /// The endpoint.
    pub route: &'static Route,
    /// Method, URL and headers.
    pub parts: Parts,
    /// The path's parameters.
    pub params: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// What faults do.
    pub effects: Effects,
    /// The id sent back.
    pub request_id: String,
}

/// An answer and the headers it needs.
#[derive(Debug)]
pub struct Reply {
    /// The answer.
    pub answer: Answer,
    /// The caller's limit.
    pub quota: Quota,
    /// Whom the limit is counted for.
    pub principal: String,
}

/// Answers a request; only fetching keys and asking an event hook's address happen outside the lock.
pub async fn answer(shared: &Shared, exchange: Exchange) -> Reply {
    if exchange.route.kind == Kind::Token {
        let wanted = {
            let state = shared.state();
            let request = token_request(&state, &exchange);
            auth::keys_to_fetch(&state.gate, &state.tenant, &request, &exchange.effects)
        };
        if let Some(uri) = wanted {
            let set = auth::fetch(&shared.http, &uri).await;
            let mut state = shared.state();
            let now = state.tenant.clock.now().as_second();
            state.gate.store_keys(set, now);
        }
    }
    let asked = exchange.params.iter().find(|_| exchange.route.kind == Kind::Verify).map(|(_, id)| id.clone());
    let mut reply = {
        let state = &mut *shared.state();
        let reply = judge(state, exchange);
        shared.tell_hooks(state);
        reply
    };
    if let Some(hook) = asked.filter(|_| reply.answer.status.is_success()) {
        let outcome = deliveries::verify(shared, &hook).await;
        reply.answer = concluded(&mut shared.state(), outcome);
    }
    reply
}

fn judge(state: &mut State, exchange: Exchange) -> Reply {
    let now = state.tenant.clock.now();
    let skew = SignedDuration::from_secs(exchange.effects.skew);
    let caller = identify(state, &exchange, moved(now, skew));
    let principal = label(state, &exchange, &caller);
    let (mut quota, within) = state.limits.spend(&principal, exchange.route.bucket, now.as_second());
    quota.reset += exchange.effects.skew;
    let outcome = if let Some(refused) = throttled(&exchange.effects, &mut quota, within, now) {
        state.rate_limited += 1;
        Err(refused)
    } else {
        perform(state, exchange, caller, now)
    };
    Reply { answer: concluded(state, outcome), quota, principal }
}

/// Carries a request out, unless it is ordered that something else is answered; or does both.
fn perform(state: &mut State, exchange: Exchange, caller: Result<Principal, Refusal>, now: Timestamp) -> Outcome {
    let kind = exchange.route.kind;
    let ordered = exchange.effects.status.clone();
    let answered = |state: &mut State, ordered: &Ordered| Ok(ordered.answer(kind, &error_id(state)));
    if let Some(ordered) = ordered.as_ref().filter(|ordered| !ordered.after) {
        return answered(state, ordered);
    }
    let outcome = if matches!(kind, Kind::Token | Kind::Authorize | Kind::Revoke) {
        sign_in(state, &exchange)
    } else {
        caller.and_then(|caller| serve(state, exchange, caller, now))
    };
    // Okta may fail after it has made a change (articulate#162 had E0000009 for writes).
    ordered.map_or(outcome, |ordered| answered(state, &ordered))
}

fn concluded(state: &mut State, outcome: Outcome) -> Answer {
    let error_id = error_id(state);
    outcome.unwrap_or_else(|refusal| refusal.answer(&error_id))
}

fn error_id(state: &mut State) -> String {
    format!("oae{}", state.tenant.random.text(22))
}

/// What the endpoints of OAuth answer.
fn sign_in(state: &mut State, exchange: &Exchange) -> Outcome {
    if let Some(error) = &exchange.effects.token_error {
        return Ok(error.answer());
    }
    let request = token_request(state, exchange);
    match exchange.route.kind {
        Kind::Authorize => {
            let request = authorize_request(exchange);
            Ok(auth::authorize(&mut state.gate, &mut state.tenant, &request, &exchange.effects))
        }
        Kind::Revoke => auth::revoke(&mut state.gate, &state.tenant, &request),
        _ => auth::grant(&mut state.gate, &mut state.tenant, &request, &exchange.effects),
    }
}

/// Who is calling, for endpoints that want to know.
fn identify(state: &mut State, exchange: &Exchange, seen: Timestamp) -> Result<Principal, Refusal> {
    if exchange.route.kind.is_open() {
        let actor = Party { id: ANONYMOUS.into(), kind: "User", alternate: ANONYMOUS.into(), name: ANONYMOUS.into() };
        return Ok(Principal { actor, role: None, scopes: None, user: None, client: None });
    }
    let presented = presented(exchange, seen);
    let caller = auth::authenticate(&mut state.gate, &state.tenant, &presented)?;
    match exchange.effects.proof {
        Some(fault) => Err(auth::refuse_proof(&state.tenant, &presented, fault)),
        None => Ok(caller),
    }
}

fn presented(exchange: &Exchange, seen: Timestamp) -> Presented<'_> {
    Presented {
        headers: &exchange.parts.headers,
        route: exchange.route,
        path: exchange.parts.uri.path(),
        seen: seen.as_second(),
    }
}

/// Whom the limit is counted for: the API token, an app, or nobody in particular.
fn label(state: &State, exchange: &Exchange, caller: &Result<Principal, Refusal>) -> String {
    let client = match (exchange.route.kind, caller) {
        (Kind::Token | Kind::Revoke, _) => auth::claimed_client(&state.tenant, &token_request(state, exchange)),
        (Kind::Authorize, _) => authorize_request(exchange).field("client_id").map(str::to_owned),
        (Kind::Open, _) | (_, Err(_)) => None,
        (_, Ok(caller)) => Some(caller.client.clone().unwrap_or_else(|| "api_token".into())),
    };
    client.unwrap_or_else(|| ANONYMOUS.into())
}

/// A 429, ordered or earned.
fn throttled(effects: &Effects, quota: &mut Quota, within: bool, now: Timestamp) -> Option<Refusal> {
    match effects.throttle {
        Some(Throttle::Concurrency) => {
            *quota = Quota { limit: 0, remaining: 0, reset: now.as_second() + effects.skew + 5 };
        }
        Some(Throttle::Rate(seconds)) => {
            quota.remaining = 0;
            quota.reset = seconds.map_or(quota.reset, |seconds| now.as_second() + effects.skew + seconds);
        }
        None if within => return None,
        None => {}
    }
    Some(Refusal::code("E0000047"))
}

/// Checks what the caller may do and calls the handler.
fn serve(state: &mut State, exchange: Exchange, principal: Principal, now: Timestamp) -> Outcome {
    let Exchange { route, ref parts, ref effects, .. } = exchange;
    let has_length = ["content-length", "transfer-encoding"].iter().any(|name| parts.headers.contains_key(*name));
    if matches!(parts.method, Method::POST | Method::PUT) && !has_length {
        return Err(Refusal::Gateway(StatusCode::LENGTH_REQUIRED));
    }
    let seen = moved(now, SignedDuration::from_secs(effects.skew));
    if route.kind != Kind::Open {
        auth::require_scope(&state.tenant, &presented(&exchange, seen), &principal)?;
    }
    let allowed = principal.role.map_or(route.need == crate::role::Permission::None, |role| role.allows(route.need));
    let hidden = effects.empty_list && route.kind == Kind::List;
    let call = call(exchange, principal);
    if route.kind == Kind::List && (hidden || !allowed) {
        return Ok(meta::empty(&state.tenant, &call));
    }
    if route.kind != Kind::Open && !allowed {
        return Err(Refusal::code("E0000006"));
    }
    departed::refuse(&state.tenant, route, &call)?;
    let outcome = (route.run)(&mut state.tenant, &call);
    state.tenant.settle_rules();
    for user in state.tenant.signed_out.drain(..) {
        state.gate.sign_ins.end(user);
    }
    outcome
}

fn call(exchange: Exchange, principal: Principal) -> Call {
    let headers = &exchange.parts.headers;
    Call {
        principal,
        json: text(headers, "content-type").starts_with("application/json"),
        user_agent: text(headers, "user-agent").to_owned(),
        ip: exchange.parts.extensions.get::<IpAddr>().map(IpAddr::to_string),
        address: Address {
            path: exchange.parts.uri.path().to_owned(),
            query: pairs(exchange.parts.uri.query().unwrap_or_default().as_bytes()).collect(),
        },
        params: exchange.params,
        body: exchange.body,
        request_id: exchange.request_id,
        effects: exchange.effects,
    }
}

fn authorize_request(exchange: &Exchange) -> Authorize {
    Authorize { query: pairs(exchange.parts.uri.query().unwrap_or_default().as_bytes()).collect() }
}

fn token_request(state: &State, exchange: &Exchange) -> TokenRequest {
    let headers = &exchange.parts.headers;
    let is_form = text(headers, "content-type").starts_with("application/x-www-form-urlencoded");
    TokenRequest {
        form: is_form.then(|| pairs(&exchange.body).collect::<HashMap<_, _>>()),
        proofs: headers.get_all("dpop").iter().map(|value| value.to_str().unwrap_or_default().to_owned()).collect(),
        basic: text(headers, "authorization").strip_prefix("Basic ").map(|sent| basic(sent).unwrap_or_default()),
        seen: state.tenant.clock.now().as_second() + exchange.effects.skew,
    }
}

/// The id and the secret of a `Basic` header, each of which is sent as in a form (RFC 6749, 2.3.1).
fn basic(sent: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(sent.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |text: &str| pairs(text.as_bytes()).next().map(|pair| pair.0).unwrap_or_default();
    Some((decoded(id), decoded(secret)))
}

fn pairs(text: &[u8]) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(text).into_owned()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
