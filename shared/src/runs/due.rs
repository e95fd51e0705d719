//! When runs are due: what a connection's schedules say, against what its runs have settled.
//!
//! Nothing is remembered of a tick but the runs themselves. So it does not matter who ticks, how late, or how often: a
//! schedule is due if it has had a time since it was set, and since the last run of its mode or a larger one ended.

use super::Tick;
use crate::app::{Scheduled, Target};
use crate::connection::Connection;
use crate::synced::{Mode, State};
use jiff::Timestamp;
use serde_json::json;

/// A schedule that a connection wants for its syncs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The mode of what it starts.
    pub mode: Mode,
    /// As a scheduler keeps it.
    pub schedule: Scheduled,
}

impl Wanted {
    fn new(connection: &Connection, mode: Mode, expression: String, timezone: &str) -> Self {
        let id = &connection.id;
        let word = match mode {
            Mode::Incremental => "incremental",
            Mode::Full => "full",
            Mode::Verify => "verify",
        };
        // EventBridge Scheduler puts in the time itself:
        // https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
        let input = json!({"connection": id, "mode": word, "scheduled": "<aws.scheduler.scheduled-time>"});
        let (name, timezone, anchor) = (format!("{id}-{word}"), timezone.to_owned(), connection.created_at);
        Self { mode, schedule: Scheduled { name, expression, timezone, anchor, target: Target::Sync, input } }
    }
}

/// The schedules that a connection wants; none while it is paused or cannot sign in yet.
pub fn wanted(connection: &Connection) -> Vec<Wanted> {
    let sync = connection.settings.sync.as_ref().filter(|_| connection.is_scheduled());
    let Some(sync) = sync else { return Vec::new() };
    [(Mode::Full, &sync.full), (Mode::Incremental, &sync.incremental), (Mode::Verify, &sync.verify)]
        .into_iter()
        .filter_map(|(mode, expression)| Some(Wanted::new(connection, mode, expression.clone()?, &sync.timezone)))
        .collect()
}

/// What is due, and when to look again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// What to start now; of several the largest.
    pub mode: Option<Mode>,
    /// When something is due next.
    pub next: Option<Timestamp>,
}

/// What a connection's schedules ask for by now.
pub fn due(connection: &Connection, state: &State, now: Timestamp) -> Due {
    let set = connection.scheduled_at.unwrap_or(connection.created_at);
    let mut due = Due::default();
    for wanted in wanted(connection) {
        let settled = state.settled(wanted.mode).map_or(set, |settled| settled.max(set));
        if wanted.schedule.next_after(settled).is_some_and(|next| next <= now) {
            due.mode = due.mode.max(Some(wanted.mode));
        }
        let next = wanted.schedule.next_after(now.max(settled));
        due.next = [due.next, next].into_iter().flatten().min();
    }
    due
}

/// By how many seconds the last good run is later than the schedules ask for; none where they ask for nothing.
pub fn delay(connection: &Connection, state: &State, now: Timestamp) -> Option<i64> {
    let set = connection.scheduled_at.unwrap_or(connection.created_at);
    let good = state.succeeded_at.map_or(set, |good| good.max(set));
    let asked = wanted(connection).into_iter().filter_map(|wanted| wanted.schedule.next_after(good)).min()?;
    Some(now.duration_since(asked).as_secs().max(0))
}

