//! Two processes at one run, and a table that is busy: who was taken over writes nothing, and what was refused for now
//! is sent again.

use crate::picture::{Table, Tenant};
use crate::process::{Ground, Process};
use crate::world::World;
use it::proxy::{Answer, Exchange};
use jiff::SignedDuration;
use okta_connector::id::ConnectionId;
use okta_connector::store::keys;
use okta_connector::synced::{Mode, RunStatus};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// A small tenant, read in pages of 25.
async fn ground() -> Ground {
    let ground = Ground::with(crate::world::small()).await;
    ground.okta.rewrite(|target| *target = target.replace("limit=200", "limit=25"));
    ground
}

async fn assert_equal_to_the_tenant(ground: &Ground, tenant: &Tenant) {
    let (picture, wanted) = (Table::read(ground).await.picture(ground).await, tenant.picture().await);
    assert_eq!(picture, wanted);
}

/// Which operation of DynamoDB a request is.
fn operation(exchange: &Exchange) -> &str {
    let target = exchange.request_headers.iter().find(|(name, _)| name == "x-amz-target");
    target.and_then(|(_, target)| target.rsplit('.').next()).unwrap_or_default()
}

fn body(exchange: &Exchange) -> Value {
    serde_json::from_slice(&exchange.request_body).expect("JSON")
}

/// An answer of DynamoDB, with the checksum that its clients look at where there is one.
fn answer(status: u16, body: &Value) -> Answer {
    (status, vec![("content-type".to_owned(), "application/x-amz-json-1.0".to_owned())], body.to_string().into_bytes())
}

