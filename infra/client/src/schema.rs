//! Reading the schema of an action's input, for whoever makes arguments or a form of it.

use serde_json::Value;

/// The properties of an object's schema, by name.
pub fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    schema["properties"].as_object().into_iter().flatten().map(|(name, property)| (name.as_str(), property))
}

/// The one type that a property has beside null.
pub fn type_of(property: &Value) -> &str {
    let types = property["type"].as_array().map_or_else(|| vec![&property["type"]], |types| types.iter().collect());
    types.into_iter().filter_map(Value::as_str).find(|it| *it != "null").unwrap_or("string")
}

/// True for a list of texts.
pub fn is_list_of_text(property: &Value) -> bool {
    type_of(property) == "array" && property["items"]["type"] == "string"
}

/// True for what nobody may look at while it is written.
pub fn is_password(property: &Value) -> bool {
    property["format"] == "password"
}
