//! Records that are odd or unreadable, and all that a readable one holds.

use super::{assert_equal_to_the_tenant, fault};
use crate::process::Ground;
use crate::scene::tiny;
use crate::world::{text, unlimited};
use it::campaign::Campaign;
use it::proxy::KillSwitch;
use okta_connector::directory::{self, Directory, NamedFilter, PeopleFilter, Rosters, UserFilter};
use okta_connector::synced::{Mode, RunStatus};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[tokio::test]
async fn an_odd_record_of_any_list_spoils_itself_alone() {
    let kinds = ["wrong_type", "null_name", "surrogate", "number", "deep", "integer"];
    let lists = ["/api/v1/users", "/api/v1/groups", "/api/v1/apps"];
    let cases: Vec<_> = lists.iter().flat_map(|path| kinds.map(|kind| (path, kind))).collect();
    for (path, kind) in Campaign::start().some_of(6, &cases) {
        let ground = Ground::with(unlimited()).await;
        assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
        fault(&ground, json!({"fault": "mangle", "kind": kind, "path": path})).await;
        for mode in [Mode::Verify, Mode::Full] {
            let run = ground.sync(mode).await;
            assert_eq!(run.status, RunStatus::Succeeded, "{path} {kind}: {:?}", run.error);
        }
        ground.tenant().call("DELETE", "/_sim/faults", None).await;
        assert_eq!(ground.sync(Mode::Verify).await.status, RunStatus::Succeeded);
        assert_equal_to_the_tenant(&ground, &format!("{path} {kind}")).await;
    }
}

#[tokio::test]
async fn an_unreadable_record_is_a_finding_whether_it_is_stored_or_new() {
    for (path, kind) in [("/api/v1/users", "user"), ("/api/v1/groups", "group"), ("/api/v1/apps", "app")] {
        for order in ["mangle", "odd_records"] {
            let ground = Ground::with(unlimited()).await;
            assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
            fault(&ground, json!({"fault": order, "kind": "wrong_type", "path": path})).await;
            assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded, "{order} {path}");
            ground.tenant().call("DELETE", "/_sim/faults", None).await;
            let process = ground.warm_process(&KillSwitch::never()).await;
            let shown = Directory::open(&process.app, &Rosters::default(), &ground.connection).await;
            let findings = directory::findings(&shown.expect("a directory"), None, 500).await.expect("findings").items;
            let is_the_record = |it: &Value| {
                it["kind"] == "bad_record" && it["object"]["type"] == kind && it["object"]["id"].is_string()
            };
            assert!(findings.iter().any(is_the_record), "{order} {path}: {findings:#?}");
            assert_equal_to_the_tenant(&ground, &format!("{order} {path}")).await;
        }
    }
}

#[tokio::test]
async fn of_an_odd_assignment_the_ids_are_read() {
    // So many apps that one of them is a directory, which has no sign-on mode.
    let ground = Ground::with(okta_simulator::Config { apps: 12, ..tiny(2) }).await;
    let tenant = ground.tenant();
    let app = format!("/api/v1/apps/{}", text(&tenant.apps().await[1], "id"));
    let mut bodies = BTreeMap::new();
    for list in ["users", "groups"] {
        let path = format!("{app}/{list}");
        let mut items = tenant.all(&format!("{path}?limit=200")).await;
        for item in &mut items {
            item["profile"] = json!("a text");
            item["credentials"] = Value::Null;
            item["externalId"] = json!(7);
        }
        bodies.insert(path, json!(items).to_string());
    }
    ground.okta.intercept(move |exchange| {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        bodies.get(&exchange.path).map(|body| (200, headers, body.clone().into_bytes()))
    });
    let run = ground.sync(Mode::Full).await;
    assert_eq!((run.status, run.bad.len()), (RunStatus::Succeeded, 0), "{:?}", run.bad);
    assert_equal_to_the_tenant(&ground, "odd assignments").await;
}

