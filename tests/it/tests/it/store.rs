//! What the product takes for granted of its table, on each engine that can be started: the embedded one, and whatever
//! `DYNAMODB_ENDPOINT` names.

use crate::process::MovedClock;
use embedded_dynamodb::{Engine, client};
use it::proxy::{KillSwitch, Proxy, When};
use jiff::SignedDuration;
use okta_connector::clock::{Clock, after};
use okta_connector::store::keys::IndexKey;
use okta_connector::store::{Condition, Error, Index, Item, Key, Query, Store, Write, create_table};
use std::io::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Once};

/// A table on some engine.
struct Table {
    store: Store,
    clock: Arc<MovedClock>,
    name: String,
    endpoint: String,
    _engine: Option<Engine>,
}

impl Table {
    async fn embedded() -> Self {
        let engine = Engine::start(None).await.expect("an engine");
        let endpoint = engine.endpoint().to_owned();
        Self::at(endpoint, Some(engine)).await
    }

    /// On the engine that the environment names; none where it names none.
    #[expect(clippy::disallowed_methods, reason = "the one place in which the tests read this variable")]
    async fn elsewhere() -> Option<Self> {
        static SAID: Once = Once::new();
        let Some(endpoint) = std::env::var("DYNAMODB_ENDPOINT").ok().filter(|it| !it.is_empty()) else {
            // Past the test runner, which hides what a passing test prints.
            SAID.call_once(|| drop(writeln!(std::io::stderr(), "skipped: DYNAMODB_ENDPOINT is not set")));
            return None;
        };
        Some(Self::at(endpoint, None).await)
    }

    async fn at(endpoint: String, engine: Option<Engine>) -> Self {
        let name = format!("it-{}", uuid::Uuid::new_v4().simple());
        let clock = Arc::<MovedClock>::default();
        create_table(&client(&endpoint), &name).await.expect("a table");
        let store = Store::new(&client(&endpoint), name.as_str(), clock.clone());
        Self { store, clock, name, endpoint, _engine: engine }
    }

    /// The same table through a proxy.
    async fn behind_proxy(&self) -> (Proxy, Store) {
        let proxy = Proxy::start(&self.endpoint).await;
        let store = Store::new(&client(&proxy.url()), self.name.as_str(), self.clock.clone());
        (proxy, store)
    }

    async fn put(&self, items: Vec<Item>) {
        for some in items.chunks(25) {
            self.store.transact(some.iter().cloned().map(Write::Put).collect()).await.expect("written");
        }
    }

    async fn sort_keys(&self, query: Query) -> Vec<String> {
        let found = self.store.query(&query).await.expect("a range");
        found.iter().map(|item| item.sort_key(None).to_owned()).collect()
    }
}

/// Makes each fact a test on each engine.
macro_rules! on_each_engine {
    ($($fact:ident)*) => {
        mod embedded {
            $(#[tokio::test] async fn $fact() { super::$fact(&super::Table::embedded().await).await })*
        }
        mod elsewhere {
            $(#[tokio::test] async fn $fact() {
                if let Some(table) = super::Table::elsewhere().await {
                    super::$fact(&table).await;
                }
            })*
        }
    };
}

on_each_engine! {
    a_write_takes_place_only_if_its_condition_holds
    an_item_is_deleted_only_if_its_condition_holds
    what_has_expired_is_in_nobodys_way
    a_transaction_is_all_or_nothing_and_names_the_first_write_that_failed
    a_transaction_whose_answer_was_lost_takes_place_once
    a_lease_has_one_owner_who_may_come_back_at_once
    a_lease_that_ran_out_is_taken_over_and_its_old_fence_is_refused
    a_lease_that_was_given_back_is_free_and_its_fence_never_comes_back
    a_transaction_on_the_same_item_and_throttling_are_waited_out
    a_range_is_read_from_either_end_behind_a_key_and_up_to_a_limit
    a_prefix_takes_what_begins_so_and_nothing_else
    a_range_larger_than_one_answer_is_read_whole_and_in_order
    what_has_expired_is_never_read
    a_limit_is_kept_where_expired_items_lie_between
    an_index_holds_what_was_written_and_no_longer_what_was_moved
    more_than_a_hundred_items_are_read_by_key
    an_item_of_nearly_400_kb_is_kept_whole
}

fn key(pk: &str, sk: &str) -> Key {
    Key { pk: pk.to_owned(), sk: sk.to_owned() }
}

fn item(pk: &str, sk: &str) -> Item {
    Item::at(&key(pk, sk))
}

fn conflict(result: Result<(), Error>) -> Option<usize> {
    match result {
        Ok(()) => None,
        Err(Error::Conflict(write)) => Some(write),
        Err(error) => panic!("not a conflict: {error}"),
    }
}

