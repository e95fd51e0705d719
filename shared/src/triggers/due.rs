//! When the log is to be read: what the triggers of a connection ask for, against when it was last read.

use super::{Fires, Trigger, schedule, search};
use crate::clock;
use crate::connection::{Connection, Status};
use crate::feed::Head;
use crate::id::TriggerId;
use crate::schedule::Schedule;
use jiff::Timestamp;

/// Where there are hooks alone, the log is polled so often.
const HOOKS_SECONDS: i64 = 300;

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Poll the log.
    Poll,
    /// Run a search.
    Search(TriggerId),
}

/// What is due.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// What to do now.
    pub jobs: Vec<Job>,
    /// When there is something to do next.
    pub next: Option<Timestamp>,
}

/// What a connection's triggers ask for by now.
pub fn due(connection: &Connection, triggers: &[Trigger], head: &Head, now: Timestamp) -> Due {
    let mut due = Due::default();
    if connection.status == Status::Pending || !connection.is_complete() || connection.settings.paused {
        return due;
    }
    let mut ask = |job: Job, at: Timestamp| {
        if at <= now { due.jobs.push(job) } else { due.next = due.next.into_iter().chain([at]).min() }
    };
    if let Some(seconds) = poll_seconds(triggers) {
        ask(Job::Poll, head.polled_at.map_or(now, |last| clock::after(last, seconds)));
    }
    for trigger in triggers.iter().filter(|it| it.enabled && matches!(it.kind, Fires::EventSearch { .. })) {
        let last = head.marks.get(&trigger.id).and_then(|mark| mark.last_run_at);
        if let Some(at) = search::next_run(trigger, last) {
            ask(Job::Search(trigger.id.clone()), at);
        }
    }
    due
}

/// The shortest interval that a trigger asks for; none where nothing is polled.
fn poll_seconds(triggers: &[Trigger]) -> Option<i64> {
    let seconds = |trigger: &Trigger| match schedule(&trigger.kind).map(Schedule::parse) {
        Some(Ok(Schedule::Rate(interval))) => interval.as_secs(),
        _ => HOOKS_SECONDS,
    };
    triggers.iter().filter(|trigger| trigger.is_polled()).map(seconds).min()
}
