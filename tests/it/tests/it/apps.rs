//! What a sync makes of apps and assignments, of user types and of what it may not read.

use crate::picture::{Picture, Table};
use crate::process::Ground;
use crate::sync::Synced;
use crate::world::{quiet, text};
use jiff::SignedDuration;
use okta_connector::synced::{Mode, Phase, RunStatus};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What the tenant says of its apps, and of who has each: the scope by the user's id.
async fn told(synced: &Synced) -> BTreeMap<String, (Value, BTreeMap<String, String>)> {
    let mut told = BTreeMap::new();
    let okta = async |path: String| synced.world.tenant("GET", &path, None).await.expect(200);
    for app in okta("/api/v1/apps?limit=200&includeNonDeleted=true".to_owned()).await.as_array().expect("a list") {
        let users = okta(format!("/api/v1/apps/{}/users?limit=500", text(app, "id"))).await;
        let users = users.as_array().expect("a list").iter();
        let scopes = users.map(|user| (text(user, "id").to_owned(), text(user, "scope").to_owned()));
        told.insert(text(app, "id").to_owned(), (app.clone(), scopes.collect()));
    }
    told
}

/// The scope of each of an app's users, as the directory tells.
async fn users(synced: &Synced, app: &str) -> BTreeMap<String, String> {
    let items = synced.all(&format!("apps/{app}/users")).await;
    items.iter().map(|item| (text(&item["user"], "id").to_owned(), text(item, "scope").to_owned())).collect()
}

#[tokio::test]
async fn apps_are_synced_inactive_ones_and_oktas_own_among_them() {
    let synced = Synced::start().await;
    let (apps, told) = (synced.all("apps").await, told(&synced).await);
    assert_eq!(synced.ids("apps").await, told.keys().cloned().collect());
    for app in &apps {
        let (okta, users) = &told[text(app, "id")];
        for (ours, theirs) in
            [("name", "name"), ("label", "label"), ("status", "status"), ("sign_on_mode", "signOnMode")]
        {
            assert_eq!(app[ours], okta[theirs], "{app:#}");
        }
        assert_eq!((&app["users_count"], &app["okta_owned"]), (&json!(users.len()), &json!(okta["name"] == "saasure")));
        assert_eq!(&synced.get(&format!("apps/{}", text(app, "id"))).await, app);
    }
    assert!(apps.iter().any(|app| app["status"] == "INACTIVE") && apps.iter().any(|app| app["okta_owned"] == true));
    for (q, found) in [("goo", 1), ("WORK", 1), ("space", 0)] {
        let labels: Vec<_> = synced.all(&format!("apps?q={q}")).await.iter().map(|app| app["label"].clone()).collect();
        assert_eq!(labels, vec![json!("Google Workspace"); found], "{q}");
    }
    let connection = synced.world.api("GET", &synced.path, None).await.expect(200);
    assert_eq!(connection["counts"]["apps"], apps.len());
    assert_eq!(synced.world.api("GET", &format!("{}/apps/0oa1", synced.path), None).await.status, 404);
}

#[tokio::test]
async fn an_assignment_is_the_users_own_or_by_those_of_their_groups_that_have_the_app() {
    let synced = Synced::start().await;
    let mut apps_of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (app, (_, scopes)) in told(&synced).await {
        assert_eq!(users(&synced, &app).await, scopes, "{app}");
        let groups =
            synced.world.tenant("GET", &format!("/api/v1/apps/{app}/groups?limit=200"), None).await.expect(200);
        let groups: BTreeSet<_> =
            groups.as_array().expect("a list").iter().map(|it| text(it, "id").to_owned()).collect();
        for item in synced.all(&format!("apps/{app}/users")).await {
            let user = text(&item["user"], "id");
            let mine = synced.ids(&format!("users/{user}/groups")).await;
            let both: Vec<_> = groups.intersection(&mine).filter(|_| item["scope"] == "GROUP").collect();
            let told: Vec<_> = item["groups"].as_array().expect("groups").iter().map(|it| text(it, "id")).collect();
            assert_eq!(told, both, "{item:#}");
            assert!(item["scope"] == "USER" || !told.is_empty(), "{item:#}");
            let of_user = synced.all(&format!("users/{user}/apps")).await;
            let same = of_user.iter().find(|it| it["app"]["id"] == app.as_str()).expect("the app");
            assert_eq!((&same["scope"], &same["groups"]), (&item["scope"], &item["groups"]));
            apps_of.entry(user.to_owned()).or_default().insert(app.clone());
        }
    }
    for (user, apps) in apps_of.iter().take(10) {
        let person = synced.get(&format!("people/{user}")).await;
        let shown: BTreeSet<_> =
            person["apps"]["items"].as_array().expect("apps").iter().map(|it| text(it, "id").to_owned()).collect();
        assert_eq!((&shown, &person["apps"]["total"]), (apps, &json!(apps.len())));
    }
}

