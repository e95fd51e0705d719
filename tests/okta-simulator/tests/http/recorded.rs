//! Answers that recordings of real tenants show, where Okta's own description says something else or nothing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{App, Seen, World};

#[tokio::test]
async fn a_prefix_and_a_filter_narrow_apps_and_groups_together() {
    let world = World::small().await;
    let apps = world.get("/api/v1/apps?limit=200&q=s&filter=status+eq+%22ACTIVE%22").await;
    let labels: Vec<_> = apps.items().iter().map(|app| app["label"].clone()).collect();
    assert_eq!((apps.status, labels), (200, vec![json!("Okta Admin Console"), json!("Slack"), json!("Salesforce")]));
    let groups = world.get("/api/v1/groups?q=Ever&filter=type+eq+%22BUILT_IN%22").await;
    assert_eq!((groups.status, groups.items().len()), (200, 1));
    assert_eq!(world.get("/api/v1/groups?q=Ever&filter=type+eq+%22OKTA_GROUP%22").await.items().len(), 0);
    for path in ["groups?q=a&search=type+eq+%22BUILT_IN%22", "users?q=a&filter=status+eq+%22ACTIVE%22"] {
        assert_eq!(world.get(&format!("/api/v1/{path}")).await.code(), "E0000033", "{path}");
    }
}

#[tokio::test]
async fn a_replacement_with_credentials_alone_keeps_the_profile() {
    let world = World::small().await;
    let path = format!("/api/v1/users/{}", world.hire("zara@acme.example").await);
    let credentials = json!({ "credentials": { "password": { "value": "another horse" } } });
    let replaced = world.call(Method::PUT, &path, Some(credentials)).await;
    assert_eq!((replaced.status, &replaced.body["profile"]["login"]), (200, &json!("zara@acme.example")));
}

#[tokio::test]
async fn apps_are_expanded_by_one_user_and_nothing_else() {
    let world = World::small().await;
    let app = world.get("/api/v1/apps").await.ids().remove(1);
    let user = world.get(&format!("/api/v1/apps/{app}/users")).await.ids().remove(0);
    let expanded = world.get(&format!("/api/v1/apps?expand=user/{user}")).await;
    assert_eq!(expanded.items()[1]["_embedded"]["user"]["id"], json!(user));
    let refused = world.get(&format!("/api/v1/apps?expand=user/{user},group/{user}")).await;
    assert_eq!((refused.status, refused.code()), (400, "E0000001"));
    assert_eq!(refused.body["errorSummary"], "Api validation failed: RequestParams");
    assert_eq!(refused.body["errorCauses"][0]["errorSummary"], "Expand query is malformed.");
}

#[tokio::test]
async fn an_app_shows_what_its_sign_on_mode_needs() {
    let config = okta_simulator::Config { users: 20, apps: 16, rude: true, ..okta_simulator::Config::default() };
    let world = World::new(config).await;
    let apps = world.get("/api/v1/apps?limit=200").await;
    let shown = |mode: &str, name: &str| -> Value {
        let mut modes = apps.items().iter().filter(|app| app["signOnMode"] == mode);
        modes.rfind(|app| name.is_empty() || app["name"] == name).cloned().unwrap_or_default()
    };
    for (mode, places) in [
        ("BASIC_AUTH", ["/settings/app/url", "/settings/app/authURL", "/credentials/scheme"]),
        ("BOOKMARK", ["/settings/app/url", "/settings/app/requestIntegration", "/credentials/userNameTemplate"]),
        ("BROWSER_PLUGIN", ["/settings/app/url", "/settings/app/buttonField", "/credentials/scheme"]),
        ("SECURE_PASSWORD_STORE", ["/settings/app/url", "/settings/app/usernameField", "/credentials/scheme"]),
        ("AUTO_LOGIN", ["/settings/signOn/loginUrl", "/settings/app", "/credentials/scheme"]),
        ("SAML_2_0", ["/settings/signOn/attributeStatements", "/settings/app", "/credentials/signing/kid"]),
        ("OPENID_CONNECT", ["/settings/oauthClient", "/credentials/oauthClient/client_id", "/credentials/signing/kid"]),
    ] {
        let app = shown(mode, "");
        for place in places {
            assert!(app.pointer(place).is_some_and(|value| !value.is_null()), "{mode} {place} {app}");
        }
    }
    assert_eq!(shown("OPENID_CONNECT", "saasure")["settings"].get("oauthClient"), None, "as recorded of Okta's own");
}

