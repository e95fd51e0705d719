//! Pages with odd records: what no JSON library writes, and what a careful reader expects last.

use okta_simulator::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

const LISTS: [(&str, &str); 4] = [
    ("/api/v1/users?limit=2", "/profile/login"),
    ("/api/v1/groups?limit=2", "/profile/name"),
    ("/api/v1/apps?limit=2", "/label"),
    ("/api/v1/logs?limit=2", "/eventType"),
];

async fn world() -> World {
    World::new(Config { users: 60, ..Config::default() }).await
}

/// The text of an answer.
async fn text(world: &World, path: &str) -> String {
    let token = format!("SSWS {}", world.okta.credentials().api_token);
    let response = world.request(Method::GET, path).header("authorization", token).send().await.expect("an answer");
    response.text().await.expect("a whole body")
}

#[tokio::test]
async fn every_kind_of_odd_record_is_one_more_on_the_page() {
    let world = world().await;
    for (path, _) in LISTS {
        for (kind, wanted) in
            [("surrogate", r#"\ud83d""#), ("number", ":1e400"), ("deep", "[[[[[[[["), ("integer", ":77")]
        {
            let ids = world.get(path).await.ids();
            world.fault(json!({ "fault": "odd_records", "kind": kind, "path": "/api/v1", "times": 1 })).await;
            let odd = text(&world, path).await;
            assert!(odd.contains(wanted) && ids.iter().all(|id| odd.contains(id)), "{path} {kind} {odd:.2000}");
            let is_readable = matches!(kind, "integer" | "number");
            assert!(is_readable || serde_json::from_str::<Value>(&odd).is_err(), "{path} {kind}");
        }
    }
}

#[tokio::test]
async fn an_odd_record_is_of_nothing_in_the_tenant() {
    let world = world().await;
    for (path, _) in &LISTS[..3] {
        world.fault(json!({ "fault": "odd_records", "kind": "integer", "path": "/api/v1", "times": 1 })).await;
        let ids = world.get(path).await.ids();
        let [first, _, added] = ids.as_slice() else { panic!("{ids:?}") };
        assert_eq!((added.len(), &added[..3]), (20, &first[..3]));
        let one = format!("{}/{added}", path.split('?').next().unwrap_or_default());
        assert_eq!(world.get(&one).await.code(), "E0000007", "{one}");
    }
}

#[tokio::test]
async fn a_mangled_page_has_its_first_record_spoiled_and_the_others_whole() {
    let world = world().await;
    for (path, name) in LISTS {
        let before = world.get(path).await.body;
        for (kind, spoiled) in [("null_name", vec![json!(null)]), ("wrong_type", vec![json!(7), json!(["a list"])])] {
            world.fault(json!({ "fault": "mangle", "kind": kind, "path": "/api/v1", "times": 1 })).await;
            let page = world.get(path).await.body;
            assert_eq!((page.as_array().map(Vec::len), &page[1]), (Some(2), &before[1]), "{path}");
            let odd = page[0].pointer(name).cloned();
            let wanted = odd.is_none_or(|value| spoiled.contains(&value));
            assert!(wanted && page[0] != before[0], "{path} {kind} {}", page[0]);
        }
    }
}
