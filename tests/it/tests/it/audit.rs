//! The audit from outside: which changes leave which rows, and who reads them.

use crate::callers::Guarded;
use crate::function::Function;
use crate::process::Ground;
use crate::world::{World, small, text};
use it::campaign::Campaign;
use it::proxy::KillSwitch;
use jiff::Timestamp;
use okta_connector::connection;
use serde_json::{Value, json};

/// What the rows say, oldest first.
fn told(rows: &[Value]) -> Vec<(&str, &str)> {
    rows.iter().rev().map(|row| (text(row, "action"), text(row, "outcome"))).collect()
}

#[tokio::test]
async fn each_change_of_configuration_leaves_one_row() {
    let world = World::start().await;
    let connected = world.connect().await;
    let id = text(&connected, "id");
    world.finished(id, text(&connected, "sync_id")).await;
    let path = format!("/v1/connections/{id}");
    world.api("PATCH", &path, Some(json!({"name": "Acme 2"}))).await.expect(200);
    world.api("PATCH", &path, Some(json!({"bogus": 1}))).await.expect(422);
    world.api("POST", &format!("{path}/keys"), Some(json!({"overlap": "24h"}))).await.expect(202);
    world.api("POST", &format!("{path}/test"), None).await.expect(200);
    let sync = world.sync(id, "full").await;
    world.api("POST", &format!("{path}/syncs/{}/cancel", text(&sync, "id")), None).await.expect(409);
    let rows = world.all(&format!("{path}/audit")).await;
    let wanted = [
        ("connection.create", "succeeded"),
        ("connection.change_auth", "succeeded"),
        ("connection.update", "succeeded"),
        ("connection.update", "failed"),
        ("connection.rotate_key", "succeeded"),
        ("sync.start", "succeeded"),
        ("sync.cancel", "failed"),
    ];
    assert_eq!(told(&rows), wanted);
}

#[tokio::test]
async fn a_row_tells_who_did_what_to_what_and_by_which_request() {
    let world = World::start().await;
    let pending = world.pending().await;
    let url = format!("{}/v1/connections/{}", world.url(), text(&pending, "id"));
    let (body, id) = (json!({"sync": 5, "name": "canary-in-a-body"}), [("x-request-id", "my-request")]);
    world.request("PATCH", &url, &id, Some(body)).await.expect(422);
    let mut row = world.all("/v1/audit?action=connection.update").await.remove(0);
    assert!(text(&row, "id").starts_with("aud_") && row["at"].is_string() && row["duration_ms"].is_u64(), "{row:#}");
    for made in ["id", "at", "duration_ms"] {
        row.as_object_mut().expect("a row").remove(made);
    }
    let wanted = json!({
        "connection": pending["id"],
        "actor": {"subject": "local", "source_ip": "127.0.0.1"},
        "action": "connection.update",
        "target": {"type": "connection", "id": pending["id"], "name": "Acme"},
        "outcome": "failed",
        "problem_type": "urn:okta-connector:problem:invalid-body",
        "request_id": "my-request",
        "okta_request_ids": [],
    });
    assert_eq!(row, wanted);
}

#[tokio::test]
async fn the_audit_outlives_its_connection() {
    let world = World::start().await;
    let pending = world.pending().await;
    let id = text(&pending, "id");
    world.api("DELETE", &format!("/v1/connections/{id}"), None).await.expect(204);
    world.api("GET", &format!("/v1/connections/{id}/audit"), None).await.expect(404);
    let rows = world.all(&format!("/v1/audit?connection={id}")).await;
    assert_eq!(told(&rows), [("connection.create", "succeeded"), ("connection.delete", "succeeded")]);
}

#[tokio::test]
async fn denials_are_written_and_only_admins_read_them() {
    let guarded = Guarded::start().await;
    let (own, foreign) = (guarded.made(&["it"]).await, guarded.made(&["hr"]).await);
    let (admin, member) = (guarded.admin(), guarded.member(&["it"]));
    let patch = Some(json!({"name": "Mine"}));
    for (path, status) in [(&own, 403), (&foreign, 404)] {
        let path = format!("/v1/connections/{path}");
        assert_eq!(guarded.call(Some(&member), "PATCH", &path, patch.clone()).await.0, status);
        assert_eq!(guarded.call(Some(&member), "GET", &format!("{path}/audit"), None).await.0, status);
    }
    guarded.call(Some(&member), "POST", "/v1/connections", patch).await;
    assert_eq!(guarded.call(Some(&member), "GET", "/v1/audit", None).await.1, "forbidden");
    let rows = guarded.call(Some(&admin), "GET", "/v1/audit?actor=mia", None).await.2;
    let rows = rows["items"].as_array().expect("rows");
    assert_eq!(told(rows), [("connection.update", "denied"), ("connection.create", "denied")]);
    assert_eq!((&rows[1]["connection"], &rows[0]["connection"]), (&json!(own), &Value::Null));
    assert_eq!(rows[0]["problem_type"], "urn:okta-connector:problem:forbidden");
}

