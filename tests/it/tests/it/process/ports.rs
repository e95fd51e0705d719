//! What stands behind a process's ports: secrets under the rule of Secrets Manager, each call of them counted, and a runner
//! that leaves runs to the test.

use super::MovedClock;
use async_trait::async_trait;
use it::proxy::KillSwitch;
use jiff::Timestamp;
use okta_connector::app::{RunnerError, SyncRunner};
use okta_connector::clock::Clock;
use okta_connector::id::{ConnectionId, SyncId};
use okta_connector::secrets::{Error, Secrets};
use okta_connector_local::FileSecrets;
use secrecy::SecretString;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A secret store with the rule of Secrets Manager: a secret has at most 100 versions, and none that is younger than a day
/// goes.
pub(super) struct Versions {
    files: FileSecrets,
    clock: Arc<MovedClock>,
    written: Mutex<HashMap<String, Vec<Timestamp>>>,
}

impl Versions {
    pub(super) fn kept_in(folder: &Path, clock: Arc<MovedClock>) -> Self {
        let files = FileSecrets::open(folder).expect("a secret store");
        Self { files, clock, written: Mutex::default() }
    }

    /// How many versions of a secret were written.
    pub(super) fn count(&self, name: &str) -> usize {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).get(name).map_or(0, Vec::len)
    }
}

#[async_trait]
impl Secrets for Versions {
    async fn put(&self, name: &str, value: &SecretString) -> Result<String, Error> {
        let now = self.clock.now();
        {
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            let versions = written.entry(name.to_owned()).or_default();
            if versions.iter().filter(|at| now.duration_since(**at).as_hours() < 24).count() >= 100 {
                return Err(Error("PutSecretValue: LimitExceededException".to_owned()));
            }
            versions.push(now);
        }
        self.files.put(name, value).await
    }

    async fn get(&self, name: &str, version: &str) -> Result<Option<SecretString>, Error> {
        self.files.get(name, version).await
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        self.files.delete(name).await
    }

    async fn stack_key(&self) -> Result<SecretString, Error> {
        self.files.stack_key().await
    }
}

/// Counts each call as one that leaves the process.
pub(super) struct CountedSecrets {
    pub(super) secrets: Arc<Versions>,
    pub(super) gate: KillSwitch,
}

impl CountedSecrets {
    async fn counted<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let cut = |_| Error("no answer".to_owned());
        let number = self.gate.before().map_err(cut)?;
        let answer = call.await;
        self.gate.after(number).map_err(cut)?;
        answer
    }
}

#[async_trait]
impl Secrets for CountedSecrets {
    async fn put(&self, name: &str, value: &SecretString) -> Result<String, Error> {
        self.counted(self.secrets.put(name, value)).await
    }

    async fn get(&self, name: &str, version: &str) -> Result<Option<SecretString>, Error> {
        self.counted(self.secrets.get(name, version)).await
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        self.counted(self.secrets.delete(name)).await
    }

    async fn stack_key(&self) -> Result<SecretString, Error> {
        self.counted(self.secrets.stack_key()).await
    }
}

/// The test drives runs itself.
pub struct DrivenByTest;

#[async_trait]
impl SyncRunner for DrivenByTest {
    async fn start(&self, _: &ConnectionId, _: &SyncId, _: &str) -> Result<(), RunnerError> {
        Ok(())
    }

    async fn read_candidates(&self, _: &ConnectionId) -> Result<(), RunnerError> {
        Ok(())
    }

    async fn purge(&self, _: &ConnectionId, _: &str) -> Result<(), RunnerError> {
        Ok(())
    }
}
