//! Okta writes null where it has nothing to say: read as if it had said nothing.

use serde::{Deserialize, Deserializer};

/// The value, or the default one for null.
pub fn as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
