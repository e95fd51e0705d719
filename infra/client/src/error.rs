//! Why there is no good answer.

use crate::Check;
use serde::{Deserialize, Serialize};

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no address of a deployment.
    #[error("{0:?} is no address; write one as in https://api.example.com")]
    Address(String),
    /// Nobody answers there, or not in time.
    #[error("the deployment cannot be reached: {0}")]
    Unreachable(String),
    /// The caller's own credentials cannot be had.
    #[error("the credentials cannot be used: {0}")]
    Credentials(String),
    /// The deployment refused.
    #[error("{}", .0.headline())]
    Problem(Box<Problem>),
    /// What answers there is no Okta Connector, or of another version.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

impl Error {
    /// What an answer that is no good one says. API Gateway's own refusals are no problem documents.
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, path) = (response.status(), response.url().path().to_owned());
        let text = response.text().await.unwrap_or_default();
        let problem: Option<Problem> = serde_json::from_str(&text).ok().filter(|it: &Problem| !it.title.is_empty());
        let problem = problem.unwrap_or_else(|| {
            let title = status.canonical_reason().unwrap_or("Refused").to_owned();
            let told: Option<Gateway> = serde_json::from_str(&text).ok();
            let detail = told.map_or_else(|| format!("status {status}"), |told| told.message);
            Problem { status: status.as_u16(), title, detail, ..Problem::default() }
        });
        Self::Problem(Box::new(Problem { path, ..problem }))
    }

    /// The problem, if the deployment told one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let why = if error.is_timeout() { "it did not answer in time".to_owned() } else { cause.to_string() };
        let asked = error.url().map(|url| format!("{}: ", url.origin().ascii_serialization())).unwrap_or_default();
        Self::Unreachable(format!("{asked}{why}"))
    }
}

/// API Gateway's own.
#[derive(Deserialize)]
struct Gateway {
    #[serde(alias = "Message")]
    message: String,
}

/// What went wrong (RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// `urn:okta-connector:problem:<slug>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What kind it is, in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, and what to do.
    pub detail: String,
    /// The request's id.
    pub instance: Option<String>,
    /// All that is wrong with a body.
    pub errors: Vec<Fault>,
    /// Okta's id of the request that it refused.
    pub okta_request_id: Option<String>,
    /// What a verification found.
    pub checks: Vec<Check>,
    /// What was asked for.
    #[serde(skip)]
    pub path: String,
}

impl Problem {
    /// The detail, where it says more than the faults and checks do one by one.
    pub fn own_detail(&self) -> Option<&str> {
        let faults = self.errors.iter().map(|fault| &fault.detail);
        let mut told = faults.chain(self.checks.iter().filter(|check| check.is_bad()).map(|check| &check.detail));
        let is_told = told.any(|told| self.detail.contains(told));
        Some(self.detail.as_str()).filter(|detail| !is_told && !detail.is_empty())
    }

    fn headline(&self) -> String {
        match self.own_detail() {
            Some(detail) => format!("{}: {detail}", self.title),
            None => self.title.clone(),
        }
    }
}

/// One thing that is wrong with a body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fault {
    /// Where: a JSON pointer.
    pub pointer: String,
    /// What to write instead.
    pub detail: String,
}
