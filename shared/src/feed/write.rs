//! Writing a feed: by the holder of its lease alone, one transaction a commit.

use super::Ground;
use super::entry::Entry;
use super::head::{Head, LogPosition};
use super::trigger::{Matcher, Trigger};
use crate::clock;
use crate::id::ConnectionId;
use crate::metric::{self, Metric};
use crate::okta;
use crate::panics::{Panicked, caught};
use crate::store::{self, Item, Lease, Query, Write, keys};
use crate::synced::{pack, unpack};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// A writer that died holds the feed up for no longer.
const LEASE_SECONDS: i64 = 90;
/// `DynamoDB` takes items of 400 KB.
const LARGEST_CHUNK: usize = 380_000;
/// What is put together into a chunk; it takes far less once it is compressed.
const MOST_RAW: usize = 1_500_000;
/// Rows of the ledger in a transaction of at most 100 writes.
pub(super) const MOST_ROWS: usize = 80;
/// A row of the ledger is kept for so long: a hook may be late, but not by more.
const LEDGER_DAYS: i64 = 8;
const DAY: i64 = 86_400;

/// Why writing a feed ended early.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Somebody else holds the lease now, and goes on.
    #[error("the feed was taken over")]
    TakenOver,
    /// The store failed.
    #[error(transparent)]
    Store(store::Error),
    /// Okta stands in the way.
    #[error(transparent)]
    Okta(#[from] okta::Error),
    /// The work panicked.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        match error {
            // The fence, or the head that only its holder writes.
            store::Error::Conflict(0 | 1) => Self::TakenOver,
            other => Self::Store(other),
        }
    }
}

/// A feed that is being written.
pub struct Feed<'a> {
    pub(super) ground: &'a Ground,
    pub(super) connection: &'a ConnectionId,
    pub(super) lease: Lease,
    /// How far it is; written with the next commit.
    pub head: Head,
    /// The connection's triggers.
    pub triggers: Vec<Trigger>,
    matcher: Matcher,
    /// Of the events that hooks missed, those that the metric knows of.
    missed: u64,
    /// What is read once more and is in the feed already.
    known: HashSet<String>,
}

/// By which way an event came first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Poll,
    Hook,
}

impl<'a> Feed<'a> {
    /// Takes a connection's feed; none while somebody else writes it.
    pub async fn open(ground: &'a Ground, connection: &'a ConnectionId) -> Result<Option<Self>, Stop> {
        let owner = uuid::Uuid::new_v4().simple().to_string();
        let lease = ground.store.take_lease(keys::feed_lease(connection), &owner, LEASE_SECONDS).await?;
        let Some(lease) = lease else { return Ok(None) };
        let feed = caught(Self::read(ground, connection, lease.clone())).await;
        let feed = feed.unwrap_or_else(|panicked| Err(panicked.into()));
        if feed.is_err() {
            ground.store.release_lease(&lease).await?;
        }
        feed.map(Some)
    }

    async fn read(ground: &'a Ground, connection: &'a ConnectionId, lease: Lease) -> Result<Self, Stop> {
        let head = Head::load(&ground.store, connection).await?;
        let triggers = Trigger::all(&ground.store, connection).await?;
        let matcher = Matcher::new(&triggers);
        let known = HashSet::new();
        let missed = head.missed_hooks;
        let mut feed = Self { ground, connection, lease, head, triggers, matcher, missed, known };
        if let Some(from) = feed.head.log.as_ref().and_then(|log| log.again_from) {
            feed.known = feed.ids_from(from).await?;
        }
        Ok(feed)
    }

    /// Gives it back.
    pub async fn close(self) -> Result<(), Stop> {
        Ok(self.ground.store.release_lease(&self.lease).await?)
    }

    /// Gives it back after some work, whatever became of that. Where the work panicked, `blame` writes the reason into the
    /// head as it was last committed.
    pub async fn close_after(
        mut self,
        worked: Result<Result<(), Stop>, Panicked>,
        blame: impl FnOnce(&mut Head, String),
    ) -> Result<(), Stop> {
        let ended = match worked {
            Ok(ended) => ended,
            Err(panicked) => {
                tracing::error!(connection = %self.connection, "the feed was not written to the end: {panicked}");
                self.head = Head::load(&self.ground.store, self.connection).await?;
                blame(&mut self.head, panicked.to_string());
                self.commit(Vec::new(), Vec::new()).await.and(Err(panicked.into()))
            }
        };
        let closed = self.close().await;
        ended.and(closed)
    }

    /// The check that goes first into every transaction of its writer.
    pub fn fence(&self) -> Write {
        self.lease.fence()
    }

