//! What the simulator answers, as values: an [`Answer`] is a success, a [`Refusal`] is everything else.
//!
//! Okta refuses in four shapes, and a client must read all of them: the management API's `errorCode`, the token
//! endpoint's `error`, a bare `WWW-Authenticate` challenge, and a gateway's own JSON.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// What a handler gives back.
pub type Outcome = Result<Answer, Refusal>;

/// A response before the headers every response has.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// Headers of this answer only, in order; a name may repeat (`link`).
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

/// The body of an answer.
#[derive(Debug)]
pub enum Body {
    /// No body and no content type.
    Empty,
    /// JSON.
    Json(Value),
    /// JSON, or nearly, that no value can hold.
    Text(String),
    /// A gateway's page.
    Html(String),
}

impl Answer {
    /// 200 with JSON.
    pub fn ok(body: Value) -> Answer {
        Answer::with(StatusCode::OK, body)
    }

    /// Any status with JSON.
    pub fn with(status: StatusCode, body: Value) -> Answer {
        Answer { status, headers: Vec::new(), body: Body::Json(body) }
    }

    /// 204, or another status without a body.
    pub fn empty(status: StatusCode) -> Answer {
        Answer { status, headers: Vec::new(), body: Body::Empty }
    }

    /// 204.
    pub fn no_content() -> Answer {
        Answer::empty(StatusCode::NO_CONTENT)
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: String) -> Answer {
        self.headers.push((name, value));
        self
    }
}

/// A refusal, in the shape its endpoint refuses in.
#[derive(Debug)]
pub enum Refusal {
    /// The management API's error.
    Okta {
        /// A code of [`ERRORS`].
        code: &'static str,
        /// What the code's summary ends with, if it takes anything.
        about: String,
        /// Single reasons.
        causes: Vec<String>,
        /// Another status than the code's own.
        status: Option<StatusCode>,
    },
    /// The token endpoint's error.
    OAuth {
        /// 400, 401 or 403.
        status: StatusCode,
        /// The error name of RFC 6749 and RFC 9449.
        error: &'static str,
        /// The sentence a person reads.
        description: String,
        /// The nonce to use, sent as `dpop-nonce`.
        nonce: Option<String>,
    },
    /// A `WWW-Authenticate` challenge.
    Challenge {
        /// 400, 401 or 403.
        status: StatusCode,
        /// The header's value.
        challenge: String,
        /// The nonce to use, sent as `dpop-nonce`.
        nonce: Option<String>,
    },
    /// An error that an operator ordered; its code need not be one of [`ERRORS`].
    Ordered {
        /// The status.
        status: StatusCode,
        /// The code.
        code: String,
        /// The summary, if not the code's own.
        summary: Option<String>,
        /// Single reasons.
        causes: Vec<String>,
    },
    /// A status a gateway gives before Okta's own code is reached.
    Gateway(StatusCode),
}

/// Every error code the simulator uses: code, status, summary.
const ERRORS: &[(&str, u16, &str)] = &[
    ("E0000001", 400, "Api validation failed: "),
    ("E0000002", 400, "The request was not valid: "),
    ("E0000003", 400, "The request body was not well-formed."),
    ("E0000004", 401, "Authentication failed"),
    ("E0000005", 403, "Invalid session"),
    ("E0000006", 403, "You do not have permission to perform the requested action"),
    ("E0000007", 404, "Not found: Resource not found: "),
    ("E0000008", 404, "The requested path was not found"),
    ("E0000009", 500, "Internal Server Error"),
    ("E0000010", 503, "Service is in read only mode"),
    ("E0000011", 401, "Invalid token provided"),
    ("E0000015", 401, "You do not have permission to access the feature you are requesting"),
    ("E0000016", 403, "Activation failed because the user is already active"),
    ("E0000017", 403, "Password reset failed"),
    ("E0000021", 400, "Bad request.  Accept and/or Content-Type headers likely do not match supported values."),
    ("E0000022", 405, "The endpoint does not support the provided HTTP method"),
    ("E0000023", 403, "Operation failed because user profile is mastered under another system"),
    ("E0000028", 400, "The request is missing a required parameter."),
    ("E0000029", 400, "Invalid paging request."),
    ("E0000031", 400, "Invalid search criteria."),
    ("E0000032", 403, "Unlock is not allowed for this user."),
    ("E0000033", 400, "Bad request. Can't specify a search query and filter in the same request."),
    ("E0000034", 403, "Forgot password not allowed on specified user."),
    ("E0000038", 403, "This operation is not allowed in the user's current status."),
    ("E0000046", 403, "Deactivate application for user forbidden."),
    ("E0000047", 429, "API call exceeded rate limit due to too many requests."),
    ("E0000053", 400, "Invalid parameter: "),
    ("E0000056", 403, "Delete application forbidden."),
    ("E0000060", 501, "Unsupported operation."),
    ("E0000080", 403, "The password does not meet the policy."),
    ("E0000090", 409, "The role specified is already assigned to the user."),
    ("E0000091", 400, "The provided role type was not the same as required role type."),
    ("E0000093", 400, "Too many targets were given."),
    ("E0000100", 503, "Unable to perform search query."),
    ("E0000111", 403, "The object is read-only."),
    ("E0000112", 409, "The user is still being activated."),
    ("E0000192", 400, "Roles cannot be granted to groups with group membership rules. "),
    ("E0000193", 400, "Roles can only be granted to groups with 5000 or less users. "),
    ("E0000194", 400, "Roles can only be granted to Okta groups, AD groups and LDAP groups. "),
    ("E0000211", 400, "Roles cannot be granted to built-in groups: "),
    ("E0000227", 400, "Roles can only be granted to service application type"),
    ("E0000263", 409, "Attempted to assign a duplicate standard role assignment to an admin"),
];

