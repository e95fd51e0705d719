//! What Okta refuses: a wrong state, a missing scope or role, something that is not there.

use super::rows::{self, Row};
use super::scene::{Scene, With};
use super::stage::Stage;
use crate::world::{Reply, text};
use serde_json::json;
use std::collections::BTreeSet;

/// Lists of which Okta shows nothing, instead of refusing, to whoever has no role.
const EMPTY_WITHOUT_A_ROLE: [&str; 4] = ["user.search", "group.list", "group.find", "app.list"];

impl Stage {
    /// Gives the connection's app these scopes, and lets the connection find out.
    async fn grant(&self, scopes: &BTreeSet<String>) {
        self.world.sim("PATCH", "app", Some(json!({"scopes": scopes}))).await;
        let connected = self.world.put_auth(&self.id, self.world.app_auth()).await.expect(200);
        assert_eq!((&connected["status"], &connected["auth"]["scopes"]), (&json!("Active"), &json!(scopes)));
    }

    /// Calls a row's action, which must change nothing and say so in the audit.
    async fn refused(&self, row: &Row, scene: &Scene) -> Reply {
        let reply = self.call(row, scene).await;
        assert_eq!(self.news().await, Vec::<String>::new(), "{}", row.name);
        if !row.reads() {
            assert_eq!(text(&self.audit().await[0], "outcome"), "failed", "{}", row.name);
        }
        reply
    }

    /// Asserts that Okta does not allow a row's action, and why.
    async fn forbidden(&self, row: &Row, finding: &str) {
        let scene = self.arrange(row).await;
        let reply = self.refused(row, &scene).await;
        assert_eq!((reply.problem(), &reply.body["finding"]), ("okta-forbidden", &json!(finding)), "{}", row.name);
        reply.expect(403);
    }

    /// The scopes that an action names.
    async fn scopes(&self) -> Vec<(Row, BTreeSet<String>)> {
        let actions = self.world.all("/v1/actions").await;
        let scopes = |row: &Row| {
            let action = actions.iter().find(|action| action["name"] == row.name).expect("an action");
            serde_json::from_value(action["scopes"].clone()).expect("scopes")
        };
        let mut scopes: Vec<(Row, BTreeSet<String>)> = rows::all().map(|row| (row, scopes(&row))).collect();
        scopes.sort_by(|(_, one), (_, other)| one.cmp(other));
        scopes
    }
}

#[tokio::test]
async fn a_wrong_state_is_told_with_the_state() {
    let stage = Stage::start().await;
    for row in rows::all() {
        for status in row.wrong {
            let scene = stage.arrange(&row).await;
            stage.put(&scene, &json!({"status": status})).await;
            let reply = stage.refused(&row, &scene).await;
            assert_eq!(reply.problem(), "wrong-state", "{} {status} {:#}", row.name, reply.body);
            assert_eq!(reply.expect(409)["current_status"], *status, "{}", row.name);
        }
    }
}

#[tokio::test]
async fn the_scopes_that_an_action_names_are_enough() {
    let stage = Stage::start().await;
    let mut granted = BTreeSet::new();
    for (row, scopes) in stage.scopes().await {
        if scopes != granted {
            stage.grant(&scopes).await;
            granted = scopes;
        }
        let scene = stage.arrange(&row).await;
        let answer = stage.call(&row, &scene).await.expect(200);
        let steps = answer["output"]["steps"].as_array().into_iter().flatten();
        assert!(steps.into_iter().all(|step| step["status"] == "done"), "{answer:#}");
    }
}

#[tokio::test]
async fn without_its_scopes_an_action_is_forbidden() {
    let stage = Stage::start().await;
    stage.grant(&BTreeSet::from(["okta.orgs.read".to_owned()])).await;
    for row in rows::all() {
        stage.forbidden(&row, "scope_missing").await;
    }
    let reads = ["okta.users.read", "okta.groups.read", "okta.apps.read", "okta.logs.read"];
    stage.grant(&reads.map(str::to_owned).into()).await;
    for row in rows::all().filter(|row| !row.reads() && row.name != "user.offboard") {
        stage.forbidden(&row, "scope_missing").await;
    }
}

