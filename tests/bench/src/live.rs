//! A directory that follows Okta as it changes: how long a change of each kind takes to be readable, and how many requests
//! it costs.

use crate::Error;
use crate::served::Served;
use crate::unchanged::hold;
use okta_simulator::Config;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// In seconds, of the slowest but five in a hundred.
const MOST_SECONDS: f64 = 5.0;
/// Requests to Okta for one change.
const MOST_REQUESTS: f64 = 3.0;
/// A change that is not seen for so long never is.
const GIVEN_UP: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A change in Okta, and where it is then to be read.
struct Change {
    method: Method,
    path: String,
    body: Value,
    /// What is read of the connection.
    read: String,
    /// Where in it the change is seen.
    pointer: &'static str,
    seen: Value,
}

/// Changes so many users, groups, memberships, apps and assignments, one after another.
pub async fn measure(users: usize, changes: usize) -> Result<(), Error> {
    let served =
        Served::synced(Config { users, rate_limit: Some(10_000_000), noise: Some(0), ..Config::default() }).await?;
    let on = json!({"sync": {"live": true}});
    let (status, connection) = served.caller.call(Method::PATCH, &served.path, Some(on)).await?;
    if status != 200 || connection["live"]["status"] != "active" {
        return Err(format!("it does not follow changes: {status} {connection:#}").into());
    }
    let ids = Ids::of(&served).await?;
    // The group gets its members after it was given to the app: each of them would have the app too.
    for kind in ["user", "group", "app", "membership", "assignment"] {
        let mut waits = Vec::new();
        let before = requests(&served).await?;
        for number in 0..changes {
            waits.push(seen_after(&served, ids.change(kind, number)).await?);
        }
        let asked = requests(&served).await? - before;
        waits.sort_by(f64::total_cmp);
        let p95 = waits[(waits.len() - 1) * 95 / 100];
        #[expect(clippy::cast_precision_loss, reason = "far below the precision's end")]
        let each = asked as f64 / changes as f64;
        println!("{kind}: {changes} changes, median {:.2} s, {each:.2} requests each", waits[waits.len() / 2]);
        hold(&format!("{kind}, the slowest but five in a hundred, in seconds"), p95, MOST_SECONDS)?;
        hold(&format!("{kind}, requests to Okta for one change"), each, MOST_REQUESTS)?;
    }
    Ok(())
}

/// Makes a change; gives after how many seconds it can be read.
async fn seen_after(served: &Served, change: Change) -> Result<f64, Error> {
    let began = Instant::now();
    tenant(served, change.method, &change.path, Some(change.body)).await?;
    loop {
        let (_, shown) = served.caller.call(Method::GET, &format!("{}{}", served.path, change.read), None).await?;
        if shown.pointer(change.pointer) == Some(&change.seen) {
            return Ok(began.elapsed().as_secs_f64());
        }
        if began.elapsed() > GIVEN_UP {
            return Err(format!("{} is not seen: {shown:#}", change.path).into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whom and what is changed.
struct Ids {
    users: Vec<String>,
    group: String,
    app: String,
    /// The users of the app before, of whom none is among those above.
    assigned: usize,
    /// The groups of the app before.
    granted: usize,
}

impl Ids {
    async fn of(served: &Served) -> Result<Self, Error> {
        let id = |value: &Value| value["id"].as_str().map(str::to_owned).ok_or("no id");
        let ids = |list: &Value| list.as_array().into_iter().flatten().map(id).collect::<Result<Vec<_>, _>>();
        let apps = tenant(served, Method::GET, "/api/v1/apps?limit=1", None).await?;
        let app = id(&apps[0])?;
        let assigned = tenant(served, Method::GET, &format!("/api/v1/apps/{app}/users?limit=500"), None).await?;
        let assigned = ids(&assigned)?;
        let granted = tenant(served, Method::GET, &format!("/api/v1/apps/{app}/groups?limit=200"), None).await?;
        let people = format!("{}/people?limit=200&status=ACTIVE", served.path);
        let (_, people) = served.caller.call(Method::GET, &people, None).await?;
        let mut users = ids(&people["items"])?;
        users.retain(|user| !assigned.contains(user));
        let named = json!({"profile": {"name": "Measured"}});
        let group = tenant(served, Method::POST, "/api/v1/groups", Some(named)).await?;
        Ok(Self { users, group: id(&group)?, app, assigned: assigned.len(), granted: ids(&granted)?.len() })
    }

    /// A change of a kind that was not made yet.
    fn change(&self, kind: &str, number: usize) -> Change {
        let user = &self.users[number % self.users.len()];
        let again = number / self.users.len() % 2 == 1;
        let (group, app, text) = (&self.group, &self.app, format!("{kind} {number}"));
        let (method, path, body, read, pointer, seen) = match kind {
            "user" => (
                Method::POST,
                format!("/api/v1/users/{user}"),
                json!({"profile": {"title": text}}),
                format!("/people/{user}"),
                "/title",
                json!(text),
            ),
            "group" => (
                Method::PUT,
                format!("/api/v1/groups/{group}"),
                json!({"profile": {"name": text}}),
                format!("/groups/{group}"),
                "/name",
                json!(text),
            ),
            "membership" => (
                if again { Method::DELETE } else { Method::PUT },
                format!("/api/v1/groups/{group}/users/{user}"),
                Value::Null,
                format!("/groups/{group}"),
                "/members_count",
                json!(members(number, self.users.len())),
            ),
            "app" => (
                if number.is_multiple_of(2) { Method::PUT } else { Method::DELETE },
                format!("/api/v1/apps/{app}/groups/{group}"),
                if number.is_multiple_of(2) { json!({}) } else { Value::Null },
                format!("/apps/{app}"),
                "/groups_count",
                json!(self.granted + 1 - number % 2),
            ),
            _ => (
                if again { Method::DELETE } else { Method::POST },
                if again { format!("/api/v1/apps/{app}/users/{user}") } else { format!("/api/v1/apps/{app}/users") },
                if again { Value::Null } else { json!({"id": user, "scope": "USER"}) },
                format!("/apps/{app}"),
                "/users_count",
                json!(self.assigned + members(number, self.users.len())),
            ),
        };
        Change { method, path, body, read, pointer, seen }
    }
}

/// How many requests the tenant has had from the connector.
async fn requests(served: &Served) -> Result<usize, Error> {
    let url = format!("{}/_sim/requests?after=0", served.simulator.url());
    let sent: Value = served.caller.http.get(url).send().await?.json().await?;
    let sent = sent["items"].as_array().ok_or("no requests")?;
    // A look at the tenant as its administrator has the same principal, and is no read.
    Ok(sent.iter().filter(|request| request["method"] == "GET").count())
}

/// Members after so many changes: everybody joins, then leaves.
fn members(number: usize, users: usize) -> usize {
    let made = number % users + 1;
    if number / users % 2 == 1 { users - made } else { made }
}

/// Asks the tenant as its administrator.
async fn tenant(served: &Served, method: Method, path: &str, body: Option<Value>) -> Result<Value, Error> {
    let token = format!("SSWS {}", served.simulator.credentials().api_token);
    let url = format!("{}{path}", served.simulator.url());
    let mut request = served.caller.http.request(method, url).header("authorization", token);
    request = match body.filter(|body| !body.is_null()) {
        Some(body) => request.json(&body),
        None => request.body("").header("content-length", 0),
    };
    let answer = request.send().await?.error_for_status()?.text().await?;
    Ok(serde_json::from_str(&answer).unwrap_or_default())
}
