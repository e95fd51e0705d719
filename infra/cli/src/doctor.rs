//! `doctor`: what is wrong with this setup, and what to do about it.

use crate::output::{Format, Output, Row, moment, or_empty, plain, print};
use crate::target::{Reached, TOKEN_FILE, folder_of};
use crate::{Failure, Options};
use okta_connector_client::{Caller, Client, Connection, DirectoryFinding, Method, TestReport, Trigger};
use serde::Serialize;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A clock that is this wrong makes signatures and tokens invalid, in seconds.
const SKEW: i64 = 60;

/// One thing that was looked at.
#[derive(Serialize)]
struct Check {
    status: &'static str,
    #[serde(rename = "check")]
    name: String,
    detail: String,
    fix: Option<String>,
}

impl Check {
    fn ok(check: &str, detail: impl Into<String>) -> Self {
        Self { status: "ok", name: check.to_owned(), detail: detail.into(), fix: None }
    }

    fn warning(check: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: "warning", name: check.to_owned(), detail: detail.into(), fix: Some(fix.into()) }
    }

    fn failed(check: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: "failed", name: check.to_owned(), detail: detail.into(), fix: Some(fix.into()) }
    }
}

impl Row for Check {
    const COLUMNS: &'static [&'static str] = &["STATUS", "CHECK", "DETAIL"];

    fn cells(&self) -> Vec<String> {
        vec![self.status.to_owned(), self.name.clone(), self.detail.clone()]
    }
}

pub async fn run(options: &Options, output: &Output) -> Result<(), Failure> {
    let checks = checks(options).await?;
    output.list(&checks)?;
    if output.format == Format::Table {
        for check in &checks {
            if let Some(fix) = &check.fix {
                print(&plain(&format!("{}: {fix}", check.name)))?;
            }
        }
    }
    let failed = checks.iter().filter(|check| check.status == "failed").count();
    match failed {
        0 => {
            output.note("This setup works.");
            Ok(())
        }
        1 => Err(Failure::BadNews("1 check failed.".to_owned())),
        _ => Err(Failure::BadNews(format!("{failed} checks failed."))),
    }
}

/// Each check builds on those before it: without a service there is nothing to ask.
async fn checks(options: &Options) -> Result<Vec<Check>, Failure> {
    let url = options.target.url()?;
    let mut checks = Vec::new();
    if let Some(folder) = folder_of(&url) {
        checks.push(data_folder(&folder));
    }
    let reached = match options.target.reach().await {
        Ok(reached) => reached,
        Err(failure) => {
            checks.push(Check::failed("Credentials", failure.to_string(), "give others, or another deployment"));
            return Ok(checks);
        }
    };
    match service(&reached.client, &mut checks).await {
        Ok(()) => {}
        Err(error) => {
            let fix = "start it with `okta-connector serve`, or name another deployment with --url or --deployment";
            checks.push(Check::failed("Service", error.to_string(), fix));
            return Ok(checks);
        }
    }
    if caller(&reached, &mut checks).await {
        connections(&reached.client, &mut checks).await?;
    }
    Ok(checks)
}

/// The folder of `serve` holds the directory and the secrets: its owner's alone.
fn data_folder(folder: &Path) -> Check {
    let shown = folder.display().to_string();
    let Ok(about) = std::fs::metadata(folder) else {
        let fix = "let OKTA_CONNECTOR_DATA name the folder that `serve` uses";
        return Check::warning("Data folder", format!("{shown} does not exist"), fix);
    };
    if about.permissions().mode() & 0o077 != 0 {
        return Check::failed("Data folder", format!("{shown} is open to other users"), format!("chmod 700 {shown}"));
    }
    match std::fs::read_to_string(folder.join(TOKEN_FILE)) {
        Ok(_) => Check::ok("Data folder", shown),
        Err(error) => Check::warning(
            "Data folder",
            format!("{shown} holds no token: {error}"),
            "start `okta-connector serve` once with this folder",
        ),
    }
}

async fn service(client: &Client, checks: &mut Vec<Check>) -> Result<(), okta_connector_client::Error> {
    let response = client.send(Method::GET, "/v1/health", None).await?;
    let date = response.headers().get("date").and_then(|date| date.to_str().ok()).map(str::to_owned);
    let health: serde_json::Value = serde_json::from_str(&response.text().await?).unwrap_or_default();
    let own = env!("CARGO_PKG_VERSION");
    let version = health["version"].as_str().unwrap_or("unknown");
    let detail = format!("{} answers, version {version}", client.origin());
    checks.push(if version == own {
        Check::ok("Service", detail)
    } else {
        Check::warning("Service", detail, format!("this program is version {own}: use the same one"))
    });
    checks.extend(date.as_deref().and_then(clock));
    Ok(())
}

/// Compares this machine's clock with the service's.
#[expect(clippy::disallowed_methods, reason = "the clock of this machine is what is checked")]
fn clock(date: &str) -> Option<Check> {
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let apart = (jiff::Timestamp::now().as_second() - theirs.as_second()).abs();
    if apart <= SKEW {
        return Some(Check::ok("Clock", format!("{apart} s apart from the service's")));
    }
    let detail = format!("this machine and the service are {apart} s apart");
    Some(Check::failed("Clock", detail, "set the time of this machine by NTP"))
}

