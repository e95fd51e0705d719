//! The inbox: what syncs and hooks tell, until the holder of the feed's lease moves it into the feed.

use super::Ground;
use super::entry::{DIRECTORY, Entry};
use super::trigger::Outlet;
use super::write::{Feed, MOST_ROWS, Stop, Way};
use crate::clock;
use crate::event::INBOX_DAYS;
use crate::id::ConnectionId;
use crate::panics::caught;
use crate::store::{Error, Item, MOST_BYTES, MOST_RECORDS, Query, Write, keys};
use crate::synced::{pack, unpack};
use serde_json::value::RawValue;
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;
use tokio::time::Instant;

/// Items that are moved by one commit.
const AT_ONCE: usize = 10;
/// An item of the inbox becomes part of a chunk, with a little more than it holds.
const LARGEST_ITEM: usize = 300_000;

/// Stores what a hook delivered. Once this is done, the delivery is safe. A large one takes several transactions: where one of
/// them fails, Okta delivers all of it again, and what is stored already is in the feed once.
pub async fn put_hooked(ground: &Ground, connection: &ConnectionId, events: &[Box<RawValue>]) -> Result<(), Error> {
    let mut items = Vec::new();
    for some in events.chunks(MOST_ROWS) {
        pack_delivery(some, &mut items)?;
    }
    let expires = clock::after(ground.now(), INBOX_DAYS * 86_400);
    let put = |bytes| Write::Put(Item::at(&keys::inbox(connection)).bytes("hooked", bytes).expires(expires));
    let mut writes = Vec::new();
    let mut bytes = 0;
    for write in items.into_iter().map(put) {
        if writes.len() >= MOST_RECORDS || bytes + write.size() > MOST_BYTES {
            ground.store.transact(std::mem::take(&mut writes)).await?;
            bytes = 0;
        }
        bytes += write.size();
        writes.push(write);
    }
    if writes.is_empty() { Ok(()) } else { ground.store.transact(writes).await }
}

fn pack_delivery(events: &[Box<RawValue>], items: &mut Vec<Vec<u8>>) -> Result<(), Error> {
    let bytes = pack(events)?;
    match events {
        [] => {}
        _ if bytes.len() <= LARGEST_ITEM => items.push(bytes),
        // It cannot be stored, but the log has it as well.
        [_] => tracing::warn!("an event is too large to be taken from a hook"),
        _ => {
            let (first, rest) = events.split_at(events.len() / 2);
            pack_delivery(first, items)?;
            pack_delivery(rest, items)?;
        }
    }
    Ok(())
}

/// Moves what is in the inbox to the feed and from there to the bus, unless somebody else is at it. A holder of the lease
/// looks once more after it gave it back: who came meanwhile has left it to its holder.
#[tracing::instrument(skip_all, fields(%connection))]
pub async fn deliver(ground: &Ground, connection: &ConnectionId, budget: Duration) -> Result<(), Stop> {
    let until = Instant::now() + budget;
    while holds_something(ground, connection).await? {
        let Some(mut feed) = Feed::open(ground, connection).await? else { return Ok(()) };
        let moved = caught(async {
            feed.drain(until).await?;
            feed.publish(until).await
        });
        let moved = moved.await;
        feed.close_after(moved, |_, _| {}).await?;
        if Instant::now() >= until {
            break;
        }
    }
    Ok(())
}

/// Gives back what a writer held that is dead. Should it live after all, its next commit is refused, and it stops.
pub async fn take_back(ground: &Ground, connection: &ConnectionId) -> Result<(), Error> {
    let key = keys::feed_lease(connection);
    match ground.store.lease_owner(&key).await? {
        Some(owner) => ground.store.give_back(&key, &owner).await,
        None => Ok(()),
    }
}

async fn holds_something(ground: &Ground, connection: &ConnectionId) -> Result<bool, Error> {
    let query = Query::partition(keys::inbox_partition(connection)).names_only().limit(1);
    Ok(!ground.store.query(&query).await?.is_empty())
}

impl Feed<'_> {
    /// Moves what is in the inbox to the feed, until it is empty or time is up.
    pub async fn drain(&mut self, until: Instant) -> Result<(), Stop> {
        let partition = keys::inbox_partition(self.connection);
        loop {
            let items = self.ground.store.query(&Query::partition(partition.as_str()).limit(AT_ONCE)).await?;
            if items.is_empty() {
                return Ok(());
            }
            let mut rest = items.as_slice();
            while let Some((first, more)) = rest.split_first() {
                let taken = self.move_some(first, more).await?;
                rest = &rest[taken..];
            }
            if Instant::now() >= until {
                return Ok(());
            }
        }
    }

    /// Moves the first item, and those behind it that go into the same commit; gives how many.
    async fn move_some(&mut self, first: &Item, more: &[Item]) -> Result<usize, Stop> {
        let (mut entries, mut deletes, mut rows, mut bytes) = (Vec::new(), Vec::new(), 0, 0);
        for item in std::iter::once(first).chain(more) {
            let told = read(item, self.ground.now())?;
            let hooked = if item.get_bytes("hooked").is_some() { told.len() } else { 0 };
            if !deletes.is_empty() && (rows + hooked > MOST_ROWS || bytes + item.size() > LARGEST_ITEM) {
                break;
            }
            (rows, bytes) = (rows + hooked, bytes + item.size());
            entries.extend(told);
            deletes.push(Write::Delete(item.key()));
        }
        let taken = deletes.len();
        let (own, okta): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.okta_type().is_none());
        let mut seen = HashSet::new();
        let okta = okta.into_iter().filter(|entry| seen.insert(entry.id.clone())).collect();
        let new = self.address(okta, Way::Hook).await?;
        // What happens to the directory is for everybody.
        let everywhere = BTreeSet::from([Outlet::Feed, Outlet::Bus]);
        let mut chunk: Vec<Entry> = own.into_iter().map(|entry| entry.sent(DIRECTORY, &everywhere)).collect();
        for (entry, row) in new {
            // One that the log brought first is there already; only its row changes.
            chunk.extend(Some(entry).filter(|entry| !(entry.feed.is_empty() && entry.bus.is_empty())));
            deletes.extend(row.map(Write::Put));
        }
        self.commit(vec![chunk], deletes).await?;
        Ok(taken)
    }
}

fn read(item: &Item, now: jiff::Timestamp) -> Result<Vec<Entry>, Error> {
    match (item.get_bytes("hooked"), item.get_bytes("events")) {
        (Some(hooked), _) => {
            let events: Vec<Box<RawValue>> = unpack(hooked)?;
            Ok(events.into_iter().filter_map(|raw| Entry::of_okta(raw, now)).collect())
        }
        (_, Some(own)) => unpack(own),
        _ => Err(Error::Corrupt),
    }
}
