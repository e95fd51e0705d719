//! One turn of the state machine: a slice of a run, and where the machine goes from there.

use super::{Error, runner};
use crate::app::App;
use crate::clock;
use crate::id::{ConnectionId, SyncId};
use crate::runs::{self, Tick};
use crate::store;
use crate::sync::{self, Next, Slice};
use crate::synced::{Checkpoint, Mode, Run};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Slices of one execution, whose history ends at 25,000 events.
const MOST_HOPS: u32 = 2_000;
/// Slices in a row that used up their time and brought the run no further, after which it is given up.
const MOST_STALLED: u32 = 3;

/// What the state machine hands to a slice.
#[derive(Clone, Debug, Deserialize)]
pub struct Hop {
    /// Whose sync it is.
    pub connection: ConnectionId,
    /// The run, `purge`, or `candidates`. None in the first slice of an execution that a schedule started: it makes the run.
    #[serde(default)]
    pub run: Option<String>,
    /// What such a schedule asks for.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// For when it was scheduled.
    #[serde(default)]
    pub scheduled: Option<Timestamp>,
    /// The execution's id.
    pub execution: String,
    /// Slices of this execution so far.
    #[serde(default)]
    pub hops: u32,
    /// Slices in a row that brought the run no further.
    #[serde(default)]
    pub stalled: u32,
}

/// What it gets back: a result, and the next slice's input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// `again`, `wait`, `handover` or `done`.
    pub result: &'static str,
    /// Until when it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wake: Option<Timestamp>,
    /// Whose sync it is.
    pub connection: ConnectionId,
    /// The run; null where there was nothing to do.
    pub run: Option<String>,
    /// Null: there is a run now. The state machine's input has no optional members.
    pub mode: Option<Mode>,
    /// Null as well.
    pub scheduled: Option<Timestamp>,
    /// Slices of this execution so far.
    pub hops: u32,
    /// Slices in a row that brought the run no further.
    pub stalled: u32,
}

/// Runs one slice, of at most `budget`. An error is one that a repetition may mend.
#[tracing::instrument(skip_all, fields(function = "sync", connection = %hop.connection))]
pub async fn hop(app: &App, mut hop: Hop, budget: Duration) -> Result<Answer, Error> {
    let connection = &hop.connection;
    let run = match (hop.run.as_deref(), hop.mode) {
        (Some(runner::PURGE), _) => {
            let next = if sync::purge(app, connection, budget).await? { Next::Done } else { Next::Again };
            return Ok(hop.answer(next, app.now()));
        }
        (Some(runner::CANDIDATES), _) => {
            let Some(run) = runs::begin_short(app, connection, &hop.execution).await? else {
                return Ok(hop.answer(Next::Done, app.now()));
            };
            run
        }
        (Some(run), _) => SyncId::parse(run).ok_or("the run is neither a sync nor a purge")?,
        (None, Some(mode)) => {
            let tick = Tick { mode, scheduled: hop.scheduled, execution: &hop.execution };
            let Some(run) = runs::tick(app, connection, tick).await? else {
                return Ok(hop.answer(Next::Done, app.now()));
            };
            run
        }
        (None, None) => return Err("there is neither a run nor a mode".into()),
    };
    hop.run = Some(run.to_string());
    let before = checkpoint(app, &hop.connection, &run).await?;
    let slice = Slice { connection: hop.connection.clone(), run, execution: hop.execution.clone() };
    let mut next = sync::slice(app, &slice, budget).await?;
    let moved = checkpoint(app, &hop.connection, &slice.run).await? != before;
    hop.stalled = stalled(hop.stalled, moved, next);
    if hop.stalled >= MOST_STALLED {
        sync::give_up(app, &slice, "it worked again and again without progress.").await?;
        next = Next::Done;
    }
    // Candidates that were reported while the run ended.
    if next == Next::Done
        && let Some(short) = runs::begin_short(app, &hop.connection, &hop.execution).await?
    {
        hop.run = Some(short.to_string());
        next = Next::Again;
    }
    Ok(hop.answer(next, app.now()))
}

async fn checkpoint(app: &App, connection: &ConnectionId, run: &SyncId) -> Result<Option<Checkpoint>, store::Error> {
    Ok(Run::load(&app.store, connection, run).await?.map(|run| run.checkpoint))
}

/// A wait is not counted: the run counts Okta's failures itself, and limits end.
fn stalled(before: u32, moved: bool, next: Next) -> u32 {
    match next {
        _ if moved => 0,
        Next::Again => before + 1,
        Next::Wait(_) | Next::Done => before,
    }
}

