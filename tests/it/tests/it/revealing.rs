//! Actions whose answer carries a credential: it is told once, to whoever asked, and stays nowhere.

use crate::canaries::Lines;
use crate::scene::{Scene, tiny};
use crate::world::{Reply, text};
use it::proxy::{KillSwitch, When};
use okta_connector::connection::{self, Permissions};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What was set as the password of new users.
const PASSWORD: &str = "canary-first-password";
/// Where answers carry credentials: in ours, and in the tenant's.
const OURS: [&str; 4] = ["activation_url", "activation_token", "reset_password_url", "temporary_password"];
const THEIRS: [&str; 4] = ["activationUrl", "activationToken", "resetPasswordUrl", "tempPassword"];

/// Every action that reveals: its name, from which status of the user, and its input.
fn revealing(login: &str) -> [(&'static str, &'static str, Value); 6] {
    let profile = json!({"login": login, "email": login, "firstName": "A", "lastName": "New"});
    let new = json!({"profile": profile, "password": PASSWORD, "send_email": false});
    let link = json!({"user": login, "send_email": false});
    [
        ("user.create", "", new),
        ("user.activate", "STAGED", link.clone()),
        ("user.reactivate", "PROVISIONED", link.clone()),
        ("user.expire_password", "ACTIVE", json!({"user": login, "temporary_password": true})),
        ("user.reset_password", "ACTIVE", link.clone()),
        ("user.forgot_password", "ACTIVE", link),
    ]
}

/// A connection that signs in with an API token: an action's own requests are all that is sent.
async fn scene() -> Scene {
    Scene::by_token(tiny(5)).await
}

/// A user in a status, and its id; none where the status is empty.
async fn arrange(scene: &Scene, login: &str, status: &str) -> Option<String> {
    if status.is_empty() {
        return None;
    }
    let profile = json!({"login": login, "email": login, "firstName": "A", "lastName": "User"});
    let user = scene.ground.tenant().change("POST", "/api/v1/users", Some(json!({"profile": profile}))).await;
    let id = text(&user, "id").to_owned();
    scene.ground.tenant().door("POST", &format!("users/{id}"), json!({"status": status})).await;
    Some(id)
}

/// What goes wrong from now on with requests below a path.
async fn order(scene: &Scene, mut fault: Value, path: &str) {
    fault["path"] = path.into();
    scene.ground.tenant().door("POST", "faults", fault).await;
}

/// Nothing goes wrong any more.
async fn clear(scene: &Scene) {
    scene.ground.tenant().change("DELETE", "/_sim/faults", None).await;
}

/// Lets the connection do these.
async fn allow(scene: &Scene, actions: &[&str]) {
    let store = scene.ground.store();
    let actions = actions.iter().map(|action| (*action).to_owned()).collect();
    let mut stored = connection::load(&store, &scene.ground.connection.id).await.expect("a table").expect("one");
    stored.connection.settings.permissions = Permissions { actions };
    connection::save(&store, &stored).await.expect("a connection");
}

fn is_replayed(reply: &Reply) -> bool {
    reply.headers.get("idempotency-replayed").is_some_and(|it| it == "true")
}

/// The credentials of an answer.
fn told(reply: &Reply) -> Vec<&str> {
    OURS.into_iter().filter_map(|name| reply.body["output"][name].as_str()).collect()
}

#[tokio::test]
async fn a_credential_is_told_once_and_a_repeated_request_gets_null_instead() {
    let scene = scene().await;
    for (place, (action, status, _)) in revealing("").into_iter().enumerate() {
        let login = format!("r{place}@acme.example");
        let (_, _, input) = revealing(&login)[place].clone();
        arrange(&scene, &login, status).await;
        let first = scene.keyed(action, action, &input).await;
        let again = scene.keyed(action, action, &input).await;
        assert!(first.status == 200 && !told(&first).is_empty() && !is_replayed(&first), "{action} {:#}", first.body);
        assert!(is_replayed(&again) && again.body["output"]["shown_once"] == true, "{action} {:#}", again.body);
        let mut wanted = first.body["output"].clone();
        for name in OURS.into_iter().filter(|name| wanted[name].is_string()).collect::<Vec<_>>() {
            wanted[name] = Value::Null;
        }
        wanted["shown_once"] = true.into();
        assert_eq!(again.body["output"], wanted, "{action}");
    }
}

