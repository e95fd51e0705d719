//! What every use case works with: the store, the secrets, Okta, whoever runs syncs, and whoever keeps schedules.

use crate::clock::SharedClock;
use crate::connection::{Connection, Credentials, StoredToken, session};
use crate::feed::{Bus, Ground};
use crate::id::{ConnectionId, SyncId};
use crate::okta::{self, Client, Credential, Origin, Patience, Transport};
use crate::problem::{Kind, Problem};
use crate::schedule::Schedule;
use crate::secrets::Secrets;
use crate::store::Store;
use async_trait::async_trait;
use aws_lc_rs::hmac;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::sync::Arc;

/// Starts what outlasts a request: Step Functions on AWS, a task on one machine.
#[async_trait]
pub trait SyncRunner: Send + Sync {
    /// Runs a sync that was recorded, to its end. Starting it twice under one name starts it once.
    async fn start(&self, connection: &ConnectionId, sync: &SyncId, name: &str) -> Result<(), RunnerError>;

    /// Has the candidates of a connection read that wait, unless a run is at work. It may be asked again and again.
    async fn read_candidates(&self, connection: &ConnectionId) -> Result<(), RunnerError>;

    /// Removes what is left of a deleted connection. Starting it twice under one name starts it once.
    async fn purge(&self, connection: &ConnectionId, name: &str) -> Result<(), RunnerError>;

    /// Why no run can go on just now, where that is known.
    async fn trouble(&self) -> Option<String> {
        None
    }
}

/// A run could not be started; the text names the operation and its code.
#[derive(Debug, thiserror::Error)]
#[error("a run could not be started: {0}")]
pub struct RunnerError(pub String);

/// Starts what is to happen again and again: EventBridge Scheduler on AWS, a task on one machine.
#[async_trait]
pub trait Scheduler: Send + Sync {
    /// Makes the schedules of a connection these and no others. Doing it twice is doing it once.
    async fn keep(&self, connection: &ConnectionId, schedules: &[Scheduled]) -> Result<(), SchedulerError>;
}

/// A schedule that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// A name that no other schedule of the deployment has. It begins with its connection's id.
    pub name: String,
    /// `rate(…)` or `cron(…)`.
    pub expression: String,
    /// The time zone of a `cron(…)`.
    pub timezone: String,
    /// The moment from which a rate counts, at which it is not due itself.
    pub anchor: Timestamp,
    /// What it starts.
    pub target: Target,
    /// What that is handed.
    pub input: Value,
}

/// What a schedule starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A sync.
    Sync,
    /// A poll of the System Log, or a search in it.
    Log,
}

impl Scheduled {
    /// Its first time after a moment.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let zone = TimeZone::get(&self.timezone).ok()?;
        Schedule::parse(&self.expression).ok()?.next_after(after, &zone, self.anchor)
    }
}

/// Schedules could not be kept; the text names the operation and its code.
#[derive(Debug, thiserror::Error)]
#[error("schedules could not be kept: {0}")]
pub struct SchedulerError(pub String);

/// The deployment that a use case runs in.
#[derive(Clone)]
pub struct App {
    /// State.
    pub store: Store,
    /// Credentials.
    pub secrets: Arc<dyn Secrets>,
    /// Okta.
    pub okta: Arc<Transport>,
    /// Time.
    pub clock: SharedClock,
    /// Syncs.
    pub runner: Arc<dyn SyncRunner>,
    /// Schedules.
    pub scheduler: Arc<dyn Scheduler>,
    /// Where the public routes are reached, without a slash at its end.
    pub public_url: String,
    /// Where events are published as well; none on one machine.
    pub bus: Option<Bus>,
    /// For so many days an event is kept in a feed.
    pub feed_days: i64,
}

impl App {
    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What a feed needs.
    pub fn ground(&self) -> Ground {
        let Self { store, clock, bus, feed_days, runner, .. } = self.clone();
        Ground { store, clock, bus, days: feed_days, runner }
    }

    /// What a connection's secret holds.
    pub async fn credentials(&self, connection: &Connection) -> Result<Credentials, Problem> {
        let Some(version) = &connection.secret_version else { return Ok(Credentials::default()) };
        let secret = self.secrets.get(connection.id.as_str(), version).await?;
        Ok(secret.as_ref().map(Credentials::from_secret).unwrap_or_default())
    }

    /// Where a connection's tenant is, and how the connection identifies itself there.
    pub async fn identity(&self, connection: &Connection) -> Result<(Origin, Credential), Problem> {
        let domain = connection.domain.as_deref().filter(|_| connection.is_complete()).ok_or_else(not_ready)?;
        let origin = Origin::from_shown(domain, self.okta.allowed()).map_err(|refused| {
            Problem::new(Kind::OktaUnavailable, format!("The connection's domain cannot be used: {refused}"))
        })?;
        Ok((origin, self.credential(connection, &self.credentials(connection).await?)?))
    }

    /// How a connection identifies itself with these credentials.
    pub fn credential(&self, connection: &Connection, credentials: &Credentials) -> Result<Credential, okta::Error> {
        let tokens = StoredToken::new(self.store.clone(), Arc::clone(&self.secrets), connection, credentials);
        credentials.credential(connection, Arc::new(tokens), self.now())
    }

    /// A client for a connection's tenant; clients of one connection in one process share its token.
    pub async fn client(&self, connection: &Connection, patience: Patience) -> Result<Client, Problem> {
        let (origin, credential) = self.identity(connection).await?;
        Ok(Client::new(&self.okta, origin, credential, Some(&session(connection)), patience))
    }

    /// What only this deployment can work out of some bytes: HMAC-SHA256 with its own key. The label keeps uses apart.
    #[expect(clippy::disallowed_methods, reason = "the deployment's key is used here and nowhere else")]
    pub async fn keyed_hash(&self, label: &str, bytes: &[u8]) -> Result<[u8; 32], Problem> {
        let key = self.secrets.stack_key().await?;
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes()));
        // The label's end is marked by its length, so that no label and bytes are another's.
        context.update(&label.len().to_be_bytes());
        context.update(label.as_bytes());
        context.update(bytes);
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        Ok(hash)
    }
}

/// Refuses to use a connection that has not signed in, or at whose domain another organization answers.
pub fn ready(connection: &Connection) -> Result<(), Problem> {
    if connection.is_elsewhere {
        let detail = "Another organization than the connection's answers at its domain. Test the connection once the domain leads to its own again, or delete it and connect the other one.";
        return Err(Problem::new(Kind::ConnectionNotReady, detail));
    }
    if connection.is_ready() { Ok(()) } else { Err(not_ready()) }
}

/// The connection lacks something.
pub fn not_ready() -> Problem {
    Problem::new(Kind::ConnectionNotReady, "Give the connection its domain and credentials first (PUT …/auth).")
}
