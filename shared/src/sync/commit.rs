//! The one place that writes a sync's pages.
//!
//! Everything that a page changes, what is told of it, the note of having seen it, and the checkpoint behind it are one
//! transaction, fenced by the lease; a page that is too large for one is several, in order, with the checkpoint in the
//! last. A crash between them repeats the page, finds what was written unchanged, and writes the rest. A run that was taken
//! over writes nothing.

use super::change::Change;
use super::work::{MOVED, Work};
use crate::store::{Error, Item, MOST_BYTES, MOST_RECORDS, Write, keys};
use crate::synced::{self, Begun, pack};
use crate::{clock, event, runs};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Events of one transaction are one item, and an item holds 400 KB.
const MOST_TOLD: usize = 350_000;
/// A page that was seen is remembered for this long.
const SEEN_DAYS: i64 = 2;
/// What would be removed, and what may have to be read by a later run, is remembered until nobody can confirm it any more; the run ends after it was noted.
const ASKED_DAYS: i64 = runs::CONFIRM_DAYS + 1;

impl Work<'_> {
    /// Writes changes and, with the last of them, the run as it now is.
    pub async fn commit(&mut self, changes: Vec<Change>) -> Result<(), Error> {
        self.run.updated_at = self.app.now();
        self.count();
        let batches = batches(self.with_moved(changes)?);
        let last = batches.len() - 1;
        for (place, batch) in batches.into_iter().enumerate() {
            self.transact(batch, place == last).await?;
        }
        Ok(())
    }

    /// Writes changes without a checkpoint, where doing it twice is doing it once.
    pub async fn write(&mut self, changes: Vec<Change>) -> Result<(), Error> {
        for batch in batches(self.with_moved(changes)?) {
            self.transact(batch, false).await?;
        }
        Ok(())
    }

    /// Who joins or leaves a group is remembered before it is written, for the apps of the group.
    fn with_moved(&self, mut changes: Vec<Change>) -> Result<Vec<Change>, Error> {
        if self.knows_apps() && self.run.confirmed.is_empty() {
            let moved: Vec<_> = changes.iter().filter_map(Change::membership).collect();
            changes.splice(0..0, self.note_aside(MOVED, &moved)?);
        }
        Ok(changes)
    }

    /// One transaction: the fence, the changes, what is told of them, and perhaps the run. A change that turns out to be
    /// done is left out, with its event, and the rest is sent again.
    async fn transact(&mut self, mut batch: Vec<Change>, with_run: bool) -> Result<(), Error> {
        let before = self.run.progress.clone();
        loop {
            self.run.progress.clone_from(&before);
            for change in &batch {
                change.count(&mut self.run.progress);
            }
            let mut writes = vec![self.lease.fence()];
            writes.extend(batch.iter().map(|change| change.write.clone()));
            writes.extend(self.told(&batch)?);
            if with_run {
                writes.push(self.run.write(&self.connection.id)?);
            }
            if writes.len() == 1 {
                return Ok(());
            }
            match self.app.store.transact(writes).await {
                Err(Error::Conflict(place)) if (1..=batch.len()).contains(&place) && batch[place - 1].may_be_done() => {
                    batch.remove(place - 1);
                }
                other => return other,
            }
        }
    }

    /// The write that tells of changes, where there is something to tell.
    fn told(&self, batch: &[Change]) -> Result<Option<Write>, Error> {
        let (now, run) = (self.app.now(), self.run.id.as_str());
        let complete = |phase| self.state.complete.contains(&phase);
        let events: Vec<_> = batch.iter().filter_map(|change| change.event(run, complete, now)).collect();
        (!events.is_empty()).then(|| event::inbox(&self.connection.id, &events, now)).transpose()
    }

    /// Brings the run's own counts up to date.
    pub fn count(&mut self) {
        let [requests, tokens, waited] = self.before;
        self.run.requests = requests + self.client.requests();
        self.run.tokens = tokens + self.client.tokens();
        self.run.waited_seconds = waited + self.client.waited_seconds();
    }

    /// The write that remembers a page of a listing.
    pub fn note<T: Serialize>(&self, listing: &str, page: u32, rows: &[T]) -> Result<Change, Error> {
        self.note_for(SEEN_DAYS, listing, page, rows)
    }

    /// The same, at a place that nothing else has, for this run or a later one; none where there are no rows. A step that is
    /// repeated after a crash finds less than before, and what it noted then still counts.
    pub fn note_aside<T: Serialize>(&self, listing: &str, rows: &[T]) -> Result<Option<Change>, Error> {
        let (page, ..) = uuid::Uuid::new_v4().as_fields();
        (!rows.is_empty()).then(|| self.note_long(listing, page, rows)).transpose()
    }

    /// The same, of what somebody may want to see later.
    pub fn note_long<T: Serialize>(&self, listing: &str, page: u32, rows: &[T]) -> Result<Change, Error> {
        self.note_for(ASKED_DAYS, listing, page, rows)
    }

    fn note_for<T: Serialize>(&self, days: i64, listing: &str, page: u32, rows: &[T]) -> Result<Change, Error> {
        let item = Item::at(&keys::seen(&self.run.id, listing, page)).bytes("rows", pack(rows)?);
        Ok(Write::Put(item.expires(clock::after(self.app.now(), days * 86_400))).into())
    }

    /// A page of a listing that was remembered.
    pub async fn noted<T: DeserializeOwned>(&self, listing: &str, page: u32) -> Result<Option<Vec<T>>, Error> {
        synced::noted(&self.app.store, &self.run.id, listing, page).await
    }

    /// Every page of a listing that was remembered, one after another.
    pub async fn each_noted<T: DeserializeOwned>(&self, listing: &str, visit: impl FnMut(Vec<T>)) -> Result<(), Error> {
        synced::each_noted(&self.app.store, &self.run.id, listing, visit).await
    }

    /// The same, and what runs before this one remembered that did not get to their end.
    pub async fn each_left_to_read<T: DeserializeOwned>(
        &self,
        listing: &str,
        mut visit: impl FnMut(Vec<T>),
    ) -> Result<(), Error> {
        for begun in self.earlier() {
            synced::each_noted(&self.app.store, &begun.id, listing, &mut visit).await?;
        }
        self.each_noted(listing, visit).await
    }

    /// The runs before this one that did not get to their end. A short run leaves what they found to a larger one.
    pub fn earlier(&self) -> impl Iterator<Item = &Begun> {
        self.state.begun.iter().filter(|begun| !self.run.is_short && begun.id != self.run.id)
    }
}

