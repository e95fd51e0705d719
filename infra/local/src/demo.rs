//! The main job, walked through from outside: the demo is a client of the API like any other.

mod bar;

use crate::{Config, Error, Service};
use bar::Bar;
use okta_connector::clock::SystemClock;
use okta_connector::id::ConnectionId;
use okta_connector::lambda::{self, Turn};
use okta_connector::okta::AllowedOrigins;
use okta_connector_cli::TOKEN_FILE;
use okta_simulator::Simulator;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// An event that does not come by then does not come.
const LONGEST_DELIVERY: Duration = Duration::from_secs(20);

/// Starts a simulated tenant and the service, walks, and serves until Ctrl-C unless told to end.
pub async fn demo(port: u16, users: usize, exit: bool) -> Result<(), Error> {
    let folder = tempfile::tempdir()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    // So few apps that Okta's small limit for them, of which a sync uses nine tenths, holds no sync up.
    let config = okta_simulator::Config { users, apps: 6, ..okta_simulator::Config::default() };
    let simulator = Simulator::start(config, listener).await?;
    let allowed = AllowedOrigins::parse([simulator.url()])?;
    let data = folder.path().to_owned();
    let clock = Arc::new(SystemClock);
    let config = Config { port, data, public_url: None, allowed, issuer: None, clock };
    let service = Service::start(config).await?;
    println!("A simulated Okta tenant   {}", simulator.url());
    println!("Okta Connector            {}", service.url());
    println!("Its console, once         {}", service.console_url().unwrap_or_default());
    let token = std::fs::read_to_string(folder.path().join(TOKEN_FILE))?;
    let walk = Walk { http: reqwest::Client::new(), simulator: &simulator, service: &service, token: &token };
    walk.all().await?;
    if !exit {
        println!("\nServing until Ctrl-C. Open {}", service.console_url().unwrap_or_default());
        println!("or try: curl -s -H 'Authorization: Bearer {token}' {}/v1/connections", service.url());
        tokio::signal::ctrl_c().await?;
    }
    Ok(())
}

struct Walk<'a> {
    http: reqwest::Client,
    simulator: &'a Simulator,
    service: &'a Service,
    token: &'a str,
}

