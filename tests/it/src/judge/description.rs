//! The description as a table of operations: Okta's document, completed by `own.json` and the lists.

use super::By;
use super::body::JSON;
use super::convert::Direction;
use super::lists::PARAMETERS_OKTA_TAKES;
use super::schema::{Components, Schema};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The operations that the description lacks, in the same dialect. `x-judged-by` says where each is known from.
const OWN: &str = include_str!("own.json");

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Everything the judge knows.
pub(super) struct Description {
    operations: Vec<Operation>,
    pub(super) components: Components,
    /// The one shape of Okta's errors, and the other one of OAuth.
    pub(super) okta_error: Schema,
    pub(super) oauth_error: Schema,
}

/// One method of one path.
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) template: String,
    pub(super) by: By,
    /// Whether it is called without credentials, or with others than a token.
    pub(super) public: bool,
    pub(super) parameters: Vec<Parameter>,
    pub(super) request: Option<Body>,
    /// By status; a status without a body is there with `None`.
    pub(super) responses: BTreeMap<u16, Option<Body>>,
}

/// One query parameter.
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) required: bool,
    /// `integer`, `boolean`, else it is judged as a string.
    pub(super) kind: String,
    pub(super) schema: Schema,
}

/// One body.
pub(super) struct Body {
    pub(super) required: bool,
    pub(super) media_type: String,
    pub(super) schema: Schema,
}

impl Description {
    /// From the parsed document.
    pub(super) fn new(mut document: Value) -> Self {
        let own: Value = serde_json::from_str(OWN).expect("own.json is JSON");
        for part in ["/paths", "/components/schemas"] {
            let known = document.pointer_mut(part).and_then(Value::as_object_mut).expect("a description has this part");
            let own = own.pointer(part).and_then(Value::as_object).expect("own.json has this part");
            for (name, value) in own {
                assert!(known.insert(name.clone(), value.clone()).is_none(), "the description knows {name} by now");
            }
        }
        let reference = |name| serde_json::json!({"$ref": format!("#/components/schemas/{name}")});
        Self {
            operations: operations(&document),
            components: Components::new(object(&document["components"]["schemas"])),
            okta_error: Schema::new(&reference("OktaError"), Direction::Response),
            oauth_error: Schema::new(&reference("OAuthError"), Direction::Response),
        }
    }

    /// The operation of that method whose template fits the path; of several, the one with the earliest literal segment.
    pub(super) fn find(&self, method: &str, path: &str) -> Result<&Operation, String> {
        let mut fitting: Vec<_> = self.operations.iter().filter(|operation| fits(&operation.template, path)).collect();
        fitting.sort_by_key(|operation| wildcards(&operation.template));
        let Some(best) = fitting.first() else { return Err(format!("{method} {path}: no such path")) };
        let best = &best.template;
        let found = fitting.iter().find(|operation| operation.template == *best && operation.method == method);
        found.copied().ok_or_else(|| format!("{method} {path}: {best} has no such method"))
    }
}

/// Which segments of a template are parameters. Sorted, it puts literals before parameters, the first segment first.
fn wildcards(template: &str) -> Vec<bool> {
    template.split('/').map(|segment| segment.starts_with('{')).collect()
}

/// An empty or dotted segment fits nothing: clients drop such segments, and then it is another path.
fn fits(template: &str, path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    let fits = |expected: &str, segment: &str| match segment {
        "" | "." | ".." => false,
        segment => expected.starts_with('{') || expected == segment,
    };
    template.split('/').skip(1).all(|expected| segments.next().is_some_and(|segment| fits(expected, segment)))
        && segments.next().is_none()
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (template, item) in object(&document["paths"]) {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                operations.push(read_operation(document, template, method, operation));
            }
        }
    }
    operations
}

