//! What outlives a run: the last one, what it counted, and which roster is current.

use super::App;
use super::pages::{pack, unpack};
use super::roster::Sum;
use super::run::{Mode, Phase, Run, RunStatus};
use super::user::TypeName;
use crate::connection::{Attributes, Stream};
use crate::id::{ConnectionId, SyncId};
use crate::okta::{AppId, BadRecord};
use crate::store::{Condition, Error, Item, Lease, Store, Write, keys};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How often a change of the state is tried against other processes that write it.
const ATTEMPTS: usize = 8;

/// The attributes that hold `assigned` and `roster`, packed.
const ASSIGNED: &str = "assigned";
const ROSTER: &str = "roster";
/// The most runs of `begun`; of the ones before, what they found is left to the next full run.
const MOST_BEGUN: usize = 64;
/// The most bytes of `assigned`. An item has 400 KB, and the names of the roster may take 190 KB.
const LARGEST_ASSIGNED: usize = 150_000;

/// The state of a connection's sync.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The newest run, whatever became of it.
    pub current: Option<SyncId>,
    /// The last run that ended.
    pub last: Option<LastSync>,
    /// The runs that began since the last good one ended, oldest first. What one of them found and did not get to read is
    /// read by the next.
    pub begun: Vec<Begun>,
    /// Until when the schedules of each mode have got what they asked for, as of the newest run's start.
    pub settled: BTreeMap<Mode, Timestamp>,
    /// What the last good run counted.
    pub counts: Counts,
    /// When the last good run ended.
    pub succeeded_at: Option<Timestamp>,
    /// When what a first sync had read was made readable, although it had not read everything.
    pub published_at: Option<Timestamp>,
    /// What was read to its end at least once.
    pub complete: BTreeSet<Phase>,
    /// When the run began that last read each stream to its end.
    pub as_of: BTreeMap<Stream, Timestamp>,
    /// Okta's time from which on changes are to be read: somewhat before the last good run began.
    pub watermark: Option<Timestamp>,
    /// Okta's time when the last run ended that read groups and apps side by side.
    pub beside_until: Option<Timestamp>,
    /// From where the log is to be read.
    pub log: Option<LogPlace>,
    /// The run whose removals wait for somebody to confirm them.
    pub pending: Option<SyncId>,
    /// Which attributes meant what when the roster was made.
    pub attributes: Option<Attributes>,
    /// When the assignments of each app were last read whole. It stands here, so that an unchanged app is not written anew.
    #[serde(skip_serializing)]
    pub assigned: BTreeMap<AppId, Timestamp>,
    /// The parts of the current roster, by their content's hash.
    #[serde(skip_serializing)]
    pub roster: Vec<String>,
    /// What its lines add up to, where a run made it of nothing but lists of users.
    pub sum: Option<Sum>,
    /// The user types, by Okta's names.
    pub types: Vec<TypeName>,
    /// What people call the attributes of profiles that are not Okta's own.
    pub labels: BTreeMap<String, String>,
    /// Records that the last good run could not read.
    pub bad: Vec<BadRecord>,
    /// Counts writes.
    #[serde(skip)]
    pub revision: u64,
}

/// A run that began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Which.
    pub id: SyncId,
    /// When.
    pub at: Timestamp,
}

/// A place in the System Log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPlace {
    /// The page to read next; none before the first.
    pub next: Option<String>,
    /// From when on to read where Okta no longer knows the page.
    pub since: Timestamp,
}

