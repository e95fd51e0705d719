//! Scheduled searches: Okta searches its log in the order in which it persists events, and each run goes on where the last
//! one ended. So there are no gaps and no repeats, and what is late comes with the next run.

use super::poll::OVERLAP_SECONDS;
use super::{Fires, Trigger, problem_of, schedule, wait_for_feed};
use crate::app::App;
use crate::clock::{self, parse_duration};
use crate::connection::Connection;
use crate::feed::{Entry, Feed, Head, SearchPosition, Stop};
use crate::id::TriggerId;
use crate::okta::{self, Client, Patience, Request, api};
use crate::panics::caught;
use crate::problem::Problem;
use crate::store::Error;
use crate::synced::fingerprint;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Events that are asked for at once.
const PAGE: usize = 1_000;
/// Pages of the log that are told by one commit: what they found is one result.
const MOST_PAGES: usize = 3;
/// Events of a part.
const MOST_EVENTS: usize = 100;
/// Bytes of a part; a bus takes 256 KB.
const MOST_BYTES: usize = 200_000;
/// Parts that are put together into a chunk.
const PARTS_OF_A_CHUNK: usize = 6;

/// What is told of what a search found.
const RESULTS: &str = "okta-connector.event_search.results";

/// Runs a search until it has found everything, or time is up.
#[tracing::instrument(skip_all, fields(connection = %connection.id, trigger = %id))]
pub async fn search(app: &App, connection: &Connection, id: &TriggerId, budget: Duration) -> Result<(), Problem> {
    let (ground, until) = (app.ground(), Instant::now() + budget);
    let mut feed = wait_for_feed(&ground, &connection.id, until).await?;
    let Some(trigger) = feed.triggers.iter().find(|it| it.id == *id && it.enabled).cloned() else {
        return feed.close().await.map_err(problem_of);
    };
    let searched = caught(async {
        let searched = match app.client(connection, Patience::background(budget)).await {
            Ok(client) => run(&mut feed, &client, &trigger, until).await,
            Err(problem) => failed(&mut feed, id, problem.detail).await,
        };
        match searched {
            // Where Okta's limit is reached, it waits its turn.
            Ok(()) | Err(Stop::Okta(okta::Error::RateLimited { .. })) => {}
            Err(Stop::Okta(error)) => failed(&mut feed, id, error.to_string()).await?,
            Err(stop) => return Err(stop),
        }
        feed.publish(until).await
    });
    let searched = searched.await;
    let now = ground.now();
    feed.close_after(searched, |head, reason| blame(head, id, reason, now)).await.map_err(problem_of)
}

async fn failed(feed: &mut Feed<'_>, id: &TriggerId, error: String) -> Result<(), Stop> {
    let now = feed.now();
    blame(&mut feed.head, id, error, now);
    feed.commit(Vec::new(), Vec::new()).await
}

fn blame(head: &mut Head, id: &TriggerId, error: String, now: Timestamp) {
    let mark = head.marks.entry(id.clone()).or_default();
    (mark.error, mark.last_run_at) = (Some(error), Some(now));
}

/// What some pages of the log hold.
#[derive(Default)]
struct Found {
    events: Vec<Entry>,
    next: Option<String>,
    was_short: bool,
    drained: bool,
}

async fn run(feed: &mut Feed<'_>, client: &Client, trigger: &Trigger, until: Instant) -> Result<(), Stop> {
    let Fires::EventSearch { filter, lookback, .. } = &trigger.kind else { return Ok(()) };
    let back = parse_duration(lookback).map_or(86_400, |lookback| lookback.as_secs());
    loop {
        let now = feed.now();
        let stored = feed.head.marks.get(&trigger.id).and_then(|mark| mark.search.clone());
        let mut from = stored.unwrap_or_else(|| SearchPosition::since(filter, clock::after(now, -back)));
        if from.filter != *filter {
            // The place of another filter finds what that one holds for.
            let again = Some(clock::after(from.covered, -OVERLAP_SECONDS));
            from = SearchPosition { again, ..SearchPosition::since(filter, from.covered) };
        }
        let found = match read(client, &from, now).await {
            Err(okta::Error::Api(refusal)) if from.next.is_some() && refusal.status.as_u16() == 400 => {
                from.next = None;
                from.again = Some(clock::after(from.covered, -OVERLAP_SECONDS));
                read(client, &from, now).await?
            }
            other => other?,
        };
        let mut seen = match from.again {
            Some(again) => told_already(feed, trigger, clock::after(again, -OVERLAP_SECONDS)).await?,
            None => HashSet::new(),
        };
        let mut events = found.events;
        events.retain(|event| seen.insert(event.id.clone()));
        let last = events.last().map(|event| event.time);
        let to = if found.drained { now } else { last.unwrap_or(from.covered).min(now).max(from.covered) };
        let chunks = chunks(trigger, from.covered, to, &events, now)?;
        let mark = feed.head.marks.entry(trigger.id.clone()).or_default();
        (mark.error, mark.last_run_at) = (None, Some(now));
        mark.last_event_at = last.max(mark.last_event_at);
        mark.lag_seconds = last.map(|at| now.duration_since(at).as_secs().max(0)).or(mark.lag_seconds);
        let again = from.again.filter(|_| !found.drained);
        mark.search = Some(SearchPosition { next: found.next, covered: to, again, ..from });
        feed.commit(chunks, Vec::new()).await?;
        if found.drained || Instant::now() >= until {
            return Ok(());
        }
    }
}

