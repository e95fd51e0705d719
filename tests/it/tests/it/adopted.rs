//! A user whose creation was lost: killed at any outbound call and repeated, `user.create` leaves one user, its own.

use crate::scene::{Scene, tiny};
use crate::world::{Reply, text};
use it::campaign::{Campaign, Point};
use it::proxy::{KillSwitch, When};
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

const CREATE: &str = "user.create";

/// A way to make a user.
struct Order {
    name: &'static str,
    activate: bool,
    send_email: bool,
    password: bool,
    groups: Vec<Value>,
}

impl Order {
    /// Another one for every seed.
    async fn of(scene: &Scene, seed: u64) -> Self {
        let names = ["ada", "Ada.Lovelace", "o'brien+it", "zoë", "a/b", "50%?x=1#y", "我", "\"q\\"];
        let groups = scene.ground.tenant().groups().await.into_iter().filter(|group| group["type"] == "OKTA_GROUP");
        let name = |(place, group): (usize, Value)| match place % 2 {
            0 => group["id"].clone(),
            _ => group["profile"]["name"].clone(),
        };
        Self {
            name: names[usize::try_from(seed).expect("a small seed") % names.len()],
            activate: seed % 5 != 2,
            send_email: seed.is_multiple_of(2),
            password: seed % 3 == 1,
            groups: groups.take(usize::try_from(seed % 4).expect("a small number")).enumerate().map(name).collect(),
        }
    }

    fn login(&self, number: usize) -> String {
        format!("{}{number}@acme.example", self.name)
    }

    fn input(&self, number: usize) -> Value {
        let login = self.login(number);
        let profile = json!({"login": login, "email": format!("u{number}@acme.example"), "firstName": self.name, "lastName": "New"});
        let mut input = json!({"profile": profile, "activate": self.activate, "send_email": self.send_email});
        if self.password {
            input["password"] = "correct horse battery".into();
        }
        if !self.groups.is_empty() {
            input["groups"] = self.groups.clone().into();
        }
        input
    }

    fn tells_link(&self) -> bool {
        self.activate && !self.send_email
    }

    fn status(&self) -> &'static str {
        match (self.activate, self.password) {
            (false, _) => "STAGED",
            (true, true) => "ACTIVE",
            (true, false) => "PROVISIONED",
        }
    }
}

/// All users of a login, as the tenant's administrator sees them.
async fn users_of(scene: &Scene, login: &str) -> Vec<Value> {
    let filter = format!("profile.login eq {}", Value::from(login));
    let filter: String = byte_serialize(filter.as_bytes()).collect();
    scene.ground.tenant().all(&format!("/api/v1/users?filter={filter}")).await
}

/// What no sign-in changes of users: who they are, and when somebody last touched them.
fn touched(users: &[Value]) -> Vec<[Value; 4]> {
    users.iter().map(|user| ["id", "status", "lastUpdated", "statusChanged"].map(|name| user[name].clone())).collect()
}

fn is_replayed(reply: &Reply) -> bool {
    reply.headers.get("idempotency-replayed").is_some()
}

async fn scene(seed: u64) -> Scene {
    let scene = if seed % 4 == 3 { Scene::by_token(tiny(seed)).await } else { Scene::with(tiny(seed)).await };
    if seed.is_multiple_of(3) { scene } else { scene.warmed().await }
}

/// Tries some of so many seeds, one after another; gives the sum of what they did.
async fn each(campaign: Campaign, sampled: usize, seeds: u64, work: impl AsyncFn(Campaign, u64) -> usize) -> usize {
    let mut done = 0;
    for seed in campaign.cases(sampled, seeds) {
        done += work(campaign, seed).await;
    }
    done
}

/// What the answer after a kill says, and what a later one no longer tells.
async fn assert_told(scene: &Scene, order: &Order, number: usize, point: Point) {
    let (key, login) = (format!("k{number}"), order.login(number));
    let before = users_of(scene, &login).await;
    let reply = scene.keyed(&key, CREATE, &order.input(number)).await;
    let replayed = is_replayed(&reply);
    let body = reply.expect(200);
    let users = users_of(scene, &login).await;
    assert_eq!(users.len(), 1, "{point:?} {login}");
    assert_eq!(
        (&body["output"]["user"]["id"], &body["output"]["changed"]),
        (&users[0]["id"], &json!(true)),
        "{point:?}"
    );
    assert_eq!(
        (&users[0]["status"], &users[0]["profile"]["login"]),
        (&json!(order.status()), &json!(login)),
        "{point:?}"
    );
    let was_active = before.first().is_some_and(|user| user["status"] == "ACTIVE");
    let told = body["output"]["activation_url"].is_string() && body["output"]["activation_token"].is_string();
    assert_eq!(told, order.tells_link() && !was_active && !replayed, "{point:?} {body:#}");
    let again = scene.keyed(&key, CREATE, &order.input(number)).await;
    assert!(is_replayed(&again) && again.body["output"]["user"]["id"] == users[0]["id"], "{point:?} {:#}", again.body);
    assert!(!again.body.to_string().contains("/tokens/"), "{point:?} {:#}", again.body);
    if !order.groups.is_empty() {
        let inside = scene.ground.tenant().door("GET", &format!("users/{}", text(&users[0], "id")), json!({})).await;
        assert_eq!(inside["groups"].as_array().map(Vec::len), Some(order.groups.len()), "{point:?} {inside:#}");
    }
}

