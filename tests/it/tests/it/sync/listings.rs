//! What a sync makes of listings that are refused, go in circles, break off, or hold something twice or unreadable.

use super::{assert_equal_to_the_tenant, assert_status, ground, okta_answer};
use crate::picture::Table;
use crate::world::text;
use okta_connector::synced::{Mode, RunStatus};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test]
async fn a_refused_cursor_restarts_its_list() {
    for (code, path) in [("E0000029", "/api/v1/users"), ("E0000031", "/api/v1/users"), ("E0000029", "/users")] {
        let (ground, seen) = (ground().await, AtomicUsize::new(0));
        ground.okta.intercept(move |exchange| {
            let behind = exchange.query.as_deref().is_some_and(|query| query.contains("after="));
            let ours = if path == "/users" { exchange.path.contains("/groups/") } else { exchange.path == path };
            let refused = ours && behind && seen.fetch_add(1, Ordering::SeqCst) == 0;
            let body = json!({"errorCode": code, "errorSummary": "Invalid cursor.", "errorCauses": []});
            refused.then(|| okta_answer(400, &[], &body))
        });
        assert_status(&ground.sync(Mode::Full).await, RunStatus::Succeeded);
        assert_equal_to_the_tenant(&ground).await;
    }
}

#[tokio::test]
async fn a_list_that_goes_in_circles_ends_the_sync_with_a_reason() {
    let ground = ground().await;
    assert_status(&ground.sync(Mode::Full).await, RunStatus::Succeeded);
    let link = format!("<{}/api/v1/users?after=again&limit=200>; rel=\"next\"", ground.okta.url());
    ground.okta.intercept(move |exchange| {
        let headers = [("link", link.as_str()), ("content-type", "application/json")];
        (exchange.path == "/api/v1/users").then(|| okta_answer(200, &headers, &json!([])))
    });
    let run = ground.sync(Mode::Full).await;
    assert_status(&run, RunStatus::Failed);
    let detail = run.error.expect("a reason")["detail"].to_string();
    assert!(detail.contains("comes back to a page"), "{detail}");
    assert_equal_to_the_tenant(&ground).await;
}

#[tokio::test]
async fn an_answer_that_is_cut_short_is_asked_for_again() {
    let ground = ground().await;
    for path in ["/api/v1/users", "/api/v1/groups"] {
        let fault = json!({"fault": "truncate", "bytes": 100, "path": path, "times": 2});
        ground.tenant().door("POST", "faults", fault).await;
    }
    assert_status(&ground.sync(Mode::Full).await, RunStatus::Succeeded);
    assert_equal_to_the_tenant(&ground).await;
}

#[tokio::test]
async fn a_user_who_comes_twice_is_stored_once() {
    let ground = ground().await;
    let users = ground.tenant().all("/api/v1/users?limit=200").await;
    let (again, first) = (users[3].clone(), AtomicUsize::new(0));
    let next = format!("<{}/api/v1/users?limit=200>; rel=\"next\"", ground.okta.url());
    // A page of its own with the same user twice, who then comes once more in their place.
    ground.okta.intercept(move |exchange| {
        let listing = exchange.path == "/api/v1/users" && exchange.query.as_deref() == Some("limit=200");
        let headers = [("link", next.as_str()), ("content-type", "application/json")];
        let once = listing && first.fetch_add(1, Ordering::SeqCst) == 0;
        once.then(|| okta_answer(200, &headers, &json!([again, again])))
    });
    assert_status(&ground.sync(Mode::Full).await, RunStatus::Succeeded);
    assert_equal_to_the_tenant(&ground).await;
}

#[tokio::test]
async fn an_empty_page_with_a_next_link_is_not_the_end_of_a_list() {
    let ground = ground().await;
    let first = AtomicUsize::new(0);
    let next = format!("<{}/api/v1/users?limit=200>; rel=\"next\"", ground.okta.url());
    ground.okta.intercept(move |exchange| {
        let listing = exchange.path == "/api/v1/users" && exchange.query.as_deref() == Some("limit=200");
        let headers = [("link", next.as_str()), ("content-type", "application/json")];
        let once = listing && first.fetch_add(1, Ordering::SeqCst) == 0;
        once.then(|| okta_answer(200, &headers, &json!([])))
    });
    assert_status(&ground.sync(Mode::Full).await, RunStatus::Succeeded);
    assert_equal_to_the_tenant(&ground).await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_and_comes_twice_keeps_what_is_stored() {
    let ground = ground().await;
    assert_status(&ground.sync(Mode::Full).await, RunStatus::Succeeded);
    let users = ground.tenant().all("/api/v1/users?limit=200").await;
    let (bad, first) = (json!({"id": users[5]["id"]}), AtomicUsize::new(0));
    let (page, next) =
        (json!([bad, users[6], bad]), format!("<{}/api/v1/users?limit=200>; rel=\"next\"", ground.okta.url()));
    ground.okta.intercept(move |exchange| {
        let listing = exchange.path == "/api/v1/users" && exchange.query.as_deref() == Some("limit=200");
        let headers = [("link", next.as_str()), ("content-type", "application/json")];
        let once = listing && first.fetch_add(1, Ordering::SeqCst) == 0;
        once.then(|| okta_answer(200, &headers, &page))
    });
    assert_status(&ground.sync(Mode::Full).await, RunStatus::Succeeded);
    assert_equal_to_the_tenant(&ground).await;
}

#[tokio::test]
async fn a_record_that_is_too_large_is_told_and_the_rest_is_synced() {
    let ground = ground().await;
    let mut users = ground.tenant().all("/api/v1/users?limit=200").await;
    users[7]["profile"]["essay"] = json!("x".repeat(400_000));
    let (large, body) = (text(&users[7], "id").to_owned(), json!(users));
    ground.okta.intercept(move |exchange| {
        let listing = exchange.path == "/api/v1/users" && exchange.query.as_deref() == Some("limit=200");
        listing.then(|| okta_answer(200, &[("content-type", "application/json")], &body))
    });
    let run = ground.sync(Mode::Full).await;
    assert_status(&run, RunStatus::Succeeded);
    assert_eq!(run.bad.iter().map(|bad| bad.id.as_deref()).collect::<Vec<_>>(), [Some(large.as_str())]);
    let (picture, mut wanted) = (Table::read(&ground).await.picture(&ground).await, ground.tenant().picture().await);
    wanted.users.remove(&large);
    assert_eq!(picture.users, wanted.users);
}