async fn caller(reached: &Reached, checks: &mut Vec<Check>) -> bool {
    match reached.client.get::<Caller>("/v1/me").await {
        Ok(caller) => {
            let role = if caller.admin { "an admin" } else { "no admin" };
            checks.push(Check::ok("Caller", format!("{}, {role}, by {}", caller.subject, reached.known_by)));
            true
        }
        Err(error) => {
            let fix =
                "let OKTA_CONNECTOR_DATA name the data folder of `serve`, or give a token in OKTA_CONNECTOR_TOKEN";
            checks.push(Check::failed("Caller", format!("{error} ({})", reached.known_by), fix));
            false
        }
    }
}

async fn connections(client: &Client, checks: &mut Vec<Check>) -> Result<(), Failure> {
    let all: Vec<Connection> = client.pages("/v1/connections").first(usize::MAX).await?;
    if all.is_empty() {
        checks.push(Check::warning("Connections", "there is none yet", "okta-connector connections add"));
    }
    for connection in &all {
        checks.push(state(connection));
        if connection.status != "Pending" {
            checks.push(last_test(client, connection).await?);
            checks.push(last_sync(connection));
            checks.extend(triggers(client, connection).await?);
            checks.extend(findings(client, connection).await?);
        }
    }
    Ok(())
}

/// The name of a check of a connection.
fn of(connection: &Connection, what: &str) -> String {
    format!("{}: {what}", connection.name)
}

fn state(connection: &Connection) -> Check {
    let name = of(connection, "connection");
    let id = &connection.id;
    let why = connection.status_reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let detail = format!("{}{why}", connection.status);
    match connection.status.as_str() {
        _ if connection.paused => Check::warning(&name, "Paused", format!("okta-connector connections resume {id}")),
        "Active" => Check::ok(&name, detail),
        "Pending" => Check::warning(&name, detail, format!("okta-connector connections auth {id}")),
        _ => Check::failed(&name, detail, format!("okta-connector connections test {id}")),
    }
}

async fn last_test(client: &Client, connection: &Connection) -> Result<Check, Failure> {
    let name = of(connection, "test");
    let again = format!("okta-connector connections test {}", connection.id);
    let report: TestReport = match client.get(&format!("/v1/connections/{}/test", connection.id)).await {
        Ok(report) => report,
        Err(error) if error.problem().is_some_and(|problem| problem.status == 404) => {
            return Ok(Check::warning(&name, "there is no report of a test", again));
        }
        Err(error) => return Err(error.into()),
    };
    let bad: Vec<_> = report.checks.iter().filter(|check| check.is_bad()).map(|it| it.title.as_str()).collect();
    let when = moment(report.tested_at.as_deref());
    Ok(match bad.len() {
        0 => Check::ok(&name, format!("all {} checks were good at {when}", report.checks.len())),
        count => {
            let detail = format!("{count} of {} checks were bad at {when}: {}", report.checks.len(), bad.join(", "));
            Check::warning(&name, detail, again)
        }
    })
}

fn last_sync(connection: &Connection) -> Check {
    let name = of(connection, "sync");
    let id = &connection.id;
    let Some(last) = &connection.last_sync else {
        return Check::warning(&name, "was never synced", format!("okta-connector sync start --watch -c {id}"));
    };
    let detail = format!("{} sync {} at {}", last.mode, last.status, moment(Some(&last.finished_at)));
    match last.status.as_str() {
        "succeeded" => Check::ok(&name, detail),
        "needs_confirmation" => Check::warning(&name, detail, format!("okta-connector sync removals -c {id}")),
        _ => Check::failed(&name, detail, format!("okta-connector sync status {} -c {id}", last.id)),
    }
}

async fn triggers(client: &Client, connection: &Connection) -> Result<Vec<Check>, Failure> {
    let path = format!("/v1/connections/{}/triggers", connection.id);
    let all: Vec<Trigger> = client.pages(path).first(usize::MAX).await?;
    let failing = all.iter().filter(|trigger| trigger.status == "failing");
    let check = |trigger: &Trigger| {
        let name = of(connection, &format!("trigger {}", trigger.name.as_deref().unwrap_or(&trigger.id)));
        let fix = format!("okta-connector triggers show {} -c {}", trigger.id, connection.id);
        Check::failed(&name, or_empty(trigger.status_reason.as_deref()), fix)
    };
    Ok(failing.map(check).collect())
}

async fn findings(client: &Client, connection: &Connection) -> Result<Option<Check>, Failure> {
    let path = format!("/v1/connections/{}/findings", connection.id);
    let found: Vec<DirectoryFinding> = client.pages(path).first(usize::MAX).await?;
    let fix = format!("okta-connector findings -c {}", connection.id);
    let check = || Check::warning(&of(connection, "directory"), format!("{} findings", found.len()), fix);
    Ok((!found.is_empty()).then(check))
}
