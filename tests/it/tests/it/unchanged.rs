//! A full sync that finds everybody as the roster has them keeps it; one that only seems to find that does not.

use crate::picture::{Picture, Table};
use crate::process::Ground;
use crate::world::{small, text};
use it::proxy::Answer;
use okta_connector::synced::{Mode, Phase, Run, RunStatus};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A tenant that was synced.
async fn synced() -> Ground {
    let ground = Ground::with(small()).await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    ground
}

/// Syncs again; users and roster equal the tenant.
async fn equal_after(ground: &Ground, mode: Mode) -> Run {
    let run = ground.sync(mode).await;
    assert_eq!(run.status, RunStatus::Succeeded, "{:?}", run.error);
    let (picture, wanted) = (Table::read(ground).await.picture(ground).await, ground.tenant().picture().await);
    // Of an app that somebody left in a run that failed, users are read within a day.
    let people = |picture: Picture| Picture { users: picture.users, roster: picture.roster, ..Picture::default() };
    assert_eq!(people(picture).differences(&people(wanted)), [""; 0]);
    run
}

/// A sync that stores the users and fails before it writes the roster.
async fn fails_behind_users(ground: &Ground) -> Run {
    let fault = json!({"fault": "status", "status": 401, "error_code": "E0000011", "path": "/api/v1/groups"});
    ground.tenant().door("POST", "faults", fault).await;
    let run = ground.sync(Mode::Full).await;
    assert_eq!(run.status, RunStatus::Failed);
    ground.tenant().call("DELETE", "/_sim/faults", None).await;
    run
}

async fn newcomer(ground: &Ground) -> String {
    let profile =
        json!({"firstName": "New", "lastName": "Comer", "email": "new@acme.example", "login": "new@acme.example"});
    let path = "/api/v1/users?activate=false";
    text(&ground.tenant().change("POST", path, Some(json!({ "profile": profile }))).await, "id").to_owned()
}

async fn delete(ground: &Ground, user: &str) {
    for _ in ["deactivated", "deleted"] {
        ground.tenant().change("DELETE", &format!("/api/v1/users/{user}"), None).await;
    }
}

/// A page of users, and the query of the next one.
fn page(ground: &Ground, users: &Value, next: Option<&str>) -> Answer {
    let link = next.map(|next| format!("<{}/api/v1/users?{next}>; rel=\"next\"", ground.okta.url()));
    let headers = link.map(|link| ("link".to_owned(), link)).into_iter();
    (200, headers.collect(), users.to_string().into_bytes())
}

#[tokio::test]
async fn an_unchanged_roster_is_not_made_anew() {
    let ground = synced().await;
    for mode in [Mode::Full, Mode::Incremental, Mode::Full] {
        let (before, run, process) = (ground.state().await, ground.begin(mode).await, ground.lasting().await);
        process.dynamodb.record(true);
        process.drive(&run).await.expect("nothing kills it");
        let notes = format!("S#{run}#users.0");
        let asked =
            process.dynamodb.exchanges().into_iter().map(|it| String::from_utf8_lossy(&it.request_body).into_owned());
        assert!(
            !asked.into_iter().any(|body| body.contains("KeyConditionExpression") && body.contains(&notes)),
            "{mode:?}"
        );
        let after = ground.state().await;
        assert_eq!((after.roster, after.counts, after.sum), (before.roster, before.counts, before.sum), "{mode:?}");
        assert!(after.sum.is_some(), "{mode:?}");
    }
}

#[tokio::test]
async fn a_sync_that_takes_nothing_for_unchanged_reads_what_it_noted() {
    let ground = synced().await;
    let (run, process) = (ground.begin(Mode::Verify).await, ground.lasting().await);
    process.dynamodb.record(true);
    process.drive(&run).await.expect("nothing kills it");
    let notes = format!("S#{run}#users.0");
    let bodies =
        process.dynamodb.exchanges().into_iter().map(|it| String::from_utf8_lossy(&it.request_body).into_owned());
    let queries = bodies.filter(|body| body.contains("KeyConditionExpression") && body.contains(&notes)).count();
    assert!(queries >= 3, "{queries}: who is missing, how many lines, and the lines");
}

