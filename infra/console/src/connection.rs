//! Connections: cards, the overview with its test, settings, and removal.

use crate::Console;
use crate::form::Form;
use crate::gate::FIELD;
use crate::page::{Answer, Asked, Failure, checks, moment, or_dash, page, part, status, trouble};
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
    html! { input type="hidden" name=(FIELD) value=(console.keys.form.text()); }
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
    let body = overview(&console, &connection, &html! {}, Refused::Nothing);
    Ok(part("Overview", &connection, &body))
}

/// A form that was refused, and is shown again with what was filled in.
#[derive(Clone, Copy)]
pub enum Refused<'a> {
    Nothing,
    Settings(&'a Form),
    Credentials(&'a Form),
}

pub fn overview(console: &Console, connection: &Connection, news: &Markup, refused: Refused<'_>) -> Markup {
    let (changed, given) = match refused {
        Refused::Nothing => (None, None),
        Refused::Settings(form) => (Some(form), None),
        Refused::Credentials(form) => (None, Some(form)),
    };
    let post = |rest: &str| format!("/connections/{}{rest}", connection.id);
    html! {
        (news)
        @if connection.status == "Pending" { (what_is_missing(console, connection, given)) }
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
                dt { "Time zone of schedules" } dd { (or_dash(Some(&sync.timezone))) }
            }
            dt { "Follows changes as they happen" } dd {
                (connection.live.status)
                @if let Some(reason) = &connection.live.status_reason { ": " (reason) }
            }
            dt { "Tested" } dd { (moment(connection.tested_at.as_deref())) }
            dt { "Id" } dd { code { (connection.id) } }
        }
        details open[changed.is_some()] { summary { "Settings" } (settings(console, connection, changed)) }
        @if connection.status != "Pending" {
            details open[given.is_some()] { summary { "Other credentials" } (credentials(console, connection, given)) }
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

/// What its owner may change, with what was filled in.
fn settings(console: &Console, connection: &Connection, filled: Option<&Form>) -> Markup {
    let sync = connection.sync.clone().unwrap_or_default();
    let field = |name: &str, known: &str| match filled {
        Some(form) => form.get(name).unwrap_or_default().to_owned(),
        None => known.to_owned(),
    };
    html! {
        form.fields method="post" action={ "/connections/" (connection.id) "/settings" } {
            (key(console))
            input type="hidden" name="version" value=(connection.version);
            label { "Name" input name="name" required maxlength="100" value=(field("name", &connection.name)) autocomplete="off"; }
            @for (name, title, known) in [
                ("teams", "Teams that may use it, between commas", connection.teams.join(", ")),
                ("actions", "What may be done: read, write, destructive, credentials, all, or actions by name, between commas",
                    connection.permissions.actions.join(", ")),
                ("full", "Full sync, as rate(6 hours) or cron(…); empty: never by itself", sync.full.unwrap_or_default()),
                ("incremental", "Incremental sync", sync.incremental.unwrap_or_default()),
                ("verify", "Verifying sync", sync.verify.unwrap_or_default()),
                ("timezone", "Time zone of cron(…), as in Europe/Berlin", sync.timezone),
            ] {
                label { (title) input name=(name) value=(field(name, &known)) autocomplete="off"; }
            }
            label {
                "Follow changes as they happen, by an event hook that the connector makes in Okta"
                select name="live" {
                    @for (value, title) in [("false", "No"), ("true", "Yes")] {
                        option value=(value) selected[field("live", &sync.live.to_string()) == value] { (title) }
                    }
                }
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
    Ok(part("Overview", &connection, &overview(&console, &connection, &news, Refused::Nothing)))
}

pub async fn pause(State(console): State<Console>, Path(id): Path<String>, form: Form) -> Answer {
    let connection = of(&console, &id).await?;
    let paused = json!({"paused": form.get("paused") == Some("true")});
    changed(&console, &connection, &paused, Refused::Nothing).await
}

pub async fn edit(State(console): State<Console>, Path(id): Path<String>, form: Form) -> Answer {
    let connection = of(&console, &id).await?;
    if form.get("version") != Some(connection.version.to_string().as_str()) {
        let news = html! { div.trouble role="alert" { p { "Somebody else has changed it meanwhile; look at it and save once more." } } };
        let body = overview(&console, &connection, &news, Refused::Settings(&form));
        return Ok(part("Overview", &connection, &body));
    }
    let mut patch = json!({"name": form.get("name"), "teams": form.list("teams"), "permissions": {"actions": form.list("actions")}});
    let schedules = ["full", "incremental", "verify"].map(|name| (name.to_owned(), json!(form.get(name))));
    // Where nothing is synced by itself, the right to read users is not tested either; that stays so.
    let asks = form.get("live") == Some("true") || schedules.iter().any(|(_, schedule)| !schedule.is_null());
    if connection.sync.is_some() || asks {
        patch["sync"] = Value::Object(schedules.into_iter().collect());
        if let Some(zone) = form.get("timezone") {
            patch["sync"]["timezone"] = json!(zone);
        }
        patch["sync"]["live"] = json!(form.get("live") == Some("true"));
    }
    changed(&console, &connection, &patch, Refused::Settings(&form)).await
}

/// Sends a change, and shows what came of it.
async fn changed(console: &Console, connection: &Connection, patch: &Value, form: Refused<'_>) -> Answer {
    match console.client.call::<Connection>(Method::PATCH, &path(&connection.id), Some(patch)).await {
        Ok(now) => {
            let news = html! { section.panel role="status" { p { "It is changed." } } };
            Ok(part("Overview", &now, &overview(console, &now, &news, Refused::Nothing)))
        }
        Err(error) => Ok(part("Overview", connection, &overview(console, connection, &trouble(&error), form))),
    }
}

pub async fn delete(State(console): State<Console>, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let connection = of(&console, &id).await?;
    if form.get("name") != Some(connection.name.as_str()) {
        let news = html! { div.trouble role="alert" { p { "That is not the name of this connection; nothing was deleted." } } };
        return Ok(
            part("Overview", &connection, &overview(&console, &connection, &news, Refused::Nothing)).into_response()
        );
    }
    console.client.text(Method::DELETE, &path(&id), None).await?;
    Ok(Redirect::to("/connections").into_response())
}