#[tokio::test]
async fn a_new_user_keeps_no_nulls_but_two() {
    let world = World::small().await;
    let profile = json!({
        "firstName": "A", "lastName": "B", "email": "a@acme.example", "login": "a@acme.example",
        "postalAddress": null, "mobilePhone": null,
    });
    let made = world.call(Method::POST, "/api/v1/users?activate=false", Some(json!({ "profile": profile }))).await;
    assert_eq!((made.status, made.body["profile"].get("postalAddress")), (200, None));
    assert_eq!(
        (&made.body["profile"]["mobilePhone"], &made.body["profile"]["secondEmail"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(made.body["credentials"], json!({ "provider": { "type": "OKTA", "name": "OKTA" } }));
}

#[tokio::test]
async fn a_hashed_password_is_an_import_and_a_question_is_shown() {
    let world = World::small().await;
    let profile = json!({ "firstName": "A", "lastName": "B", "email": "a@acme.example", "login": "a@acme.example" });
    let credentials = json!({
        "password": { "hash": { "algorithm": "BCRYPT", "workFactor": 10, "salt": "s", "value": "v" } },
        "recovery_question": { "question": "Who?", "answer": "Nobody" },
    });
    let body = json!({ "profile": profile, "credentials": credentials });
    let made = world.call(Method::POST, "/api/v1/users", Some(body)).await.body;
    assert_eq!(made["credentials"]["provider"], json!({ "type": "IMPORT", "name": "IMPORT" }));
    assert_eq!(made["credentials"]["recovery_question"], json!({ "question": "Who?" }));
    assert!(made["realmId"].as_str().is_some_and(|id| id.starts_with("guo")));
}

#[tokio::test]
async fn group_rules_are_a_list_and_a_bad_time_is_named_alone() {
    let world = World::small().await;
    let rules = world.get("/api/v1/groups/rules").await;
    assert_eq!((rules.status, &rules.body), (200, &json!([])));
    let refused = world.get("/api/v1/logs?since=foobar").await;
    assert_eq!(refused.body["errorCauses"].as_array().map(Vec::len), Some(1));
    assert!(!refused.body.to_string().contains("until"), "{refused:?}");
}

#[tokio::test]
async fn a_replaced_hook_takes_the_status_sent() {
    let world = World::small().await;
    let mut hook = json!({
        "name": "Leavers", "events": { "type": "EVENT_TYPE", "items": ["user.lifecycle.deactivate"] },
        "channel": { "type": "HTTP", "version": "1.0.0", "config": { "uri": "https://acme.example/hook" } },
    });
    let made = world.call(Method::POST, "/api/v1/eventHooks", Some(hook.clone())).await.body;
    assert_eq!((&made["status"], made.get("description")), (&json!("ACTIVE"), None));
    hook["status"] = json!("INACTIVE");
    let path = format!("/api/v1/eventHooks/{}", made["id"].as_str().unwrap_or_default());
    assert_eq!(world.call(Method::PUT, &path, Some(hook)).await.body["status"], "INACTIVE");
}

#[tokio::test]
async fn an_api_token_may_stand_beside_its_scheme_without_a_space() {
    let world = World::small().await;
    let token = format!("SSWS{}", world.okta.credentials().api_token);
    let request = world.request(Method::GET, "/api/v1/users?limit=1").header("authorization", token);
    assert_eq!(Seen::of(request).await.status, 200);
}

#[tokio::test]
async fn a_proof_may_escape_the_at_sign_of_a_login() {
    let world = World::small().await;
    world.hire("zara@acme.example").await;
    let app = App::new(&world, "required").await;
    let granted = app.token("okta.users.read").await;
    let token = granted.body["access_token"].as_str().expect("a token");
    let proof = app.bound(token, "GET", "/api/v1/users/zara%40acme.example").await;
    assert_eq!(app.show(token, "/api/v1/users/zara@acme.example", &proof).await.status, 200);
}
