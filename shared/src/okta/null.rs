//! Okta writes null where it has nothing to say: read as if it had said nothing.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The value, or the default one for null.
pub fn as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The value, or the default one for a value of another type: for optional members that must not spoil their object. For JSON
/// documents alone.
pub fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(serde_json::from_str(Box::<RawValue>::deserialize(deserializer)?.get()).unwrap_or_default())
}

/// The elements of a list that can be read; none where it is no list. For JSON documents alone.
pub fn each_readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list: Vec<Box<RawValue>> = lenient(deserializer)?;
    Ok(list.iter().filter_map(|element| serde_json::from_str(element.get()).ok()).collect())
}
