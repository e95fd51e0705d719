//! Faults an operator orders, and what they do to one request.
//!
//! A fault concerns requests of its method whose path starts with its prefix and which it can harm at all: `empty_list`
//! waits for a listing, `key_revoked` for the token endpoint. `times` counts only those. `hooks` concerns no request but
//! each event that waits for an event hook, whatever its method and path; `times` counts these.

pub mod odd;
mod status;

pub use status::{Ordered, TokenError};

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::random::Random;
use crate::routes::Kind;
use odd::{Oddity, Target};

/// An order as the operator sends it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    #[serde(flatten)]
    fault: Fault,
    #[serde(default)]
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    times: Option<u32>,
}

/// What goes wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
enum Fault {
    Latency {
        ms: u64,
    },
    Status(Ordered),
    Drop {
        when: When,
    },
    Truncate {
        bytes: usize,
    },
    Skew {
        seconds: i64,
    },
    EmptyList,
    CutList {
        after: usize,
    },
    RateLimit {
        seconds: Option<i64>,
    },
    Concurrency,
    KeyRevoked,
    JwksStale,
    Hooks(Chances),
    UngrantedScopes {
        mode: Ungranted,
    },
    /// A page has one more record (okta-mcp-server#48: one bad record poisons the page).
    OddRecords {
        kind: Oddity,
    },
    /// The first record of a page cannot be read any more (okta-sdk-python#574).
    Mangle {
        kind: Oddity,
    },
    /// No cursor is taken: of a search that Okta ends (okta-sdk-dotnet#323), or of any list (API.md, paging).
    RefuseCursor {
        #[serde(default)]
        cursor: bool,
    },
    /// The API wants a nonce in the proof (RFC 9449, section 9).
    Nonce,
    /// A proof counts as used although it is new (terraform-provider-okta#2392).
    ProofUsed,
    /// The token endpoint answers an OAuth error (Okta's list of OAuth errors; cloudflare-docs#31322).
    TokenError(TokenError),
}

/// How likely it is that an event, on its way to a hook, is lost, comes once more, or changes its place.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Chances {
    /// It is never delivered.
    #[serde(deserialize_with = "likelihood")]
    pub drop: f64,
    /// It is delivered again later.
    #[serde(deserialize_with = "likelihood")]
    pub double: f64,
    /// It changes places with one that waits.
    #[serde(deserialize_with = "likelihood")]
    pub shuffle: f64,
}

fn likelihood<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(D::Error::custom("a likelihood is between 0 and 1")) }
}

/// When a connection is cut: before the request did anything, or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Nothing has changed in the tenant.
    Before,
    /// The change is made, only its answer is lost.
    After,
}

/// What the token endpoint does with a scope the app was not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ungranted {
    /// Refuse the whole request.
    Fail,
    /// Leave the scope out.
    Drop,
}

/// Why a valid proof is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofFault {
    /// It has no nonce.
    Nonce,
    /// It was used before.
    Used,
}

/// What is known of a request when faults are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// The method.
    pub method: &'a str,
    /// The path as sent.
    pub path: &'a str,
    /// What the endpoint is.
    pub kind: Kind,
    /// Whether it has an `after` parameter.
    pub cursor: bool,
    /// Whether it has a DPoP proof.
    pub proof: bool,
}

/// A refusal that looks like a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// The rate limit: nothing remains until the window ends, which may be ordered to be in so many seconds.
    Rate(Option<i64>),
    /// The concurrency limit: limit and remaining are 0.
    Concurrency,
}

/// Everything the faults in force do to one request.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
pub struct Effects {
    /// Time to wait before anything else.
    pub latency: Duration,
    /// A status to answer with.
    pub status: Option<Ordered>,
    /// An error of the token endpoint.
    pub token_error: Option<TokenError>,
    /// Why the proof is refused although it is valid.
    pub proof: Option<ProofFault>,
    /// Odd records of a page.
    pub odd: Vec<(Target, Oddity)>,
    /// Cut the connection.
    pub drop: Option<When>,
    /// Cut the body after so many bytes.
    pub truncate: Option<usize>,
    /// Seconds the server's clock is off.
    pub skew: i64,
    /// Answer a listing with `[]`.
    pub empty_list: bool,
    /// End a listing after so many items, without a next link.
    pub cut_list: Option<usize>,
    /// Answer 429.
    pub throttle: Option<Throttle>,
    /// No key of the client is known.
    pub key_revoked: bool,
    /// Keys are not fetched again.
    pub jwks_stale: bool,
    /// Ungranted scopes are left out instead of refused.
    pub drop_ungranted: bool,
}

