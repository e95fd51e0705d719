//! What holds for whatever a caller names: it stays a value, wherever it is put.

use crate::properties::cases;
use crate::scene::{Scene, tiny};
use okta_connector::action::{find, list};
use okta_connector::okta::{Expression, Operator, UserId, segment};
use okta_simulator::literals;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use url::Url;

/// What names something else altogether, or nothing.
const REFUSED: [&str; 4] = ["me", ".", "..", ""];
/// Members of an input that refer to something.
const REFERENCES: [&str; 3] = ["user", "group", "app"];

/// The actions with references, and which.
static REFERRING: LazyLock<Vec<(&str, Vec<String>)>> = LazyLock::new(|| {
    let members = |name: &str| -> Vec<String> {
        let schema = &find(name).expect("an action").describe().input_schema;
        let known = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        known.into_iter().map(|(member, _)| member).filter(|member| REFERENCES.contains(&member.as_str())).collect()
    };
    let all = list().iter().map(|entry| (entry.name, members(entry.name)));
    all.filter(|(_, members)| !members.is_empty()).collect()
});

/// An action's input in which everything is named by this text.
fn input(action: &str, members: &[String], text: &str) -> Value {
    let mut input: Map<_, _> = members.iter().map(|member| (member.clone(), Value::from(text))).collect();
    if action == "user.update" {
        input.insert("profile".to_owned(), json!({"city": "Oslo"}));
    }
    input.into()
}

/// Any text, and texts that come close to a grammar.
fn text() -> impl Strategy<Value = String> {
    let parts = [
        "/",
        "\\",
        "..",
        ".",
        "%2f",
        "%2e%2e",
        "%00",
        "?",
        "#",
        ";",
        "&",
        "=",
        "\"",
        "\\\"",
        "'",
        "(",
        ")",
        " ",
        " or ",
        " and ",
        " pr",
        "eq",
        "\n",
        "\r",
        "\t",
        "\u{0}",
        "\u{7f}",
        "\u{2028}",
        "\u{feff}",
        "\u{202e}",
        "é",
        "e\u{301}",
        "我",
        "\u{1f600}",
        "me",
        "{",
        "}",
        "[",
        "]",
        "|",
        "@",
        ":",
        "a",
        "Z",
        "0",
        "-",
        "_",
        "~",
        "+",
        ",",
    ];
    let part = prop::sample::select(parts.to_vec());
    prop_oneof![any::<String>(), ".{0,40}", prop::collection::vec(part, 0..10).prop_map(|parts| parts.concat())]
}

/// The segments of a path as a server reads them.
fn segments(path: &str) -> Vec<String> {
    let url = Url::parse(&format!("https://acme.okta.com{path}")).expect("a URL");
    assert_eq!((url.host_str(), url.fragment()), (Some("acme.okta.com"), None));
    let decoded = |segment: &str| percent_encoding(segment);
    url.path_segments().expect("a path").map(decoded).collect()
}

/// A segment without its percent-encoding; a plus stays one.
fn percent_encoding(segment: &str) -> String {
    let pairs = format!("x={}", segment.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pairs.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

/// The paths of what an action would send.
fn paths(action: &str, input: &Value) -> Vec<String> {
    let prepared = find(action).expect("an action").read(input).unwrap_or_else(|faults| panic!("{action}: {faults:?}"));
    prepared.would().iter().map(|request| request.path().to_owned()).collect()
}

proptest! {
    #![proptest_config(cases(512, 10_000))]

    #[test]
    fn a_value_of_a_search_is_one_literal_and_reads_back(values in prop::collection::vec(text(), 1..5), or in any::<bool>()) {
        let operators = [Operator::Eq, Operator::Sw, Operator::Co, Operator::Ge];
        let parts = values.iter().zip(operators).map(|(value, operator)| Expression::compare("profile.login", operator, value.as_str()));
        let expression = if or { Expression::any(parts) } else { Expression::all(parts) };
        prop_assert_eq!(literals(expression.as_str()), Some(values));
    }

    #[test]
    fn a_text_in_a_path_is_one_segment_and_reads_back(text in text()) {
        prop_assume!(!REFUSED.contains(&text.as_str()));
        for part in [segment(&text), UserId::described(&text).to_string()] {
            let wanted = ["api", "v1", "users", text.as_str(), "groups"];
            prop_assert_eq!(segments(&format!("/api/v1/users/{part}/groups")), wanted);
        }
    }

    #[test]
    fn a_reference_stays_one_segment_of_whatever_would_be_sent(text in text(), place in 0..REFERRING.len()) {
        prop_assume!(!REFUSED.contains(&text.as_str()) && text.chars().count() <= 300);
        let (action, members) = &REFERRING[place];
        let (plain, told) = (paths(action, &input(action, members, "plain")), paths(action, &input(action, members, &text)));
        prop_assert_eq!(plain.len(), told.len());
        for (plain, told) in plain.iter().zip(&told) {
            let wanted: Vec<_> = segments(plain).into_iter().map(|it| if it == "plain" { text.clone() } else { it }).collect();
            prop_assert_eq!(segments(told), wanted);
        }
    }
}

#[test]
fn what_names_something_else_is_a_fault_of_every_action_with_a_reference() {
    assert!(REFERRING.len() > 24, "{REFERRING:?}");
    for (action, members) in REFERRING.iter() {
        for (text, member) in REFUSED.iter().flat_map(|text| members.iter().map(move |member| (text, member))) {
            let mut input = input(action, members, "plain");
            input[member] = (*text).into();
            let Err(faults) = find(action).expect("an action").read(&input) else { panic!("{action} takes '{text}'") };
            assert_eq!(faults[0].pointer, format!("/{member}"), "{action} {text:?}");
        }
    }
    for text in REFUSED {
        let user = |groups: Value| json!({"profile": {"login": "a@acme.example"}, "groups": groups});
        assert!(find("user.create").expect("an action").read(&user(json!(["plain", text]))).is_err(), "{text:?}");
        let named = json!({"profile": {"login": text}});
        assert!(find("user.create").expect("an action").read(&named).is_err(), "{text:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_for_what_names_something_else() {
    let scene = Scene::by_token(tiny(1)).await;
    let before = scene.ground.okta.calls();
    for (action, members) in REFERRING.iter() {
        for text in REFUSED {
            let refused = scene.call(None, action, &input(action, members, text)).await;
            assert_eq!((refused.status, refused.problem()), (422, "invalid-body"), "{action} {text:?}");
        }
    }
    assert_eq!(scene.ground.okta.calls(), before);
}

#[test]
fn groups_of_a_new_user_are_told_as_they_were_given() {
    let input = json!({"profile": {"login": "a@acme.example"}, "groups": ["Sales & Ops / 我", "00g1"]});
    let would = find("user.create").expect("an action").read(&input).unwrap_or_else(|it| panic!("{it:?}")).would();
    assert_eq!(would[0].body.as_ref().expect("a body")["groupIds"], json!(["Sales & Ops / 我", "00g1"]));
}
