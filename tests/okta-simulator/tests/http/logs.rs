//! The System Log: polling, bounded requests, and what changes write.

use okta_simulator::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{App, Seen, World};

async fn world() -> World {
    World::new(Config { users: 40, noise: Some(0), ..Config::default() }).await
}

fn kinds(seen: &Seen) -> Vec<&str> {
    seen.items().iter().filter_map(|event| event["eventType"].as_str()).collect()
}

/// The page after everything that has happened so far.
async fn caught_up(world: &World) -> String {
    let mut next = "/api/v1/logs?limit=1000".to_owned();
    loop {
        let page = world.get(&next).await;
        next = page.next().expect("polling always has a next page");
        if page.items().is_empty() {
            return next;
        }
    }
}

#[tokio::test]
async fn polling_goes_on_from_an_empty_page_and_sees_late_events() {
    let world = world().await;
    let resume = caught_up(&world).await;
    let late = json!({"count": 2, "type": "user.session.start", "late_seconds": 600});
    world.door(Method::POST, "/events", late).await;
    let page = world.get(&resume).await;
    assert_eq!(kinds(&page), ["user.session.start"; 2]);
    let now = page.header("date").to_owned();
    assert!(page.items()[0]["published"].as_str().is_some_and(|at| !now.contains(&at[11..16])));
    let after = world.get(&page.next().expect("a next page")).await;
    assert_eq!((after.items().len(), after.next().is_some()), (0, true));
}

#[tokio::test]
async fn changes_are_told_with_who_and_whom() {
    let world = world().await;
    let resume = caught_up(&world).await;
    let id = world.hire("zara@acme.example").await;
    world.post(&format!("/api/v1/users/{id}/lifecycle/suspend")).await;
    world.call(Method::DELETE, &format!("/api/v1/users/{id}"), None).await;
    let page = world.get(&resume).await;
    let wanted =
        ["user.lifecycle.create", "user.lifecycle.activate", "user.lifecycle.suspend", "user.lifecycle.deactivate"];
    assert_eq!(kinds(&page), wanted);
    let owner = world.get("/api/v1/users/me").await.body["id"].clone();
    assert!(page.items().iter().all(|event| event["actor"]["id"] == owner && event["target"][0]["id"] == id));
}

#[tokio::test]
async fn every_event_of_a_bounded_request_comes_once() {
    let world = world().await;
    let now = world.door(Method::GET, "/clock", json!({})).await["now"].as_str().expect("a time").to_owned();
    let mut next = Some(format!("/api/v1/logs?until={now}&limit=50"));
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = next {
        let page = world.get(&path).await;
        assert!(page.items().iter().all(|event| seen.insert(event["uuid"].to_string())));
        next = page.next();
    }
    assert!(seen.len() > 100);
}

#[tokio::test]
async fn a_bounded_request_ends_and_follows_publication() {
    let world = world().await;
    world.door(Method::POST, "/events", json!({"count": 5, "type": "user.session.end", "late_seconds": 300})).await;
    let filter = "filter=eventType+eq+%22user.session.end%22&sortOrder=DESCENDING&limit=2";
    let (mut published, mut next) = (Vec::<Value>::new(), Some(format!("/api/v1/logs?{filter}")));
    while let Some(path) = next {
        let page = world.get(&path).await;
        assert_eq!(page.status, 200, "{page:?}");
        published.extend(page.items().iter().map(|event| event["published"].clone()));
        next = page.next();
    }
    assert_eq!(published.len(), 5);
    assert!(published.is_sorted_by(|left, right| left.as_str() >= right.as_str()));
}

#[tokio::test]
async fn filters_and_keywords_choose_events_and_bad_ones_are_refused() {
    let world = world().await;
    let resume = caught_up(&world).await;
    let id = world.hire("zara@acme.example").await;
    let found = world.get(&format!("/api/v1/logs?filter=target.id+eq+%22{id}%22+and+not+(eventType+sw+%22x%22)")).await;
    assert_eq!(kinds(&found), ["user.lifecycle.create", "user.lifecycle.activate"]);
    assert_eq!(world.get("/api/v1/logs?q=zara+create").await.items().len(), 1);
    for (query, status, code) in [
        ("filter=actor.shoe+eq+%22x%22", 400, "E0000053"),
        ("filter=published+gt+%222026-01-01T00:00:00Z%22", 400, "E0000053"),
        ("filter=eventType+is+%22x%22", 400, "E0000053"),
        ("filter=target%5Btype+eq+%22User%22%5D", 400, "E0000053"),
        ("filter=debugContext.debugData.url+co+%22x%22", 400, "E0000031"),
        ("filter=debugContext.debugData.requestUri+co+%22x%22", 400, "E0000031"),
        ("since=2020-01-01T00:00:00Z", 400, "E0000053"),
        ("since=yesterday", 400, "E0000001"),
        ("limit=1001", 400, "E0000001"),
        ("after=x", 400, "E0000029"),
    ] {
        let seen = world.get(&format!("/api/v1/logs?{query}")).await;
        assert_eq!((seen.status, seen.code()), (status, code), "{query}");
    }
    assert_eq!(world.get(&format!("{resume}&since=2026-01-01T00:00:00Z")).await.status, 400);
}

