//! One request of `DynamoDB`'s protocol, carried out by the engine.

use crate::like_aws;
use dynoxide::Database;
use dynoxide::errors::{DynoxideError, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The content type of `DynamoDB`'s protocol.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
const TARGET: &str = "DynamoDB_20120810.";

/// The status and the body of an answer.
pub type Answer = (u16, String);

/// Carries out what `x-amz-target` names. It blocks: the engine is a file.
pub fn answer(database: &Database, target: &str, body: &[u8]) -> Answer {
    let operation = target.strip_prefix(TARGET).unwrap_or_default();
    like_aws::answer(operation, body, |body| match run(database, operation, body) {
        Ok(body) => (200, body),
        Err(error) => {
            if error.status_code() >= 500 {
                tracing::error!("the table cannot do what was asked ({operation}): {error}");
            }
            (error.status_code(), error.to_json())
        }
    })
}

/// The operations that the product and its tests use.
fn run(database: &Database, operation: &str, body: &[u8]) -> Result<String> {
    match operation {
        "BatchGetItem" => with(body, |it| database.batch_get_item(it)),
        "CreateTable" => with(body, |it| database.create_table(it)),
        "DeleteItem" => with(body, |it| database.delete_item(it)),
        "DescribeTable" => with(body, |it| database.describe_table(it)),
        "DescribeTimeToLive" => with(body, |it| database.describe_time_to_live(it)),
        "GetItem" => with(body, |it| database.get_item(it)),
        "PutItem" => with(body, |it| database.put_item(it)),
        "Query" => with(body, |it| database.query(it)),
        "Scan" => with(body, |it| database.scan(it)),
        "TransactWriteItems" => with(body, |it| database.transact_write_items(it)),
        "UpdateItem" => with(body, |it| database.update_item(it)),
        "UpdateTimeToLive" => with(body, |it| database.update_time_to_live(it)),
        _ => Err(DynoxideError::ValidationException(format!("the embedded engine has no operation {operation:?}"))),
    }
}

fn with<I: DeserializeOwned, O: Serialize>(body: &[u8], operate: impl FnOnce(I) -> Result<O>) -> Result<String> {
    let input =
        serde_json::from_slice(body).map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
    let output = operate(input)?;
    serde_json::to_string(&output).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
