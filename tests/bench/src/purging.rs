//! A large tenant whose connection was deleted, on a table that behaves as on AWS: it is purged slice by slice by processes
//! that are killed at seeded calls, until nothing is left.
//!
//! The items are generated: users with memberships and assignments, a tenth of them edges of users that are not stored.

use crate::Error;
use crate::syncing::product;
use embedded_dynamodb::{Engine, behave_like_aws};
use it::proxy::{KillSwitch, Proxy, When};
use okta_connector::app::App;
use okta_connector::clock::SystemClock;
use okta_connector::id::ConnectionId;
use okta_connector::okta::{AppId, GroupId, UserId};
use okta_connector::store::keys::{self, IndexKey, Listed};
use okta_connector::store::{Index, Item, Store, Write, create_table};
use okta_connector::sync;
use std::sync::Arc;
use std::time::{Duration, Instant};

const TABLE: &str = "bench";
/// A slice on AWS.
const SLICE: Duration = Duration::from_secs(240);
/// What an answer of DynamoDB takes.
const LATENCY: Duration = Duration::from_millis(5);
const GROUPS: usize = 500;
const APPS: usize = 50;

/// Generates so many users, purges them, and is killed so often.
pub async fn measure(users: usize, kills: usize, seed: u64) -> Result<(), Error> {
    let engine = Engine::start(None).await?;
    let client = engine.client();
    create_table(&client, TABLE).await?;
    let store = Store::new(&client, TABLE, Arc::new(SystemClock));
    let connection = ConnectionId::random();
    let items = generate(&store, &connection, users).await?;
    println!("{items} items of {users} users, {GROUPS} groups and {APPS} apps");
    behave_like_aws(seed, LATENCY);
    let began = Instant::now();
    let mut slices = 0;
    let mut killed = 0;
    // Killed somewhere in the first half, then again in what is left, and so on.
    let mut calls = items / 60;
    loop {
        let gate = if killed < kills {
            KillSwitch::new(1 + spread(seed, killed) % calls.max(2), When::After)
        } else {
            KillSwitch::never()
        };
        let proxy = Proxy::start(engine.endpoint()).await;
        proxy.kill_at(&gate);
        let secrets = tempfile::tempdir()?;
        let app = product(&embedded_dynamodb::client(&proxy.url()), "http://127.0.0.1:9", secrets.path())?;
        match slice(&app, &connection, &gate).await? {
            None => {
                killed += 1;
                calls = (calls / 5 * 4).max(20);
            }
            Some(true) => break,
            Some(false) => {}
        }
        slices += 1;
    }
    let took = began.elapsed().as_secs_f64();
    let left = client.scan().table_name(TABLE).send().await?.count();
    println!("purged in {slices} slices and {took:.0} s, {killed} of them killed; {left} items left");
    if left == 0 && killed == kills { Ok(()) } else { Err("something is left, or too few were killed".into()) }
}

/// One slice; none where its process was killed.
async fn slice(app: &App, connection: &ConnectionId, gate: &KillSwitch) -> Result<Option<bool>, Error> {
    tokio::select! {
        biased;
        () = gate.died() => Ok(None),
        purged = sync::purge(app, connection, SLICE) => match purged {
            Ok(done) => Ok(Some(done)),
            Err(_) if gate.is_dead() => Ok(None),
            Err(problem) => Err(problem.to_string().into()),
        },
    }
}

/// A number for each kill.
fn spread(seed: u64, kill: usize) -> usize {
    let z = (seed + kill as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from((z ^ (z >> 31)) >> 16).unwrap_or_default()
}

async fn generate(store: &Store, connection: &ConnectionId, users: usize) -> Result<usize, Error> {
    let group = |n: usize| GroupId::parse(&format!("00g{n:017}"));
    let app = |n: usize| AppId::parse(&format!("0oa{n:017}"));
    let mut writes = Vec::new();
    for n in 0..GROUPS {
        let group = group(n)?;
        let name = format!("group {n}");
        let index = keys::group_index(connection, &group, &name, Listed::Present);
        writes.push(put(&keys::group(connection, &group), Index::G1, index));
    }
    for n in 0..APPS {
        let app = app(n)?;
        let label = format!("app {n}");
        let index = keys::app_index(connection, &app, &label, Listed::Present);
        writes.push(put(&keys::app(connection, &app), Index::G1, index));
    }
    for n in 0..users {
        let user = UserId::parse(&format!("00u{n:017}"))?;
        if n % 10 != 0 {
            writes.push(put(
                &keys::user(connection, &user),
                Index::G1,
                keys::user_index(connection, &user, Listed::Present),
            ));
        }
        for edge in 0..3 {
            let group = group((n * 7 + edge * 131) % GROUPS)?;
            let index = keys::membership_index(connection, &group, &user);
            writes.push(put(&keys::membership(connection, &group, &user), Index::G2, index));
        }
        let app = app(n % APPS)?;
        let index = keys::assignment_index(connection, &app, &user, "USER");
        writes.push(put(&keys::assignment(connection, &app, &user), Index::G2, index));
    }
    let note = IndexKey { pk: keys::PURGES.to_owned(), sk: connection.to_string() };
    writes.push(put(&keys::purge(connection), Index::G1, note));
    let count = writes.len();
    for some in writes.chunks(100) {
        store.transact(some.to_vec()).await?;
    }
    Ok(count)
}

fn put(key: &keys::Key, index: Index, place: IndexKey) -> Write {
    Write::Put(Item::at(key).indexed(index, place).text("doc", "{}"))
}
