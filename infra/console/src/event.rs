//! Events: what came, what comes, counts by type, and the triggers that tell of them.

use crate::Console;
use crate::connection::{key, of, path};
use crate::form::Form;
use crate::page::{Answer, Failure, moment, more, part, status, trouble};
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use okta_connector_client::{CloudEvent, Error, Method, Page as Listed, Trigger, query, segment};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// So many of the newest events are shown.
const SHOWN: usize = 100;
/// For the newest it is looked back so far, and further where there is nothing: a feed is read from its older end.
const BACK: [SignedDuration; 3] =
    [SignedDuration::from_mins(15), SignedDuration::from_hours(24), SignedDuration::from_hours(366 * 24)];
/// So far back are at most so many pages read; what is newer than these the live view brings.
const PAGES: usize = 20;

/// Which events, and from where on.
#[derive(Clone, Default, Deserialize)]
pub struct Filter {
    #[serde(rename = "type")]
    kind: Option<String>,
    trigger: Option<String>,
    since: Option<String>,
    cursor: Option<String>,
}

impl Filter {
    fn query(&self, more: &[(&str, Option<&str>)]) -> String {
        let given = |text: &'_ Option<String>| {
            text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let all = [
            ("type", given(&self.kind)),
            ("trigger", given(&self.trigger)),
            ("since", given(&self.since)),
            ("cursor", given(&self.cursor)),
        ];
        let mut pairs: Vec<_> = all.iter().map(|(name, value)| (*name, value.as_deref())).collect();
        pairs.extend(more);
        query(&pairs)
    }

    /// Whether it asks for a page of what came since a time, instead of the newest.
    fn is_of_the_past(&self) -> bool {
        [&self.since, &self.cursor].into_iter().flatten().any(|text| !text.trim().is_empty())
    }

    /// Whether it leaves some events out.
    fn is_selective(&self) -> bool {
        [&self.kind, &self.trigger].into_iter().flatten().any(|text| !text.trim().is_empty())
    }

    /// A page of the feed; the filter moves on to the next.
    async fn read(&mut self, console: &Console, id: &str) -> Result<(Vec<CloudEvent>, bool), Failure> {
        let asked = self.query(&[("limit", Some("200"))]);
        let page: Listed<CloudEvent> = console.client.get(&format!("{}/events{asked}", path(id))).await?;
        let is_over = page.next_cursor == self.cursor;
        self.cursor = page.next_cursor;
        Ok((page.items, is_over))
    }
}

pub async fn feed(State(console): State<Console>, Path(id): Path<String>, Query(filter): Query<Filter>) -> Answer {
    told(&console, &id, &filter, None).await
}

/// The page; with a trigger that was refused, and why.
async fn told(console: &Console, id: &str, filter: &Filter, refused: Option<(&Form, Error)>) -> Answer {
    let connection = of(console, id).await?;
    let triggers: Vec<Trigger> = console.client.pages(format!("{}/triggers", path(id))).first(200).await?;
    let here = format!("/connections/{}/events", connection.id);
    let events = if filter.is_of_the_past() {
        let mut at = filter.clone();
        let (events, is_over) = at.read(console, id).await?;
        let older = Filter { cursor: None, ..at.clone() };
        let next = at.cursor.filter(|_| !is_over);
        let none = if is_over { "There are no more events." } else { "This page has no event that matches." };
        html! { (shown(&events, none)) (more(&format!("{here}{}", older.query(&[])), next.as_ref())) }
    } else {
        let (newest, at) = newest(console, id, filter).await?;
        html! {
            div data-live={ (here) "/new" (at.query(&[])) } data-every="2000" aria-live="polite" { (newest) }
            p.small { "The newest " (SHOWN) " at most. Fill in a time to read all events since then, oldest first." }
        }
    };
    let body = html! {
        @if let Some((_, why)) = &refused { (trouble(why)) }
        form.row method="get" action=(here) {
            label { "Type" input name="type" value=(filter.kind.as_deref().unwrap_or_default()) placeholder="com.okta.user.session.start"; }
            label { "Trigger"
                select name="trigger" {
                    option value="" { "any" }
                    @for trigger in &triggers {
                        option value=(trigger.id) selected[filter.trigger.as_deref() == Some(&trigger.id)] { (named(trigger)) }
                    }
                }
            }
            label { "Since" input name="since" value=(filter.since.as_deref().unwrap_or_default()) placeholder="2026-01-31T08:00:00Z"; }
            button { "Filter" }
        }
        (events)
        h2 { "Triggers" }
        (table(console, &connection.id, &triggers))
        (new_trigger(console, &connection.id, refused.as_ref().map(|(form, _)| *form)))
    };
    Ok(part("Events", &connection, &body))
}

fn named(trigger: &Trigger) -> &str {
    trigger.name.as_deref().unwrap_or(&trigger.id)
}

/// The newest events, for the script that asks again and again; nothing where there is none that is newer.
pub async fn new(
    State(console): State<Console>,
    Path(id): Path<String>,
    Query(mut filter): Query<Filter>,
) -> Result<Response, Failure> {
    let (came, _) = filter.read(&console, &id).await?;
    if came.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let (newest, at) = newest(&console, &id, &filter).await?;
    let next = format!("/connections/{}/events/new{}", segment(&id), at.query(&[]));
    Ok(([("x-live", next)], Html(newest.into_string())).into_response())
}