#[tokio::test]
async fn values_of_a_profile_are_shown_as_okta_wrote_them() {
    let ground = Ground::with(tiny(1)).await;
    let values = [
        r#""ratio":1.10"#,
        r#""badge":12345678901234567890123"#,
        r#""tiny":1e-7"#,
        r#""whole":7"#,
        r#""list":[1.0,-0.50]"#,
        r#""blank":[""]"#,
        r#""flag":true"#,
        r#""nothing":null"#,
        r#""object":{"a":[1,{"b":null}]}"#,
        r#""face":"😀 \u0000 ü""#,
    ];
    let profile = format!(r#"{{"login":"ana@example.com","twice":1,"twice":2,{}}}"#, values.join(","));
    let user = format!(r#"{{"id":"00uNumbers0000000001","status":"ACTIVE","profile":{profile}}}"#);
    ground.okta.intercept(move |exchange| {
        let is_filtered = exchange.query.as_deref().is_some_and(|query| query.contains("filter"));
        let body = if is_filtered { "[]".to_owned() } else { format!("[{user}]") };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        (exchange.path == "/api/v1/users").then(|| (200, headers, body.into_bytes()))
    });
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    let process = ground.warm_process(&KillSwitch::never()).await;
    let shown = Directory::open(&process.app, &Rosters::default(), &ground.connection).await.expect("a directory");
    let listed = directory::users(&shown, &UserFilter::default(), None, 500).await.expect("users");
    let profile = listed.items.first().expect("a user")["profile"].to_string();
    for value in values.into_iter().chain([r#""twice":2"#]) {
        assert!(profile.contains(value), "{value}: {profile}");
    }
}

#[tokio::test]
async fn realms_providers_and_attributes_of_groups_are_kept() {
    let ground = Ground::with(tiny(1)).await;
    let provider = json!({"type": "ACTIVE_DIRECTORY", "name": "corp.example"});
    let user = json!({"id": "00uAna00000000000001", "status": "ACTIVE", "profile": {"login": "ana@example.com"},
        "realmId": "guo1", "credentials": {"provider": provider}});
    let group = json!({"id": "00gTeam0000000000001", "type": "OKTA_GROUP", "profile": {"name": "Team", "costs": [7]}});
    ground.okta.intercept(move |exchange| {
        let is_filtered = exchange.query.as_deref().is_some_and(|query| query.contains("filter"));
        let body = match exchange.path.as_str() {
            "/api/v1/users" if is_filtered => json!([]),
            "/api/v1/users" => json!([user]),
            "/api/v1/groups" => json!([group]),
            _ => return None,
        };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Some((200, headers, body.to_string().into_bytes()))
    });
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    let process = ground.warm_process(&KillSwitch::never()).await;
    let shown = Directory::open(&process.app, &Rosters::default(), &ground.connection).await.expect("a directory");
    let users = directory::users(&shown, &UserFilter::default(), None, 500).await.expect("users").items;
    let kept = (&users[0]["realm_id"], &users[0]["provider"]);
    assert_eq!(kept, (&json!("guo1"), &provider), "{users:#?}");
    let groups = directory::groups(&shown, &NamedFilter::default(), None, 500).await.expect("groups").items;
    assert_eq!(groups[0]["custom"], json!({"costs": [7]}), "{groups:#?}");
}

#[tokio::test]
async fn a_group_without_a_name_is_listed() {
    let ground = Ground::with(tiny(1)).await;
    let group = json!({"id": "00gNameless0000000001", "type": "OKTA_GROUP", "profile": {"name": null}});
    ground.okta.intercept(move |exchange| {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        (exchange.path == "/api/v1/groups").then(|| (200, headers, json!([group]).to_string().into_bytes()))
    });
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    let process = ground.warm_process(&KillSwitch::never()).await;
    let shown = Directory::open(&process.app, &Rosters::default(), &ground.connection).await.expect("a directory");
    let groups = directory::groups(&shown, &NamedFilter::default(), None, 500).await.expect("groups").items;
    assert_eq!(groups.len(), 1, "{groups:#?}");
    assert_eq!(groups[0]["id"], "00gNameless0000000001");
}

#[tokio::test]
async fn a_manager_may_be_named_by_a_number() {
    let ground = Ground::with(tiny(1)).await;
    let user = |id: &str, login: &str, more: &str| {
        format!(r#"{{"id":"{id}","status":"ACTIVE","profile":{{"login":"{login}","email":"{login}",{more}}}}}"#)
    };
    let users = [
        user("00uBoss0000000000001", "boss@example.com", r#""employeeNumber":77"#),
        user("00uAna00000000000001", "ana@example.com", r#""managerId":77,"employeeNumber":78"#),
    ];
    let users = format!("[{}]", users.join(","));
    ground.okta.intercept(move |exchange| {
        let is_filtered = exchange.query.as_deref().is_some_and(|query| query.contains("filter"));
        let body = if is_filtered { "[]".to_owned() } else { users.clone() };
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        (exchange.path == "/api/v1/users").then(|| (200, headers, body.into_bytes()))
    });
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    let process = ground.warm_process(&KillSwitch::never()).await;
    let shown = Directory::open(&process.app, &Rosters::default(), &ground.connection).await.expect("a directory");
    let people = directory::people(&shown, &PeopleFilter::default(), None, 10).await.expect("people").items;
    let ana = people.iter().find(|person| person["login"] == "ana@example.com").expect("Ana");
    assert_eq!(ana["manager"]["id"], "00uBoss0000000000001", "{ana:#}");
    assert_eq!(ana["employee_number"], "78");
}
