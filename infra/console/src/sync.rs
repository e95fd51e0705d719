//! Syncs: starting one, live progress, history with a plot, and the guard's question.

use crate::Console;
use crate::connection::{Cursor, key, of, path};
use crate::form::Form;
use crate::page::{Answer, Failure, moment, more, page, status};
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::{Markup, html};
use okta_connector_client::{Method, Page as Listed, Removal, Sync, query, segment};
use serde_json::{Value, json};

/// Of the newest ones, so many are plotted.
const PLOTTED: usize = 30;

async fn list(console: &Console, id: &str, at: &Cursor) -> Result<Listed<Sync>, Failure> {
    let asked = query(&[("limit", Some("50")), ("cursor", at.cursor.as_deref())]);
    Ok(console.client.get(&format!("{}/syncs{asked}", path(id))).await?)
}

pub async fn history(State(console): State<Console>, Path(id): Path<String>, Query(at): Query<Cursor>) -> Answer {
    let connection = of(&console, &id).await?;
    let syncs = list(&console, &id, &at).await?;
    let here = format!("/connections/{}/syncs", connection.id);
    let body = html! {
        form.row method="post" action=(here) {
            (key(&console))
            label { "What to read"
                select name="mode" {
                    option value="full" { "Everything that may have changed" }
                    option value="incremental" { "What changed since the last sync" }
                    option value="verify" { "Everything, trusting nothing" }
                }
            }
            button { "Start a sync" }
        }
        section aria-live="polite" data-live={ (here) "/live" } data-every="1000" { (progress(syncs.items.first())) }
        @if syncs.items.len() > 1 { h2 { "How long they took" } (plot(&syncs.items)) }
        h2 { "History" }
        div.scroll {
            table {
                thead { tr { th { "Started" } th { "Mode" } th { "Status" } th { "Took" } th { "Changes" } th { "Requests" } } }
                tbody { @for sync in &syncs.items { (row(&connection.id, sync)) } }
            }
        }
        (more(&here, syncs.next_cursor.as_ref()))
    };
    Ok(page("Sync", Some(&connection), &body))
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
                @if sync.pending_removals.is_some() {
                    " " a href={ "/connections/" (connection) "/syncs/" (sync.id) "/removals" } { "What would be removed" }
                }
            }
            td { (seconds(sync).map_or("–".to_owned(), |seconds| format!("{seconds} s"))) }
            td { (changes) }
            td { (sync.requests) }
        }
    }
}

/// How long a sync took, in whole seconds.
fn seconds(sync: &Sync) -> Option<u64> {
    let (from, to) = (second(&sync.started_at)?, second(sync.finished_at.as_deref()?)?);
    to.checked_sub(from)
}

/// Seconds of a day, with the day: enough to subtract two moments of RFC 3339 in UTC.
fn second(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // Days since 1 March of the year 0: https://howardhinnant.github.io/date_algorithms.html
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    Some(days * 86_400 + number(11, 13)? * 3_600 + number(14, 16)? * 60 + number(17, 19)?)
}

/// What the newest sync does, for the script that asks again until it is over.
pub async fn live(State(console): State<Console>, Path(id): Path<String>) -> Result<Response, Failure> {
    let syncs = list(&console, &id, &Cursor::default()).await?;
    let newest = syncs.items.first();
    let over = newest.is_none_or(|sync| !is_at_work(sync));
    let header = [("x-over", if over { "true" } else { "false" })];
    Ok((header, Html(progress(newest).into_string())).into_response())
}

fn is_at_work(sync: &Sync) -> bool {
    matches!(sync.status.as_str(), "running" | "waiting")
}

fn progress(newest: Option<&Sync>) -> Markup {
    let Some(sync) = newest else { return html! { p { "There was no sync yet." } } };
    html! {
        div.panel {
            p { strong { (sync.mode) } " " (status(&sync.status)) " since " (moment(Some(&sync.started_at))) }
            @if sync.status == "waiting" {
                p { "Okta's limit is reached; it goes on at " (moment(sync.next_wake.as_deref())) "." }
            }
            @if is_at_work(sync) { progress aria-label="The sync is at work" {} }
            dl {
                @for (stream, done) in &sync.progress {
                    dt { (stream) @if sync.phase.as_deref() == Some(stream) { " …" } }
                    dd { (done.seen) " read, " (done.added) " added, " (done.changed) " changed, " (done.removed) " removed" }
                }
                @for (stream, why) in &sync.skipped { dt { (stream) } dd { "left out: " (why) } }
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
        svg.plot viewBox={ "0 0 " (PLOTTED * 20) " 120" } role="img" aria-label={ "Durations of syncs; the longest took " (longest) " seconds" } {
            @for (at, sync) in shown.iter().enumerate() {
                rect class=(if sync.status == "failed" { "bad" } else { "bar" }) x=(at * 20 + 2) y=(104 - height(sync)) width="16" height=(height(sync)) {
                    title { (sync.mode) ", " (sync.status) ", " (seconds(sync).unwrap_or(0)) " s, " (sync.started_at) }
                }
            }
            text x="2" y="118" { "longest " (longest) " s" }
        }
    }
}

pub async fn start(State(console): State<Console>, Path(id): Path<String>, form: Form) -> Result<Redirect, Failure> {
    let body = json!({"mode": form.get("mode").unwrap_or("full")});
    console.client.call::<Value>(Method::POST, &format!("{}/syncs", path(&id)), Some(&body)).await?;
    Ok(Redirect::to(&format!("/connections/{}/syncs", segment(&id))))
}

pub async fn removals(
    State(console): State<Console>,
    Path((id, sync)): Path<(String, String)>,
    Query(at): Query<Cursor>,
) -> Answer {
    let connection = of(&console, &id).await?;
    let here = format!("/syncs/{}/removals", segment(&sync));
    let asked = query(&[("limit", Some("100")), ("cursor", at.cursor.as_deref())]);
    let list: Listed<Removal> = console.client.get(&format!("{}{here}{asked}", path(&id))).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_sync_took_is_told_over_midnight_and_the_end_of_a_year() {
        let took = |from: &str, to: &str| {
            seconds(&Sync { started_at: from.to_owned(), finished_at: Some(to.to_owned()), ..Sync::default() })
        };
        assert_eq!(took("2025-12-31T23:59:50.5Z", "2026-01-01T00:00:05Z"), Some(15));
        assert_eq!(took("2028-02-28T00:00:00Z", "2028-03-01T00:00:00Z"), Some(2 * 86_400));
        assert_eq!(took("2026-03-01T00:00:00Z", "nonsense"), None);
    }
}
