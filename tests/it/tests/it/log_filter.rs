//! The product's filters of the System Log and the simulated tenant's, two readings of one grammar: each judges the other.

use crate::direct::operate;
use crate::world::small;
use it::judge::facts_dir;
use jiff::SignedDuration;
use okta_connector::clock::{Clock, SystemClock};
use okta_connector::okta::LogFilter;
use okta_simulator::{Config, Simulator};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::net::TcpListener;

/// Filters that both take.
const TAKEN: &[&str] = &[
    r#"eventType eq "user.session.start""#,
    r#"eventType eq "USER.Session.Start""#,
    r#"eventType ne "user.session.start""#,
    r#"eventType sw "group.""#,
    r#"eventType co "Session""#,
    r#"eventType ew "add""#,
    r#"eventType gt "user.lifecycle.create" and eventType le "user.mfa.factor.reset_all""#,
    r#"eventType ge "user.session.start" or eventType lt "group""#,
    r#"eventType eq "user.session.start" and outcome.result eq "FAILURE""#,
    r#"outcome.result eq "FAILURE" or outcome.result eq "SUCCESS" and eventType sw "application""#,
    r#"(outcome.result eq "FAILURE" or outcome.result eq "SUCCESS") and eventType sw "application""#,
    r#"not (outcome.result eq "FAILURE" or eventType sw "user")"#,
    r#"not(not(eventType sw "user"))and(severity EQ "warn")"#,
    "outcome.reason pr",
    r#"outcome.reason ne "INVALID_CREDENTIALS""#,
    r#"actor.type ne "User""#,
    r#"actor.alternateId eq "nobody@acme.example""#,
    r#"target.id eq "unknown" and target.type eq "User""#,
    r#"target.type ne "User""#,
    r#"not (target.type eq "User")"#,
    "target pr",
    "target.detailEntry pr",
    "transaction.detail pr",
    r#"transaction.detail.requestApiTokenId eq "00T94e3cn9kSEO3c51s5""#,
    r#"client.ipAddress eq "203.0.113.7""#,
    r#"request.ipChain.ip eq "10.0.0.1""#,
    r#"request.ipChain.ip ne "10.0.0.1""#,
    r#"request.ipChain.version eq "V6""#,
    r#"client.geographicalContext.city eq "São Paulo""#,
    r#"client.geographicalContext.city sw "SÃO""#,
    r#"client.geographicalContext.city lt "oslo" or client.geographicalContext.city gt "oslo""#,
    "client.geographicalContext.geolocation.lat gt 59.5",
    "client.geographicalContext.geolocation.lat lt 1e1",
    "securityContext.asNumber ge 64500",
    r#"securityContext.asNumber eq "64500""#,
    "securityContext.asNumber ne 64500",
    "securityContext.isProxy eq true",
    r#"securityContext.isProxy ne "true""#,
    "securityContext.ipDetails.asOrg pr",
    "authenticationContext.authenticationStep eq 0",
    "authenticationContext.issuer pr or device pr or device.id pr",
    r#"client.zone eq "null""#,
    "legacyEventType pr",
    r#"displayMessage co "okta user""#,
    "debugContext.debugData.requestUri pr",
    r#"debugContext.debugData.requestUri sw "/API/v1/users""#,
    r#"debugContext.debugData.url ew "suspend" and debugContext.debugData.requestUri gt "/""#,
    "debugContext.debugData pr",
    r#"debugContext.debugData.never.seen ne "x""#,
    r#"eventType eq "\u0075ser.session.start""#,
    r#"eventType co "" and version eq "0""#,
];

/// Filters that both refuse. An empty one is not among them: as a parameter it counts as none.
const REFUSED: &[&str] = &[
    "   ",
    "eventType",
    "eventType eq",
    "eventType eq user.session.start",
    "eventType eq 'user.session.start'",
    "eventType eq null",
    r#"eventType eqq "x""#,
    r#"eventType eq "x"#,
    r#"eventType eq "\x""#,
    r#"eventType eq "x" and"#,
    r#"eventType eq "x" or or eventType pr"#,
    r#"eventType eq "x" eventType pr"#,
    r#"(eventType eq "x""#,
    r#"eventType eq "x")"#,
    "()",
    "not eventType pr",
    r#"published gt "2026-01-01T00:00:00.000Z""#,
    "published pr",
    r#"display_message eq "x""#,
    r#"eventtype eq "x""#,
    r#"actor.shoe eq "x""#,
    r#"actor.id.shoe eq "x""#,
    r#"client.userAgent.shoe eq "x""#,
    r#"urn:okta:log:eventType eq "x""#,
    "debugContext.debugData. pr",
    "debugContext.shoe pr",
    r#"target[type eq "User"]"#,
    r#"target[type eq "User"].id pr"#,
    r#"debugContext.debugData.url co "/api""#,
    r#"debugContext.debugData.requestUri Co "/api""#,
];

/// Filters that only the tenant takes, though they can hold for no event.
const HOPELESS: &[&str] = &[
    r#"actor eq "00u1""#,
    "eventType eq 5",
    "outcome.result eq true",
    "displayMessage co 5",
    "securityContext.isProxy gt false",
    r#"securityContext.isProxy eq "proxy""#,
    r#"securityContext.asNumber sw "645""#,
    r#"securityContext.asNumber eq "many""#,
    "debugContext.debugData.requestUri sw 1",
];

