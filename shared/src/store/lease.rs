//! Leases with fencing: one owner at a time, and a number that every write of an owner proves.
//!
//! An owner that was taken over does not know it; its next write carries an old fence and is refused. A retried slice
//! has the same owner and re-enters at once.

use super::item::key_attributes;
use super::{Condition, Error, Key, Store, Write, passes, patiently, unavailable};
use crate::clock;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

/// A lease that was held when it was taken.
#[derive(Clone, Debug)]
pub struct Lease {
    key: Key,
    fence: u64,
}

impl Lease {
    /// The check that goes first into every transaction under the lease.
    pub fn fence(&self) -> Write {
        Write::Check(self.key.clone(), Condition::number("fence", self.fence))
    }
}

impl Store {
    /// Takes a lease for a while; `None` while somebody else holds it.
    pub async fn take_lease(&self, key: Key, owner: &str, seconds: i64) -> Result<Option<Lease>, Error> {
        let now = self.clock.now();
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(&key)))
            .update_expression("SET #owner = :owner, expires = :until, fence = if_not_exists(fence, :zero) + :one")
            .condition_expression("attribute_not_exists(pk) OR #owner = :owner OR expires <= :now")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", AttributeValue::S(owner.to_owned()))
            .expression_attribute_values(":until", millis(clock::after(now, seconds)))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":zero", AttributeValue::N("0".to_owned()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::UpdatedNew);
        let answer = patiently(|| request.clone().send(), passes).await;
        let attributes = match answer {
            Ok(answer) => answer.attributes.unwrap_or_default(),
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_dynamodb::operation::update_item::UpdateItemError::is_conditional_check_failed_exception,
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(unavailable("UpdateItem", &error)),
        };
        let fence = super::Item(attributes).get_number("fence").ok_or(Error::Corrupt)?;
        Ok(Some(Lease { key, fence }))
    }

    /// Gives a lease back, if it is still held. The fence stays: an old one never comes back.
    pub async fn release_lease(&self, lease: &Lease) -> Result<(), Error> {
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_attributes(&lease.key)))
            .update_expression("SET expires = :zero")
            .condition_expression("fence = :fence")
            .expression_attribute_values(":zero", AttributeValue::N("0".to_owned()))
            .expression_attribute_values(":fence", AttributeValue::N(lease.fence.to_string()));
        let answer = patiently(|| request.clone().send(), passes).await;
        match answer {
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_dynamodb::operation::update_item::UpdateItemError::is_conditional_check_failed_exception,
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(unavailable("UpdateItem", &error)),
            Ok(_) => Ok(()),
        }
    }

    /// Gives back what an owner holds, whatever its fence; nothing happens where it holds nothing.
    pub async fn give_back(&self, key: &Key, owner: &str) -> Result<(), Error> {
        match self.get(key).await? {
            Some(item) if item.get("owner") == Some(owner) => {
                let fence = item.get_number("fence").ok_or(Error::Corrupt)?;
                self.release_lease(&Lease { key: key.clone(), fence }).await
            }
            _ => Ok(()),
        }
    }

    /// Who holds the lease.
    pub async fn lease_owner(&self, key: &Key) -> Result<Option<String>, Error> {
        let now = u64::try_from(self.clock.now().as_millisecond()).unwrap_or_default();
        let item = self.get(key).await?.filter(|item| item.get_number("expires").is_some_and(|expires| expires > now));
        Ok(item.and_then(|item| item.get("owner").map(str::to_owned)))
    }
}

fn millis(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_millisecond().to_string())
}
