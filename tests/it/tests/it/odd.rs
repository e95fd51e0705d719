//! A tenant as odd as real ones: what Okta refuses about one object, or answers unreadably, harms that object alone; no
//! reading goes on for ever; and no refusal is taken for another.

use crate::picture::Table;
use crate::process::Ground;
use crate::scene::{Scene, tiny};
use crate::world::{World, quiet, text, unlimited};
use it::proxy::KillSwitch;
use okta_connector::directory::{self, Directory, PeopleFilter, Rosters, UserFilter};
use okta_connector::store::keys::Listed;
use okta_connector::synced::{Mode, Phase, Run, RunStatus};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

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
async fn an_app_whose_users_or_groups_always_answer_500_is_passed_over() {
    for list in ["users", "groups"] {
        let ground = Ground::with(tiny(3)).await;
        let app = text(&ground.tenant().apps().await[1], "id").to_owned();
        let path = format!("/api/v1/apps/{app}/{list}");
        fault(&ground, json!({"fault": "status", "status": 500, "path": path})).await;
        let run = ground.sync(Mode::Full).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{list}: {:?}", run.error);
        assert_eq!(passed_over(&run), [("app", app.as_str(), 500)], "{list}");
    }
}

#[tokio::test]
async fn a_refused_type_or_schema_is_reported_and_ends_no_sync() {
    let mut ground = Ground::with(tiny(3)).await;
    ground.connection.auth.scopes.extend(["okta.userTypes.read", "okta.schemas.read"].map(str::to_owned));
    ground.renew().await;
    for path in ["/api/v1/meta/types/user", "/api/v1/meta/schemas/user/default"] {
        for (status, code) in [
            (400, "E0000001"),
            (401, "E0000015"),
            (403, "E0000006"),
            (404, "E0000007"),
            (405, "E0000022"),
            (500, "E0000009"),
            (501, "E0000060"),
        ] {
            fault(&ground, json!({"fault": "status", "status": status, "error_code": code, "path": path})).await;
            let run = ground.sync(Mode::Full).await;
            assert_eq!(run.status, RunStatus::Succeeded, "{path} {status}: {:?}", run.error);
            let is_skipped = run.skipped.contains_key(&Phase::UserTypes);
            let is_listed = passed_over(&run).contains(&("schema", "default", status));
            assert!(is_skipped || is_listed, "{path} {status}: {:?}", run.passed_over);
            ground.tenant().call("DELETE", "/_sim/faults", None).await;
        }
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
            let findings = directory::findings(&shown.expect("a directory"), None, 500).items;
            let is_told = |it: &Value| {
                it["kind"] == "bad_record" && it["object"]["type"] == kind && it["object"]["id"].is_string()
            };
            assert!(findings.iter().any(is_told), "{order} {path}: {findings:#?}");
            assert_equal_to_the_tenant(&ground, &format!("{order} {path}")).await;
        }
    }
}