impl Refusal {
    /// An error with everything it can have.
    pub fn okta(code: &'static str, about: String, causes: Vec<String>) -> Refusal {
        Refusal::Okta { code, about, causes, status: None }
    }

    /// An error that is its code.
    pub fn code(code: &'static str) -> Refusal {
        Refusal::okta(code, String::new(), Vec::new())
    }

    /// An error with one cause.
    pub fn because(code: &'static str, cause: impl Into<String>) -> Refusal {
        Refusal::okta(code, String::new(), vec![cause.into()])
    }

    /// A body or parameter that is not valid: E0000001 with what and why.
    pub fn invalid(what: &str, cause: impl Into<String>) -> Refusal {
        Refusal::okta("E0000001", what.to_owned(), vec![cause.into()])
    }

    /// A missing object: E0000007 with its id and type, as in `00u… (User)`.
    pub fn missing(id: &str, kind: &str) -> Refusal {
        Refusal::okta("E0000007", format!("{id} ({kind})"), Vec::new())
    }

    /// A refusal of the token endpoint.
    pub fn oauth(status: u16, error: &'static str, description: impl Into<String>) -> Refusal {
        Refusal::OAuth { status: status_code(status), error, description: description.into(), nonce: None }
    }

    /// The answer this refusal is; `error_id` names this one occurrence.
    pub fn answer(self, error_id: &str) -> Answer {
        match self {
            Refusal::Okta { code, about, causes, status } => {
                let (_, usual, summary) = ERRORS.iter().find(|error| error.0 == code).unwrap_or(&ERRORS[8]);
                let body = error_body(code, &format!("{summary}{about}"), error_id, causes);
                Answer::with(status.unwrap_or(status_code(*usual)), body)
            }
            Refusal::Ordered { status, code, summary, causes } => {
                let known = ERRORS.iter().find(|error| error.0 == code).map_or("Ordered by a fault.", |error| error.2);
                let summary = summary.as_deref().unwrap_or(known);
                Answer::with(status, error_body(&code, summary, error_id, causes))
            }
            Refusal::OAuth { status, error, description, nonce } => {
                let answer = Answer::with(status, json!({ "error": error, "error_description": description }));
                nonce.into_iter().fold(answer, |answer, nonce| answer.header("dpop-nonce", nonce))
            }
            Refusal::Challenge { status, challenge, nonce } => {
                let answer = challenged(status, challenge, error_id);
                nonce.into_iter().fold(answer, |answer, nonce| answer.header("dpop-nonce", nonce))
            }
            Refusal::Gateway(StatusCode::NOT_FOUND) => {
                Answer::with(StatusCode::NOT_FOUND, json!({ "status": 404, "message": "Resource not found" }))
            }
            Refusal::Gateway(status) => Answer {
                status,
                headers: Vec::new(),
                body: Body::Html(format!("<html><head><title>{status}</title></head><body>{status}</body></html>\n")),
            },
        }
    }
}

/// The five members of a management API error.
fn error_body(code: &str, summary: &str, error_id: &str, causes: Vec<String>) -> Value {
    let causes: Vec<Value> = causes.into_iter().map(|cause| json!({ "errorSummary": cause })).collect();
    json!({
        "errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": error_id, "errorCauses": causes,
    })
}

/// A challenge; a missing scope also has a body, the others are only their header.
fn challenged(status: StatusCode, challenge: String, error_id: &str) -> Answer {
    let answer = if status == StatusCode::FORBIDDEN {
        Refusal::code("E0000006").answer(error_id)
    } else {
        Answer::empty(status)
    };
    answer.header("www-authenticate", challenge)
}

/// A status code from a number that is one.
pub fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_five_members_and_its_status() {
        let answer = Refusal::missing("00u1", "User").answer("oae1");
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        let Body::Json(body) = answer.body else { panic!("an error is JSON") };
        assert_eq!(
            body,
            json!({"errorCode": "E0000007", "errorSummary": "Not found: Resource not found: 00u1 (User)",
                   "errorLink": "E0000007", "errorId": "oae1", "errorCauses": []})
        );
    }

    #[test]
    fn every_code_has_a_valid_status() {
        for (code, status, _) in ERRORS {
            assert_eq!(Refusal::code(code).answer("").status.as_u16(), *status, "{code}");
        }
    }
}