async fn a_write_takes_place_only_if_its_condition_holds(table: &Table) {
    let put = |value: u64, condition| vec![Write::PutIf(item("a", "1").number("rev", value), condition)];
    for (value, condition, fails) in [
        (1, Condition::present(), true),
        (1, Condition::absent(), false),
        (2, Condition::absent(), true),
        (2, Condition::number("rev", 7), true),
        (2, Condition::number("rev", 1), false),
        (3, Condition::present(), false),
    ] {
        assert_eq!(conflict(table.store.transact(put(value, condition)).await), fails.then_some(0));
    }
    let found = table.store.get(&key("a", "1")).await.expect("a read").expect("an item");
    assert_eq!(found.get_number("rev"), Some(3));
}

async fn a_transaction_on_the_same_item_and_throttling_are_waited_out(table: &Table) {
    let (proxy, store) = table.behind_proxy().await;
    let refuse_twice = |kind: &str| {
        let refusal = serde_json::json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}")}).to_string();
        let left = AtomicI64::new(2);
        proxy.intercept(move |_| {
            (left.fetch_sub(1, Ordering::SeqCst) > 0).then(|| (400, Vec::new(), refusal.clone().into_bytes()))
        });
    };
    for kind in ["TransactionConflictException", "ProvisionedThroughputExceededException", "ThrottlingException"] {
        refuse_twice(kind);
        let lease = store.take_lease(key("a", kind), "me", 60).await.expect("a table").expect("the lease");
        refuse_twice(kind);
        store.transact(vec![lease.fence(), Write::Put(item("a", "1"))]).await.expect("written");
        refuse_twice(kind);
        store.release_lease(&lease).await.expect("given back");
        refuse_twice(kind);
        assert!(store.take(&key("a", "1")).await.expect("taken").is_some(), "{kind}");
    }
}

async fn an_item_is_deleted_only_if_its_condition_holds(table: &Table) {
    table.put(vec![item("a", "1").text("nonce", "mine")]).await;
    let delete = |nonce: &str| vec![Write::DeleteIf(key("a", "1"), Condition::text("nonce", nonce))];
    assert_eq!(conflict(table.store.transact(delete("another's")).await), Some(0));
    assert!(table.store.get(&key("a", "1")).await.expect("a read").is_some());
    assert_eq!(conflict(table.store.transact(delete("mine")).await), None);
    assert_eq!(conflict(table.store.transact(delete("mine")).await), Some(0), "it is no longer there");
}

async fn what_has_expired_is_in_nobodys_way(table: &Table) {
    let now = table.clock.now();
    let put = |now| vec![Write::PutIf(item("a", "1").expires(after(now, 60)), Condition::absent_or_expired(now))];
    assert_eq!(conflict(table.store.transact(put(now)).await), None);
    assert_eq!(conflict(table.store.transact(put(after(now, 59))).await), Some(0));
    assert_eq!(conflict(table.store.transact(put(after(now, 60))).await), None);
}

async fn a_transaction_is_all_or_nothing_and_names_the_first_write_that_failed(table: &Table) {
    table.put(vec![item("a", "there")]).await;
    let writes = vec![
        Write::Put(item("a", "1")),
        Write::PutIf(item("a", "there"), Condition::absent()),
        Write::Check(key("a", "missing"), Condition::present()),
        Write::Put(item("a", "4")),
    ];
    assert_eq!(conflict(table.store.transact(writes).await), Some(1));
    assert_eq!(table.sort_keys(Query::partition("a")).await, ["there"]);
    let writes = vec![Write::Check(key("a", "there"), Condition::present()), Write::Put(item("a", "1"))];
    assert_eq!(conflict(table.store.transact(writes).await), None);
    assert_eq!(table.sort_keys(Query::partition("a")).await, ["1", "there"]);
}

async fn a_transaction_whose_answer_was_lost_takes_place_once(table: &Table) {
    let (proxy, store) = table.behind_proxy().await;
    let gate = KillSwitch::new(1, When::After);
    proxy.kill_at(&gate);
    let write = vec![Write::PutIf(item("a", "1"), Condition::absent())];
    let writing = tokio::spawn(async move { store.transact(write).await });
    gate.died().await;
    // From here on calls pass again: the same request comes once more, under its own token.
    proxy.kill_at(&KillSwitch::never());
    assert_eq!(conflict(writing.await.expect("a task")), None);
    assert!(proxy.calls() > 1, "it was sent again");
}