#[tokio::test]
async fn without_a_role_an_action_is_forbidden_and_a_list_is_empty() {
    let stage = Stage::start().await;
    stage.world.sim("PATCH", "app", Some(json!({"role": null}))).await;
    for row in rows::all() {
        if EMPTY_WITHOUT_A_ROLE.contains(&row.name) {
            let scene = stage.arrange(&row).await;
            let answer = stage.call(&row, &scene).await.expect(200);
            assert_eq!(answer["output"], json!({"items": [], "next_cursor": null}), "{}", row.name);
        } else {
            stage.forbidden(&row, "role_missing").await;
        }
    }
    stage.world.sim("PATCH", "app", Some(json!({"role": "READ_ONLY_ADMIN"}))).await;
    for row in rows::all().filter(|row| row.name != "user.offboard") {
        if row.reads() {
            let scene = stage.arrange(&row).await;
            stage.call(&row, &scene).await.expect(200);
        } else {
            stage.forbidden(&row, "role_missing").await;
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let stage = Stage::start().await;
    for row in rows::all() {
        let scene = stage.arrange(&row).await;
        let input = scene.json(row.input);
        for (reference, unknown) in [("user", "00u0000000000000nope"), ("group", "00g1"), ("app", "0oa1")] {
            if input.get(reference).is_none() {
                continue;
            }
            let mut input = input.clone();
            input[reference] = unknown.into();
            let reply = stage.act(row.name, input).await;
            assert_eq!((reply.status, reply.problem()), (404, "okta-not-found"), "{} {:#}", row.name, reply.body);
            assert!(text(&reply.body, "detail").contains(unknown), "{:#}", reply.body);
            assert_eq!(stage.news().await, Vec::<String>::new(), "{}", row.name);
        }
    }
}

#[tokio::test]
async fn an_attribute_that_the_schema_lacks_is_refused_before_anything_is_changed() {
    let stage = Stage::start().await;
    let row = rows::all().find(|row| row.name == "user.update").expect("a row");
    let scene = stage.arrange(&row).await;
    let profile = json!({"shoeSize": 44, "hat/Size": null, "lastName": "Baker"});
    let reply = stage.act("user.update", scene.json(r#"{"user": "{user}"}"#).with("profile", profile)).await;
    let mut pointers: Vec<_> =
        reply.body["errors"].as_array().expect("errors").iter().map(|e| text(e, "pointer")).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/profile/hat~1Size", "/profile/shoeSize"]);
    assert!(stage.news().await.is_empty());
}

#[tokio::test]
async fn members_of_a_group_that_okta_does_not_master_are_not_changed() {
    let stage = Stage::start().await;
    let row = rows::all().find(|row| row.name == "group.add_user").expect("a row");
    let scene = stage.arrange(&row).await;
    let groups = stage.world.tenant("GET", "/api/v1/groups", None).await.expect(200);
    for kind in ["APP_GROUP", "BUILT_IN"] {
        let group = groups.as_array().and_then(|groups| groups.iter().find(|group| group["type"] == kind));
        let group = text(group.expect("a group"), "id");
        for action in ["group.add_user", "group.remove_user"] {
            let reply = stage.act(action, scene.json(r#"{"user": "{user}"}"#).with("group", group)).await;
            assert_eq!((reply.status, reply.problem()), (422, "okta-rejected"), "{action} {kind}");
            assert!(text(&reply.body, "detail").contains(kind), "{:#}", reply.body);
        }
    }
    assert!(stage.news().await.is_empty());
}

#[tokio::test]
async fn a_refusal_of_oktas_own_rules_is_given_in_its_words() {
    let stage = Stage::start().await;
    let mastered = ("E0000023", "mastered under another system");
    let granted = ("E0000046", "Deactivate application for user forbidden");
    for (name, (code, words)) in [
        ("user.update", mastered),
        ("user.reset_password", mastered),
        ("user.forgot_password", mastered),
        ("user.expire_password", mastered),
        ("app.unassign_user", granted),
    ] {
        let row = rows::all().find(|row| row.name == name).expect("a row");
        let scene = stage.arrange(&row).await;
        let refused = json!({"fault": "status", "status": 403, "error_code": code, "times": 1});
        stage.fault_at(row.heart(), &scene, refused).await;
        let reply = stage.refused(&row, &scene).await;
        assert_eq!((reply.status, reply.problem()), (422, "okta-rejected"), "{name} {:#}", reply.body);
        assert!(text(&reply.body, "detail").contains(words), "{name} {:#}", reply.body);
    }
}

#[tokio::test]
async fn a_taken_login_is_reported_with_the_user_who_has_it() {
    let stage = Stage::start().await;
    let row = rows::all().find(|row| row.name == "user.update").expect("a row");
    for status in ["ACTIVE", "DEPROVISIONED"] {
        let scene = stage.arrange(&row).await;
        stage.put(&scene, &json!({"status": status})).await;
        let user = scene.get("user").expect("an id");
        let login = scene.get("login").expect("a login");
        let profile = json!({"login": login, "email": login, "firstName": "Once", "lastName": "More"});
        let reply = stage.act("user.create", json!({"profile": profile})).await;
        assert_eq!((reply.status, reply.problem()), (409, "already-exists"), "{status} {:#}", reply.body);
        assert_eq!(reply.body["current_status"], status);
        assert_eq!(reply.body["candidates"], json!([{"id": user, "login": login, "status": status}]));
    }
    assert!(stage.news().await.is_empty());
}

#[tokio::test]
async fn an_app_that_a_group_grants_is_not_taken_away() {
    let stage = Stage::start().await;
    let app = text(stage.app("Slack"), "id");
    let users = stage.world.tenant("GET", &format!("/api/v1/apps/{app}/users?limit=500"), None).await.expect(200);
    let granted = users.as_array().and_then(|users| users.iter().find(|user| user["scope"] == "GROUP"));
    let input = json!({"app": app, "user": granted.expect("somebody through a group")["id"]});
    let reply = stage.act("app.unassign_user", input).await;
    assert_eq!((reply.status, reply.problem()), (422, "okta-rejected"), "{:#}", reply.body);
    assert!(text(&reply.body, "detail").contains("out of that group"), "{:#}", reply.body);
    assert!(stage.news().await.is_empty());
}

#[tokio::test]
async fn an_existing_group_is_named_as_the_candidate() {
    let stage = Stage::start().await;
    let made = stage.act("group.create", json!({"name": "Twins"})).await.expect(200);
    stage.index().await;
    let again = stage.act("group.create", json!({"name": "Twins"})).await;
    assert_eq!(again.problem(), "already-exists", "{:#}", again.body);
    assert_eq!(again.body["candidates"][0]["id"], made["output"]["group"]["id"]);
}

#[tokio::test]
async fn an_assignment_that_another_caller_just_made_changes_nothing() {
    let stage = Stage::start().await;
    let user = stage.hire("ana@acme.example", "ana@mail.example").await;
    let apps = stage.world.tenant("GET", "/api/v1/apps?q=Slack", None).await.expect(200);
    let app = text(&apps[0], "id");
    // Okta carries the request out and answers as if it came second.
    let taken = json!({
        "fault": "status", "status": 409, "error_code": "E0000062", "after": true, "times": 1,
        "method": "POST", "path": format!("/api/v1/apps/{app}/users"),
    });
    stage.world.sim("POST", "faults", Some(taken)).await;
    let answer = stage.act("app.assign_user", json!({"app": app, "user": user})).await.expect(200);
    assert_eq!(answer["output"]["changed"], false, "{answer:#}");
}
