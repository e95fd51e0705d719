//! The keys behind a connection's public key URL, and their rotation: which one signs is a matter of time alone.
//!
//! Okta caches what it fetched and does not say for how long; so a new key is published a while before it signs, and
//! the old one stays published for as long after.

use crate::okta::{SigningKey, Unusable};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The public half of a key and its times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostedKey {
    /// Its RFC 7638 thumbprint.
    pub key_id: String,
    /// What Okta fetches.
    pub jwk: Value,
    /// From when it signs, until a later key does.
    pub signs_from: Timestamp,
    /// From when it is no longer published.
    pub unpublished_at: Option<Timestamp>,
}

/// What a key is for at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It signs.
    Signing,
    /// It will sign; Okta has time to fetch it.
    Published,
    /// It has signed; Okta has time to forget it.
    Retiring,
}

impl HostedKey {
    /// A key that signs from `signs_from` on.
    pub fn new(key: &SigningKey, signs_from: Timestamp) -> Result<Self, Unusable> {
        let jwk = key.public_jwk()?;
        let key_id = jwk.common.key_id.clone().unwrap_or_default();
        let jwk = serde_json::to_value(jwk).map_err(|_| Unusable("the key cannot be published"))?;
        Ok(Self { key_id, jwk, signs_from, unpublished_at: None })
    }

    /// Its state among all keys of its connection; `None` once it is no longer published.
    pub fn state(&self, all: &[Self], now: Timestamp) -> Option<KeyState> {
        if !self.is_published(now) {
            return None;
        }
        if self.signs_from > now {
            return Some(KeyState::Published);
        }
        let current =
            all.iter().filter(|key| key.signs_from <= now && key.is_published(now)).max_by_key(|key| key.signs_from);
        let signs = current.is_some_and(|key| key.key_id == self.key_id);
        Some(if signs { KeyState::Signing } else { KeyState::Retiring })
    }

    fn is_published(&self, now: Timestamp) -> bool {
        self.unpublished_at.is_none_or(|at| now < at)
    }
}

/// The keys after a rotation: the new one signs after `overlap`, the others are unpublished `overlap` later. Keys that
/// are no longer published are dropped.
pub fn rotate(keys: &[HostedKey], mut new: HostedKey, overlap: SignedDuration, now: Timestamp) -> Vec<HostedKey> {
    let later = |from: Timestamp| from.checked_add(overlap).unwrap_or(Timestamp::MAX);
    new.signs_from = later(now);
    let unpublished_at = later(new.signs_from);
    let mut rotated: Vec<_> = keys.iter().filter(|key| key.is_published(now)).cloned().collect();
    for key in &mut rotated {
        key.unpublished_at = Some(key.unpublished_at.map_or(unpublished_at, |at| at.min(unpublished_at)));
    }
    rotated.retain(|key| key.is_published(now));
    rotated.push(new);
    rotated
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);
    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn key(key_id: &str, signs_from: Timestamp) -> HostedKey {
        HostedKey { key_id: key_id.to_owned(), jwk: Value::Null, signs_from, unpublished_at: None }
    }

    fn states(keys: &[HostedKey], now: Timestamp) -> Vec<(&str, Option<KeyState>)> {
        keys.iter().map(|key| (key.key_id.as_str(), key.state(keys, now))).collect()
    }

    #[test]
    fn a_new_key_is_published_signs_after_the_overlap_and_the_old_one_stays_as_long() {
        use KeyState::{Published, Retiring, Signing};
        let keys = rotate(&[key("old", NOW)], key("new", NOW), DAY, NOW);
        let hours = |n| NOW + SignedDuration::from_hours(n);
        assert_eq!(states(&keys, hours(0)), [("old", Some(Signing)), ("new", Some(Published))]);
        assert_eq!(states(&keys, hours(23)), [("old", Some(Signing)), ("new", Some(Published))]);
        assert_eq!(states(&keys, hours(24)), [("old", Some(Retiring)), ("new", Some(Signing))]);
        assert_eq!(states(&keys, hours(48)), [("old", None), ("new", Some(Signing))]);
    }

    #[test]
    fn without_overlap_the_new_key_signs_at_once_and_the_old_is_gone() {
        let keys = rotate(&[key("old", NOW)], key("new", NOW), SignedDuration::ZERO, NOW);
        assert_eq!(states(&keys, NOW), [("new", Some(KeyState::Signing))]);
    }
}
