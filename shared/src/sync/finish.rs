//! The end of a run: the roster, the counts, and the one write after which it is over.

use super::apps;
use super::holder::Kind;
use super::roster::{self, Made};
use super::work::{Stop, Work};
use crate::app::App;
use crate::clock;
use crate::connection::{Connection, Stream};
use crate::event::{self, Event};
use crate::metric::{self, Metric};
use crate::store::{Error, Index, Item, Lease, Query, Write};
use crate::synced::{self, Counts, Group, LogPlace, Mode, Phase, Run, RunStatus, State, SyncRun};
use jiff::Timestamp;

/// Okta's changes are read again from so long before a run began.
const OVERLAP_SECONDS: i64 = 600;

/// The streams that no other depends on, and the phase that reads each.
const ACCESS: [(Stream, Phase); 3] =
    [(Stream::Admins, Phase::Admins), (Stream::Owners, Phase::Owners), (Stream::GroupRules, Phase::GroupRules)];

/// Writes the roster and ends the run.
pub async fn finish(work: &mut Work<'_>) -> Result<(), Stop> {
    let state = State::load(&work.app.store, &work.connection.id).await?;
    let made = if work.run.patches() { roster::patch(work, &state).await? } else { roster::make(work, &state).await? };
    let counts = count(work, &state, &made).await?;
    if made.parts != state.roster {
        roster::forget(work, &state.roster, &made.parts).await?;
    }
    if work.run.is_short {
        // What would go is left to a run that reads more: that one asks.
        work.run.pending_removals.clear();
    } else {
        let read = work.run.streams.iter().copied().filter(|stream| is_read(&work.run, &state, *stream));
        for stream in read.collect::<Vec<_>>() {
            work.run.completes(stream);
        }
    }
    let status = if work.run.pending_removals.is_empty() { RunStatus::Succeeded } else { RunStatus::NeedsConfirmation };
    work.count();
    let run = work.run.clone();
    let assigned = apps::assigned(work).await?;
    let attributes = &work.connection.settings.attributes;
    let learn = |state: &mut State| {
        if !run.patches() {
            state.attributes = Some(attributes.clone());
        }
        state.roster.clone_from(&made.parts);
        state.sum = made.sum;
        state.counts = counts;
        state.assigned.clone_from(&assigned);
        // What was confirmed is carried out without reading anything new.
        if run.is_short {
            return;
        }
        if run.confirmed.is_empty() {
            state.succeeded_at = Some(work.app.now());
        }
        learn_of(&run, status, state);
    };
    Ok(end_with(work.app, work.connection, &work.lease, &mut work.run, status, learn).await?)
}

/// Makes readable what a first run has read: the people at once, groups and apps as they come.
pub async fn publish(work: &mut Work<'_>) -> Result<(), Stop> {
    let published = read_so_far(work).await?;
    for stream in [Stream::Users, Stream::Locations] {
        work.run.completes(stream);
    }
    let run = &work.run;
    State::update(&work.app.store, &work.connection.id, &work.lease, |state| {
        published.learn(state);
        learn_streams(run, state);
        Ok(Vec::new())
    })
    .await?;
    work.run.checkpoint = work.after_users();
    Ok(work.commit(Vec::new()).await?)
}

/// All groups or apps and their users were read. Where that is for the first time, lists say so at once.
pub async fn end_stream(work: &mut Work<'_>, kind: Kind) -> Result<(), Stop> {
    work.run.completes(kind.stream());
    if work.state.succeeded_at.is_none() && work.run.complete.contains(&kind.stream()) {
        let (objects, edges) = count_of(work, kind).await?;
        let run = &work.run;
        State::update(&work.app.store, &work.connection.id, &work.lease, |state| {
            match kind {
                Kind::Groups => (state.counts.groups, state.counts.memberships) = (objects, edges),
                Kind::Apps => (state.counts.apps, state.counts.assignments) = (objects, edges),
            }
            learn_streams(run, state);
            Ok(Vec::new())
        })
        .await?;
    }
    work.run.checkpoint = kind.after(work);
    Ok(work.commit(Vec::new()).await?)
}