#[tokio::test]
async fn an_odd_event_hides_no_change_from_an_incremental_sync() {
    for kind in ["surrogate", "number", "deep", "integer"] {
        let ground = Ground::with(quiet()).await;
        assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
        let tenant = ground.tenant();
        let profile =
            json!({"login": "new@acme.example", "email": "new@acme.example", "firstName": "A", "lastName": "B"});
        let user = tenant.change("POST", "/api/v1/users?activate=true", Some(json!({"profile": profile}))).await;
        let users = format!("/api/v1/apps/{}/users", text(&tenant.apps().await[1], "id"));
        tenant.change("POST", &users, Some(json!({"id": user["id"], "scope": "USER"}))).await;
        fault(&ground, json!({"fault": "mangle", "kind": kind, "path": "/api/v1/logs"})).await;
        let run = ground.sync(Mode::Incremental).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{kind}: {:?}", run.error);
        tenant.call("DELETE", "/_sim/faults", None).await;
        assert_equal_to_the_tenant(&ground, kind).await;
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
async fn no_list_of_a_sync_is_a_search_and_a_refused_page_is_asked_for_a_few_times() {
    for (list, status) in [
        ("/api/v1/users?", RunStatus::Failed),
        ("DEPROVISIONED", RunStatus::Failed),
        ("/api/v1/groups?", RunStatus::Succeeded),
        ("/api/v1/groups/", RunStatus::Succeeded),
        ("/api/v1/apps?", RunStatus::Succeeded),
    ] {
        let ground = Ground::with(okta_simulator::Config { users: 120, ..unlimited() }).await;
        ground.okta.record(true);
        ground.okta.rewrite(|target| {
            let limit = if target.contains("DEPROVISIONED") { "limit=1" } else { "limit=5" };
            *target = target.replace("limit=200", limit);
        });
        ground.okta.intercept(move |exchange| {
            let target = format!("{}?{}", exchange.path, exchange.query.as_deref().unwrap_or_default());
            let body = json!({"errorCode": "E0000031", "errorSummary": "Invalid search query.", "errorCauses": []});
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            let is_refused = target.contains(list) && target.contains("after=");
            is_refused.then(|| (400, headers, body.to_string().into_bytes()))
        });
        let run = ground.sync(Mode::Full).await;
        assert_eq!(run.status, status, "{list}: {:?}", run.error);
        let detail = run.error.as_ref().map(|error| text(error, "detail").to_owned()).unwrap_or_default();
        assert_eq!(detail.contains("Invalid search query."), status == RunStatus::Failed, "{list}: {detail}");
        let sent = ground.okta.exchanges().into_iter().filter(|it| it.path.starts_with("/api/"));
        let mut refused = BTreeMap::<String, usize>::new();
        for exchange in sent {
            assert!(!exchange.query.is_some_and(|query| query.contains("search=")), "{list}: {}", exchange.path);
            *refused.entry(exchange.path).or_default() += usize::from(exchange.status == 400);
        }
        let most = refused.values().max().copied();
        assert!((1..6).contains(&most.unwrap_or_default()), "{list}: {refused:?}");
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
async fn events_that_a_busy_log_shows_late_reach_the_feed_once() {
    let world = World::with(quiet()).await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    world.api("POST", &format!("{path}/triggers"), Some(json!({"type": "new_events"}))).await.expect(201);
    let pass = async |seconds: i64| {
        world.clock.advance(jiff::SignedDuration::from_secs(seconds));
        world.sim("POST", "clock", Some(json!({"advance": format!("{seconds}s")}))).await;
        world.poll(&id).await;
    };
    pass(120).await;
    let noise = json!({"per_minute": 60, "types": ["user.session.end"], "late_seconds": 60});
    world.sim("POST", "noise", Some(noise)).await;
    for _ in 0..3 {
        pass(61).await;
    }
    world.sim("POST", "noise", Some(json!({"per_minute": 0}))).await;
    world.poll(&id).await;
    let log = "/api/v1/logs?limit=1000&sortOrder=DESCENDING&filter=eventType+eq+%22user.session.end%22";
    let log = world.tenant("GET", log, None).await.expect(200);
    let happened: BTreeSet<_> = log.as_array().expect("events").iter().map(|event| text(event, "uuid")).collect();
    assert!(happened.len() > 150, "{}", happened.len());
    let events = world.events_at_last(&path, "com.okta.user.session.end", happened.len()).await;
    assert_eq!(events.iter().map(|event| text(event, "id")).collect::<BTreeSet<_>>(), happened);
    assert_eq!(events.len(), happened.len(), "each event once");
}

#[tokio::test]
async fn an_odd_event_is_found_by_a_search_of_the_log() {
    let scene = Scene::by_token(tiny(1)).await;
    let order = json!({"count": 3, "type": "user.mfa.factor.deactivate"});
    scene.ground.tenant().door("POST", "events", order).await;
    for kind in ["surrogate", "number", "deep", "integer"] {
        let order = json!({"fault": "mangle", "kind": kind, "path": "/api/v1/logs", "times": 1});
        scene.ground.tenant().door("POST", "faults", order).await;
        let filter = json!({"filter": "eventType eq \"user.mfa.factor.deactivate\""});
        let found = scene.call(None, "log.search", &filter).await.expect(200);
        let items = found["output"]["items"].as_array().expect("items");
        assert_eq!(items.iter().filter(|event| event["uuid"].is_string()).count(), 3, "{kind}: {found:#}");
    }
}

#[tokio::test]
async fn an_odd_event_reaches_the_feed_and_a_scheduled_search() {
    for kind in ["surrogate", "number", "deep", "integer"] {
        Box::pin(poll_and_search_an_odd_event(kind)).await;
    }
}

async fn poll_and_search_an_odd_event(kind: &str) {
    let world = World::with(quiet()).await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    // Okta's description knows no such answers.
    world.okta.record(false);
    world.sim("POST", "faults", Some(json!({"fault": "mangle", "kind": kind, "path": "/api/v1/logs"}))).await;
    let body = json!({"type": "event_search", "filter": "eventType sw \"user\"", "schedule": "rate(1 hour)"});
    let search = world.api("POST", &format!("{path}/triggers"), Some(body)).await.expect(201);
    world.api("POST", &format!("{path}/triggers"), Some(json!({"type": "new_events"}))).await.expect(201);
    world.sim("POST", "events", Some(json!({"count": 5, "type": "user.session.start"}))).await;
    world.search(&id, text(&search, "id")).await;
    world.poll(&id).await;
    let events = world.all_events(&path, "com.okta.user.session.start").await;
    assert_eq!(events.len(), 5, "{kind}");
    assert!(events.iter().all(|event| event["data"]["uuid"].is_string()), "{kind} {events:#?}");
    let results = world.all_events(&path, "okta-connector.event_search.results").await;
    assert!(!results.is_empty() && results[0]["data"]["events"][0]["uuid"].is_string(), "{kind} {results:#?}");
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
        // Last, because it makes the change.
        (json!({"status": 500, "error_code": "E0000009", "after": true}), "outcome-unknown"),
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
    let logins = [
        "ab?cd@acme.example",
        "who am?i@acme.example",
        "a#b@acme.example",
        "guest_mail.example#EXT#@acme.example",
        "a%41b@acme.example",
        "o'bq@acme.example",
        "a/b?c@acme.example",
        "a\\b@acme.example",
        "a\"b@acme.example",
        "a+b;c&d@acme.example",
        "zoë.müller@acme.example",
        "forklift",
    ];
    for (place, login) in logins.iter().enumerate() {
        let email = format!("odd{place}@acme.example");
        let profile = json!({"login": login, "email": email, "firstName": "A", "lastName": "B"});
        let body = json!({"profile": profile, "credentials": {"password": {"value": "correct horse battery"}}});
        let made = scene.ground.tenant().change("POST", "/api/v1/users?activate=true", Some(body)).await;
        for (action, status) in [("user.get", "ACTIVE"), ("user.suspend", "SUSPENDED"), ("user.unsuspend", "ACTIVE")] {
            scene.pass(2).await;
            let reply = scene.call(None, action, &json!({"user": login})).await;
            assert_eq!(reply.status, 200, "{action} {login} {:#}", reply.body);
            let user = &reply.body["output"]["user"];
            assert_eq!((&user["id"], &user["status"]), (&made["id"], &json!(status)), "{action} {login}");
        }
        scene.pass(2).await;
        let search = json!({"where": [{"attribute": "login", "op": "eq", "value": login}]});
        let found = scene.call(None, "user.search", &search).await.expect(200);
        assert_eq!(found["output"]["items"][0]["id"], made["id"], "{login}");
    }
}

#[tokio::test]
async fn whatever_the_path_of_a_login_answers_the_search_decides() {
    let scene = Scene::by_token(tiny(5)).await;
    let user = scene.ground.tenant().users().await.swap_remove(1);
    for (status, code) in [(400, "E0000001"), (404, "E0000007"), (405, "E0000022")] {
        let order = json!({"fault": "status", "status": status, "error_code": code, "method": "GET",
            "path": "/api/v1/users/", "times": 1});
        scene.ground.tenant().door("POST", "faults", order).await;
        let found = scene.call(None, "user.get", &json!({"user": user["profile"]["login"]})).await.expect(200);
        assert_eq!(found["output"]["user"]["id"], user["id"], "{status}");
    }
}

#[tokio::test]
async fn a_group_is_found_by_whatever_name_okta_allows() {
    let scene = Scene::by_token(tiny(6)).await;
    let user = scene.ground.tenant().users().await.swap_remove(1);
    for name in ["R&D / Ops?", "a#b%41", "50% \"off\" \\ 'x'", "a+b;c=d,e", "Zürich 我", "x\") or (type eq \"BUILT_IN"]
    {
        let made = scene.call(None, "group.create", &json!({"name": name})).await.expect(200);
        let id = &made["output"]["group"]["id"];
        for comparison in ["exact", "prefix", "contains"] {
            let found = scene.call(None, "group.find", &json!({"name": name, "match": comparison})).await.expect(200);
            assert_eq!(found["output"]["items"][0]["id"], *id, "{comparison} {name}");
        }
        let added = scene.call(None, "group.add_user", &json!({"group": name, "user": user["id"]})).await;
        assert_eq!(added.status, 200, "{name} {:#}", added.body);
        let added = added.body;
        assert_eq!(added["output"]["changed"], true, "{name}");
        for action in ["group.get", "group.delete"] {
            let reply = scene.call(None, action, &json!({"group": name})).await.expect(200);
            assert_eq!(reply["output"]["group"]["id"], *id, "{action} {name}");
        }
    }
    for name in ["EVERYONE", "everyone"] {
        scene.call(None, "group.create", &json!({"name": name})).await.expect(200);
    }
    let reply = scene.call(None, "group.get", &json!({"group": "Everyone"})).await;
    assert_eq!(reply.problem(), "ambiguous-reference", "{:#}", reply.body);
    assert_eq!(reply.body["candidates"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_user_who_has_left_has_no_factors_groups_and_apps() {
    let scene = Scene::by_token(tiny(4)).await;
    let user = scene.ground.tenant().users().await.swap_remove(5);
    let path = format!("/api/v1/users/{}/lifecycle/deactivate", text(&user, "id"));
    scene.ground.tenant().change("POST", &path, None).await;
    for action in ["user.list_factors", "user.list_groups", "user.list_apps"] {
        let listed = scene.call(None, action, &json!({"user": user["id"]})).await.expect(200);
        assert_eq!(listed["output"], json!({"items": [], "next_cursor": null}), "{action}");
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
async fn values_of_a_profile_are_told_as_okta_wrote_them() {
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
    let groups = directory::groups(&shown, None, Listed::Present, None, 500).await.expect("groups").items;
    assert_eq!(groups[0]["custom"], json!({"costs": [7]}), "{groups:#?}");
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
