//! Syncs: starting one, live progress, history with a plot, and the guard's question.

use crate::Console;
use crate::connection::{key, of, path};
use crate::form::Form;
use crate::page::{Answer, Asked, Failure, Page, list, moment, more, page, part, status, trouble};
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use jiff::Timestamp;
use maud::{Markup, html};
use okta_connector_client::{Method, Page as Listed, Removal, Sync, segment};
use serde_json::{Value, json};

/// Of the newest ones, so many are plotted.
const PLOTTED: usize = 30;

pub async fn history(State(console): State<Console>, Path(id): Path<String>, Query(at): Query<Asked>) -> Answer {
    told(&console, &id, &at, &html! {}).await
}

/// The page, below what is to be said about it.
async fn told(console: &Console, id: &str, at: &Asked, news: &Markup) -> Answer {
    let connection = of(console, id).await?;
    let syncs: Listed<Sync> = list(console, id, "/syncs", at).await?;
    let here = format!("/connections/{}/syncs", connection.id);
    // The first page follows the sync that is at work to its end.
    let follows = at.cursor.is_none() && syncs.items.first().is_some_and(is_at_work);
    let body = html! {
        (news)
        form.row method="post" action=(here) {
            (key(console))
            label { "What to read"
                select name="mode" {
                    option value="full" { "Everything that may have changed" }
                    option value="incremental" { "What changed since the last sync" }
                    option value="verify" { "Everything, trusting nothing" }
                }
            }
            button { "Start a sync" }
        }
        section aria-live="polite" data-live={ (here) "/live" } data-every="1000" data-then=[follows.then_some("history")] {
            (progress(&connection.id, syncs.items.first()))
        }
        div id="history" data-from={ (here) "/past" } { (past(&connection.id, &syncs)) }
    };
    Ok(part("Sync", &connection, &body))
}

/// The history alone, for the script once a sync is over.
pub async fn past_alone(State(console): State<Console>, Path(id): Path<String>) -> Result<Page, Failure> {
    let syncs: Listed<Sync> = list(&console, &id, "/syncs", &Asked::default()).await?;
    Ok(Page(past(&segment(&id), &syncs)))
}

/// The syncs of a page, with a plot of how long they took.
fn past(connection: &str, syncs: &Listed<Sync>) -> Markup {
    html! {
        @if syncs.items.len() > 1 { h2 { "How long they took" } (plot(&syncs.items)) }
        h2 { "History" }
        div.scroll {
            table {
                thead { tr { th { "Started" } th { "Mode" } th { "Status" } th { "Took" } th { "Changes" } th { "Requests" } } }
                tbody { @for sync in &syncs.items { (row(connection, sync)) } }
            }
        }
        (more(&format!("/connections/{connection}/syncs"), syncs.next_cursor.as_ref()))
    }
}

fn row(connection: &str, sync: &Sync) -> Markup {
    let changes: u64 = sync.progress.values().map(|it| it.added + it.changed + it.removed).sum();
    html! {
        tr {
            td { (moment(Some(&sync.started_at))) }
            td { (sync.mode) }
            td {
                (status(&sync.status))
                @if let Some(problem) = &sync.error { " " (problem.title) ": " (problem.detail) }
                " " (question(connection, sync))
            }
            td { (seconds(sync).map_or("–".to_owned(), |seconds| format!("{seconds} s"))) }
            td { (changes) }
            td { (sync.requests) }
        }
    }
}

/// Where a sync that asks is answered.
fn question(connection: &str, sync: &Sync) -> Markup {
    html! {
        @if sync.pending_removals.is_some() {
            a href={ "/connections/" (connection) "/syncs/" (sync.id) "/removals" } { "What would be removed" }
        }
    }
}

/// How long a sync took, in whole seconds.
fn seconds(sync: &Sync) -> Option<i64> {
    let moment = |text: &str| text.parse::<Timestamp>().ok();
    let (from, to) = (moment(&sync.started_at)?, moment(sync.finished_at.as_deref()?)?);
    Some(to.duration_since(from).as_secs())
}

/// What the newest sync does, for the script that asks again until it is over.
pub async fn live(State(console): State<Console>, Path(id): Path<String>) -> Result<Response, Failure> {
    let syncs: Vec<Sync> = console.client.pages(format!("{}/syncs?limit=1", path(&id))).first(1).await?;
    let newest = syncs.first();
    let over = newest.is_none_or(|sync| !is_at_work(sync));
    let header = [("x-over", if over { "true" } else { "false" })];
    Ok((header, Html(progress(&segment(&id), newest).into_string())).into_response())
}