impl Fault {
    /// Whether it happens once where no number of times is ordered.
    fn is_single(&self) -> bool {
        matches!(self, Fault::Nonce | Fault::ProofUsed)
    }

    fn concerns(&self, sent: Sent<'_>) -> bool {
        let kind = sent.kind;
        match self {
            Fault::EmptyList | Fault::OddRecords { .. } | Fault::Mangle { .. } => {
                matches!(kind, Kind::List | Kind::Log)
            }
            Fault::CutList { .. } => kind == Kind::List,
            Fault::RefuseCursor { .. } => sent.cursor,
            Fault::Nonce | Fault::ProofUsed => sent.proof && !kind.is_open(),
            Fault::KeyRevoked | Fault::JwksStale | Fault::TokenError(_) => kind == Kind::Token,
            Fault::UngrantedScopes { .. } => matches!(kind, Kind::Token | Kind::Authorize),
            Fault::Hooks(_) => false,
            _ => true,
        }
    }

    fn apply(&self, effects: &mut Effects) {
        match self {
            Fault::Latency { ms } => effects.latency += Duration::from_millis(*ms),
            Fault::Status(ordered) => effects.status = Some(ordered.clone()),
            Fault::RefuseCursor { cursor } => effects.status = Some(Ordered::refused_cursor(*cursor)),
            Fault::OddRecords { kind } => effects.odd.push((Target::Added, *kind)),
            Fault::Mangle { kind } => effects.odd.push((Target::First, *kind)),
            Fault::Nonce => effects.proof = Some(ProofFault::Nonce),
            Fault::ProofUsed => effects.proof = Some(ProofFault::Used),
            Fault::TokenError(error) => effects.token_error = Some(error.clone()),
            Fault::Drop { when } => effects.drop = Some(*when),
            Fault::Truncate { bytes } => effects.truncate = Some(*bytes),
            Fault::Skew { seconds } => effects.skew += seconds,
            Fault::EmptyList => effects.empty_list = true,
            Fault::CutList { after } => effects.cut_list = Some(*after),
            Fault::RateLimit { seconds } => effects.throttle = Some(Throttle::Rate(*seconds)),
            Fault::Concurrency => effects.throttle = Some(Throttle::Concurrency),
            Fault::KeyRevoked => effects.key_revoked = true,
            Fault::JwksStale => effects.jwks_stale = true,
            Fault::UngrantedScopes { mode } => effects.drop_ungranted = *mode == Ungranted::Drop,
            Fault::Hooks(_) => {}
        }
    }
}

/// The faults in force, oldest first.
#[derive(Debug, Default)]
pub struct Faults {
    orders: Vec<(String, Order)>,
}

impl Faults {
    /// Puts a fault in force; the answer is its id.
    pub fn add(&mut self, mut order: Order, random: &mut Random) -> String {
        let id = format!("flt{}", random.text(17));
        if order.fault.is_single() {
            order.times = order.times.or(Some(1));
        }
        self.orders.push((id.clone(), order));
        id
    }

    /// Ends one fault; false if there is none with this id.
    pub fn remove(&mut self, id: &str) -> bool {
        let before = self.orders.len();
        self.orders.retain(|(known, _)| known != id);
        self.orders.len() < before
    }

    /// Ends all faults.
    pub fn clear(&mut self) {
        self.orders.clear();
    }

    /// The faults in force, as the operator ordered them and with what is left of `times`.
    pub fn list(&self) -> Value {
        let described = |(id, order): &(String, Order)| {
            let mut item = json!(order);
            item["id"] = json!(id);
            item
        };
        self.orders.iter().map(described).collect()
    }

    /// What the faults may do to one event on its way to a hook; counts it against their `times`.
    pub fn chances(&mut self) -> Option<Chances> {
        let mut all: Option<Chances> = None;
        for (_, order) in &mut self.orders {
            let Fault::Hooks(one) = order.fault else { continue };
            if order.times != Some(0) {
                let sum = all.get_or_insert_default();
                sum.drop = sum.drop.max(one.drop);
                sum.double = sum.double.max(one.double);
                sum.shuffle = sum.shuffle.max(one.shuffle);
            }
            order.times = order.times.map(|times| times.saturating_sub(1));
        }
        self.orders.retain(|(_, order)| order.times != Some(0));
        all
    }

