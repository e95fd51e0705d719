//! A whole examination of a connection, and what it changes in the connection's own record.

use super::{Check, CheckStatus, SignIn, Subject, capabilities, is_active, sign_in};
use crate::connection::{Connection, Status};
use crate::okta::{Credential, Origin, Patience, Transport};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// An examination takes at most this long.
const BUDGET: Duration = Duration::from_secs(20);
/// A limit is waited for no longer than this: it is a finding of its own.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What was found out.
pub struct Examination {
    /// Every check, `connection` first.
    pub checks: Vec<Check>,
    /// What came of signing in.
    pub sign_in: SignIn,
}

/// Signs in anew and checks everything.
pub async fn examine(
    transport: &Arc<Transport>,
    connection: &Connection,
    origin: Origin,
    credential: Credential,
) -> Examination {
    let began = Instant::now();
    let patience = Patience::foreground(BUDGET, LONGEST_WAIT);
    let subject = Subject {
        origin,
        credential: credential.clone(),
        scopes: connection.auth.requested_scopes.clone(),
        org_id: connection.org_id.clone(),
        proved_keys: connection.auth.proved_keys.clone(),
    };
    let sign_in = sign_in(transport, subject, patience).await;
    let left = BUDGET.saturating_sub(began.elapsed());
    let mut checks = vec![sign_in.check.clone()];
    checks.extend(capabilities(&sign_in, &connection.auth.proved_keys, &credential, left).await);
    Examination { checks, sign_in }
}

impl Examination {
    /// True where Okta let the credentials in, so that they may be stored: a limit that was reached first tells nothing.
    pub fn is_verified(&self) -> bool {
        let passed = matches!(self.sign_in.check.status, CheckStatus::Ok | CheckStatus::Degraded);
        passed && self.sign_in.client.is_some()
    }

    /// Writes into the connection what was learnt, and moves its status by the one rule. True where it is Active.
    pub fn apply(&self, connection: &mut Connection, now: Timestamp) -> bool {
        connection.tested_at = Some(now);
        connection.is_elsewhere = self.sign_in.different_org;
        let limited = self.sign_in.check.status == CheckStatus::Degraded && !self.is_verified();
        if limited && connection.org_id.is_none() {
            // These credentials have never signed in, and a limit tells nothing of them.
            return false;
        }
        if connection.status == Status::Pending {
            // Its schedules count from now on.
            connection.scheduled_at = Some(now);
        }
        let active = is_active(&self.checks, connection.settings.sync.is_some());
        connection.status = if active { Status::Active } else { Status::Inactive };
        let failed = self.checks.iter().find(|check| check.status == CheckStatus::Failed);
        connection.status_reason = failed.filter(|_| !active).map(|check| format!("{}: {}", check.title, check.detail));
        if self.is_verified() {
            if let Some(organization) = &self.sign_in.organization {
                connection.org_id = Some(organization.id.clone());
                connection.engine = organization.engine().map(str::to_owned);
            }
            let is_oauth = self.sign_in.dpop.is_some();
            connection.auth.dpop = self.sign_in.dpop;
            connection.auth.scopes =
                if is_oauth { self.sign_in.scopes.clone() } else { std::collections::BTreeSet::new() };
            connection.auth.proved_keys.extend(self.sign_in.proved_key.clone());
        }
        active
    }
}
