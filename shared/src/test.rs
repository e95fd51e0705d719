//! Testing a connection: the examination, and the status that follows from it.

use crate::app::App;
use crate::clock::after;
use crate::connection::{self, Connection, Status, Stored};
use crate::diagnosis::{Capability, Check, Finding, Verdict, examine};
use crate::feed::{Head, Trigger};
use crate::id::ConnectionId;
use crate::metric::{self, Metric};
use crate::problem::Problem;
use crate::runs;
use crate::store::{Item, Write, keys};
use crate::triggers;
use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// What a test found.
pub struct Report {
    /// The connection as it now is.
    pub stored: Stored,
    /// In one sentence.
    pub message: &'static str,
    /// In detail.
    pub checks: Vec<Check>,
}

/// Signs in anew, checks everything, and moves the connection's status.
#[tracing::instrument(skip_all, fields(connection = %stored.connection.id))]
pub async fn test(app: &App, stored: &Stored) -> Result<Report, Problem> {
    let was_in_use = stored.connection.is_scheduled();
    let report = examined(app, stored).await;
    let works = report.as_ref().is_ok_and(|report| report.stored.connection.status == Status::Active);
    if was_in_use && !works {
        metric::tell(Metric::TestsFailed, 1);
    }
    report
}

async fn examined(app: &App, stored: &Stored) -> Result<Report, Problem> {
    let (origin, credential) = app.identity(&stored.connection).await?;
    let mut examination = examine(&app.okta, &stored.connection, origin, credential).await;
    judge_hooks(app, &stored.connection, &mut examination.checks).await?;
    examination.checks.extend(judge_live(app, &stored.connection).await?);
    let now = app.now();
    let tested = connection::change(&app.store, &stored.connection.id, |connection: &mut Connection| {
        examination.apply(connection, now);
        Ok::<_, Problem>(())
    });
    let tested = tested.await?.ok_or_else(Problem::not_found)?;
    let (stored, _) = runs::start_first(app, tested).await?;
    let message = match stored.connection.status {
        Status::Active => "Integration test successful",
        _ => "Integration test failed",
    };
    let report = Report { stored, message, checks: examination.checks };
    let id = &report.stored.connection.id;
    let kept = Item::at(&keys::last_test(id)).document(&report.shown())?.expires(after(now, KEPT));
    app.store.transact(vec![Write::Put(kept)]).await?;
    Ok(report)
}

/// What the last test found; none where there was none.
pub async fn last(app: &App, id: &ConnectionId) -> Result<Option<Value>, Problem> {
    Ok(app.store.get(&keys::last_test(id)).await?.map(|item| item.parse()).transpose()?)
}

impl Report {
    /// As it is answered and kept.
    pub fn shown(&self) -> TestReport {
        TestReport {
            status: self.stored.connection.status,
            message: self.message,
            tested_at: self.stored.connection.tested_at,
            checks: self.checks.clone(),
        }
    }
}

/// What a test found, as callers see it.
#[derive(Serialize, JsonSchema)]
pub struct TestReport {
    /// The connection's status as it now is.
    pub status: Status,
    /// In one sentence.
    pub message: &'static str,
    /// When it was tested.
    pub tested_at: Option<Timestamp>,
    /// In detail.
    pub checks: Vec<Check>,
}

/// For so long the last test is kept. Connections in use are tested each day.
const KEPT: i64 = 90 * DAY;

/// Whoever is connected is tested once a day.
const DAY: i64 = 86_400;
/// Connections that are tested at once.
const AT_ONCE: usize = 8;

/// Less than a day: a schedule may be somewhat early, and what is repeated goes on where it was.
const RECENT: i64 = 20 * 3_600;

/// True where a connection was not tested for a day.
pub fn is_due(connection: &Connection, now: Timestamp) -> bool {
    connection.is_scheduled() && age(connection, now) >= DAY
}

/// For how many seconds it was not tested.
fn age(connection: &Connection, now: Timestamp) -> i64 {
    now.duration_since(connection.tested_at.unwrap_or(connection.created_at)).as_secs()
}

/// Tests every connection that is in use. One that cannot be tested does not stand in the way of the others.
pub async fn test_all(app: &App) -> Result<(), Problem> {
    let mut pages = connection::pages(&app.store);
    while let Some(connections) = pages.next().await? {
        let now = app.now();
        let is_due = |it: &Connection| it.is_scheduled() && age(it, now) >= RECENT;
        let used = connections.iter().filter(|stored| is_due(&stored.connection));
        let tests = stream::iter(used).for_each_concurrent(AT_ONCE, async |stored| {
            if let Err(problem) = test(app, stored).await {
                tracing::error!(connection = %stored.connection.id, "a connection could not be tested: {problem}");
            }
        });
        Box::pin(tests).await;
    }
    Ok(())
}

/// Whether changes reach the directory as they happen, where that is asked for.
async fn judge_live(app: &App, connection: &Connection) -> Result<Option<Check>, Problem> {
    if !triggers::is_live_wanted(connection) {
        return Ok(None);
    }
    let verdict = match triggers::live_fault(app, connection).await? {
        None => Verdict::ok("Okta delivers changes to the connector's own event hook"),
        Some(fault) => Verdict::found(Finding::HookFailing, fault),
    };
    Ok(Some(verdict.of(Capability::Live)))
}

/// What the connection's own hooks show tells more than its scopes and roles.
async fn judge_hooks(app: &App, connection: &Connection, checks: &mut [Check]) -> Result<(), Problem> {
    let mut hooked = Trigger::all(&app.store, &connection.id).await?;
    hooked.retain(|trigger| trigger.enabled && trigger.hook.is_some());
    if hooked.is_empty() {
        return Ok(());
    }
    let missed = Head::load(&app.store, &connection.id).await?.missed_hooks;
    let broken = hooked.iter().find(|trigger| trigger.hook.as_ref().is_some_and(|hook| !hook.verified));
    let detail = match (broken, missed) {
        (Some(trigger), _) => format!("the hook of {} is not verified, so that Okta does not use it", trigger.id),
        (None, 1..) => format!("{missed} events came by the log that no hook has delivered; none is lost"),
        (None, 0) => return Ok(()),
    };
    let name = Capability::EventHooks.name();
    if let Some(check) = checks.iter_mut().find(|check| check.capability == name && check.finding.is_none()) {
        *check = Verdict::found(Finding::HookFailing, detail).of(Capability::EventHooks);
    }
    Ok(())
}
