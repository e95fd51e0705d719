//! Each action does what it says, tells what it did, and knows when there is nothing to do.

use super::rows::{self, Again, Row};
use super::scene::{Scene, holds};
use super::stage::{Stage, expected, line_of};
use crate::world::text;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What an action caused, beside its answer.
struct Caused {
    sent: Vec<String>,
    request_ids: Vec<String>,
    events: Vec<String>,
    audit: Vec<Value>,
}

impl Stage {
    /// Calls a row's action, and gives what was sent, caused and recorded meanwhile.
    async fn watch(&self, row: &Row, scene: &Scene) -> (crate::world::Reply, Caused) {
        self.news().await;
        let (sent, last) = (self.world.okta.recorded(), self.audit().await);
        let reply = self.call(row, scene).await;
        let exchanges = self.sent(sent);
        let mut audit = self.audit().await;
        audit.truncate(audit.iter().position(|told| told["id"] == last[0]["id"]).expect("the last row"));
        let id = |headers: &[(String, String)]| {
            headers.iter().find(|(name, _)| name == "x-okta-request-id").map(|(_, id)| id.clone())
        };
        let caused = Caused {
            sent: exchanges.iter().map(line_of).collect(),
            request_ids: exchanges.iter().filter_map(|exchange| id(&exchange.response_headers)).collect(),
            events: self.news().await,
            audit,
        };
        (reply, caused)
    }

    /// The description of an action.
    async fn described(&self, name: &str) -> Value {
        self.world.api("GET", &format!("/v1/actions/{name}"), None).await.expect(200)
    }

    /// Calls a row's action and asserts everything that the row says.
    async fn prove(&self, row: &Row) -> Scene {
        let mut scene = self.arrange(row).await;
        let (reply, caused) = self.watch(row, &scene).await;
        let answer = reply.expect(200);
        let members: BTreeSet<_> = answer.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(members, BTreeSet::from(["action", "output", "okta_request_ids", "duration_ms"]), "{}", row.name);
        assert!(answer["action"] == row.name && answer["duration_ms"].is_u64(), "{answer:#}");
        let output = &answer["output"];
        learn(output, &mut scene);
        let schema = &self.described(row.name).await["output_schema"];
        let valid = jsonschema::draft202012::validate(schema, output);
        assert!(valid.is_ok(), "{}: {valid:?} {output:#}", row.name);
        holds(output, &scene.json(row.output), row.name);
        assert_eq!(untold(output), None, "{}", row.name);
        let sent: Vec<_> = caused.sent.iter().map(|line| scene.tell(line)).collect();
        assert_eq!(sent, row.sends.iter().map(|sent| expected(sent)).collect::<Vec<_>>(), "{}", row.name);
        assert_eq!(answer["okta_request_ids"], json!(caused.request_ids), "{}", row.name);
        let events: Vec<_> = caused.events.iter().map(|event| scene.tell(event)).collect();
        assert_eq!(events, row.events, "{}", row.name);
        self.read_back(row, &scene).await;
        audited(row, &scene, &caused, "succeeded");
        scene
    }

    /// Calls a row's action once more.
    async fn repeat(&self, row: &Row, scene: &Scene) {
        let (reply, caused) = self.watch(row, scene).await;
        let changes = caused.sent.iter().filter(|line| !line.starts_with("GET ")).count();
        let unchanged = |value: &Value| value["output"].get("changed").is_none_or(|changed| changed == false);
        match row.again {
            Again::Refused(problem) => {
                // Only Okta knows whether a group's name is taken.
                assert_eq!((reply.problem(), changes > 0), (problem, row.name == "group.create"));
                return audited(row, scene, &caused, "failed");
            }
            Again::Unchanged => {
                assert!(unchanged(&reply.expect(200)) && changes == 0, "{} {:?}", row.name, caused.sent);
            }
            Again::Asked => assert!(unchanged(&reply.expect(200)) && changes == 1, "{} {:?}", row.name, caused.sent),
            Again::Anew => assert_eq!((reply.status, changes), (200, row.changes().count()), "{}", row.name),
        }
        audited(row, scene, &caused, "succeeded");
    }
}

/// Names what an action made.
fn learn(output: &Value, scene: &mut Scene) {
    for name in ["user", "group"] {
        if let (None, Some(id)) = (scene.get(name), output[name]["id"].as_str()) {
            scene.name(name, id);
        }
    }
}

/// A member that must never be told, if there is one.
fn untold(value: &Value) -> Option<&str> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            if matches!(name.as_str(), "_links" | "_embedded" | "credentials") {
                Some(name.as_str())
            } else {
                untold(value)
            }
        }),
        Value::Array(items) => items.iter().find_map(untold),
        _ => None,
    }
}

/// One row for what may change something, none for what reads.
#[track_caller]
fn audited(row: &Row, scene: &Scene, caused: &Caused, outcome: &str) {
    if row.reads() {
        return assert_eq!(caused.audit, Vec::<Value>::new(), "{}", row.name);
    }
    let [told] = caused.audit.as_slice() else { panic!("{}: {:#?}", row.name, caused.audit) };
    assert_eq!((text(told, "action"), text(told, "outcome")), (row.name, outcome));
    assert_eq!(told["okta_request_ids"], json!(caused.request_ids), "{}", row.name);
    // Of what is gone, or was not made again, only what the caller said is known.
    if outcome == "succeeded" {
        let user = r#"{"type": "user", "id": "{user}", "login": "{login}"}"#;
        let group = r#"{"type": "group", "id": "{group}", "name": "{name}"}"#;
        let about_group = row.name == "group.create" || row.name == "group.delete";
        assert_eq!(told["target"], scene.json(if about_group { group } else { user }), "{}", row.name);
    }
}

#[tokio::test]
async fn every_action_has_a_row_and_every_row_an_action() {
    let stage = Stage::start().await;
    let actions = stage.world.all("/v1/actions").await;
    let mut rows: Vec<_> = rows::all().map(|row| row.name).collect();
    let mut names: Vec<_> = actions.iter().map(|action| text(action, "name")).collect();
    for (action, read) in actions.iter().zip(actions.iter().map(|action| action["effect"] == "read")) {
        let row = rows::all().find(|row| action["name"] == row.name).expect("a row");
        assert_eq!(row.reads(), read, "{}", row.name);
    }
    rows.sort_unstable();
    names.sort_unstable();
    assert_eq!((names.len(), rows), (34, names.clone()));
}

#[tokio::test]
async fn every_action_does_what_it_says() {
    let stage = Stage::start().await;
    for row in rows::all() {
        let scene = stage.prove(&row).await;
        stage.repeat(&row, &scene).await;
    }
}

#[tokio::test]
async fn every_way_to_call_an_action_does_what_it_says() {
    let stage = Stage::start().await;
    for row in rows::variants() {
        let scene = stage.prove(&row).await;
        stage.repeat(&row, &scene).await;
    }
}
