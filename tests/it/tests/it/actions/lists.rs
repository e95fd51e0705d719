//! Lists: every page comes, once; a cursor belongs to its query; each item tells what was asked for.

use super::rows::Given;
use super::scene::{Scene, With};
use super::stage::Stage;
use crate::world::text;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A list, and Okta's own path to all of it.
type Case = (&'static str, Value, String);

impl Stage {
    /// The lists that Okta pages.
    fn paged(&self) -> Vec<Case> {
        let app = text(self.app("Slack"), "id");
        vec![
            (
                "user.search",
                json!({"search": "status eq \"ACTIVE\""}),
                "users?search=status+eq+%22ACTIVE%22".to_owned(),
            ),
            ("group.list", json!({}), "groups?limit=200".to_owned()),
            (
                "group.find",
                json!({"name": "e", "match": "contains"}),
                "groups?search=profile.name+co+%22e%22".to_owned(),
            ),
            ("group.list_members", json!({"group": "Everyone"}), format!("groups/{}/users?limit=200", self.everyone)),
            ("app.list", json!({}), "apps?includeNonDeleted=true&limit=200".to_owned()),
            ("app.list_users", json!({"app": app}), format!("apps/{app}/users?limit=500")),
        ]
    }

    /// The ids of all items, page by page.
    async fn walk(&self, action: &str, input: &Value, limit: u64) -> Vec<String> {
        let (mut ids, mut input) = (Vec::new(), input.clone());
        input["limit"] = limit.into();
        loop {
            let page = self.act(action, input.clone()).await.expect(200)["output"].clone();
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= usize::try_from(limit).expect("a size"), "{action}");
            ids.extend(items.iter().map(|item| item["id"].as_str().unwrap_or_else(|| text(item, "uuid")).to_owned()));
            if page["next_cursor"].is_null() {
                return ids;
            }
            input["cursor"] = page["next_cursor"].clone();
        }
    }
}

#[tokio::test]
async fn every_page_of_a_list_comes_once() {
    let stage = Stage::start().await;
    for (action, input, path) in stage.paged() {
        let all = stage.world.tenant("GET", &format!("/api/v1/{path}"), None).await.expect(200);
        let all: Vec<_> = all.as_array().expect("items").iter().map(|item| text(item, "id").to_owned()).collect();
        assert!(all.len() > 5, "{action}: {}", all.len());
        assert_eq!(stage.walk(action, &input, 5).await, all, "{action}");
    }
}

