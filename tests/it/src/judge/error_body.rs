//! The answers that are not successes: their shapes, their codes, and the statuses that the description leaves out.

use super::body::{self, JSON};
use super::description::{Description, Operation};
use super::lists::{Answer, ERROR_CODES, UNDOCUMENTED_STATUSES, Undocumented};
use super::{By, header};
use crate::proxy::Exchange;
use serde_json::Value;

/// Whether something before Okta may have given this answer.
pub(super) fn is_gateway(status: u16) -> bool {
    matches!(status, 502..=504)
}

/// Whether the answer tells its reason in `WWW-Authenticate`, as failures of an OAuth token do. Its body may be empty.
pub(super) fn is_challenge(exchange: &Exchange) -> bool {
    matches!(exchange.status, 400 | 401 | 403) && challenge(exchange).contains("error=\"")
}

fn challenge(exchange: &Exchange) -> &str {
    header(&exchange.response_headers, "www-authenticate").unwrap_or_default()
}

/// Judges an answer whose status the description does not name for this operation.
pub(super) fn judge_undocumented(
    description: &Description,
    operation: &Operation,
    exchange: &Exchange,
    plain: &[u8],
    complaints: &mut Vec<String>,
) -> By {
    let mut listed: Vec<_> =
        UNDOCUMENTED_STATUSES.iter().filter(|known| applies(known, operation, exchange.status)).collect();
    if listed.is_empty() {
        complaints.push(format!("status {} is neither described nor listed", exchange.status));
        return operation.by;
    }
    if let Some(known) = listed.iter().find(|known| known.answer == Answer::Anything) {
        return known.by;
    }
    let code = judge(description, exchange, plain, complaints);
    listed.retain(|known| match known.answer {
        Answer::Codes(codes) => code.as_deref().is_some_and(|code| codes.contains(&code)),
        Answer::Challenge => is_challenge(exchange),
        Answer::Anything => true,
    });
    if let Some(known) = listed.first() {
        return known.by;
    }
    let code = code.unwrap_or_else(|| "no code".to_owned());
    complaints.push(format!("status {} with {code} is neither described nor listed", exchange.status));
    operation.by
}

fn applies(known: &Undocumented, operation: &Operation, status: u16) -> bool {
    let here = |(method, template): &(&str, &str)| operation.method == *method && operation.template == *template;
    known.status == status && (known.operations.is_empty() || known.operations.iter().any(here))
}

/// Judges the body of a failure, Okta's shape with a code that fits the status or a challenge, and returns its code.
pub(super) fn judge(
    description: &Description,
    exchange: &Exchange,
    plain: &[u8],
    complaints: &mut Vec<String>,
) -> Option<String> {
    let challenged = is_challenge(exchange);
    if plain.is_empty() && challenged {
        return None;
    }
    if !body::is(&exchange.response_headers, JSON) {
        complaints.push(format!("the answer's content-type is not {JSON}"));
    }
    let value = match body::parse(JSON, plain) {
        Ok(value) => value,
        Err(error) => {
            complaints.push(format!("the answer's {error}"));
            return None;
        }
    };
    if challenged && description.oauth_error.complaints(&description.components, &value).is_empty() {
        return None;
    }
    let wrong = description.okta_error.complaints(&description.components, &value);
    complaints.extend(wrong.iter().map(|wrong| format!("error body{wrong}")));
    let code = value.get("errorCode").and_then(Value::as_str)?;
    if let Some((_, status)) = ERROR_CODES.iter().find(|(known, status)| *known == code && *status != exchange.status) {
        complaints.push(format!("{code} comes with status {status}, not {}", exchange.status));
    }
    Some(code.to_owned())
}
