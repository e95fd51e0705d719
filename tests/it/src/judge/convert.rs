//! From the schemas of OpenAPI 3.0, a dialect of an early JSON Schema, to JSON Schema 2020-12.

use super::lists::NULLS_OKTA_SENDS;
use serde_json::{Map, Value, json};

/// Which way a body travels: it decides whether `readOnly` or `writeOnly` properties may be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Response,
}

impl Direction {
    /// Where the converted components of this direction are registered.
    pub(super) fn uri(self) -> &'static str {
        match self {
            Self::Request => "urn:okta:requests",
            Self::Response => "urn:okta:responses",
        }
    }

    /// The mark of a property that must not travel this way.
    fn forbids(self) -> &'static str {
        match self {
            Self::Request => "readOnly",
            Self::Response => "writeOnly",
        }
    }
}

/// What means the same in both dialects. The rest is handled here or says nothing about validity: `description`,
/// `example`, `discriminator`, `x-…`.
const SAME: [&str; 15] = [
    "type",
    "enum",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
];

/// The document that references resolve into: the description's `components.schemas`, converted.
pub(super) fn components(schemas: &Map<String, Value>, direction: Direction) -> Value {
    let convert = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        match direction {
            Direction::Request => allow_overlap(&mut schema, schemas),
            Direction::Response => allow_nulls(name, &mut schema),
        }
        (name.clone(), self::schema(&schema, direction))
    };
    json!({"components": {"schemas": schemas.iter().map(convert).collect::<Map<_, _>>()}})
}

/// Converts one schema with all below it.
pub(super) fn schema(schema: &Value, direction: Direction) -> Value {
    let Some(schema) = schema.as_object() else { return schema.clone() };
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        // In this dialect a reference stands alone: what is beside it does not count.
        return json!({"$ref": format!("{}{reference}", direction.uri())});
    }
    let mut converted: Map<_, _> =
        SAME.iter().filter_map(|key| Some(((*key).to_owned(), schema.get(*key)?.clone()))).collect();
    for key in ["items", "additionalProperties", "not"] {
        if let Some(inner) = schema.get(key) {
            converted.insert(key.to_owned(), self::schema(inner, direction));
        }
    }
    // The variants of an answer overlap (a custom role fits the standard one too), and only their discriminator, which
    // says nothing about validity, tells them apart: one that fits is enough.
    let one_of = if direction == Direction::Response { "anyOf" } else { "oneOf" };
    for (key, becomes) in [("allOf", "allOf"), ("oneOf", one_of), ("anyOf", "anyOf")] {
        if let Some(Value::Array(inner)) = schema.get(key) {
            converted.insert(becomes.to_owned(), inner.iter().map(|inner| self::schema(inner, direction)).collect());
        }
    }
    if let Some(Value::Object(inner)) = schema.get("properties") {
        convert_properties(inner, direction, &mut converted);
    }
    convert_exclusive_bounds(schema, &mut converted);
    if schema.get("nullable") == Some(&Value::Bool(true)) { nullable(converted) } else { Value::Object(converted) }
}

/// A property that must not travel this way is forbidden, and with it the demand that it be there.
fn convert_properties(properties: &Map<String, Value>, direction: Direction, converted: &mut Map<String, Value>) {
    let forbidden = |schema: &Value| schema.get(direction.forbids()) == Some(&Value::Bool(true));
    let convert = |(name, schema): (&String, &Value)| {
        let converted = if forbidden(schema) { Value::Bool(false) } else { self::schema(schema, direction) };
        (name.clone(), converted)
    };
    converted.insert("properties".to_owned(), properties.iter().map(convert).collect());
    if let Some(Value::Array(required)) = converted.get_mut("required") {
        required.retain(|name| !name.as_str().and_then(|name| properties.get(name)).is_some_and(forbidden));
    }
}

/// `minimum: 1, exclusiveMinimum: true` becomes `exclusiveMinimum: 1`.
fn convert_exclusive_bounds(schema: &Map<String, Value>, converted: &mut Map<String, Value>) {
    for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if schema.get(exclusive) == Some(&Value::Bool(true))
            && let Some(value) = converted.remove(bound)
        {
            converted.insert(exclusive.to_owned(), value);
        }
    }
}

