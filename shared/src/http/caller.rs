//! Who asks, and which connections they may see.

use crate::app::App;
use crate::audit::{Actor, By};
use crate::connection::{self, Connection, Stored, is_team};
use crate::id::ConnectionId;
use crate::problem::{Kind, Problem};
use axum::extract::FromRequestParts;
use http::request::Parts;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Somebody who is known. Without one in the request's extensions there is no caller, and never an admin by default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Caller {
    /// Who.
    pub subject: String,
    /// Their teams.
    pub teams: BTreeSet<String>,
    /// Whether they set up integrations.
    pub admin: bool,
    /// Under whose name a request may be repeated: a role has another subject with each of its sessions.
    #[serde(skip)]
    #[schemars(skip)]
    pub principal: String,
}

impl Caller {
    /// A caller of their own name.
    pub fn named(subject: impl Into<String>, teams: BTreeSet<String>, admin: bool) -> Self {
        let subject = subject.into();
        Self { principal: subject.clone(), subject, teams, admin }
    }

    /// The caller of a verified token; none without a subject. An element of an array is one team or none: a name with a
    /// blank is never several. A text is a list whose elements blanks separate.
    pub fn of_claims(claims: &Map<String, Value>, teams_claim: &str, admin_scope: &str) -> Option<Self> {
        let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty())?;
        let texts = |name: &str| -> Vec<&str> {
            match claims.get(name) {
                Some(Value::String(text)) => text.split_whitespace().collect(),
                Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            }
        };
        let is_admin = |name: &str| texts(name).contains(&admin_scope);
        let teams = texts(teams_claim).into_iter().filter(|team| is_team(team)).map(str::to_owned).collect();
        Some(Self::named(subject, teams, is_admin("scope") || is_admin("scp")))
    }

    /// True where they may see a connection.
    pub fn sees(&self, connection: &Connection) -> bool {
        self.admin || connection.settings.teams.iter().any(|team| self.teams.contains(team))
    }

    /// Refuses everybody but admins.
    pub fn require_admin(&self) -> Result<(), Problem> {
        if self.admin {
            Ok(())
        } else {
            Err(Problem::new(Kind::Forbidden, "Only an admin of this service may do this."))
        }
    }

    /// A connection that they may see; one that they may not is not there.
    pub async fn find(&self, app: &App, id: &str) -> Result<Stored, Problem> {
        let id = ConnectionId::parse(id).ok_or_else(Problem::not_found)?;
        let stored = connection::load(&app.store, &id).await?.filter(|stored| self.sees(&stored.connection));
        stored.ok_or_else(Problem::not_found)
    }
}

/// The address that a request came from, put into its extensions by whoever serves a router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceIp(pub String);

/// The request's id, as it is told in the answer.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub String);

impl<S: Sync> FromRequestParts<S> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let subject = Caller::from_request_parts(parts, state).await?.subject;
        let source_ip = parts.extensions.get::<SourceIp>().map(|SourceIp(address)| address.clone());
        let request_id = parts.extensions.get::<RequestId>().map(|RequestId(id)| id.clone()).unwrap_or_default();
        Ok(Self { actor: Actor { subject, source_ip, client: None }, request_id })
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let unknown = || {
            Problem::new(
                Kind::Unauthenticated,
                "The request has no valid identity: sign it (SigV4) or send a bearer token.",
            )
        };
        parts.extensions.get::<Self>().cloned().ok_or_else(unknown)
    }
}
