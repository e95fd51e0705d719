//! What a run notes of its listings, page by page.

use super::unpack;
use crate::id::SyncId;
use crate::store::{Error, Query, Store, keys};
use serde::de::DeserializeOwned;

/// Memberships that are stored and were not read.
pub const EXCESS_MEMBERSHIPS: &str = "excess";
/// Assignments that are stored and were not read.
pub const EXCESS_ASSIGNMENTS: &str = "excess_assignments";

/// One page.
pub async fn noted<T: DeserializeOwned>(
    store: &Store,
    run: &SyncId,
    listing: &str,
    page: u32,
) -> Result<Option<Vec<T>>, Error> {
    let item = store.get(&keys::seen(run, listing, page)).await?;
    item.map(|item| unpack(item.get_bytes("rows").ok_or(Error::Corrupt)?)).transpose()
}

/// Every page, one after another.
pub async fn each_noted<T: DeserializeOwned>(
    store: &Store,
    run: &SyncId,
    listing: &str,
    mut visit: impl FnMut(Vec<T>),
) -> Result<(), Error> {
    let query = Query::partition(keys::seen_partition(run, listing));
    let mut pages = store.pages(&query);
    while let Some(items) = pages.next().await? {
        for item in items {
            visit(unpack(item.get_bytes("rows").ok_or(Error::Corrupt)?)?);
        }
    }
    Ok(())
}