/// What a tick starts: its own mode, unless a run has settled its time, or a larger one that is due as well.
pub(super) fn asked(connection: &Connection, state: &State, tick: Tick<'_>, now: Timestamp) -> Option<Mode> {
    if !wanted(connection).iter().any(|wanted| wanted.mode == tick.mode) {
        return None;
    }
    let settled = state.settled(tick.mode);
    let new = tick.scheduled.is_none_or(|at| settled.is_none_or(|settled| at > settled));
    due(connection, state, now).mode.max(new.then_some(tick.mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Status;
    use crate::synced::Run;
    use serde_json::Value;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// Made at noon on 1 March 2026.
    fn connection(settings: Value) -> Connection {
        Connection::set_up(settings, time("2026-03-01T12:00:00Z"))
    }

    fn after(runs: &[(Mode, &str)]) -> State {
        let mut state = State::default();
        for (mode, at) in runs {
            let mut run = Run::new(*mode, None, time(at));
            state.begin(&run);
            run.finished_at = Some(time(at));
            state.last = run.summary();
        }
        state
    }

    fn due_at(connection: &Connection, state: &State, now: &str) -> (Option<Mode>, Option<String>) {
        let due = due(connection, state, time(now));
        (due.mode, due.next.map(|next| next.to_string()))
    }

    #[test]
    fn every_schedule_has_a_name_and_a_payload_of_its_own() {
        let connection = connection(json!({}));
        let wanted = wanted(&connection);
        let id = &connection.id;
        assert_eq!(
            wanted.iter().map(|wanted| wanted.schedule.name.clone()).collect::<Vec<_>>(),
            ["full", "incremental", "verify"].map(|word| format!("{id}-{word}"))
        );
        let full = &wanted[0].schedule;
        assert_eq!(
            full.input,
            json!({"connection": id, "mode": "full", "scheduled": "<aws.scheduler.scheduled-time>"})
        );
        assert_eq!((full.expression.as_str(), full.timezone.as_str()), ("rate(6 hours)", "UTC"));
    }

    #[test]
    fn a_connection_that_is_paused_or_pending_or_syncs_nothing_wants_no_schedule() {
        let mut pending = connection(json!({}));
        pending.status = Status::Pending;
        let mut incomplete = connection(json!({}));
        incomplete.secret_version = None;
        let off = json!({"sync": {"full": null, "incremental": null, "verify": null}});
        for connection in [
            pending,
            incomplete,
            connection(json!({"paused": true})),
            connection(json!({"sync": null})),
            connection(off),
        ] {
            assert_eq!(wanted(&connection), []);
            assert_eq!(due(&connection, &State::default(), time("2030-01-01T00:00:00Z")), Due::default());
        }
        let mut inactive = connection(json!({}));
        inactive.status = Status::Inactive;
        assert_eq!(wanted(&inactive).len(), 3, "it is still tried");
    }

    #[test]
    fn a_rate_is_due_once_in_each_interval_since_the_connection_was_made() {
        let connection = connection(json!({"sync": {"incremental": null, "verify": null}}));
        let first = after(&[(Mode::Full, "2026-03-01T12:00:05Z")]);
        let six = Some("2026-03-01T18:00:00Z".to_owned());
        assert_eq!(due_at(&connection, &first, "2026-03-01T17:59:59Z"), (None, six));
        let midnight = Some("2026-03-02T00:00:00Z".to_owned());
        assert_eq!(due_at(&connection, &first, "2026-03-01T18:00:00Z"), (Some(Mode::Full), midnight.clone()));
        let second = after(&[(Mode::Full, "2026-03-01T18:00:03Z")]);
        assert_eq!(due_at(&connection, &second, "2026-03-01T18:30:00Z"), (None, midnight));
    }

    #[test]
    fn a_sync_is_late_from_the_first_time_on_that_no_good_run_has_followed() {
        let mut connection = connection(json!({"sync": {"incremental": null, "verify": null}}));
        let good_at = |at: Option<&str>| State { succeeded_at: at.map(time), ..State::default() };
        let late =
            |connection: &Connection, good: Option<&str>, now: &str| delay(connection, &good_at(good), time(now));
        assert_eq!(late(&connection, None, "2026-03-01T17:00:00Z"), Some(0));
        assert_eq!(late(&connection, None, "2026-03-01T18:01:00Z"), Some(60));
        assert_eq!(late(&connection, Some("2026-03-01T18:00:30Z"), "2026-03-01T18:01:00Z"), Some(0));
        assert_eq!(late(&connection, Some("2026-03-01T18:00:30Z"), "2026-03-02T01:00:00Z"), Some(3_600));
        connection.settings.paused = true;
        assert_eq!(late(&connection, None, "2030-01-01T00:00:00Z"), None);
    }

    #[test]
    fn of_what_is_due_at_once_the_largest_is_started_and_settles_the_rest() {
        let connection = connection(json!({}));
        let first = after(&[(Mode::Full, "2026-03-01T12:00:05Z")]);
        for (now, mode) in [
            ("2026-03-01T12:15:00Z", Mode::Incremental),
            ("2026-03-01T18:00:00Z", Mode::Full),
            ("2026-03-08T12:00:00Z", Mode::Verify),
        ] {
            assert_eq!(due_at(&connection, &first, now).0, Some(mode), "{now}");
            assert_eq!(due_at(&connection, &after(&[(mode, now)]), now).0, None, "{now}");
        }
    }

    #[test]
    fn a_smaller_run_leaves_a_larger_one_due() {
        let connection = connection(json!({}));
        let state = after(&[(Mode::Full, "2026-03-01T12:00:05Z"), (Mode::Incremental, "2026-03-01T18:00:01Z")]);
        assert_eq!(due_at(&connection, &state, "2026-03-01T18:01:00Z").0, Some(Mode::Full));
    }

    #[test]
    fn what_was_missed_is_made_up_for_once_and_not_from_before_the_schedule_was_set() {
        let mut connection = connection(json!({"sync": {"incremental": null, "verify": null}}));
        let first = after(&[(Mode::Full, "2026-03-01T12:00:05Z")]);
        assert_eq!(due_at(&connection, &first, "2026-03-20T13:00:00Z").0, Some(Mode::Full));
        let made_up = after(&[(Mode::Full, "2026-03-20T13:00:00Z")]);
        assert_eq!(due_at(&connection, &made_up, "2026-03-20T17:59:00Z").0, None);
        connection.scheduled_at = Some(time("2026-03-20T12:30:00Z"));
        assert_eq!(due_at(&connection, &first, "2026-03-20T13:00:00Z").0, None);
        assert_eq!(due_at(&connection, &first, "2026-03-20T18:00:00Z").0, Some(Mode::Full));
    }

    #[test]
    fn a_calendar_is_that_of_the_time_zone() {
        let nightly = json!({"sync": {
            "full": "cron(30 2 * * ? *)", "incremental": null, "verify": null, "timezone": "Europe/Berlin",
        }});
        let connection = connection(nightly);
        let state = after(&[(Mode::Full, "2026-03-27T01:30:10Z")]);
        let next = |state: &State, now| due_at(&connection, state, now);
        assert_eq!(next(&state, "2026-03-28T01:29:59Z"), (None, Some("2026-03-28T01:30:00Z".to_owned())));
        let state = after(&[(Mode::Full, "2026-03-28T01:30:10Z")]);
        let skipped = (None, Some("2026-03-30T00:30:00Z".to_owned()));
        assert_eq!(next(&state, "2026-03-29T12:00:00Z"), skipped, "there was no half past two on the 29th");
    }

    fn tick(mode: Mode, scheduled: Option<&str>) -> Tick<'static> {
        Tick { mode, scheduled: scheduled.map(time), execution: "arn" }
    }

    #[test]
    fn a_tick_that_a_run_has_settled_asks_for_nothing() {
        let connection = connection(json!({"sync": {"verify": null}}));
        let state = after(&[(Mode::Full, "2026-03-01T18:00:03Z")]);
        let now = time("2026-03-01T18:05:00Z");
        let asks = |tick| asked(&connection, &state, tick, now);
        assert_eq!(asks(tick(Mode::Full, Some("2026-03-01T18:00:00Z"))), None);
        assert_eq!(asks(tick(Mode::Incremental, Some("2026-03-01T18:00:00Z"))), None);
        assert_eq!(asks(tick(Mode::Incremental, Some("2026-03-01T18:05:00Z"))), Some(Mode::Incremental));
        assert_eq!(asks(tick(Mode::Full, None)), Some(Mode::Full), "by hand");
        assert_eq!(asks(tick(Mode::Verify, Some("2026-03-01T18:05:00Z"))), None, "its schedule is gone");
    }

    #[test]
    fn whichever_tick_of_a_moment_comes_first_starts_the_largest_run() {
        let connection = connection(json!({}));
        let state = after(&[(Mode::Full, "2026-03-08T06:00:03Z")]);
        for mode in [Mode::Incremental, Mode::Full, Mode::Verify] {
            let tick = tick(mode, Some("2026-03-08T12:00:00Z"));
            assert_eq!(asked(&connection, &state, tick, time("2026-03-08T12:00:02Z")), Some(Mode::Verify));
        }
    }
}
