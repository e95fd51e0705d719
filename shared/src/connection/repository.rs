//! Connections in the table: read, listed, and changed only from the state they were read in.

use super::{Connection, Credentials};
use crate::id::ConnectionId;
use crate::secrets::{self, Secrets};
use crate::store::{Condition, Error, Index, Item, Key, Query, Store, Write, keys};

/// A connection and the revision it was read in.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The connection.
    pub connection: Connection,
    /// Counts writes; every write names the one it is based on. 0: never written.
    pub revision: u64,
}

/// Reads one.
pub async fn load(store: &Store, id: &ConnectionId) -> Result<Option<Stored>, Error> {
    store.get(&keys::connection(id)).await?.map(|item| parse(&item)).transpose()
}

/// A page of all connections, oldest first, behind a cursor; and the cursor of the next page.
pub async fn list(store: &Store, after: Option<&str>, limit: usize) -> Result<(Vec<Stored>, Option<String>), Error> {
    let (listed, more) = store.first(Query::index(Index::G1, keys::CONNECTIONS).after(after), limit).await?;
    let next = listed.last().filter(|_| more).map(|item| item.sort_key(Some(Index::G1)).to_owned());
    let wanted: Vec<_> = listed
        .iter()
        .map(|item| Key { pk: item.partition_key().to_owned(), sk: item.sort_key(None).to_owned() })
        .collect();
    let mut found = store.get_many(&wanted).await?.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    found.sort_by(|a, b| (a.connection.created_at, &a.connection.id).cmp(&(b.connection.created_at, &b.connection.id)));
    Ok((found, next))
}

/// Connections that are read at once.
const PAGE: usize = 100;

/// All of them, page by page.
pub fn pages(store: &Store) -> Pages<'_> {
    Pages { store, after: None, over: false }
}

/// What is left of all connections.
pub struct Pages<'a> {
    store: &'a Store,
    after: Option<String>,
    over: bool,
}

impl Pages<'_> {
    /// Some more; none once there are no more.
    pub async fn next(&mut self) -> Result<Option<Vec<Stored>>, Error> {
        if self.over {
            return Ok(None);
        }
        let (some, after) = list(self.store, self.after.as_deref(), PAGE).await?;
        (self.over, self.after) = (after.is_none(), after);
        Ok(Some(some))
    }
}

/// Writes one if it is still in the revision it was read in. A write whose answer was lost counts as done.
pub async fn save(store: &Store, stored: &Stored) -> Result<Stored, Error> {
    let connection = &stored.connection;
    let written = Stored { connection: connection.clone(), revision: stored.revision + 1 };
    let item = Item::at(&keys::connection(&connection.id))
        .indexed(Index::G1, keys::connection_index(&connection.id, connection.created_at))
        .number("rev", written.revision)
        .document(connection)?;
    let condition = if stored.revision == 0 { Condition::absent() } else { Condition::number("rev", stored.revision) };
    store.transact(vec![Write::PutIf(item, condition)]).await?;
    Ok(written)
}

/// Changes one, again from what is stored where somebody else changed it meanwhile. `None` where there is none.
pub async fn change<E: From<Error>>(
    store: &Store,
    id: &ConnectionId,
    change: impl Fn(&mut Connection) -> Result<(), E>,
) -> Result<Option<Stored>, E> {
    for _ in 0..8 {
        let Some(mut stored) = load(store, id).await? else { return Ok(None) };
        change(&mut stored.connection)?;
        match save(store, &stored).await {
            Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
            Ok(stored) => return Ok(Some(stored)),
        }
    }
    Err(Error::Unavailable("the connection changes too often".to_owned()).into())
}

/// Changes one together with its credentials, again from what is stored where somebody else changed either meanwhile.
/// `None` where there is none.
pub async fn revise<E: From<Error> + From<secrets::Error>>(
    store: &Store,
    secrets: &dyn Secrets,
    id: &ConnectionId,
    change: impl Fn(&mut Connection, &mut Credentials) -> Result<(), E>,
) -> Result<Option<Stored>, E> {
    let mut written = false;
    for _ in 0..8 {
        let Some(mut stored) = load(store, id).await? else {
            if written {
                // It was deleted meanwhile, and its secret must not outlive it.
                secrets.delete(id.as_str()).await?;
            }
            return Ok(None);
        };
        let connection = &mut stored.connection;
        let secret = match &connection.secret_version {
            Some(version) => secrets.get(id.as_str(), version).await?,
            None => None,
        };
        let mut credentials = secret.as_ref().map(Credentials::from_secret).unwrap_or_default();
        change(connection, &mut credentials)?;
        connection.secret_version = Some(secrets.put(id.as_str(), &credentials.to_secret()).await?);
        written = true;
        match save(store, &stored).await {
            Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
            Ok(stored) => return Ok(Some(stored)),
        }
    }
    Err(Error::Unavailable("the connection changes too often".to_owned()).into())
}

/// Deletes one.
pub async fn delete(store: &Store, id: &ConnectionId) -> Result<(), Error> {
    store.transact(vec![Write::Delete(keys::connection(id))]).await
}

fn parse(item: &Item) -> Result<Stored, Error> {
    Ok(Stored { connection: item.parse()?, revision: item.get_number("rev").ok_or(Error::Corrupt)? })
}
