//! The refresh token of a connection's sign-in, as its tokens are renewed: one process at a time uses it, whichever
//! function it belongs to.
//!
//! Okta replaces the token at each use, and lets the old one live for half a minute more. The lease is shorter, so that
//! a process that died with the successor in hand leaves a token behind that the next one can still use.

use super::{Connection, Credentials, load, revise};
use crate::id::ConnectionId;
use crate::okta::{Error, RefreshTokens};
use crate::secrets::{self, Secrets};
use crate::store::{self, Lease, Store, keys};
use async_trait::async_trait;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Longer than a turn lasts, and shorter than Okta's patience with a replaced token.
const LEASE_SECONDS: i64 = 20;
/// How often it is looked whether the turn has come.
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// The refresh token of one sign-in, in the secret store.
pub struct StoredToken {
    store: Store,
    secrets: Arc<dyn Secrets>,
    connection: ConnectionId,
    sign_in: Option<String>,
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
    /// The token of the sign-in that the connection has now.
    pub fn new(store: Store, secrets: Arc<dyn Secrets>, connection: &Connection) -> Self {
        let (connection, sign_in) = (connection.id.clone(), connection.auth.sign_in.clone());
        Self { store, secrets, connection, sign_in, lease: Mutex::default() }
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
    async fn take(&self, deadline: Instant) -> Result<SecretString, Error> {
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
        let token = self.read().await;
        if token.is_err() {
            self.release().await;
        }
        Ok(token?)
    }

    async fn put_back(&self, used: &SecretString, successor: Option<SecretString>) -> Result<(), Error> {
        let stored = match successor {
            Some(successor) => self.replace(used, &successor).await,
            None => Ok(()),
        };
        self.release().await;
        Ok(stored?)
    }
}
