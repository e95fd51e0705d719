//! What the service promises: each of its answers is held against its own description, `infra/openapi.json`.

use http::HeaderMap;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The service's own description, read to be held against its answers.
pub struct Promise {
    document: Value,
    /// The types, which may hold nothing that is not told of them.
    schemas: Value,
    /// By content type and place in the description.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// What the service was asked and what it answered.
pub struct Answered<'a> {
    /// The method.
    pub method: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// The status.
    pub status: u16,
    /// The answer's headers.
    pub headers: &'a HeaderMap,
    /// The answer's body.
    pub body: &'a Value,
}

impl Promise {
    /// The one in the repository.
    ///
    /// # Panics
    /// Where it is no JSON.
    pub fn read() -> Self {
        let document: Value = serde_json::from_str(include_str!("../../../infra/openapi.json")).expect("JSON");
        let mut schemas = document["components"]["schemas"].clone();
        close(&mut schemas);
        Self { document, schemas, validators: Mutex::default() }
    }

    /// The description.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// What an answer has that was not promised, or lacks of what was.
    ///
    /// # Panics
    /// Where the description is no OpenAPI.
    pub fn complaints(&self, answered: &Answered<'_>) -> Vec<String> {
        let (path, query) = answered.path.split_once('?').unwrap_or((answered.path, ""));
        let Some((template, operation)) = self.operation(answered.method, path) else {
            let known = answered.status == 404;
            return if known { Vec::new() } else { vec!["the description has no such operation".to_owned()] };
        };
        let response = &operation["responses"][answered.status.to_string()];
        if response.is_null() {
            return vec![format!("{template} does not promise {}", answered.status)];
        }
        let response = self.resolve(response);
        let mut complaints = missing_headers(response, answered.headers);
        if answered.status < 300 {
            complaints.extend(self.unknown_parameters(operation, query));
        }
        // What is answered again has no credentials, whatever its type says.
        if !answered.headers.contains_key("idempotency-replayed") {
            let place = format!("{} {template} {}", answered.method, answered.status);
            complaints.extend(self.body(&place, response, answered));
        }
        complaints
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let place = value["$ref"].as_str().map(|reference| reference.trim_start_matches('#'));
        place.map_or(value, |place| self.document.pointer(place).expect("a place in the description"))
    }

    /// The operation of a path: a path without parameters goes before one with some.
    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let paths = self.document["paths"].as_object().expect("paths");
        let fits = |template: &str| {
            let same = |(part, given): (&str, &str)| part == given || (part.starts_with('{') && !given.is_empty());
            template.split('/').count() == path.split('/').count() && template.split('/').zip(path.split('/')).all(same)
        };
        let (template, item) = paths
            .iter()
            .filter(|(template, _)| fits(template))
            .min_by_key(|(template, _)| template.matches('{').count())?;
        Some((template, item.get(method.to_lowercase())?))
    }

    fn unknown_parameters(&self, operation: &Value, query: &str) -> Vec<String> {
        let told = operation["parameters"].as_array().expect("parameters").iter().map(|it| self.resolve(it));
        let told: Vec<_> = told.filter(|it| it["in"] == "query").filter_map(|it| it["name"].as_str()).collect();
        let given = query.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| pair.split('=').next());
        given.filter(|name| !told.contains(name)).map(|name| format!("the parameter {name} is not told")).collect()
    }

    fn body(&self, place: &str, response: &Value, answered: &Answered<'_>) -> Vec<String> {
        let empty = Map::new();
        let promised = response["content"].as_object().unwrap_or(&empty);
        let media_type = answered.headers.get("content-type").and_then(|it| it.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default();
        let Some(content) = promised.get(media_type) else {
            let silent = promised.is_empty() && answered.body.as_str().is_none_or(str::is_empty);
            return if silent { Vec::new() } else { vec![format!("{place} does not promise '{media_type}'")] };
        };
        let validator = self.validator(&format!("{place} {media_type}"), &content["schema"]);
        let told = validator.iter_errors(answered.body);
        told.map(|error| format!("{}: {error:.400}", error.instance_path())).collect()
    }

    fn validator(&self, place: &str, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let root = json!({"allOf": [schema], "components": {"schemas": self.schemas}});
            Arc::new(jsonschema::draft202012::new(&root).expect("a schema of the description compiles"))
        };
        Arc::clone(validators.entry(place.to_owned()).or_insert_with(make))
    }
}

fn missing_headers(response: &Value, headers: &HeaderMap) -> Vec<String> {
    let promised = response["headers"].as_object().expect("headers");
    let always = |name: &&String| !matches!(name.as_str(), "Retry-After" | "Idempotency-Replayed" | "Link");
    let lacks = promised.keys().filter(always).filter(|name| !headers.contains_key(name.as_str()));
    lacks.map(|name| format!("the header {name} is missing")).collect()
}

/// Has every object with members hold no others.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(method: &str, path: &str, status: u16, body: &Value) -> Vec<String> {
        let kind = if status < 300 { "application/json" } else { "application/problem+json" };
        let headers = [("content-type", kind), ("x-request-id", "1")];
        let headers = headers.map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
        let headers = HeaderMap::from_iter(headers);
        Promise::read().complaints(&Answered { method, path, status, headers: &headers, body })
    }

    #[test]
    fn what_was_not_promised_is_refused() {
        let me = json!({"subject": "ada", "teams": [], "admin": true});
        let with = |name: &str, value: Value| {
            let mut changed = me.clone();
            changed[name] = value;
            changed
        };
        assert_eq!(complaints("GET", "/v1/me", 200, &me), Vec::<String>::new());
        assert!(!complaints("GET", "/v1/me", 200, &with("admin", json!("yes"))).is_empty());
        assert!(!complaints("GET", "/v1/me", 200, &with("secret", json!(1))).is_empty());
        assert!(!complaints("GET", "/v1/me", 200, &json!({"subject": "ada"})).is_empty());
        assert!(!complaints("GET", "/v1/me?x=1", 200, &me).is_empty());
        assert!(!complaints("GET", "/v1/me", 201, &me).is_empty());
        assert!(!complaints("POST", "/v1/me", 200, &me).is_empty());
        assert!(!complaints("GET", "/v1/you", 200, &me).is_empty());
    }

    #[test]
    fn a_problem_that_was_not_promised_is_refused() {
        let problem = |slug: &str| {
            let urn = format!("urn:okta-connector:problem:{slug}");
            json!({"type": urn, "title": "x", "status": 401, "detail": "x", "instance": "1"})
        };
        assert_eq!(complaints("GET", "/v1/me", 401, &problem("unauthenticated")), Vec::<String>::new());
        assert!(!complaints("GET", "/v1/me", 401, &problem("forbidden")).is_empty());
    }
}
