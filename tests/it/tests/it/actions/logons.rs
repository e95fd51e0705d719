//! Who signed in from an address.

use super::stage::Stage;
use crate::world::text;
use serde_json::{Value, json};

impl Stage {
    /// A logon that the tenant's log tells of.
    async fn logon(&self, user: &str, outcome: &str, from: Value) {
        let mut event = json!({"count": 1, "type": "user.session.start", "user": user, "outcome": outcome});
        event.as_object_mut().expect("an object").extend(from.as_object().cloned().unwrap_or_default());
        self.world.sim("POST", "events", Some(event)).await;
    }

    async fn logons(&self, input: Value) -> Value {
        self.act("log.recent_logons_by_ip", input).await.expect(200)["output"].clone()
    }

    /// The logins of two people.
    fn two(&self) -> [String; 2] {
        [0, 1].map(|at: usize| self.login(at))
    }
}

/// Login, failures and successes of each user, in order.
fn told(logons: &Value) -> Vec<(&str, u64, u64)> {
    let users = logons["users"].as_array().expect("users");
    let count = |user: &Value, name: &str| user[name].as_u64().expect("a number");
    users.iter().map(|it| (text(&it["user"], "login"), count(it, "failures"), count(it, "successes"))).collect()
}

#[tokio::test]
async fn whoever_failed_most_comes_first_and_other_addresses_are_not_told() {
    let stage = Stage::start().await;
    let [ada, bob] = stage.two();
    let here = json!({"ip": "203.0.113.99"});
    for (user, outcome) in
        [(&ada, "SUCCESS"), (&bob, "FAILURE"), (&bob, "SUCCESS"), (&ada, "FAILURE"), (&bob, "FAILURE")]
    {
        stage.logon(user, outcome, here.clone()).await;
    }
    stage.logon("nobody@acme.example", "FAILURE", here).await;
    stage.logon(&ada, "FAILURE", json!({"ip": "203.0.113.9"})).await;
    let logons = stage.logons(json!({"ip": " 203.0.113.99 "})).await;
    assert_eq!((&logons["ip"], &logons["truncated"]), (&json!("203.0.113.99"), &json!(false)));
    assert_eq!(told(&logons), [(bob.as_str(), 2, 1), ("nobody@acme.example", 1, 0), (&ada, 1, 1)]);
    assert_eq!(logons["users"][1]["user"]["id"], Value::Null);
    let outcomes: Vec<_> =
        logons["users"][0]["logons"].as_array().expect("logons").iter().map(|it| text(it, "outcome")).collect();
    assert_eq!(outcomes, ["FAILURE", "FAILURE", "SUCCESS"]);
    let (first, last) = (text(&logons["users"][0], "first"), text(&logons["users"][0], "last"));
    assert!(first <= last && last == text(&logons["users"][0]["logons"][0], "at"), "{logons:#}");
}

#[tokio::test]
async fn a_client_behind_a_proxy_that_names_it_is_found() {
    let stage = Stage::start().await;
    let [ada, bob] = stage.two();
    stage.logon(&ada, "SUCCESS", json!({"ip": "198.51.100.1", "ip_chain": ["198.51.100.1", "2001:db8::99"]})).await;
    stage.logon(&bob, "SUCCESS", json!({"ip": "198.51.100.1", "ip_chain": ["198.51.100.1", "2001:db8::98"]})).await;
    for ip in ["2001:db8::99", "2001:0DB8:0:0:0:0:0:99"] {
        let logons = stage.logons(json!({"ip": ip})).await;
        assert_eq!((&logons["ip"], told(&logons)), (&json!("2001:db8::99"), vec![(ada.as_str(), 0, 1)]), "{ip}");
    }
}

#[tokio::test]
async fn a_logon_is_told_with_everything_that_okta_says_of_it() {
    let stage = Stage::start().await;
    let [ada, _] = stage.two();
    let from = json!({"ip": "203.0.113.99", "reason": "INVALID_CREDENTIALS", "city": "Bergen", "state": "Vestland",
        "country": "Norway", "asn": 64500, "isp": "Example", "is_proxy": true, "user_agent": "Browser/1"});
    stage.logon(&ada, "FAILURE", from).await;
    let mut logon = stage.logons(json!({"ip": "203.0.113.99"})).await["users"][0]["logons"][0].clone();
    let told = logon.as_object_mut().expect("a logon");
    assert!(told.remove("at").is_some() && told.remove("event_id").is_some());
    let wanted = json!({"outcome": "FAILURE", "reason": "INVALID_CREDENTIALS", "event_type": "user.session.start",
        "city": "Bergen", "state": "Vestland", "country": "Norway", "asn": 64500, "isp": "Example", "is_proxy": true,
        "user_agent": "Browser/1"});
    assert_eq!(logon, wanted);
}

#[tokio::test]
async fn only_logons_of_the_time_asked_for_are_told_a_day_by_default() {
    let stage = Stage::start().await;
    let [ada, bob] = stage.two();
    let here = json!({"ip": "203.0.113.99"});
    // Events may be told late: this one is of two days ago.
    stage.logon(&ada, "SUCCESS", json!({"ip": "203.0.113.99", "late_seconds": 172_800})).await;
    stage.logon(&bob, "SUCCESS", here.clone()).await;
    stage
        .world
        .sim("POST", "events", Some(json!({"count": 1, "type": "user.lifecycle.suspend", "ip": "203.0.113.99"})))
        .await;
    let day = stage.logons(here).await;
    assert_eq!(told(&day), [(bob.as_str(), 0, 1)]);
    let since = stage.ago(72).await;
    let all = stage.logons(json!({"ip": "203.0.113.99", "since": since})).await;
    assert_eq!((told(&all).len(), &all["from"]), (2, &json!(since)));
    let before = stage.logons(json!({"ip": "203.0.113.99", "since": since, "until": stage.ago(24).await})).await;
    assert_eq!(told(&before), [(ada.as_str(), 0, 1)]);
}

#[tokio::test]
async fn more_events_than_are_read_are_told_to_be_truncated() {
    let stage = Stage::start().await;
    let [ada, _] = stage.two();
    let many = json!({"count": 5001, "type": "user.session.start", "user": ada, "ip": "203.0.113.99"});
    stage.world.sim("POST", "events", Some(many)).await;
    let logons = stage.logons(json!({"ip": "203.0.113.99"})).await;
    assert_eq!((&logons["truncated"], told(&logons)), (&json!(true), vec![(ada.as_str(), 0, 5000)]));
}

#[tokio::test]
async fn what_is_no_address_or_no_time_is_refused() {
    let stage = Stage::start().await;
    for (input, pointer) in [
        (json!({"ip": "acme.example"}), "/ip"),
        (json!({"ip": "203.0.113.0/24"}), "/ip"),
        (json!({"ip": "192.0.2.1", "since": "yesterday"}), "/since"),
        (json!({"ip": "192.0.2.1", "since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}), "/since"),
        (json!({"ip": "192.0.2.1", "since": "2100-01-01T00:00:00Z"}), "/since"),
    ] {
        let reply = stage.act("log.recent_logons_by_ip", input.clone()).await;
        assert_eq!((reply.status, &reply.body["errors"][0]["pointer"]), (422, &json!(pointer)), "{input}");
    }
}
