//! Setting a connection up in one of the three ways, with Okta's own names for its screens, and giving it other credentials.

use crate::Console;
use crate::connection::{Refused, copied, key, of, overview, path};
use crate::form::Form;
use crate::page::{Answer, Failure, checks, moment, page, part, trouble};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use okta_connector_client::{Connection, Error, Invited, Method, SetUp, screens};
use serde::Deserialize;
use serde_json::{Value, json};

/// How the wizard begins.
#[derive(Deserialize)]
pub struct Way {
    way: Option<String>,
}

const WAYS: [(&str, &str); 3] = [
    ("private_key_jwt", "A key that never leaves this deployment"),
    ("api_token", "An API token"),
    ("authorization_code", "A user's sign-in"),
];

pub async fn wizard(State(console): State<Console>, Query(way): Query<Way>) -> Answer {
    let way = way.way.as_deref().unwrap_or("private_key_jwt");
    Ok(page("Connect a tenant", None, &begin(&console, way, &Form::default())))
}

/// The first page, with what was filled in.
fn begin(console: &Console, way: &str, form: &Form) -> Markup {
    let filled = |name: &str| form.get(name).unwrap_or_default();
    html! {
        nav aria-label="Ways to sign in" {
            @for (name, title) in WAYS {
                a href={ "/connections/new?way=" (name) } aria-current=[(name == way).then_some("page")] { (title) }
            }
        }
        form.fields method="post" action="/connections" {
            (key(console))
            input type="hidden" name="way" value=(way);
            label { "Name" input name="name" required maxlength="100" value=(filled("name")) autocomplete="off"; }
            @match way {
                "api_token" => {
                    p { "In the Okta admin console: " (screens::TOKEN) }
                    (domain(filled("domain")))
                    (token())
                },
                "authorization_code" => {
                    p { "In the Okta admin console: " (screens::WEB_APP) " " (screens::GRANT_TYPES) }
                    (domain(filled("domain")))
                    (client_id(filled("client_id")))
                    (client_secret())
                    (scopes(filled("scopes")))
                },
                _ => p { "The next page shows the public key URL, and what to do with it in Okta." },
            }
            label { "Teams that may use it, between commas" input name="teams" value=(filled("teams")) autocomplete="off"; }
            label { "What may be done: read, write, destructive, credentials, all, or actions by name, between commas"
                input name="actions" value=(form.get("actions").unwrap_or("read")) autocomplete="off"; }
            div.row { button { "Connect" } }
        }
    }
}

fn domain(value: &str) -> Markup {
    html! { label { "The tenant's address, as the browser shows it" input name="domain" required placeholder="acme.okta.com" value=(value) autocomplete="off"; } }
}

fn client_id(value: &str) -> Markup {
    html! { label { "Client ID" input name="client_id" required value=(value) autocomplete="off"; } }
}

fn client_secret() -> Markup {
    html! { label { "Client secret" input name="client_secret" type="password" required autocomplete="off"; } }
}

fn token() -> Markup {
    html! { label { "API token" input name="token" type="password" required autocomplete="off"; } }
}

/// The credentials that a form says.
fn said(way: &str, form: &Form) -> Value {
    let mut auth = json!({"type": way});
    for name in ["token", "client_id", "client_secret", "private_key"] {
        if let Some(value) = form.get(name) {
            auth[name] = json!(value);
        }
    }
    if let Some(scopes) = form.get("scopes") {
        auth["scopes"] = scopes.split_whitespace().collect();
    }
    auth
}

