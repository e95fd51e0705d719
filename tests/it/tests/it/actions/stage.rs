//! A world in which actions are called: a connection that may do everything, and whatever a row wants to find.

use super::rows::{Given, Row};
use super::scene::{Scene, holds};
use crate::world::{Reply, World, text};
use it::proxy::Exchange;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Mutex;

/// The permissions of a connection that may do everything.
pub const EVERYTHING: &str = "all";
const PASSWORD: &str = "correct horse battery 1";

/// A world and a connection.
pub struct Stage {
    pub world: World,
    /// The connection.
    pub id: String,
    /// The group of everyone.
    pub everyone: String,
    people: Vec<Value>,
    apps: Vec<Value>,
    made: AtomicUsize,
    /// Where the events that our app causes go on.
    place: Mutex<String>,
}

impl Stage {
    /// A tenant without limits, and a connection that may do everything and syncs nothing.
    pub async fn start() -> Self {
        let limits = Some(1_000_000);
        let config = okta_simulator::Config { apps: 20, rate_limit: limits, ..crate::world::small() };
        let world = World::with(config).await;
        let more = json!({"sync": null, "permissions": {"actions": [EVERYTHING]}});
        let pending = world.pending_with(more).await;
        let id = text(&pending, "id").to_owned();
        world.sim("PATCH", "app", Some(json!({"jwks_uri": pending["public_key_url"]}))).await;
        let connected = world.put_auth(&id, world.app_auth()).await.expect(200);
        assert_eq!(connected["status"], "Active", "{connected:#}");
        let list = async |path| world.tenant("GET", path, None).await.expect(200).as_array().cloned().expect("a list");
        let (people, apps) =
            (list("/api/v1/users?limit=200").await, list("/api/v1/apps?limit=200&includeNonDeleted=true").await);
        let groups = list("/api/v1/groups").await;
        let everyone = groups.iter().find(|group| group["type"] == "BUILT_IN").expect("the group of everyone");
        let (everyone, made) = (text(everyone, "id").to_owned(), AtomicUsize::new(0));
        let ours = &world.simulator.credentials().client_id;
        let place = Mutex::new(format!("/api/v1/logs?limit=1000&filter=actor.id+eq+%22{ours}%22"));
        Self { world, id, everyone, people, apps, made, place }
    }

    /// Calls an action.
    pub async fn act(&self, name: &str, input: Value) -> Reply {
        self.world.api("POST", &format!("/v1/connections/{}/actions/{name}", self.id), Some(input)).await
    }

    /// Asks what an action would send.
    pub async fn would(&self, name: &str, input: Value) -> Reply {
        self.world.api("POST", &format!("/v1/connections/{}/actions/{name}?dry_run=true", self.id), Some(input)).await
    }

    /// Calls a row's action.
    pub async fn call(&self, row: &Row, scene: &Scene) -> Reply {
        self.act(row.name, scene.json(row.input)).await
    }

    /// Brings the tenant into the state that a row starts from.
    pub async fn arrange(&self, row: &Row) -> Scene {
        let mut scene = Scene::default();
        self.set(row.given, &mut scene).await;
        scene
    }

    /// Adds to a scene.
    pub async fn set(&self, all: &[Given], scene: &mut Scene) {
        for given in all {
            self.give(*given, scene).await;
        }
    }

