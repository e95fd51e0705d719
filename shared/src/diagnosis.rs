//! Telling the truth about a connection: what works, what does not, why, and how to mend it.
//!
//! Reading is probed; writing is judged from scopes and, where they can be read, from admin roles. Nothing is changed in
//! the tenant. `finding` turns Okta's answers into findings, `sign_in` checks the connection itself, `capability` the rest.

mod capability;
mod examination;
mod finding;
mod sign_in;

pub use capability::{Capability, capabilities};
pub use examination::{Examination, examine};
pub use finding::{Finding, of_error};
pub use sign_in::{CATALOGUE, SignIn, Subject, find_tenant, sign_in};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// It works.
    Ok,
    /// It works, or will again, with something missing.
    Degraded,
    /// It does not work.
    Failed,
    /// It could not be found out.
    Unknown,
}

/// One line of a test's report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// What was checked.
    pub capability: &'static str,
    /// The same in the product's words.
    pub title: &'static str,
    /// How it came out.
    pub status: CheckStatus,
    /// What was found.
    pub finding: Option<Finding>,
    /// What was seen.
    pub detail: String,
    /// What to do about it.
    pub fix: Option<String>,
    /// The scopes it needs.
    pub scopes: Vec<&'static str>,
    /// Okta's own code.
    pub okta_error_code: Option<String>,
}

/// What was found, before it is told as a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How it came out.
    pub status: CheckStatus,
    /// What was found.
    pub finding: Option<Finding>,
    /// What was seen.
    pub detail: String,
    /// Okta's own code.
    pub okta_error_code: Option<String>,
    /// What the fix should name instead of the usual: scopes, roles.
    pub names: BTreeSet<String>,
    /// What to do, where the finding alone does not say it.
    pub fix: Option<&'static str>,
}

impl Verdict {
    /// It works.
    pub fn ok(detail: impl Into<String>) -> Self {
        Self {
            status: CheckStatus::Ok,
            finding: None,
            detail: detail.into(),
            okta_error_code: None,
            names: BTreeSet::new(),
            fix: None,
        }
    }

    /// Something was found.
    pub fn found(finding: Finding, detail: impl Into<String>) -> Self {
        Self { status: finding.status(), finding: Some(finding), ..Self::ok(detail) }
    }

    /// With the names that the fix needs.
    #[must_use]
    pub fn naming(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Told as a check of a capability.
    pub fn of(self, capability: Capability) -> Check {
        let usual = || self.finding.map(|finding| finding.fix(capability, &self.names));
        let fix = self.fix.map(str::to_owned).or_else(usual);
        Check {
            capability: capability.name(),
            title: capability.title(),
            status: self.status,
            finding: self.finding,
            detail: self.detail,
            fix,
            scopes: capability.scopes().to_vec(),
            okta_error_code: self.okta_error_code,
        }
    }
}

/// True where a connection with these checks may be Active.
pub fn is_active(checks: &[Check], syncs: bool) -> bool {
    let works = |name: &str, accepted: &[CheckStatus]| {
        checks.iter().any(|check| check.capability == name && accepted.contains(&check.status))
    };
    let signed_in = works("connection", &[CheckStatus::Ok, CheckStatus::Degraded]);
    let employees = works("sync_employees", &[CheckStatus::Ok, CheckStatus::Degraded, CheckStatus::Unknown]);
    signed_in && (employees || !syncs)
}
