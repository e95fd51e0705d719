//! Records that a careful reader must survive: added to a page, or made of the first record on it.
//!
//! Some of them, such as an unpaired surrogate or a number beyond every double, cannot be a [`Value`]. They are marked
//! in the value and put into its text.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::Body;
use crate::random::Random;

/// How many arrays lie within each other in a deep member.
const DEPTH: usize = 5_000;
const SURROGATE: &str = "@odd-surrogate@";
const NUMBER: &str = "@odd-number@";
const DEEP: &str = "@odd-deep@";

/// What is odd about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// A user's profile is a text, a group's name a list, an app's label a number (okta-sdk-python#536, #546, #574).
    WrongType,
    /// The name is null (okta-sdk-dotnet#812).
    NullName,
    /// A text ends with half an emoji (claude-code#56064): no reader of strict Unicode takes it.
    Surrogate,
    /// A number that no double holds.
    Number,
    /// Arrays within arrays, deeper than most parsers go.
    Deep,
    /// An integer where a text is usual (snipe-it#11995, kibana#274248).
    Integer,
}

/// Which record of a page is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One more, which the tenant does not have.
    Added,
    /// The first one, which it has.
    First,
}

/// What a listing is of, as far as its records differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    User,
    Group,
    App,
    Event,
    /// An assignment to an app: its profile is the app's own.
    Assignment,
    Other,
}

impl Sort {
    fn of(path: &str) -> Sort {
        let assigned = path.starts_with("/api/v1/apps/");
        match path.rsplit('/').next() {
            Some("users" | "groups") if assigned => Sort::Assignment,
            Some("users") => Sort::User,
            Some("groups") => Sort::Group,
            Some("apps") => Sort::App,
            Some("logs") => Sort::Event,
            _ => Sort::Other,
        }
    }

    /// The start of an id.
    fn prefix(self, path: &str) -> &'static str {
        match self {
            Sort::Group => "00g",
            Sort::App => "0oa",
            Sort::Assignment if path.ends_with("/groups") => "00g",
            Sort::Other if path.ends_with("/factors") => "opf",
            Sort::Other if path.ends_with("/types/user") => "oty",
            Sort::User | Sort::Assignment | Sort::Event | Sort::Other => "00u",
        }
    }

    /// Where the name is.
    fn name(self) -> &'static [&'static str] {
        match self {
            Sort::User => &["profile", "login"],
            Sort::Group => &["profile", "name"],
            Sort::App => &["label"],
            Sort::Event => &["eventType"],
            Sort::Assignment => &["credentials", "userName"],
            Sort::Other => &["name"],
        }
    }

    /// The object that holds what an organization or an app adds.
    fn open(self) -> &'static [&'static str] {
        match self {
            Sort::User | Sort::Group | Sort::Assignment => &["profile"],
            Sort::App => &["settings", "app"],
            Sort::Event => &["debugContext", "debugData"],
            Sort::Other => &[],
        }
    }

    /// A text whose end is easily cut.
    fn text(self) -> &'static [&'static str] {
        match self {
            Sort::User => &["profile", "displayName"],
            Sort::Event => &["client", "userAgent", "rawUserAgent"],
            Sort::Group | Sort::App | Sort::Assignment | Sort::Other => self.name(),
        }
    }

    /// A text that some organizations fill with numbers.
    fn digits(self) -> &'static [&'static str] {
        match self {
            Sort::User => &["profile", "employeeNumber"],
            Sort::Group => &["profile", "description"],
            Sort::App => &["name"],
            Sort::Event => &["actor", "alternateId"],
            Sort::Assignment => &["externalId"],
            Sort::Other => self.name(),
        }
    }
}

/// The body with its odd records, if it is a list: `target` is the request's path and query, and decides about ids.
pub fn distort(body: Body, odd: &[(Target, Oddity)], target: &str) -> Body {
    match body {
        Body::Json(Value::Array(mut records)) if !odd.is_empty() => {
            for (place, kind) in odd {
                apply(&mut records, *place, *kind, target);
            }
            Body::Text(raw(&Value::Array(records).to_string()))
        }
        body => body,
    }
}

fn apply(records: &mut Vec<Value>, place: Target, kind: Oddity, target: &str) {
    let path = target.split('?').next().unwrap_or_default();
    let sort = Sort::of(path);
    if place == Target::First {
        if let Some(first) = records.first_mut() {
            spoil(first, sort, kind);
        }
        return;
    }
    // A drained log stays empty: whoever reads it to its end must find one.
    if records.is_empty() && sort == Sort::Event {
        return;
    }
    let mut added = unknown_record(records.last(), sort, path, &format!("{target} {kind:?}"));
    spoil(&mut added, sort, kind);
    records.push(added);
}