/// A run that ended, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastSync {
    /// Which.
    pub id: SyncId,
    /// How it read.
    pub mode: Mode,
    /// How it ended.
    pub status: RunStatus,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counts {
    /// Users of all statuses.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Memberships, those of `Everyone` left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub memberships: u64,
    /// Applications.
    pub apps: u64,
    /// Users of applications.
    #[serde(skip_serializing_if = "is_zero")]
    pub assignments: u64,
    /// Locations.
    pub locations: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl State {
    /// Reads it; the empty one where there is none yet.
    pub async fn load(store: &Store, connection: &ConnectionId) -> Result<Self, Error> {
        let Some(item) = store.get(&keys::sync_state(connection)).await? else { return Ok(Self::default()) };
        let mut state: Self = item.parse()?;
        state.revision = item.get_number("rev").ok_or(Error::Corrupt)?;
        // Both stood in the document once.
        if let Some(packed) = item.get_bytes(ASSIGNED) {
            state.assigned = unpack(packed)?;
        }
        if let Some(packed) = item.get_bytes(ROSTER) {
            state.roster = unpack(packed)?;
        }
        Ok(state)
    }

    /// True once there is something to read: a good run, or what a first one read before it failed.
    pub fn is_published(&self) -> bool {
        self.succeeded_at.max(self.published_at).is_some()
    }

    /// Makes a run the newest one.
    pub fn begin(&mut self, run: &Run) {
        self.current = Some(run.id.clone());
        self.begun.push(Begun { id: run.id.clone(), at: run.started_at });
        let superfluous = self.begun.len().saturating_sub(MOST_BEGUN);
        self.begun.drain(..superfluous);
        // A short run reads nothing that a schedule asks for.
        if run.is_short {
            return;
        }
        if let Some(last) = self.last.clone() {
            self.settle(last.mode, last.finished_at);
        }
        self.settle(run.mode, run.started_at);
    }

    /// A run has read what it set out to read; one that is not short also what those before it had found.
    pub fn read_by(&mut self, run: &Run) {
        let before = self.begun.iter().position(|begun| begun.id == run.id);
        if let Some(place) = before {
            let first = if run.is_short { place } else { 0 };
            self.begun.drain(first..=place);
        }
    }

    fn settle(&mut self, mode: Mode, until: Timestamp) {
        let settled = self.settled.entry(mode).or_insert(until);
        *settled = until.max(*settled);
    }

    /// Until when the schedules of a mode have got what they asked for: up to the end of the last run of that mode or a
    /// larger one, whoever started it and however it ended.
    pub fn settled(&self, mode: Mode) -> Option<Timestamp> {
        let ended = self.last.as_ref().filter(|last| last.mode >= mode).map(|last| last.finished_at);
        self.settled.range(mode..).map(|(_, until)| *until).max().max(ended)
    }

    /// When the assignments of an app were last read whole; none where they must be read.
    pub fn assigned_at(&self, app: &App) -> Option<Timestamp> {
        app.assignments_at.max(self.assigned.get(&app.id).copied().filter(|_| app.assignments_at.is_some()))
    }

    /// Changes it under a run's lease, in one transaction with the writes that `change` returns. Where another process writes
    /// the state meanwhile, it is read again, and `change` with it.
    pub async fn update(
        store: &Store,
        connection: &ConnectionId,
        lease: &Lease,
        change: impl Fn(&mut Self) -> Result<Vec<Write>, Error>,
    ) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let before = Self::load(store, connection).await?;
            let mut state = before.clone();
            let others = change(&mut state)?;
            if state == before && others.is_empty() {
                return Ok(());
            }
            let mut writes = vec![lease.fence(), state.write(connection)?];
            writes.extend(others);
            match store.transact(writes).await {
                Err(Error::Conflict(1)) => {}
                other => return other,
            }
        }
        Err(Error::Unavailable("the sync's state changes too often".to_owned()))
    }

    /// When apps were last read, in bounded size: of very many, those that were read last. The others are read again, which
    /// takes requests and stops no sync.
    fn packed_assigned(&self) -> Result<Vec<u8>, Error> {
        let mut kept = self.assigned.clone();
        loop {
            let packed = pack(&kept)?;
            if packed.len() <= LARGEST_ASSIGNED {
                return Ok(packed);
            }
            let mut times: Vec<_> = kept.iter().map(|(id, at)| (*at, id.clone())).collect();
            times.sort();
            for (_, id) in &times[..times.len().div_ceil(4)] {
                kept.remove(id);
            }
        }
    }

    /// The write that replaces the state it was read as, and no other.
    pub fn write(&self, connection: &ConnectionId) -> Result<Write, Error> {
        let item = Item::at(&keys::sync_state(connection)).number("rev", self.revision + 1).document(self)?;
        let item = item.bytes(ASSIGNED, self.packed_assigned()?).bytes(ROSTER, pack(&self.roster)?);
        let condition = match self.revision {
            0 => Condition::absent(),
            revision => Condition::number("rev", revision),
        };
        Ok(Write::PutIf(item, condition))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synced::fingerprint;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn run(state: &mut State, mode: Mode, from: i64, to: i64) {
        let mut run = Run::new(mode, None, at(from));
        state.begin(&run);
        (run.status, run.finished_at) = (RunStatus::Failed, Some(at(to)));
        state.last = run.summary();
    }

    /// Names that no compression makes much shorter.
    fn name(number: usize, length: usize) -> String {
        fingerprint(&number.to_le_bytes()).replace(['-', '_'], "x").chars().take(length).collect()
    }

    #[test]
    fn the_state_of_the_largest_tenant_fits_an_item() {
        let app = |number: usize| AppId::parse(&format!("0oa{}", name(number, 17))).expect("an id");
        let assigned = (0..40_000).map(|number| (app(number), at(i64::try_from(number).expect("a number")))).collect();
        let roster = (0..8_192).map(|number| name(number, 22)).collect();
        let state = State { assigned, roster, ..State::default() };
        let Write::PutIf(item, _) = state.write(&ConnectionId::random()).expect("a write") else { panic!("a put") };
        assert!(item.size() < 380_000, "{}", item.size());
        let kept: BTreeMap<AppId, Timestamp> = unpack(item.get_bytes(ASSIGNED).expect("bytes")).expect("times");
        assert!(kept.len() > 5_000 && kept.contains_key(&app(39_999)), "the newest of {}", kept.len());
    }

    #[test]
    fn a_run_settles_the_schedules_of_its_mode_and_of_smaller_ones_up_to_its_end() {
        let mut state = State::default();
        assert_eq!(state.settled(Mode::Incremental), None);
        run(&mut state, Mode::Full, 100, 200);
        run(&mut state, Mode::Incremental, 300, 310);
        let settled = [Mode::Incremental, Mode::Full, Mode::Verify].map(|mode| state.settled(mode));
        assert_eq!(settled, [Some(at(310)), Some(at(200)), None]);
        state.begin(&Run::new(Mode::Verify, None, at(400)));
        let settled = [Mode::Incremental, Mode::Full, Mode::Verify].map(|mode| state.settled(mode));
        assert_eq!(settled, [Some(at(400)); 3]);
    }
}