#[tokio::test]
async fn who_was_stored_by_a_run_that_failed_is_in_the_roster_of_the_next() {
    let ground = synced().await;
    newcomer(&ground).await;
    let user = ground.tenant().users().await.remove(3);
    let body = json!({"profile": {"lastName": "Renamed", "login": "renamed@acme.example"}});
    ground.tenant().change("POST", &format!("/api/v1/users/{}", text(&user, "id")), Some(body)).await;
    let failed = fails_behind_users(&ground).await.progress[&Phase::Users];
    assert_eq!((failed.added, failed.changed), (1, 1));
    let run = equal_after(&ground, Mode::Full).await.progress[&Phase::Users];
    assert_eq!((run.added, run.changed), (0, 0), "it found nothing changed");
}

#[tokio::test]
async fn who_was_removed_by_a_run_that_failed_is_not_in_the_roster_of_the_next() {
    let ground = synced().await;
    let user = ground.tenant().users().await.remove(3);
    delete(&ground, text(&user, "id")).await;
    assert_eq!(fails_behind_users(&ground).await.progress[&Phase::Users].removed, 1);
    assert_eq!(equal_after(&ground, Mode::Full).await.progress[&Phase::Users].removed, 0);
}

#[tokio::test]
async fn who_was_stored_by_a_run_that_failed_and_is_gone_since_is_removed() {
    let ground = synced().await;
    let user = newcomer(&ground).await;
    assert_eq!(fails_behind_users(&ground).await.progress[&Phase::Users].added, 1);
    delete(&ground, &user).await;
    // The lists are those that the roster was made of.
    assert_eq!(equal_after(&ground, Mode::Full).await.progress[&Phase::Users].removed, 1);
}

#[tokio::test]
async fn who_comes_twice_does_not_hide_that_another_is_missing() {
    let ground = synced().await;
    let mut users = ground.tenant().all("/api/v1/users?limit=200").await;
    let gone = users.remove(7);
    delete(&ground, text(&gone, "id")).await;
    users.insert(0, users[20].clone());
    let (first, second) =
        (page(&ground, &json!(users[..10]), Some("after=2")), page(&ground, &json!(users[10..]), None));
    ground.okta.intercept(move |exchange| match exchange.query.as_deref() {
        Some("limit=200") if exchange.path == "/api/v1/users" => Some(first.clone()),
        Some("after=2") => Some(second.clone()),
        _ => None,
    });
    assert_eq!(equal_after(&ground, Mode::Full).await.progress[&Phase::Users].removed, 1);
}

#[tokio::test]
async fn who_was_listed_before_a_list_began_again_and_not_since_is_missing() {
    let ground = synced().await;
    let mut users = ground.tenant().all("/api/v1/users?limit=200").await;
    let gone = users.remove(7);
    delete(&ground, text(&gone, "id")).await;
    let (alone, others) = (page(&ground, &json!([gone]), Some("after=2")), page(&ground, &json!(users), None));
    let refused = json!({"errorCode": "E0000031", "errorSummary": "Invalid cursor.", "errorCauses": []});
    let begun = AtomicUsize::new(0);
    ground.okta.intercept(move |exchange| match exchange.query.as_deref() {
        Some("limit=200") if exchange.path == "/api/v1/users" => {
            Some(if begun.fetch_add(1, Ordering::SeqCst) == 0 { alone.clone() } else { others.clone() })
        }
        Some("after=2") => Some((400, Vec::new(), refused.to_string().into_bytes())),
        _ => None,
    });
    assert_eq!(equal_after(&ground, Mode::Full).await.progress[&Phase::Users].removed, 1);
}