/// Reads some pages.
async fn read(client: &Client, from: &SearchPosition, now: Timestamp) -> Result<Found, okta::Error> {
    let mut found = Found { next: from.next.clone(), ..Found::default() };
    let since = from.again.unwrap_or(from.covered);
    for _ in 0..MOST_PAGES {
        let page = client.page::<Box<RawValue>>(&request(&from.filter, since, found.next.as_deref())?).await?;
        let next = page.next.map(String::from);
        let next = next.ok_or_else(|| okta::Error::Unreadable("the log has no next page".to_owned()))?;
        let count = page.items.len() + page.bad.len();
        // With a filter, a page may be short although there is more behind it; two short ones in a row are the end.
        let is_short_again = count < PAGE && std::mem::replace(&mut found.was_short, count < PAGE);
        found.drained = count == 0 || is_short_again || found.next.as_ref() == Some(&next);
        found.next = Some(next);
        found.events.extend(page.items.into_iter().filter_map(|raw| Entry::of_okta(raw, now)));
        if found.drained {
            break;
        }
    }
    Ok(found)
}

fn request(filter: &str, since: Timestamp, next: Option<&str>) -> Result<Request, okta::Error> {
    let since = since.to_string();
    let query = [("since", since.as_str()), ("filter", filter), ("sortOrder", "ASCENDING"), ("limit", "1000")];
    let first = api::search_logs(&query);
    match next {
        Some(next) => Ok(api::next(&first, Url::parse(next).map_err(|_| okta::Error::ForeignUrl)?)),
        None => Ok(first),
    }
}

/// The ids of what the trigger was told of since a moment, where Okta no longer knows the page at which its search stood.
async fn told_already(feed: &Feed<'_>, trigger: &Trigger, since: Timestamp) -> Result<HashSet<String>, Stop> {
    #[derive(serde::Deserialize)]
    struct Part {
        events: Vec<Box<RawValue>>,
    }
    let mut ids = HashSet::new();
    for entry in feed.entries_since(since).await? {
        if entry.event_type == RESULTS && entry.subject == trigger.id.as_str() {
            let results: Part = serde_json::from_str(entry.data.get()).map_err(|_| Error::Corrupt)?;
            let told = results.events.into_iter().filter_map(|raw| Entry::of_okta(raw, since));
            ids.extend(told.map(|event| event.id));
        }
    }
    Ok(ids)
}

/// A part of what a search found.
#[derive(Serialize)]
struct Results<'a> {
    from: Timestamp,
    to: Timestamp,
    part: usize,
    parts: usize,
    count: usize,
    events: Vec<&'a RawValue>,
}

/// What was found, in parts that a bus can take; nothing where nothing was found.
fn chunks(
    trigger: &Trigger,
    from: Timestamp,
    to: Timestamp,
    events: &[Entry],
    now: Timestamp,
) -> Result<Vec<Vec<Entry>>, Stop> {
    let shortened = |event: &Entry| if event.size() > MOST_BYTES { event.shortened() } else { event.clone() };
    let (mut parts, mut bytes): (Vec<Vec<Entry>>, usize) = (Vec::new(), 0);
    for event in events.iter().map(shortened) {
        bytes += event.size();
        match parts.last_mut().filter(|part| part.len() < MOST_EVENTS && bytes <= MOST_BYTES) {
            Some(part) => part.push(event),
            None => {
                bytes = event.size();
                parts.push(vec![event]);
            }
        }
    }
    let mut entries = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        let found: Vec<&RawValue> = part.iter().map(|event| &*event.data).collect();
        let data = Results { from, to, part: place + 1, parts: parts.len(), count: events.len(), events: found };
        let first = part.first().map_or("", |event| event.id.as_str());
        let id = format!("evt_{}", fingerprint(format!("{} {from} {place} {first}", trigger.id).as_bytes()));
        let entry = Entry::new(id, RESULTS, now, trigger.id.to_string(), &data)?;
        entries.push(entry.sent(&trigger.source(), &trigger.deliver));
    }
    Ok(entries.chunks(PARTS_OF_A_CHUNK).map(<[Entry]>::to_vec).collect())
}

/// When a search is due next, after it last ran.
pub(super) fn next_run(trigger: &Trigger, last: Option<Timestamp>) -> Option<Timestamp> {
    let zone = jiff::tz::TimeZone::get(&trigger.timezone).ok()?;
    let expression = crate::schedule::Schedule::parse(schedule(&trigger.kind)?).ok()?;
    expression.next_after(last.unwrap_or(trigger.created_at), &zone, trigger.created_at)
}
