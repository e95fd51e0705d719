//! The process that syncs: the product and nothing else. It says what each run did, and how much memory it took at most.

use crate::Error;
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use okta_connector::app::{App, RunnerError, SyncRunner};
use okta_connector::clock::{SharedClock, SystemClock};
use okta_connector::connect;
use okta_connector::feed::USUAL_DAYS;
use okta_connector::id::{ConnectionId, SyncId};
use okta_connector::okta::{AllowedOrigins, SigningKey, SystemResolver, Transport};
use okta_connector::store::{Store, create_table};
use okta_connector::sync::{self, Next, Slice};
use okta_connector::synced::{Mode, Run, SyncRun};
use okta_connector::{connection, runs};
use okta_connector_local::{FileSecrets, LocalScheduler};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncBufReadExt;

const SLICE: Duration = Duration::from_secs(240);

/// Runs are driven here, not by the product's own loop.
struct ByHand;

#[async_trait]
impl SyncRunner for ByHand {
    async fn start(&self, _: &ConnectionId, _: &SyncId, _: &str) -> Result<(), RunnerError> {
        Ok(())
    }

    async fn read_candidates(&self, _: &ConnectionId) -> Result<(), RunnerError> {
        Ok(())
    }

    async fn purge(&self, _: &ConnectionId, _: &str) -> Result<(), RunnerError> {
        Ok(())
    }
}

/// Connects, then runs one sync for each line of input, in the mode that the line names.
pub async fn run(database: &str, tenant: &str) -> Result<(), Error> {
    let secrets = tempfile::tempdir()?;
    let app = deployment(&embedded_dynamodb::client(database), tenant, secrets.path()).await?;
    let (id, mut next) = connected(&app, tenant).await?;
    println!("connected");
    let mut orders = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    while let Some(mode) = orders.next_line().await? {
        let mode: Mode = serde_json::from_value(json!(mode))?;
        let (began, spent) = (Instant::now(), cpu_seconds()?);
        let stored = connection::load(&app.store, &id).await?.ok_or("the connection is gone")?;
        let run = match next.take() {
            Some(first) => first,
            None => runs::start(&app, &stored.connection, mode).await?.id,
        };
        drive(&app, &id, &run).await?;
        let run = Run::load(&app.store, &id, &run).await?.ok_or("the run is gone")?;
        let mut told = json!(SyncRun::of(run));
        told["seconds"] = json!(began.elapsed().as_secs_f64());
        told["cpu_seconds"] = json!(cpu_seconds()? - spent);
        told["peak_memory_kib"] = json!(peak_memory_kib("self")?);
        println!("{told}");
    }
    Ok(())
}

/// The product, with an empty table.
pub async fn deployment(client: &Client, tenant: &str, secrets: &Path) -> Result<App, Error> {
    create_table(client, "bench").await?;
    product(client, tenant, secrets)
}

/// The product, with a table that is there.
pub fn product(client: &Client, tenant: &str, secrets: &Path) -> Result<App, Error> {
    let clock: SharedClock = Arc::new(SystemClock);
    Ok(App {
        store: Store::new(client, "bench", Arc::clone(&clock)),
        secrets: Arc::new(FileSecrets::open(secrets)?),
        okta: Transport::new(Arc::new(SystemResolver), AllowedOrigins::parse([tenant])?, Arc::clone(&clock))?,
        clock,
        runner: Arc::new(ByHand),
        scheduler: Arc::new(LocalScheduler::default()),
        public_url: String::new(),
        bus: None,
        feed_days: USUAL_DAYS,
    })
}

/// A connection with a key that the tenant knows, and the sync that it started with.
pub async fn connected(app: &App, tenant: &str) -> Result<(ConnectionId, Option<SyncId>), Error> {
    let key = SigningKey::generate()?;
    let http = reqwest::Client::new();
    let keys = json!({"jwks": {"keys": [key.public_jwk()?]}, "dpop": "required"});
    let operator = format!("{tenant}/_sim/app");
    let told: Value = http.patch(&operator).json(&keys).send().await?.error_for_status()?.json().await?;
    let permissions = json!({"actions": ["all"]});
    let input = json!({"name": "Bench", "domain": tenant, "permissions": permissions, "auth": {
        "type": "private_key_jwt", "client_id": told["client_id"], "private_key": pem(&key), "key_id": keys["jwks"]["keys"][0]["kid"],
    }});
    let outcome = connect::create(app, ConnectionId::random(), &input).await?;
    Ok((outcome.stored.connection.id, outcome.sync_id))
}

#[expect(clippy::disallowed_methods, reason = "the key is pasted, as its owner would")]
fn pem(key: &SigningKey) -> String {
    let der = key.to_secret();
    let body = der.expose_secret();
    format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n")
}

/// Drives a run until it is over.
pub async fn drive(app: &App, connection: &ConnectionId, run: &SyncId) -> Result<(), Error> {
    let slice = Slice { connection: connection.clone(), run: run.clone(), execution: run.to_string() };
    loop {
        match sync::slice(app, &slice, SLICE).await? {
            Next::Done => return Ok(()),
            Next::Again => {}
            Next::Wait(until) => {
                tokio::time::sleep(Duration::try_from(until.duration_since(app.now())).unwrap_or_default()).await;
            }
        }
    }
}

/// The most memory this process had so far, as Linux counts it (`VmHWM`).
pub fn peak_memory_kib(process: &str) -> Result<u64, Error> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in its status")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// The processor time that this process has used so far, as Linux counts it: fields 14 and 15 of its `stat`, in hundredths
/// of a second.
pub fn cpu_seconds() -> Result<f64, Error> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<_> = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?.1.split_whitespace().collect();
    let ticks: u32 = fields[11].parse::<u32>()? + fields[12].parse::<u32>()?;
    Ok(f64::from(ticks) / 100.0)
}