/// Kills one creation at each place; gives how many there were.
async fn creations(campaign: Campaign, seed: u64) -> usize {
    let scene = scene(seed).await;
    let order = Order::of(&scene, seed).await;
    let (calls, undisturbed) = scene.count(Some("k0"), CREATE, &order.input(0)).await;
    undisturbed.expect(200);
    let points = campaign.points(calls);
    for (place, point) in points.iter().copied().enumerate() {
        scene.killed(point, Some(&format!("k{}", place + 1)), CREATE, &order.input(place + 1)).await;
        assert_told(&scene, &order, place + 1, point).await;
    }
    let made = scene
        .ground
        .tenant()
        .all("/api/v1/logs?filter=eventType+eq+%22user.lifecycle.create%22&sortOrder=DESCENDING&limit=1000")
        .await;
    assert_eq!(made.len(), points.len() + 1, "seed {seed}: each user was made once");
    points.len()
}

#[tokio::test]
async fn a_creation_killed_before_and_after_every_call_and_repeated_leaves_one_user() {
    let campaign = Campaign::start();
    let kills = each(campaign, 4, 50, creations).await;
    assert!(kills > campaign.count(20, 1_000), "{kills}");
}

/// Who else may make the user that an order is about.
#[derive(Clone, Copy, Debug)]
enum Other {
    /// The tenant's administrator.
    Admin,
    /// Another caller of ours, under the same key.
    Caller,
    /// The same caller, under another key.
    Key,
}

impl Other {
    const EACH: [Self; 3] = [Self::Admin, Self::Caller, Self::Key];

    async fn makes(self, scene: &Scene, order: &Order, number: usize) {
        let key = format!("k{number}");
        let input = order.input(number);
        match self {
            Self::Admin => {
                let profile = json!({"profile": input["profile"]});
                scene.ground.tenant().change("POST", "/api/v1/users?activate=false", Some(profile)).await;
            }
            Self::Caller => {
                let key = [("idempotency-key", key.as_str())];
                scene.called_by("bo").call("POST", &scene.path(CREATE), &key, Some(input)).await.expect(200);
            }
            Self::Key => drop(scene.keyed(&format!("another-{key}"), CREATE, &input).await.expect(200)),
        }
        scene.pass(2).await;
    }
}

/// Kills one creation at each place before it is sent, and lets another come first; gives how many there were.
async fn overtaken(campaign: Campaign, seed: u64) -> usize {
    let scene = scene(seed).await;
    let (order, mut others) = (Order::of(&scene, seed).await, 0);
    let (calls, undisturbed) = scene.count(Some("k0"), CREATE, &order.input(0)).await;
    undisturbed.expect(200);
    // The log is asked only where the process died between its mark and its request, so no call is left out.
    let dead = Point::every(calls).into_iter().filter(|point| campaign.is_full() || point.when == When::After);
    let cases = dead.flat_map(|point| Other::EACH.map(|other| (point, other)));
    for (place, (point, other)) in cases.enumerate() {
        let (number, login) = (place + 1, order.login(place + 1));
        scene.killed(point, Some(&format!("k{number}")), CREATE, &order.input(number)).await;
        if !users_of(&scene, &login).await.is_empty() {
            break;
        }
        other.makes(&scene, &order, number).await;
        let theirs = users_of(&scene, &login).await;
        let refused = scene.keyed(&format!("k{number}"), CREATE, &order.input(number)).await;
        assert_eq!((refused.status, refused.problem()), (409, "already-exists"), "seed {seed} {point:?} {other:?}");
        assert_eq!(touched(&users_of(&scene, &login).await), touched(&theirs), "seed {seed} {point:?} {other:?}");
        others += 1;
    }
    others
}

#[tokio::test]
async fn a_user_whom_another_made_meanwhile_is_never_adopted() {
    let campaign = Campaign::start();
    let others = each(campaign, 2, 6, overtaken).await;
    assert!(others > campaign.count(30, 200), "{others}");
}

