//! Connections: cards, the overview with its test, settings, and removal.

use crate::Console;
use crate::form::Form;
use crate::gate::FIELD;
use crate::page::{Answer, Asked, Failure, checks, moment, or_dash, page, status, trouble};
use crate::setup::{credentials, sign_in, what_is_missing};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use okta_connector_client::{Connection, Method, Page as Listed, TestReport, query, segment};
use serde_json::{Value, json};

/// The connection that a page is of.
pub async fn of(console: &Console, id: &str) -> Result<Connection, Failure> {
    Ok(console.client.get(&path(id)).await?)
}

pub fn path(id: &str) -> String {
    format!("/v1/connections/{}", segment(id))
}

/// The field that each form has.
pub fn key(console: &Console) -> Markup {
    html! { input type="hidden" name=(FIELD) value=(console.key.text()); }
}

pub async fn cards(State(console): State<Console>, Query(at): Query<Asked>) -> Answer {
    let asked = query(&[("limit", Some("50")), ("cursor", at.cursor.as_deref())]);
    let list: Listed<Connection> = console.client.get(&format!("/v1/connections{asked}")).await?;
    let body = html! {
        p { a href="/connections/new" { "Connect a tenant" } }
        @if list.items.is_empty() { p { "There is no connection yet." } }
        ul.cards { @for connection in &list.items { li.card { (card(connection)) } } }
        (crate::page::more("/connections", list.next_cursor.as_ref()))
    };
    Ok(page("Connections", None, &body))
}

fn card(connection: &Connection) -> Markup {
    html! {
        h2 { a href={ "/connections/" (connection.id) } { (connection.name) } }
        p { (status(&connection.status)) @if connection.paused { " " (status("Paused")) } }
        p { (or_dash(connection.domain.as_deref())) }
        p.small {
            (connection.counts.users) " users, " (connection.counts.groups) " groups, " (connection.counts.apps) " apps"
        }
        @match &connection.last_sync {
            Some(last) => p.small { "Last sync: " (last.mode) ", " (status(&last.status)) " " (moment(Some(&last.finished_at))) },
            None => p.small { "Never synced" },
        }
    }
}

pub async fn show(State(console): State<Console>, Path(id): Path<String>) -> Answer {
    let connection = of(&console, &id).await?;
    let body = overview(&console, &connection, &html! {});
    Ok(page("Overview", Some(&connection), &body))
}

pub fn overview(console: &Console, connection: &Connection, news: &Markup) -> Markup {
    let post = |rest: &str| format!("/connections/{}{rest}", connection.id);
    html! {
        (news)
        @if connection.status == "Pending" { (what_is_missing(console, connection)) }
        div.row {
            form method="post" action=(post("/test")) { (key(console)) button { "Test Integration" } }
            form method="post" action=(post("/pause")) {
                (key(console))
                input type="hidden" name="paused" value=(!connection.paused);
                button.plain { @if connection.paused { "Resume" } @else { "Pause" } }
            }
            @if connection.status != "Pending" && connection.auth.kind == "authorization_code" { (sign_in(console, connection)) }
        }
        dl {
            dt { "Domain" } dd { (or_dash(connection.domain.as_deref())) }
            dt { "Why" } dd { (or_dash(connection.status_reason.as_deref())) }
            dt { "Signs in by" } dd { (connection.auth.kind) " " (or_dash(connection.auth.client_id.as_deref())) }
            dt { "Scopes" } dd { (or_dash(Some(&connection.auth.scopes.join(" ")))) }
            dt { "Teams" } dd { (or_dash(Some(&connection.teams.join(", ")))) }
            dt { "Allowed" } dd { (connection.permissions.actions.join(", ")) }
            dt { "Directory" } dd {
                (connection.counts.users) " users, " (connection.counts.groups) " groups, " (connection.counts.apps) " apps, "
                (connection.counts.locations) " locations"
            }
            @if let Some(sync) = &connection.sync {
                dt { "Full sync" } dd { (or_dash(sync.full.as_deref())) }
                dt { "Incremental sync" } dd { (or_dash(sync.incremental.as_deref())) }
                dt { "Verifying sync" } dd { (or_dash(sync.verify.as_deref())) }
            }
            dt { "Tested" } dd { (moment(connection.tested_at.as_deref())) }
            dt { "Id" } dd { code { (connection.id) } }
        }
        details { summary { "Settings" } (settings(console, connection)) }
        @if connection.status != "Pending" {
            details { summary { "Other credentials" } (credentials(console, connection)) }
        }
        details {
            summary { "Delete this connection" }
            form.fields method="post" action=(post("/delete")) {
                (key(console))
                p { "Its schedules, hooks, secret and directory go with it." }
                label { "Write the name to confirm" input name="name" required autocomplete="off"; }
                div.row { button.danger { "Delete " (connection.name) } }
            }
        }
    }
}

