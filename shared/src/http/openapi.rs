//! The description of the whole API, as OpenAPI 3.1: of the routes as they are registered, and of the actions as they are
//! listed.

mod operation;

use super::route::{Access, Operation, SchemaOf, Verb};
use super::{action, audit, connect, directory, events, mcp, public, test};
use crate::problem::Problem;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::sync::LazyLock;

/// Where schemas of what is read are told apart from those of what is written, until both are known.
const INPUTS: &str = "#/components/inputs/";
const SCHEMAS: &str = "#/components/schemas/";

const ABOUT: &str = "Connects your Okta tenants to the rest of your company. Lists answer `items` and a `next_cursor`, \
    which leads to the next page of the same query. Errors are problem documents (RFC 9457). Times are RFC 3339, in UTC. \
    Answers that API Gateway gives before this service is asked have a body of their own, with a `message`.";

/// The description as JSON, which never changes while a program runs.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));
    &TEXT
}

/// All routes of all functions, as they are described.
fn operations() -> Vec<Operation> {
    let mut all = connect::routes().operations();
    all.extend(test::routes().operations());
    all.extend(action::routes().operations());
    all.extend(mcp::routes().operations());
    all.extend(directory::routes().operations());
    all.extend(audit::routes().operations());
    all.extend(events::routes().operations());
    all.extend(public::routes().operations());
    all
}

/// True for a path to which only admins may send a POST.
pub(super) fn is_for_admins(path: &str) -> bool {
    static PATHS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let posts = operations().into_iter().filter(|it| it.verb == Verb::Post && it.access == Access::Admin);
        posts.map(|operation| operation.path).collect()
    });
    PATHS.contains(path)
}

/// The description.
pub(super) fn document() -> Value {
    let mut types = Types::new();
    let (mut paths, mut tags) = (Map::new(), Vec::new());
    let mut put = |path: &str, method: &str, told: Value| {
        paths.entry(path).or_insert_with(|| json!({}))[method] = told;
    };
    for route in operations() {
        let tag = json!({"name": route.section});
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        put(route.path, &route.verb.name().to_lowercase(), operation::of_route(&route, &mut types));
    }
    for entry in crate::action::list() {
        let path = format!("/v1/connections/{{id}}/actions/{}", entry.name);
        put(&path, "post", operation::of_action(entry, &mut types));
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Okta Connector",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"role": []}],
        "tags": tags,
        "paths": paths,
        "components": operation::components(),
    });
    types.finish(&mut document);
    tidy(&mut document);
    document
}

/// Writes schemas as generators of clients read them: an enum as `enum`, no description that is null, and as defaults only
/// plain values. A default of null makes some take the member for required, and one that is an object makes others leave
/// the whole operation out.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, is_odd) in [
                ("description", Value::is_null as fn(&Value) -> bool),
                ("default", |value| value.is_null() || value.is_object()),
            ] {
                if members.get(name).is_some_and(is_odd) {
                    members.remove(name);
                }
            }
            if let Some((values, described)) = members.get("oneOf").and_then(constants) {
                members.remove("oneOf");
                members.insert("type".to_owned(), "string".into());
                members.insert("enum".to_owned(), values.into());
                let own = members.get("description").and_then(Value::as_str).unwrap_or_default();
                let parts: Vec<_> = [own, &described].into_iter().filter(|text| !text.is_empty()).collect();
                let description = parts.join("\n");
                members.insert("description".to_owned(), description.into());
            }
            for (name, member) in members.iter_mut() {
                match member {
                    // Members of a type may have any name.
                    Value::Object(properties) if name == "properties" => properties.values_mut().for_each(tidy),
                    member => tidy(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// The values of a choice among documented texts, and a line about each.
fn constants(choice: &Value) -> Option<(Vec<Value>, String)> {
    let mut values = Vec::new();
    let mut lines = Vec::new();
    for one in choice.as_array()? {
        let value = one.get("const").filter(|value| value.is_string())?;
        if let Some(about) = one["description"].as_str() {
            lines.push(format!("- `{}`: {about}", value.as_str().unwrap_or_default()));
        }
        values.push(value.clone());
    }
    (!values.is_empty()).then(|| (values, lines.join("\n")))
}

/// The types that the description names.
struct Types {
    inputs: SchemaGenerator,
    outputs: SchemaGenerator,
    actions: Map<String, Value>,
    answers: Map<String, Value>,
}

impl Types {
    fn new() -> Self {
        let settings = |path: &str| {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = path.trim_start_matches('#').trim_end_matches('/').to_owned().into();
                settings.meta_schema = None;
            })
        };
        Self {
            inputs: settings(INPUTS).into_generator(),
            outputs: settings(SCHEMAS).for_serialize().into_generator(),
            actions: Map::new(),
            answers: Map::new(),
        }
    }

    /// What is read.
    fn input(&mut self, schema: SchemaOf) -> Value {
        schema(&mut self.inputs).to_value()
    }

    /// What is written.
    fn output(&mut self, schema: SchemaOf) -> Value {
        schema(&mut self.outputs).to_value()
    }

    fn problem(&mut self) -> Value {
        self.outputs.subschema_for::<Problem>().to_value()
    }

    /// A type under a name of its own.
    fn name(&mut self, name: String, schema: Value) -> Value {
        let reference = json!({"$ref": format!("{SCHEMAS}{name}")});
        self.actions.insert(name, schema);
        reference
    }

    /// An answer that several operations share; another one of the same name is told where it is answered.
    fn answer(&mut self, name: &str, told: Value) -> Value {
        let known = self.answers.entry(name).or_insert_with(|| told.clone());
        if *known == told { json!({"$ref": format!("#/components/responses/{name}")}) } else { told }
    }

    /// Puts all types into the description. One that is read in another way than it is written gets a second name.
    fn finish(mut self, document: &mut Value) {
        let mut schemas = self.outputs.take_definitions(true);
        schemas.append(&mut self.actions);
        let mut second = Vec::new();
        for (name, schema) in self.inputs.take_definitions(true) {
            match schemas.get(&name) {
                Some(same) if *same == schema => {}
                Some(_) => {
                    schemas.insert(format!("{name}Input"), schema);
                    second.push(name);
                }
                None => {
                    schemas.insert(name, schema);
                }
            }
        }
        document["components"]["schemas"] = schemas.into();
        document["components"]["responses"] = self.answers.into();
        rename(document, &second);
    }
}

/// Has every reference lead to where its type stands.
fn rename(value: &mut Value, second: &[String]) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some(name) = reference.strip_prefix(INPUTS)
            {
                let suffix = if second.iter().any(|it| it == name) { "Input" } else { "" };
                *reference = format!("{SCHEMAS}{name}{suffix}");
            }
            members.values_mut().for_each(|member| rename(member, second));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, second)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
