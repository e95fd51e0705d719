//! Writing: every write is a transaction, with conditions, that takes place once however often it is sent.

use super::item::key_attributes;
use super::{Error, Item, Key, Store, passes, patiently};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, ReturnValue, TransactWriteItem};
use jiff::Timestamp;
use std::collections::HashMap;

/// A transaction holds at most 100 writes; some are kept for the fence and the checkpoint.
pub const MOST_RECORDS: usize = 96;
/// A transaction holds at most 4 MB.
pub const MOST_BYTES: usize = 3_500_000;

/// What must hold for a write to take place.
#[derive(Clone, Debug)]
pub struct Condition {
    expression: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Condition {
    /// The item is not there.
    pub fn absent() -> Self {
        Self { expression: "attribute_not_exists(pk)".to_owned(), names: HashMap::new(), values: HashMap::new() }
    }

    /// The item is there.
    pub fn present() -> Self {
        Self { expression: "attribute_exists(pk)".to_owned(), ..Self::absent() }
    }

    /// The item is not there, or is only there because DynamoDB has not deleted it yet.
    pub fn absent_or_expired(now: Timestamp) -> Self {
        Self {
            expression: "attribute_not_exists(pk) OR #a <= :a".to_owned(),
            names: HashMap::from([("#a".to_owned(), "ttl".to_owned())]),
            values: HashMap::from([(":a".to_owned(), AttributeValue::N(now.as_second().to_string()))]),
        }
    }

    /// A string attribute has this value.
    pub fn text(name: &str, value: &str) -> Self {
        Self {
            expression: "#a = :a".to_owned(),
            names: HashMap::from([("#a".to_owned(), name.to_owned())]),
            values: HashMap::from([(":a".to_owned(), AttributeValue::S(value.to_owned()))]),
        }
    }

    /// A number attribute has this value.
    pub fn number(name: &str, value: u64) -> Self {
        Self {
            expression: "#a = :a".to_owned(),
            names: HashMap::from([("#a".to_owned(), name.to_owned())]),
            values: HashMap::from([(":a".to_owned(), AttributeValue::N(value.to_string()))]),
        }
    }

    fn parts(self) -> Parts {
        let some = |map: HashMap<_, _>| (!map.is_empty()).then_some(map);
        (Some(self.expression), some(self.names), (!self.values.is_empty()).then_some(self.values))
    }
}

type Parts = (Option<String>, Option<HashMap<String, String>>, Option<HashMap<String, AttributeValue>>);

/// One write of a transaction.
#[derive(Clone, Debug)]
pub enum Write {
    /// Put an item in the place of any other.
    Put(Item),
    /// Put an item if the condition holds of the one that is there.
    PutIf(Item, Condition),
    /// Delete an item, there or not.
    Delete(Key),
    /// Delete an item if the condition holds of it.
    DeleteIf(Key, Condition),
    /// Write nothing, but only if the condition holds.
    Check(Key, Condition),
}

impl Write {
    /// About how many bytes it sends.
    pub fn size(&self) -> usize {
        match self {
            Self::Put(item) | Self::PutIf(item, _) => item.size(),
            Self::Delete(_) | Self::DeleteIf(..) | Self::Check(..) => 200,
        }
    }

    fn into_request(self, table: &str) -> Result<TransactWriteItem, aws_sdk_dynamodb::error::BuildError> {
        let item = TransactWriteItem::builder();
        let put = |put: Item, condition: Option<Condition>| {
            let (expression, names, values) = condition.map(Condition::parts).unwrap_or_default();
            let put = Put::builder().table_name(table).set_item(Some(put.0)).set_condition_expression(expression);
            put.set_expression_attribute_names(names).set_expression_attribute_values(values).build()
        };
        Ok(match self {
            Self::Put(it) => item.put(put(it, None)?),
            Self::PutIf(it, condition) => item.put(put(it, Some(condition))?),
            Self::Delete(key) => {
                item.delete(Delete::builder().table_name(table).set_key(Some(key_attributes(&key))).build()?)
            }
            Self::DeleteIf(key, condition) => {
                let (expression, names, values) = condition.parts();
                let delete = Delete::builder().table_name(table).set_key(Some(key_attributes(&key)));
                let delete = delete.set_condition_expression(expression).set_expression_attribute_names(names);
                item.delete(delete.set_expression_attribute_values(values).build()?)
            }
            Self::Check(key, condition) => {
                let (expression, names, values) = condition.parts();
                let check = ConditionCheck::builder().table_name(table).set_key(Some(key_attributes(&key)));
                let check = check.set_condition_expression(expression).set_expression_attribute_names(names);
                item.condition_check(check.set_expression_attribute_values(values).build()?)
            }
        }
        .build())
    }
}

impl Store {
    /// Deletes an item and gives what it was. Of all who take an item, one gets it.
    pub async fn take(&self, key: &Key) -> Result<Option<Item>, Error> {
        let request = self.client.delete_item().table_name(&self.table).set_key(Some(key_attributes(key)));
        let request = request.return_values(ReturnValue::AllOld);
        let answer = patiently(|| request.clone().send(), passes).await;
        let item = answer.map_err(|error| super::unavailable("DeleteItem", &error))?.attributes.map(Item);
        Ok(item.filter(|item| !item.is_expired(self.clock.now())))
    }

    /// Writes all or nothing. Conflicts with other transactions and throttling are waited out under one request token,
    /// so that a transaction whose answer was lost is not refused by its own condition.
    pub async fn transact(&self, writes: Vec<Write>) -> Result<(), Error> {
        let items: Result<Vec<_>, _> = writes.into_iter().map(|write| write.into_request(&self.table)).collect();
        let items = items.map_err(|error| Error::Unavailable(format!("TransactWriteItems: {error}")))?;
        let token = uuid::Uuid::new_v4().to_string();
        let send = || {
            let request = self.client.transact_write_items().set_transact_items(Some(items.clone()));
            request.client_request_token(&token).send()
        };
        match patiently(send, |error| matches!(refusal(error), Refusal::Passing)).await {
            Ok(_) => Ok(()),
            Err(error) => Err(match refusal(&error) {
                Refusal::Condition(write) => Error::Conflict(write),
                Refusal::Passing | Refusal::Final => super::unavailable("TransactWriteItems", &error),
            }),
        }
    }
}

enum Refusal {
    Condition(usize),
    Passing,
    Final,
}

fn refusal<R>(error: &SdkError<TransactWriteItemsError, R>) -> Refusal {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return if passes(error) { Refusal::Passing } else { Refusal::Final };
    };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect();
    match codes.iter().position(|code| *code == "ConditionalCheckFailed") {
        Some(write) => Refusal::Condition(write),
        None if codes.iter().any(|code| {
            matches!(*code, "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded")
        }) =>
        {
            Refusal::Passing
        }
        None => Refusal::Final,
    }
}
