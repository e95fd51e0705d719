//! The one place that writes a sync's pages.
//!
//! Everything that a page changes, the note of having seen it, and the checkpoint behind it are one transaction, fenced
//! by the lease; a page that is too large for one is several, in order, with the checkpoint in the last. A crash between
//! them repeats the page, finds what was written unchanged, and writes the rest. A run that was taken over writes nothing.

use super::work::Work;
use crate::clock;
use crate::id::SyncId;
use crate::store::{Error, Item, Key, MOST_BYTES, MOST_RECORDS, Query, Write, keys};
use crate::synced::{pack, unpack};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A page that was seen is remembered for this long.
const SEEN_DAYS: i64 = 2;

impl Work<'_> {
    /// Writes records and, with the last of them, the run as it now is.
    pub async fn commit(&mut self, mut records: Vec<Write>) -> Result<(), Error> {
        self.run.updated_at = self.app.now();
        self.count();
        records.push(self.run.write(&self.connection.id)?);
        for batch in batches(records) {
            let mut writes = vec![self.lease.fence()];
            writes.extend(batch);
            self.app.store.transact(writes).await?;
        }
        Ok(())
    }

    /// Brings the run's own counts up to date.
    pub fn count(&mut self) {
        let [requests, tokens, waited] = self.before;
        self.run.requests = requests + self.client.requests();
        self.run.tokens = tokens + self.client.tokens();
        self.run.waited_seconds = waited + self.client.waited_seconds();
    }

    /// The write that remembers a page of a listing.
    pub fn note<T: Serialize>(&self, listing: &str, page: u32, rows: &[T]) -> Result<Write, Error> {
        note(&self.run.id, listing, page, rows, self.app.now())
    }

    /// A page of a listing that was remembered.
    pub async fn noted<T: DeserializeOwned>(&self, listing: &str, page: u32) -> Result<Option<Vec<T>>, Error> {
        let item = self.app.store.get(&keys::seen(&self.run.id, listing, page)).await?;
        item.map(|item| unpack(item.get_bytes("rows").ok_or(Error::Corrupt)?)).transpose()
    }

    /// Every page of a listing that was remembered, one after another.
    pub async fn each_noted<T: DeserializeOwned>(
        &self,
        listing: &str,
        mut visit: impl FnMut(Vec<T>),
    ) -> Result<(), Error> {
        let query = Query::partition(keys::seen_partition(&self.run.id, listing));
        let mut pages = self.app.store.pages(&query);
        while let Some(items) = pages.next().await? {
            for item in items {
                visit(unpack(item.get_bytes("rows").ok_or(Error::Corrupt)?)?);
            }
        }
        Ok(())
    }

    /// Deletes items, fenced, without a checkpoint: doing it twice is doing it once.
    pub async fn erase(&self, found: Vec<Key>) -> Result<(), Error> {
        for some in found.chunks(MOST_RECORDS) {
            let mut writes = vec![self.lease.fence()];
            writes.extend(some.iter().cloned().map(Write::Delete));
            self.app.store.transact(writes).await?;
        }
        Ok(())
    }
}

fn note<T: Serialize>(
    run: &SyncId,
    listing: &str,
    page: u32,
    rows: &[T],
    now: jiff::Timestamp,
) -> Result<Write, Error> {
    let item = Item::at(&keys::seen(run, listing, page)).bytes("rows", pack(rows)?);
    Ok(Write::Put(item.expires(clock::after(now, SEEN_DAYS * 86_400))))
}

/// Cuts writes into transactions, in order.
fn batches(writes: Vec<Write>) -> Vec<Vec<Write>> {
    let (mut batches, mut batch, mut bytes) = (Vec::new(), Vec::new(), 0);
    for write in writes {
        let size = write.size();
        if batch.len() >= MOST_RECORDS || (bytes + size > MOST_BYTES && !batch.is_empty()) {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += size;
        batch.push(write);
    }
    batches.push(batch);
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Key;

    fn write(bytes: usize) -> Write {
        let key = Key { pk: "p".to_owned(), sk: "s".to_owned() };
        Write::Put(Item::at(&key).text("doc", "x".repeat(bytes)))
    }

    #[test]
    fn a_page_too_large_for_one_transaction_is_several_in_order() {
        let sizes = |writes: Vec<Write>| batches(writes).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes((0..96).map(|_| write(10)).collect()), [96]);
        assert_eq!(sizes((0..202).map(|_| write(10)).collect()), [96, 96, 10]);
        assert_eq!(sizes((0..20).map(|_| write(350_000)).collect()), [9, 9, 2]);
    }
}
