//! The secret store: the only place where credentials are kept.

mod secrets_manager;

pub use secrets_manager::SecretsManagerSecrets;

use async_trait::async_trait;
use secrecy::SecretString;

/// The secret store could not do what was asked; the text names the operation and its code.
#[derive(Debug, thiserror::Error)]
#[error("the secret store: {0}")]
pub struct Error(pub String);

/// Keeps secrets by name, in versions.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Stores a new version of a secret and names it. Earlier versions stay readable for a while.
    async fn put(&self, name: &str, value: &SecretString) -> Result<String, Error>;

    /// Reads a version of a secret.
    async fn get(&self, name: &str, version: &str) -> Result<Option<SecretString>, Error>;

    /// Deletes a secret at once, there or not.
    async fn delete(&self, name: &str) -> Result<(), Error>;

    /// The deployment's own random key, of at least 32 bytes: always the same one, and nobody else's.
    async fn stack_key(&self) -> Result<SecretString, Error>;
}
