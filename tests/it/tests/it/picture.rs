//! Two pictures that must be the same: the tenant as its own API shows it, and the directory as it lies in the table.

use crate::process::{Ground, TABLE};
use aws_sdk_dynamodb::types::AttributeValue;
use okta_connector::event::Event;
use okta_connector::synced::{App, Group, Roster, User, unpack};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Label, status, number of users and number of groups.
pub type AppPicture = (String, String, Option<u64>, Option<u64>);

/// What a directory is about, in a form that can be compared.
#[derive(Debug, Default, PartialEq)]
pub struct Picture {
    /// Status and profile of each user.
    pub users: BTreeMap<String, (String, Value)>,
    /// Name and number of members of each group but `Everyone`, whose members are never counted.
    pub groups: BTreeMap<String, (String, Option<u64>)>,
    /// Group and user of each membership but those in `Everyone`.
    pub memberships: BTreeSet<(String, String)>,
    /// Label, status and number of users and groups of each app.
    pub apps: BTreeMap<String, AppPicture>,
    /// App and user of each assignment, and whether it is the user's own.
    pub assignments: BTreeMap<(String, String), String>,
    /// Status and login of each user, once more.
    pub roster: BTreeMap<String, (String, String)>,
}

impl Picture {
    /// What is here or there alone, or not the same.
    pub fn differences(&self, wanted: &Self) -> Vec<String> {
        fn of<T: PartialEq + std::fmt::Debug>(
            kind: &str,
            ours: &BTreeMap<String, T>,
            theirs: &BTreeMap<String, T>,
        ) -> Vec<String> {
            let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
            let differ = keys.into_iter().filter(|key| ours.get(*key) != theirs.get(*key));
            differ.map(|key| format!("{kind} {key}: {:?}, not {:?}", ours.get(key), theirs.get(key))).collect()
        }
        let edges = self.memberships.symmetric_difference(&wanted.memberships);
        let edges = edges.map(|edge| format!("membership {edge:?} is here: {}", self.memberships.contains(edge)));
        let mut all = of("user", &self.users, &wanted.users);
        all.extend(of("group", &self.groups, &wanted.groups));
        all.extend(edges);
        all.extend(of("app", &self.apps, &wanted.apps));
        let edges = |assignments: &BTreeMap<(String, String), String>| -> BTreeMap<_, _> {
            assignments.iter().map(|((app, user), scope)| (format!("{app}/{user}"), scope.clone())).collect()
        };
        all.extend(of("assignment", &edges(&self.assignments), &edges(&wanted.assignments)));
        all.extend(of("line", &self.roster, &wanted.roster));
        all
    }
}

/// A tenant as its administrator sees it.
#[derive(Clone)]
pub struct Tenant {
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Tenant {
    /// By its address and an API token.
    pub fn new(url: &str, token: &str) -> Self {
        Self { url: url.to_owned(), token: format!("SSWS {token}"), http: reqwest::Client::new() }
    }

    /// Calls Okta's API; gives the answer's body and the path of its next page.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (Value, Option<String>) {
        let request = self.http.request(method.parse().expect("a method"), format!("{}{path}", self.url));
        let request = request.header("authorization", &self.token).header("accept", "application/json");
        let request = match body {
            Some(body) => request.json(&body),
            None if method == "GET" => request,
            None => request.header("content-length", 0),
        };
        let response = request.send().await.expect("an answer");
        let links = response.headers().get_all("link").iter().filter_map(|link| link.to_str().ok());
        let next = links.filter(|link| link.ends_with("rel=\"next\"")).find_map(|link| {
            let url = link.strip_prefix('<')?.split('>').next()?;
            url.find("/api/").map(|at| url[at..].to_owned())
        });
        let status = response.status();
        let text = response.text().await.expect("a body");
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        (serde_json::from_str(&text).unwrap_or_default(), next)
    }

    /// Calls Okta's API, whatever it answers.
    pub async fn attempt(&self, method: &str, path: &str, body: Option<Value>) {
        let request = self.http.request(method.parse().expect("a method"), format!("{}{path}", self.url));
        let request = request.header("authorization", &self.token).header("accept", "application/json");
        let request = match body {
            Some(body) => request.json(&body),
            None => request.header("content-length", 0),
        };
        request.send().await.expect("an answer");
    }

