//! A tenant as odd as real ones: what Okta refuses about one object, or answers unreadably, harms that object alone; no
//! reading goes on for ever; and no refusal is taken for another.

use crate::picture::Table;
use crate::process::Ground;
use crate::scene::{Scene, tiny};
use crate::world::{World, text, unlimited};
use it::proxy::KillSwitch;
use okta_connector::directory::{self, Directory, PeopleFilter, Rosters, UserFilter};
use okta_connector::store::keys::Listed;
use okta_connector::synced::{Mode, Run, RunStatus};
use serde_json::{Value, json};

async fn fault(ground: &Ground, order: Value) {
    ground.tenant().door("POST", "faults", order).await;
}

/// What a run says that it passed over: kind, id and status.
fn passed_over(run: &Run) -> Vec<(&str, &str, u16)> {
    run.passed_over.iter().map(|it| (it.kind.as_str(), it.id.as_str(), it.status)).collect()
}

/// The directory holds everything that the tenant has.
async fn assert_equal_to_the_tenant(ground: &Ground, case: &str) {
    let picture = Table::read(ground).await.picture(ground).await;
    let wanted = ground.tenant().picture().await;
    let differences = picture.differences(&wanted);
    assert!(differences.is_empty(), "{case}: {differences:#?}");
}

#[tokio::test]
async fn whatever_okta_refuses_about_one_group_or_app_passes_that_one_over() {
    let ground = Ground::with(unlimited()).await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    let group = text(&ground.tenant().groups().await[2], "id").to_owned();
    let app = text(&ground.tenant().apps().await[1], "id").to_owned();
    for (kind, id, path) in [
        ("group", &group, format!("/api/v1/groups/{group}/users")),
        ("app", &app, format!("/api/v1/apps/{app}/users")),
        ("app", &app, format!("/api/v1/apps/{app}/groups")),
    ] {
        for (status, code) in [
            (400, "E0000001"),
            (401, "E0000015"),
            (403, "E0000006"),
            (403, "E0000107"),
            (404, "E0000007"),
            (405, "E0000022"),
            (409, "E0000249"),
            (501, "E0000060"),
        ] {
            let case = format!("{path} {status} {code}");
            fault(&ground, json!({"fault": "status", "status": status, "error_code": code, "path": path})).await;
            let run = ground.sync(Mode::Verify).await;
            assert_eq!((run.status, run.error.as_ref()), (RunStatus::Succeeded, None), "{case}");
            assert_eq!(passed_over(&run), [(kind, id.as_str(), status)], "{case}");
            assert!(run.is_partial() && run.passed_over[0].name.is_some(), "{case}");
            ground.tenant().call("DELETE", "/_sim/faults", None).await;
            assert_equal_to_the_tenant(&ground, &case).await;
        }
    }
}

#[tokio::test]
async fn a_confirmed_removal_keeps_what_okta_refuses_to_show() {
    let ground = Ground::with(unlimited()).await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    let groups = ground.tenant().groups().await;
    let all = Table::read(&ground).await.picture(&ground).await.groups;
    fault(&ground, json!({"fault": "empty_list", "path": "/api/v1/groups"})).await;
    let run = ground.sync(Mode::Full).await;
    assert_eq!(run.status, RunStatus::NeedsConfirmation);
    for (place, status, code) in [(0, 405, "E0000022"), (1, 500, "E0000009")] {
        let path = format!("/api/v1/groups/{}", text(&groups[place], "id"));
        fault(&ground, json!({"fault": "status", "status": status, "error_code": code, "path": path})).await;
    }
    assert_eq!(ground.confirm(&run.id).await.status, RunStatus::Succeeded);
    ground.tenant().call("DELETE", "/_sim/faults", None).await;
    let kept = Table::read(&ground).await.picture(&ground).await.groups;
    assert_eq!(kept.len(), all.len(), "Okta refused to say whether two of them are gone");
}

#[tokio::test]
async fn a_log_whose_cursor_is_refused_for_good_ends_the_reading() {
    let ground = Ground::with(unlimited()).await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    assert_eq!(ground.sync(Mode::Incremental).await.status, RunStatus::Succeeded);
    ground.tenant().door("POST", "events", json!({"count": 3_000, "type": "group.user_membership.add"})).await;
    fault(&ground, json!({"fault": "refuse_cursor", "path": "/api/v1/logs"})).await;
    let before = ground.okta.calls();
    let run = ground.sync(Mode::Incremental).await;
    assert!(run.status.is_over(), "{:?}", run.status);
    assert!(ground.okta.calls() - before < 30, "{} requests", ground.okta.calls() - before);
}

