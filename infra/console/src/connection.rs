//! Connections: cards, the set-up of the three ways, the overview with its test, and removal.

use crate::Console;
use crate::form::Form;
use crate::gate::FIELD;
use crate::page::{Answer, Asked, Failure, checks, moment, or_dash, page, status, trouble};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use okta_connector_client::{Connection, Error, Invited, Method, Page as Listed, SetUp, TestReport, query, segment};
use serde::Deserialize;
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

/// How the wizard begins.
#[derive(Deserialize)]
pub struct Way {
    way: Option<String>,
}

pub async fn wizard(State(console): State<Console>, Query(way): Query<Way>) -> Answer {
    let way = way.way.as_deref().unwrap_or("private_key_jwt");
    Ok(page("Connect a tenant", None, &set_up(&console, way)))
}

const WAYS: [(&str, &str); 3] = [
    ("private_key_jwt", "A key that never leaves this deployment"),
    ("api_token", "An API token"),
    ("authorization_code", "A user's sign-in"),
];

fn set_up(console: &Console, way: &str) -> Markup {
    html! {
        nav aria-label="Ways to sign in" {
            @for (name, title) in WAYS {
                a href={ "/connections/new?way=" (name) } aria-current=[(name == way).then_some("page")] { (title) }
            }
        }
        form.fields method="post" action="/connections" {
            (key(console))
            input type="hidden" name="way" value=(way);
            label { "Name" input name="name" required maxlength="100" autocomplete="off"; }
            @match way {
                "api_token" => {
                    p { "In the Okta admin console: Security > API > Tokens > Create token. The token can do what its owner can." }
                    (domain())
                    label { "API token" input name="token" type="password" required autocomplete="off"; }
                },
                "authorization_code" => {
                    p { "In the Okta admin console: Applications > Create App Integration > OIDC > Web Application, with the grant types Authorization Code and Refresh Token." }
                    (domain())
                    label { "Client ID" input name="client_id" required autocomplete="off"; }
                    label { "Client secret" input name="client_secret" type="password" required autocomplete="off"; }
                },
                _ => p { "The next page shows the public key URL, and what to do with it in Okta." },
            }
            label { "Teams that may use it, between commas" input name="teams" autocomplete="off"; }
            label { "What may be done: read, write, destructive, credentials, all, or actions by name, between commas"
                input name="actions" value="read" autocomplete="off"; }
            div.row { button { "Connect" } }
        }
    }
}

fn domain() -> Markup {
    html! { label { "The tenant's address, as the browser shows it" input name="domain" required placeholder="acme.okta.com" autocomplete="off"; } }
}