#[tokio::test]
async fn an_offboarding_that_is_not_complete_is_worked_on_again_under_its_key() {
    let scene = scene().await;
    let id = arrange(&scene, "leaver@acme.example", "ACTIVE").await.expect("a user");
    let send = async || scene.keyed("k", "user.offboard", &json!({"user": "leaver@acme.example"})).await;
    order(&scene, json!({"fault": "status", "status": 403}), &format!("/api/v1/users/{id}/sessions")).await;
    assert_eq!(send().await.expect(200)["output"]["complete"], false);
    let again = arrange(&scene, "other@acme.example", "ACTIVE").await.expect("a user");
    order(&scene, json!({"fault": "status", "status": 504}), &format!("/api/v1/users/{again}/lifecycle/suspend")).await;
    let open = scene.keyed("open", "user.offboard", &json!({"user": again})).await.expect(200);
    assert_eq!(
        (&open["output"]["complete"], &open["output"]["steps"][0]["status"]),
        (&json!(false), &json!("pending"))
    );
    clear(&scene).await;
    let (complete, kept) = (send().await, send().await);
    assert_eq!((complete.body["output"]["complete"].as_bool(), is_replayed(&complete)), (Some(true), false));
    assert!(is_replayed(&kept) && kept.body == complete.body, "{:#}", kept.body);
}

#[tokio::test]
async fn a_dry_run_and_a_denial_are_not_kept() {
    let scene = scene().await;
    let (path, input) = (scene.path("user.create"), revealing("new@acme.example")[0].2.clone());
    let dry = format!("{path}?dry_run=true");
    let key = [("idempotency-key", "k")];
    allow(&scene, &["write"]).await;
    for _ in 0..2 {
        for path in [&dry, &path] {
            let denied = scene.function().call("POST", path, &key, Some(input.clone())).await;
            assert_eq!((denied.problem(), denied.status, is_replayed(&denied)), ("permission-denied", 403, false));
            assert_eq!(denied.body["permission"], "credentials");
        }
    }
    allow(&scene, &["write", "credentials"]).await;
    for _ in 0..2 {
        let would = scene.function().call("POST", &dry, &key, Some(input.clone())).await;
        assert!(!is_replayed(&would) && would.status == 200 && !would.body.to_string().contains(PASSWORD));
    }
    assert!(!is_replayed(&scene.keyed("k", "user.create", &input).await));
    assert!(is_replayed(&scene.keyed("k", "user.create", &input).await));
    assert_eq!(scene.outcomes("action=user.create").await, ["denied", "denied", "denied", "denied", "succeeded"]);
}

/// Keeps what was answered to others than the one whom a credential was for.
#[derive(Default)]
struct Told {
    answers: Vec<Reply>,
    credentials: Vec<String>,
}

impl Told {
    /// What came of a request: a credential is for its caller, everything else is listened to.
    fn hear(&mut self, mut reply: Reply) {
        for name in OURS.into_iter().filter(|_| reply.status == 200 && !is_replayed(&reply)).collect::<Vec<_>>() {
            if let Some(credential) = reply.body["output"].as_object_mut().and_then(|output| output.remove(name)) {
                self.credentials.extend(credential.as_str().map(str::to_owned));
            }
        }
        self.answers.push(reply);
    }
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Nothing,
    Denied,
    AnswerLost,
    WrongState,
    Failure,
    Cut,
    Dropped,
}

const TROUBLES: [Trouble; 7] = [
    Trouble::Nothing,
    Trouble::Denied,
    Trouble::AnswerLost,
    Trouble::WrongState,
    Trouble::Failure,
    Trouble::Cut,
    Trouble::Dropped,
];