#[tokio::test]
async fn pages_of_apps_and_assignments_pass_everything_once() {
    let synced = Synced::start().await;
    let app = synced.all("apps").await.into_iter().max_by_key(|app| app["users_count"].as_u64()).expect("an app");
    let user = text(&synced.all(&format!("apps/{}/users", text(&app, "id"))).await[0]["user"], "id").to_owned();
    for list in ["apps".to_owned(), format!("apps/{}/users", text(&app, "id")), format!("users/{user}/apps")] {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = synced.get(&format!("{list}?limit=2{cursor}")).await;
            items.extend(page["items"].as_array().expect("items").clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(items, synced.all(&list).await, "{list}");
    }
}

#[tokio::test]
async fn assignments_follow_with_the_next_verifying_sync_and_say_how_old_they_are() {
    let synced = Synced::start().await;
    let closed = json!({"fault": "status", "status": 403, "error_code": "E0000006", "path": "/api/v1/logs"});
    synced.world.sim("POST", "faults", Some(closed)).await;
    let told_before = told(&synced).await;
    let (app, scopes) = told_before.iter().map(|(app, (_, scopes))| (app, scopes)).nth(1).expect("an app");
    let new =
        synced.ids("users?status=ACTIVE").await.into_iter().find(|id| !scopes.contains_key(id)).expect("somebody");
    let path = format!("apps/{app}/users");
    synced.okta("POST", &path, Some(json!({"id": new, "scope": "USER"}))).await;
    let read_at = synced.get(&format!("apps/{app}")).await["assignments_at"].clone();
    assert_eq!(synced.sync().await["status"], "succeeded");
    assert!(!users(&synced, app).await.contains_key(&new), "only the log says that an app's users changed");
    assert_eq!(synced.get(&format!("apps/{app}")).await["assignments_at"], read_at);
    let sync = synced.world.sync(&synced.id, "verify").await;
    assert_eq!((&sync["status"], &sync["progress"]["assignments"]["added"]), (&json!("succeeded"), &json!(1)));
    assert_eq!(users(&synced, app).await[&new], "USER");
    assert_ne!(synced.get(&format!("apps/{app}")).await["assignments_at"], read_at);
    synced.okta("DELETE", &format!("{path}/{new}"), None).await;
    let sync = synced.world.sync(&synced.id, "verify").await;
    assert_eq!(sync["progress"]["assignments"]["removed"], 1, "{sync:#}");
    assert!(!users(&synced, app).await.contains_key(&new));
}

#[tokio::test]
async fn whoever_is_deactivated_or_deleted_loses_their_apps_with_the_next_sync() {
    let synced = Synced::start().await;
    let (app, users_before) = told(&synced).await.into_iter().map(|(app, it)| (app, it.1)).nth(1).expect("an app");
    let active = synced.ids("users?status=ACTIVE").await;
    // The first of all made the API token.
    let mut gone = users_before.keys().rev().filter(|user| active.contains(*user));
    let (leaver, deleted) = (gone.next().expect("somebody"), gone.next().expect("somebody else"));
    synced.okta("POST", &format!("users/{leaver}/lifecycle/deactivate"), None).await;
    for _ in ["deactivated", "deleted"] {
        synced.okta("DELETE", &format!("users/{deleted}"), None).await;
    }
    assert_eq!(synced.sync().await["status"], "succeeded");
    assert_eq!(synced.all(&format!("users/{leaver}/apps")).await.len(), 0);
    for (app, (_, scopes)) in told(&synced).await {
        assert_eq!(users(&synced, &app).await, scopes);
        assert_eq!(synced.get(&format!("apps/{app}")).await["users_count"], scopes.len());
    }
    assert_eq!(users(&synced, &app).await.len(), users_before.len() - 2);
}

#[tokio::test]
async fn an_app_that_was_deleted_is_asked_for_and_removed_with_its_assignments() {
    let synced = Synced::start().await;
    let apps = synced.all("apps").await;
    let app = apps.iter().find(|app| app["status"] == "ACTIVE" && app["okta_owned"] == false).expect("an app");
    let (id, user) = (text(app, "id"), users(&synced, text(app, "id")).await.into_keys().next().expect("somebody"));
    synced.okta("POST", &format!("apps/{id}/lifecycle/deactivate"), None).await;
    assert_eq!(synced.sync().await["progress"]["apps"]["changed"], 1);
    assert_eq!(synced.get(&format!("apps/{id}")).await["status"], "INACTIVE");
    synced.okta("DELETE", &format!("apps/{id}"), None).await;
    let since = synced.world.okta.exchanges().len();
    let sync = synced.sync().await;
    assert_eq!(sync["progress"]["apps"]["removed"], 1, "{sync:#}");
    let exchanges = &synced.world.okta.exchanges()[since..];
    assert!(exchanges.iter().any(|it| it.path == format!("/api/v1/apps/{id}") && it.status == 404));
    assert!(!synced.ids("apps").await.contains(id));
    assert_eq!(synced.ids("apps?removed=true").await, BTreeSet::from([id.to_owned()]));
    assert!(synced.get(&format!("apps/{id}")).await["removed_at"].is_string());
    assert_eq!(synced.all(&format!("apps/{id}/users")).await.len(), 0);
    let left = synced.all(&format!("users/{user}/apps")).await;
    assert!(left.iter().all(|it| it["app"]["id"] != id), "{left:#?}");
}

#[tokio::test]
async fn a_list_without_apps_removes_nothing_until_confirmed_and_a_shorter_one_is_verified() {
    let synced = Synced::start().await;
    let (apps, fault) = (synced.all("apps").await, |fault: Value| synced.world.sim("POST", "faults", Some(fault)));
    let cut = fault(json!({"fault": "cut_list", "path": "/api/v1/apps", "after": 3})).await;
    let sync = synced.sync().await;
    assert_eq!((&sync["status"], &sync["progress"]["apps"]["removed"]), (&json!("succeeded"), &json!(0)), "{sync:#}");
    synced.world.sim("DELETE", &format!("faults/{}", text(&cut, "id")), None).await;
    fault(json!({"fault": "empty_list", "path": "/api/v1/apps"})).await;
    let sync = synced.sync().await;
    assert_eq!(
        (&sync["status"], &sync["pending_removals"]),
        (&json!("needs_confirmation"), &json!({"apps": apps.len()}))
    );
    assert_eq!(synced.all("apps").await, apps);
}

#[tokio::test]
async fn empty_lists_of_users_remove_no_assignment_until_confirmed() {
    let synced = Synced::start().await;
    let apps = synced.all("apps").await;
    let total: u64 = apps.iter().filter_map(|app| app["users_count"].as_u64()).sum();
    synced.world.sim("POST", "faults", Some(json!({"fault": "empty_list", "path": "/api/v1/apps/"}))).await;
    let sync = synced.world.sync(&synced.id, "verify").await;
    assert_eq!(sync["pending_removals"]["assignments"], total, "{sync:#}");
    assert_eq!(synced.all("apps").await, apps);
}

#[tokio::test]
async fn users_tell_their_type_by_name_and_attributes_have_titles() {
    let synced = Synced::start().await;
    let types = synced.world.tenant("GET", "/api/v1/meta/types/user", None).await.expect(200);
    let name =
        |id: &Value| types.as_array().and_then(|types| types.iter().find(|it| it["id"] == *id)).map(|it| &it["name"]);
    for user in synced.all("users").await {
        assert_eq!(Some(&user["type"]["name"]), name(&user["type"]["id"]), "{user:#}");
    }
    let schema = synced.get("schema").await;
    assert_eq!(schema["types"].as_array().map(Vec::len), types.as_array().map(Vec::len));
    assert_eq!(
        (&schema["attributes"]["badgeColor"], &schema["attributes"]["city"]),
        (&json!("Badge color"), &Value::Null)
    );
}

#[tokio::test]
async fn a_schema_that_may_not_be_read_is_skipped_and_what_was_learnt_stays() {
    let synced = Synced::start().await;
    let schema = synced.get("schema").await;
    synced.world.sim("PATCH", "app", Some(json!({"role": "READ_ONLY_ADMIN"}))).await;
    let sync = synced.sync().await;
    let refused = json!({"user_types": "role_missing", "admins": "role_missing"});
    assert_eq!((&sync["status"], &sync["skipped"]), (&json!("succeeded"), &refused));
    assert_eq!(synced.get("schema").await, schema);
}

async fn ground() -> Ground {
    let ground = Ground::with(quiet()).await;
    ground.okta.record(true);
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    ground
}

/// How often a sync asks for something of apps, and how many rows of the directory it writes.
async fn cost(ground: &Ground) -> (usize, bool) {
    let (known, before) = (ground.okta.recorded(), Table::read(ground).await.objects());
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    let asked = ground.okta.exchanges_behind(known);
    let asked = asked.iter().filter(|exchange| exchange.path.starts_with("/api/v1/apps")).count();
    (asked, Table::read(ground).await.objects() == before)
}

#[tokio::test]
async fn apps_of_an_unchanged_tenant_cost_one_request_and_their_assignments_two_each_once_a_day() {
    let ground = ground().await;
    assert_eq!(cost(&ground).await, (1, true));
    ground.clock.advance(SignedDuration::from_hours(24));
    ground.tenant().door("POST", "clock", json!({"advance": "24h"})).await;
    let apps = ground.tenant().apps().await.len();
    assert_eq!(cost(&ground).await.0, 1 + 2 * apps);
    assert_eq!(cost(&ground).await, (1, true));
    assert_eq!(Table::read(&ground).await.picture(&ground).await, ground.tenant().picture().await);
}

#[tokio::test]
async fn a_missing_scope_skips_apps_and_removes_nothing_of_them() {
    let ground = ground().await;
    let before = Table::read(&ground).await.picture(&ground).await;
    let tenant = ground.tenant();
    tenant.door("PATCH", "app", json!({"scopes": ["okta.users.read", "okta.groups.read"]})).await;
    tenant.door("POST", "faults", json!({"fault": "ungranted_scopes", "mode": "drop"})).await;
    let run = ground.sync(Mode::Verify).await;
    assert_eq!((run.status, &run.error), (RunStatus::Succeeded, &None));
    let phases = [Phase::Apps, Phase::UserTypes, Phase::Admins];
    let skipped = phases.map(|phase| (phase, "scope_missing".to_owned()));
    assert_eq!(run.skipped, skipped.into());
    let Picture { apps, assignments, .. } = Table::read(&ground).await.picture(&ground).await;
    assert_eq!((apps, assignments), (before.apps, before.assignments));
    assert_eq!(ground.state().await.counts.apps, 6);
}

#[tokio::test]
async fn one_app_that_may_not_be_read_keeps_its_assignments_and_the_others_are_read() {
    let ground = ground().await;
    let app = text(&ground.tenant().apps().await[2], "id").to_owned();
    let path = format!("/api/v1/apps/{app}/users");
    ground.okta.intercept(move |exchange| {
        let body = json!({"errorCode": "E0000006", "errorSummary": "You do not have permission", "errorCauses": []});
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        (exchange.path == path).then(|| (403, headers, body.to_string().into_bytes()))
    });
    let run = ground.sync(Mode::Verify).await;
    assert_eq!(run.status, RunStatus::Succeeded);
    assert!(!run.skipped.contains_key(&Phase::Assignments), "the stream goes on");
    let passed: Vec<_> = run.passed_over.iter().map(|it| (it.kind.as_str(), it.id.as_str(), it.status)).collect();
    assert_eq!(passed, [("app", app.as_str(), 403)]);
    assert_eq!(Table::read(&ground).await.picture(&ground).await, ground.tenant().picture().await);
}

#[tokio::test]
async fn an_app_that_changed_is_read_anew_even_if_a_sync_fails_in_between() {
    let ground = ground().await;
    let tenant = ground.tenant();
    let apps = tenant.apps().await;
    let path = format!("/api/v1/apps/{}", text(&apps[1], "id"));
    let group = tenant.groups().await.into_iter().next().expect("a group");
    tenant.change("PUT", &format!("{path}/groups/{}", text(&group, "id")), None).await;
    let fault = tenant
        .door("POST", "faults", json!({"fault": "status", "status": 401, "error_code": "E0000011", "path": path}))
        .await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Failed);
    tenant.change("DELETE", &format!("/_sim/faults/{}", text(&fault, "id")), None).await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    assert_eq!(Table::read(&ground).await.picture(&ground).await, tenant.picture().await);
}