fn nullable(mut schema: Map<String, Value>) -> Value {
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    match schema.remove("type") {
        Some(kind) => schema.insert("type".to_owned(), json!([kind, "null"])),
        None => return json!({"anyOf": [schema, {"type": "null"}]}),
    };
    Value::Object(schema)
}

/// Variants that demand nothing all fit a body that has only another's members: of those, one that fits is enough.
fn allow_overlap(schema: &mut Value, schemas: &Map<String, Value>) {
    let component = |variant: &Value| schemas.get(variant["$ref"].as_str()?.rsplit('/').next()?);
    let demands = |variant: &Value| component(variant).is_none_or(|schema| schema.get("required").is_some());
    let Some(members) = schema.as_object_mut() else { return };
    if let Some(variants) = members.remove("oneOf") {
        let demanding = variants.as_array().into_iter().flatten().any(demands);
        members.insert(if demanding { "oneOf" } else { "anyOf" }.to_owned(), variants);
    }
}

/// Applies [`NULLS_OKTA_SENDS`] to the schema of that name.
fn allow_nulls(name: &str, schema: &mut Value) {
    for null in NULLS_OKTA_SENDS.iter().filter(|null| null.schema == name) {
        let field = schema
            .pointer_mut(&format!("/properties/{}", null.field.replace('.', "/properties/")))
            .unwrap_or_else(|| panic!("{name} has no field {}, so it cannot be null", null.field));
        *field = json!({"nullable": true, "allOf": [field.take()]});
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_dialect_is_translated() {
        let table = [
            (json!({"type": "string", "nullable": true, "example": "a"}), json!({"type": ["string", "null"]})),
            (
                json!({"type": "string", "enum": ["a"], "nullable": true}),
                json!({"type": ["string", "null"], "enum": ["a", null]}),
            ),
            (json!({"nullable": true, "allOf": [true]}), json!({"anyOf": [{"allOf": [true]}, {"type": "null"}]})),
            (
                json!({"type": "integer", "minimum": 1, "exclusiveMinimum": true}),
                json!({"type": "integer", "exclusiveMinimum": 1}),
            ),
            (json!({"minimum": 1, "exclusiveMinimum": false}), json!({"minimum": 1})),
            (
                json!({"$ref": "#/components/schemas/A", "nullable": true}),
                json!({"$ref": "urn:okta:responses#/components/schemas/A"}),
            ),
            (json!({"type": "object", "discriminator": {"propertyName": "type"}}), json!({"type": "object"})),
        ];
        for (openapi, expected) in table {
            assert_eq!(schema(&openapi, Direction::Response), expected, "{openapi}");
        }
    }

    #[test]
    fn a_property_travels_only_the_way_it_may() {
        let openapi = json!({
            "properties": {"id": {"type": "string", "readOnly": true}, "secret": {"type": "string", "writeOnly": true}},
            "required": ["id", "secret"],
        });
        let string = json!({"type": "string"});
        assert_eq!(
            schema(&openapi, Direction::Request),
            json!({"properties": {"id": false, "secret": string}, "required": ["secret"]})
        );
        assert_eq!(
            schema(&openapi, Direction::Response),
            json!({"properties": {"id": string, "secret": false}, "required": ["id"]})
        );
    }

    #[test]
    fn variants_that_demand_nothing_may_overlap_in_a_request() {
        let variant = |name| json!({"$ref": format!("#/components/schemas/{name}")});
        let schemas = json!({
            "Name": {"properties": {"name": {"type": "string"}}},
            "Id": {"required": ["id"]},
            "Free": {"oneOf": [variant("Name"), variant("Name")]},
            "Bound": {"oneOf": [variant("Name"), variant("Id")]},
        });
        let converted = components(schemas.as_object().expect("schemas"), Direction::Request);
        let schemas = &converted["components"]["schemas"];
        assert!(schemas["Free"]["anyOf"].is_array() && schemas["Free"].get("oneOf").is_none());
        assert!(schemas["Bound"]["oneOf"].is_array() && schemas["Bound"].get("anyOf").is_none());
    }
}