/// Runs an action in trouble, then again and again, with its key and without.
async fn use_up(scene: &Scene, told: &mut Told, place: usize, trouble: Trouble) {
    let login = format!("c{place}-{trouble:?}@acme.example");
    let (action, status, input) = revealing(&login)[place].clone();
    let key = format!("{action}-{trouble:?}");
    let status = if matches!(trouble, Trouble::WrongState) { "DEPROVISIONED" } else { status };
    let id = arrange(scene, &login, status).await;
    let path = id.map_or_else(|| "/api/v1/users".to_owned(), |id| format!("/api/v1/users/{id}/"));
    match trouble {
        Trouble::Nothing | Trouble::WrongState => {}
        Trouble::Denied => allow(scene, &["write"]).await,
        Trouble::AnswerLost => scene.ground.okta.kill_at(&KillSwitch::new(2, When::After)),
        Trouble::Failure => order(scene, json!({"fault": "status", "status": 500}), &path).await,
        Trouble::Cut => order(scene, json!({"fault": "truncate", "bytes": 60}), &path).await,
        Trouble::Dropped => order(scene, json!({"fault": "drop", "when": "after", "times": 1}), &path).await,
    }
    told.hear(scene.keyed(&key, action, &input).await);
    scene.ground.okta.kill_at(&KillSwitch::never());
    clear(scene).await;
    told.hear(scene.keyed(&key, action, &input).await);
    allow(scene, &["all"]).await;
    told.hear(scene.keyed(&key, action, &input).await);
    told.hear(scene.call(None, action, &input).await);
}

/// What the tenant gave out, heard or not.
fn given_out(scene: &Scene) -> Vec<String> {
    let bodies = scene.ground.okta.exchanges().into_iter();
    let bodies = bodies.filter_map(|it| serde_json::from_slice::<Value>(&it.response_body).ok());
    bodies.flat_map(|body| THEIRS.map(|name| body[name].as_str().map(str::to_owned))).flatten().collect()
}

/// The part of a credential that nobody could guess.
fn secret(credential: &str) -> &str {
    let secret = credential.trim_end_matches("/verify").rsplit('/').next().unwrap_or_default();
    assert!(secret.len() >= 12, "{credential}");
    secret
}

/// Everything that was heard was given out by the tenant, and every kind of failure was met.
fn assert_thorough(given_out: &[String], told: &Told) {
    assert!(given_out.len() > 40 && told.credentials.len() > 20, "{} {}", given_out.len(), told.credentials.len());
    assert!(told.credentials.iter().all(|it| given_out.contains(it)), "the tenant gave them out");
    let problems: BTreeSet<_> = told.answers.iter().map(Reply::problem).collect();
    for problem in ["none", "outcome-unknown", "okta-unavailable", "permission-denied", "wrong-state"] {
        assert!(problems.contains(problem), "{problem} is among {problems:?}");
    }
}

#[tokio::test]
async fn no_credential_that_an_action_reveals_is_logged_stored_or_told_again() {
    let lines = Lines::default();
    let capturing = lines.capture();
    let (scene, mut told) = (scene().await, Told::default());
    scene.ground.okta.record(true);
    for (place, trouble) in (0..revealing("").len()).flat_map(|place| TROUBLES.map(|trouble| (place, trouble))) {
        use_up(&scene, &mut told, place, trouble).await;
    }
    let audit = scene.function().call("GET", "/v1/audit?limit=200", &[], None).await.expect(200).to_string();
    drop(capturing);
    let given_out = given_out(&scene);
    assert_thorough(&given_out, &told);
    let (logged, kept, told) = (lines.text(), scene.ground.contents().await, format!("{:?}", told.answers));
    assert!(logged.contains("was refused") && kept.contains("shown_once"), "the product's own lines and answers");
    for secret in given_out.iter().map(|it| secret(it)).chain([PASSWORD]) {
        for (place, text) in [("a log line", &logged), ("an item", &kept), ("an answer", &told), ("the audit", &audit)]
        {
            assert!(!text.contains(secret), "{place} holds {secret}");
        }
    }
}
