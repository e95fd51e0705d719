//! Running an action: whether it is allowed, what it would send, what it did, and what the audit says about it.

use super::lookup::{LONGEST, is_id};
use super::run::{Ended, Run};
use super::{Entry, Prepared};
use crate::app::{App, ready};
use crate::audit::{Audit, By, Outcome, Target};
use crate::connection::{CREDENTIALS, Connection, Effect};
use crate::idempotency::Attempt;
use crate::okta::{Client, Patience, Request};
use crate::problem::{Kind, Problem};
use crate::runs;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// An action ends within 25 s, what is read and written of our own included: API Gateway gives up after 30 s.
const BUDGET: Duration = Duration::from_secs(24);
/// The longest wait for one of Okta's limits.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Somebody's call of an action.
pub struct Call<'a> {
    /// The deployment.
    pub app: &'a App,
    /// Who calls.
    pub by: &'a By,
    /// The connection.
    pub connection: &'a Connection,
    /// The action.
    pub action: &'static Entry,
    /// Its input.
    pub input: &'a Value,
    /// Which attempt at the request it is, where the caller may repeat it.
    pub attempt: Option<Attempt>,
}

/// What an action did.
pub struct Done {
    /// What it answers.
    pub output: Value,
    /// Okta's ids of all requests, in order.
    pub okta_request_ids: Vec<String>,
    /// Whether the output carries a credential.
    pub reveals: bool,
}

/// A request that would be sent.
#[derive(Serialize, JsonSchema)]
pub struct Rehearsal {
    /// The method.
    method: String,
    /// Path and query. References stand as given; what only a read tells is a `{placeholder}`.
    path: String,
    /// The body, secrets as `***`.
    body: Option<Value>,
}

impl Rehearsal {
    fn of(request: Request) -> Self {
        Self { method: request.method.to_string(), path: request.path_and_query().to_owned(), body: request.body }
    }
}

/// The requests that an action would send. It sends none, and records nothing but a denial.
pub async fn would(call: &Call<'_>) -> Result<Vec<Rehearsal>, Problem> {
    Ok(call.allowed().await?.would().into_iter().map(Rehearsal::of).collect())
}

/// Whether the action may be called now. A denial is recorded.
pub async fn allow(call: &Call<'_>) -> Result<(), Problem> {
    call.allowed().await.map(|_| ())
}

/// Runs an action. Whatever would change something leaves a row in the audit, and so does every denial.
pub async fn perform(call: &Call<'_>) -> Result<Done, Problem> {
    let audit = call.audit();
    let (result, ended) = match call.begin(audit.clone()).await {
        Ok((prepared, mut run)) => {
            let result = prepared.run(&mut run).await.map(|output| (output, prepared.reveals()));
            (result, run.end())
        }
        Err(problem) => (Err(problem), Ended { audit, okta_request_ids: Vec::new(), touched: Vec::new() }),
    };
    let Ended { audit, okta_request_ids, touched } = ended;
    let outcome = result.as_ref().map_or_else(Outcome::of, |_| Outcome::Succeeded);
    let settled = async {
        if call.action.effect() != Effect::Read || outcome == Outcome::Denied {
            audit.settle(outcome, result.as_ref().err(), okta_request_ids.clone()).await;
        }
    };
    // The directory shows it soon. Where that fails, the next sync finds it.
    let reported = async {
        if let Err(problem) = runs::report(call.app, call.connection, &touched).await {
            tracing::warn!(connection = %call.connection.id, "the next sync reads what an action changed: {problem}");
        }
    };
    tokio::join!(settled, reported);
    result.map(|(output, reveals)| Done { output, okta_request_ids, reveals })
}

impl Call<'_> {
    /// A row about what the input names, until it is known what that is.
    fn audit(&self) -> Audit {
        let mut audit = Audit::new(self.app, self.by, Some(&self.connection.id), self.action.name);
        if let Some(target) = asked_for(self.input) {
            audit.target(target);
        }
        audit
    }

    /// The same as `prepare`; a denial is recorded.
    async fn allowed(&self) -> Result<Box<dyn Prepared>, Problem> {
        let prepared = self.prepare();
        if let Err(problem) = &prepared
            && Outcome::of(problem) == Outcome::Denied
        {
            self.audit().settle(Outcome::Denied, Some(problem), Vec::new()).await;
        }
        prepared
    }

    /// The action with its input, if it is allowed and can be read.
    fn prepare(&self) -> Result<Box<dyn Prepared>, Problem> {
        let (name, permissions) = (self.action.name, &self.connection.settings.permissions);
        if !permissions.allow(name) {
            return Err(denied(name, &format!("This connection does not allow {name}.")));
        }
        let prepared = self.action.read(self.input).map_err(|faults| Problem::invalid(&faults))?;
        if prepared.reveals() && !permissions.allow_credentials() {
            return Err(denied(CREDENTIALS, &format!("This connection does not allow {name} to answer a credential.")));
        }
        ready(self.connection)?;
        if self.connection.settings.paused {
            return Err(Problem::new(Kind::ConnectionPaused, "The connection is paused; set paused to false first."));
        }
        Ok(prepared)
    }

    async fn begin(&self, audit: Audit) -> Result<(Box<dyn Prepared>, Run), Problem> {
        let prepared = self.prepare()?;
        let patience = Patience::foreground(BUDGET, LONGEST_WAIT);
        let client: Client = self.app.client(self.connection, patience).await?;
        Ok((prepared, Run::new(self.connection, client, audit, self.attempt.clone())))
    }
}

fn denied(permission: &str, detail: &str) -> Problem {
    let detail = format!("{detail} An admin may add '{permission}' to its permissions.");
    Problem::new(Kind::PermissionDenied, detail).with("permission", permission)
}

/// What an input names, as it names it: a user, and otherwise a group or an app. It may not exist, and the input may not be
/// valid.
fn asked_for(input: &Value) -> Option<Target> {
    let short = |value: &Value| value.as_str().filter(|text| text.chars().count() <= LONGEST).map(str::to_owned);
    let target = |(kind, prefix): (&str, &str)| {
        let text = short(input.get(kind)?)?;
        let (id, name) = if is_id(&text, prefix) { (Some(text), None) } else { (None, Some(text)) };
        let (login, name) = if kind == "user" { (name, None) } else { (None, name) };
        Some(Target { kind: kind.to_owned(), id, login, name })
    };
    let new = || Some(Target::user("", short(input.pointer("/profile/login")?)?).without_id());
    [("user", "00u"), ("group", "00g"), ("app", "0oa")].into_iter().find_map(target).or_else(new)
}
