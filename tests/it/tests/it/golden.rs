//! What an earlier release stored is read by this one: its items lie beside this file, one a line.
//!
//! `GOLDEN=write` writes those of the present release; it is done once for each, before the release.

use crate::world::{World, text};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use embedded_dynamodb::Engine;
use okta_connector::clock::SystemClock;
use okta_connector::okta::AllowedOrigins;
use okta_connector::store::create_table;
use okta_connector_local::{Config, Service};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const TABLE: &str = "okta-connector";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/0.1.ndjson")
}

fn to_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::B(bytes) => json!({"B": STANDARD.encode(bytes.as_ref())}),
        other => panic!("no item has such a value: {other:?}"),
    }
}

fn of_json(value: &Value) -> AttributeValue {
    let (kind, text) = value.as_object().and_then(|it| it.iter().next()).expect("a kind and a value");
    let text = text.as_str().expect("a text").to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text),
        "N" => AttributeValue::N(text),
        _ => AttributeValue::B(STANDARD.decode(text).expect("base64").into()),
    }
}

/// All items but those that end by themselves; a release is read for longer than they last.
async fn items(client: &Client) -> Vec<HashMap<String, AttributeValue>> {
    let items = client.scan().table_name(TABLE).into_paginator().items().send();
    let mut items = items.collect::<Result<Vec<_>, _>>().await.expect("items");
    for item in &mut items {
        item.remove("ttl");
    }
    items.sort_by_key(|item| format!("{:?} {:?}", item["pk"], item["sk"]));
    items
}

/// Writes the items of a company that was synced, polled, acted on and tested.
async fn write() {
    let tenant = okta_simulator::Config {
        users: 8,
        groups: 3,
        apps: 2,
        memberships: Some(6),
        noise: Some(0),
        ..crate::world::unlimited()
    };
    let world = World::with(tenant).await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    world.api("POST", &format!("{path}/triggers"), Some(json!({"type": "new_events"}))).await.expect(201);
    world.sim("POST", "events", Some(json!({"count": 3, "type": "user.session.start"}))).await;
    world.poll(&id).await;
    world.events_at_last(&path, "com.okta.user.session.start", 3).await;
    let client = Engine::open(Some(&world.data().join("dynamodb.sqlite"))).expect("the engine's file").client();
    let lines = items(&client).await.into_iter().map(|item| {
        let members: Map<_, _> = item.iter().map(|(name, value)| (name.clone(), to_json(value))).collect();
        Value::from(members).to_string()
    });
    std::fs::create_dir_all(file().parent().expect("a folder")).expect("a folder");
    std::fs::write(file(), lines.collect::<Vec<_>>().join("\n") + "\n").expect("a file");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test's own knob")]
async fn what_an_earlier_release_stored_is_read_and_gone_on_with() {
    if std::env::var("GOLDEN").as_deref() == Ok("write") {
        write().await;
    }
    let lines = std::fs::read_to_string(file()).expect("the items of the release");
    let data = tempfile::tempdir().expect("a folder");
    {
        let engine = Engine::open(Some(&data.path().join("dynamodb.sqlite"))).expect("an engine");
        let client = engine.client();
        create_table(&client, TABLE).await.expect("a table");
        for line in lines.lines() {
            let item: Map<String, Value> = serde_json::from_str(line).expect("an item");
            let item = item.iter().map(|(name, value)| (name.clone(), of_json(value))).collect();
            let put = aws_sdk_dynamodb::types::Put::builder().table_name(TABLE).set_item(Some(item)).build();
            let write = aws_sdk_dynamodb::types::TransactWriteItem::builder().put(put.expect("an item")).build();
            let write = client.transact_write_items().transact_items(write);
            // A table as on AWS refuses some for the moment.
            while write.clone().send().await.is_err() {}
        }
    }
    let config = Config {
        port: 0,
        data: data.path().to_owned(),
        public_url: None,
        allowed: AllowedOrigins::default(),
        issuer: None,
        clock: Arc::new(SystemClock),
    };
    let service = Service::start(config).await.expect("a service");
    let token = std::fs::read_to_string(data.path().join("token")).expect("a token");
    let http = reqwest::Client::new();
    let get = async |path: &str| {
        let response =
            http.get(format!("{}{path}", service.url())).bearer_auth(&token).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
        response.json::<Value>().await.expect("JSON")
    };
    let connections = get("/v1/connections").await;
    let path = format!("/v1/connections/{}", text(&connections["items"][0], "id"));
    for (list, count) in
        [("users", 8), ("people", 1), ("groups", 3), ("apps", 2), ("syncs", 1), ("triggers", 1), ("locations", 1)]
    {
        let page = get(&format!("{path}/{list}")).await;
        assert!(page["items"].as_array().is_some_and(|items| items.len() >= count), "{list}: {page:#}");
    }
    let group = get(&format!("{path}/groups?q=everyone")).await["items"][0]["id"].clone();
    assert!(get(&format!("{path}/groups/{}/members", group.as_str().expect("an id"))).await["items"][0].is_object());
    let events = get(&format!("{path}/events?type=com.okta.user.session.start")).await;
    assert_eq!(events["items"].as_array().map(Vec::len), Some(3), "{events:#}");
    assert!(get("/v1/audit").await["items"][0].is_object());
}
