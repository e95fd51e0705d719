//! The judge is no yes-man: good exchanges, each with one thing made wrong, are refused; and what Okta may answer
//! besides what is recorded is accepted.

use super::recordings::recordings;
use super::*;
use serde_json::{Map, Value, json};

/// What to look for in the complaints, and how to earn it.
type Wrong = (&'static str, fn(&mut Exchange));

/// The judge and the first recording that passes with this beginning of "METHOD path" and this status.
fn recorded(call: &str, status: u16) -> Option<(Judge, Exchange)> {
    let facts = facts_dir()?;
    let judge = Judge::from_facts(&facts);
    let fits = |exchange: &Exchange| {
        let target = format!("{} {}?{}", exchange.method, exchange.path, exchange.query.as_deref().unwrap_or_default());
        exchange.status == status && target.starts_with(call) && judge.judge(exchange).is_ok()
    };
    let exchange = recordings(&facts).into_iter().map(|(_, exchange)| exchange).find(fits);
    let exchange = exchange.unwrap_or_else(|| panic!("no recording of {call} with status {status}"));
    Some((judge, exchange))
}

fn refuses(call: &str, status: u16, table: &[Wrong]) {
    let Some((judge, good)) = recorded(call, status) else { return };
    for (expected, make_wrong) in table {
        let mut wrong = good.clone();
        make_wrong(&mut wrong);
        let complaints = judge.judge(&wrong).expect_err(expected);
        assert!(complaints.iter().any(|complaint| complaint.contains(expected)), "{expected}: {complaints:#?}");
    }
}

fn query(exchange: &mut Exchange, query: &str) {
    exchange.query = Some(query.to_owned());
}

fn drop_header(headers: &mut Vec<(String, String)>, name: &str) {
    headers.retain(|(have, _)| have != name);
}

fn set_header(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    drop_header(headers, name);
    headers.push((name.to_owned(), value.to_owned()));
}

/// Sets one member of a JSON body, whose parent is at `parent`.
fn set(body: &mut Vec<u8>, parent: &str, member: &str, value: Value) {
    edit(body, parent, |object| object.insert(member.to_owned(), value));
}

/// Removes one member at the top of a JSON body.
fn unset(body: &mut Vec<u8>, member: &str) {
    edit(body, "", |object| object.remove(member));
}

fn edit(body: &mut Vec<u8>, parent: &str, change: impl FnOnce(&mut Map<String, Value>) -> Option<Value>) {
    let mut json: Value = serde_json::from_slice(body).expect("a good body is JSON");
    change(json.pointer_mut(parent).and_then(Value::as_object_mut).expect("the parent is an object"));
    *body = json.to_string().into_bytes();
}

/// Makes it the answer that Okta would give instead.
fn answer(exchange: &mut Exchange, status: u16, body: &Value) {
    exchange.status = status;
    exchange.response_body = body.to_string().into_bytes();
}

fn okta_error(code: &str) -> Value {
    json!({"errorCode": code, "errorSummary": "Something.", "errorLink": code, "errorId": "oae1", "errorCauses": []})
}

const LIST: (&str, u16) = ("GET /api/v1/users?limit=10", 200);

#[test]
fn a_wrong_path_or_query_is_refused() {
    refuses(
        LIST.0,
        LIST.1,
        &[
            ("no such path", |e| e.path = "/api/v1/people".to_owned()),
            ("no such path", |e| e.path = "/api/v1//users".to_owned()),
            ("no such method", |e| e.method = "PATCH".to_owned()),
            ("query parameter page is unknown", |e| query(e, "page=2")),
            ("query parameter limit: 201 is greater than", |e| query(e, "limit=201")),
            ("query parameter limit: 0 is less than", |e| query(e, "limit=0")),
            ("query parameter limit: \"ten\" is not of type \"integer\"", |e| query(e, "limit=ten")),
            ("query parameter limit is repeated", |e| query(e, "limit=10&limit=10")),
        ],
    );
    refuses(
        "POST /api/v1/users/00uqrks9ig7XuWV7X5d7/lifecycle/reset_password",
        200,
        &[
            ("query parameter sendEmail is missing", |e| e.query = None),
            ("\"yes\" is not of type \"boolean\"", |e| query(e, "sendEmail=yes")),
            ("must say content-length: 0", |e| drop_header(&mut e.request_headers, "content-length")),
        ],
    );
}

#[test]
fn a_wrong_request_body_is_refused() {
    refuses(
        "POST /api/v1/users?activate=true",
        200,
        &[
            ("\"profile\" is a required property", |e| unset(&mut e.request_body, "profile")),
            ("/profile/city: 7 is not of type", |e| set(&mut e.request_body, "/profile", "city", json!(7))),
            ("'group_ids' was unexpected", |e| set(&mut e.request_body, "", "group_ids", json!([]))),
            ("the request's body is missing", |e| e.request_body.clear()),
            ("the request's body is not JSON", |e| e.request_body.truncate(5)),
            ("content-type is not application/json", |e| drop_header(&mut e.request_headers, "content-type")),
        ],
    );
    refuses(
        "GET /api/v1/users/",
        200,
        &[
            ("the request takes no body", |e| e.request_body = b"[]".to_vec()),
            ("no SSWS, Bearer or DPoP", |e| drop_header(&mut e.request_headers, "authorization")),
            ("no SSWS, Bearer or DPoP", |e| set_header(&mut e.request_headers, "authorization", "Basic YTpi")),
            ("without a DPoP proof", |e| set_header(&mut e.request_headers, "authorization", "DPoP abc")),
        ],
    );
    refuses(
        "POST /api/v1/apps",
        200,
        &[("request body/id: False schema", |e| set(&mut e.request_body, "", "id", json!("0oa1")))],
    );
}

#[test]
fn a_wrong_answer_is_refused() {
    refuses(
        LIST.0,
        LIST.1,
        &[
            ("/0/status: \"ASLEEP\" is not one of", |e| set(&mut e.response_body, "/0", "status", json!("ASLEEP"))),
            ("/1/id: 7 is not of type", |e| set(&mut e.response_body, "/1", "id", json!(7))),
            ("/0/created: null is not of type", |e| set(&mut e.response_body, "/0", "created", Value::Null)),
            ("is not a \"date-time\"", |e| set(&mut e.response_body, "/0", "created", json!("yesterday"))),
            ("is not of type \"array\"", |e| e.response_body = b"{}".to_vec()),
            ("body is not JSON", |e| e.response_body.truncate(100)),
            ("body is not gzip", |e| set_header(&mut e.response_headers, "content-encoding", "gzip")),
            ("content-type is not application/json", |e| drop_header(&mut e.response_headers, "content-type")),
            ("no x-okta-request-id", |e| drop_header(&mut e.response_headers, "x-okta-request-id")),
            ("no x-rate-limit-reset", |e| drop_header(&mut e.response_headers, "x-rate-limit-reset")),
            ("limit is not a number", |e| set_header(&mut e.response_headers, "x-rate-limit-limit", "-1")),
            ("status 418 is neither described nor listed", |e| e.status = 418),
        ],
    );
    refuses("DELETE /api/v1/users/", 204, &[("has no body here", |e| e.response_body = b"{}".to_vec())]);
    refuses(
        "GET /api/v1/eventHooks/",
        200,
        &[
            ("response body: \"events\" is a required property", |e| unset(&mut e.response_body, "events")),
            ("/channel/config/authScheme/value", |e| {
                set(&mut e.response_body, "/channel/config/authScheme", "value", json!("secret"));
            }),
        ],
    );
}

#[test]
fn a_wrong_error_is_refused() {
    refuses(
        "POST /api/v1/users/00uqrku6swqIv4Y1T5d7/lifecycle/reactivate",
        403,
        &[
            ("\"errorCode\" is a required property", |e| unset(&mut e.response_body, "errorCode")),
            ("E0000007 comes with status 404, not 403", |e| answer(e, 403, &okta_error("E0000007"))),
            ("status 409 is neither described nor listed", |e| answer(e, 409, &okta_error("E0000112"))),
            ("status 401 with E0000004 is neither", |e| answer(e, 401, &okta_error("E0000004"))),
            ("status 400 with E0000001 is neither", |e| answer(e, 400, &okta_error("E0000001"))),
            ("error body: \"errorCode\"", |e| answer(e, 401, &json!({"error": "a", "error_description": "b"}))),
            ("body is not JSON", |e| e.response_body.clear()),
        ],
    );
}

#[test]
fn wrong_links_are_refused() {
    refuses(
        LIST.0,
        LIST.1,
        &[
            ("without a link to itself", |e| drop_header(&mut e.response_headers, "link")),
            ("not a link", |e| set_header(&mut e.response_headers, "link", "https://acme.okta.com/api/v1/users")),
            ("leads to another operation", |e| {
                set_header(&mut e.response_headers, "link", "<https://acme.okta.com/api/v1/groups>; rel=\"self\"");
            }),
            ("a page of 8 for limit=1", |e| query(e, "limit=1")),
            ("a search by q has no next page", |e| {
                query(e, "q=a");
                let next = "<https://acme.okta.com/api/v1/users?after=1>; rel=\"next\"";
                e.response_headers.push(("link".to_owned(), next.to_owned()));
            }),
            ("polling the log always has a next page", |e| {
                e.path = "/api/v1/logs".to_owned();
                e.response_body = b"[]".to_vec();
            }),
        ],
    );
}

#[test]
fn a_wrong_token_request_or_answer_is_refused() {
    fn field(exchange: &mut Exchange, from: &str, to: &str) {
        let body = String::from_utf8_lossy(&exchange.request_body).into_owned();
        assert!(body.contains(from), "{body}");
        exchange.request_body = body.replace(from, to).into_bytes();
    }
    refuses(
        "POST /oauth2/v1/token",
        200,
        &[
            ("request body", |e| field(e, "scope=", "scopes=")),
            ("request body", |e| field(e, "jwt-bearer", "saml2-bearer")),
            ("request body", |e| field(e, "client_credentials", "password")),
            ("content-type is not application/x-www-form", |e| drop_header(&mut e.request_headers, "content-type")),
            ("\"access_token\" is a required property", |e| unset(&mut e.response_body, "access_token")),
            ("/token_type", |e| set(&mut e.response_body, "", "token_type", json!("MAC"))),
            ("no x-rate-limit-limit", |e| drop_header(&mut e.response_headers, "x-rate-limit-limit")),
        ],
    );
    refuses(
        "POST /oauth2/v1/token",
        400,
        &[
            ("\"error_description\" is a required", |e| unset(&mut e.response_body, "error_description")),
            ("\"errorCode\" is a required property", |e| e.status = 429),
        ],
    );
}

#[test]
fn what_okta_may_answer_besides_is_accepted() {
    type Right = (By, fn(&mut Exchange));
    const CHALLENGE: &str = "Bearer realm=\"http://acme.okta.com\", error=\"insufficient_scope\"";
    let table: &[Right] = &[
        (By::Description, |e| answer(e, 429, &okta_error("E0000047"))),
        (By::Description, |e| answer(e, 403, &okta_error("E0000006"))),
        (By::OwnSchema, |e| answer(e, 401, &okta_error("E0000011"))),
        (By::OwnSchema, |e| answer(e, 500, &okta_error("E0000009"))),
        (By::OwnSchema, |e| answer(e, 400, &okta_error("E0000031"))),
        (By::Description, |e| {
            e.status = 403;
            e.response_body.clear();
            set_header(&mut e.response_headers, "www-authenticate", CHALLENGE);
        }),
        (By::OwnSchema, |e| {
            answer(e, 401, &json!({"error": "invalid_token", "error_description": "The token has expired."}));
            set_header(&mut e.response_headers, "www-authenticate", "Bearer error=\"invalid_token\"");
        }),
        (By::OwnSchema, |e| {
            e.status = 503;
            e.response_body = b"<html>".to_vec();
            e.response_headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        }),
        (By::Ignored, |e| e.path = "/_sim/faults".to_owned()),
    ];
    let Some((judge, good)) = recorded(LIST.0, LIST.1) else { return };
    for (by, change) in table {
        let mut changed = good.clone();
        change(&mut changed);
        assert_eq!(judge.judge(&changed), Ok(*by));
    }
    let operations = judge.hit();
    assert!(operations.contains(&("GET".to_owned(), "/api/v1/users".to_owned())), "{operations:?}");
}

#[test]
fn a_literal_path_wins_over_a_parameter() {
    let Some(facts) = facts_dir() else { return };
    let judge = Judge::from_facts(&facts);
    for (path, template) in [
        ("/api/v1/meta/schemas/user/linkedObjects", "/api/v1/meta/schemas/user/linkedObjects"),
        ("/api/v1/meta/schemas/user/default", "/api/v1/meta/schemas/user/{schemaId}"),
        ("/api/v1/users/a%2Fb", "/api/v1/users/{id}"),
    ] {
        assert_eq!(judge.description.find("GET", path).map(|operation| operation.template.as_str()), Ok(template));
    }
}
