//! Polling the System Log: one reading for all triggers of a connection, from where the last one ended.

use super::{Trigger, feed_until, hook, poll_delay, problem_of};
use crate::app::App;
use crate::clock;
use crate::connection::Connection;
use crate::feed::{Entry, Feed, Head, Hook, LogPosition, Stop, deliver};
use crate::metric::{self, Metric};
use crate::okta::{self, Client, Patience, api};
use crate::panics::caught;
use crate::problem::Problem;
use jiff::Timestamp;
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Where Okta does not know a page any more, so much is read once more.
pub(super) const OVERLAP_SECONDS: i64 = 600;
/// Events that are asked for at once.
const PAGE: usize = 1_000;
/// Times that one reading begins again where Okta refuses its place.
const MOST_RESTARTS: u32 = 3;
/// A reading that begins now begins somewhat earlier: clocks differ.
const SKEW_SECONDS: i64 = 60;
/// Hooks are compared with what Okta has so often.
const HOOKS_SECONDS: i64 = 86_400;
/// A poll waits for so long for a process that only delivers.
const LONGEST_DELIVERY: Duration = Duration::from_secs(2);
/// A hook that could not be repaired is tried again so often.
const REPAIR_SECONDS: i64 = 3_600;

/// Reads what is new for a connection's triggers, and moves the inbox into the feed. While another process polls, nothing
/// happens; a delivery holds the feed for milliseconds, and is waited for.
#[tracing::instrument(skip_all, fields(connection = %connection.id))]
pub async fn poll(app: &App, connection: &Connection, budget: Duration) -> Result<(), Problem> {
    let (ground, until) = (app.ground(), Instant::now() + budget);
    let patient = until.min(Instant::now() + LONGEST_DELIVERY);
    let Some(mut feed) = feed_until(&ground, &connection.id, patient).await? else { return Ok(()) };
    let triggers = feed.triggers.clone();
    let checked = feed.head.hooks_checked_at;
    let polled = caught(async {
        if let Some(delay) = poll_delay(connection, &triggers, &feed.head, app.now()) {
            metric::tell(Metric::PollDelay, delay);
        }
        if triggers.iter().any(Trigger::is_polled) {
            read_or_note(app, connection, &mut feed, budget, until).await?;
        }
        feed.drain(until).await?;
        feed.publish(until).await
    });
    let polled = polled.await;
    feed.close_after(polled, |head, reason| head.poll_error = Some(reason)).await.map_err(problem_of)?;
    deliver(&ground, &connection.id, Duration::ZERO).await.map_err(problem_of)?;
    let age = checked.map(|at| app.now().duration_since(at).as_secs());
    // What Okta does not deliver to is repaired at once, and once an hour where that has failed.
    let is_silent = |trigger: &&Trigger| trigger.enabled && trigger.hook.as_ref().is_some_and(Hook::is_silent);
    let due = |trigger: &Trigger| trigger.fault.is_none() || age.is_none_or(|age| age >= REPAIR_SECONDS);
    let repairs = triggers.iter().filter(is_silent).any(due);
    if repairs || age.is_none_or(|age| age >= HOOKS_SECONDS) {
        check_hooks(app, connection, &triggers).await?;
    }
    Ok(())
}

/// Reads the log, or writes down why it cannot be read.
async fn read_or_note(
    app: &App,
    connection: &Connection,
    feed: &mut Feed<'_>,
    budget: Duration,
    until: Instant,
) -> Result<(), Stop> {
    let read = match app.client(connection, Patience::background(budget)).await {
        Ok(client) => read_log(feed, &client, until).await,
        Err(problem) => note(feed, Some(problem.detail)).await,
    };
    match read {
        Err(Stop::Okta(okta::Error::RateLimited { .. })) => Ok(()),
        Err(Stop::Okta(error)) => note(feed, Some(error.to_string())).await,
        other => other,
    }
}

/// Why the log could not be read; none once it could.
async fn note(feed: &mut Feed<'_>, error: Option<String>) -> Result<(), Stop> {
    feed.head.poll_error = error;
    feed.commit(Vec::new(), Vec::new()).await
}

async fn check_hooks(app: &App, connection: &Connection, triggers: &[Trigger]) -> Result<(), Problem> {
    if let Err(problem) = hook::check(app, connection, triggers).await {
        tracing::warn!("hooks could not be compared with what Okta has: {problem}");
    }
    let ground = app.ground();
    let Some(mut feed) = Feed::open(&ground, &connection.id).await.map_err(problem_of)? else { return Ok(()) };
    feed.head.hooks_checked_at = Some(app.now());
    feed.commit(Vec::new(), Vec::new()).await.map_err(problem_of)?;
    feed.close().await.map_err(problem_of)
}

/// Reads the log from where the last reading ended until it is drained or time is up: an empty page, or the same cursor
/// once more. Where no trigger is fired by it, it only finds the place that is now.
pub(super) async fn read_log(feed: &mut Feed<'_>, client: &Client, until: Instant) -> Result<(), Stop> {
    if !feed.triggers.iter().any(Trigger::is_polled) {
        feed.head.log = None;
    }
    let mut restarts = 0;
    loop {
        let now = client.now();
        let position = feed.head.log.clone();
        let position = position.unwrap_or_else(|| LogPosition::since(clock::after(now, -SKEW_SECONDS)));
        let page = match client.page::<Box<RawValue>>(&request(&position)?).await {
            Err(okta::Error::Api(refusal))
                if position.next.is_some() && refusal.status.as_u16() == 400 && restarts < MOST_RESTARTS =>
            {
                restarts += 1;
                let since = clock::after(newest(&feed.head, &position), -OVERLAP_SECONDS);
                feed.read_again(since).await?;
                continue;
            }
            other => other?,
        };
        let next = page.next.map(String::from);
        let Some(next) = next else {
            return Err(okta::Error::Unreadable("the log has no next page".to_owned()).into());
        };
        // A page with fewer events than were asked for is the end for now: in a busy tenant none is ever empty.
        let is_short = page.items.len() + page.bad.len() < PAGE;
        let drained = is_short || position.next.as_ref() == Some(&next);
        let entries = page.items.into_iter().filter_map(|raw| Entry::of_okta(raw, now)).collect();
        let again_from = position.again_from.filter(|_| !drained);
        (feed.head.polled_at, feed.head.poll_error) = (Some(now), None);
        feed.take_page(entries, LogPosition { next: Some(next), again_from, ..position }).await?;
        if drained {
            feed.read_enough();
            return Ok(());
        }
        if Instant::now() >= until {
            return Ok(());
        }
    }
}

/// The last moment up to which the log was certainly read.
fn newest(head: &Head, position: &LogPosition) -> Timestamp {
    head.polled_at.unwrap_or(position.since)
}

fn request(position: &LogPosition) -> Result<okta::Request, okta::Error> {
    let since = position.since.to_string();
    let first = api::search_logs(&[("since", &since), ("sortOrder", "ASCENDING"), ("limit", "1000")]);
    match &position.next {
        Some(next) => Ok(api::next(&first, Url::parse(next).map_err(|_| okta::Error::ForeignUrl)?)),
        None => Ok(first),
    }
}