#[tokio::test]
async fn a_drained_poll_keeps_its_next_link_to_the_letter() {
    let world = world().await;
    let filter = "filter=eventType+eq+%22user.session.end%22";
    for path in ["/api/v1/logs".to_owned(), format!("/api/v1/logs?limit=1000&{filter}")] {
        let since = jiff::Timestamp::from_second(world.now().await - 3600).expect("a time");
        let mark = if path.contains('?') { '&' } else { '?' };
        let first = world.get(&format!("{path}{mark}since={since}")).await.next().expect("a next page");
        let drained = world.get(&first).await;
        assert_eq!((drained.items().len(), drained.next()), (0, Some(first.clone())));
        world.door(Method::POST, "/events", json!({ "count": 1, "type": "user.session.end" })).await;
        let page = world.get(&first).await;
        assert_eq!(page.items().len(), 1);
        assert_ne!(page.next(), Some(first));
    }
}

#[tokio::test]
async fn a_burst_of_fifty_thousand_events_is_polled_to_its_end() {
    let world = World::new(Config { users: 40, noise: Some(0), rate_limit: Some(100_000), ..Config::default() }).await;
    let mut next = caught_up(&world).await;
    let burst = json!({ "count": 50_000, "type": "user.session.start", "late_seconds": 120 });
    let written = world.door(Method::POST, "/events", burst).await["uuids"].as_array().cloned().unwrap_or_default();
    let mut seen = Vec::new();
    loop {
        let page = world.get(&next).await;
        next = page.next().expect("polling always has a next page");
        seen.extend(page.items().iter().map(|event| event["uuid"].clone()));
        if page.items().is_empty() {
            break;
        }
    }
    assert!(seen.len() == 50_000 && seen == written);
    let since = jiff::Timestamp::from_second(world.now().await - 60).expect("a time");
    let until = jiff::Timestamp::from_second(world.now().await + 60).expect("a time");
    let bounded = world.get(&format!("/api/v1/logs?since={since}&until={until}")).await;
    assert_eq!(bounded.items().len(), 0, "published before: a bounded request misses what was late");
}

#[tokio::test]
async fn a_filtered_poll_finds_the_few_among_many() {
    let world = World::new(Config { users: 40, noise: Some(0), rate_limit: Some(100_000), ..Config::default() }).await;
    world.door(Method::POST, "/events", json!({ "count": 50_000, "type": "user.session.start" })).await;
    let written = world.door(Method::POST, "/events", json!({ "count": 2, "type": "user.lifecycle.suspend" })).await;
    let page = world.get("/api/v1/logs?filter=eventType+eq+%22user.lifecycle.suspend%22").await;
    assert_eq!(json!(page.items().iter().map(|event| &event["uuid"]).collect::<Vec<_>>()), written["uuids"]);
}

#[tokio::test]
async fn a_stored_cursor_can_be_refused_and_the_log_read_by_time_again() {
    let world = world().await;
    let stored = caught_up(&world).await;
    for code in ["E0000031", "E0000029"] {
        let fault = json!({ "fault": "status", "status": 400, "error_code": code, "path": "/api/v1/logs", "times": 1 });
        world.fault(fault).await;
        let refused = world.get(&stored).await;
        assert_eq!((refused.status, refused.code()), (400, code));
        let since = jiff::Timestamp::from_second(world.now().await - 3600).expect("a time");
        let again = world.get(&format!("/api/v1/logs?since={since}")).await;
        assert_eq!((again.status, again.next().is_some()), (200, true));
    }
}

#[tokio::test]
async fn events_are_kept_for_ninety_days() {
    let world = world().await;
    world.advance("91d").await;
    let now = world.now().await;
    let since = jiff::Timestamp::from_second(now - 100 * 86_400).expect("a time");
    let page = world.get(&format!("/api/v1/logs?since={since}")).await;
    assert_eq!((page.status, page.items().len(), page.next().is_some()), (200, 0, true));
}

#[tokio::test]
async fn people_sign_in_while_users_are_listed() {
    let world = world().await;
    let resume = caught_up(&world).await;
    for _ in 0..4 {
        world.get("/api/v1/users?limit=1").await;
    }
    let page = world.get(&resume).await;
    assert!(!page.items().is_empty() && kinds(&page).iter().all(|kind| *kind == "user.session.start"));
    let id = page.items()[0]["actor"]["id"].as_str().unwrap_or_default();
    let user = world.get(&format!("/api/v1/users/{id}")).await.body;
    assert!(user["lastLogin"].as_str() > user["lastUpdated"].as_str());
}

