//! Statuses and errors that an operator orders: in the shape of the endpoint, or as something on the way answers.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::{Answer, Body, Refusal, status_code};
use crate::routes::Kind;

/// The order of a status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// The status to answer with.
    pub status: u16,
    /// Okta's error code; without one, the usual code of the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    /// The error's summary, where it is not the code's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    /// A reason beside the summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// Whose body it is.
    #[serde(default)]
    body: Shape,
    /// Seconds for a `Retry-After` header. Okta does not document one; gateways in front of it send it.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    /// Whether the request is carried out before it is answered so.
    #[serde(default)]
    pub after: bool,
}

/// What the body looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    /// As the endpoint refuses.
    #[default]
    Okta,
    /// The page of a front end that blocks or fails (okta-sdk-java#82, gimme-aws-creds#264).
    Html,
    /// No body at all.
    None,
}

/// The error of the token endpoint that an operator orders, such as one of Okta's list of OAuth errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenError {
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

impl Ordered {
    /// How Okta refuses the next page: of a cursor it does not know (recorded), or of a search that has shown all it
    /// will (okta-sdk-dotnet#323).
    pub fn refused_cursor(cursor: bool) -> Ordered {
        let code = if cursor { "E0000029" } else { "E0000031" };
        Ordered {
            status: 400,
            error_code: Some(code.to_owned()),
            summary: (!cursor).then(|| "Invalid search query.".to_owned()),
            cause: cursor.then(|| "Invalid cursor.".to_owned()),
            ..Ordered::default()
        }
    }

    /// The answer; `error_id` names this one occurrence.
    pub fn answer(&self, kind: Kind, error_id: &str) -> Answer {
        let answer = match self.body {
            Shape::Okta => self.refused(kind).answer(error_id),
            Shape::Html => self.page(),
            Shape::None => Answer::empty(status_code(self.status)),
        };
        self.retry_after.into_iter().fold(answer, |answer, seconds| answer.header("retry-after", seconds.to_string()))
    }

    fn page(&self) -> Answer {
        let status = status_code(self.status);
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{status}</title></head><body><h1>Access blocked</h1>\
             <p>This request was blocked before it reached Okta.</p></body></html>\n"
        );
        Answer { status, headers: Vec::new(), body: Body::Html(page) }
    }

    /// The refusal in the shape its endpoint would use.
    fn refused(&self, kind: Kind) -> Refusal {
        let usual = match self.status {
            401 => Some("E0000011"),
            403 => Some("E0000006"),
            404 => Some("E0000007"),
            429 => Some("E0000047"),
            500 => Some("E0000009"),
            _ => None,
        };
        let is_oauth = matches!(kind, Kind::Token | Kind::Authorize | Kind::Revoke);
        match self.error_code.as_deref().or(usual) {
            Some(code) if !is_oauth || self.status == 429 => Refusal::Ordered {
                status: status_code(self.status),
                code: code.to_owned(),
                summary: self.summary.clone(),
                causes: self.cause.iter().cloned().collect(),
            },
            _ if is_oauth && self.status < 502 => Refusal::oauth(self.status, "server_error", "Ordered by a fault."),
            _ => Refusal::Gateway(status_code(self.status)),
        }
    }
}

impl TokenError {
    /// The answer; without an ordered status, the one Okta gives to such an error.
    pub fn answer(&self) -> Answer {
        let usual = match self.error.as_str() {
            "invalid_client" => 401,
            "access_denied" => 403,
            _ => 400,
        };
        let mut body = json!({ "error": self.error });
        if let Some(description) = &self.description {
            body["error_description"] = json!(description);
        }
        Answer::with(status_code(self.status.unwrap_or(usual)), body)
    }
}
