//! What is left of a deleted connection goes away: its directory, its feed, its runs, its state.

use crate::app::App;
use crate::id::ConnectionId;
use crate::okta::UserId;
use crate::problem::Problem;
use crate::store::keys::{self, Listed};
use crate::store::{Error, Index, Item, Key, Query, Store, Write};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::time::Duration;
use tokio::time::Instant;

/// How long the lease of a deleted connection is held.
const LEASE_SECONDS: i64 = 300;
/// How often it is looked whether a running sync gave its lease back.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Users that are erased at once.
const AT_ONCE: usize = 16;

/// Why a purge ended early.
enum Halt {
    /// The rest is for the next slice.
    TimeIsUp,
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Removes what it can within its time; true once nothing is left. Doing it again removes the rest, and two at once do no
/// harm. What a running sync still writes is refused, because taking the lease raises its fence.
pub async fn purge(app: &App, connection: &ConnectionId, budget: Duration) -> Result<bool, Problem> {
    let purge = Purge { app, connection, until: Instant::now() + budget };
    match purge.all().await {
        Ok(()) => Ok(true),
        Err(Halt::TimeIsUp) => Ok(false),
        Err(Halt::Failed(error)) => Err(error.into()),
    }
}

/// True while a process purges it.
pub async fn is_purged_now(store: &Store, connection: &ConnectionId) -> Result<bool, Error> {
    Ok(store.lease_owner(&keys::sync_lease(connection)).await?.is_some())
}

struct Purge<'a> {
    app: &'a App,
    connection: &'a ConnectionId,
    until: Instant,
}

impl Purge<'_> {
    async fn all(&self) -> Result<(), Halt> {
        let connection = self.connection;
        let owner = format!("purge-{connection}");
        while self.app.store.take_lease(keys::sync_lease(connection), &owner, LEASE_SECONDS).await?.is_none() {
            self.check_time()?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        // An index lags behind the table: after a pass that found something, another one looks again.
        while self.users().await? + self.groups_and_apps().await? > 0 {}
        self.partition(&keys::roster_partition(connection), None).await?;
        self.partition(&keys::inbox_partition(connection), None).await?;
        self.partition(&keys::feed_partition(connection), None).await?;
        self.partition(&keys::writers_partition(connection), None).await?;
        self.partition(&keys::requests_partition(connection), None).await?;
        self.partition(&keys::candidates_partition(connection), None).await?;
        self.partition(&keys::access_partition(connection), None).await?;
        self.partition(&keys::heard(connection).pk, None).await?;
        // The note that there is something to purge goes last.
        let note = keys::purge(connection);
        self.partition(&keys::connection_partition(connection), Some(&note)).await?;
        self.app.store.transact(vec![Write::Delete(note)]).await?;
        Ok(())
    }

    /// Users, with their memberships and assignments; gives how many items that were.
    async fn users(&self) -> Result<usize, Halt> {
        let mut erased = 0;
        for listed in [Listed::Present, Listed::Removed] {
            for shard in 0..keys::SHARDS {
                let query = Query::index(Index::G1, keys::users_partition(self.connection, listed, shard));
                let mut pages = self.app.store.pages(&query);
                while let Some(users) = pages.next().await? {
                    let ids = users.iter().filter_map(|user| UserId::parse(user.sort_key(Some(Index::G1))).ok());
                    let partitions = ids.map(|id| keys::user_partition(self.connection, &id));
                    erased += self.partitions(partitions.collect()).await?;
                }
            }
        }
        Ok(erased)
    }

    /// Groups and apps. What is left of their memberships and assignments is that of users which are not stored.
    async fn groups_and_apps(&self) -> Result<usize, Halt> {
        let mut erased = 0;
        for listed in [Listed::Present, Listed::Removed] {
            for partition in
                [keys::groups_partition(self.connection, listed), keys::apps_partition(self.connection, listed)]
            {
                let query = Query::index(Index::G1, partition);
                let mut pages = self.app.store.pages(&query);
                while let Some(objects) = pages.next().await? {
                    for object in &objects {
                        let edges = keys::edges_partition(object.partition_key());
                        erased += self.range(&Query::index(Index::G2, edges), None).await?;
                    }
                    let partitions = objects.iter().map(|object| object.partition_key().to_owned());
                    erased += self.partitions(partitions.collect()).await?;
                }
            }
        }
        Ok(erased)
    }

    async fn partitions(&self, partitions: Vec<String>) -> Result<usize, Halt> {
        let erased = stream::iter(partitions).map(|pk| async move { self.partition(&pk, None).await });
        erased.buffer_unordered(AT_ONCE).try_fold(0, |sum, count| async move { Ok(sum + count) }).await
    }

    async fn partition(&self, pk: &str, except: Option<&Key>) -> Result<usize, Halt> {
        self.range(&Query::partition(pk).names_only(), except).await
    }

    async fn range(&self, query: &Query, except: Option<&Key>) -> Result<usize, Halt> {
        let mut erased = 0;
        let mut pages = self.app.store.pages(query);
        while let Some(items) = pages.next().await? {
            erased += self.erase(items.iter().map(Item::key).filter(|key| Some(key) != except).collect()).await?;
        }
        Ok(erased)
    }

    async fn erase(&self, keys: Vec<Key>) -> Result<usize, Halt> {
        for some in keys.chunks(100) {
            self.check_time()?;
            self.app.store.transact(some.iter().cloned().map(Write::Delete).collect()).await?;
        }
        Ok(keys.len())
    }

    fn check_time(&self) -> Result<(), Halt> {
        if Instant::now() < self.until { Ok(()) } else { Err(Halt::TimeIsUp) }
    }
}