    /// Takes in a page of the System Log, each event once, and lets the reading go on from `next`.
    pub async fn take_page(&mut self, page: Vec<Entry>, next: LogPosition) -> Result<(), Stop> {
        let committed: HashSet<_> = std::mem::take(&mut self.head.committed).into_iter().collect();
        let mut seen = HashSet::new();
        let new = page.into_iter().filter(|it| !committed.contains(&it.id) && !self.known.contains(&it.id));
        let new: Vec<_> = new.filter(|entry| seen.insert(entry.id.clone())).collect();
        let new = self.address(new, Way::Poll).await?;
        let mut done = Vec::from_iter(committed);
        let mut commits = shares(new).into_iter().peekable();
        // Where a page takes several commits, the head knows which events are in the feed until the last one.
        while let Some((entries, rows)) = commits.next() {
            // What has a row is what a hook should have delivered, and has not so far.
            self.head.missed_hooks += rows.len() as u64;
            if commits.peek().is_none() {
                self.head.log = Some(next);
                return self.commit(vec![entries], rows).await;
            }
            done.extend(entries.iter().map(|entry| entry.id.clone()));
            self.head.committed.clone_from(&done);
            self.commit(vec![entries], rows).await?;
            self.head.committed.clear();
        }
        self.head.log = Some(next);
        self.commit(Vec::new(), Vec::new()).await
    }

    /// Lets events go to the triggers that they fire; what fires none, or is there already, is left out. Gives the rows of
    /// the ledger that go with them.
    pub(super) async fn address(&mut self, page: Vec<Entry>, way: Way) -> Result<Vec<(Entry, Option<Item>)>, Stop> {
        let hooked: Vec<_> = page.iter().filter(|entry| self.is_hooked(entry)).map(|it| self.row_key(it)).collect();
        let rows = self.ground.store.get_many(&hooked).await?;
        let rows: HashMap<_, _> = rows.iter().map(|row| (row.partition_key(), row.get("by"))).collect();
        let now = self.ground.now();
        let mut new = Vec::new();
        for entry in page {
            let is_hooked = self.is_hooked(&entry);
            let before = rows.get(self.row_key(&entry).pk.as_str());
            match (before, way) {
                // A hook delivers only what a hook asked for.
                (None, Way::Hook) if !is_hooked => {}
                (None, _) => {
                    let (entry, fired) = self.matcher.address(entry);
                    for trigger in &fired {
                        self.head.fired(trigger, entry.time, now);
                    }
                    if fired.is_empty() {
                        continue;
                    }
                    let row = is_hooked.then(|| self.row(&entry, if way == Way::Poll { "poll" } else { "hook" }));
                    new.push((entry, row));
                }
                // The hook was late, and nothing is missed.
                (Some(Some("poll")), Way::Hook) => {
                    self.head.missed_hooks = self.head.missed_hooks.saturating_sub(1);
                    let row = self.row(&entry, "late");
                    new.push((entry, Some(row)));
                }
                (Some(_), _) => {}
            }
        }
        Ok(new)
    }

    fn is_hooked(&self, entry: &Entry) -> bool {
        entry.okta_type().is_some_and(|okta_type| self.matcher.is_hooked(okta_type))
    }

    fn row_key(&self, entry: &Entry) -> keys::Key {
        keys::ledger(self.connection, &entry.id)
    }

    fn row(&self, entry: &Entry, by: &str) -> Item {
        let row = Item::at(&self.row_key(entry)).text("by", by);
        row.expires(clock::after(self.ground.now(), LEDGER_DAYS * DAY))
    }

