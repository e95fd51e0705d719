//! What Okta's errors become: one table from its statuses and codes to kinds of problems.

use super::{Kind, Problem};
use crate::diagnosis::of_error;
use crate::okta::{Error, Meaning, Refusal};
use std::collections::BTreeSet;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let told = |kind| Self::new(kind, error.to_string());
        match &error {
            Error::RateLimited { until } => told(Kind::OktaRateLimited).retry_at(*until),
            Error::Timeout => told(Kind::OktaTimeout),
            Error::Token(refusal) if refusal.status.is_server_error() => told(Kind::OktaUnavailable),
            Error::Token(refusal) => {
                let problem = told(Kind::OktaUnauthorized).with("okta_error_code", refusal.error.clone());
                with_request(problem, refusal.request_id.as_ref())
            }
            Error::Key(_) => told(Kind::OktaUnauthorized),
            Error::RefreshToken(_) => Self::internal(&error),
            Error::Api(refusal) => {
                let kind = kind(refusal);
                let mut problem = with_request(told(kind), refusal.request_id.as_ref());
                if let Some(at) = refusal.retry_at {
                    problem = problem.retry_at(at);
                }
                if !refusal.code.is_empty() {
                    problem = problem.with("okta_error_code", refusal.code.clone());
                }
                match of_error(&error, &BTreeSet::new()).finding {
                    Some(finding) if kind == Kind::OktaForbidden => {
                        problem.with("finding", serde_json::to_value(finding).unwrap_or_default())
                    }
                    _ => problem,
                }
            }
            _ => told(Kind::OktaUnavailable),
        }
    }
}

/// The kind of problem that a refusal is.
fn kind(refusal: &Refusal) -> Kind {
    match refusal.meaning() {
        Meaning::Credential | Meaning::Proof => Kind::OktaUnauthorized,
        Meaning::Scope | Meaning::Role | Meaning::License => Kind::OktaForbidden,
        Meaning::RateLimit => Kind::OktaRateLimited,
        Meaning::Busy => Kind::OktaBusy,
        Meaning::State => Kind::WrongState,
        Meaning::Exists => Kind::AlreadyExists,
        Meaning::NotFound => Kind::OktaNotFound,
        Meaning::Filter => Kind::InvalidFilter,
        Meaning::Paging => Kind::BadRequest,
        Meaning::Rejected => Kind::OktaRejected,
        Meaning::Trouble | Meaning::Intermediary => Kind::OktaUnavailable,
    }
}

fn with_request(problem: Problem, request_id: Option<&String>) -> Problem {
    match request_id {
        Some(id) => problem.with("okta_request_id", id.clone()),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[test]
    fn every_refusal_is_told_by_what_the_caller_can_do_about_it() {
        for (status, code, cause, expected) in [
            (
                400,
                "E0000001",
                "login: An object with this field already exists in the current organization",
                Kind::AlreadyExists,
            ),
            (400, "E0000001", "Property name 'x' is not defined in profile", Kind::OktaRejected),
            (400, "E0000029", "Invalid cursor.", Kind::BadRequest),
            (400, "E0000031", "Invalid cursor.", Kind::BadRequest),
            (400, "E0000031", "", Kind::InvalidFilter),
            (400, "E0000053", "", Kind::InvalidFilter),
            (400, "", "", Kind::OktaRejected),
            (401, "E0000011", "", Kind::OktaUnauthorized),
            (401, "E0000015", "", Kind::OktaForbidden),
            (403, "E0000006", "", Kind::OktaForbidden),
            (403, "", "", Kind::OktaForbidden),
            (403, "E0000016", "", Kind::WrongState),
            (403, "E0000032", "The user is not locked out.", Kind::WrongState),
            (403, "E0000038", "", Kind::WrongState),
            (409, "E0000112", "", Kind::OktaBusy),
            (403, "E0000005", "", Kind::OktaUnauthorized),
            (403, "E0000107", "", Kind::WrongState),
            (409, "E0000055", "", Kind::AlreadyExists),
            (403, "E0000080", "", Kind::OktaRejected),
            (403, "E0000111", "", Kind::OktaRejected),
            (501, "E0000060", "", Kind::OktaRejected),
            (404, "E0000007", "", Kind::OktaNotFound),
            (500, "E0000009", "", Kind::OktaUnavailable),
            (503, "", "", Kind::OktaUnavailable),
        ] {
            let refusal = Refusal {
                status: StatusCode::from_u16(status).expect("a status"),
                code: code.to_owned(),
                causes: vec![cause.to_owned()],
                ..Refusal::default()
            };
            assert_eq!(kind(&refusal), expected, "{status} {code} {cause}");
        }
    }
}
