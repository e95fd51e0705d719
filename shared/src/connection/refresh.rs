//! The tokens of a connection's sign-in. One process at a time uses the refresh token, whichever function it belongs to, and
//! leaves the access token to the others: so Okta is asked once for as long as a token lasts, and the secret store takes a
//! new version at most as often (it keeps 100, and drops none that is younger than a day).
//!
//! Okta replaces the token at each use, and lets the old one live for half a minute more. The lease is shorter, so that
//! a process that died with the successor in hand leaves a token behind that the next one can still use.

use super::sealed::Seal;
use super::{Connection, Credentials, load, revise};
use crate::id::ConnectionId;
use crate::okta::{Error, Granted, RefreshTokens, Taken, Token, Wanted};
use crate::secrets::{self, Secrets};
use crate::store::{self, Item, Lease, Store, Write, keys};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Longer than a turn lasts, and shorter than Okta's patience with a replaced token.
const LEASE_SECONDS: i64 = 20;
/// How often it is looked whether the turn has come.
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// The refresh token of one sign-in, in the secret store, and the access token that came with it, sealed in the table.
pub struct StoredToken {
    store: Store,
    secrets: Arc<dyn Secrets>,
    connection: ConnectionId,
    sign_in: Option<String>,
    seal: Option<Seal>,
    lease: Mutex<Option<Lease>>,
}

/// Why the token could not be read or stored.
struct Failed(String);

impl From<store::Error> for Failed {
    fn from(error: store::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<secrets::Error> for Failed {
    fn from(error: secrets::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<Failed> for Error {
    fn from(Failed(reason): Failed) -> Self {
        Self::RefreshToken(reason)
    }
}

impl StoredToken {
    /// The tokens of the sign-in that the connection has now.
    pub fn new(store: Store, secrets: Arc<dyn Secrets>, connection: &Connection, credentials: &Credentials) -> Self {
        let (connection, sign_in) = (connection.id.clone(), connection.auth.sign_in.clone());
        let seal = credentials.client_secret.as_ref().zip(sign_in.as_deref());
        let seal = seal.and_then(|(secret, sign_in)| Seal::of(secret, sign_in));
        Self { store, secrets, connection, sign_in, seal, lease: Mutex::default() }
    }

    /// The access token that the last turn left, where that is wanted and it lasts.
    async fn shared(&self, wanted: &Wanted) -> Result<Option<Token>, Failed> {
        let Some(seal) = self.seal.as_ref().filter(|_| !matches!(wanted, Wanted::New)) else { return Ok(None) };
        let item = self.store.get(&keys::access_token(&self.connection)).await?;
        let token = item.as_ref().and_then(|item| seal.open(item.get_bytes("sealed")?));
        Ok(token.filter(|token| {
            let is_refused =
                matches!(wanted, Wanted::Other(refused) if same(&refused.access_token, &token.access_token));
            self.store.now() < token.renew_at && !is_refused
        }))
    }

    /// Leaves an access token to the others; they ask for one of their own where that fails.
    async fn share(&self, token: &Token) {
        let Some(sealed) = self.seal.as_ref().and_then(|seal| seal.close(token)) else { return };
        let item = Item::at(&keys::access_token(&self.connection)).bytes("sealed", sealed).expires(token.renew_at);
        if let Err(error) = self.store.transact(vec![Write::Put(item)]).await {
            tracing::warn!(connection = %self.connection, "an access token was not left to other processes: {error}");
        }
    }

    /// The newest token; another process may have used the one before.
    async fn read(&self) -> Result<SecretString, Failed> {
        let stored = load(&self.store, &self.connection).await?.ok_or_else(replaced)?;
        self.check(&stored.connection)?;
        let version = stored.connection.secret_version.as_deref().unwrap_or_default();
        let secret = self.secrets.get(self.connection.as_str(), version).await?;
        let token = secret.as_ref().map(Credentials::from_secret).and_then(|credentials| credentials.refresh_token);
        token.ok_or_else(|| Failed("it is not in the secret store".to_owned()))
    }

    fn check(&self, connection: &Connection) -> Result<(), Failed> {
        if connection.auth.sign_in == self.sign_in { Ok(()) } else { Err(replaced()) }
    }

    async fn replace(&self, used: &SecretString, successor: &SecretString) -> Result<(), Failed> {
        let revised = revise(&self.store, self.secrets.as_ref(), &self.connection, |connection, credentials| {
            self.check(connection)?;
            if !credentials.holds(used) {
                return Err(replaced());
            }
            credentials.refresh_token = Some(successor.clone());
            Ok(())
        });
        revised.await?.map(|_| ()).ok_or_else(replaced)
    }

    async fn release(&self) {
        let Some(lease) = self.lease.lock().await.take() else { return };
        if let Err(error) = self.store.release_lease(&lease).await {
            tracing::warn!(connection = %self.connection, "a lease was not given back and will end by itself: {error}");
        }
    }
}

fn replaced() -> Failed {
    Failed("the connection was changed at the same moment".to_owned())
}

#[async_trait]
impl RefreshTokens for StoredToken {
    async fn take(&self, wanted: &Wanted, deadline: Instant) -> Result<Taken, Error> {
        if let Some(token) = self.shared(wanted).await? {
            return Ok(Taken::Access(token));
        }
        let owner = uuid::Uuid::new_v4().to_string();
        let lease = loop {
            let taken = self.store.take_lease(keys::token_lease(&self.connection), &owner, LEASE_SECONDS).await;
            if let Some(lease) = taken.map_err(Failed::from)? {
                break lease;
            }
            if Instant::now() + LOOK_EVERY >= deadline {
                return Err(Error::Timeout);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        *self.lease.lock().await = Some(lease);
        // The turn before may have left a token.
        let taken = match self.shared(wanted).await {
            Ok(Some(token)) => Ok(Taken::Access(token)),
            Ok(None) => self.read().await.map(Taken::Refresh),
            Err(failed) => Err(failed),
        };
        if !matches!(taken, Ok(Taken::Refresh(_))) {
            self.release().await;
        }
        Ok(taken?)
    }

    async fn put_back(&self, used: &SecretString, granted: Option<&Granted>) -> Result<(), Error> {
        let successor = granted.and_then(|granted| granted.refresh_token.as_ref());
        let stored = match successor.filter(|successor| !same(used, successor)) {
            Some(successor) => self.replace(used, successor).await,
            None => Ok(()),
        };
        if let (Ok(()), Some(granted)) = (&stored, granted) {
            self.share(&granted.token).await;
        }
        self.release().await;
        Ok(stored?)
    }
}

/// True for the same token: Okta gives a refresh token again where it is not one that is replaced at each use.
#[expect(clippy::disallowed_methods, reason = "one secret is compared with another")]
fn same(a: &SecretString, b: &SecretString) -> bool {
    a.expose_secret() == b.expose_secret()
}