async fn a_lease_has_one_owner_who_may_come_back_at_once(table: &Table) {
    let lease = key("c", "LEASE");
    let first = table.store.take_lease(lease.clone(), "ana", 300).await.expect("a write").expect("it is free");
    assert!(table.store.take_lease(lease.clone(), "ben", 300).await.expect("a write").is_none());
    let again = table.store.take_lease(lease.clone(), "ana", 300).await.expect("a write").expect("it is hers");
    // What she left running when she died no longer counts.
    assert_eq!(conflict(table.store.transact(vec![first.fence(), Write::Put(item("a", "old"))]).await), Some(0));
    assert_eq!(conflict(table.store.transact(vec![again.fence(), Write::Put(item("a", "new"))]).await), None);
    assert_eq!(table.sort_keys(Query::partition("a")).await, ["new"]);
    assert!(table.store.lease_owner(&lease).await.expect("a read").is_some());
}

async fn a_lease_that_ran_out_is_taken_over_and_its_old_fence_is_refused(table: &Table) {
    let lease = key("c", "LEASE");
    let old = table.store.take_lease(lease.clone(), "ana", 300).await.expect("a write").expect("it is free");
    table.clock.advance(SignedDuration::from_secs(299));
    assert!(table.store.take_lease(lease.clone(), "ben", 300).await.expect("a write").is_none());
    table.clock.advance(SignedDuration::from_secs(2));
    assert_eq!(table.store.lease_owner(&lease).await.expect("a read"), None);
    let new = table.store.take_lease(lease.clone(), "ben", 300).await.expect("a write").expect("it ran out");
    assert_eq!(conflict(table.store.transact(vec![old.fence(), Write::Put(item("a", "1"))]).await), Some(0));
    table.store.release_lease(&old).await.expect("not an error");
    assert!(table.store.take_lease(lease, "ana", 300).await.expect("a write").is_none(), "it is still held");
    assert_eq!(conflict(table.store.transact(vec![new.fence(), Write::Put(item("a", "1"))]).await), None);
}

async fn a_lease_that_was_given_back_is_free_and_its_fence_never_comes_back(table: &Table) {
    let lease = key("c", "LEASE");
    let old = table.store.take_lease(lease.clone(), "ana", 300).await.expect("a write").expect("it is free");
    table.store.release_lease(&old).await.expect("given back");
    table.store.take_lease(lease, "ben", 300).await.expect("a write").expect("it is free");
    assert_eq!(conflict(table.store.transact(vec![old.fence(), Write::Put(item("a", "1"))]).await), Some(0));
}

async fn a_range_is_read_from_either_end_behind_a_key_and_up_to_a_limit(table: &Table) {
    table.put(["1", "2", "2#a", "2a", "3", "é", "日"].map(|sk| item("a", sk)).to_vec()).await;
    table.put(vec![item("b", "2")]).await;
    let all = || Query::partition("a");
    for (query, found) in [
        (all(), vec!["1", "2", "2#a", "2a", "3", "é", "日"]),
        (all().after(Some("2")), vec!["2#a", "2a", "3", "é", "日"]),
        (all().after(Some("2")).limit(2), vec!["2#a", "2a"]),
        (all().newest_first(), vec!["日", "é", "3", "2a", "2#a", "2", "1"]),
        (all().newest_first().after(Some("2a")), vec!["2#a", "2", "1"]),
        (all().newest_first().after(Some("2")).limit(1), vec!["1"]),
        (all().after(Some("日")), vec![]),
        (all().newest_first().after(Some("1")), vec![]),
        (Query::partition("nobody"), vec![]),
    ] {
        let asked = format!("{query:?}");
        assert_eq!(table.sort_keys(query).await, found, "{asked}");
    }
}

async fn a_prefix_takes_what_begins_so_and_nothing_else(table: &Table) {
    table.put(["RUM#1", "RUN", "RUN#1", "RUN#2", "RUN#\u{FFFD}", "RUN$"].map(|sk| item("a", sk)).to_vec()).await;
    let runs = || Query::partition("a").prefix("RUN#");
    assert_eq!(table.sort_keys(runs()).await, ["RUN#1", "RUN#2", "RUN#\u{FFFD}"]);
    assert_eq!(table.sort_keys(runs().after(Some("RUN#1"))).await, ["RUN#2", "RUN#\u{FFFD}"]);
    assert_eq!(table.sort_keys(runs().newest_first().after(Some("RUN#2"))).await, ["RUN#1"]);
    assert_eq!(table.sort_keys(runs().newest_first().limit(1)).await, ["RUN#\u{FFFD}"]);
}