fn refusal(name: &str) -> Answer {
    answer(400, &json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": "busy"}))
}

/// A transaction of so many writes that was refused for one reason.
fn cancelled(writes: usize, code: &str) -> Answer {
    let mut reasons = vec![json!({"Code": "None"}); writes.max(1)];
    reasons[writes / 2] = json!({"Code": code, "Message": "busy"});
    let name = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    answer(400, &json!({"__type": name, "Message": "Transaction cancelled", "CancellationReasons": reasons}))
}

/// Tells when a process has read a page and looks up who of it is stored: right before it writes the page. `page`
/// counts from 1.
fn reaches(process: &Process, page: usize) -> Arc<Notify> {
    let (there, lookups) = (Arc::new(Notify::new()), AtomicUsize::new(0));
    let tell = there.clone();
    process.dynamodb.intercept(move |exchange| {
        let looks_up =
            operation(exchange) == "BatchGetItem" && exchange.request_body.windows(3).any(|it| it == b"\"U#");
        if looks_up && lookups.fetch_add(1, Ordering::SeqCst) + 1 == page {
            tell.notify_one();
        }
        None
    });
    there
}

#[tokio::test]
async fn a_process_that_was_taken_over_in_the_middle_of_a_page_writes_nothing_more() {
    let ground = ground().await;
    let tenant = ground.tenant();
    let run = ground.begin(Mode::Full).await;
    let (slow, other) = (ground.lasting().await, ground.lasting().await);
    let there = reaches(&slow, 2);
    let mut held = Box::pin(slow.drive_as(&run, "slow"));
    tokio::select! {
        biased;
        () = there.notified() => {}
        ended = &mut held => panic!("it was to be held: {ended:?}"),
    }
    // It is not polled from here on: the page it has read is older than what the other finds.
    let renamed = tenant.users().await[30]["id"].as_str().expect("an id").to_owned();
    let change = json!({"profile": {"lastName": "Renamed"}});
    tenant.change("POST", &format!("/api/v1/users/{renamed}"), Some(change)).await;
    ground.clock.advance(SignedDuration::from_secs(301));
    tenant.door("POST", "clock", json!({"advance": "301s"})).await;
    other.drive_as(&run, "other").await.expect("nothing kills it");
    let (before, ended) = (Table::read(&ground).await, ground.run(&run).await);
    held.await.expect("nothing kills it");
    assert_eq!((Table::read(&ground).await, ground.run(&run).await), (before, ended.clone()), "it wrote something");
    assert_eq!(ended.status, RunStatus::Succeeded);
    assert_equal_to_the_tenant(&ground, &tenant).await;
}

#[tokio::test]
async fn a_run_that_somebody_else_drives_is_left_to_them() {
    let ground = ground().await;
    ground.okta.record(true);
    // Whoever asks Okta for something gets a token first; the process that is held may still be reading ahead.
    let tokens = || ground.okta.exchanges().iter().filter(|exchange| exchange.path == "/oauth2/v1/token").count();
    let run = ground.begin(Mode::Full).await;
    let (first, second) = (ground.lasting().await, ground.lasting().await);
    let there = reaches(&first, 1);
    let mut held = Box::pin(first.drive_as(&run, "first"));
    tokio::select! {
        biased;
        () = there.notified() => {}
        ended = &mut held => panic!("it was to be held: {ended:?}"),
    }
    let before = tokens();
    let next = second.slice(&run, "second").await.expect("a slice");
    assert!(matches!(next, okta_connector::sync::Next::Wait(_)), "{next:?}");
    assert!(before > 0);
    assert_eq!(tokens(), before, "nothing is asked of Okta");
    held.await.expect("nothing kills it");
    assert_equal_to_the_tenant(&ground, &ground.tenant()).await;
}

/// Refuses every third transaction `times` times over, and gives back the tokens in the order in which they came.
fn refuse_transactions(process: &Process, times: usize, refusal: fn(usize) -> Answer) -> Arc<Mutex<Vec<String>>> {
    let tokens = Arc::new(Mutex::new(Vec::<String>::new()));
    let seen = tokens.clone();
    process.dynamodb.intercept(move |exchange| {
        if operation(exchange) != "TransactWriteItems" {
            return None;
        }
        let body = body(exchange);
        let token = body["ClientRequestToken"].as_str().expect("a token").to_owned();
        let mut seen = seen.lock().expect("nobody panics");
        seen.push(token.clone());
        let sent = seen.iter().filter(|it| **it == token).count();
        let (mut different, writes) = (seen.clone(), body["TransactItems"].as_array().map_or(0, Vec::len));
        different.dedup();
        (different.len() % 3 == 1 && sent <= times).then(|| refusal(writes))
    });
    tokens
}

async fn a_sync_ends_well_although(times: usize, refusal: fn(usize) -> Answer) {
    let ground = ground().await;
    let run = ground.begin(Mode::Full).await;
    let process = ground.lasting().await;
    let tokens = refuse_transactions(&process, times, refusal);
    process.drive(&run).await.expect("nothing kills it");
    assert_eq!(ground.run(&run).await.status, RunStatus::Succeeded);
    let tokens = tokens.lock().expect("nobody panics").clone();
    let mut different = tokens.clone();
    different.dedup();
    let mut unique = different.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(different.len(), unique.len(), "a transaction that is sent again keeps its token");
    assert_eq!(tokens.len(), different.len() + times * different.len().div_ceil(3));
    assert_equal_to_the_tenant(&ground, &ground.tenant()).await;
}

#[tokio::test]
async fn a_transaction_that_meets_another_is_sent_again_under_its_token() {
    a_sync_ends_well_although(2, |writes| cancelled(writes, "TransactionConflict")).await;
}

#[tokio::test]
async fn a_transaction_that_is_throttled_inside_is_sent_again_under_its_token() {
    a_sync_ends_well_although(2, |writes| cancelled(writes, "ThrottlingError")).await;
}

#[tokio::test]
async fn a_transaction_that_is_throttled_as_a_whole_is_sent_again_under_its_token() {
    a_sync_ends_well_although(1, |_| refusal("ThrottlingException")).await;
    a_sync_ends_well_although(1, |_| refusal("ProvisionedThroughputExceededException")).await;
}

#[tokio::test]
async fn keys_that_were_not_processed_are_asked_for_again() {
    let ground = ground().await;
    let run = ground.begin(Mode::Full).await;
    ground.lasting().await.drive(&run).await.expect("nothing kills it");
    let before = Table::read(&ground).await;
    let run = ground.begin(Mode::Full).await;
    let process = ground.lasting().await;
    let asked = Mutex::new(Vec::new());
    // Each request is refused the first time it comes: all of its keys are given back.
    process.dynamodb.intercept(move |exchange| {
        if operation(exchange) != "BatchGetItem" {
            return None;
        }
        let request = body(exchange)["RequestItems"].clone();
        let mut asked = asked.lock().expect("nobody panics");
        let first = asked.last() != Some(&request);
        asked.push(request.clone());
        first.then(|| answer(200, &json!({"Responses": {}, "UnprocessedKeys": request})))
    });
    process.drive(&run).await.expect("nothing kills it");
    let run = ground.run(&run).await;
    assert_eq!(run.status, RunStatus::Succeeded);
    assert!(run.progress.values().all(|it| it.added + it.changed + it.removed == 0), "{:?}", run.progress);
    assert_eq!(before.picture(&ground).await, ground.tenant().picture().await);
}

#[tokio::test]
async fn a_service_takes_back_the_feed_of_a_killed_process_and_delivers_its_inbox() {
    const ENDED: &str = "okta-connector.sync.completed";
    let mut world = World::with(crate::world::quiet()).await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    world.events_at_last(&path, ENDED, 1).await;
    let key = keys::feed_lease(&ConnectionId::parse(&id).expect("an id"));
    // A process that was killed in the middle of a delivery. Another delivery may hold the feed for a moment.
    while world.app().store.take_lease(key.clone(), "killed", 90).await.expect("a table").is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.sync(&id, "full").await;
    assert_eq!(world.all_events(&path, ENDED).await.len(), 1, "the feed is held");
    world.is_down_for(SignedDuration::from_secs(1)).await;
    let owner = world.app().store.lease_owner(&key).await.expect("a table");
    assert_ne!(owner.as_deref(), Some("killed"), "its lease would last for another 89 s");
    world.events_at_last(&path, ENDED, 2).await;
}