/// Kills one creation at each place, and repeats it where the log shows nothing; gives how many users were left alone.
async fn unproven(campaign: Campaign, seed: u64) -> usize {
    let scopes = ["okta.users.manage", "okta.users.read", "okta.groups.read"];
    let scene = if seed == 0 { Scene::scoped(tiny(seed), &scopes).await } else { Scene::with(tiny(seed)).await };
    let (order, mut alone) = (Order::of(&scene, seed).await, 0);
    let (calls, undisturbed) = scene.count(Some("k0"), CREATE, &order.input(0)).await;
    undisturbed.expect(200);
    let empty = json!({"fault": "empty_list", "path": "/api/v1/logs"});
    scene.ground.tenant().door("POST", "faults", empty).await;
    for (place, point) in campaign.points(calls).into_iter().enumerate() {
        let (key, input) = (format!("k{}", place + 1), order.input(place + 1));
        scene.killed(point, Some(&key), CREATE, &input).await;
        let left = users_of(&scene, &order.login(place + 1)).await;
        let reply = scene.keyed(&key, CREATE, &input).await;
        if left.is_empty() || is_replayed(&reply) {
            reply.expect(200);
            continue;
        }
        // Without the right to read the log there is nothing to wait for.
        if seed != 0 {
            assert_eq!((reply.status, reply.problem()), (409, "request-in-progress"), "seed {seed} {point:?}");
            scene.pass(600).await;
            let late = scene.keyed(&key, CREATE, &input).await;
            assert_eq!((late.status, late.problem()), (409, "already-exists"), "seed {seed} {point:?}");
        }
        let after = users_of(&scene, &order.login(place + 1)).await;
        assert_eq!(touched(&after), touched(&left), "seed {seed} {point:?}: nobody touched it");
        alone += 1;
    }
    alone
}

#[tokio::test]
async fn what_the_log_does_not_show_or_may_not_be_read_in_is_not_adopted() {
    let campaign = Campaign::start();
    let alone = each(campaign, 2, 3, unproven).await;
    assert!(!campaign.is_full() || alone > 9, "{alone}");
}

#[tokio::test]
async fn a_user_whom_okta_made_before_it_answered_500_is_adopted_by_a_repeat() {
    let scene = Scene::by_token(tiny(1)).await;
    let order = Order { name: "ada", activate: true, send_email: true, password: false, groups: Vec::new() };
    let failing = json!({"fault": "status", "status": 500, "error_code": "E0000009", "after": true, "times": 1,
        "method": "POST", "path": "/api/v1/users"});
    scene.ground.tenant().door("POST", "faults", failing).await;
    let lost = scene.keyed("k", CREATE, &order.input(1)).await;
    assert_eq!((lost.status, lost.problem()), (502, "outcome-unknown"), "{:#}", lost.body);
    let made = users_of(&scene, &order.login(1)).await;
    let adopted = scene.keyed("k", CREATE, &order.input(1)).await.expect(200);
    assert_eq!(adopted["output"]["user"]["id"], made[0]["id"]);
    assert_eq!(users_of(&scene, &order.login(1)).await.len(), 1);
    assert_eq!(scene.outcomes("action=user.create").await, ["unknown", "succeeded"]);
}

#[tokio::test]
async fn a_log_that_fails_decides_nothing() {
    let scene = Scene::by_token(tiny(1)).await;
    let order = Order { name: "ada", activate: true, send_email: false, password: false, groups: Vec::new() };
    let send = async || scene.keyed("k", CREATE, &order.input(1)).await;
    // The login is looked up, the user is made, and nobody hears of it.
    scene.ground.okta.kill_at(&KillSwitch::new(2, When::After));
    let lost = send().await;
    scene.ground.okta.kill_at(&KillSwitch::never());
    let fails = json!({"fault": "status", "status": 500, "path": "/api/v1/logs", "times": 1});
    scene.ground.tenant().door("POST", "faults", fails).await;
    assert_eq!((lost.problem(), send().await.problem()), ("outcome-unknown", "okta-unavailable"));
    let adopted = send().await;
    assert!(!is_replayed(&adopted) && adopted.body["output"]["activation_url"].is_string(), "{:#}", adopted.body);
    let id = adopted.expect(200)["output"]["user"]["id"].take();
    assert_eq!(users_of(&scene, &order.login(1)).await[0]["id"], id);
    assert_eq!(scene.keyed("other", CREATE, &order.input(1)).await.problem(), "already-exists");
    let outcomes = scene.outcomes("action=user.create").await;
    assert_eq!(outcomes, ["unknown", "failed", "succeeded", "failed"]);
}
