//! A tenant as odd as real ones: what Okta refuses about one object, or answers unreadably, harms that object alone; no
//! reading goes on for ever; and no refusal is taken for another.

mod actions;
mod events;
mod records;

use crate::picture::Table;
use crate::process::Ground;
use crate::scene::tiny;
use crate::world::{text, unlimited};
use it::campaign::Campaign;
use it::proxy::KillSwitch;
use okta_connector::directory::{self, Directory, NamedFilter, PeopleFilter, Rosters, UserFilter};
use okta_connector::synced::{Mode, Phase, Run, RunStatus};
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
    let campaign = Campaign::start();
    let ground = Ground::with(unlimited()).await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    let group = text(&ground.tenant().groups().await[2], "id").to_owned();
    let app = text(&ground.tenant().apps().await[1], "id").to_owned();
    for (kind, id, path) in [
        ("group", &group, format!("/api/v1/groups/{group}/users")),
        ("app", &app, format!("/api/v1/apps/{app}/users")),
        ("app", &app, format!("/api/v1/apps/{app}/groups")),
    ] {
        let refusals = [
            (400, "E0000001"),
            (401, "E0000015"),
            (403, "E0000006"),
            (403, "E0000107"),
            (404, "E0000007"),
            (405, "E0000022"),
            (409, "E0000249"),
            (501, "E0000060"),
        ];
        for (status, code) in campaign.some_of(3, &refusals).copied() {
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
            *target = target.replace("limit=200", limit).replace("limit=1000", "limit=5");
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
        let listed = directory::groups(&shown, &NamedFilter::default(), None, 500).await.expect("groups");
        assert_eq!(listed.items.len(), groups, "{refused}");
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