    /// Changes something by Okta's API.
    pub async fn change(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        self.call(method, path, body).await.0
    }

    /// Calls the simulator's operator.
    pub async fn door(&self, method: &str, path: &str, body: Value) -> Value {
        self.call(method, &format!("/_sim/{path}"), Some(body)).await.0
    }

    /// A whole list.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next {
            let (page, behind) = self.call("GET", &path, None).await;
            items.extend(page.as_array().expect("a list").iter().cloned());
            next = behind;
        }
        items
    }

    /// All users; those who have left are found by id, which never lags.
    pub async fn users(&self) -> Vec<Value> {
        let mut users = self.all("/api/v1/users?limit=200").await;
        users.extend(self.all("/api/v1/users?search=status%20eq%20%22DEPROVISIONED%22&limit=200").await);
        users
    }

    /// All groups but the built-in ones.
    pub async fn groups(&self) -> Vec<Value> {
        let mut groups = self.all("/api/v1/groups?limit=200").await;
        groups.retain(|group| group["type"] != "BUILT_IN");
        groups
    }

    /// All apps.
    pub async fn apps(&self) -> Vec<Value> {
        self.all("/api/v1/apps?limit=200&includeNonDeleted=true").await
    }

    /// What a directory of it must hold.
    pub async fn picture(&self) -> Picture {
        let mut picture = Picture::default();
        for app in self.apps().await {
            let id = text(&app["id"]);
            let users = self.all(&format!("/api/v1/apps/{id}/users?limit=500")).await;
            let groups = self.all(&format!("/api/v1/apps/{id}/groups?limit=200")).await;
            let counts = (Some(users.len() as u64), Some(groups.len() as u64));
            picture.apps.insert(id.clone(), (text(&app["label"]), text(&app["status"]), counts.0, counts.1));
            let edge = |user: &Value| ((id.clone(), text(&user["id"])), text(&user["scope"]));
            picture.assignments.extend(users.iter().map(edge));
        }
        for user in self.users().await {
            picture.roster.insert(text(&user["id"]), (text(&user["status"]), text(&user["profile"]["login"])));
            picture.users.insert(text(&user["id"]), (text(&user["status"]), user["profile"].clone()));
        }
        for group in self.all("/api/v1/groups?filter=type+eq+%22BUILT_IN%22").await {
            // Its members are implied, or are not listed by anybody.
            if group["profile"]["name"] != "Everyone" {
                picture.groups.insert(text(&group["id"]), (text(&group["profile"]["name"]), None));
            }
        }
        for group in self.groups().await {
            let id = text(&group["id"]);
            let members = self.all(&format!("/api/v1/groups/{id}/users?limit=1000")).await;
            picture.groups.insert(id.clone(), (text(&group["profile"]["name"]), Some(members.len() as u64)));
            picture.memberships.extend(members.iter().map(|user| (id.clone(), text(&user["id"]))));
        }
        picture
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

type Row = HashMap<String, AttributeValue>;

/// Everything in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table(Vec<Row>);

impl Table {
    /// Reads it all, past the product.
    pub async fn read(ground: &Ground) -> Self {
        let client = embedded_dynamodb::client(ground.engine.endpoint());
        let mut pages = client.scan().table_name(TABLE).into_paginator().items().send();
        let mut rows = Vec::new();
        while let Some(row) = pages.next().await {
            rows.push(row.expect("a row"));
        }
        rows.sort_by_cached_key(|row| (field(row, "pk").to_owned(), field(row, "sk").to_owned()));
        Self(rows)
    }

    /// The rows of the directory itself: users, groups, apps, their edges and the roster.
    pub fn directory(&self) -> Self {
        let ours = |row: &&Row| ["U#", "G#", "P#", "T#"].iter().any(|kind| field(row, "pk").starts_with(kind));
        Self(self.0.iter().filter(ours).cloned().collect())
    }

    /// How many rows have a partition key that begins so.
    pub fn count(&self, prefix: &str) -> usize {
        self.0.iter().filter(|row| field(row, "pk").starts_with(prefix)).count()
    }

    /// The objects and edges alone, as they were last written.
    pub fn objects(&self) -> Self {
        let kinds = ["U#", "G#", "P#"];
        Self(self.0.iter().filter(|row| kinds.iter().any(|kind| field(row, "pk").starts_with(kind))).cloned().collect())
    }

    /// What was told, in the feed or still on its way there: the type and subject of each event, as often as it is there.
    pub fn told(&self) -> Vec<(String, String)> {
        let is_told = |row: &&_| ["B#", "F#"].iter().any(|kind| field(row, "pk").starts_with(kind));
        let events = self
            .0
            .iter()
            .filter(is_told)
            .flat_map(|row| unpack::<Vec<Event>>(row["events"].as_b().expect("bytes").as_ref()).expect("events"));
        let about = |event: Event| match event.data["id"].as_str() {
            Some(id) if !event.event_type.contains("sync.") => (event.event_type, id.to_owned()),
            _ => (event.event_type, String::new()),
        };
        let mut told: Vec<_> = events.map(about).collect();
        told.sort();
        told
    }

    /// What the directory in it tells. An object that was removed is left out; anything that points at one is not.
    pub async fn picture(&self, ground: &Ground) -> Picture {
        let mut picture = Picture::default();
        for row in &self.0 {
            let (pk, sk) = (field(row, "pk"), field(row, "sk"));
            match (pk.split('#').next().unwrap_or_default(), sk.split_once('#')) {
                ("U", None) => {
                    let user: User = document(row);
                    check_listed(row, user.removed_at.is_some());
                    if user.removed_at.is_none() {
                        let profile = serde_json::to_value(&user.profile).expect("a profile");
                        picture.users.insert(user.id.to_string(), (user.status, profile));
                    }
                }
                ("U", Some(("G", group))) => {
                    let user = pk.rsplit('#').next().unwrap_or_default();
                    assert_eq!(field(row, "g2pk"), format!("MEM#{}#{group}", ground.connection.id));
                    assert_eq!(field(row, "g2sk"), user);
                    picture.memberships.insert((group.to_owned(), user.to_owned()));
                }
                ("U", Some(("P", app))) => {
                    let user = pk.rsplit('#').next().unwrap_or_default();
                    assert_eq!(field(row, "g2pk"), format!("ASG#{}#{app}", ground.connection.id));
                    let (id, scope) = field(row, "g2sk").split_once('#').expect("a user and a scope");
                    assert_eq!(id, user);
                    picture.assignments.insert((app.to_owned(), user.to_owned()), scope.to_owned());
                }
                ("P", None) => {
                    let app: App = document(row);
                    check_listed(row, app.removed_at.is_some());
                    if app.removed_at.is_none() {
                        let told = (app.label, app.status.unwrap_or_default(), app.users_count, app.groups_count);
                        picture.apps.insert(app.id.to_string(), told);
                    }
                }
                ("G", None) => {
                    let group: Group = document(row);
                    check_listed(row, group.removed_at.is_some());
                    if group.removed_at.is_none() && !group.is_everyone() {
                        picture.groups.insert(group.id.to_string(), (group.name, group.members_count));
                    }
                }
                _ => {}
            }
        }
        let parts = ground.state().await.roster;
        let roster = Roster::load(&ground.store(), &ground.connection.id, &parts).await.expect("a roster");
        let lines = roster.rows.len();
        picture.roster = roster.rows.into_iter().map(|row| (row.id.to_string(), (row.status, row.login))).collect();
        assert_eq!(picture.roster.len(), lines, "nobody is in the roster twice");
        picture
    }
}

/// What is present lies in one index partition, what was removed in another.
fn check_listed(row: &Row, removed: bool) {
    let letter = if removed { "X#" } else { "N#" };
    assert!(field(row, "g1pk").starts_with(letter), "{}", field(row, "g1pk"));
}

fn field<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

fn document<T: serde::de::DeserializeOwned>(row: &Row) -> T {
    serde_json::from_str(field(row, "doc")).expect("a document")
}
