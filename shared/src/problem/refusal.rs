//! What Okta's errors become: one table from its statuses and codes to kinds of problems.

use super::{Kind, Problem};
use crate::diagnosis::of_error;
use crate::okta::{Error, Refusal};
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
    let says = |words: &str| refusal.causes.iter().any(|cause| cause.to_ascii_lowercase().contains(words));
    match (refusal.status.as_u16(), refusal.code.as_str()) {
        (_, "E0000015") => Kind::OktaForbidden,
        (401, _) => Kind::OktaUnauthorized,
        (_, "E0000016" | "E0000017" | "E0000032" | "E0000034" | "E0000038" | "E0000112" | "E0000117") => {
            Kind::WrongState
        }
        (
            403,
            "E0000014" | "E0000023" | "E0000046" | "E0000056" | "E0000077" | "E0000078" | "E0000080" | "E0000111",
        ) => Kind::OktaRejected,
        (403, _) => Kind::OktaForbidden,
        (404, _) => Kind::OktaNotFound,
        (400, "E0000029") => Kind::BadRequest,
        (400, "E0000031") if says("invalid cursor") => Kind::BadRequest,
        (400, "E0000031" | "E0000053") => Kind::InvalidFilter,
        (400, "E0000001") if says("already exists") => Kind::AlreadyExists,
        (400..=499, _) | (_, "E0000060") => Kind::OktaRejected,
        _ => Kind::OktaUnavailable,
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
            (409, "E0000112", "", Kind::WrongState),
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
                summary: String::new(),
                causes: vec![cause.to_owned()],
                challenge: None,
                request_id: None,
            };
            assert_eq!(kind(&refusal), expected, "{status} {code} {cause}");
        }
    }
}
