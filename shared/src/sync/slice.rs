//! A slice: steps from a run's checkpoint until it is over, must wait, or time is up.

use super::ahead::Ahead;
use super::hints::Stage;
use super::holder::Kind;
use super::work::{Stop, Work};
use super::{access, app_hints, apps, candidates, edges, finish, groups, hints, missing, user_types, users};
use crate::app::App;
use crate::clock;
use crate::connection::{self, Connection};
use crate::feed;
use crate::id::{ConnectionId, SyncId};
use crate::okta::{self, Meaning, Patience};
use crate::panics::caught;
use crate::problem::{self, Problem};
use crate::store::{self, Lease, keys};
use crate::synced::{Checkpoint, Listing, Parked, Run, RunStatus, State};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What a slice is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slice {
    /// The connection.
    pub connection: ConnectionId,
    /// The run.
    pub run: SyncId,
    /// Who drives it: a slice that is repeated under the same name re-enters at once.
    pub execution: String,
}

/// What to do after a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The run is over.
    Done,
    /// Another slice, now.
    Again,
    /// Another slice, then.
    Wait(Timestamp),
}

/// Why a run stops before its end.
enum Stopped {
    /// A caller canceled it.
    Cancelled,
    /// Its connection was deleted.
    Deleted,
}

/// Longer than a slice, so that a lease is renewed by the next one and is over soon after a function died.
const LEASE_SECONDS: i64 = 300;
/// After so long it is looked whether a lease is free. A short run gives it back soon.
const LEASE_RETRY_SECONDS: i64 = 2;
/// A run that has read nothing for so long is given up, however old it is: a large tenant takes days.
const LONGEST_STALL_SECONDS: i64 = 86_400;
/// Failures of Okta in a row after which a run is given up.
pub(super) const MOST_FAILURES: u32 = 6;

/// A wait for a limit that is longer than this ends the slice.
const LONGEST_NAP: SignedDuration = SignedDuration::from_secs(10);

/// What a run has told is moved to the feed for at most so long; the next poll or run moves the rest.
const DELIVERY: Duration = Duration::from_secs(20);

/// Drives a run for at most `budget`, and moves what it told to the feed once it is over. An error is one of the store or
/// of the secrets: the slice is to be repeated.
#[tracing::instrument(name = "slice", skip_all, fields(connection = %slice.connection, run = %slice.run))]
pub async fn slice(app: &App, slice: &Slice, budget: Duration) -> Result<Next, Problem> {
    match caught(work_and_deliver(app, slice, budget)).await {
        Ok(next) => next,
        Err(panicked) => {
            give_up(app, slice, panicked).await?;
            Ok(Next::Done)
        }
    }
}

async fn work_and_deliver(app: &App, slice: &Slice, budget: Duration) -> Result<Next, Problem> {
    // A process that took over delivers as well.
    let Some(next) = work_on(app, slice, budget).await? else { return Ok(Next::Done) };
    if next == Next::Done {
        deliver(app, &slice.connection).await;
    }
    Ok(next)
}

async fn deliver(app: &App, connection: &ConnectionId) {
    if let Err(stop) = feed::deliver(&app.ground(), connection, DELIVERY).await {
        tracing::warn!("a sync's events wait in the inbox: {stop}");
    }
}

