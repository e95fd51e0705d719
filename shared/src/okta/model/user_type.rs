//! User types, and the schemas of their profiles.

use crate::okta::{SchemaId, null};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A user type.
#[derive(Clone, Debug, Deserialize)]
pub struct UserType {
    /// `oty…`
    pub id: String,
    /// Its name, which never changes.
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "null::as_default")]
    default: bool,
    #[serde(default, rename = "_links", deserialize_with = "null::as_default")]
    links: Links,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Links {
    #[serde(default, deserialize_with = "null::as_default")]
    schema: Schema,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Schema {
    #[serde(default, deserialize_with = "null::as_default")]
    href: String,
}

/// The schema of a user type's profiles, as far as it is the customer's own.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct UserSchema {
    #[serde(default, deserialize_with = "null::as_default")]
    definitions: Definitions,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Definitions {
    #[serde(default, deserialize_with = "null::as_default")]
    custom: Custom,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Custom {
    #[serde(default, deserialize_with = "null::as_default")]
    properties: BTreeMap<String, Attribute>,
}

/// An attribute of a profile.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Attribute {
    /// What people call it.
    #[serde(default)]
    pub title: Option<String>,
}

impl UserType {
    /// The schema of its profiles.
    pub fn schema(&self) -> Option<SchemaId> {
        let id = if self.default { "default" } else { self.links.schema.href.rsplit('/').next()? };
        SchemaId::parse(id).ok()
    }
}

impl UserSchema {
    /// The attributes that are not Okta's own, by name.
    pub fn custom(self) -> BTreeMap<String, Attribute> {
        self.definitions.custom.properties
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_type_names_its_schema_and_a_schema_the_customers_own_attributes() {
        let href = "https://acme.okta.com/api/v1/meta/schemas/user/osc1";
        for (body, schema) in [
            (json!({"id": "oty1", "default": true, "_links": {"schema": {"href": href}}}), Some("default")),
            (json!({"id": "oty2", "default": false, "_links": {"schema": {"href": href}}}), Some("osc1")),
            (json!({"id": "oty3", "default": null, "_links": null}), None),
        ] {
            let user_type: UserType = serde_json::from_value(body).expect("a type");
            assert_eq!(user_type.schema().as_ref().map(SchemaId::as_str), schema);
        }
        let body = json!({"definitions": {"base": {}, "custom": {"properties": {"remote": {"title": "Remote", "x": 1}, "a": {}}}}});
        let schema: UserSchema = serde_json::from_value(body).expect("a schema");
        let titles: Vec<_> = schema.custom().into_iter().map(|(name, it)| (name, it.title)).collect();
        assert_eq!(titles, [("a".to_owned(), None), ("remote".to_owned(), Some("Remote".to_owned()))]);
        assert!(serde_json::from_value::<UserSchema>(json!({"definitions": null})).expect("one").custom().is_empty());
    }
}
