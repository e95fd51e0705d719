//! State in DynamoDB: one table, its key grammar (`keys`), conditional and transactional writes, leases with fencing.
//!
//! The same code talks to AWS and, on one machine and in tests, to an engine on loopback.

mod item;
pub mod keys;
mod lease;
mod query;
mod table;
mod write;

pub use item::{Index, Item};
pub use keys::Key;
pub use lease::Lease;
pub use query::Query;
pub use table::create_table;
pub use write::{Condition, MOST_BYTES, MOST_RECORDS, Write};

use crate::aws::telling;
use crate::clock::SharedClock;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use jiff::Timestamp;
use std::time::Duration;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The condition of a write does not hold; the index of the first write that failed.
    #[error("the condition of write {0} does not hold")]
    Conflict(usize),
    /// DynamoDB could not be reached or refused; the text names the operation and its code.
    #[error("DynamoDB: {0}")]
    Unavailable(String),
    /// An item is not what this version writes.
    #[error("an item in the table cannot be read")]
    Corrupt,
}

/// An item is not what this version writes.
#[derive(Debug)]
struct Corrupt;

impl From<Corrupt> for Error {
    fn from(Corrupt: Corrupt) -> Self {
        Self::Corrupt
    }
}

/// The table.
#[derive(Clone)]
pub struct Store {
    client: Client,
    table: String,
    clock: SharedClock,
}

impl Store {
    /// Uses an existing table.
    pub fn new(client: &Client, table: impl Into<String>, clock: SharedClock) -> Self {
        let client = telling!(client);
        Self { client, table: table.into(), clock }
    }

    /// Now, by the clock that ends leases.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// How often a write is sent before a refusal that passes is returned.
const ATTEMPTS: u32 = 8;
/// The first pause between two of them; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Sends until the table takes it, or refuses it for good. A transaction that is at work on the same item ends soon, and so
/// does throttling.
async fn patiently<T, E, R, F>(
    send: impl Fn() -> F,
    passes: impl Fn(&SdkError<E, R>) -> bool,
) -> Result<T, SdkError<E, R>>
where
    F: Future<Output = Result<T, SdkError<E, R>>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match send().await {
            Err(error) if passes(&error) => {}
            answer => return answer,
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    send().await
}

/// True for what DynamoDB refuses only for the moment.
fn passes<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| {
        matches!(
            code,
            "TransactionConflictException"
                | "TransactionInProgressException"
                | "ThrottlingException"
                | "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
        )
    })
}

/// Names an operation's failure without any of its content.
fn unavailable<E: ProvideErrorMetadata, R>(operation: &str, error: &SdkError<E, R>) -> Error {
    let code = error.as_service_error().and_then(|e| e.code()).unwrap_or("no answer");
    Error::Unavailable(format!("{operation}: {code}"))
}