/// What its owner may change.
fn settings(console: &Console, connection: &Connection) -> Markup {
    let sync = connection.sync.clone().unwrap_or_default();
    html! {
        form.fields method="post" action={ "/connections/" (connection.id) "/settings" } {
            (key(console))
            label { "Name" input name="name" required maxlength="100" value=(connection.name) autocomplete="off"; }
            label { "Teams that may use it, between commas"
                input name="teams" value=(connection.teams.join(", ")) autocomplete="off"; }
            label { "What may be done: read, write, destructive, credentials, all, or actions by name, between commas"
                input name="actions" value=(connection.permissions.actions.join(", ")) autocomplete="off"; }
            @for (name, title, schedule) in [
                ("full", "Full sync, as rate(6 hours) or cron(…); empty: never by itself", &sync.full),
                ("incremental", "Incremental sync", &sync.incremental),
                ("verify", "Verifying sync", &sync.verify),
            ] {
                label { (title) input name=(name) value=(schedule.as_deref().unwrap_or_default()) autocomplete="off"; }
            }
            div.row { button { "Save" } }
        }
    }
}

/// A text with a button that copies it.
pub fn copied(id: &str, text: &str) -> Markup {
    html! { div.copy { code id=(id) { (text) } button.plain type="button" data-copy=(id) { "Copy" } } }
}

pub async fn test(State(console): State<Console>, Path(id): Path<String>) -> Answer {
    let news = match console.client.call::<TestReport>(Method::POST, &format!("{}/test", path(&id)), None).await {
        Ok(report) => html! {
            section.panel role="status" { p { (status(&report.status)) " " strong { (report.message) } } (checks(report.checks.iter())) }
        },
        Err(error) => trouble(&error),
    };
    let connection = of(&console, &id).await?;
    Ok(page("Overview", Some(&connection), &overview(&console, &connection, &news)))
}

/// Sends a change, and shows what came of it.
async fn changed(console: &Console, id: &str, patch: &Value) -> Answer {
    let news = match console.client.call::<Value>(Method::PATCH, &path(id), Some(patch)).await {
        Ok(_) => html! { section.panel role="status" { p { "It is changed." } } },
        Err(error) => trouble(&error),
    };
    let connection = of(console, id).await?;
    Ok(page("Overview", Some(&connection), &overview(console, &connection, &news)))
}

pub async fn pause(State(console): State<Console>, Path(id): Path<String>, form: Form) -> Answer {
    changed(&console, &id, &json!({"paused": form.get("paused") == Some("true")})).await
}

pub async fn edit(State(console): State<Console>, Path(id): Path<String>, form: Form) -> Answer {
    let schedules = ["full", "incremental", "verify"].map(|name| (name.to_owned(), json!(form.get(name))));
    let patch = json!({"name": form.get("name"), "teams": form.list("teams"),
        "permissions": {"actions": form.list("actions")}, "sync": Value::Object(schedules.into_iter().collect())});
    changed(&console, &id, &patch).await
}

pub async fn delete(State(console): State<Console>, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let connection = of(&console, &id).await?;
    if form.get("name") != Some(connection.name.as_str()) {
        let news = html! { div.trouble role="alert" { p { "That is not the name of this connection; nothing was deleted." } } };
        return Ok(page("Overview", Some(&connection), &overview(&console, &connection, &news)).into_response());
    }
    console.client.text(Method::DELETE, &path(&id), None).await?;
    Ok(Redirect::to("/connections").into_response())
}
