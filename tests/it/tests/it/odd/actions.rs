//! What Okta refuses an action, and by which logins and names it finds users and groups.

use crate::scene::{Scene, tiny};
use crate::world::{World, text};
use serde_json::json;

#[tokio::test]
async fn a_refusal_of_an_action_means_what_it_says() {
    let scene = Scene::by_token(tiny(3)).await;
    let user = text(&scene.ground.tenant().users().await[1], "id").to_owned();
    for (order, problem) in [
        (json!({"status": 403, "error_code": "E0000006"}), "okta-forbidden"),
        (json!({"status": 403, "error_code": "E0000005"}), "okta-unauthorized"),
        (json!({"status": 403, "body": "none"}), "okta-forbidden"),
        (json!({"status": 403, "body": "html"}), "okta-unavailable"),
        (json!({"status": 403, "error_code": "E0000107"}), "wrong-state"),
        (json!({"status": 404, "error_code": "E0000007"}), "wrong-state"),
        (json!({"status": 409, "error_code": "E0000112"}), "okta-busy"),
        (json!({"status": 423, "error_code": "E0000239", "retry_after": 7}), "okta-busy"),
        (json!({"status": 500, "error_code": "E0000009"}), "outcome-unknown"),
        (json!({"status": 501, "error_code": "E0000060"}), "okta-rejected"),
        // Last, because it makes the change.
        (json!({"status": 500, "error_code": "E0000009", "after": true}), "outcome-unknown"),
    ] {
        let mut fault = json!({"fault": "status", "method": "POST", "path": format!("/api/v1/users/{user}/")});
        fault.as_object_mut().expect("an object").extend(order.as_object().expect("an object").clone());
        scene.ground.tenant().door("POST", "faults", fault).await;
        let action = "user.expire_password";
        let reply = scene.call(None, action, &json!({"user": user})).await;
        assert_eq!(reply.problem(), problem, "{order} {:#}", reply.body);
        let waits = reply.headers.get("retry-after").is_some();
        assert_eq!(waits, problem == "okta-busy", "{order}");
        scene.ground.tenant().call("DELETE", "/_sim/faults", None).await;
    }
}

#[tokio::test]
async fn what_passes_is_not_kept_under_a_key() {
    let scene = Scene::by_token(tiny(3)).await;
    let user = text(&scene.ground.tenant().users().await[1], "id").to_owned();
    let busy = json!({"fault": "status", "status": 409, "error_code": "E0000112", "method": "POST",
        "path": format!("/api/v1/users/{user}/"), "times": 1});
    scene.ground.tenant().door("POST", "faults", busy).await;
    let send = async || scene.keyed("k", "user.expire_password", &json!({"user": user})).await;
    assert_eq!(send().await.problem(), "okta-busy");
    assert_eq!(send().await.status, 200);
}

#[tokio::test]
async fn a_user_is_found_by_whatever_login_okta_allows() {
    let scene = Scene::by_token(tiny(5)).await;
    let logins = [
        "ab?cd@acme.example",
        "who am?i@acme.example",
        "a#b@acme.example",
        "guest_mail.example#EXT#@acme.example",
        "a%41b@acme.example",
        "o'bq@acme.example",
        "a/b?c@acme.example",
        "a\\b@acme.example",
        "a\"b@acme.example",
        "a+b;c&d@acme.example",
        "zoë.müller@acme.example",
        "forklift",
    ];
    for (place, login) in logins.iter().enumerate() {
        let email = format!("odd{place}@acme.example");
        let profile = json!({"login": login, "email": email, "firstName": "A", "lastName": "B"});
        let body = json!({"profile": profile, "credentials": {"password": {"value": "correct horse battery"}}});
        let made = scene.ground.tenant().change("POST", "/api/v1/users?activate=true", Some(body)).await;
        for (action, status) in [("user.get", "ACTIVE"), ("user.suspend", "SUSPENDED"), ("user.unsuspend", "ACTIVE")] {
            scene.pass(2).await;
            let reply = scene.call(None, action, &json!({"user": login})).await;
            assert_eq!(reply.status, 200, "{action} {login} {:#}", reply.body);
            let user = &reply.body["output"]["user"];
            assert_eq!((&user["id"], &user["status"]), (&made["id"], &json!(status)), "{action} {login}");
        }
        scene.pass(2).await;
        let search = json!({"where": [{"attribute": "login", "op": "eq", "value": login}]});
        let found = scene.call(None, "user.search", &search).await.expect(200);
        assert_eq!(found["output"]["items"][0]["id"], made["id"], "{login}");
    }
}

