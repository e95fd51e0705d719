//! Okta's objects as they are told: Okta's own JSON, without links, embedded objects and credentials.

use crate::okta::{AppId, GroupId, UserId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What is never told.
const LEFT_OUT: [&str; 3] = ["_links", "_embedded", "credentials"];

/// One of Okta's objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Map<String, Value>")]
pub struct Object(Map<String, Value>);

impl From<Map<String, Value>> for Object {
    fn from(mut members: Map<String, Value>) -> Self {
        members.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
        Self(members)
    }
}

impl JsonSchema for Object {
    fn schema_name() -> Cow<'static, str> {
        "OktaObject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": true,
            "description": "As Okta tells it, without _links, _embedded and credentials.",
        })
    }
}

impl Object {
    /// A text, empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A member of its profile.
    pub fn profile(&self, name: &str) -> Option<&Value> {
        self.0.get("profile")?.get(name)
    }

    fn profile_text(&self, name: &str) -> &str {
        self.profile(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Any member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// With no more than these members; `profile.x` is a member of a member. What identifies it always stays.
    #[must_use]
    pub fn project(self, fields: &[String]) -> Self {
        let mut kept = Map::new();
        for (name, value) in self.0 {
            let whole = matches!(name.as_str(), "id" | "uuid") || fields.contains(&name);
            let below = || fields.iter().filter_map(|field| field.strip_prefix(&name)?.strip_prefix('.')).collect();
            if whole {
                kept.insert(name, value);
            } else if let Value::Object(mut members) = value {
                let below: Vec<&str> = below();
                members.retain(|member, _| below.contains(&member.as_str()));
                if !below.is_empty() {
                    kept.insert(name, members.into());
                }
            }
        }
        Self(kept)
    }
}

/// A user, as far as an action needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "UserReference")]
pub struct User {
    /// Okta's id.
    pub id: String,
    /// The login.
    pub login: String,
    /// The status: one of Okta's eight.
    pub status: String,
}

/// A group, as far as an action needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "GroupReference")]
pub struct Group {
    /// Okta's id.
    pub id: String,
    /// The name.
    pub name: String,
}

/// An app, as far as an action needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "AppReference")]
pub struct App {
    /// Okta's id.
    pub id: String,
    /// The label.
    pub label: String,
}

impl User {
    /// Of an object of Okta's.
    pub fn of(object: &Object) -> Self {
        Self {
            id: object.text("id").to_owned(),
            login: object.profile_text("login").to_owned(),
            status: object.text("status").to_owned(),
        }
    }
}

impl Group {
    /// Of an object of Okta's.
    pub fn of(object: &Object) -> Self {
        Self { id: object.text("id").to_owned(), name: object.profile_text("name").to_owned() }
    }
}

impl App {
    /// Of an object of Okta's.
    pub fn of(object: &Object) -> Self {
        Self { id: object.text("id").to_owned(), label: object.text("label").to_owned() }
    }
}

/// An object that was found, and the id by which all later calls name it.
#[derive(Clone)]
pub struct Found<Id> {
    /// Its id.
    pub id: Id,
    /// As Okta tells it.
    pub object: Object,
}

impl Found<UserId> {
    /// Its status.
    pub fn status(&self) -> &str {
        self.object.text("status")
    }

    /// For an answer.
    pub fn user(&self) -> User {
        User::of(&self.object)
    }
}

impl Found<GroupId> {
    /// For an answer.
    pub fn group(&self) -> Group {
        Group::of(&self.object)
    }
}

impl Found<AppId> {
    /// For an answer.
    pub fn app(&self) -> App {
        App::of(&self.object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Object {
        serde_json::from_value(value).expect("an object")
    }

    #[test]
    fn links_embedded_objects_and_credentials_are_left_out() {
        let user = object(json!({"id": "00u1", "_links": {}, "_embedded": {}, "credentials": {"provider": {}}}));
        assert_eq!(user, object(json!({"id": "00u1"})));
    }

    #[test]
    fn a_projection_keeps_the_id_and_what_is_named() {
        let user =
            json!({"id": "00u1", "status": "ACTIVE", "profile": {"login": "a", "city": "Oslo"}, "type": {"id": "oty"}});
        for (fields, expected) in [
            (&["status"][..], json!({"id": "00u1", "status": "ACTIVE"})),
            (&["profile.city", "nothing"], json!({"id": "00u1", "profile": {"city": "Oslo"}})),
            (&["profile", "profile.city"], json!({"id": "00u1", "profile": {"login": "a", "city": "Oslo"}})),
            (&[], json!({"id": "00u1"})),
        ] {
            let fields: Vec<_> = fields.iter().map(|field| (*field).to_owned()).collect();
            assert_eq!(object(user.clone()).project(&fields), object(expected));
        }
    }
}