#[tokio::test]
async fn trouble_with_one_group_is_waited_for_and_then_passes_it_over() {
    for (mut trouble, status) in [
        (json!({"fault": "status", "status": 500}), 500),
        // Without an answer there is no status of Okta's.
        (json!({"fault": "drop", "when": "before"}), 504),
    ] {
        let ground = Ground::with(unlimited()).await;
        let group = text(&ground.tenant().groups().await[0], "id").to_owned();
        trouble["path"] = format!("/api/v1/groups/{group}/users").into();
        fault(&ground, trouble.clone()).await;
        let run = ground.sync(Mode::Full).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{trouble}");
        assert_eq!(passed_over(&run), [("group", group.as_str(), status)], "{trouble}");
    }
}

#[tokio::test]
async fn a_refused_list_ends_its_stream_and_types_and_schemas_end_nothing() {
    for (path, skipped) in
        [("/api/v1/groups", "groups"), ("/api/v1/apps", "apps"), ("/api/v1/meta/types/user", "user_types")]
    {
        for (status, code) in [(400, "E0000031"), (403, "E0000006"), (405, "E0000022"), (501, "E0000060")] {
            let ground = Ground::with(unlimited()).await;
            fault(&ground, json!({"fault": "status", "status": status, "error_code": code, "path": path})).await;
            let run = ground.sync(Mode::Full).await;
            assert_eq!(run.status, RunStatus::Succeeded, "{path} {status}: {:?}", run.error);
            // A missing right is shown by the finding of the stream.
            let is_listed = passed_over(&run).contains(&("list", skipped, status));
            assert_eq!(is_listed, status != 403, "{path} {status}: {:?}", run.passed_over);
            ground.tenant().call("DELETE", "/_sim/faults", None).await;
            assert!(run.skipped.keys().any(|phase| phase.name() == skipped), "{path} {status}");
            let users = Table::read(&ground).await.picture(&ground).await.users;
            assert_eq!(users.len(), ground.tenant().picture().await.users.len(), "{path} {status}");
        }
    }
}