#[tokio::test]
async fn whatever_the_path_of_a_login_answers_the_search_decides() {
    let scene = Scene::by_token(tiny(5)).await;
    let user = scene.ground.tenant().users().await.swap_remove(1);
    for (status, code) in [(400, "E0000001"), (404, "E0000007"), (405, "E0000022")] {
        let order = json!({"fault": "status", "status": status, "error_code": code, "method": "GET",
            "path": "/api/v1/users/", "times": 1});
        scene.ground.tenant().door("POST", "faults", order).await;
        let found = scene.call(None, "user.get", &json!({"user": user["profile"]["login"]})).await.expect(200);
        assert_eq!(found["output"]["user"]["id"], user["id"], "{status}");
    }
}

#[tokio::test]
async fn a_group_is_found_by_whatever_name_okta_allows() {
    let scene = Scene::by_token(tiny(6)).await;
    let user = scene.ground.tenant().users().await.swap_remove(1);
    for name in ["R&D / Ops?", "a#b%41", "50% \"off\" \\ 'x'", "a+b;c=d,e", "Zürich 我", "x\") or (type eq \"BUILT_IN"]
    {
        let made = scene.call(None, "group.create", &json!({"name": name})).await.expect(200);
        let id = &made["output"]["group"]["id"];
        for comparison in ["exact", "prefix", "contains"] {
            let found = scene.call(None, "group.find", &json!({"name": name, "match": comparison})).await.expect(200);
            assert_eq!(found["output"]["items"][0]["id"], *id, "{comparison} {name}");
        }
        let added = scene.call(None, "group.add_user", &json!({"group": name, "user": user["id"]})).await;
        assert_eq!(added.status, 200, "{name} {:#}", added.body);
        let added = added.body;
        assert_eq!(added["output"]["changed"], true, "{name}");
        for action in ["group.get", "group.delete"] {
            let reply = scene.call(None, action, &json!({"group": name})).await.expect(200);
            assert_eq!(reply["output"]["group"]["id"], *id, "{action} {name}");
        }
    }
    for name in ["EVERYONE", "everyone"] {
        scene.call(None, "group.create", &json!({"name": name})).await.expect(200);
    }
    let reply = scene.call(None, "group.get", &json!({"group": "Everyone"})).await;
    assert_eq!(reply.problem(), "ambiguous-reference", "{:#}", reply.body);
    assert_eq!(reply.body["candidates"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_user_who_has_left_has_no_factors_groups_and_apps() {
    let scene = Scene::by_token(tiny(4)).await;
    let user = scene.ground.tenant().users().await.swap_remove(5);
    let path = format!("/api/v1/users/{}/lifecycle/deactivate", text(&user, "id"));
    scene.ground.tenant().change("POST", &path, None).await;
    for action in ["user.list_factors", "user.list_groups", "user.list_apps"] {
        let listed = scene.call(None, action, &json!({"user": user["id"]})).await.expect(200);
        assert_eq!(listed["output"], json!({"items": [], "next_cursor": null}), "{action}");
    }
}

#[tokio::test]
async fn an_empty_range_of_the_audit_is_an_empty_page() {
    let world = World::start().await;
    let path = "/v1/audit?actor=local&since=2026-11-28T00:00:00Z&until=2026-11-27T00:00:00Z";
    assert_eq!(world.api("GET", path, None).await.expect(200)["items"], json!([]));
}
