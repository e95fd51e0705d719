//! An item of the table: its keys, a few attributes that conditions and indexes need, and the rest as one JSON document.

use super::keys::{IndexKey, Key};
use super::{Corrupt, Error};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// An item, read or about to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item(pub(super) HashMap<String, AttributeValue>);

impl Item {
    /// An item with its keys alone.
    pub fn at(key: &Key) -> Self {
        Self(key_attributes(key))
    }

    /// Adds a string.
    #[must_use]
    pub fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), AttributeValue::S(value.into()));
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, name: &str, value: u64) -> Self {
        self.0.insert(name.to_owned(), AttributeValue::N(value.to_string()));
        self
    }

    /// Adds bytes.
    #[must_use]
    pub fn bytes(mut self, name: &str, value: Vec<u8>) -> Self {
        self.0.insert(name.to_owned(), AttributeValue::B(Blob::new(value)));
        self
    }

    /// Adds the document.
    pub fn document<T: Serialize>(self, body: &T) -> Result<Self, Error> {
        let json = serde_json::to_string(body).map_err(|_| Corrupt)?;
        Ok(self.text("doc", json))
    }

    /// Puts it into an index.
    #[must_use]
    pub fn indexed(self, index: Index, key: IndexKey) -> Self {
        let (pk, sk) = index.attributes();
        self.text(pk, key.pk).text(sk, key.sk)
    }

    /// Lets it expire; DynamoDB deletes it within days of that moment, and reads leave it out at once.
    #[must_use]
    pub fn expires(self, at: Timestamp) -> Self {
        self.number("ttl", u64::try_from(at.as_second()).unwrap_or_default())
    }

    /// A string attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    /// A number attribute.
    pub fn get_number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    /// A bytes attribute.
    pub fn get_bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name)?.as_b().ok().map(AsRef::as_ref)
    }

    /// The document.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let json = self.get("doc").ok_or(Corrupt)?;
        serde_json::from_str(json).map_err(|_| Corrupt.into())
    }

    /// Its sort key in an index, or in the table.
    pub fn sort_key(&self, index: Option<Index>) -> &str {
        self.get(index.map_or("sk", |index| index.attributes().1)).unwrap_or_default()
    }

    /// Where it lies.
    pub fn key(&self) -> Key {
        Key { pk: self.partition_key().to_owned(), sk: self.sort_key(None).to_owned() }
    }

    /// Its partition key.
    pub fn partition_key(&self) -> &str {
        self.get("pk").unwrap_or_default()
    }

    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.get_number("ttl").is_some_and(|ttl| i64::try_from(ttl).is_ok_and(|ttl| ttl <= now.as_second()))
    }

    /// About how many bytes DynamoDB counts for it.
    pub fn size(&self) -> usize {
        let value = |value: &AttributeValue| match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::B(bytes) => bytes.as_ref().len(),
            _ => 21,
        };
        self.0.iter().map(|(name, it)| name.len() + value(it)).sum()
    }
}

/// The global secondary indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// Lists: connections, users, groups, a connection's audit.
    G1,
    /// Edges from their other end; the audit of one thing.
    G2,
    /// The audit of one subject.
    G3,
}

impl Index {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::G1, Self::G2, Self::G3];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::G1 => "gsi1",
            Self::G2 => "gsi2",
            Self::G3 => "gsi3",
        }
    }

    /// The attributes of its partition and sort key.
    pub fn attributes(self) -> (&'static str, &'static str) {
        match self {
            Self::G1 => ("g1pk", "g1sk"),
            Self::G2 => ("g2pk", "g2sk"),
            Self::G3 => ("g3pk", "g3sk"),
        }
    }
}

pub(super) fn key_attributes(key: &Key) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(key.pk.clone())),
        ("sk".to_owned(), AttributeValue::S(key.sk.clone())),
    ])
}
