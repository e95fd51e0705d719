//! References: a user by id, login or email, a group by id or name, an app by id or label; and nothing else.

use super::rows::Given;
use super::scene::Scene;
use super::stage::Stage;
use crate::world::{Reply, text};
use it::proxy::Exchange;
use serde_json::{Value, json};

impl Stage {
    async fn get_user(&self, reference: &str) -> Reply {
        self.act("user.get", json!({"user": reference})).await
    }

    /// A new user with this login and email, whom the search index knows.
    pub async fn hire(&self, login: &str, email: &str) -> String {
        let profile = json!({"login": login, "email": email, "firstName": "Hired", "lastName": "Person"});
        let body = json!({"profile": profile, "credentials": {"password": {"value": "correct horse battery"}}});
        let user = self.world.tenant("POST", "/api/v1/users?activate=true", Some(body)).await.expect(200);
        text(&user, "id").to_owned()
    }

    /// Lets the search index catch up.
    pub async fn index(&self) {
        self.world.sim("POST", "clock", Some(json!({"advance": "2s"}))).await;
    }
}

fn is_search(exchange: &Exchange) -> bool {
    exchange.query.as_deref().is_some_and(|query| query.contains("search="))
}

#[tokio::test]
async fn a_user_is_found_by_id_login_and_email_in_any_case() {
    let stage = Stage::start().await;
    let id = stage.hire("Zara.King@acme.example", "zara@mail.example").await;
    stage.index().await;
    for reference in
        [id.as_str(), "Zara.King@acme.example", "zara.king@ACME.example", "zara@mail.example", "ZARA@mail.example"]
    {
        let answer = stage.get_user(reference).await.expect(200);
        assert_eq!(answer["output"]["user"]["id"], json!(id), "{reference}");
    }
}

#[tokio::test]
async fn a_login_comes_before_an_email_and_two_of_one_email_are_ambiguous() {
    let stage = Stage::start().await;
    let owner = stage.hire("shared@acme.example", "first@mail.example").await;
    for login in ["one@acme.example", "two@acme.example"] {
        stage.hire(login, "shared@acme.example").await;
        stage.hire(&format!("x{login}"), "both@mail.example").await;
    }
    stage.index().await;
    assert_eq!(stage.get_user("shared@acme.example").await.expect(200)["output"]["user"]["id"], json!(owner));
    let reply = stage.act("user.suspend", json!({"user": "both@mail.example"})).await;
    assert_eq!(reply.problem(), "ambiguous-reference");
    let problem = reply.expect(409);
    let mut logins: Vec<_> =
        problem["candidates"].as_array().expect("candidates").iter().map(|it| text(it, "login")).collect();
    logins.sort_unstable();
    assert_eq!(logins, ["xone@acme.example", "xtwo@acme.example"]);
    assert!(stage.news().await.is_empty());
}

#[tokio::test]
async fn a_short_name_that_okta_would_take_is_nobody() {
    let stage = Stage::start().await;
    stage.hire("shorty@acme.example", "shorty@acme.example").await;
    assert_eq!(stage.world.tenant("GET", "/api/v1/users/shorty", None).await.status, 200);
    for reference in ["shorty", "SHORTY", "00u", "shorty@", "shórty@acme.example"] {
        let reply = stage.act("user.suspend", json!({"user": reference})).await;
        assert_eq!((reply.status, reply.problem()), (404, "okta-not-found"), "{reference} {:#}", reply.body);
    }
    assert!(stage.news().await.is_empty());
}

#[tokio::test]
async fn what_names_something_else_is_no_reference() {
    let stage = Stage::start().await;
    let sent = stage.world.okta.recorded();
    let long = "x".repeat(301);
    for reference in ["me", ".", "..", "", &long] {
        for (action, member, other) in [
            ("user.delete", "user", None),
            ("group.delete", "group", None),
            ("app.assign_user", "app", Some("user")),
            ("app.assign_user", "user", Some("app")),
        ] {
            let mut input = json!({member: reference});
            if let Some(other) = other {
                input[other] = "x".into();
            }
            let reply = stage.act(action, input).await;
            assert_eq!((reply.status, reply.problem()), (422, "invalid-body"), "{action} {member} {reference}");
            assert_eq!(reply.body["errors"][0]["pointer"], format!("/{member}"));
        }
    }
    assert!(stage.sent(sent).is_empty());
}

