//! What was answered.

use super::body::{self, JSON};
use super::description::{Body, Description, Operation};
use super::{By, error_body, header, links};
use crate::proxy::Exchange;
use serde_json::Value;

/// The headers that Okta sends with every answer, errors included.
const RATE_LIMIT: [&str; 3] = ["x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"];

/// Judges status, headers and body, and says by what.
pub(super) fn judge(
    description: &Description,
    operation: &Operation,
    exchange: &Exchange,
    complaints: &mut Vec<String>,
) -> By {
    let plain = match body::plain(&exchange.response_headers, &exchange.response_body) {
        Ok(plain) => plain,
        Err(error) => {
            complaints.push(format!("the answer's {error}"));
            return operation.by;
        }
    };
    let json = body::is(&exchange.response_headers, JSON);
    if error_body::is_gateway(exchange.status) && !json {
        // A gateway before Okta answered: it knows nothing of Okta's headers and shapes.
        return By::OwnSchema;
    }
    judge_headers(operation, exchange, complaints);
    let Some(expected) = operation.responses.get(&exchange.status) else {
        return error_body::judge_undocumented(description, operation, exchange, &plain, complaints);
    };
    if exchange.status >= 400 && operation.by == By::Description {
        error_body::judge(description, exchange, &plain, complaints);
    }
    match expected {
        Some(_) if plain.is_empty() && error_body::is_challenge(exchange) => {}
        Some(expected) => judge_body(description, operation, exchange, expected, &plain, complaints),
        None => judge_no_body(exchange, &plain, complaints),
    }
    operation.by
}

fn judge_headers(operation: &Operation, exchange: &Exchange, complaints: &mut Vec<String>) {
    if operation.template.starts_with("/.well-known/") {
        return;
    }
    if header(&exchange.response_headers, "x-okta-request-id").is_none_or(str::is_empty) {
        complaints.push("the answer has no x-okta-request-id".to_owned());
    }
    for name in RATE_LIMIT {
        match header(&exchange.response_headers, name).map(str::parse::<u64>) {
            Some(Ok(_)) => {}
            Some(Err(_)) => complaints.push(format!("the answer's {name} is not a number")),
            None => complaints.push(format!("the answer has no {name}")),
        }
    }
}

fn judge_body(
    description: &Description,
    operation: &Operation,
    exchange: &Exchange,
    expected: &Body,
    plain: &[u8],
    complaints: &mut Vec<String>,
) {
    if !body::is(&exchange.response_headers, JSON) {
        complaints.push(format!("the answer's content-type is not {JSON}"));
    }
    match body::parse(JSON, plain) {
        Ok(value) => {
            let wrong = expected.schema.complaints(&description.components, &value);
            complaints.extend(wrong.iter().map(|wrong| format!("response body{wrong}")));
            if let Value::Array(items) = &value
                && exchange.method == "GET"
            {
                links::judge(description, operation, exchange, items.len(), complaints);
            }
        }
        Err(error) => complaints.push(format!("the answer's {error}")),
    }
}

/// Where the description promises no body, 204 has none, and the recordings show an empty object with 200.
fn judge_no_body(exchange: &Exchange, plain: &[u8], complaints: &mut Vec<String>) {
    let nothing = exchange.status == 200 && plain == b"{}" && body::is(&exchange.response_headers, JSON);
    if !plain.is_empty() && !nothing {
        complaints.push(format!("an answer of {} has no body here", exchange.status));
    }
}