async fn a_range_larger_than_one_answer_is_read_whole_and_in_order(table: &Table) {
    for some in 0..5 {
        let large = |at| item("a", &format!("{:02}", some * 6 + at)).text("doc", "x".repeat(100_000));
        table.put((0..6).map(large).collect()).await;
    }
    let wanted: Vec<_> = (0..30).map(|at| format!("{at:02}")).collect();
    assert_eq!(table.sort_keys(Query::partition("a")).await, wanted);
    assert_eq!(table.sort_keys(Query::partition("a").names_only()).await, wanted);
    assert_eq!(table.sort_keys(Query::partition("a").limit(20)).await, wanted[..20]);
    let query = Query::partition("a");
    let (mut pages, mut sizes) = (table.store.pages(&query), Vec::new());
    while let Some(page) = pages.next().await.expect("a page") {
        sizes.push(page.len());
    }
    assert!(sizes.len() > 1 && sizes.iter().sum::<usize>() == 30, "{sizes:?}");
}

async fn what_has_expired_is_never_read(table: &Table) {
    let soon = after(table.clock.now(), 60);
    let index = IndexKey { pk: "list".to_owned(), sk: "1".to_owned() };
    table.put(vec![item("a", "1").indexed(Index::G1, index).expires(soon), item("a", "2")]).await;
    assert_eq!(table.sort_keys(Query::partition("a")).await, ["1", "2"]);
    table.clock.advance(SignedDuration::from_secs(61));
    assert_eq!(table.sort_keys(Query::partition("a")).await, ["2"]);
    assert!(table.store.get(&key("a", "1")).await.expect("a read").is_none());
    let found = table.store.get_many(&[key("a", "1"), key("a", "2")]).await.expect("a read");
    assert_eq!(found.len(), 1);
    table.put(vec![item("a", "1")]).await;
    assert_eq!(table.sort_keys(Query::partition("a")).await, ["1", "2"], "it may be written again");
}

async fn a_limit_is_kept_where_expired_items_lie_between(table: &Table) {
    let past = after(table.clock.now(), -60);
    let of = |at: usize| item("a", &at.to_string());
    table.put((0..9).map(|at| if at % 3 == 1 { of(at).expires(past) } else { of(at) }).collect()).await;
    assert_eq!(table.sort_keys(Query::partition("a").limit(2)).await, ["0", "2"]);
    assert_eq!(table.sort_keys(Query::partition("a").limit(4)).await, ["0", "2", "3", "5"]);
}

async fn an_index_holds_what_was_written_and_no_longer_what_was_moved(table: &Table) {
    let at = |pk: &str, sk: &str| IndexKey { pk: pk.to_owned(), sk: sk.to_owned() };
    table.put(vec![item("u1", "@").indexed(Index::G1, at("present", "1")).text("doc", "{}")]).await;
    table.put(vec![item("u2", "@").indexed(Index::G1, at("present", "2")).indexed(Index::G2, at("x", "2"))]).await;
    listed(table, Index::G1, "present", &["1", "2"]).await;
    listed(table, Index::G2, "x", &["2"]).await;
    table.put(vec![item("u1", "@").indexed(Index::G1, at("removed", "1")), item("u2", "@")]).await;
    listed(table, Index::G1, "present", &[]).await;
    listed(table, Index::G1, "removed", &["1"]).await;
    listed(table, Index::G2, "x", &[]).await;
}

/// An index follows the table a moment later.
async fn listed(table: &Table, index: Index, pk: &str, wanted: &[&str]) {
    let mut found = Vec::new();
    for _ in 0..200 {
        let items = table.store.query(&Query::index(index, pk)).await.expect("a range");
        found = items.iter().map(|item| item.sort_key(Some(index)).to_owned()).collect();
        if found == wanted {
            return;
        }
    }
    assert_eq!(found, wanted, "{pk}");
}

async fn more_than_a_hundred_items_are_read_by_key(table: &Table) {
    table.put((0..250).map(|at| item(&format!("u{at}"), "@").number("n", at)).collect()).await;
    let keys: Vec<_> = (0..300).map(|at| key(&format!("u{at}"), "@")).collect();
    let found = table.store.get_many(&keys).await.expect("a read");
    let mut numbers: Vec<_> = found.iter().filter_map(|item| item.get_number("n")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..250).collect::<Vec<_>>());
    assert!(table.store.get_many(&[]).await.expect("nothing to read").is_empty());
}

async fn an_item_of_nearly_400_kb_is_kept_whole(table: &Table) {
    let text = "ü".repeat(195_000);
    let bytes: Vec<u8> = (0..=255).cycle().take(390_000).collect();
    table.put(vec![item("a", "1").text("doc", text.as_str()), item("a", "2").bytes("rows", bytes.clone())]).await;
    let found = table.store.get_many(&[key("a", "1"), key("a", "2")]).await.expect("a read");
    assert!(found.iter().any(|item| item.get("doc") == Some(text.as_str())));
    assert!(found.iter().any(|item| item.get_bytes("rows") == Some(bytes.as_slice())));
}
