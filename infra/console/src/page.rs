//! What all pages look like, and what they show where something went wrong. Text is escaped by the templates; there is no
//! place that puts markup into a page as text.

use crate::Console;
use crate::connection::path;
use axum::Router;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use maud::{DOCTYPE, Markup, html};
use okta_connector_client::{Check, Connection, Error, Page as Listed, query};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// So many letters of a text are read at a glance.
const LONG: usize = 200;

/// What is asked of a list: a text to search for, and where to go on.
#[derive(Default, Deserialize)]
pub struct Asked {
    /// What is searched for.
    pub q: Option<String>,
    /// What the page before ended with.
    pub cursor: Option<String>,
}

/// A page of what lies below a connection.
pub async fn list<T: DeserializeOwned>(
    console: &Console,
    id: &str,
    rest: &str,
    asked: &Asked,
) -> Result<Listed<T>, Failure> {
    let text = asked.q.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let asked = query(&[("limit", Some("50")), ("q", text), ("cursor", asked.cursor.as_deref())]);
    Ok(console.client.get(&format!("{}{rest}{asked}", path(id))).await?)
}

/// A page, or why there is none.
pub type Answer = Result<Page, Failure>;

/// A page.
pub struct Page(pub Markup);

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        Html(self.0.into_string()).into_response()
    }
}

/// Why there is no page.
pub struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.0.problem().map_or(502, |problem| problem.status);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        (status, page("It did not work", None, &trouble(&self.0))).into_response()
    }
}

/// What went wrong, with all that is known of it.
pub fn trouble(error: &Error) -> Markup {
    html! {
        div.trouble role="alert" {
            @match error.problem() {
                Some(problem) => {
                    p { strong { (problem.title) } }
                    @if let Some(detail) = problem.own_detail() { p { (detail) } }
                    @if !problem.errors.is_empty() {
                        ul { @for fault in &problem.errors { li { code { (fault.pointer) } " " (fault.detail) } } }
                    }
                    (checks(problem.checks.iter().filter(|check| check.is_bad())))
                    @if let Some(id) = &problem.instance { p.small { "Request " code { (id) } } }
                    @if let Some(id) = &problem.okta_request_id { p.small { "Okta's request " code { (id) } } }
                },
                None => p { (error) },
            }
        }
    }
}

/// What a test found, each with its fix.
pub fn checks<'a>(checks: impl Iterator<Item = &'a Check>) -> Markup {
    let mut checks = checks.peekable();
    html! {
        @if checks.peek().is_some() {
            ul.checks {
                @for check in checks {
                    li class={ "check " (check.status) } {
                        span.badge { (check.status) } " " strong { (check.title) } ": " (check.detail)
                        @if let Some(fix) = &check.fix { p.fix { (fix) } }
                    }
                }
            }
        }
    }
}

/// The parts of a connection, by path and name.
const PARTS: [(&str, &str); 9] = [
    ("", "Overview"),
    ("/syncs", "Sync"),
    ("/people", "People"),
    ("/groups", "Groups"),
    ("/apps", "Apps"),
    ("/locations", "Locations"),
    ("/admins", "Admins"),
    ("/actions", "Actions"),
    ("/events", "Events"),
];

/// A page of a connection that its navigation leads to.
pub fn part(title: &str, of: &Connection, body: &Markup) -> Page {
    layout(title, Some(of), Some(title), body)
}

/// A page; of a connection, with its parts.
pub fn page(title: &str, of: Option<&Connection>, body: &Markup) -> Page {
    layout(title, of, None, body)
}

fn layout(title: &str, of: Option<&Connection>, part: Option<&str>, body: &Markup) -> Page {
    Page(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Okta Connector" }
                link rel="stylesheet" href="/assets/console.css";
                script src="/assets/console.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    nav aria-label="Console" {
                        a.home href="/connections" { "Okta Connector" }
                        a href="/connections" { "Connections" }
                        a href="/audit" { "Audit" }
                    }
                    @if let Some(connection) = of {
                        nav.parts aria-label=(connection.name) {
                            @for (path, name) in PARTS {
                                a href={ "/connections/" (connection.id) (path) } aria-current=[(Some(name) == part).then_some("page")] { (name) }
                            }
                        }
                    }
                }
                main id="main" tabindex="-1" {
                    h1 { (title) }
                    @if let Some(connection) = of { p.of {
                        (connection.name) " " (status(&connection.status)) @if connection.paused { " " (status("Paused")) }
                    } }
                    (body)
                }
            }
        }
    })
}

/// A page that says one thing.
pub fn plain(title: &str, text: &str) -> Page {
    page(title, None, &html! { p { (text) } })
}

/// A state in one word. The word says it; the colour only helps.
pub fn status(word: &str) -> Markup {
    html! { span class={ "badge " (word.to_lowercase()) } { (word) } }
}

/// A moment, as a browser may show it in its own time zone.
pub fn moment(text: Option<&str>) -> Markup {
    match text {
        Some(text) => {
            html! { time datetime=(text) { (text.split('.').next().unwrap_or(text).replace('T', " ").trim_end_matches('Z')) " UTC" } }
        }
        None => html! { "–" },
    }
}

/// A text, or a dash.
pub fn or_dash(text: Option<&str>) -> &str {
    text.filter(|text| !text.is_empty()).unwrap_or("–")
}

/// The same as a list shows it: of a long text the beginning.
pub fn beginning(text: Option<&str>) -> Cow<'_, str> {
    let text = or_dash(text);
    match text.char_indices().nth(LONG) {
        None => text.into(),
        Some((end, _)) => format!("{}…", &text[..end]).into(),
    }
}

/// A text in full; a long one behind its beginning.
pub fn in_full(text: &str) -> Markup {
    match beginning(Some(text)) {
        Cow::Borrowed(text) => html! { (text) },
        Cow::Owned(beginning) => html! { details { summary { (beginning) } (text) } },
    }
}

/// A link to the next page of a list.
pub fn more(path: &str, cursor: Option<&String>) -> Markup {
    let sign = if path.contains('?') { '&' } else { '?' };
    html! { @if let Some(cursor) = cursor { p { a.more href={ (path) (sign) "cursor=" (cursor) } { "Next page" } } } }
}

/// What is loaded beside the pages.
pub fn assets<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let style = async || ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../assets/console.css"));
    let script =
        async || ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../assets/console.js"));
    Router::new().route("/assets/console.css", get(style)).route("/assets/console.js", get(script))
}
