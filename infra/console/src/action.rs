//! Actions: a form from each schema, rehearsal, the question before something is destroyed, and what came of it.

use crate::Console;
use crate::connection::{copied, key, of, path};
use crate::form::Form;
use crate::page::{Answer, page, part, status, trouble};
use axum::extract::{Path, State};
use maud::{Markup, html};
use okta_connector_client::schema::{is_list_of_text, is_password, properties, type_of};
use okta_connector_client::{Action, Connection, Method, Performed, Rehearsed, segment};
use serde_json::{Map, Value, json};

/// What an output tells once and never again.
const SHOWN_ONCE: [&str; 4] = ["activation_token", "activation_url", "reset_password_url", "temporary_password"];

pub async fn list(State(console): State<Console>, Path(id): Path<String>) -> Answer {
    let connection = of(&console, &id).await?;
    let actions: Vec<Action> = console.client.pages("/v1/actions").first(usize::MAX).await?;
    let body = html! {
        div.scroll { table {
            thead { tr { th { "Action" } th { "What it does" } th { "Effect" } } }
            tbody { @for action in &actions { tr {
                td { a href={ "/connections/" (connection.id) "/actions/" (action.name) } { (action.name) } }
                td { (action.title) }
                td { (status(&action.effect)) }
            } } }
        } }
    };
    Ok(part("Actions", &connection, &body))
}

pub async fn form(State(console): State<Console>, Path((id, name)): Path<(String, String)>) -> Answer {
    let connection = of(&console, &id).await?;
    let action: Action = console.client.get(&format!("/v1/actions/{}", segment(&name))).await?;
    let body = fields(&console, &connection, &action, &Form::default(), &html! {});
    Ok(page(&action.title, Some(&connection), &body))
}

/// The form, with what was filled in, below what is to be said about it.
fn fields(console: &Console, connection: &Connection, action: &Action, form: &Form, news: &Markup) -> Markup {
    let required = action.input_schema["required"].as_array().cloned().unwrap_or_default();
    let is_required = |name: &str| required.iter().any(|it| it == name);
    let (first, rest): (Vec<_>, Vec<_>) = properties(&action.input_schema).partition(|(name, _)| is_required(name));
    html! {
        (news)
        p { (action.description) }
        p.small { code { (action.name) } " " (status(&action.effect)) " needs " (action.scopes.join(", ")) }
        form.fields method="post" action={ "/connections/" (connection.id) "/actions/" (action.name) } {
            (key(console))
            @for (name, property) in first.into_iter().chain(rest) {
                label {
                    span { (name.replace('_', " ")) @if is_required(name) { " (required)" } }
                    (field(name, property, form.get(name).unwrap_or_default()))
                    span.small { (property["description"].as_str().unwrap_or_default()) }
                }
            }
            div.row {
                button name="do" value="run" { "Run" }
                button.plain name="do" value="rehearse" { "Only show what it would send" }
            }
        }
    }
}

fn field(name: &str, property: &Value, text: &str) -> Markup {
    html! {
        @match type_of(property) {
            "boolean" => select name=(name) {
                option value="" { "as usual" }
                option value="true" selected[text == "true"] { "yes" }
                option value="false" selected[text == "false"] { "no" }
            },
            "integer" => input type="number" name=(name) value=(text);,
            "array" if is_list_of_text(property) => textarea name=(name) rows="3" { (text) },
            "array" => textarea name=(name) rows="4" spellcheck="false" placeholder="JSON" { (text) },
            "object" => textarea name=(name) rows="6" spellcheck="false" placeholder="name: value, one a line; or JSON" { (text) },
            _ if is_password(property) => input type="password" name=(name) autocomplete="new-password";,
            _ => input name=(name) value=(text) autocomplete="off";,
        }
    }
}

