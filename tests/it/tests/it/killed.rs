//! The real program, killed by the system in the middle of a sync.

use crate::picture::Tenant;
use crate::world::{text, unlimited};
use it::proxy::Proxy;
use okta_simulator::{Config, Simulator};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::io::Write as _;
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
    token: String,
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
                let token = std::fs::read_to_string(data.join("token")).expect("a token");
                return Self { url: url.trim().to_owned(), token, http: reqwest::Client::new(), child };
            }
        }
        panic!("it ended before it listened");
    }

    /// SIGKILL: it has no chance to tidy up.
    async fn kill(mut self) {
        self.child.kill().await.expect("it was at work");
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let response = request.send().await.expect("an answer");
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
        let request = self.http.post(format!("{}/v1/connections", self.url)).bearer_auth(&self.token).json(&body);
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
    let make = || running.http.post(format!("{}/v1/connections", running.url)).json(&body);
    assert_eq!(make().send().await.expect("an answer").status(), 401);
    assert_eq!(make().bearer_auth(&running.token).send().await.expect("an answer").status(), 201);
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

/// What `serve` says on a data folder, and at a port, where it does not start.
async fn refused(data: &Path, port: &str) -> String {
    let mut command = Command::new(program());
    let run = command.args(["serve", "--port", port, "--data"]).arg(data).output().await.expect("a program");
    assert!(!run.status.success());
    String::from_utf8_lossy(&run.stderr).into_owned()
}

#[tokio::test]
async fn what_keeps_the_service_from_starting_is_named_with_the_way_out() {
    let okta = Proxy::start("http://127.0.0.1:9").await;
    let data = tempfile::tempdir().expect("a directory");
    let running = Running::start(data.path(), &okta).await;
    let folder = data.path().display().to_string();
    let process = format!("process id {}", running.child.id().expect("it is at work"));
    let said = refused(data.path(), "0").await;
    assert!([folder.as_str(), &process, "--data"].iter().all(|part| said.contains(part)), "{said}");
    let port = running.url.rsplit(':').next().expect("a port");
    let free = tempfile::tempdir().expect("a directory");
    let said = refused(&free.path().join("new"), port).await;
    assert!([port, "--port"].iter().all(|part| said.contains(part)), "{said}");
    assert!(!free.path().join("new").exists(), "nothing was made for it");
    running.kill().await;
    Running::start(data.path(), &okta).await.kill().await;
    let file = free.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let said = refused(&file, "0").await;
    assert!([file.to_str().expect("text"), "--data"].iter().all(|part| said.contains(part)), "{said}");
    std::fs::write(free.path().join("dynamodb.sqlite"), "no table at all, but long enough to be looked at")
        .expect("a file");
    let said = refused(free.path(), "0").await;
    assert!(said.contains("dynamodb.sqlite"), "{said}");
}

/// A disk of its own for one process and those that look through it, where this machine lets a test have one.
async fn on_a_small_disk(folder: &Path, okta: &Proxy) -> Option<Running> {
    let serve = format!(
        "exec {} serve --port 0 --data {} --allow-okta-origin {}",
        program().display(),
        folder.display(),
        okta.url()
    );
    let script = format!("mount -t tmpfs -o size=16m,mode=700 small {} && {serve}", folder.display());
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", &script]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().ok()?;
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let line = lines.next_line().await.expect("a line")?;
    let url = line.strip_prefix("listening on ").expect("an address").to_owned();
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let seen = format!("/proc/{}/root{}", child.id().expect("it is at work"), folder.display());
    let token = std::fs::read_to_string(Path::new(&seen).join("token")).expect("a token");
    Some(Running { url, token, http: reqwest::Client::new(), child })
}

#[tokio::test]
async fn a_full_disk_is_reported_by_health_and_by_the_sync_and_passes_when_there_is_room_again() {
    let okta = Proxy::start("http://127.0.0.1:9").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let tenant = Config { public_url: Some(okta.url()), latency: Duration::from_millis(100), ..unlimited() };
    let simulator = Simulator::start(tenant, listener).await.expect("a simulator");
    okta.retarget(simulator.url());
    let folder = tempfile::tempdir().expect("a directory");
    let Some(running) = on_a_small_disk(folder.path(), &okta).await else {
        drop(writeln!(std::io::stderr(), "skipped: this machine gives a test no mount of its own"));
        return;
    };
    let health = async || running.http.get(format!("{}/v1/health", running.url)).send().await.expect("an answer");
    assert_eq!(health().await.status(), 200);
    let seen = format!("/proc/{}/root{}/filler", running.child.id().expect("it is at work"), folder.path().display());
    let mut filler = std::fs::File::create(&seen).expect("a file");
    while filler.write_all(&[0; 4096]).is_ok() {}
    let report = loop {
        let report = health().await;
        if report.status() == 503 {
            break report.json::<Value>().await.expect("JSON");
        }
    };
    assert!(text(&report, "detail").contains("No space left"), "{report:#}");
    drop(filler);
    std::fs::remove_file(&seen).expect("room again");
    while health().await.status() != 200 {}
    let (connection, sync) = running.connect(&okta, &simulator.credentials().api_token).await;
    let mut filler = std::fs::File::create(&seen).expect("a file");
    while filler.write_all(&[0; 4096]).is_ok() {}
    let path = format!("/v1/connections/{connection}/syncs/{sync}");
    let mut run = running.get(&path).await;
    while run["error"].is_null() && run["status"] == "running" {
        run = running.get(&path).await;
    }
    if run["status"] == "running" {
        assert!(text(&run["error"], "detail").contains("No space left"), "{run:#}");
    }
    drop(filler);
    std::fs::remove_file(&seen).expect("room again");
    while run["status"] != "succeeded" {
        run = running.get(&path).await;
    }
    running.kill().await;
}
