//! What a caller is told when something cannot be done (RFC 9457): one table from kinds to slugs, statuses and titles.

mod refusal;

use crate::connection::Fault;
use crate::diagnosis::{Check, Finding};
use crate::{secrets, store};
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// A kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not JSON, or a bad query parameter.
    BadRequest,
    /// The request has no valid identity.
    Unauthenticated,
    /// What a cursor stands at is not kept any more.
    CursorExpired,
    /// Only admins may.
    Forbidden,
    /// No such thing, or none that this caller may see.
    NotFound,
    /// The path is known, with other methods.
    MethodNotAllowed,
    /// Something is still missing before it can be used.
    ConnectionNotReady,
    /// Its owner paused it.
    ConnectionPaused,
    /// A sync is at work.
    SyncRunning,
    /// It cannot be done in the state the thing is in.
    WrongState,
    /// The connection's permissions do not allow it.
    PermissionDenied,
    /// Okta has no such thing.
    OktaNotFound,
    /// Several things are named by one reference.
    AmbiguousReference,
    /// There is one already.
    AlreadyExists,
    /// The same request was sent before and is still at work.
    RequestInProgress,
    /// It was changed since it was read.
    StaleVersion,
    /// The body is too large.
    TooLarge,
    /// The body is not JSON by its own account.
    UnsupportedMediaType,
    /// Fields are unknown, missing or wrong.
    InvalidBody,
    /// The key of another request.
    KeyReused,
    /// Okta did not let us in.
    VerificationFailed,
    /// The credentials belong to another organization.
    DifferentOrg,
    /// A schedule that EventBridge Scheduler would refuse.
    InvalidSchedule,
    /// A filter or search that Okta refuses.
    InvalidFilter,
    /// Okta refuses what was asked for.
    OktaRejected,
    /// It was sent, and nobody knows whether it was done.
    OutcomeUnknown,
    /// Okta's rate limit.
    OktaRateLimited,
    /// Okta says that it will work later.
    OktaBusy,
    /// Our own fault.
    Internal,
    /// Our own fault, for somebody who tries again by himself.
    Unavailable,
    /// Okta does not answer as it should.
    OktaUnavailable,
    /// Okta no longer accepts the credentials.
    OktaUnauthorized,
    /// Okta does not allow it.
    OktaForbidden,
    /// Okta did not answer in time.
    OktaTimeout,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 34] = [
        Self::BadRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::PermissionDenied,
        Self::OktaForbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::OktaNotFound,
        Self::ConnectionNotReady,
        Self::ConnectionPaused,
        Self::SyncRunning,
        Self::WrongState,
        Self::AmbiguousReference,
        Self::AlreadyExists,
        Self::RequestInProgress,
        Self::CursorExpired,
        Self::StaleVersion,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::InvalidBody,
        Self::KeyReused,
        Self::VerificationFailed,
        Self::DifferentOrg,
        Self::InvalidSchedule,
        Self::InvalidFilter,
        Self::OktaRejected,
        Self::OktaBusy,
        Self::OktaRateLimited,
        Self::Internal,
        Self::Unavailable,
        Self::OktaUnavailable,
        Self::OktaUnauthorized,
        Self::OutcomeUnknown,
        Self::OktaTimeout,
    ];

    /// Slug, status, title.
    pub fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::BadRequest => ("bad-request", 400, "The request cannot be read"),
            Self::Unauthenticated => ("unauthenticated", 401, "The caller is not known"),
            Self::Forbidden => ("forbidden", 403, "Only admins may do this"),
            Self::PermissionDenied => ("permission-denied", 403, "The connection's permissions do not allow it"),
            Self::OktaForbidden => ("okta-forbidden", 403, "Okta does not allow it"),
            Self::NotFound => ("not-found", 404, "Not found"),
            Self::MethodNotAllowed => ("method-not-allowed", 405, "Method not allowed"),
            Self::OktaNotFound => ("okta-not-found", 404, "Okta has no such thing"),
            Self::ConnectionNotReady => ("connection-not-ready", 409, "The connection is not set up yet"),
            Self::ConnectionPaused => ("connection-paused", 409, "The connection is paused"),
            Self::SyncRunning => ("sync-running", 409, "A sync is running"),
            Self::WrongState => ("wrong-state", 409, "It cannot be done in this state"),
            Self::AmbiguousReference => ("ambiguous-reference", 409, "The reference names several things"),
            Self::AlreadyExists => ("already-exists", 409, "There is one already"),
            Self::RequestInProgress => ("request-in-progress", 409, "The same request is still being worked on"),
            Self::CursorExpired => ("cursor-expired", 410, "The cursor is too old"),
            Self::StaleVersion => ("stale-version", 412, "It was changed since it was read"),
            Self::TooLarge => ("too-large", 413, "The body is too large"),
            Self::UnsupportedMediaType => ("unsupported-media-type", 415, "The body must be application/json"),
            Self::InvalidBody => ("invalid-body", 422, "The body is not valid"),
            Self::KeyReused => ("key-reused", 422, "The Idempotency-Key belongs to another request"),
            Self::VerificationFailed => ("verification-failed", 422, "Okta could not be signed in to"),
            Self::DifferentOrg => ("different-org", 422, "The credentials belong to another Okta organization"),
            Self::InvalidSchedule => ("invalid-schedule", 422, "The schedule is not valid"),
            Self::InvalidFilter => ("invalid-filter", 422, "Okta does not understand the filter"),
            Self::OktaRejected => ("okta-rejected", 422, "Okta refuses it"),
            Self::OktaBusy => ("okta-busy", 409, "Okta is busy with it"),
            Self::OktaRateLimited => ("okta-rate-limited", 429, "Okta's rate limit is reached"),
            Self::Internal => ("internal", 500, "Something went wrong on our side"),
            Self::Unavailable => ("unavailable", 503, "Try again"),
            Self::OktaUnavailable => ("okta-unavailable", 502, "Okta does not answer as it should"),
            Self::OktaUnauthorized => ("okta-unauthorized", 502, "Okta does not accept the connection's credentials"),
            Self::OutcomeUnknown => ("outcome-unknown", 502, "Nobody knows whether it was done"),
            Self::OktaTimeout => ("okta-timeout", 504, "Okta did not answer in time"),
        }
    }

    /// Its name in problem documents.
    pub fn urn(self) -> String {
        format!("urn:okta-connector:problem:{}", self.row().0)
    }
}

