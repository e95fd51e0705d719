//! A schema that is compiled when it is first needed, then kept.

use super::convert::{self, Direction};
use jsonschema::{Registry, Validator};
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// More complaints than this about one body say no more.
const ENOUGH: usize = 12;

/// The longest a complaint may be: the validator quotes whole values.
const LONGEST: usize = 400;

/// The components that references resolve into, for both directions.
pub(super) struct Components(Registry<'static>);

impl Components {
    pub(super) fn new(schemas: &Map<String, Value>) -> Self {
        let builder = [Direction::Request, Direction::Response].into_iter().fold(Registry::new(), |builder, way| {
            builder.add(way.uri(), convert::components(schemas, way)).expect("the name of a resource is a URI")
        });
        Self(builder.prepare().expect("the description's references resolve"))
    }
}

/// One schema of the description.
pub(super) struct Schema {
    root: Value,
    validator: OnceLock<Validator>,
}

impl Schema {
    /// From a schema of the OpenAPI dialect.
    pub(super) fn new(openapi: &Value, direction: Direction) -> Self {
        Self { root: convert::schema(openapi, direction), validator: OnceLock::new() }
    }

    /// The same, refusing properties that it does not know at the top.
    pub(super) fn closed(self) -> Self {
        Self { root: json!({"allOf": [self.root], "unevaluatedProperties": false}), validator: OnceLock::new() }
    }

    /// What is wrong with the value.
    pub(super) fn complaints(&self, components: &Components, value: &Value) -> Vec<String> {
        let validator = self.validator.get_or_init(|| {
            jsonschema::options()
                .offline()
                .with_registry(&components.0)
                .should_validate_formats(true)
                .should_ignore_unknown_formats(true)
                .build(&self.root)
                .expect("a schema of the description compiles")
        });
        // The quick answer first: nearly all values are valid.
        if validator.is_valid(value) {
            return Vec::new();
        }
        let complaint = |error: jsonschema::ValidationError<'_>| {
            let text: String = error.to_string().chars().take(LONGEST).collect();
            format!("{}: {text}", error.instance_path())
        };
        validator.iter_errors(value).take(ENOUGH).map(complaint).collect()
    }
}