/// The same, without moving anything; `None` where somebody else has taken over.
async fn work_on(app: &App, slice: &Slice, budget: Duration) -> Result<Option<Next>, Problem> {
    let key = keys::sync_lease(&slice.connection);
    let stored = connection::load(&app.store, &slice.connection).await?;
    let run = Run::load(&app.store, &slice.connection, &slice.run).await?.filter(|run| !run.status.is_over());
    let (Some(stored), Some(mut run)) = (stored, run) else {
        // An earlier slice may have been killed before it gave the lease back; the next run waits for it.
        app.store.give_back(&key, &slice.execution).await?;
        return Ok(Some(Next::Done));
    };
    if app.now().duration_since(run.went_on_at()).as_secs() > LONGEST_STALL_SECONDS {
        give_up(app, slice, "it has read nothing for 24 hours.").await?;
        return Ok(Some(Next::Done));
    }
    if run.is_short && State::load(&app.store, &slice.connection).await?.current.as_ref() != Some(&run.id) {
        // A larger run was started meanwhile, and reads what changed.
        app.store.give_back(&key, &slice.execution).await?;
        return Ok(None);
    }
    if let Some(wake) = run.next_wake.filter(|wake| run.is_short && *wake > app.now()) {
        return Ok(Some(Next::Wait(wake)));
    }
    let Some(lease) = app.store.take_lease(key, &slice.execution, LEASE_SECONDS).await? else {
        return Ok(Some(Next::Wait(clock::after(app.now(), LEASE_RETRY_SECONDS))));
    };
    let connection = stored.connection;
    if run.requests == 0 {
        // The process that was to deliver earlier events may have been killed.
        deliver(app, &connection.id).await;
    }
    let deadline = Instant::now() + budget;
    // The run decides what to do while a limit holds one of its parts up.
    let patience = Patience { wait: Duration::ZERO, ..Patience::background(budget) };
    let client = match app.client(&connection, patience).await {
        Ok(client) => client,
        Err(problem) => return fail_without_client(app, &connection, lease, run, &problem).await.map(Some),
    };
    (run.status, run.next_wake) = (RunStatus::Running, None);
    run.streams = connection.settings.streams();
    let before = [run.requests, run.tokens, run.waited_seconds];
    let state = State::load(&app.store, &connection.id).await?;
    let connection = &connection;
    let hints = Vec::new();
    let (client, ahead) = (Arc::new(client), Ahead::default());
    let mut work = Work {
        app,
        connection,
        client,
        ahead,
        lease,
        run,
        state,
        hints,
        looked_at: None,
        is_between: false,
        before,
        stored: None,
    };
    let next = match work.drive(deadline).await {
        Ok(next) => Some(next),
        Err(Stop::Store(store::Error::Conflict(0))) => None,
        Err(Stop::Store(error)) => return Err(error.into()),
        Err(Stop::Okta(error)) => work.pause_or_fail(&error).await?,
    };
    // Other runs do not wait while a short one waits for a limit.
    let waits = work.run.is_short && matches!(next, Some(Next::Wait(_)));
    if waits || next == Some(Next::Done) {
        app.store.release_lease(&work.lease).await?;
    }
    Ok(next)
}

/// Ends a run for whoever drives it, and says why.
pub async fn give_up(app: &App, slice: &Slice, why: impl Display) -> Result<(), Problem> {
    let key = keys::sync_lease(&slice.connection);
    let stored = connection::load(&app.store, &slice.connection).await?;
    let run = Run::load(&app.store, &slice.connection, &slice.run).await?.filter(|run| !run.status.is_over());
    let (Some(stored), Some(mut run)) = (stored, run) else { return Ok(()) };
    let Some(lease) = app.store.take_lease(key, &slice.execution, 60).await? else { return Ok(()) };
    let problem = Problem::new(problem::Kind::Internal, format!("The sync was given up: {why}"));
    tracing::error!(connection = %slice.connection, run = %slice.run, "sync {} was given up: {why}", slice.run);
    run.error = Some(problem.to_json(None));
    match finish::end(app, &stored.connection, &lease, &mut run, RunStatus::Failed).await {
        // Taken over: whoever holds the lease now goes on.
        Err(store::Error::Conflict(0)) => Ok(()),
        ended => {
            ended?;
            Ok(app.store.release_lease(&lease).await?)
        }
    }
}

/// A connection that cannot even be signed in to ends the run with the reason.
async fn fail_without_client(
    app: &App,
    connection: &Connection,
    lease: Lease,
    mut run: Run,
    problem: &Problem,
) -> Result<Next, Problem> {
    if problem.kind == problem::Kind::Internal {
        return Err(problem.clone());
    }
    run.error = Some(problem.to_json(None));
    finish::end(app, connection, &lease, &mut run, RunStatus::Failed).await?;
    app.store.release_lease(&lease).await?;
    Ok(Next::Done)
}