    /// What the faults do to a request; counts it against their `times`.
    pub fn take(&mut self, sent: Sent<'_>) -> Effects {
        let mut effects = Effects::default();
        for (_, order) in &mut self.orders {
            let meant = order.method.as_deref().is_none_or(|wanted| wanted == sent.method);
            if !meant || !sent.path.starts_with(&order.path) || !order.fault.concerns(sent) {
                continue;
            }
            if order.times != Some(0) {
                order.fault.apply(&mut effects);
            }
            order.times = order.times.map(|times| times.saturating_sub(1));
        }
        self.orders.retain(|(_, order)| order.times != Some(0));
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(orders: &[Value]) -> Faults {
        let mut faults = Faults::default();
        let mut random = Random::new(1, "faults");
        for order in orders {
            faults.add(serde_json::from_value(order.clone()).expect("a valid order"), &mut random);
        }
        faults
    }

    fn sent<'a>(method: &'a str, path: &'a str, kind: Kind) -> Sent<'a> {
        Sent { method, path, kind, cursor: false, proof: false }
    }

    #[test]
    fn a_fault_counts_only_requests_it_can_harm() {
        let mut faults = faults(&[json!({"fault": "empty_list", "path": "/api/v1/users", "times": 1})]);
        assert!(!faults.take(sent("GET", "/api/v1/groups", Kind::List)).empty_list);
        assert!(!faults.take(sent("GET", "/api/v1/users/1", Kind::One)).empty_list);
        assert!(faults.take(sent("GET", "/api/v1/users", Kind::List)).empty_list);
        assert!(!faults.take(sent("GET", "/api/v1/users", Kind::List)).empty_list);
    }

    #[test]
    fn a_fault_of_a_method_spares_the_others() {
        let mut faults = faults(&[json!({"fault": "drop", "when": "after", "method": "POST", "times": 1})]);
        assert_eq!(faults.take(sent("GET", "/api/v1/users", Kind::List)).drop, None);
        assert_eq!(faults.take(sent("POST", "/api/v1/users", Kind::Write)).drop, Some(When::After));
    }

    #[test]
    fn faults_add_up_until_they_are_cleared() {
        let mut faults = faults(&[
            json!({"fault": "latency", "ms": 5}),
            json!({"fault": "status", "status": 503}),
            json!({"fault": "drop", "when": "after"}),
        ]);
        let effects = faults.take(sent("GET", "/api/v1/users", Kind::List));
        assert_eq!(effects.latency, Duration::from_millis(5));
        assert_eq!(effects.status.map(|ordered| ordered.status), Some(503));
        assert_eq!(effects.drop, Some(When::After));
        faults.clear();
        assert_eq!(faults.take(sent("GET", "/api/v1/users", Kind::List)).drop, None);
    }

    #[test]
    fn an_unknown_or_incomplete_fault_is_refused() {
        for order in [
            json!({"fault": "fire"}),
            json!({"fault": "drop"}),
            json!({"fault": "drop", "when": "later"}),
            json!({"fault": "hooks", "drop": 1.1}),
            json!({"fault": "odd_records"}),
            json!({"fault": "mangle", "kind": "fire"}),
            json!({"fault": "status", "status": 403, "body": "xml"}),
            json!({"fault": "token_error"}),
        ] {
            assert!(serde_json::from_value::<Order>(order).is_err());
        }
    }

    #[test]
    fn faults_of_cursors_and_proofs_wait_for_requests_that_have_them() {
        let mut faults = faults(&[json!({"fault": "refuse_cursor"}), json!({"fault": "nonce"})]);
        let plain = sent("GET", "/api/v1/users", Kind::List);
        let effects = faults.take(plain);
        assert!(effects.status.is_none() && effects.proof.is_none());
        let both = Sent { cursor: true, proof: true, ..plain };
        let proofs: Vec<_> = (0..2).map(|_| faults.take(both).proof).collect();
        assert_eq!(proofs, [Some(ProofFault::Nonce), None]);
        assert!(faults.take(both).status.is_some(), "a cursor is refused until cleared");
    }

    #[test]
    fn a_fault_of_hooks_counts_events() {
        let mut faults = faults(&[json!({"fault": "hooks", "drop": 1, "times": 2})]);
        assert_eq!(faults.take(sent("GET", "/api/v1/users", Kind::List)).drop, None);
        let drops: Vec<_> = (0..3).map(|_| faults.chances().map(|chances| chances.drop > 0.5)).collect();
        assert_eq!(drops, [Some(true), Some(true), None]);
    }
}
