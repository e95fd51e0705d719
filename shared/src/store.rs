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
}

/// Names an operation's failure without any of its content.
fn unavailable<E, R>(operation: &str, error: &aws_sdk_dynamodb::error::SdkError<E, R>) -> Error
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata,
{
    let code = error.as_service_error().and_then(|e| e.code()).unwrap_or("no answer");
    Error::Unavailable(format!("{operation}: {code}"))
}
