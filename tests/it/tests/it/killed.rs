//! The real program, killed by the system in the middle of a sync.

use crate::picture::Tenant;
use crate::world::text;
use it::proxy::Proxy;
use okta_simulator::{Config, Simulator};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::Notify;

/// `target/debug/okta-connector`, which lies beside the directory of this test program.
pub fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a program has a path");
    let path = own.ancestors().nth(2).expect("target/debug/deps").join("okta-connector");
    assert!(path.exists(), "{} is missing: run `cargo build --workspace` first", path.display());
    path
}

/// The program at work, and where it listens.
struct Running {
    child: Child,
    url: String,
    http: reqwest::Client,
}

impl Running {
    async fn start(data: &Path, okta: &Proxy) -> Self {
        let mut child = Command::new(program())
            .args(["serve", "--port", "0", "--allow-okta-origin", &okta.url(), "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("a process");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        while let Some(line) = lines.next_line().await.expect("a line") {
            if let Some(url) = line.strip_prefix("listening on ") {
                return Self { url: url.trim().to_owned(), http: reqwest::Client::new(), child };
            }
        }
        panic!("it ended before it listened");
    }

    /// SIGKILL: it has no chance to tidy up.
    async fn kill(mut self) {
        self.child.kill().await.expect("it was at work");
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.http.get(format!("{}{path}", self.url)).send().await.expect("an answer");
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.expect("JSON")
    }

    async fn all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}?limit=200{cursor}")).await;
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// Connects with an API token; gives the ids of the connection and of its first sync.
    async fn connect(&self, okta: &Proxy, token: &str) -> (String, String) {
        let body = json!({"name": "Acme", "domain": okta.url(), "auth": {"type": "api_token", "token": token}});
        let request = self.http.post(format!("{}/v1/connections", self.url)).json(&body);
        let created: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        (text(&created, "id").to_owned(), text(&created, "sync_id").to_owned())
    }
}

/// Tells when a call to a listing of users has been made so many times.
fn after_pages(okta: &Proxy, pages: usize) -> Arc<Notify> {
    let (there, seen) = (Arc::new(Notify::new()), AtomicUsize::new(0));
    let tell = there.clone();
    okta.intercept(move |exchange| {
        let listing = exchange.path == "/api/v1/users";
        if listing && seen.fetch_add(1, Ordering::SeqCst) + 1 == pages {
            tell.notify_one();
        }
        None
    });
    there
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_killed_in_the_middle_of_a_sync_ends_it_by_itself_when_it_is_started_again() {
    let okta = Proxy::start("http://127.0.0.1:9").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (latency, public_url) = (Duration::from_millis(5), Some(okta.url()));
    let config = Config { users: 1_000, latency, public_url, rate_limit: Some(100_000), ..Config::default() };
    let simulator = Simulator::start(config, listener).await.expect("a simulator");
    okta.retarget(simulator.url());
    okta.rewrite(|target| *target = target.replace("limit=200", "limit=50"));
    let data = tempfile::tempdir().expect("a directory");
    let token = &simulator.credentials().api_token;

    let (in_the_middle, first) = (after_pages(&okta, 12), Running::start(data.path(), &okta).await);
    let (id, sync) = first.connect(&okta, token).await;
    in_the_middle.notified().await;
    first.kill().await;

    let second = Running::start(data.path(), &okta).await;
    let path = format!("/v1/connections/{id}");
    let ended = loop {
        let run = second.get(&format!("{path}/syncs/{sync}")).await;
        if !matches!(run["status"].as_str(), Some("running" | "waiting")) {
            break run;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    assert_eq!(ended["progress"]["users"]["added"], 1_000, "each was added once, before the kill or after it");
    assert_eq!(second.all(&format!("{path}/syncs")).await.len(), 1, "it is the same sync");

    let wanted = Tenant::new(simulator.url(), token).picture().await;
    let users = second.all(&format!("{path}/users")).await;
    let seen: BTreeMap<_, _> = users
        .iter()
        .map(|user| (text(user, "id").to_owned(), (text(user, "status").to_owned(), user["profile"].clone())))
        .collect();
    assert_eq!((seen.len(), &seen), (users.len(), &wanted.users));
    let edges = second.all(&format!("{path}/memberships")).await;
    let seen: BTreeSet<_> =
        edges.iter().map(|edge| (text(edge, "group_id").to_owned(), text(edge, "user_id").to_owned())).collect();
    assert_eq!((seen.len(), &seen), (edges.len(), &wanted.memberships));
}

/// The ports of this machine at which a process listens.
fn ports(pid: u32) -> BTreeSet<u16> {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("its files").flatten();
    let targets = links.filter_map(|link| std::fs::read_link(link.path()).ok());
    let sockets: BTreeSet<_> = targets
        .filter_map(|target| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let mut ports = BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        let rows = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).expect("its sockets");
        for row in rows.lines().skip(1) {
            let columns: Vec<_> = row.split_whitespace().collect();
            let port = columns[1].rsplit(':').next().and_then(|port| u16::from_str_radix(port, 16).ok());
            // 0A: it listens.
            if columns[3] == "0A" && sockets.contains(columns[9]) {
                ports.extend(port);
            }
        }
    }
    ports
}

/// What lies below a folder, and the folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let below = entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] });
    std::iter::once(folder.to_owned()).chain(below).collect()
}

#[tokio::test]
async fn nothing_listens_but_the_api_and_the_console_and_nobody_else_reads_the_data() {
    let okta = Proxy::start("http://127.0.0.1:9").await;
    let data = tempfile::tempdir().expect("a directory");
    // As an earlier version may have left it.
    std::fs::write(data.path().join("dynamodb.sqlite"), "").expect("a file");
    std::fs::set_permissions(data.path(), Permissions::from_mode(0o755)).expect("rights");
    let running = Running::start(data.path(), &okta).await;
    let body = serde_json::json!({"name": "Acme", "auth": {"type": "private_key_jwt"}});
    let made = running.http.post(format!("{}/v1/connections", running.url)).json(&body).send().await;
    assert_eq!(made.expect("an answer").status(), 201);
    let ports = ports(running.child.id().expect("it is at work"));
    let api = running.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    assert!(ports.contains(&api) && ports.len() == 2, "{ports:?}");
    let all = below(data.path());
    assert!(all.len() > 4, "{all:?}");
    for path in all {
        let mode = path.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} {mode:o}", path.display());
    }
    running.kill().await;
}