impl Walk<'_> {
    async fn all(&self) -> Result<(), Error> {
        let connection = self.connect().await?;
        self.test(&connection).await?;
        let sync = self.sync(&connection).await?;
        self.people(&connection).await?;
        self.act(&connection).await?;
        self.hear(&connection).await?;
        self.summary(&sync).await
    }

    /// Connects by public key URL, with `DPoP` required, as an admin would in two consoles.
    async fn connect(&self) -> Result<String, Error> {
        println!("\nConnect the tenant by public key URL, DPoP required");
        let body = json!({"name": "Demo tenant", "auth": {"type": "private_key_jwt"}});
        let created = self.api("POST", "/v1/connections", Some(body)).await?;
        let id = text(&created, "/id")?;
        println!("  {} made, {}", id, text(&created, "/status")?);
        println!("  public key URL: {}", text(&created, "/public_key_url")?);
        let app = json!({"jwks_uri": created["public_key_url"], "dpop": "required", "role": "READ_ONLY_ADMIN"});
        self.request("PATCH", &format!("{}/_sim/app", self.simulator.url()), Some(app)).await?;
        let client_id = &self.simulator.credentials().client_id;
        let auth = json!({"domain": self.simulator.url(), "auth": {"type": "private_key_jwt", "client_id": client_id}});
        let connected = self.api("PUT", &format!("/v1/connections/{id}/auth"), Some(auth)).await?;
        let dpop = if connected["auth"]["dpop"] == true { "DPoP-bound" } else { "Bearer" };
        println!("  {}: {} ({dpop} tokens)", text(&connected, "/status")?, text(&connected, "/message")?);
        if connected["status"] == "Active" { Ok(id) } else { Err("the connection is not Active".into()) }
    }

    async fn test(&self, connection: &str) -> Result<(), Error> {
        println!("\nTest it");
        let report = self.api("POST", &format!("/v1/connections/{connection}/test"), None).await?;
        for check in report["checks"].as_array().into_iter().flatten() {
            let (title, status) = (text(check, "/title")?, text(check, "/status")?);
            let finding = check["finding"].as_str().map(|finding| format!("  {finding}")).unwrap_or_default();
            println!("  {title:<40} {status}{finding}");
        }
        println!("  {}: {}", text(&report, "/status")?, text(&report, "/message")?);
        if report["status"] == "Active" { Ok(()) } else { Err("the test failed".into()) }
    }

    /// Watches the first sync, which connecting started.
    async fn sync(&self, connection: &str) -> Result<Value, Error> {
        println!("\nSync users, groups and apps into DynamoDB");
        let stats = self.request("GET", &format!("{}/_sim/stats", self.simulator.url()), None).await?;
        let listed = self.api("GET", &format!("/v1/connections/{connection}/syncs"), None).await?;
        let id = text(&listed, "/items/0/id")?;
        let total = users(&stats)
            + ["groups", "memberships", "apps"].map(|it| number(&stats, &format!("/{it}"))).iter().sum::<u64>();
        let bar = Bar::new(total);
        let sync = loop {
            let sync = self.api("GET", &format!("/v1/connections/{connection}/syncs/{id}"), None).await?;
            let seen = |phase: &str| number(&sync, &format!("/progress/{phase}/seen"));
            let done: u64 = ["users", "groups", "memberships", "apps"].map(seen).iter().sum();
            let without_phase = if done == 0 { "starting" } else { "finishing" };
            bar.set(done, sync["phase"].as_str().unwrap_or(without_phase));
            if !matches!(sync["status"].as_str(), Some("running" | "waiting")) {
                break sync;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        bar.finish();
        if sync["status"] != "succeeded" {
            return Err(format!("the sync {}: {}", text(&sync, "/status")?, sync["error"]).into());
        }
        let told = self.api("GET", &format!("/v1/connections/{connection}"), None).await?;
        let counted = [
            ("users", number(&told, "/counts/users"), users(&stats)),
            ("groups", number(&told, "/counts/groups"), number(&stats, "/groups")),
            ("memberships", number(&sync, "/progress/memberships/seen"), number(&stats, "/memberships")),
            ("apps", number(&told, "/counts/apps"), number(&stats, "/apps")),
        ];
        for (what, here, there) in counted {
            println!("  {what:<12} {here:>7} synced, {there:>7} in the tenant");
            if here != there {
                return Err(format!("the {what} synced are not those of the tenant").into());
            }
        }
        Ok(sync)
    }

    async fn people(&self, connection: &str) -> Result<(), Error> {
        println!("\nPeople and their managers");
        let people = self.api("GET", &format!("/v1/connections/{connection}/people?limit=200"), None).await?;
        let managed = people["items"].as_array().into_iter().flatten().filter(|person| person["manager"].is_object());
        for person in managed.take(5) {
            let path = format!("/v1/connections/{connection}/people/{}", text(person, "/id")?);
            let person = self.api("GET", &path, None).await?;
            let names = person["manager_chain"].as_array().into_iter().flatten().filter_map(|it| it["name"].as_str());
            let chain = names.collect::<Vec<_>>().join(" > ");
            let title = person["title"].as_str().unwrap_or("no title");
            println!("  {} ({title}) reports to {chain}", text(&person, "/name")?);
        }
        let findings = self.api("GET", &format!("/v1/connections/{connection}/findings?limit=200"), None).await?;
        for finding in findings["items"].as_array().into_iter().flatten().take(6) {
            let name = finding["object"]["name"].as_str().unwrap_or("a record without a name");
            println!("  finding: {} of {name}: {}", text(finding, "/kind")?, text(finding, "/detail")?);
        }
        Ok(())
    }

    /// Suspends somebody: allowed by the connection's permissions and by Okta's role, told first, done, and audited.
    async fn act(&self, connection: &str) -> Result<(), Error> {
        println!("\nAct on a user");
        let allow = json!({"permissions": {"actions": ["read", "user.suspend"]}});
        self.api("PATCH", &format!("/v1/connections/{connection}"), Some(allow)).await?;
        let role = json!({"role": "SUPER_ADMIN"});
        self.request("PATCH", &format!("{}/_sim/app", self.simulator.url()), Some(role)).await?;
        let search = json!({"where": [{"attribute": "status", "op": "eq", "value": "ACTIVE"}], "limit": 1});
        let actions = format!("/v1/connections/{connection}/actions");
        let found = self.api("POST", &format!("{actions}/user.search"), Some(search)).await?;
        let (id, login) = (text(&found, "/output/items/0/id")?, text(&found, "/output/items/0/profile/login")?);
        let suspend = json!({"user": login});
        let would = self.api("POST", &format!("{actions}/user.suspend?dry_run=true"), Some(suspend.clone())).await?;
        println!("  would send: {} {}", text(&would, "/requests/0/method")?, text(&would, "/requests/0/path")?);
        let hook = json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"]});
        let hook = self.api("POST", &format!("/v1/connections/{connection}/triggers"), Some(hook)).await?;
        println!("  Okta delivers suspensions to {}", text(&hook, "/hook_url")?);
        let done = self.api("POST", &format!("{actions}/user.suspend"), Some(suspend)).await?;
        let user = self.request("GET", &format!("{}/_sim/users/{id}", self.simulator.url()), None).await?;
        println!("  {} is now {} in the tenant", text(&done, "/output/user/login")?, text(&user, "/status")?);
        let audit = self.api("GET", &format!("/v1/audit?target={id}"), None).await?;
        let row = |name: &str| text(&audit, &format!("/items/0/{name}"));
        println!("  audited: {} by {}, {}", row("action")?, row("actor/subject")?, row("outcome")?);
        if user["status"] == "SUSPENDED" { Ok(()) } else { Err("the user is not suspended".into()) }
    }

    /// The suspension arrives by a hook of Okta's, and the poll of the log does not tell of it again.
    async fn hear(&self, connection: &str) -> Result<(), Error> {
        println!("\nHear of it from Okta");
        let path = format!("/v1/connections/{connection}/events?type=com.okta.user.lifecycle.suspend");
        let (began, mut events) = (Instant::now(), self.api("GET", &path, None).await?);
        while events["items"].as_array().is_none_or(Vec::is_empty) {
            if began.elapsed() > LONGEST_DELIVERY {
                return Err("no hook has delivered the suspension".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            events = self.api("GET", &path, None).await?;
        }
        println!("  {} about {}", text(&events, "/items/0/type")?, text(&events, "/items/0/subject")?);
        let id = ConnectionId::parse(connection).ok_or("no connection")?;
        lambda::turn(self.service.app(), Turn { connection: id, trigger: None }, LONGEST_DELIVERY).await?;
        let events = self.api("GET", &path, None).await?;
        if events["items"].as_array().map_or(0, Vec::len) != 1 {
            return Err("the suspension is not in the feed once".into());
        }
        println!("  after the log was polled too, it is in the feed once");
        Ok(())
    }

    async fn summary(&self, sync: &Value) -> Result<(), Error> {
        println!("\nDone");
        let stats = self.request("GET", &format!("{}/_sim/stats", self.simulator.url()), None).await?;
        let requests = self.request("GET", &format!("{}/_sim/requests", self.simulator.url()), None).await?;
        let okta = requests["items"].as_array().into_iter().flatten();
        let sent = okta.filter(|it| it["path"].as_str().is_some_and(|path| !path.starts_with("/_sim"))).count();
        println!("  requests to Okta: {sent} in all, {} by the sync", number(sync, "/requests"));
        println!("  tokens: {} in all, {} by the sync", number(&stats, "/tokens"), number(sync, "/tokens"));
        println!("  rate-limit refusals: {}", number(&stats, "/rate_limited"));
        Ok(())
    }

    async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value, Error> {
        self.request(method, &format!("{}{path}", self.service.url()), body).await
    }

    async fn request(&self, method: &str, url: &str, body: Option<Value>) -> Result<Value, Error> {
        let mut request = self.http.request(method.parse()?, url).bearer_auth(self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let status = response.status();
        let answer = response.text().await?;
        if status.is_success() {
            Ok(serde_json::from_str(&answer)?)
        } else {
            Err(format!("{method} {url} answered {status}: {answer}").into())
        }
    }
}

fn text(value: &Value, pointer: &str) -> Result<String, Error> {
    let text = value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| format!("an answer has no {pointer}").into())
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// Users of all statuses.
fn users(stats: &Value) -> u64 {
    stats["users"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum()
}