/// A tenant's log as an administrator reads it.
struct Reader {
    simulator: Simulator,
    since: String,
}

impl Reader {
    /// A tenant with something in its log.
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let config = Config { rate_limit: Some(10_000), ..small() };
        let simulator = Simulator::start(config, listener).await.expect("a simulator");
        let since = (SystemClock.now() - SignedDuration::from_hours(24 * 60)).to_string();
        let reader = Self { simulator, since };
        for events in [
            json!({"count": 40}),
            json!({"count": 2, "type": "user.session.start", "user": "nobody@acme.example", "outcome": "FAILURE",
                "reason": "INVALID_CREDENTIALS", "ip_chain": ["203.0.113.7", "10.0.0.1"], "city": "São Paulo"}),
            json!({"count": 3, "ip": "2001:db8::1", "asn": 64500, "isp": "Net", "is_proxy": true}),
            json!({"count": 1, "asn": 64499, "is_proxy": false, "outcome": "UNKNOWN"}),
        ] {
            operate(&reader.simulator, "POST", "events", events).await;
        }
        let (_, users) = reader.call("GET", "/api/v1/users?limit=3&filter=status+eq+%22ACTIVE%22").await;
        for user in users.as_array().expect("users") {
            let path = format!("/api/v1/users/{}/lifecycle/suspend", user["id"].as_str().expect("an id"));
            assert_eq!(reader.call("POST", &path).await.0, 200);
        }
        reader
    }

    async fn call(&self, method: &str, target: &str) -> (u16, Value) {
        let request = reqwest::Client::new()
            .request(method.parse().expect("a method"), format!("{}{target}", self.simulator.url()))
            .header("authorization", format!("SSWS {}", self.simulator.credentials().api_token))
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .header("content-length", "0");
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON"))
    }

    /// The events that the tenant shows, or the code of its refusal.
    async fn events(&self, filter: Option<&str>) -> Result<Vec<Value>, String> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("since", &self.since).append_pair("limit", "1000");
        query.extend_pairs(filter.map(|filter| ("filter", filter)));
        match self.call("GET", &format!("/api/v1/logs?{}", query.finish())).await {
            (200, Value::Array(events)) => Ok(events),
            (400, refusal) => Err(refusal["errorCode"].as_str().expect("a code").to_owned()),
            other => panic!("{filter:?}: {other:?}"),
        }
    }
}

fn uuids<'a>(events: impl IntoIterator<Item = &'a Value>) -> BTreeSet<&'a str> {
    events.into_iter().map(|event| event["uuid"].as_str().expect("a uuid")).collect()
}

#[tokio::test]
async fn what_a_filter_holds_for_is_what_the_tenant_finds() {
    let reader = Reader::start().await;
    let log = reader.events(None).await.expect("the log");
    assert!((50..1_000).contains(&log.len()), "{}", log.len());
    let (mut some, mut none) = (0, 0);
    for text in TAKEN {
        let filter = LogFilter::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let ours = uuids(log.iter().filter(|event| filter.matches(event)));
        let theirs = reader.events(Some(text)).await.unwrap_or_else(|code| panic!("{text}: {code}"));
        assert_eq!(ours, uuids(&theirs), "{text}");
        some += usize::from(!ours.is_empty() && ours.len() < log.len());
        none += usize::from(ours.is_empty());
    }
    assert!(some > 30 && none < 12, "{some} filters tell events apart, {none} hold for none");
}

#[tokio::test]
async fn what_the_tenant_refuses_is_a_fault() {
    let reader = Reader::start().await;
    for text in REFUSED {
        let fault = LogFilter::parse(text).err().unwrap_or_else(|| panic!("{text} is a fault"));
        let code = reader.events(Some(text)).await.err().unwrap_or_else(|| panic!("{text} is refused: {fault}"));
        let searches_urls = text.to_lowercase().contains(" co ");
        assert_eq!(code, if searches_urls { "E0000031" } else { "E0000053" }, "{text}");
    }
}

#[tokio::test]
async fn what_else_is_a_fault_would_find_nothing() {
    let reader = Reader::start().await;
    for text in HOPELESS {
        assert!(LogFilter::parse(text).is_err(), "{text}");
        assert_eq!(reader.events(Some(text)).await, Ok(Vec::new()), "{text}");
    }
}

/// The paths of a schema of Okta's description, its own among them.
fn described(schemas: &Value, schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let name = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next());
    let schema = name.map_or(schema, |name| &schemas[name]);
    if schema["items"].is_object() {
        return described(schemas, &schema["items"], path, found);
    }
    found.insert(path.to_owned());
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let dot = if path.is_empty() { "" } else { "." };
        described(schemas, inner, &format!("{path}{dot}{name}"), found);
    }
}

#[test]
fn every_attribute_that_okta_describes_may_be_filtered_but_the_time() {
    let Some(facts) = facts_dir() else { return };
    let file = std::fs::read(facts.join("openapi-subset.json")).expect("a description");
    let description: Value = serde_json::from_slice(&file).expect("JSON");
    let schemas = &description["components"]["schemas"];
    let mut paths = BTreeSet::new();
    described(schemas, &schemas["LogEvent"], "", &mut paths);
    let untaken = paths.iter().filter(|path| LogFilter::parse(&format!("{path} pr")).is_err());
    assert_eq!(untaken.collect::<Vec<_>>(), ["", "published"]);
    assert!(paths.len() > 100, "{}", paths.len());
}