impl Hop {
    fn answer(self, next: Next, now: Timestamp) -> Answer {
        let hops = self.hops + 1;
        let (result, wake) = match next {
            Next::Done => ("done", None),
            Next::Again | Next::Wait(_) if hops >= MOST_HOPS => ("handover", None),
            Next::Again => ("again", None),
            Next::Wait(wake) => ("wait", Some(wake.max(clock::after(now, 1)))),
        };
        let Self { connection, run, stalled, .. } = self;
        Answer { result, wake, connection, run, mode: None, scheduled: None, hops, stalled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    fn input(members: Value) -> Value {
        let mut input = json!({"connection": ConnectionId::random(), "execution": "arn"});
        if let (Some(input), Value::Object(members)) = (input.as_object_mut(), members) {
            input.extend(members);
        }
        input
    }

    fn hop(members: Value) -> Hop {
        serde_json::from_value(input(members)).expect("a hop")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn an_execution_hands_over_after_two_thousand_slices_and_not_if_it_is_done() {
        let result = |hops: u32, next: Next| hop(json!({"run": "sync_1", "hops": hops})).answer(next, at(0)).result;
        for next in [Next::Again, Next::Wait(at(60))] {
            assert_eq!(
                (result(1_998, next), result(1_999, next)),
                (["again", "wait"][usize::from(next != Next::Again)], "handover")
            );
        }
        assert_eq!(result(1_999, Next::Done), "done");
    }

    #[test]
    fn a_wait_is_at_least_a_second_long() {
        let wait = |until: i64| hop(json!({"run": "sync_1"})).answer(Next::Wait(at(until)), at(100));
        assert_eq!((wait(500).result, wait(500).wake), ("wait", Some(at(500))));
        assert_eq!(wait(90).wake, Some(at(101)));
    }

    #[test]
    fn only_slices_that_used_up_their_time_without_progress_count_as_stalled() {
        for (before, moved, next, after) in [
            (0, false, Next::Again, 1),
            (2, false, Next::Again, 3),
            (2, true, Next::Again, 0),
            (2, false, Next::Wait(at(1)), 2),
            (2, true, Next::Wait(at(1)), 0),
        ] {
            assert_eq!(stalled(before, moved, next), after, "{before} {moved} {next:?}");
        }
    }

    #[test]
    fn an_answer_is_the_next_slices_input() {
        let first = hop(json!({"mode": "verify", "scheduled": "2026-03-22T18:59:43Z", "hops": 0}));
        assert_eq!((first.run.as_deref(), first.mode), (None, Some(Mode::Verify)));
        let answer = Hop { run: Some("sync_1".to_owned()), ..first }.answer(Next::Again, at(0));
        let mut next = serde_json::to_value(answer).expect("JSON");
        next["execution"] = json!("arn");
        let next: Hop = serde_json::from_value(next).expect("a hop");
        assert_eq!((next.run.as_deref(), next.mode, next.scheduled, next.hops), (Some("sync_1"), None, None, 1));
    }

    /// The members of an object whose values are read from the state machine's own input.
    fn read(parameters: &Value) -> BTreeSet<String> {
        let members = parameters.as_object().into_iter().flatten();
        members.filter_map(|(_, path)| Some(path.as_str()?.strip_prefix("$.")?.to_owned())).collect()
    }

    #[test]
    fn the_state_machine_hands_over_no_member_that_it_may_not_have() {
        let machine: Value = serde_json::from_str(include_str!("../../../infra/sync.asl.json")).expect("JSON");
        let states = &machine["States"];
        let usual = states["Begin"]["Parameters"]["usual"].as_object().expect("what is usual");
        let mut there: BTreeSet<String> = usual.keys().cloned().collect();
        there.insert("connection".to_owned());
        let payload = read(&states["Slice"]["Parameters"]["Payload"]);
        assert_eq!(payload, there, "Begin fills in what a slice is handed");
        let answer = serde_json::to_value(hop(json!({"run": "sync_1"})).answer(Next::Again, at(0))).expect("JSON");
        let answered: BTreeSet<String> =
            answer.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        assert!(payload.is_subset(&answered) && read(&states["Handover"]["Parameters"]["Input"]).is_subset(&answered));
    }

    #[test]
    fn the_sample_events_are_read() {
        for (event, text) in [
            ("sync", include_str!("../../../events/sync.json")),
            ("sync-scheduled", include_str!("../../../events/sync-scheduled.json")),
            ("sync-candidates", include_str!("../../../events/sync-candidates.json")),
            ("sync-purge", include_str!("../../../events/sync-purge.json")),
        ] {
            let hop: Hop = serde_json::from_str(text).expect(event);
            assert!(hop.run.is_some() != hop.mode.is_some(), "{event}");
        }
    }
}