fn is_at_work(sync: &Sync) -> bool {
    matches!(sync.status.as_str(), "running" | "waiting")
}

fn progress(connection: &str, newest: Option<&Sync>) -> Markup {
    let Some(sync) = newest else { return html! { p { "There was no sync yet." } } };
    html! {
        div.panel {
            p { strong { (sync.mode) } " " (status(&sync.status)) " since " (moment(Some(&sync.started_at))) }
            @if sync.status == "waiting" {
                p { "Okta's limit is reached; it goes on at " (moment(sync.next_wake.as_deref())) "." }
            }
            @if sync.pending_removals.is_some() { p { "It would remove so much that it asks first. " (question(connection, sync)) } }
            @if is_at_work(sync) { progress aria-label="The sync is at work" {} }
            dl {
                @for (stream, done) in &sync.progress {
                    dt { (stream) @if sync.phase.as_deref() == Some(stream) { " …" } }
                    dd { (done.seen) " read, " (done.added) " added, " (done.changed) " changed, " (done.removed) " removed" }
                }
                @for (stream, why) in &sync.skipped { dt { (stream) } dd { "left out: " (why) } }
                @for object in &sync.passed_over {
                    dt { (object.kind) " " (object.name.as_deref().unwrap_or(&object.id)) }
                    dd { "passed over: Okta answered " (object.status) " " (object.okta_error_code.as_deref().unwrap_or_default()) }
                }
            }
        }
    }
}

/// A bar for each of the newest syncs, oldest first.
fn plot(syncs: &[Sync]) -> Markup {
    let shown: Vec<&Sync> = syncs.iter().take(PLOTTED).rev().collect();
    let longest = shown.iter().filter_map(|sync| seconds(sync)).max().unwrap_or(1).max(1);
    let height = |sync: &Sync| 4 + 90 * seconds(sync).unwrap_or(0) / longest;
    html! {
        svg.plot viewBox={ "0 0 " (PLOTTED * 20) " 104" } role="img" aria-label={ "Durations of syncs; the longest took " (longest) " seconds" } {
            @for (at, sync) in shown.iter().enumerate() {
                rect class=(if sync.status == "failed" { "bad" } else { "bar" }) x=(at * 20 + 2) y=(104 - height(sync)) width="16" height=(height(sync)) {
                    title { (sync.mode) ", " (sync.status) ", " (seconds(sync).unwrap_or(0)) " s, " (sync.started_at) }
                }
            }
        }
        p.small { "the longest took " (longest) " s" }
    }
}

pub async fn start(State(console): State<Console>, Path(id): Path<String>, form: Form) -> Result<Response, Failure> {
    let body = json!({"mode": form.get("mode").unwrap_or("full")});
    match console.client.call::<Value>(Method::POST, &format!("{}/syncs", path(&id)), Some(&body)).await {
        Ok(_) => Ok(Redirect::to(&format!("/connections/{}/syncs", segment(&id))).into_response()),
        Err(why) => Ok(told(&console, &id, &Asked::default(), &trouble(&why)).await?.into_response()),
    }
}

pub async fn removals(
    State(console): State<Console>,
    Path((id, sync)): Path<(String, String)>,
    Query(at): Query<Asked>,
) -> Answer {
    let connection = of(&console, &id).await?;
    let here = format!("/syncs/{}/removals", segment(&sync));
    let list: Listed<Removal> = list(&console, &id, &here, &at).await?;
    let here = format!("/connections/{}{here}", connection.id);
    let body = html! {
        p { "This sync would remove what follows, and asks first: it may be that Okta's answer was not whole." }
        div.scroll {
            table {
                thead { tr { th { "What" } th { "Name" } th { "Id" } } }
                tbody { @for it in &list.items { tr { td { (it.kind) } td { (it.name.as_deref().unwrap_or("–")) } td { code { (it.id) } } } } }
            }
        }
        (more(&here, list.next_cursor.as_ref()))
        form method="post" action=(here) { (key(&console)) button.danger { "Remove all of it" } }
    };
    Ok(page("What would be removed", Some(&connection), &body))
}

pub async fn confirm(
    State(console): State<Console>,
    Path((id, sync)): Path<(String, String)>,
) -> Result<Redirect, Failure> {
    let confirm = format!("{}/syncs/{}/confirm-removals", path(&id), segment(&sync));
    console.client.text(Method::POST, &confirm, None).await?;
    Ok(Redirect::to(&format!("/connections/{}/syncs", segment(&id))))
}
