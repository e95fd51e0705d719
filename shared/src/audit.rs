//! The audit: one row for each change that somebody asked for, written as an intent before the change and settled after.
//!
//! A row that stays `started` belongs to a process that ended in between: the change may have taken place or not.

mod list;

pub use list::{Filter, list};

use crate::app::App;
use crate::clock;
use crate::id::{AuditId, ConnectionId};
use crate::problem::{Kind, Problem};
use crate::store::{Error, Index, Item, Write, keys};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Rows are kept for 400 days.
const KEPT_SECONDS: i64 = 400 * 86_400;

/// Who asked, from where, and by which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// The request's id.
    pub request_id: String,
}

/// Somebody who asked for a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// Who.
    pub subject: String,
    /// The address that the request came from, where it is known.
    pub source_ip: Option<String>,
    /// What an agent's program calls itself, where the request came by the Model Context Protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// What was to be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuditTarget")]
pub struct Target {
    /// `connection`, `user`, `group` or `app`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id; none before it has one.
    pub id: Option<String>,
    /// A user's login; of a request that found no user, what it named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// Anything else's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Target {
    /// Something that does not exist yet.
    #[must_use]
    pub fn without_id(self) -> Self {
        Self { id: None, ..self }
    }

    /// A user, known by its login.
    pub fn user(id: impl Into<String>, login: impl Into<String>) -> Self {
        Self { kind: "user".to_owned(), id: Some(id.into()), login: Some(login.into()), name: None }
    }

    /// Anything else, known by its name.
    pub fn named(kind: &str, id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), id: Some(id.into()), login: None, name: Some(name.into()) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.login.as_deref().or(self.name.as_deref()).unwrap_or_default();
        match &self.id {
            Some(id) => write!(f, "the {} '{name}' ({id})", self.kind),
            None => write!(f, "the {} '{name}'", self.kind),
        }
    }
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was about to be made.
    Started,
    /// It was made, or was not needed any more.
    Succeeded,
    /// It was not made.
    Failed,
    /// Whoever asked may not ask for it.
    Denied,
    /// It may have been made.
    Unknown,
}

impl Outcome {
    /// What a problem says about the change.
    pub fn of(problem: &Problem) -> Self {
        match problem.kind {
            Kind::Forbidden | Kind::PermissionDenied => Self::Denied,
            // Our own failure may have come after the change.
            Kind::Internal | Kind::OutcomeUnknown => Self::Unknown,
            _ => Self::Failed,
        }
    }
}

/// A row, as it is kept and as it is told: never a credential, never a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AuditRow")]
pub struct Row {
    /// Its id.
    pub id: AuditId,
    /// When the change was asked for.
    pub at: Timestamp,
    /// The connection that it belongs to.
    pub connection: Option<ConnectionId>,
    /// Who asked.
    pub actor: Actor,
    /// What was asked for, as in `connection.update` or `user.suspend`.
    pub action: String,
    /// What was to be changed, as far as it is known.
    pub target: Option<Target>,
    /// What became of it.
    pub outcome: Outcome,
    /// The problem that was answered, if one was.
    pub problem_type: Option<String>,
    /// The request that asked for it.
    pub request_id: String,
    /// Okta's ids of the requests that it took.
    pub okta_request_ids: Vec<String>,
    /// How long it took; none until it is settled.
    pub duration_ms: Option<u64>,
}

impl Row {
    fn write(&self) -> Result<Write, Error> {
        let key = keys::audit(&self.id, self.at);
        let index = |pk: String| keys::IndexKey { pk, sk: key.sk.clone() };
        let mut item = Item::at(&key)
            .indexed(Index::G3, index(keys::audit_by_actor(&self.actor.subject)))
            .expires(clock::after(self.at, KEPT_SECONDS))
            .document(self)?;
        if let Some(connection) = &self.connection {
            item = item.indexed(Index::G1, index(keys::audit_of_connection(connection.as_str())));
        }
        if let Some(id) = self.target.as_ref().and_then(|target| target.id.as_ref()) {
            item = item.indexed(Index::G2, index(keys::audit_of_target(id)));
        }
        Ok(Write::Put(item))
    }
}

/// The audit of one change.
#[derive(Clone)]
pub struct Audit {
    app: App,
    row: Row,
}

impl Audit {
    /// Of a change that is asked for now. Nothing is written yet.
    pub fn new(app: &App, by: &By, connection: Option<&ConnectionId>, action: &str) -> Self {
        let row = Row {
            id: AuditId::random(),
            at: app.now(),
            connection: connection.cloned(),
            actor: by.actor.clone(),
            action: action.to_owned(),
            target: None,
            outcome: Outcome::Started,
            problem_type: None,
            request_id: by.request_id.clone(),
            okta_request_ids: Vec::new(),
            duration_ms: None,
        };
        Self { app: app.clone(), row }
    }

    /// What the change is about, as far as it is known.
    pub fn about(&self) -> Option<&Target> {
        self.row.target.as_ref()
    }

    /// Says what the change is about, without writing it.
    pub fn target(&mut self, target: Target) {
        self.row.target = Some(target);
    }

    /// Writes that the change is about to be made. Without this row it must not be made.
    pub async fn intend(&self) -> Result<(), Problem> {
        Ok(self.app.store.transact(vec![self.row.write()?]).await?)
    }

    /// Writes what became of it, over the intent if there was one. The change has taken place or not whatever becomes of
    /// this write, so a failure is only logged.
    pub async fn settle(mut self, outcome: Outcome, problem: Option<&Problem>, okta_request_ids: Vec<String>) {
        let took = self.app.now().duration_since(self.row.at).as_millis();
        self.row.duration_ms = Some(u64::try_from(took).unwrap_or_default());
        self.row.outcome = outcome;
        self.row.problem_type = problem.map(|problem| problem.kind.urn());
        self.row.okta_request_ids = okta_request_ids;
        let written = match self.row.write() {
            Ok(write) => self.app.store.transact(vec![write]).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            let Row { id, action, .. } = &self.row;
            tracing::error!(audit = %id, action, "what became of {action} was not written to {id}: {error}");
        }
    }
}