pub async fn create(State(console): State<Console>, form: Form) -> Result<Response, Failure> {
    let way = form.get("way").unwrap_or("private_key_jwt");
    let mut auth = json!({"type": way});
    for name in ["token", "client_id", "client_secret"] {
        if let Some(value) = form.get(name) {
            auth[name] = json!(value);
        }
    }
    let mut body = json!({"name": form.get("name").unwrap_or_default(), "auth": auth, "teams": form.list("teams"),
        "permissions": {"actions": form.list("actions")}});
    if let Some(domain) = form.get("domain") {
        body["domain"] = json!(domain);
    }
    match console.client.call::<SetUp>(Method::POST, "/v1/connections", Some(&body)).await {
        Ok(made) => Ok(Redirect::to(&format!("/connections/{}", made.connection.id)).into_response()),
        Err(error @ Error::Problem(_)) => {
            let body = html! { (trouble(&error)) (set_up(&console, way)) };
            Ok(page("Connect a tenant", None, &body).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

pub async fn show(State(console): State<Console>, Path(id): Path<String>) -> Answer {
    let connection = of(&console, &id).await?;
    let body = overview(&console, &connection, &html! {});
    Ok(page("Overview", Some(&connection), &body))
}

fn overview(console: &Console, connection: &Connection, news: &Markup) -> Markup {
    let post = |rest: &str| format!("/connections/{}{rest}", connection.id);
    html! {
        (news)
        @if connection.status == "Pending" { (what_is_missing(console, connection)) }
        div.row {
            form method="post" action=(post("/test")) { (key(console)) button { "Test Integration" } }
            form method="post" action=(post("")) {
                (key(console))
                input type="hidden" name="paused" value=(!connection.paused);
                button.plain { @if connection.paused { "Resume" } @else { "Pause" } }
            }
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

/// The steps that are left, with Okta's own names for its screens.
fn what_is_missing(console: &Console, connection: &Connection) -> Markup {
    let authorize = format!("/connections/{}/authorize", connection.id);
    html! {
        section.panel {
            h2 { "What is missing" }
            @if connection.auth.kind == "authorization_code" {
                ol {
                    li { "In the app, under Sign-in redirect URIs, add" (copied("redirect", &connection.redirect_uri)) }
                    li { "Have an administrator of the tenant sign in." }
                }
                form method="post" action=(authorize) { (key(console)) button { "Sign in at Okta" } }
            } @else {
                ol {
                    li { "In the Okta admin console: Applications > Applications > Create App Integration > API Services." }
                    li { "General > Client Credentials > Edit: Public key / Private key, then Use a URL to fetch keys dynamically:"
                        (copied("key-url", connection.public_key_url.as_deref().unwrap_or_default())) }
                    li { "Okta API Scopes: grant what is to be read and done. Admin roles: assign Read-only Administrator, or more." }
                    li { "Copy the app's client ID here." }
                }
                form.fields method="post" action={ "/connections/" (connection.id) "/auth" } {
                    (key(console))
                    label { "The tenant's address" input name="domain" required value=(connection.domain.as_deref().unwrap_or_default()) autocomplete="off"; }
                    label { "Client ID" input name="client_id" required value=(connection.auth.client_id.as_deref().unwrap_or_default()) autocomplete="off"; }
                    div.row { button { "Verify" } }
                }
            }
        }
    }
}

/// A text with a button that copies it.
pub fn copied(id: &str, text: &str) -> Markup {
    html! { div.copy { code id=(id) { (text) } button.plain type="button" data-copy=(id) { "Copy" } } }
}

pub async fn authenticate(State(console): State<Console>, Path(id): Path<String>, form: Form) -> Answer {
    let auth = json!({"type": "private_key_jwt", "client_id": form.get("client_id")});
    let body = json!({"domain": form.get("domain"), "auth": auth});
    let news = match console.client.call::<SetUp>(Method::PUT, &format!("{}/auth", path(&id)), Some(&body)).await {
        Ok(set_up) => {
            html! { section.panel role="status" { p { strong { (set_up.message) } } (checks(set_up.checks.iter())) } }
        }
        Err(error) => trouble(&error),
    };
    let connection = of(&console, &id).await?;
    Ok(page("Overview", Some(&connection), &overview(&console, &connection, &news)))
}

/// A form must not lead to another site, so the invitation is a link on a page of its own.
pub async fn authorize(State(console): State<Console>, Path(id): Path<String>) -> Answer {
    let connection = of(&console, &id).await?;
    let invited: Invited = console.client.call(Method::POST, &format!("{}/authorize", path(&id)), None).await?;
    let body = html! {
        p { "Open this as an administrator of the tenant, or send it to one. It works until " (moment(Some(&invited.expires_at))) "." }
        p { a href=(invited.authorize_url) rel="noreferrer" { "Sign in at Okta" } }
        (copied("invitation", &invited.authorize_url))
        p { a href={ "/connections/" (connection.id) } { "Then come back here" } }
    };
    Ok(page("Sign in", Some(&connection), &body))
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

pub async fn edit(State(console): State<Console>, Path(id): Path<String>, form: Form) -> Result<Redirect, Failure> {
    let paused = json!({"paused": form.get("paused") == Some("true")});
    console.client.call::<Value>(Method::PATCH, &path(&id), Some(&paused)).await?;
    Ok(Redirect::to(&format!("/connections/{}", segment(&id))))
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