    async fn give(&self, given: Given, scene: &mut Scene) {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let login = format!("row.{number:04}@acme.example");
        let name = format!("Row {number:04}");
        match given {
            Given::User(arranged) => self.give_user(&login, arranged, scene).await,
            Given::Person => {
                let person = &self.people[number % self.people.len()];
                name_user(person, scene);
            }
            Given::NewLogin => scene.name("login", &login),
            Given::NewName => scene.name("name", &name),
            Given::Group => {
                let body = json!({"profile": {"name": name}});
                let group = self.world.tenant("POST", "/api/v1/groups", Some(body)).await.expect(200);
                scene.name("group", text(&group, "id"));
                scene.name("name", &name);
            }
            Given::Member => {
                let path = scene.fill("/api/v1/groups/{group}/users/{user}");
                self.world.tenant("PUT", &path, None).await.expect(204);
            }
            Given::App => name_app(self.app("Slack"), scene),
            Given::Assigned => {
                let body = scene.json(r#"{"id": "{user}", "scope": "USER"}"#);
                self.world.tenant("POST", &scene.fill("/api/v1/apps/{app}/users"), Some(body)).await.expect(200);
            }
            Given::Console => {
                name_app(self.app("Okta Admin Console"), scene);
                name_user(&self.people[0], scene);
            }
            Given::Times => {
                scene.name("earlier", &self.ago(1).await);
                scene.name("later", &self.ago(-1).await);
            }
            Given::Logon => {
                let logon = scene.json(
                    r#"{"count": 1, "type": "user.session.start", "user": "{login}", "ip": "203.0.113.99", "outcome": "SUCCESS"}"#,
                );
                self.world.sim("POST", "events", Some(logon)).await;
            }
        }
    }

    async fn give_user(&self, login: &str, arranged: &str, scene: &mut Scene) {
        let profile = json!({"login": login, "email": login, "firstName": "Row", "lastName": "User"});
        let body = json!({"profile": profile, "credentials": {"password": {"value": PASSWORD}}});
        let user = self.world.tenant("POST", "/api/v1/users?activate=true", Some(body)).await.expect(200);
        name_user(&user, scene);
        scene.name("type", text(&user["type"], "id"));
        self.put(scene, &scene.json(arranged)).await;
    }

    /// The tenant's time, so many hours ago.
    pub async fn ago(&self, hours: i64) -> String {
        let clock = self.world.sim("GET", "clock", None).await;
        let now: jiff::Timestamp = text(&clock, "now").parse().expect("a time");
        (now - jiff::SignedDuration::from_hours(hours)).to_string()
    }

    /// Arranges a scene's user.
    pub async fn put(&self, scene: &Scene, arranged: &Value) {
        self.world.sim("POST", &scene.fill("users/{user}"), Some(arranged.clone())).await;
    }

    /// The login of somebody who was there from the beginning.
    pub fn login(&self, at: usize) -> String {
        text(&self.people[at]["profile"], "login").to_owned()
    }

    /// An app of the tenant's.
    pub fn app(&self, label: &str) -> &Value {
        self.apps.iter().find(|app| app["label"] == label).expect("an app of this label")
    }

    /// Tells Okta to misbehave at a request of a row's, once.
    pub async fn fault_at(&self, request: &str, scene: &Scene, mut fault: Value) {
        let (method, path) = request.split_once(' ').expect("a method and a path");
        let path = scene.fill(path.split(['?', ' ']).next().unwrap_or_default());
        (fault["method"], fault["path"]) = (method.into(), path.into());
        self.world.sim("POST", "faults", Some(fault)).await;
    }

    /// What was sent to Okta's API since so many exchanges; asking for a token is not told.
    pub fn sent(&self, since: usize) -> Vec<Exchange> {
        let mut exchanges = self.world.okta.exchanges_behind(since);
        exchanges.retain(|exchange| exchange.path != "/oauth2/v1/token");
        exchanges
    }

    /// The events that our app has caused since this was asked last, oldest first: type and targets.
    pub async fn news(&self) -> Vec<String> {
        let mut place = self.place.lock().await;
        let page = self.world.tenant("GET", &place, None).await;
        let links = page.headers.get_all("link").iter().filter_map(|link| link.to_str().ok());
        let next = links.filter(|link| link.contains("rel=\"next\"")).find_map(|link| {
            let url = link.strip_prefix('<')?.split('>').next()?;
            Some(url[url.find("/api/")?..].to_owned())
        });
        *place = next.expect("polling always has a next page");
        page.expect(200).as_array().expect("events").iter().map(event).collect()
    }

    /// The newest rows of the connection's audit.
    pub async fn audit(&self) -> Vec<Value> {
        let path = format!("/v1/connections/{}/audit?limit=3", self.id);
        self.world.api("GET", &path, None).await.expect(200)["items"].as_array().cloned().expect("rows")
    }

    /// Whether the tenant is as a row leaves it.
    pub async fn read_back(&self, row: &Row, scene: &Scene) {
        for (path, expected) in row.after {
            let path = scene.fill(path);
            let reply = match path.strip_prefix("/_sim/") {
                Some(_) => self.world.request("GET", &format!("{}{path}", self.world.simulator.url()), &[], None).await,
                None => self.world.tenant("GET", &path, None).await,
            };
            match *expected {
                "404" => assert_eq!(reply.status, 404, "{} {path}: {:#}", row.name, reply.body),
                expected => holds(&reply.expect(200), &scene.json(expected), &format!("{} {path}", row.name)),
            }
        }
    }
}

fn name_user(user: &Value, scene: &mut Scene) {
    scene.name("user", text(user, "id"));
    scene.name("login", text(&user["profile"], "login"));
}

fn name_app(app: &Value, scene: &mut Scene) {
    scene.name("app", text(app, "id"));
    scene.name("label", text(app, "label"));
}

fn event(event: &Value) -> String {
    let targets = event["target"].as_array().expect("targets").iter().map(|target| text(target, "id"));
    [text(event, "eventType")].into_iter().chain(targets).collect::<Vec<_>>().join(" ")
}

/// A request as a row tells it: method, path, decoded query, and the body as JSON.
pub fn line(method: &str, path: &str, query: Option<&str>, body: Option<&Value>) -> String {
    let query = query.filter(|query| !query.is_empty()).unwrap_or_default();
    let pairs: Vec<_> =
        url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| format!("{name}={value}")).collect();
    let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
    let body = body.map(|body| format!(" {body}")).unwrap_or_default();
    format!("{method} {path}{query}{body}")
}

/// An exchange as a row tells it.
pub fn line_of(exchange: &Exchange) -> String {
    let body = serde_json::from_slice(&exchange.request_body).ok();
    line(&exchange.method, &exchange.path, exchange.query.as_deref(), body.as_ref())
}

/// What a row expects to be sent, with its body written as `line` writes it.
pub fn expected(sent: &str) -> String {
    match sent.split_once(" {") {
        Some((target, body)) => {
            let body: Value = serde_json::from_str(&format!("{{{body}")).unwrap_or_else(|_| panic!("{sent}"));
            format!("{target} {body}")
        }
        None => sent.to_owned(),
    }
}