/// False for admin roles, owners and group rules in a run that reads changes of them, where nothing was read before.
fn is_read(run: &Run, state: &State, stream: Stream) -> bool {
    let phase = ACCESS.iter().find(|(of, _)| *of == stream).map(|(_, phase)| phase);
    !run.patches() || phase.is_none_or(|phase| state.complete.contains(phase))
}

fn learn_streams(run: &Run, state: &mut State) {
    state.as_of.extend(run.complete.iter().map(|stream| (*stream, run.started_at)));
}

/// Ends a run before it has read everything. What a first one has read becomes readable all the same.
pub async fn end_early(work: &mut Work<'_>, status: RunStatus) -> Result<(), Error> {
    if work.state.succeeded_at.is_some() {
        return end(work.app, work.connection, &work.lease, &mut work.run, status).await;
    }
    let published = read_so_far(work).await?;
    let learn = |state: &mut State| published.learn(state);
    end_with(work.app, work.connection, &work.lease, &mut work.run, status, learn).await
}

/// What a first run has read by now.
struct ReadSoFar {
    roster: Vec<String>,
    counts: Counts,
    at: Timestamp,
}

impl ReadSoFar {
    fn learn(&self, state: &mut State) {
        state.roster.clone_from(&self.roster);
        state.counts = self.counts;
        state.published_at = Some(self.at);
    }
}

async fn read_so_far(work: &mut Work<'_>) -> Result<ReadSoFar, Error> {
    let state = State::load(&work.app.store, &work.connection.id).await?;
    let made = roster::make(work, &state).await?;
    let counts = count(work, &state, &made).await?;
    Ok(ReadSoFar { roster: made.parts, counts, at: work.app.now() })
}

/// What later runs must know of a good one. One that carries out what was confirmed has read nothing new.
fn learn_of(run: &Run, status: RunStatus, state: &mut State) {
    if !run.confirmed.is_empty() {
        state.pending.take_if(|pending| *pending == run.id);
        return;
    }
    learn_streams(run, state);
    let since = run.began.map(|began| clock::after(began, -OVERLAP_SECONDS));
    state.watermark = since.or(state.watermark);
    if let Some(since) = since {
        if run.log_next.is_some() {
            state.log = Some(LogPlace { next: run.log_next.clone(), since });
        }
        state.log.get_or_insert(LogPlace { next: None, since });
    }
    if run.mode != Mode::Incremental {
        state.bad.clone_from(&run.bad);
        state.complete.extend(read_to_the_end(run));
        for (_, phase) in ACCESS {
            if run.skipped.contains_key(&phase) {
                state.complete.remove(&phase);
            }
        }
        state.pending = None;
    }
    // The question of a full run stands until the next one; it holds what a smaller run asks.
    if status == RunStatus::NeedsConfirmation {
        state.pending.get_or_insert_with(|| run.id.clone());
    }
}

/// What a run has read to its end.
fn read_to_the_end(run: &Run) -> Vec<Phase> {
    let mut phases = vec![Phase::Users];
    for kind in [Kind::Groups, Kind::Apps] {
        // An empty list may be that of a role which sees nothing.
        let seen = run.progress.get(&kind.objects().phase()).is_some_and(|progress| progress.seen > 0);
        if seen && run.read.contains_key(&kind.objects().phase()) {
            phases.extend([kind.objects().phase(), kind.edges()]);
        }
    }
    let read = ACCESS.iter().filter(|(stream, phase)| run.streams.contains(stream) && !run.skipped.contains_key(phase));
    phases.extend(read.map(|(_, phase)| *phase));
    phases
}

/// Ends a run; what it stored so far stays.
pub async fn end(
    app: &App,
    connection: &Connection,
    lease: &Lease,
    run: &mut Run,
    status: RunStatus,
) -> Result<(), Error> {
    end_with(app, connection, lease, run, status, |_| {}).await
}