pub async fn create(State(console): State<Console>, form: Form) -> Result<Response, Failure> {
    let way = form.get("way").unwrap_or("private_key_jwt");
    let mut body = json!({"name": form.get("name").unwrap_or_default(), "auth": said(way, &form),
        "teams": form.list("teams"), "permissions": {"actions": form.list("actions")}});
    if let Some(domain) = form.get("domain") {
        body["domain"] = json!(domain);
    }
    match console.client.call::<SetUp>(Method::POST, "/v1/connections", Some(&body)).await {
        Ok(made) => Ok(Redirect::to(&format!("/connections/{}", made.connection.id)).into_response()),
        Err(error @ Error::Problem(_)) => {
            let body = html! { (trouble(&error)) (begin(&console, way, &form)) };
            Ok(page("Connect a tenant", None, &body).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The steps that are left.
pub fn what_is_missing(console: &Console, connection: &Connection, filled: Option<&Form>) -> Markup {
    html! {
        section.panel {
            h2 { "What is missing" }
            @if connection.auth.kind == "authorization_code" {
                ol {
                    li { "In the app, under Sign-in redirect URIs, add" (copied("redirect", &connection.redirect_uri)) }
                    li { "Have an administrator of the tenant sign in." }
                }
                (sign_in(console, connection))
                details open[filled.is_some()] { summary { "Other credentials" } (credentials(console, connection, filled)) }
            } @else {
                @if let Some(url) = connection.public_key_url.as_ref().filter(|_| is_hosted(connection)) {
                    ol {
                        li { "In the Okta admin console: " (screens::API_SERVICES) }
                        li { (screens::KEY_URL) (copied("key-url", url)) }
                        li { (screens::SCOPES) }
                        li { (screens::ROLES) }
                        li { "Copy the app's client ID here." }
                    }
                }
                (credentials(console, connection, filled))
            }
        }
    }
}

/// True where the connector made the key itself.
fn is_hosted(connection: &Connection) -> bool {
    connection.auth.key_source.as_deref() == Some("hosted")
}

/// A form for the credentials of a connection, with what was filled in.
pub fn credentials(console: &Console, connection: &Connection, filled: Option<&Form>) -> Markup {
    let text = |name: &str| filled.and_then(|form| form.get(name));
    let known = text("client_id").or(connection.auth.client_id.as_deref()).unwrap_or_default();
    html! {
        form.fields method="post" action={ "/connections/" (connection.id) "/auth" } {
            (key(console))
            (domain(text("domain").or(connection.domain.as_deref()).unwrap_or_default()))
            @match connection.auth.kind.as_str() {
                "api_token" => (token()),
                "authorization_code" => { (client_id(known)) (client_secret()) },
                _ => {
                    (client_id(known))
                    @if !is_hosted(connection) {
                        label { "Private key, as JSON or PEM" textarea name="private_key" rows="6" required spellcheck="false" {} }
                    }
                },
            }
            @if connection.auth.kind != "api_token" { (scopes(text("scopes").unwrap_or_default())) }
            div.row { button { "Verify" } }
        }
    }
}

fn scopes(value: &str) -> Markup {
    html! { label { "Scopes to ask for, between blanks; empty: those that are needed and granted"
    input name="scopes" value=(value) autocomplete="off"; } }
}

/// The button that invites a user.
pub fn sign_in(console: &Console, connection: &Connection) -> Markup {
    html! {
        form method="post" action={ "/connections/" (connection.id) "/authorize" } {
            (key(console)) button { "Sign in at Okta" }
        }
    }
}

pub async fn authenticate(State(console): State<Console>, Path(id): Path<String>, form: Form) -> Answer {
    let connection = of(&console, &id).await?;
    let body = json!({"domain": form.get("domain"), "auth": said(&connection.auth.kind, &form)});
    let news = match console.client.call::<SetUp>(Method::PUT, &format!("{}/auth", path(&id)), Some(&body)).await {
        Ok(set_up) => html! {
            section.panel role="status" {
                p { strong { (set_up.message) } }
                (checks(set_up.checks.iter()))
                @if set_up.sync_id.is_some() { p { a href={ "/connections/" (connection.id) "/syncs" } { "Watch the first sync" } } }
                @if set_up.connection.staged_auth.is_some() { (sign_in(&console, &set_up.connection)) }
            }
        },
        Err(error) => {
            let refused = overview(&console, &connection, &trouble(&error), Refused::Credentials(&form));
            return Ok(part("Overview", &connection, &refused));
        }
    };
    let connection = of(&console, &id).await?;
    Ok(part("Overview", &connection, &overview(&console, &connection, &news, Refused::Nothing)))
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