/// The newest events, and from where on there are newer ones.
async fn newest(console: &Console, id: &str, filter: &Filter) -> Result<(Markup, Filter), Failure> {
    let (mut events, mut at) = (Vec::new(), Filter::default());
    for back in BACK {
        at = Filter { since: Some((now() - back).to_string()), cursor: None, ..filter.clone() };
        for _ in 0..PAGES {
            let (page, is_over) = at.read(console, id).await?;
            events.extend(page);
            events.drain(..events.len().saturating_sub(SHOWN));
            if is_over {
                break;
            }
        }
        if !events.is_empty() {
            break;
        }
    }
    events.reverse();
    let none = if filter.is_selective() { "No event matches the filter." } else { "There is no event yet." };
    Ok((shown(&events, none), at))
}

#[expect(clippy::disallowed_methods, reason = "how far back to look is no matter of a test's clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Events as a table, or the sentence for none.
fn shown(events: &[CloudEvent], none: &str) -> Markup {
    let mut counts = BTreeMap::<&str, usize>::new();
    for event in events {
        *counts.entry(&event.kind).or_default() += 1;
    }
    html! {
        @if events.is_empty() {
            p { (none) }
        } @else {
            p { @for (kind, count) in &counts { span.badge { (kind) ": " (count) } " " } }
            div.scroll { table {
                thead { tr { th { "Time" } th { "Type" } th { "Subject" } } }
                tbody { @for event in events { tr {
                    td { (moment(Some(&event.time))) }
                    td { details { summary { (event.kind) } pre { (serde_json::to_string_pretty(&event.data).unwrap_or_default()) } } }
                    td { code { (event.subject) } }
                } } }
            } }
        }
    }
}

fn table(console: &Console, connection: &str, triggers: &[Trigger]) -> Markup {
    html! {
        @if triggers.is_empty() { p { "There is no trigger: only syncs tell of changes." } } @else {
            div.scroll { table {
                thead { tr { th { "Name" } th { "What" } th { "Status" } th { "Last event" } th { "Remove" } } }
                tbody { @for trigger in triggers { tr {
                    td { (named(trigger)) br; span.small { (trigger.kind) } }
                    td { (trigger.filter.clone().unwrap_or_else(|| trigger.event_types.clone().unwrap_or_default().join(", "))) }
                    td { (status(&trigger.status)) @if let Some(why) = &trigger.status_reason { " " (why) } }
                    td { (moment(trigger.last_event_at.as_deref())) }
                    td {
                        details {
                            summary aria-label={ "Remove " (named(trigger)) } { "Remove" }
                            form method="post" action={ "/connections/" (connection) "/triggers/" (trigger.id) "/delete" } {
                                (key(console))
                                @if trigger.kind == "event_hook" { p { "Its event hook in Okta is deleted too." } }
                                button.danger { "Remove " (named(trigger)) }
                            }
                        }
                    }
                } } }
            } }
        }
    }
}

/// What can fire a trigger.
const FIRES: [(&str, &str); 3] = [
    ("event_hook", "Okta delivers events of some types as they happen"),
    ("new_events", "The System Log is polled"),
    ("event_search", "The System Log is searched at times"),
];

/// The form of a new one, with what was filled in.
fn new_trigger(console: &Console, connection: &str, filled: Option<&Form>) -> Markup {
    let text = |name: &str| filled.and_then(|form| form.get(name)).unwrap_or_default();
    html! {
        details open[filled.is_some()] {
            summary { "Add a trigger" }
            form.fields method="post" action={ "/connections/" (connection) "/triggers" } {
                (key(console))
                label { "What fires it"
                    select name="type" { @for (kind, title) in FIRES { option value=(kind) selected[text("type") == kind] { (title) } } }
                }
                @for (name, title) in [
                    ("name", "Name"),
                    ("event_types", "Event types, between commas (of a hook)"),
                    ("filter", "Filter, in Okta's words (of a poll or a search)"),
                    ("schedule", "Schedule, as rate(…) or cron(…) (of a poll or a search)"),
                ] {
                    label { (title) input name=(name) value=(text(name)) autocomplete="off"; }
                }
                div.row { button { "Add" } }
            }
        }
    }
}

pub async fn add_trigger(
    State(console): State<Console>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Failure> {
    let mut body = json!({"type": form.get("type")});
    for name in ["name", "filter", "schedule"] {
        if let Some(value) = form.get(name) {
            body[name] = json!(value);
        }
    }
    if form.get("event_types").is_some() {
        body["event_types"] = json!(form.list("event_types"));
    }
    match console.client.call::<Value>(Method::POST, &format!("{}/triggers", path(&id)), Some(&body)).await {
        Ok(_) => Ok(Redirect::to(&format!("/connections/{}/events", segment(&id))).into_response()),
        Err(why) => Ok(told(&console, &id, &Filter::default(), Some((&form, why))).await?.into_response()),
    }
}

pub async fn remove_trigger(
    State(console): State<Console>,
    Path((id, trigger)): Path<(String, String)>,
) -> Result<Redirect, Failure> {
    console.client.text(Method::DELETE, &format!("{}/triggers/{}", path(&id), segment(&trigger)), None).await?;
    Ok(Redirect::to(&format!("/connections/{}/events", segment(&id))))
}
