//! The judge against recorded traffic of the real service: what Okta really did must pass.

use super::*;
use serde_json::{Map, Value};

/// A complaint about a recording that is right, and what happened there.
struct Excused {
    file: &'static str,
    complaint: &'static str,
    reason: &'static str,
}

const NO_BODY: &str = "the recording of 2020 has lost the request's body";
const SANITIZED: &str = "the recording was sanitized by hand and has lost the answer's x-okta-request-id";
const OLD: &str = "Okta answered 204 in 2020; all recordings of 2025 show 200 and an empty object";

const EXCUSED: &[Excused] = &[
    excused("event_hooks.create_get_event_hook", "POST /api/v1/eventHooks: the request's body is missing", NO_BODY),
    excused("factors.list_factors_signed_nonce", "GET /api/v1/users: the answer has no x-okta-request-id", SANITIZED),
    excused(
        "factors.list_factors_signed_nonce",
        "GET /api/v1/users/00uFAKEFASTPASS000001/factors: the answer has no x-okta-request-id",
        SANITIZED,
    ),
    excused("groups.group_users_operations", "POST /api/v1/users: the request's body is missing", NO_BODY),
    excused("groups.group_users_operations", "POST /api/v1/groups: the request's body is missing", NO_BODY),
    excused(
        "groups.group_users_operations",
        "POST /api/v1/users/00usfbpcapvcITLwi4x6/lifecycle/deactivate: status 204 is neither described nor listed",
        OLD,
    ),
    excused("groups.search_group", "POST /api/v1/groups: the request's body is missing", NO_BODY),
    excused(
        "linked_objects.add_get_linked_object",
        "POST /api/v1/meta/schemas/user/linkedObjects: the request's body is missing",
        NO_BODY,
    ),
    excused("user_types.list_user_types", "POST /api/v1/meta/types/user: the request's body is missing", NO_BODY),
];

const fn excused(file: &'static str, complaint: &'static str, reason: &'static str) -> Excused {
    Excused { file, complaint, reason }
}

/// All recordings, as file name and exchange.
pub(super) fn recordings(facts: &Path) -> Vec<(String, Exchange)> {
    let mut files: Vec<_> = std::fs::read_dir(facts.join("recorded"))
        .expect("the recordings are there")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let mut recordings = Vec::new();
    for file in files {
        let calls: Vec<Value> = serde_json::from_str(&read(&file)).expect("a recording is a list of calls");
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        recordings.extend(calls.iter().map(|call| (name.clone(), exchange(call))));
    }
    recordings
}

/// The recordings keep few request headers: those that they leave out are put back.
fn exchange(call: &Value) -> Exchange {
    let (request, response) = (&call["request"], &call["response"]);
    let target = text(&request["target"]);
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query.to_owned())));
    let mut request_headers = headers(&request["headers"]);
    let mut request_body = bytes(&request["body"]);
    if path == "/oauth2/v1/token" {
        request_headers.push(("content-type".to_owned(), body::FORM.to_owned()));
        let fields = members(&request["body"]).iter().map(|(name, value)| (name, text(value)));
        request_body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes();
    }
    request_headers.push(("content-length".to_owned(), request_body.len().to_string()));
    Exchange {
        method: text(&request["method"]).to_owned(),
        path: path.to_owned(),
        query,
        request_headers,
        request_body,
        status: response["status"].as_u64().and_then(|status| status.try_into().ok()).expect("a status"),
        response_headers: headers(&response["headers"]),
        response_body: bytes(&response["body"]),
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a recording has a text here")
}

fn members(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("a recording has an object here")
}

fn bytes(body: &Value) -> Vec<u8> {
    if body.is_null() { Vec::new() } else { body.to_string().into_bytes() }
}

/// A repeated header is recorded as a list.
fn headers(headers: &Value) -> Vec<(String, String)> {
    let lines = |(name, value): (&String, &Value)| {
        let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        let name = name.clone();
        values.into_iter().map(move |value| (name.clone(), text(&value).to_owned())).collect::<Vec<_>>()
    };
    members(headers).iter().flat_map(lines).collect()
}

#[test]
fn every_recorded_exchange_passes() {
    let Some(facts) = facts_dir() else { return };
    let judge = Judge::from_facts(&facts);
    let recordings = recordings(&facts);
    assert!(!recordings.is_empty());
    let mut excuses = std::collections::BTreeSet::new();
    for (file, exchange) in &recordings {
        for complaint in judge.judge(exchange).err().unwrap_or_default() {
            let excuse = EXCUSED.iter().position(|known| known.file == file && known.complaint == complaint);
            excuses.insert(excuse.unwrap_or_else(|| panic!("{file}: {complaint}")));
        }
    }
    assert_eq!(excuses.len(), EXCUSED.len(), "an excuse is no longer needed");
    for excuse in EXCUSED {
        println!("excused: {}: {} ({})", excuse.file, excuse.complaint, excuse.reason);
    }
    println!("{} recordings\n{}", recordings.len(), judge.summary());
}

#[test]
fn each_listed_null_is_in_the_recording_it_names() {
    let Some(facts) = facts_dir() else { return };
    for null in lists::NULLS_OKTA_SENDS {
        let lists::Source::Recording(name) = null.seen_in else { continue };
        let recording = read(&facts.join("recorded").join(format!("{name}.json")));
        assert!(recording.contains(&format!("\"{}\": null", null.field)), "{}.{}", null.schema, null.field);
    }
}