#[tokio::test]
async fn a_login_with_a_slash_is_found_by_a_search() {
    let stage = Stage::start().await;
    let id = stage.hire("it/ops@acme.example", "ops@mail.example").await;
    stage.index().await;
    let sent = stage.world.okta.recorded();
    let answer = stage.act("user.suspend", json!({"user": "IT/ops@acme.example"})).await.expect(200);
    assert_eq!(answer["output"]["user"]["id"], json!(id));
    let exchanges = stage.sent(sent);
    assert!(is_search(&exchanges[0]) && exchanges[1].path.ends_with(&format!("{id}/lifecycle/suspend")));
}

#[tokio::test]
async fn what_stands_in_a_reference_reaches_okta_as_it_is() {
    let stage = Stage::start().await;
    for login in
        ["a?b@acme.example", "a#b@acme.example", "a%2Fb@acme.example", "a+b@acme.example", "ü\"\\@acme.example"]
    {
        let id = stage.hire(login, "odd@mail.example").await;
        stage.index().await;
        assert_eq!(stage.get_user(login).await.expect(200)["output"]["user"]["id"], json!(id), "{login}");
    }
    for odd in ["../groups", "x/../../groups", "a?activate=true", "%2e%2e", "a\" or \"1\" eq \"1", " "] {
        let reply = stage.get_user(odd).await;
        assert_eq!((reply.status, reply.problem()), (404, "okta-not-found"), "{odd} {:#}", reply.body);
    }
}

#[tokio::test]
async fn a_group_is_found_by_id_and_by_its_whole_name_in_any_case() {
    let stage = Stage::start().await;
    let mut scene = Scene::default();
    stage.set(&[Given::Group], &mut scene).await;
    let upper = scene.get("name").expect("a name").to_uppercase();
    for reference in [scene.fill("{group}"), scene.fill("{name}"), upper] {
        let answer = stage.act("group.get", json!({"group": reference})).await.expect(200);
        assert_eq!(answer["output"]["group"]["id"], scene.json(r#""{group}""#), "{reference}");
    }
    for part in ["Row", "Row 00", "R"] {
        assert_eq!(stage.act("group.delete", json!({"group": part})).await.problem(), "okta-not-found", "{part}");
    }
    let twin = json!({"profile": {"name": scene.fill("{name}").to_lowercase()}});
    stage.world.tenant("POST", "/api/v1/groups", Some(twin)).await.expect(200);
    let reply = stage.act("group.delete", scene.json(r#"{"group": "{name}"}"#)).await;
    assert_eq!((reply.status, reply.problem()), (409, "ambiguous-reference"), "{:#}", reply.body);
    assert_eq!(reply.body["candidates"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_app_is_found_by_id_and_by_its_whole_label_in_any_case() {
    let stage = Stage::start().await;
    let app: &Value = stage.app("Google Workspace");
    for reference in [text(app, "id"), "Google Workspace", "google workspace"] {
        let answer = stage.act("app.list_users", json!({"app": reference})).await.expect(200);
        assert!(answer["output"]["items"].is_array(), "{reference}");
    }
    // Okta's list goes by beginnings, of the name in its catalogue too.
    for part in ["Google", "google", "Google Workspace 3"] {
        assert_eq!(stage.act("app.list_users", json!({"app": part})).await.problem(), "okta-not-found", "{part}");
    }
    let inactive = stage.app("Company Handbook");
    assert_eq!(inactive["status"], "INACTIVE");
    stage.act("app.list_users", json!({"app": "Company Handbook"})).await.expect(200);
}