#[tokio::test]
async fn an_odd_record_of_any_list_spoils_itself_alone() {
    for path in ["/api/v1/users", "/api/v1/groups", "/api/v1/apps"] {
        for kind in ["wrong_type", "null_name", "surrogate", "number", "deep", "integer"] {
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
}

#[tokio::test]
async fn a_list_whose_cursor_is_refused_for_good_ends() {
    for cursor in [true, false] {
        let ground = Ground::with(unlimited()).await;
        ground.okta.rewrite(|target| *target = target.replace("limit=200", "limit=25"));
        fault(&ground, json!({"fault": "refuse_cursor", "cursor": cursor, "path": "/api/v1/users"})).await;
        let before = ground.okta.calls();
        let run = ground.sync(Mode::Full).await;
        let detail = run.error.as_ref().map(|error| text(error, "detail").to_owned()).unwrap_or_default();
        assert_eq!(run.status, RunStatus::Failed, "{detail}");
        assert!(detail.contains(if cursor { "E0000029" } else { "E0000031" }), "it fails with Okta's words: {detail}");
        assert!(ground.okta.calls() - before < 20, "{} requests", ground.okta.calls() - before);
    }
}

#[tokio::test]
async fn a_log_that_is_never_silent_ends_a_sync_and_lets_triggers_be_made() {
    let world = World::with(unlimited()).await;
    let id = world.synced().await;
    world.sim("POST", "noise", Some(json!({"per_minute": 2_400}))).await;
    world.sim("POST", "clock", Some(json!({"advance": "120s"}))).await;
    let path = format!("/v1/connections/{id}/triggers");
    for _ in 0..20 {
        let body = json!({"type": "new_events"});
        world.api("POST", &path, Some(body)).await.expect(201);
    }
    assert_eq!(world.sync(&id, "incremental").await["status"], "succeeded");
}

#[tokio::test]
async fn an_event_with_half_a_character_is_told_by_the_feed_and_by_a_search() {
    let world = World::with(unlimited()).await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    // Okta's description knows no such answers.
    world.okta.record(false);
    world.sim("POST", "faults", Some(json!({"fault": "mangle", "kind": "surrogate", "path": "/api/v1/logs"}))).await;
    let body = json!({"type": "event_search", "filter": "eventType sw \"user\"", "schedule": "rate(1 hour)"});
    let search = world.api("POST", &format!("{path}/triggers"), Some(body)).await.expect(201);
    world.api("POST", &format!("{path}/triggers"), Some(json!({"type": "new_events"}))).await.expect(201);
    world.sim("POST", "events", Some(json!({"count": 5, "type": "user.session.start"}))).await;
    world.search(&id, text(&search, "id")).await;
    world.poll(&id).await;
    let events = world.all_events(&path, "com.okta.user.session.start").await;
    assert_eq!(events.len(), 5);
    assert!(events.iter().all(|event| event["data"]["uuid"].is_string()), "{events:#?}");
    let results = world.all_events(&path, "okta-connector.event_search.results").await;
    assert!(!results.is_empty() && results[0]["data"]["events"][0]["uuid"].is_string(), "{results:#?}");
}

#[tokio::test]
async fn a_refusal_of_an_action_means_what_it_says() {
    let scene = Scene::by_token(tiny(3)).await;
    let user = text(&scene.ground.tenant().users().await[1], "id").to_owned();
    for (order, problem) in [
        (json!({"status": 403, "error_code": "E0000006"}), "okta-forbidden"),
        (json!({"status": 403, "error_code": "E0000005"}), "okta-unauthorized"),
        (json!({"status": 403, "body": "none"}), "okta-forbidden"),
        (json!({"status": 403, "body": "html"}), "okta-unavailable"),
        (json!({"status": 403, "error_code": "E0000107"}), "wrong-state"),
        (json!({"status": 404, "error_code": "E0000007"}), "wrong-state"),
        (json!({"status": 409, "error_code": "E0000112"}), "okta-busy"),
        (json!({"status": 423, "error_code": "E0000239", "retry_after": 7}), "okta-busy"),
        (json!({"status": 500, "error_code": "E0000009"}), "outcome-unknown"),
        (json!({"status": 501, "error_code": "E0000060"}), "okta-rejected"),
    ] {
        let mut fault = json!({"fault": "status", "method": "POST", "path": format!("/api/v1/users/{user}/")});
        fault.as_object_mut().expect("an object").extend(order.as_object().expect("an object").clone());
        scene.ground.tenant().door("POST", "faults", fault).await;
        let action = "user.expire_password";
        let reply = scene.call(None, action, &json!({"user": user})).await;
        assert_eq!(reply.problem(), problem, "{order} {:#}", reply.body);
        let waits = reply.headers.get("retry-after").is_some();
        assert_eq!(waits, problem == "okta-busy", "{order}");
        scene.ground.tenant().call("DELETE", "/_sim/faults", None).await;
    }
}

#[tokio::test]
async fn what_passes_is_not_kept_under_a_key() {
    let scene = Scene::by_token(tiny(3)).await;
    let user = text(&scene.ground.tenant().users().await[1], "id").to_owned();
    let busy = json!({"fault": "status", "status": 409, "error_code": "E0000112", "method": "POST",
        "path": format!("/api/v1/users/{user}/"), "times": 1});
    scene.ground.tenant().door("POST", "faults", busy).await;
    let send = async || scene.keyed("k", "user.expire_password", &json!({"user": user})).await;
    assert_eq!(send().await.problem(), "okta-busy");
    assert_eq!(send().await.status, 200);
}

#[tokio::test]
async fn a_user_is_found_by_whatever_login_okta_allows() {
    let scene = Scene::by_token(tiny(5)).await;
    let logins =
        ["ab?cd@acme.example", "a#b@acme.example", "a%41b@acme.example", "o'bq@acme.example", "a/b?c@acme.example"];
    for (place, login) in logins.iter().enumerate() {
        let profile =
            json!({"login": login, "email": format!("odd{place}@acme.example"), "firstName": "A", "lastName": "B"});
        let made = scene
            .ground
            .tenant()
            .change("POST", "/api/v1/users?activate=false", Some(json!({"profile": profile})))
            .await;
        scene.pass(2).await;
        let found = scene.call(None, "user.get", &json!({"user": login})).await;
        assert_eq!((found.status, &found.body["output"]["user"]["id"]), (200, &made["id"]), "{login} {:#}", found.body);
    }
}

#[tokio::test]
async fn an_empty_range_of_the_audit_is_an_empty_page() {
    let world = World::start().await;
    let path = "/v1/audit?actor=local&since=2026-11-28T00:00:00Z&until=2026-11-27T00:00:00Z";
    assert_eq!(world.api("GET", path, None).await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_refused_change_of_a_hook_leaves_the_old_one_delivering() {
    let world = World::with(unlimited()).await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}/triggers");
    let body = json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"]});
    let made = world.api("POST", &path, Some(body)).await.expect(201);
    let one = format!("{path}/{}", text(&made, "id"));
    for (fault_path, method) in [("/api/v1/logs", "GET"), ("/api/v1/eventHooks", "POST")] {
        let order = json!({"fault": "status", "status": 503, "path": fault_path, "method": method});
        world.sim("POST", "faults", Some(order)).await;
        let change = json!({"event_types": ["user.lifecycle.suspend", "user.session.start"]});
        let refused = world.api("PATCH", &one, Some(change)).await;
        assert!(refused.status >= 400, "{fault_path}: {:#}", refused.body);
        world.sim("DELETE", "faults", None).await;
        let hooks = world.tenant("GET", "/api/v1/eventHooks", None).await.expect(200);
        assert_eq!(hooks.as_array().map(Vec::len), Some(1), "{fault_path}: {hooks:#}");
        let trigger = world.api("GET", &one, None).await.expect(200);
        assert_eq!((&trigger["status"], &trigger["verified"]), (&json!("active"), &json!(true)), "{trigger:#}");
    }
}

#[tokio::test]
async fn what_a_first_sync_has_read_is_shown_although_it_fails() {
    // The list that is refused, by a part of its address, and how many users and groups were read by then.
    for (refused, users, groups) in
        [("/api/v1/users?after=", 25, 0), ("DEPROVISIONED", 59, 0), ("/api/v1/apps?", 60, 12)]
    {
        let ground = Ground::with(unlimited()).await;
        ground.okta.rewrite(|target| *target = target.replace("limit=200", "limit=25"));
        ground.okta.intercept(move |exchange| {
            let target = format!("{}?{}", exchange.path, exchange.query.as_deref().unwrap_or_default());
            let body = json!({"errorCode": "E0000011", "errorSummary": "Invalid token provided", "errorCauses": []});
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            target.contains(refused).then(|| (401, headers, body.to_string().into_bytes()))
        });
        let run = ground.sync(Mode::Full).await;
        assert_eq!(run.status, RunStatus::Failed, "{refused}");
        let process = ground.warm_process(&KillSwitch::never()).await;
        let shown = Directory::open(&process.app, &Rosters::default(), &ground.connection).await.expect("a directory");
        let listed = directory::users(&shown, &UserFilter::default(), None, 500).await.expect("users");
        assert_eq!(listed.items.len(), users, "{refused}");
        let people = directory::people(&shown, &PeopleFilter::default(), None, 500).await.expect("people");
        assert!(people.items.len() >= 25, "{refused}: {}", people.items.len());
        let listed = directory::groups(&shown, None, Listed::Present, None, 500).await.expect("groups");
        assert_eq!(listed.items.len(), groups, "{refused}");
    }
}

#[tokio::test]
async fn numbers_are_told_as_okta_wrote_them() {
    let ground = Ground::with(tiny(1)).await;
    let numbers = [r#""ratio":1.10"#, r#""badge":12345678901234567890123"#, r#""tiny":1e-7"#, r#""whole":7"#];
    let profile = format!(r#"{{"login":"ana@example.com","list":[1.0,-0.50],{}}}"#, numbers.join(","));
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
    for number in numbers.into_iter().chain([r#""list":[1.0,-0.50]"#]) {
        assert!(profile.contains(number), "{number}: {profile}");
    }
}

#[tokio::test]
async fn a_credential_that_is_refused_once_is_renewed_and_one_that_is_refused_for_good_ends_the_run() {
    for (mut order, times, status) in [
        (json!({"fault": "status", "status": 403, "error_code": "E0000005"}), 1, RunStatus::Succeeded),
        (json!({"fault": "nonce"}), 1, RunStatus::Succeeded),
        (json!({"fault": "proof_used"}), 1, RunStatus::Succeeded),
        (json!({"fault": "status", "status": 502}), 1, RunStatus::Succeeded),
        (json!({"fault": "status", "status": 403, "error_code": "E0000005"}), 1_000, RunStatus::Failed),
    ] {
        let ground = Ground::with(tiny(1)).await;
        (order["path"], order["times"]) = ("/api/v1/groups".into(), times.into());
        fault(&ground, order.clone()).await;
        let run = ground.sync(Mode::Full).await;
        assert_eq!(run.status, status, "{order}: {:?}", run.error);
        if let Some(error) = run.error {
            assert!(text(&error, "type").ends_with("okta-unauthorized"), "{order}: {error:#}");
        } else {
            assert_equal_to_the_tenant(&ground, &order.to_string()).await;
        }
    }
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