impl Work<'_> {
    async fn drive(&mut self, deadline: Instant) -> Result<Next, Stop> {
        while Instant::now() < deadline {
            match self.stopped().await? {
                None => {}
                Some(Stopped::Cancelled) => {
                    finish::end_early(self, RunStatus::Cancelled).await?;
                    return Ok(Next::Done);
                }
                Some(Stopped::Deleted) => {
                    finish::end(self.app, self.connection, &self.lease, &mut self.run, RunStatus::Cancelled).await?;
                    return Ok(Next::Done);
                }
            }
            candidates::read_between(self).await?;
            self.read_side_by_side();
            if self.run.parked.is_some() {
                self.run.take_up(self.app.now());
            }
            let before = self.run.clone();
            self.hints.clear();
            if let Err(stop) = self.step().await {
                // A step that did not get to its commit has done nothing, and has counted nothing.
                self.run = before;
                let Stop::Okta(okta::Error::RateLimited { until }) = stop else { return Err(stop) };
                self.wait_or_turn(until, deadline).await?;
                continue;
            }
            self.run.failures = 0;
            self.run.progressed_at = Some(self.run.updated_at);
            if self.run.status.is_over() {
                return Ok(Next::Done);
            }
        }
        Ok(Next::Again)
    }

    /// Where a run reads all groups and all apps, each is read while the limit of the other holds it up: apps first, whose
    /// limit is the smallest.
    fn read_side_by_side(&mut self) {
        // What is found of users and groups is noted for apps before.
        if self.run.checkpoint == Checkpoint::Hints && self.reads_all_apps() && !self.has_begun_apps() {
            let groups = std::mem::replace(&mut self.run.checkpoint, Checkpoint::Apps { listing: Listing::default() });
            self.run.parked = Some(Parked { checkpoint: groups, until: None });
            self.run.beside = true;
        }
    }

    /// A limit holds this part of the run up: it goes on with another one, or waits if that does not take long.
    async fn wait_or_turn(&mut self, until: Timestamp, deadline: Instant) -> Result<(), Stop> {
        let now = self.app.now();
        let wake = self.run.turn(until, now);
        let wait = wake.duration_since(now).max(SignedDuration::ZERO);
        let nap = Duration::try_from(wait).unwrap_or_default();
        if wait > LONGEST_NAP || Instant::now() + nap >= deadline {
            return Err(okta::Error::RateLimited { until: wake }.into());
        }
        self.before[2] += nap.as_secs();
        tokio::time::sleep(nap).await;
        Ok(())
    }

    /// Why the run is to stop, if it is.
    async fn stopped(&self) -> Result<Option<Stopped>, Stop> {
        let id = &self.connection.id;
        let found = self.app.store.get_many(&[keys::connection(id), keys::cancelled(id, &self.run.id)]).await?;
        let is_there = |sk: &str| found.iter().any(|item| item.sort_key(None) == sk);
        Ok(if !is_there(&keys::connection(id).sk) {
            Some(Stopped::Deleted)
        } else if is_there(&keys::cancelled(id, &self.run.id).sk) {
            Some(Stopped::Cancelled)
        } else {
            None
        })
    }

    async fn step(&mut self) -> Result<(), Stop> {
        match self.run.checkpoint.clone() {
            Checkpoint::Users { listing } => users::read_present(self, listing).await,
            Checkpoint::Candidates => candidates::take(self).await,
            Checkpoint::Deprovisioned { listing } => users::read_deprovisioned(self, listing).await,
            Checkpoint::ChangedUsers { listing } => users::read_changed(self, listing).await,
            Checkpoint::Publish => finish::publish(self).await,
            Checkpoint::Groups { listing } => groups::read_page(self, listing).await,
            Checkpoint::FindMissing { of } => missing::find(self, of).await,
            Checkpoint::VerifyMissing { of, stored, page, place } => {
                missing::verify(self, of, stored, page, place).await
            }
            Checkpoint::JudgeMissing { of, stored, listing } => missing::judge(self, of, stored, listing).await,
            Checkpoint::RemoveMissing { of, place } => missing::remove(self, of, place).await,
            Checkpoint::RemoveConfirmed { of, place } => missing::remove_confirmed(self, of, place).await,
            Checkpoint::RereadConfirmed => edges::reread(self).await,
            Checkpoint::Log { listing } => hints::read_log(self, listing).await,
            Checkpoint::Hints => hints::sort(self).await,
            Checkpoint::Tasks { page, place } => hints::work_off(self, Stage::Groups, page, place).await,
            Checkpoint::AppHints => app_hints::sort(self).await,
            Checkpoint::AppTasks { page, place } => hints::work_off(self, Stage::Apps, page, place).await,
            Checkpoint::Memberships { crawl } => edges::read(self, Kind::Groups, crawl).await,
            Checkpoint::ExcessMemberships { noted, done } => {
                edges::remove_excess(self, Kind::Groups, noted, done).await
            }
            Checkpoint::Apps { listing } => apps::read_page(self, listing).await,
            Checkpoint::Assignments { crawl } => edges::read(self, Kind::Apps, crawl).await,
            Checkpoint::ExcessAssignments { noted, done } => edges::remove_excess(self, Kind::Apps, noted, done).await,
            Checkpoint::UserTypes => user_types::read(self).await,
            Checkpoint::Assignees { listing } => access::read_assignees(self, listing).await,
            Checkpoint::SortAccess => access::sort(self).await,
            Checkpoint::AccessTasks { page, place } => access::work_off(self, page, place).await,
            Checkpoint::CustomRoles { place } => access::read_custom_role(self, place).await,
            Checkpoint::GroupRules { listing } => access::read_group_rules(self, listing).await,
            Checkpoint::Finish => finish::finish(self).await,
        }
    }

    /// Okta stood in the way: wait for it where that can help, else give up and say why. `None` where somebody else has
    /// taken over.
    async fn pause_or_fail(&mut self, error: &okta::Error) -> Result<Option<Next>, Problem> {
        self.run.failures += 1;
        let wake = match error {
            okta::Error::RateLimited { until } => Some(*until),
            _ if passes(error) && self.run.failures < MOST_FAILURES => {
                Some(clock::after(self.app.now(), 1 << self.run.failures))
            }
            _ => None,
        };
        let written = match wake {
            Some(wake) => {
                (self.run.status, self.run.next_wake) = (RunStatus::Waiting, Some(wake));
                self.before[2] += u64::try_from(wake.duration_since(self.app.now()).as_secs()).unwrap_or_default();
                self.commit(Vec::new()).await.map(|()| Next::Wait(wake))
            }
            None => {
                tracing::warn!("a sync failed: {error}");
                return self.fail(error.clone().into()).await;
            }
        };
        held(written)
    }

    /// Ends the run with a reason. `None` if another process has taken over.
    async fn fail(&mut self, problem: Problem) -> Result<Option<Next>, Problem> {
        self.run.error = Some(problem.to_json(None));
        let ended = finish::end_early(self, RunStatus::Failed).await;
        held(ended.map(|()| Next::Done))
    }
}

/// What comes next; `None` if another process has taken over.
fn held(written: Result<Next, store::Error>) -> Result<Option<Next>, Problem> {
    match written {
        Err(store::Error::Conflict(0)) => Ok(None),
        other => Ok(Some(other?)),
    }
}

/// True for what is likely to be over soon.
fn passes(error: &okta::Error) -> bool {
    match error {
        // Where a refresh token was not at hand, the next slice reads the connection anew.
        okta::Error::Unreachable
        | okta::Error::Timeout
        | okta::Error::Broken
        | okta::Error::Unreadable(_)
        | okta::Error::RefreshToken(_) => true,
        okta::Error::Api(refusal) => {
            matches!(refusal.meaning(), Meaning::Trouble | Meaning::Intermediary | Meaning::Busy)
        }
        okta::Error::Token(refusal) => refusal.status.is_server_error(),
        _ => false,
    }
}
