//! One authenticated request, as a handler sees it.

use axum::body::Bytes;
use serde_json::{Map, Value};

use crate::answer::Refusal;
use crate::faults::Effects;
use crate::log::{Origin, Party, Source};
use crate::random::Id;
use crate::role::Role;

/// Who is calling.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Who the System Log names.
    pub actor: Party,
    /// The administrator role, live.
    pub role: Option<Role>,
    /// The token's scopes; an API token has none and needs none.
    pub scopes: Option<Vec<String>>,
    /// The user behind it, whom `me` means; a service app has none.
    pub user: Option<Id>,
    /// The app whose access token it is, which limits are counted for.
    pub client: Option<String>,
}

/// Where a request went: enough to make links back to it.
#[derive(Debug, Clone, Default)]
pub struct Address {
    /// The path as sent, still encoded.
    pub path: String,
    /// The query, decoded, in the order sent.
    pub query: Vec<(String, String)>,
}

/// A request with its principal.
#[derive(Debug)]
pub struct Call {
    /// Who is calling.
    pub principal: Principal,
    /// Where it went.
    pub address: Address,
    /// The path's parameters, decoded.
    pub params: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// Whether the body was declared to be JSON.
    pub json: bool,
    /// The id sent back as `x-okta-request-id`.
    pub request_id: String,
    /// The caller's address.
    pub ip: Option<String>,
    /// The caller's `User-Agent`.
    pub user_agent: String,
    /// What faults do to this request.
    pub effects: Effects,
}

impl Call {
    /// A parameter of the route's path.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|param| param.0 == name).map_or("", |param| param.1.as_str())
    }

    /// A query parameter; an empty one counts as absent.
    pub fn query(&self, name: &str) -> Option<&str> {
        let pair = self.address.query.iter().find(|pair| pair.0 == name);
        pair.map(|pair| pair.1.as_str()).filter(|value| !value.is_empty())
    }

    /// A boolean query parameter.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.query(name).map_or(default, |value| value.eq_ignore_ascii_case("true"))
    }

    /// The request, as an event names it.
    pub fn source(&self) -> Source {
        Source {
            request_id: self.request_id.clone(),
            path: self.address.path.clone(),
            origin: Origin { ip: self.ip.clone(), user_agent: self.user_agent.clone(), ..Origin::default() },
        }
    }

    /// The body, which must be a JSON object Okta would accept.
    pub fn object(&self) -> Result<Map<String, Value>, Refusal> {
        if !self.json {
            return Err(Refusal::code("E0000021"));
        }
        // Okta stores characters of up to three UTF-8 bytes; a four-byte one (an emoji) is refused.
        let plain = std::str::from_utf8(&self.body).is_ok_and(|text| text.chars().all(|c| c.len_utf8() < 4));
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) if plain => Ok(object),
            _ => Err(Refusal::code("E0000003")),
        }
    }
}