/// Events that fit a filter.
async fn found(world: &World, filter: &str) -> Vec<Value> {
    world.get(&format!("/api/v1/logs?filter={filter}")).await.items().to_vec()
}

#[tokio::test]
async fn a_logon_tells_who_tried_from_where_and_how_it_ended() {
    let world = world().await;
    let id = world.hire("zara@acme.example").await;
    let logon = json!({
        "count": 1, "type": "user.session.start", "user": "zara@acme.example", "outcome": "FAILURE",
        "reason": "INVALID_CREDENTIALS", "ip": "203.0.113.7", "city": "Lagos", "country": "Nigeria", "asn": 64500,
        "isp": "Example Net", "is_proxy": true, "user_agent": "curl/8",
    });
    world.door(Method::POST, "/events", logon).await;
    let events = found(&world, "client.ipAddress+eq+%22203.0.113.7%22+and+outcome.result+eq+%22FAILURE%22").await;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((&event["actor"]["id"], &event["outcome"]["reason"]), (&json!(id), &json!("INVALID_CREDENTIALS")));
    assert_eq!(event["client"]["geographicalContext"], json!({ "city": "Lagos", "country": "Nigeria" }));
    assert_eq!(event["client"]["userAgent"]["rawUserAgent"], "curl/8");
    let security = &event["securityContext"];
    assert_eq!((&security["asNumber"], &security["isProxy"]), (&json!(64500), &json!(true)));
}

#[tokio::test]
async fn an_address_is_found_anywhere_on_the_way() {
    let world = world().await;
    for more in [
        json!({ "ip": "203.0.113.7", "user": "one@acme.example" }),
        json!({ "ip_chain": ["198.51.100.1", "203.0.113.7"], "user": "two@acme.example" }),
        json!({ "ip": "2001:db8::1" }),
    ] {
        let mut order = json!({ "count": 1, "type": "user.session.start" });
        order.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        world.door(Method::POST, "/events", order).await;
    }
    let events = found(&world, "request.ipChain.ip+eq+%22203.0.113.7%22").await;
    let actors: Vec<_> = events.iter().map(|event| event["actor"]["alternateId"].clone()).collect();
    assert_eq!(actors, ["one@acme.example", "two@acme.example"]);
    assert_eq!(events[1]["client"]["ipAddress"], "198.51.100.1");
    assert_eq!(found(&world, "client.ipAddress+sw+%222001:%22").await[0]["request"]["ipChain"][0]["version"], "V6");
}

#[tokio::test]
async fn a_call_is_told_with_its_address_and_user_agent_and_any_of_its_targets() {
    let world = world().await;
    let id = world.hire("zara@acme.example").await;
    let made = world.call(Method::POST, "/api/v1/groups", Some(json!({ "profile": { "name": "Zebras" } }))).await;
    let group = made.body["id"].as_str().unwrap_or_default();
    let path = format!("/api/v1/groups/{group}/users/{id}");
    let token = format!("SSWS {}", world.okta.credentials().api_token);
    let request = world.request(Method::PUT, &path).header("authorization", token).header("content-length", "0");
    Seen::of(request.header("user-agent", "connector/1")).await;
    let filter = format!("eventType+eq+%22group.user_membership.add%22+and+target.id+eq+%22{group}%22");
    let told = world.get(&format!("/api/v1/logs?filter={filter}")).await.body[0].clone();
    assert_eq!((&told["target"][0]["id"], &told["target"][1]["id"]), (&json!(id), &json!(group)));
    assert_eq!(
        (&told["client"]["ipAddress"], &told["client"]["userAgent"]["rawUserAgent"]),
        (&json!("127.0.0.1"), &json!("connector/1"))
    );
}

#[tokio::test]
async fn a_service_app_is_named_as_the_maker_of_a_user() {
    let world = world().await;
    let app = App::new(&world, "off").await;
    let token = app.token("okta.users.manage").await;
    let person = json!({ "firstName": "A", "lastName": "B", "email": "a@acme.example", "login": "a@acme.example" });
    let request = world.request(Method::POST, "/api/v1/users?activate=false").json(&json!({ "profile": person }));
    let made = Seen::of(request.bearer_auth(token.body["access_token"].as_str().unwrap_or_default())).await;
    let filter = format!("eventType+eq+%22user.lifecycle.create%22+and+target.id+eq+{}", made.body["id"]);
    let told = world.get(&format!("/api/v1/logs?filter={filter}")).await;
    assert_eq!(told.items().len(), 1);
    assert_eq!(told.items()[0]["actor"]["id"], world.okta.credentials().client_id);
}
