use proptest::prelude::*;
use serde_json::{Value, json};

use super::LogFilter;

fn filter(text: &str) -> LogFilter {
    LogFilter::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn event() -> Value {
    json!({
        "uuid": "f24790d0", "eventType": "user.session.start", "severity": "WARN", "displayMessage": "Łucja ΟΔΟΣ",
        "legacyEventType": null, "version": "0", "actor": {"id": "00u1", "type": "User", "displayName": ""},
        "target": [{"id": "00u2", "type": "User"}, {"id": "0oa3", "type": "AppInstance", "displayName": null}],
        "client": {"zone": "null", "ipAddress": "203.0.113.7", "userAgent": {"os": "iOS"},
                   "geographicalContext": {"postalCode": 94105, "geolocation": {"lat": 59.9, "lon": -10.7}}},
        "outcome": {"result": "FAILURE", "reason": null}, "device": null,
        "securityContext": {"asNumber": 64500, "isProxy": false, "userBehaviors": []},
        "debugContext": {"debugData": {"requestUri": "/api/v1/authn", "url": "/api/v1/authn?", "threshold": "1200"}},
        "transaction": {"id": "W1", "detail": {}}, "request": {"ipChain": [{"ip": "10.0.0.1"}, {"ip": "203.0.113.7"}]},
    })
}

#[test]
fn a_filter_holds_as_its_operators_say() {
    let cases = [
        (r#"eventType eq "user.session.start" and outcome.result eq "FAILURE""#, true),
        (r#"eventType eq "USER.session.START""#, true),
        (r#"eventType sw "user.session""#, true),
        (r#"eventType sw "user.session.start.""#, false),
        (r#"eventType co "Session""#, true),
        (r#"eventType ew "token" or eventType ew ".START""#, true),
        (r#"eventType gt "user.session.end""#, true),
        (r#"eventType ge "user.session.start" and eventType le "user.session.start""#, true),
        (r#"eventType lt "user.session.start""#, false),
        (r#"(client.userAgent.os lt "iOS" or client.userAgent.os gt "iOS")"#, false),
        (r#"displayMessage sw "łU" and displayMessage ew "οδος" and displayMessage co "JA ο""#, true),
        (r#"displayMessage eq "łucja οδοσ" and displayMessage gt "z" and displayMessage lt "Ż""#, true),
        ("securityContext.asNumber gt 64499.5 and securityContext.asNumber le 64500", true),
        (r#"securityContext.asNumber eq "64500" and client.geographicalContext.postalCode eq "94105""#, true),
        ("securityContext.isProxy eq false", true),
        (r#"securityContext.isProxy eq "False" and securityContext.isProxy ne true"#, true),
        ("client.geographicalContext.geolocation.lon lt -1e1", true),
        (r#"debugContext.debugData.requestUri eq "/api/v1/authn""#, true),
        ("debugContext.debugData.threshold ge 5", false),
        (r#"version eq "\u0030""#, true),
        (r#"client.zone eq "null" and eventType co """#, true),
    ];
    for (text, holds) in cases {
        assert_eq!(filter(text).matches(&event()), holds, "{text}");
    }
}

#[test]
fn one_member_of_a_list_is_enough_but_to_differ() {
    let cases = [
        (r#"target.id eq "00u2" and target.id eq "0oa3""#, true),
        (r#"target.id eq "00u1""#, false),
        (r#"target.type ne "User""#, false),
        (r#"target.type ne "UserGroup""#, true),
        (r#"not (target.type eq "AppInstance")"#, false),
        (r#"request.ipChain.ip sw "10.""#, true),
        ("securityContext.userBehaviors pr", false),
        ("target pr and request.ipChain pr", true),
    ];
    for (text, holds) in cases {
        assert_eq!(filter(text).matches(&event()), holds, "{text}");
    }
}

#[test]
fn what_is_missing_equals_nothing_and_differs_from_everything() {
    let event = event();
    for name in ["legacyEventType", "outcome.reason", "actor.alternateId", "device.id", "securityContext.isp"] {
        for operator in ["eq", "co", "sw", "ew", "gt", "ge", "lt", "le"] {
            let text = format!("{name} {operator} \"\"");
            assert!(!filter(&text).matches(&event), "{text}");
        }
        assert!(!filter(&format!("{name} pr")).matches(&event), "{name}");
        assert!(filter(&format!("{name} ne \"null\"")).matches(&event), "{name}");
    }
    for (empty, full) in [("actor.displayName pr", "actor pr"), ("transaction.detail pr", "transaction pr")] {
        assert!(!filter(empty).matches(&event) && filter(full).matches(&event), "{empty}");
    }
}

#[test]
fn and_binds_closer_than_or_and_keywords_have_any_case() {
    let (yes, no) = ("eventType pr", "legacyEventType pr");
    let cases = [
        (format!("{yes} or {yes} and {no}"), true),
        (format!("({yes} OR {yes}) AND {no}"), false),
        (format!("{no} and {no} or {yes}"), true),
        (format!("Not ({no}) And {yes}"), true),
        (format!("not({yes})or({yes})and(({yes}))"), true),
        (format!(" \t{yes}\n"), true),
        (r#"eventType Eq"user.session.start"and actor.id PR"#.to_owned(), true),
    ];
    for (text, holds) in cases {
        assert_eq!(filter(&text).matches(&event()), holds, "{text}");
        assert_eq!((filter(&text).as_str(), filter(&text).to_string()), (text.as_str(), text.clone()));
    }
}

#[test]
fn a_fault_says_where_it_is_and_what_to_write() {
    let cases = [
        ("", 1, "a condition is missing"),
        ("  ", 3, "a condition is missing"),
        (r#"display_message eq "x""#, 1, "write displayMessage"),
        (r#"eventtype eq "x""#, 1, "write eventType"),
        (r#"actor.shoe eq "x""#, 1, "write one of actor.alternateId, actor.detailEntry"),
        (r#"actor.id.x eq "x""#, 1, "write actor.id alone"),
        ("shoe pr", 1, "write one of actor, authenticationContext"),
        ("debugContext.debugData. pr", 1, "names with dots"),
        (r#"published gt "2026-01-01T00:00:00.000Z""#, 1, "no filter may use published"),
        (r#"actor eq "x""#, 7, "write one of actor.alternateId"),
        (r#"displayMessage eqq "x""#, 16, "`eqq` is no operator: write eq, ne"),
        ("eventType", 10, "an operator is missing"),
        ("eventType eq", 13, "a value is missing: write eventType eq"),
        ("eventType eq ACTIVE", 14, "double quotes"),
        ("eventType eq 'x'", 14, "double quotes"),
        ("eventType eq null", 14, "eventType pr, or not (eventType pr)"),
        ("eventType eq 5", 14, "eventType is text"),
        (r#"eventType eq "x"#, 14, "does not end"),
        (r#"eventType eq "x\""#, 14, "does not end"),
        (r#"eventType eq "\x""#, 14, "no JSON string"),
        ("debugContext.debugData.risk co 5", 32, "only text has parts"),
        ("debugContext.debugData.risk gt true", 32, "have no order"),
        (r#"debugContext.debugData.url co "/api""#, 28, "write eq, sw or ew"),
        (r#"debugContext.debugData.requestUri CO "/api""#, 35, "write eq, sw or ew"),
        ("securityContext.isProxy gt true", 25, "write eq, ne or pr"),
        ("securityContext.isProxy eq 1", 28, "true or false"),
        (r#"securityContext.asNumber sw "6""#, 26, "is a number"),
        (r#"securityContext.asNumber eq "six""#, 29, "is a number"),
        (r#"target[type eq "User"]"#, 7, "has no [ ]"),
        (r#"eventType eq "ü" [x]"#, 18, "has no [ ]"),
        ("not eventType pr", 5, "write not (…)"),
        ("eventType pr actor.id pr", 14, "write and or or"),
        ("eventType pr and", 17, "a condition is missing"),
        ("and eventType pr", 1, "begins with an attribute"),
        ("()", 2, "begins with an attribute"),
        (r#""eventType" eq "x""#, 1, "begins with an attribute"),
        ("(eventType pr", 1, "is not closed"),
        ("eventType pr)", 13, "closes none"),
    ];
    for (text, character, says) in cases {
        let fault = LogFilter::parse(text).err().unwrap_or_else(|| panic!("{text} is a fault"));
        assert!(fault.character == character && fault.detail.contains(says), "{text}: {fault}");
    }
}

#[test]
fn a_filter_has_an_end() {
    let nested = |depth: usize| format!("{}actor pr{}", "not (".repeat(depth), ")".repeat(depth));
    assert_eq!(filter(&nested(LogFilter::DEEPEST)).matches(&event()), LogFilter::DEEPEST.is_multiple_of(2));
    let fault = LogFilter::parse(&nested(LogFilter::DEEPEST + 1)).expect_err("too deep");
    assert_eq!(fault.character, 5 * LogFilter::DEEPEST + 5);
    let long = |length: usize| format!("actor pr{}", " ".repeat(length - 8));
    assert!(filter(&long(LogFilter::LONGEST)).matches(&event()));
    assert_eq!(
        LogFilter::parse(&long(LogFilter::LONGEST + 1)).expect_err("too long").character,
        LogFilter::LONGEST + 1
    );
    assert!(LogFilter::parse(&"(".repeat(1_000_000)).is_err());
}

/// Any JSON, with the names that filters ask for.
fn any_event() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..3).prop_map(Value::from),
        "[aBİςΣ1]{0,2}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let name = || prop::sample::select(vec!["actor", "target", "id", "debugContext", "debugData", "url", "severity"]);
    leaf.prop_recursive(4, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..6).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

/// One comparison.
fn comparison() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["actor.id", "target.id", "severity", "debugContext.debugData.id.url"]);
    let operator = prop::sample::select(vec!["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"]);
    (name, operator, "[aBİςΣ1]{0,2}").prop_map(|(name, operator, text)| match operator {
        "pr" => format!("{name} pr"),
        _ => format!("{name} {operator} {}", Value::from(text)),
    })
}

/// A whole filter.
fn any_filter() -> impl Strategy<Value = String> {
    comparison().prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} or {b}")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_and_no_event_panics(text in any::<String>(), near in r#"[a-z\[\]." ()\\5é]{0,40}"#, event in any_event()) {
        for text in [text, near.clone(), format!("eventType {near}"), format!("actor.id eq {near}")] {
            match LogFilter::parse(&text) {
                Ok(filter) => _ = filter.matches(&event),
                Err(fault) => prop_assert!((1..=text.chars().count() + 1).contains(&fault.character)),
            }
        }
    }

    #[test]
    fn filters_keep_the_laws_of_logic(a in any_filter(), b in any_filter(), c in any_filter(), event in any_event()) {
        let holds = |text: String| filter(&text).matches(&event);
        let (x, y, z) = (holds(a.clone()), holds(b.clone()), holds(c.clone()));
        prop_assert_eq!(holds(format!("not (not ({a}))")), x);
        prop_assert_eq!(holds(format!("not (({a}) and ({b}))")), holds(format!("not ({a}) or not ({b})")));
        prop_assert_eq!(holds(format!("not (({a}) or ({b}))")), holds(format!("not ({a}) and not ({b})")));
        prop_assert_eq!(holds(format!("({a}) or ({b}) and ({c})")), x || y && z);
        prop_assert_eq!(holds(format!("({a}) and ({b}) or ({c})")), x && y || z);
        prop_assert_eq!(holds(format!("(({a}) or ({b})) and not ({c})")), (x || y) && !z);
    }

    #[test]
    fn operators_agree_with_each_other(text in "[aBİςΣ1]{0,2}", event in any_event()) {
        for name in ["actor.id", "target.id", "debugContext.debugData.url"] {
            let holds = |operator: &str| filter(&format!("{name} {operator} {}", Value::from(text.as_str()))).matches(&event);
            prop_assert_eq!(holds("ne"), !holds("eq"));
            prop_assert_eq!(holds("ge"), holds("gt") || holds("eq"));
            prop_assert_eq!(holds("le"), holds("lt") || holds("eq"));
        }
    }

    #[test]
    fn any_text_is_itself_in_whatever_case(text in "\\PC{1,12}") {
        let event = json!({ "actor": {"id": text} });
        for operator in ["eq", "co", "sw", "ew", "ge", "le"] {
            for text in [text.clone(), text.to_lowercase()] {
                let text = format!("actor.id {operator} {}", Value::from(text));
                prop_assert!(filter(&text).matches(&event), "{text}");
            }
        }
    }
}