/// The audit in pages of one row.
async fn one_by_one(world: &World, query: &str) -> Vec<Value> {
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.api("GET", &format!("/v1/audit?{query}&limit=1{cursor}"), None).await.expect(200);
        walked.extend(page["items"].as_array().expect("rows").clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return walked,
        }
    }
}

#[tokio::test]
async fn filters_narrow_the_audit_and_a_cursor_walks_it() {
    let world = World::start().await;
    let (one, other) = (world.pending().await, world.pending().await);
    let (one, other) = (text(&one, "id"), text(&other, "id"));
    for id in [one, one, other] {
        world.api("PATCH", &format!("/v1/connections/{id}"), Some(json!({"name": "B"}))).await.expect(200);
    }
    let all = world.all("/v1/audit").await;
    let (first, third) = (text(&all[4], "at"), text(&all[2], "at"));
    let at = |row: &Value| text(row, "at").parse::<Timestamp>().expect("a time");
    for (query, count) in [
        (String::new(), 5),
        (format!("connection={one}"), 3),
        (format!("target={other}"), 2),
        (format!("target={other}&connection={one}"), 0),
        ("action=connection.update".to_owned(), 3),
        (format!("actor=local&action=connection.update&connection={one}"), 2),
        ("actor=somebody".to_owned(), 0),
        (format!("since={first}&until={third}"), all.iter().filter(|row| at(row) < at(&all[2])).count()),
        (format!("connection={one}&since=2100-01-01T00:00:00Z"), 0),
        ("until=2020-01-01T00:00:00Z".to_owned(), 0),
    ] {
        let walked = one_by_one(&world, &query).await;
        assert_eq!(walked.len(), count, "{query}");
        // Rows stand in the order of milliseconds, as their keys do.
        assert!(walked.is_sorted_by_key(|row| -at(row).as_millisecond()), "'{query}': {walked:#?}");
    }
}

#[tokio::test]
async fn what_is_not_known_of_the_audit_is_refused() {
    let world = World::start().await;
    let pending = world.pending().await;
    let of_connection = format!("/v1/connections/{}/audit?connection=x", text(&pending, "id"));
    for path in
        ["/v1/audit?bogus=1", "/v1/audit?since=yesterday", "/v1/audit?actor=", "/v1/audit?cursor=x", &of_connection]
    {
        assert_eq!(world.api("GET", path, None).await.problem(), "bad-request", "{path}");
    }
}

#[tokio::test]
async fn no_change_is_made_without_a_row_wherever_its_process_dies() {
    let mut ground = Ground::with(small()).await;
    let path = format!("/v1/connections/{}", ground.connection.id);
    let undisturbed = KillSwitch::never();
    let process = ground.process(&undisturbed).await;
    let patch = Some(json!({"name": "Renamed"}));
    Function::of(&process.app).call("PATCH", &path, &[], patch.clone()).await.expect(200);
    let mut seen = std::collections::BTreeSet::new();
    let campaign = Campaign::start();
    for point in campaign.points(undisturbed.count()) {
        ground.renew().await;
        let gate = point.switch();
        let process = ground.process(&gate).await;
        let killed = Function::of(&process.app).killed(&gate, "PATCH", &path, &[], patch.clone()).await;
        assert!(killed.is_none(), "{point:?}");
        let stored = connection::load(&ground.store(), &ground.connection.id).await.expect("a table");
        let renamed = stored.is_some_and(|stored| stored.connection.settings.name == "Renamed");
        let lasting = ground.lasting().await;
        let page = Function::of(&lasting.app).call("GET", "/v1/audit", &[], None).await.expect(200);
        let outcome = page["items"][0]["outcome"].as_str().unwrap_or("no row").to_owned();
        assert!(!renamed || outcome != "no row", "{point:?}");
        seen.insert((renamed, outcome));
    }
    let possible = [(false, "no row"), (false, "started"), (true, "started"), (true, "succeeded")];
    let possible = possible.map(|(renamed, outcome)| (renamed, outcome.to_owned())).into();
    assert!(seen.is_subset(&possible), "{seen:?}");
    assert!(!campaign.is_full() || seen == possible, "{seen:?}");
}