fn read_operation(document: &Value, template: &str, method: &str, operation: &Value) -> Operation {
    let method = method.to_ascii_uppercase();
    let by = match operation["x-judged-by"].as_str() {
        None => By::Description,
        Some("recording") => By::Recording,
        Some(_) => By::OwnSchema,
    };
    let closed = |body: Body, schema: &Value| {
        // The variants of a schema with a discriminator have properties that it does not name.
        let open = resolve(document, schema).get("discriminator").is_some();
        if open { body } else { Body { schema: body.schema.closed(), ..body } }
    };
    let responses = object(&operation["responses"]).iter().map(|(status, response)| {
        let status = status.parse().expect("the description names each status");
        (status, read_body(resolve(document, response), Direction::Response).map(|(body, _)| body))
    });
    Operation {
        by,
        public: operation["security"].as_array().is_some_and(Vec::is_empty),
        parameters: read_parameters(document, template, &method, operation),
        request: operation
            .get("requestBody")
            .and_then(|body| read_body(body, Direction::Request))
            .map(|(body, schema)| closed(body, schema)),
        responses: responses.collect(),
        template: template.to_owned(),
        method,
    }
}

/// The described query parameters, with those of the list added or put in their place.
fn read_parameters(document: &Value, template: &str, method: &str, operation: &Value) -> Vec<Parameter> {
    let described = operation["parameters"].as_array().into_iter().flatten();
    let mut parameters: Vec<_> = described
        .map(|parameter| resolve(document, parameter))
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| {
            let name = parameter["name"].as_str().expect("a parameter has a name");
            read_parameter(document, name, parameter["required"] == true, &parameter["schema"])
        })
        .collect();
    for known in PARAMETERS_OKTA_TAKES.iter().filter(|known| known.method == method && known.template == template) {
        parameters.retain(|parameter| parameter.name != known.name);
        let schema = serde_json::from_str(known.schema).expect("a listed parameter has a JSON schema");
        parameters.push(read_parameter(document, known.name, false, &schema));
    }
    parameters
}

fn read_parameter(document: &Value, name: &str, required: bool, schema: &Value) -> Parameter {
    Parameter {
        name: name.to_owned(),
        required,
        kind: resolve(document, schema)["type"].as_str().unwrap_or("string").to_owned(),
        schema: Schema::new(schema, Direction::Request),
    }
}

/// The first media type of a request's or response's content; the description never offers two.
fn read_body(holder: &Value, direction: Direction) -> Option<(Body, &Value)> {
    let (media_type, content) = holder.get("content")?.as_object()?.iter().next()?;
    let schema = content.get("schema")?;
    assert!(media_type == JSON || direction == Direction::Request, "only requests are anything but JSON");
    let body = Body {
        required: holder["required"] == true,
        media_type: media_type.clone(),
        schema: Schema::new(schema, direction),
    };
    Some((body, schema))
}

/// The value itself, or what it refers to inside the document.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere"),
        None => value,
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("the description has an object here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_segment_by_segment() {
        let table = [
            ("/api/v1/users", "/api/v1/users", true),
            ("/api/v1/users/{id}", "/api/v1/users/a%40b", true),
            ("/api/v1/users/{id}", "/api/v1/users", false),
            ("/api/v1/users/{id}", "/api/v1/users/", false),
            ("/api/v1/users", "/api/v1/users/", false),
            ("/api/v1/groups/{g}/users/{u}", "/api/v1/groups//users/00u1", false),
            ("/api/v1/groups/{g}/users/{u}", "/api/v1/groups/../users/00u1", false),
            ("/api/v1/users/{id}", "//api/v1/users/00u1", false),
        ];
        for (template, path, expected) in table {
            assert_eq!(fits(template, path), expected, "{template} {path}");
        }
    }

    #[test]
    fn a_literal_segment_is_nearer_than_a_parameter() {
        assert!(wildcards("/meta/schemas/user/linkedObjects") < wildcards("/meta/schemas/user/{schemaId}"));
        assert!(wildcards("/a/b/{c}") < wildcards("/a/{b}/c"));
    }
}
