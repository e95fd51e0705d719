//! The bodies that set up a connection, as they are described to callers. They are read by less: what is wrong with one
//! way to sign in is told without the others.

use super::input::{ApiToken, AuthorizationCode, ChangeAuth, NewConnection, PATCHED, PrivateKeyJwt};
use crate::connection::Settings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

/// The schema of a new connection.
pub fn new_connection(schemas: &mut SchemaGenerator) -> Schema {
    with_auth(NewConnection::json_schema(schemas), schemas)
}

/// The schema of another way to sign in.
pub fn change_auth(schemas: &mut SchemaGenerator) -> Schema {
    with_auth(ChangeAuth::json_schema(schemas), schemas)
}

fn with_auth(mut schema: Schema, schemas: &mut SchemaGenerator) -> Schema {
    let ways = [
        schemas.subschema_for::<ApiToken>(),
        schemas.subschema_for::<PrivateKeyJwt>(),
        schemas.subschema_for::<AuthorizationCode>(),
    ];
    if let Some(auth) = schema.pointer_mut("/properties/auth") {
        *auth = json!({"description": "How to sign in.", "oneOf": ways});
    }
    schema
}

/// The schema of a merge patch of the settings: everything may be left out, and null is the documented value.
pub fn patch(schemas: &mut SchemaGenerator) -> Schema {
    let mut schema = Settings::json_schema(schemas);
    schema.remove("required");
    schema.insert("additionalProperties".to_owned(), false.into());
    for name in PATCHED.iter().filter(|name| **name != "name") {
        if let Some(member) = schema.pointer_mut(&format!("/properties/{name}")) {
            let described = member["description"].take();
            *member = json!({"description": described, "anyOf": [member.take(), {"type": "null"}]});
        }
    }
    schema
}
