//! The main job end to end: connect, test, sync, look.

use crate::world::{World, text};
use serde_json::json;

#[tokio::test]
async fn a_tenant_is_connected_by_public_key_url_tested_and_synced() {
    let world = World::start().await;
    let connected = world.connect().await;
    assert_eq!(connected["message"], "Integration setup complete");
    assert_eq!(connected["auth"]["dpop"], true);
    let id = text(&connected, "id");
    let report = world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    assert_eq!((&report["status"], &report["message"]), (&json!("Active"), &json!("Integration test successful")));
    let sync = world.finished(id, text(&connected, "sync_id")).await;
    assert_eq!((&sync["status"], &sync["tokens"]), (&json!("succeeded"), &json!(1)));
    let counts = world.api("GET", &format!("/v1/connections/{id}"), None).await.expect(200)["counts"].clone();
    assert_eq!((&counts["users"], &counts["groups"]), (&json!(60), &json!(12)));
    assert_eq!(world.all(&format!("/v1/connections/{id}/users")).await.len(), 60);
    assert_eq!(world.all(&format!("/v1/connections/{id}/groups")).await.len(), 12);
    assert_eq!(world.all(&format!("/v1/connections/{id}/memberships")).await.len(), 200);
}

#[tokio::test]
async fn an_unchanged_tenant_is_read_and_nothing_is_written() {
    let world = World::start().await;
    let id = world.synced().await;
    let before = world.sim("GET", "stats", None).await;
    let sync = world.sync(&id, "full").await;
    for (phase, progress) in sync["progress"].as_object().expect("progress") {
        let written = ["added", "changed", "removed"].map(|count| progress[count].as_u64());
        assert_eq!(written, [Some(0); 3], "{phase}");
    }
    assert_eq!(sync["progress"]["memberships"], serde_json::Value::Null, "no group's members were read");
    let after = world.sim("GET", "stats", None).await;
    assert!(after["events"].as_u64() > before["events"].as_u64(), "people signed in meanwhile");
}

#[tokio::test]
async fn people_have_managers_chains_and_findings() {
    let world = World::start().await;
    let id = world.synced().await;
    let people = world.all(&format!("/v1/connections/{id}/people")).await;
    let managed = people.iter().find(|person| person["manager"].is_object()).expect("somebody has a manager");
    let person =
        world.api("GET", &format!("/v1/connections/{id}/people/{}", text(managed, "id")), None).await.expect(200);
    assert_eq!(person["manager_chain"][0], managed["manager"]);
    let manager = text(&managed["manager"], "id");
    let reports = world.all(&format!("/v1/connections/{id}/people?manager={manager}")).await;
    assert!(reports.iter().any(|report| report["id"] == managed["id"]));
    let findings = world.all(&format!("/v1/connections/{id}/findings")).await;
    let kinds = |kind: &str| findings.iter().filter(|finding| finding["kind"] == kind).count();
    assert!(kinds("manager_cycle") >= 2 && kinds("manager_dangling") == 1, "{findings:#?}");
}

#[tokio::test]
async fn a_full_page_that_ends_a_list_has_no_cursor() {
    let world = World::start().await;
    let id = world.synced().await;
    let groups = world.all(&format!("/v1/connections/{id}/groups")).await;
    let group = groups.iter().find(|group| group["type"] == "OKTA_GROUP" && group["members_count"].as_u64() > Some(0));
    let group = group.expect("a group with members");
    let members = format!("groups/{}/members?limit={}", text(group, "id"), group["members_count"]);
    for list in ["groups?limit=12", "syncs?limit=1", members.as_str(), "users?limit=60"] {
        let page = world.api("GET", &format!("/v1/connections/{id}/{list}"), None).await.expect(200);
        assert_eq!(page["next_cursor"], json!(null), "{list}");
    }
    let page = world.api("GET", "/v1/connections?limit=1", None).await.expect(200);
    assert_eq!(page["next_cursor"], json!(null));
}

#[tokio::test]
async fn a_deleted_group_is_listed_among_the_removed_alone() {
    let world = World::start().await;
    let id = world.synced().await;
    let groups = world.all(&format!("/v1/connections/{id}/groups")).await;
    let group = text(groups.iter().find(|group| group["type"] == "OKTA_GROUP").expect("a group"), "id");
    assert_eq!(world.tenant("DELETE", &format!("/api/v1/groups/{group}"), None).await.status, 204);
    assert_eq!(world.sync(&id, "full").await["status"], "succeeded");
    let ids = |listed: &[serde_json::Value]| listed.iter().map(|it| text(it, "id").to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&world.all(&format!("/v1/connections/{id}/groups?removed=true")).await), [group]);
    assert!(!ids(&world.all(&format!("/v1/connections/{id}/groups")).await).contains(&group.to_owned()));
    let read = world.api("GET", &format!("/v1/connections/{id}/groups/{group}"), None).await.expect(200);
    assert!(read["removed_at"].is_string());
}
