//! What was asked.

use super::body;
use super::description::{Description, Operation, Parameter};
use super::header;
use crate::proxy::Exchange;
use serde_json::Value;
use std::collections::BTreeMap;

/// Judges the query, the credentials and the body.
pub(super) fn judge(
    description: &Description,
    operation: &Operation,
    exchange: &Exchange,
    complaints: &mut Vec<String>,
) {
    judge_query(description, operation, exchange.query.as_deref().unwrap_or_default(), complaints);
    judge_credentials(operation, exchange, complaints);
    if exchange.request_body.is_empty() {
        judge_absent_body(operation, exchange, complaints);
    } else {
        judge_body(description, operation, exchange, complaints);
    }
}

fn judge_query(description: &Description, operation: &Operation, query: &str, complaints: &mut Vec<String>) {
    let mut values = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if values.insert(name.clone(), value).is_some() {
            complaints.push(format!("query parameter {name} is repeated"));
        }
    }
    for parameter in &operation.parameters {
        match values.remove(parameter.name.as_str()) {
            Some(value) => {
                let wrong = parameter.schema.complaints(&description.components, &typed(parameter, &value));
                complaints.extend(wrong.iter().map(|wrong| format!("query parameter {}{wrong}", parameter.name)));
            }
            None if parameter.required => complaints.push(format!("query parameter {} is missing", parameter.name)),
            None => {}
        }
    }
    complaints.extend(values.keys().map(|name| format!("query parameter {name} is unknown")));
}

/// A query has only strings. One that is not of the parameter's type stays a string, and its schema refuses it.
fn typed(parameter: &Parameter, value: &str) -> Value {
    let number = || value.parse::<i64>().ok().map(Value::from);
    let truth = || value.parse::<bool>().ok().map(Value::from);
    let typed = match parameter.kind.as_str() {
        "integer" => number(),
        "boolean" => truth(),
        _ => None,
    };
    typed.unwrap_or_else(|| Value::from(value))
}

/// Okta knows three schemes; a bound token comes with its proof.
fn judge_credentials(operation: &Operation, exchange: &Exchange, complaints: &mut Vec<String>) {
    if operation.public {
        return;
    }
    let authorization = header(&exchange.request_headers, "authorization").unwrap_or_default();
    match authorization.split_once(' ') {
        Some(("SSWS" | "Bearer", token)) if !token.is_empty() => {}
        Some(("DPoP", token)) if !token.is_empty() => {
            if header(&exchange.request_headers, "dpop").is_none() {
                complaints.push("a DPoP token without a DPoP proof".to_owned());
            }
        }
        // Not quoted: it may be a real credential.
        _ => complaints.push("no SSWS, Bearer or DPoP authorization".to_owned()),
    }
}

fn judge_absent_body(operation: &Operation, exchange: &Exchange, complaints: &mut Vec<String>) {
    if operation.request.as_ref().is_some_and(|body| body.required) {
        complaints.push("the request's body is missing".to_owned());
    }
    // Okta answers 411 otherwise, and HTTP libraries like to leave it out.
    if matches!(exchange.method.as_str(), "POST" | "PUT")
        && header(&exchange.request_headers, "content-length") != Some("0")
    {
        complaints.push("a POST or PUT without a body must say content-length: 0".to_owned());
    }
}

fn judge_body(description: &Description, operation: &Operation, exchange: &Exchange, complaints: &mut Vec<String>) {
    let Some(expected) = &operation.request else {
        return complaints.push("the request takes no body".to_owned());
    };
    if !body::is(&exchange.request_headers, &expected.media_type) {
        complaints.push(format!("the request's content-type is not {}", expected.media_type));
    }
    match body::parse(&expected.media_type, &exchange.request_body) {
        Ok(value) => {
            let wrong = expected.schema.complaints(&description.components, &value);
            complaints.extend(wrong.iter().map(|wrong| format!("request body{wrong}")));
        }
        Err(error) => complaints.push(format!("the request's {error}")),
    }
}