/// Cuts changes into transactions, in order; at least one, which may be empty.
fn batches(changes: Vec<Change>) -> Vec<Vec<Change>> {
    let (mut batches, mut batch, mut bytes, mut told) = (Vec::new(), Vec::new(), 0, 0);
    for change in changes {
        let (size, words) = (change.size(), change.told_size());
        let full = batch.len() >= MOST_RECORDS || bytes + size > MOST_BYTES || told + words > MOST_TOLD;
        if full && !batch.is_empty() {
            batches.push(std::mem::take(&mut batch));
            (bytes, told) = (0, 0);
        }
        bytes += size;
        told += words;
        batch.push(change);
    }
    batches.push(batch);
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Key;

    fn write(bytes: usize) -> Change {
        let key = Key { pk: "p".to_owned(), sk: "s".to_owned() };
        Write::Put(Item::at(&key).text("doc", "x".repeat(bytes))).into()
    }

    #[test]
    fn a_page_too_large_for_one_transaction_is_several_in_order() {
        let sizes = |writes: Vec<Change>| batches(writes).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes((0..96).map(|_| write(10)).collect()), [96]);
        assert_eq!(sizes((0..202).map(|_| write(10)).collect()), [96, 96, 10]);
        assert_eq!(sizes((0..20).map(|_| write(350_000)).collect()), [9, 9, 2]);
    }
}