async fn end_with(
    app: &App,
    connection: &Connection,
    lease: &Lease,
    run: &mut Run,
    status: RunStatus,
    learn: impl Fn(&mut State),
) -> Result<(), Error> {
    let now = app.now();
    (run.status, run.finished_at, run.next_wake, run.updated_at) = (status, Some(now), None, now);
    let run = &*run;
    State::update(&app.store, &connection.id, lease, |state| {
        learn(state);
        if matches!(status, RunStatus::Succeeded | RunStatus::NeedsConfirmation) {
            state.read_by(run);
        }
        if let Some(began) = run.began.filter(|_| run.beside) {
            state.beside_until = Some(clock::after(began, now.duration_since(run.started_at).as_secs()));
        }
        let mut writes = vec![run.write(&connection.id)?];
        if !run.is_short {
            state.last = run.summary();
            writes.extend(ended(connection, run, now)?);
        }
        Ok(writes)
    })
    .await?;
    if run.confirmed.is_empty() && !run.is_short {
        count_end(status);
    }
    Ok(())
}

fn count_end(status: RunStatus) {
    match status {
        RunStatus::Succeeded | RunStatus::NeedsConfirmation => metric::tell(Metric::SyncsSucceeded, 1),
        RunStatus::Failed => metric::tell(Metric::SyncsFailed, 1),
        RunStatus::Running | RunStatus::Waiting | RunStatus::Cancelled => {}
    }
}

/// The event about the end of a run; none where it was cancelled.
fn ended(connection: &Connection, run: &Run, now: Timestamp) -> Result<Option<Write>, Error> {
    let ended = match run.status {
        RunStatus::Succeeded => "completed",
        RunStatus::Failed => "failed",
        RunStatus::NeedsConfirmation => "needs_confirmation",
        RunStatus::Running | RunStatus::Waiting | RunStatus::Cancelled => return Ok(None),
    };
    let shown = serde_json::to_value(SyncRun::of(run.clone())).unwrap_or_default();
    event::inbox(&connection.id, &[Event::sync(run.id.as_str(), ended, shown, now)], now).map(Some)
}

/// What the directory now holds.
async fn count(work: &Work<'_>, state: &State, made: &Made) -> Result<Counts, Error> {
    let Made { users, locations, .. } = *made;
    let moved = |phase| work.run.progress.get(&phase).is_some_and(|it| it.added + it.changed + it.removed > 0);
    // Runs that did not get to their end have counted nothing.
    let all = !work.run.patches() || work.earlier().next().is_some();
    let asked = |kind: Kind| all || moved(kind.objects().phase()) || moved(kind.edges());
    let mut counts = Counts { users, locations, ..state.counts };
    if asked(Kind::Groups) {
        (counts.groups, counts.memberships) = count_of(work, Kind::Groups).await?;
    }
    if asked(Kind::Apps) {
        (counts.apps, counts.assignments) = count_of(work, Kind::Apps).await?;
    }
    Ok(counts)
}

/// How many groups or apps there are, and how many users they have in all, those of `Everyone` left out.
async fn count_of(work: &Work<'_>, kind: Kind) -> Result<(u64, u64), Error> {
    let mut objects = 0;
    let mut edges = 0;
    each(work, kind, |item| {
        objects += 1;
        edges += match kind {
            Kind::Groups => {
                let group: Group = item.parse()?;
                group.members_count.filter(|_| !group.is_everyone())
            }
            Kind::Apps => item.parse::<synced::App>()?.users_count,
        }
        .unwrap_or_default();
        Ok(())
    })
    .await?;
    Ok((objects, edges))
}

/// Visits every group or app that the tenant has.
async fn each(work: &Work<'_>, kind: Kind, mut visit: impl FnMut(&Item) -> Result<(), Error>) -> Result<(), Error> {
    let listed = work.app.store.query(&Query::index(Index::G1, kind.partition(&work.connection.id))).await?;
    let keys: Vec<_> = listed.iter().map(Item::key).collect();
    for some in keys.chunks(100) {
        work.app.store.get_many(some).await?.iter().try_for_each(&mut visit)?;
    }
    Ok(())
}
