//! What is left of a deleted connection goes away: its directory, its runs, its state.

use crate::app::App;
use crate::id::ConnectionId;
use crate::okta::UserId;
use crate::problem::Problem;
use crate::store::keys::{self, Listed};
use crate::store::{Error, Index, Item, Key, Query, Write};

/// Removes everything; doing it again after a crash removes the rest. What a running sync still writes is refused,
/// because taking the lease raises its fence.
pub async fn purge(app: &App, connection: &ConnectionId) -> Result<(), Problem> {
    let owner = format!("purge-{connection}");
    while app.store.take_lease(keys::sync_lease(connection), &owner, 300).await?.is_none() {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    for listed in [Listed::Present, Listed::Removed] {
        for shard in 0..keys::SHARDS {
            let query = Query::index(Index::G1, keys::users_partition(connection, listed, shard));
            let mut pages = app.store.pages(&query);
            while let Some(users) = pages.next().await? {
                for id in users.iter().filter_map(|user| UserId::parse(user.sort_key(Some(Index::G1))).ok()) {
                    erase_partition(app, &keys::user_partition(connection, &id), None).await?;
                }
            }
        }
        for partition in [keys::groups_partition(connection, listed), keys::apps_partition(connection, listed)] {
            for item in app.store.query(&Query::index(Index::G1, partition)).await? {
                erase_partition(app, item.partition_key(), None).await?;
            }
        }
    }
    erase_partition(app, &keys::roster_partition(connection), None).await?;
    for partition in [keys::inbox_partition(connection), keys::feed_partition(connection)] {
        erase_partition(app, &partition, None).await?;
    }
    // The note that there is something to purge goes last.
    let note = keys::purge(connection);
    erase_partition(app, &keys::connection_partition(connection), Some(&note)).await?;
    app.store.transact(vec![Write::Delete(note)]).await?;
    Ok(())
}

async fn erase_partition(app: &App, pk: &str, except: Option<&Key>) -> Result<(), Error> {
    let query = Query::partition(pk).names_only();
    let mut pages = app.store.pages(&query);
    while let Some(items) = pages.next().await? {
        let keys: Vec<_> = items.iter().map(Item::key).filter(|key| Some(key) != except).collect();
        for some in keys.chunks(100) {
            app.store.transact(some.iter().cloned().map(Write::Delete).collect()).await?;
        }
    }
    Ok(())
}