/// A record like another one, of an object that the tenant does not have.
fn unknown_record(like: Option<&Value>, sort: Sort, path: &str, purpose: &str) -> Value {
    let mut random = Random::new(0, purpose);
    let member = if sort == Sort::Event { "uuid" } else { "id" };
    // Ids of the tenant count up from far below: none ever begins like this.
    let id = match sort {
        Sort::Event => random.uuid(),
        _ => format!("{}zzzzzzzz{}5d7", sort.prefix(path), random.text(6)),
    };
    let minimal = json!({ "id": id, "status": "ACTIVE", "profile": {} });
    let Some(like) = like else { return minimal };
    let text = like.to_string();
    // Its links lead to itself, not to the one it is like.
    let own = like[member].as_str().map_or_else(|| text.clone(), |old| text.replace(old, &id));
    let mut added: Value = serde_json::from_str(&own).unwrap_or(minimal);
    added[member] = json!(id);
    match sort {
        Sort::User => {
            let login = json!(format!("odd.{}@acme.example", id.to_lowercase()));
            put(&mut added, &["profile", "login"], login.clone());
            put(&mut added, &["profile", "email"], login);
        }
        Sort::Group | Sort::App => put(&mut added, sort.name(), json!(format!("Odd {id}"))),
        Sort::Event | Sort::Assignment | Sort::Other => {}
    }
    added
}

fn spoil(record: &mut Value, sort: Sort, kind: Oddity) {
    let within = |member: &'static str| [sort.open(), &[member]].concat();
    match kind {
        Oddity::WrongType if sort == Sort::User => put(record, &["profile"], json!("a text")),
        Oddity::WrongType if sort == Sort::App => put(record, sort.name(), json!(7)),
        Oddity::WrongType => put(record, sort.name(), json!(["a list"])),
        Oddity::NullName => put(record, sort.name(), Value::Null),
        Oddity::Surrogate => {
            let text = get(record, sort.text()).as_str().unwrap_or("Cut").to_owned();
            put(record, sort.text(), json!(text + SURROGATE));
        }
        Oddity::Number => put(record, &within("headcount"), json!(NUMBER)),
        Oddity::Deep => put(record, &within("nested"), json!(DEEP)),
        Oddity::Integer => put(record, sort.digits(), json!(77)),
    }
}

fn get<'v>(record: &'v Value, path: &[&str]) -> &'v Value {
    path.iter().fold(record, |value, name| &value[*name])
}

/// Sets a member, making the objects on the way to it.
fn put(record: &mut Value, path: &[&str], value: Value) {
    let mut at = record;
    for name in path {
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[*name];
    }
    *at = value;
}

/// The text with what cannot be a value.
fn raw(text: &str) -> String {
    let nested = "[".repeat(DEPTH) + &"]".repeat(DEPTH);
    let text = text.replace(SURROGATE, r"\ud83d").replace(&format!("\"{NUMBER}\""), "1e400");
    text.replace(&format!("\"{DEEP}\""), &nested)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distorted(place: Target, kind: Oddity, path: &str, records: Value) -> String {
        match distort(Body::Json(records), &[(place, kind)], path) {
            Body::Text(text) => text,
            other => panic!("not a text: {other:?}"),
        }
    }

    #[test]
    fn what_is_no_json_value_stands_in_the_text() {
        let user = json!([{ "id": "00u1", "profile": { "displayName": "Zara" } }]);
        for (kind, wanted) in [
            (Oddity::Surrogate, r#""displayName":"Zara\ud83d""#),
            (Oddity::Number, r#""headcount":1e400"#),
            (Oddity::Deep, r#""nested":[[[[["#),
            (Oddity::Integer, r#""employeeNumber":77"#),
            (Oddity::WrongType, r#""profile":"a text""#),
            (Oddity::NullName, r#""login":null"#),
        ] {
            let text = distorted(Target::First, kind, "/api/v1/users", user.clone());
            assert!(text.contains(wanted), "{kind:?} {text}");
        }
    }

    #[test]
    fn an_added_record_has_one_id_of_its_own_each_time_a_page_is_read() {
        let groups = json!([{ "id": "00g1", "profile": { "name": "Zebras" }, "_links": { "self": "/00g1" } }]);
        let read = |target: &str| distorted(Target::Added, Oddity::Integer, target, groups.clone());
        assert_eq!(read("/api/v1/groups?limit=1"), read("/api/v1/groups?limit=1"));
        assert_ne!(read("/api/v1/groups?limit=1"), read("/api/v1/groups?limit=1&after=x"));
        let page: Value = serde_json::from_str(&read("/api/v1/groups")).expect("JSON");
        let id = page[1]["id"].as_str().expect("an id");
        assert!(id.starts_with("00gz") && id.len() == 20, "{id}");
        assert_eq!((&page[0], &page[1]["_links"]["self"]), (&groups[0], &json!(format!("/{id}"))));
    }

    #[test]
    fn a_drained_log_stays_empty() {
        let text = distorted(Target::Added, Oddity::Surrogate, "/api/v1/logs", json!([]));
        assert_eq!(text, "[]");
    }
}