    /// One commit: chunks of events, and whatever goes with them. The head is written as it is by now.
    pub async fn commit(&mut self, chunks: Vec<Vec<Entry>>, with: Vec<Write>) -> Result<(), Stop> {
        let now = self.ground.now();
        let mut packed = Vec::new();
        for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
            pack_chunk(chunk, &mut packed)?;
        }
        let (mut puts, expires) = (Vec::new(), clock::after(now, self.ground.days * DAY));
        for bytes in packed {
            self.head.tail += 1;
            let key = keys::feed_chunk(self.connection, self.head.tail);
            let at = u64::try_from(now.as_millisecond()).unwrap_or_default();
            puts.push(Write::Put(Item::at(&key).bytes("events", bytes).number("at", at).expires(expires)));
        }
        if self.ground.bus.is_none() {
            self.head.published = self.head.tail;
        }
        let mut writes = vec![self.lease.fence()];
        writes.extend(self.head.write(self.connection)?);
        writes.extend(puts);
        writes.extend(with);
        self.ground.store.transact(writes).await?;
        self.head.written();
        self.tell_metrics(&chunks);
        Ok(())
    }

    fn tell_metrics(&mut self, chunks: &[Vec<Entry>]) {
        let told: usize = chunks.iter().map(Vec::len).sum();
        let missed = self.head.missed_hooks.cast_signed() - self.missed.cast_signed();
        self.missed = self.head.missed_hooks;
        for (metric, value) in [(Metric::EventsTold, told.cast_signed() as i64), (Metric::HooksMissed, missed)] {
            if value != 0 {
                metric::tell(metric, value);
            }
        }
    }

    /// Okta does not know the page any more at which the reading stood: it begins at a moment again, and what the feed has
    /// got since then may come once more.
    pub async fn read_again(&mut self, since: Timestamp) -> Result<(), Stop> {
        let from = self.first_since(since).await?;
        self.known = self.ids_from(from).await?;
        self.head.committed.clear();
        self.head.log = Some(LogPosition { next: None, since, again_from: Some(from) });
        Ok(())
    }

    /// What was read once more is over.
    pub fn read_enough(&mut self) {
        self.known.clear();
    }

    /// The events that the feed has got since a moment.
    pub async fn entries_since(&self, since: Timestamp) -> Result<Vec<Entry>, Stop> {
        let from = self.first_since(since).await?;
        let mut all = Vec::new();
        self.each_from(from, |entries| all.extend(entries)).await?;
        Ok(all)
    }

    /// The first chunk since a moment.
    async fn first_since(&self, since: Timestamp) -> Result<u64, Stop> {
        let since = u64::try_from(since.as_millisecond()).unwrap_or_default();
        let query = Query::partition(keys::feed_partition(self.connection)).newest_first();
        let (mut from, mut pages) = (self.head.tail + 1, self.ground.store.pages(&query));
        while let Some(chunks) = pages.next().await? {
            let is_young = |chunk: &&Item| chunk.get_number("at").is_some_and(|at| at >= since);
            let young = chunks.iter().take_while(is_young).count();
            from -= u64::try_from(young).unwrap_or_default();
            if young < chunks.len() {
                break;
            }
        }
        Ok(from)
    }

    /// The ids of Okta's events in the chunks from a number on.
    async fn ids_from(&self, from: u64) -> Result<HashSet<String>, Stop> {
        let mut ids = HashSet::new();
        let okta = |entry: &Entry| entry.okta_type().is_some();
        self.each_from(from, |entries| ids.extend(entries.into_iter().filter(okta).map(|entry| entry.id))).await?;
        Ok(ids)
    }

    async fn each_from(&self, from: u64, mut visit: impl FnMut(Vec<Entry>)) -> Result<(), Stop> {
        let from = keys::feed_sort_key(from);
        let query = Query::partition(keys::feed_partition(self.connection)).between(Some(&from), None);
        let mut pages = self.ground.store.pages(&query);
        while let Some(chunks) = pages.next().await? {
            for chunk in chunks {
                visit(entries(&chunk)?);
            }
        }
        Ok(())
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.ground.now()
    }
}

/// The events of a chunk.
pub(super) fn entries(chunk: &Item) -> Result<Vec<Entry>, store::Error> {
    unpack(chunk.get_bytes("events").ok_or(store::Error::Corrupt)?)
}

/// Packs events into as many chunks as it takes.
fn pack_chunk(entries: &[Entry], packed: &mut Vec<Vec<u8>>) -> Result<(), Stop> {
    let bytes = pack(entries)?;
    if bytes.len() <= LARGEST_CHUNK {
        packed.push(bytes);
        return Ok(());
    }
    match entries {
        [one] => packed.push(pack(&[one.shortened()])?),
        _ => {
            let (first, rest) = entries.split_at(entries.len() / 2);
            pack_chunk(first, packed)?;
            pack_chunk(rest, packed)?;
        }
    }
    Ok(())
}

/// What goes into one commit each: events in their order, with the rows that go with them.
fn shares(new: Vec<(Entry, Option<Item>)>) -> Vec<(Vec<Entry>, Vec<Write>)> {
    let mut shares: Vec<(Vec<Entry>, Vec<Write>)> = Vec::new();
    let mut raw = MOST_RAW;
    for (entry, row) in new {
        let is_full = shares.last().is_none_or(|(_, rows)| rows.len() + usize::from(row.is_some()) > MOST_ROWS);
        if is_full || raw + entry.size() > MOST_RAW {
            shares.push((Vec::new(), Vec::new()));
            raw = 0;
        }
        raw += entry.size();
        if let Some((entries, rows)) = shares.last_mut() {
            entries.push(entry);
            rows.extend(row.map(Write::Put));
        }
    }
    shares
}