/// A problem, as it is told.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// Its kind.
    pub kind: Kind,
    /// What happened, and what to do.
    pub detail: String,
    /// Further members.
    pub members: Map<String, Value>,
    /// When it makes sense to try again, where that is known: told as `Retry-After`.
    pub retry_at: Option<Timestamp>,
}

impl Problem {
    /// A problem with its detail.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), members: Map::new(), retry_at: None }
    }

    /// The one answer to everything that is not there.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "There is nothing here, or nothing that you may see.")
    }

    /// With a further member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// With the moment from which on it makes sense to try again.
    #[must_use]
    pub fn retry_at(mut self, at: Timestamp) -> Self {
        self.retry_at = Some(at);
        self
    }

    /// Everything that is wrong with a body.
    pub fn invalid(faults: &[Fault]) -> Self {
        let schedules_only = faults.iter().all(|fault| fault.schedule);
        let kind = if schedules_only { Kind::InvalidSchedule } else { Kind::InvalidBody };
        let errors: Vec<_> = faults.iter().map(|it| json!({"pointer": it.pointer, "detail": it.detail})).collect();
        let detail = faults.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect::<Vec<_>>().join("; ");
        Self::new(kind, detail).with("errors", errors)
    }

    /// Okta did not let us in, and why.
    pub fn verification(kind: Kind, checks: &[Check]) -> Self {
        let failed = checks.iter().find(|check| check.finding.is_some());
        let detail = failed.map_or_else(String::new, |check| {
            format!("{}: {} {}", check.title, check.detail, check.fix.as_deref().unwrap_or_default())
        });
        Self::new(kind, detail).with("checks", serde_json::to_value(checks).unwrap_or_default())
    }

    /// As JSON; `instance` is the request's id.
    pub fn to_json(&self, instance: Option<&str>) -> Value {
        let (_, status, title) = self.kind.row();
        let mut body = Map::new();
        body.insert("type".to_owned(), self.kind.urn().into());
        body.insert("title".to_owned(), title.into());
        body.insert("status".to_owned(), status.into());
        body.insert("detail".to_owned(), self.detail.clone().into());
        if let Some(instance) = instance {
            body.insert("instance".to_owned(), instance.into());
        }
        body.extend(self.members.clone());
        Value::Object(body)
    }

    /// Our own fault; what it was stands in the log alone.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %error, "a request failed on our side: {error}");
        Self::new(Kind::Internal, "Nothing was lost; try again. The log tells more under this request's id.")
    }
}

impl JsonSchema for Problem {
    fn schema_name() -> Cow<'static, str> {
        "Problem".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let text = |description: &str| json!({"type": "string", "description": description});
        let fault = json!({
            "type": "object",
            "properties": {"pointer": text("A JSON pointer into the body."), "detail": text("What to write instead.")},
            "required": ["pointer", "detail"],
        });
        json_schema!({
            "type": "object",
            "description": "Why something could not be done (RFC 9457).",
            "properties": {
                "type": text("Which problem: `urn:okta-connector:problem:` and its name."),
                "title": text("The same in a few words."),
                "status": {"type": "integer", "description": "The HTTP status."},
                "detail": text("What happened, and what to do."),
                "instance": text("The request's id."),
                "okta_error_code": text("Okta's own code."),
                "okta_request_id": text("Okta's id of the request that it refused."),
                "errors": {"type": "array", "items": fault, "description": "Everything that is wrong with the body."},
                "checks": {"type": "array", "items": schemas.subschema_for::<Check>(), "description": "What was checked."},
                "finding": schemas.subschema_for::<Finding>(),
                "permission": text("What the connection's permissions lack."),
                "oldest_cursor": text("The oldest cursor that can be read from."),
                "sync_id": text("The sync that is running."),
                "current_status": text("The state that stands in the way."),
                "candidates": {"type": "array", "items": {"type": "object", "additionalProperties": true}, "description": "The objects that the reference names."},
                "actions": {"type": "array", "items": {"type": "string"}, "description": "The names of all actions."}
            },
            "required": ["type", "title", "status", "detail"]
        })
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<secrets::Error> for Problem {
    fn from(error: secrets::Error) -> Self {
        Self::internal(&error)
    }
}
