//! Every error that Okta publishes, and the problem or finding that a caller gets for it. The tables hold a line for each: `api.tsv` for the
//! management API (code, status, problem), `token.tsv` for the token endpoint (error, status, Okta's name for the cause,
//! finding). Okta's sentences count as well; they are read from its published lists.

use http::StatusCode;
use it::judge::facts_dir;
use okta_connector::diagnosis::of_error;
use okta_connector::okta::{Error, Refusal, TokenRefusal};
use okta_connector::problem::Problem;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn published(facts: &Path, list: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(facts.join(list)).expect("a published list");
    let list: Value = serde_json::from_str(&text).expect("JSON");
    list["errors"].as_array().expect("errors").clone()
}

fn text<'a>(error: &'a Value, name: &str) -> &'a str {
    error[name].as_str().unwrap_or_default()
}

fn status(error: &Value) -> StatusCode {
    let status = error["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    StatusCode::from_u16(status.expect("a status")).expect("a status")
}

/// The lines of the table that are not so, and the ones that should be there instead.
fn assert_table(table: &str, lines: impl Iterator<Item = String>) {
    let table: BTreeSet<_> = table.lines().map(str::to_owned).collect();
    let lines: BTreeSet<_> = lines.collect();
    let wrong: Vec<_> = table.difference(&lines).map(|line| format!("- {line}")).collect();
    let right: Vec<_> = lines.difference(&table).map(|line| format!("+ {line}")).collect();
    assert!(wrong.is_empty() && right.is_empty(), "{}\n{}", wrong.join("\n"), right.join("\n"));
}

#[test]
fn each_error_of_the_api_has_its_problem() {
    let Some(facts) = facts_dir() else { return };
    let lines = published(&facts, "error-codes.json").into_iter().map(|error| {
        let code = text(&error, "code");
        let status = status(&error);
        let refusal = Refusal {
            status,
            code: code.to_owned(),
            summary: text(&error, "summary").to_owned(),
            ..Refusal::default()
        };
        let (problem, ..) = Problem::from(Error::Api(refusal)).kind.row();
        format!("{code}\t{}\t{problem}", status.as_u16())
    });
    assert_table(include_str!("published/api.tsv"), lines);
}

#[test]
fn each_error_of_the_token_endpoint_has_its_finding() {
    let Some(facts) = facts_dir() else { return };
    let lines = published(&facts, "oauth2-error-codes.json").into_iter().map(|error| {
        let code = text(&error, "code");
        let status = status(&error);
        let refusal = TokenRefusal {
            status,
            error: code.to_owned(),
            description: text(&error, "description").to_owned(),
            request_id: None,
            key_id: Some("new".to_owned()),
        };
        let finding = of_error(&Error::Token(refusal), &BTreeSet::new()).finding.expect("a finding");
        let finding = serde_json::to_value(finding).expect("a name");
        format!("{code}\t{}\t{}\t{}", status.as_u16(), text(&error, "kind"), finding.as_str().unwrap_or_default())
    });
    assert_table(include_str!("published/token.tsv"), lines);
}
