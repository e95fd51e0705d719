//! When the log is to be read: what the triggers of a connection ask for, against when it was last read.

use super::{Fires, Trigger, schedule, search};
use crate::app::{Scheduled, Target};
use crate::clock;
use crate::connection::Connection;
use crate::feed::Head;
use crate::id::TriggerId;
use crate::schedule::Schedule;
use crate::synced::fingerprint;
use jiff::Timestamp;
use serde_json::json;

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
    if !connection.is_scheduled() {
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

/// The schedules that a connection wants for its log; none while it is paused or cannot sign in yet.
pub fn wanted(connection: &Connection, triggers: &[Trigger]) -> Vec<Scheduled> {
    if !connection.is_scheduled() {
        return Vec::new();
    }
    let id = &connection.id;
    let poll = poll_seconds(triggers).map(|seconds| Scheduled {
        name: format!("{id}-poll"),
        // Scheduler takes either with 1, and EventBridge's rules the singular alone.
        expression: match (seconds / 60).max(1) {
            1 => "rate(1 minute)".to_owned(),
            minutes => format!("rate({minutes} minutes)"),
        },
        timezone: "UTC".to_owned(),
        anchor: connection.created_at,
        target: Target::Log,
        input: json!({"connection": id}),
    });
    let search = |trigger: &Trigger| match &trigger.kind {
        Fires::EventSearch { schedule, .. } if trigger.enabled => Some(Scheduled {
            // Two ids are longer than a name may be.
            name: format!("{id}-{}", fingerprint(trigger.id.as_str().as_bytes())),
            expression: schedule.clone(),
            timezone: trigger.timezone.clone(),
            anchor: trigger.created_at,
            target: Target::Log,
            input: json!({"connection": id, "trigger": trigger.id}),
        }),
        _ => None,
    };
    poll.into_iter().chain(triggers.iter().filter_map(search)).collect()
}

/// By how many seconds the last good poll is later than the triggers ask for; none where nothing is polled. What the
/// triggers ask for now they ask for since they, or the connection's schedules, last changed.
pub fn poll_delay(connection: &Connection, triggers: &[Trigger], head: &Head, now: Timestamp) -> Option<i64> {
    let seconds = poll_seconds(triggers).filter(|_| connection.is_scheduled())?;
    let changed = triggers.iter().filter(|trigger| trigger.is_polled()).map(|trigger| trigger.updated_at);
    let since = changed.chain(head.polled_at).chain(connection.scheduled_at).max()?;
    Some((now.duration_since(since).as_secs() - seconds).max(0))
}

/// The shortest interval that a trigger asks for; none where nothing is polled.
fn poll_seconds(triggers: &[Trigger]) -> Option<i64> {
    let seconds = |trigger: &Trigger| match schedule(&trigger.kind).map(Schedule::parse) {
        Some(Ok(Schedule::Rate(interval))) => interval.as_secs(),
        _ => HOOKS_SECONDS,
    };
    triggers.iter().filter(|trigger| trigger.is_polled()).map(seconds).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::{Mark, Outlet};
    use std::collections::BTreeSet;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn connection(paused: bool) -> Connection {
        Connection::set_up(json!({"paused": paused}), time("2026-03-01T12:00:00Z"))
    }

    fn trigger(kind: Fires) -> Trigger {
        let at = time("2026-03-01T12:00:00Z");
        let (deliver, timezone) = (BTreeSet::from([Outlet::Feed]), "Europe/Oslo".to_owned());
        let (name, hook, fault, id) = (None, None, None, TriggerId::random());
        let (created_at, updated_at) = (at, at);
        let (enabled, is_own, revision) = (true, false, 0);
        Trigger { id, name, kind, enabled, timezone, deliver, hook, fault, is_own, created_at, updated_at, revision }
    }

    fn news(schedule: &str) -> Trigger {
        trigger(Fires::NewEvents { filter: None, schedule: schedule.to_owned() })
    }

    #[test]
    fn the_shortest_schedule_polls_for_all_and_hooks_alone_are_polled_every_five_minutes() {
        let hook = || trigger(Fires::EventHook { event_types: BTreeSet::new() });
        let head = Head { polled_at: Some(time("2026-03-01T13:00:00Z")), ..Head::default() };
        let now = time("2026-03-01T13:00:30Z");
        for (triggers, next) in [
            (vec![news("rate(1 hour)"), news("rate(2 minutes)"), hook()], Some("2026-03-01T13:02:00Z")),
            (vec![hook()], Some("2026-03-01T13:05:00Z")),
            (vec![Trigger { enabled: false, ..hook() }], None),
            (vec![], None),
        ] {
            let wanted = Due { jobs: Vec::new(), next: next.map(time) };
            assert_eq!(due(&connection(false), &triggers, &head, now), wanted);
        }
        let late = due(&connection(false), &[hook()], &head, time("2026-03-01T13:05:00Z"));
        assert_eq!(late.jobs, [Job::Poll]);
        assert_eq!(due(&connection(true), &[hook()], &head, time("2026-03-01T14:00:00Z")), Due::default());
    }

    #[test]
    fn a_poll_is_late_from_when_it_could_have_been() {
        let polled_at = |at: &str| Head { polled_at: Some(time(at)), ..Head::default() };
        let news = Fires::NewEvents { filter: None, schedule: "rate(1 minute)".to_owned() };
        let triggers = [trigger(news)];
        let late = |connection: &Connection, polled: &str| {
            poll_delay(connection, &triggers, &polled_at(polled), time("2026-03-02T12:00:00Z"))
        };
        assert_eq!(late(&connection(false), "2026-03-02T11:59:30Z"), Some(0));
        assert_eq!(late(&connection(false), "2026-03-02T11:00:00Z"), Some(3_540));
        assert_eq!(late(&connection(true), "2026-03-02T11:00:00Z"), None);
        let mut resumed = connection(false);
        resumed.scheduled_at = Some(time("2026-03-02T11:59:50Z"));
        assert_eq!(late(&resumed, "2026-03-01T12:00:00Z"), Some(0), "it was paused");
    }

    #[test]
    fn a_search_runs_by_its_own_schedule_and_time_zone() {
        let schedule = "cron(0 7 * * ? *)".to_owned();
        let search = trigger(Fires::EventSearch { filter: String::new(), schedule, lookback: String::new() });
        let mut head = Head::default();
        let asked = |head: &Head, now: &str| due(&connection(false), std::slice::from_ref(&search), head, time(now));
        assert_eq!(asked(&head, "2026-03-02T05:59:59Z").next, Some(time("2026-03-02T06:00:00Z")));
        assert_eq!(asked(&head, "2026-03-02T06:00:00Z").jobs, [Job::Search(search.id.clone())]);
        let last_run_at = Some(time("2026-03-02T06:00:01Z"));
        head.marks.insert(search.id.clone(), Mark { last_run_at, ..Mark::default() });
        assert_eq!(asked(&head, "2026-03-02T07:00:00Z").next, Some(time("2026-03-03T06:00:00Z")));
    }

    #[test]
    fn a_scheduler_keeps_one_poll_for_all_and_each_search() {
        let search = trigger(Fires::EventSearch {
            filter: String::new(),
            schedule: "cron(0 7 * * ? *)".to_owned(),
            lookback: String::new(),
        });
        let off = Trigger { enabled: false, ..search.clone() };
        let connection = connection(false);
        let wanted = wanted(&connection, &[news("rate(1 hour)"), news("rate(2 minutes)"), search.clone(), off]);
        let told: Vec<_> = wanted.iter().map(|it| (it.expression.as_str(), it.timezone.as_str(), &it.input)).collect();
        let (poll, find) =
            (json!({"connection": connection.id}), json!({"connection": connection.id, "trigger": search.id}));
        assert_eq!(told, [("rate(2 minutes)", "UTC", &poll), ("cron(0 7 * * ? *)", "Europe/Oslo", &find)]);
        assert_eq!(super::wanted(&self::connection(true), &[search]), []);
    }
}