#[tokio::test]
async fn the_log_is_walked_both_ways_to_its_end() {
    let stage = Stage::start().await;
    let filter = json!({"filter": "eventType eq \"user.session.start\"", "sort": "asc"});
    let oldest_first = stage.walk("log.search", &filter, 60).await;
    let unique: BTreeSet<_> = oldest_first.iter().collect();
    assert!(oldest_first.len() > 150 && unique.len() == oldest_first.len(), "{}", oldest_first.len());
    let until = json!({"filter": filter["filter"], "until": stage.ago(-1).await});
    let newest_first = stage.walk("log.search", &until, 60).await;
    // People sign in meanwhile.
    assert!(newest_first.len() >= oldest_first.len());
    let known: Vec<_> = newest_first.iter().rev().filter(|id| unique.contains(id)).collect();
    assert_eq!(known, oldest_first.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_of_another_query_is_refused() {
    let stage = Stage::start().await;
    let mut cursors = Vec::new();
    for (action, mut input, _) in stage.paged() {
        input["limit"] = 1.into();
        let page = stage.act(action, input.clone()).await.expect(200);
        cursors.push(text(&page["output"], "next_cursor").to_owned());
    }
    for (at, (action, input, _)) in stage.paged().into_iter().enumerate() {
        let foreign = cursors[(at + 1) % cursors.len()].as_str();
        let tampered = format!("{}A", &cursors[at][..cursors[at].len() - 1]);
        for cursor in [foreign, tampered.as_str(), "", "nonsense"] {
            let mut input = input.clone();
            input["cursor"] = cursor.into();
            let reply = stage.act(action, input).await;
            assert_eq!((reply.status, reply.problem()), (400, "bad-request"), "{action} {cursor} {:#}", reply.body);
        }
    }
}

#[tokio::test]
async fn whatever_makes_it_another_query_makes_a_cursor_foreign() {
    let stage = Stage::start().await;
    let everybody = "status lt \"A\" or status ge \"A\"";
    for (action, one, other) in [
        ("user.search", json!({"search": everybody}), json!({"search": "status eq \"ACTIVE\""})),
        ("user.search", json!({"search": everybody}), json!({"search": everybody, "sort_by": "lastName"})),
        (
            "user.search",
            json!({"search": everybody, "sort_by": "lastName"}),
            json!({"search": everybody, "sort_by": "lastName", "sort_order": "desc"}),
        ),
        ("group.list", json!({}), json!({"query": "e"})),
        ("app.list", json!({}), json!({"include_inactive": false})),
        ("app.list", json!({}), json!({"query": "g"})),
        ("log.search", json!({}), json!({"sort": "asc"})),
        ("log.search", json!({}), json!({"q": "login"})),
        ("log.search", json!({}), json!({"filter": "eventType sw \"user\""})),
    ] {
        let page = stage.act(action, one.with("limit", 1)).await.expect(200);
        let cursor = text(&page["output"], "next_cursor");
        let reply = stage.act(action, other.with("cursor", cursor)).await;
        assert_eq!((reply.status, reply.problem()), (400, "bad-request"), "{action} {other}");
        // How much of it is told is no other query.
        let again = one.with("cursor", cursor).with("limit", 2).with("fields", json!(["nothing"]));
        stage.act(action, again).await.expect(200);
    }
}

#[tokio::test]
async fn inactive_apps_are_left_out_where_that_is_asked_for() {
    let stage = Stage::start().await;
    for (more, count) in [(json!({}), None), (json!({"query": "Company Handbook"}), Some((1, 0)))] {
        let list = async |include: bool| {
            let input = more.with("include_inactive", include).with("limit", 200);
            stage.act("app.list", input).await.expect(200)["output"]["items"].as_array().cloned().expect("apps")
        };
        let all = list(true).await;
        let active = list(false).await;
        let wanted: Vec<_> = all.iter().filter(|app| app["status"] == "ACTIVE").cloned().collect();
        assert_eq!(active, wanted, "{more}");
        assert!(all.len() > active.len(), "{more}: {} apps", all.len());
        assert!(count.is_none_or(|count| count == (all.len(), active.len())), "{more}");
    }
}

#[tokio::test]
async fn a_limit_out_of_range_is_refused() {
    let stage = Stage::start().await;
    let sent = stage.world.okta.recorded();
    for (action, input, _) in stage.paged() {
        for limit in [json!(0), json!(201), json!(-1), json!("5"), json!(1.5)] {
            let reply = stage.act(action, input.with("limit", limit.clone())).await;
            assert_eq!((reply.status, reply.problem()), (422, "invalid-body"), "{action} {limit}");
            assert_eq!(reply.body["errors"][0]["pointer"], "/limit");
        }
    }
    assert!(stage.sent(sent).is_empty());
}

#[tokio::test]
async fn items_tell_the_fields_that_are_asked_for_and_their_id() {
    let stage = Stage::start().await;
    let mut scene = Scene::default();
    stage.set(&[Given::User(r#"{"factors": ["sms"]}"#), Given::Group, Given::Member], &mut scene).await;
    for (action, input, item) in [
        (
            "user.search",
            r#"{"q": "row.", "fields": ["status", "profile.login"]}"#,
            r#"{"id": "{user}", "status": "ACTIVE", "profile": {"login": "{login}"}}"#,
        ),
        ("user.list_factors", r#"{"user": "{user}", "fields": ["factorType"]}"#, r#"{"factorType": "sms"}"#),
        ("group.find", r#"{"name": "{name}", "fields": []}"#, r#"{"id": "{group}"}"#),
        (
            "group.list_members",
            r#"{"group": "{group}", "fields": ["profile.lastName", "profile.nothing", "nothing"]}"#,
            r#"{"id": "{user}", "profile": {"lastName": "User"}}"#,
        ),
    ] {
        let mut page = stage.act(action, scene.json(input)).await.expect(200);
        let told = page["output"]["items"][0].as_object_mut().expect("an item");
        if action == "user.list_factors" {
            assert!(told.remove("id").is_some());
        }
        assert_eq!(json!(told), scene.json(item), "{action}");
    }
}

#[tokio::test]
async fn what_okta_does_not_page_comes_whole() {
    let stage = Stage::start().await;
    let people = stage.act("user.search", json!({"q": "a", "limit": 1})).await.expect(200)["output"].clone();
    assert!(people["items"].as_array().is_some_and(|items| items.len() > 1), "{people:#}");
    assert_eq!(people["next_cursor"], Value::Null);
    let user = text(&people["items"][0], "id").to_owned();
    let groups = stage.act("user.list_groups", json!({"user": user, "limit": 1})).await.expect(200)["output"].clone();
    assert!(groups["items"].as_array().is_some_and(|items| items.len() > 1) && groups["next_cursor"].is_null());
}

#[tokio::test]
async fn a_search_is_one_of_three_and_what_okta_cannot_read_is_told() {
    let stage = Stage::start().await;
    let one = json!([{"attribute": "city", "op": "eq", "value": "Oslo"}]);
    for (input, status, problem) in [
        (json!({}), 422, "invalid-body"),
        (json!({"q": "a", "search": "status eq \"ACTIVE\""}), 422, "invalid-body"),
        (json!({"q": "a", "sort_by": "lastName"}), 422, "invalid-body"),
        (json!({"where": []}), 422, "invalid-body"),
        (json!({"where": [{"attribute": "city\" pr or \"", "op": "eq", "value": "x"}]}), 422, "invalid-body"),
        (json!({"where": [{"attribute": "city", "op": "ne", "value": "x"}]}), 422, "invalid-body"),
        (json!({"where": one, "sort_by": "a b"}), 422, "invalid-body"),
        (json!({"search": "status is \"ACTIVE\""}), 422, "invalid-filter"),
    ] {
        let reply = stage.act("user.search", input.clone()).await;
        assert_eq!((reply.status, reply.problem()), (status, problem), "{input} {:#}", reply.body);
    }
    let quoted = json!({"where": [{"attribute": "lastName", "op": "eq", "value": "x\" or status pr or \"\\"}]});
    let found = stage.act("user.search", quoted).await.expect(200);
    assert_eq!(found["output"]["items"], json!([]));
    let reply = stage.act("log.search", json!({"filter": "eventType is \"x\""})).await;
    assert_eq!((reply.status, reply.problem()), (422, "invalid-filter"));
}