/// Texts by name, one a line, or else JSON.
fn members(text: &str) -> Option<Value> {
    if text.starts_with('{') {
        return serde_json::from_str(text).ok();
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let members: Option<Map<_, _>> = lines
        .map(|line| line.split_once(':').map(|(name, value)| (name.trim().to_owned(), json!(value.trim()))))
        .collect();
    members.map(Value::Object)
}

/// The input that a form says; a field that is no JSON where it should be is named.
fn input(schema: &Value, form: &Form) -> Result<Map<String, Value>, String> {
    let mut input = Map::new();
    for (name, property) in properties(schema) {
        let Some(text) = form.get(name) else { continue };
        let value = match type_of(property) {
            "string" => json!(text),
            "array" if is_list_of_text(property) => json!(form.list(name)),
            "object" => {
                members(text).ok_or_else(|| format!("{name} has lines that are not name: value, and is no JSON"))?
            }
            kind => serde_json::from_str(text).map_err(|_| format!("{name} is no {kind}"))?,
        };
        input.insert(name.to_owned(), value);
    }
    Ok(input)
}

pub async fn run(State(console): State<Console>, Path((id, name)): Path<(String, String)>, form: Form) -> Answer {
    let connection = of(&console, &id).await?;
    let action: Action = console.client.get(&format!("/v1/actions/{}", segment(&name))).await?;
    let news = match input(&action.input_schema, &form) {
        Ok(input) => done(&console, &connection, &action, &form, input).await,
        Err(wrong) => html! { div.trouble role="alert" { p { (wrong) } } },
    };
    Ok(page(&action.title, Some(&connection), &fields(&console, &connection, &action, &form, &news)))
}

async fn done(
    console: &Console,
    connection: &Connection,
    action: &Action,
    form: &Form,
    input: Map<String, Value>,
) -> Markup {
    let what = form.get("do").unwrap_or("run");
    let body = Value::Object(input);
    let path = format!("{}/actions/{}", path(&connection.id), action.name);
    if what == "rehearse" {
        let told = console.client.call::<Rehearsed>(Method::POST, &format!("{path}?dry_run=true"), Some(&body)).await;
        return told.map_or_else(|error| trouble(&error), |told| rehearsed(&told));
    }
    if action.effect == "destructive" && what != "confirmed" {
        return question(console, connection, action, form);
    }
    let done = console.client.call::<Performed>(Method::POST, &path, Some(&body)).await;
    done.map_or_else(|error| trouble(&error), |done| performed(&done))
}

fn rehearsed(told: &Rehearsed) -> Markup {
    html! {
        section.panel role="status" {
            h2 { "It would send" }
            ul { @for request in &told.requests {
                li { code { (request.method) " " (request.path) } @if !request.body.is_null() { pre { (request.body) } } }
            } }
        }
    }
}

/// Names the target, and sends what was filled in once more.
fn question(console: &Console, connection: &Connection, action: &Action, form: &Form) -> Markup {
    let target = ["user", "group", "app"].iter().filter_map(|name| form.get(name));
    let target = target.collect::<Vec<_>>().join(", ");
    html! {
        section.trouble role="alert" {
            h2 { (action.title) ": " (target) "?" }
            p { "In " strong { (connection.name) } ". This cannot be taken back." }
            form method="post" action={ "/connections/" (connection.id) "/actions/" (action.name) } {
                (key(console))
                @for (name, text) in properties(&action.input_schema).filter_map(|(name, _)| Some((name, form.get(name)?))) {
                    input type="hidden" name=(name) value=(text);
                }
                button.danger name="do" value="confirmed" { (action.title) ": " (target) }
            }
        }
    }
}

fn performed(done: &Performed) -> Markup {
    let output = done.output.as_object();
    let once = SHOWN_ONCE.iter().filter_map(|name| Some((*name, output?.get(*name)?.as_str()?)));
    html! {
        section.panel role="status" {
            h2 { "Done" }
            @for (name, secret) in once {
                p { strong { (name.replace('_', " ")) } ", shown this once:" }
                (copied(name, secret))
            }
            pre { (told(&done.output)) }
            p.small { "In " (done.duration_ms) " ms. Okta's requests: " (done.okta_request_ids.join(", ")) }
        }
    }
}

/// The output without what is shown above it.
fn told(output: &Value) -> String {
    let mut output = output.clone();
    if let Some(members) = output.as_object_mut() {
        members.retain(|name, _| !SHOWN_ONCE.contains(&name.as_str()));
    }
    serde_json::to_string_pretty(&output).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_written_in_lines_or_as_json() {
        let lines = "login: ana@acme.example\r\ntitle: Lead: Support\n\n";
        assert_eq!(members(lines), Some(json!({"login": "ana@acme.example", "title": "Lead: Support"})));
        assert_eq!(members(r#"{"isRemote": true}"#), Some(json!({"isRemote": true})));
        assert_eq!((members("login"), members("{login")), (None, None));
    }
}
