//! Group rules: what they do to members, and what they leave alone.

use reqwest::Method;
use serde_json::{Value, json};

use crate::admins::{id, new_group, staffed};
use crate::world::{App, Seen, World};

const RULES: &str = "/api/v1/groups/rules";

fn draft(name: &str, expression: &str, group: &str) -> Value {
    json!({
        "type": "group_rule", "name": name,
        "conditions": { "expression": { "value": expression, "type": "urn:okta:expression:1.0" } },
        "actions": { "assignUserToGroups": { "groupIds": [group] } },
    })
}

/// A new rule that is at work; the answer is its path.
async fn active(world: &World, expression: &str, group: &str) -> String {
    let made = world.call(Method::POST, RULES, Some(draft(&format!("To {group}"), expression, group))).await;
    assert_eq!((made.status, &made.body["status"]), (200, &json!("INACTIVE")), "{made:?}");
    let path = format!("{RULES}/{}", id(&made));
    assert_eq!(turn(world, &path, "activate").await.status, 204);
    path
}

async fn turn(world: &World, rule: &str, how: &str) -> Seen {
    world.post(&format!("{rule}/lifecycle/{how}")).await
}

async fn members(world: &World, group: &str) -> Vec<String> {
    world.get(&format!("/api/v1/groups/{group}/users")).await.ids()
}

async fn update(world: &World, user: &str, profile: Value) {
    let body = json!({ "profile": profile });
    let updated = world.call(Method::POST, &format!("/api/v1/users/{user}"), Some(body)).await;
    assert_eq!(updated.status, 200, "{updated:?}");
}

async fn events(world: &World, group_or_rule: &str) -> Vec<Value> {
    let filter = format!("target.id+eq+%22{group_or_rule}%22+and+eventType+sw+%22group.user_membership%22");
    world.get(&format!("/api/v1/logs?limit=1000&filter={filter}")).await.items().to_vec()
}

/// What happened to memberships and rules, and by what kind of actor.
fn kinds(events: &[Value]) -> Vec<(&str, &str)> {
    let mut kinds = Vec::new();
    for event in events {
        let kind = event["eventType"].as_str().unwrap_or_default();
        let actor = event["actor"]["type"].as_str().unwrap_or_default();
        kinds.push((kind.trim_start_matches("group.user_membership."), actor));
    }
    kinds
}

#[tokio::test]
async fn a_rule_follows_the_profile_and_the_log_names_it() {
    let world = World::small().await;
    let user = world.hire("zara@acme.example").await;
    let group = new_group(&world, "Astronauts").await;
    let rule = active(&world, r#"user.department=="Space""#, &group).await;
    assert_eq!(members(&world, &group).await, [""; 0]);
    update(&world, &user, json!({ "department": "Space" })).await;
    assert_eq!(members(&world, &group).await, [user.as_str()]);
    let managed = world.get(&format!("/api/v1/groups/{group}/users/{user}/group-rules")).await;
    assert_eq!(managed.items(), [world.get(&rule).await.body]);
    update(&world, &user, json!({ "department": "Sales" })).await;
    assert_eq!(members(&world, &group).await, [""; 0]);
    let events = events(&world, &group).await;
    assert_eq!(kinds(&events), [("add", "SystemPrincipal"), ("remove", "SystemPrincipal")]);
    for event in &events {
        let cause = &event["debugContext"]["debugData"]["triggeredByGroupRuleId"];
        assert!(rule.ends_with(cause.as_str().expect("the rule's id")), "{event}");
    }
}

#[tokio::test]
async fn a_rule_is_evaluated_for_everyone_when_it_is_activated() {
    let world = World::small().await;
    let group = new_group(&world, "Contractors").await;
    let rule = active(&world, r#"user.userType=="Contractor""#, &group).await;
    let people = world.get("/api/v1/users?limit=200").await;
    let wanted: Vec<String> = people
        .items()
        .iter()
        .filter(|user| user["profile"]["userType"] == "Contractor")
        .map(|user| user["id"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert!(!wanted.is_empty());
    assert_eq!(members(&world, &group).await, wanted);
    assert_eq!(
        kinds(&events(&world, rule.rsplit('/').next().unwrap_or_default()).await),
        [("rule.trigger", "SystemPrincipal")]
    );
    assert_eq!(turn(&world, &rule, "activate").await.status, 204, "once more changes nothing");
    assert_eq!(events(&world, &group).await.len(), wanted.len());
}

#[tokio::test]
async fn a_new_user_and_one_who_comes_back_are_put_where_they_belong() {
    let world = World::small().await;
    let group = new_group(&world, "Novaks").await;
    active(&world, r#"String.toLowerCase(user.lastName)=="novak""#, &group).await;
    let user = world.hire("zara@acme.example").await;
    assert_eq!(members(&world, &group).await, [user.as_str()]);
    world.post(&format!("/api/v1/users/{user}/lifecycle/deactivate")).await;
    assert_eq!(members(&world, &group).await, [""; 0]);
    world.post(&format!("/api/v1/users/{user}/lifecycle/activate")).await;
    assert_eq!(members(&world, &group).await, [user]);
}

#[tokio::test]
async fn a_rule_follows_the_members_of_another_group() {
    let world = World::small().await;
    let user = world.hire("zara@acme.example").await;
    let [first, second] = [new_group(&world, "Zebras").await, new_group(&world, "Herd").await];
    active(&world, &format!("isMemberOfAnyGroup(\"{first}\")"), &second).await;
    let member = format!("/api/v1/groups/{first}/users/{user}");
    for (method, wanted) in [(Method::PUT, vec![user.clone()]), (Method::DELETE, Vec::new())] {
        assert_eq!(world.call(method, &member, None).await.status, 204);
        assert_eq!(members(&world, &second).await, wanted);
    }
}

#[tokio::test]
async fn a_member_removed_by_hand_is_excluded_from_the_rule() {
    let world = World::small().await;
    let user = world.hire("zara@acme.example").await;
    let group = new_group(&world, "Novaks").await;
    let rule = active(&world, r#"user.lastName=="Novak""#, &group).await;
    let member = format!("/api/v1/groups/{group}/users/{user}");
    assert_eq!(world.call(Method::DELETE, &member, None).await.status, 204);
    assert_eq!(members(&world, &group).await, [""; 0]);
    let people = world.get(&rule).await.body["conditions"]["people"].clone();
    assert_eq!(people, json!({ "users": { "exclude": [user] }, "groups": { "exclude": [] } }));
    update(&world, &user, json!({ "nickName": "Z" })).await;
    assert_eq!(members(&world, &group).await, [""; 0], "the rule does not put the user back");
    let events = events(&world, &user).await;
    let expected = [("add", "SystemPrincipal"), ("rule.add_exclusion", "SystemPrincipal"), ("remove", "User")];
    assert_eq!(kinds(&events), expected);
}

#[tokio::test]
async fn members_stay_while_a_rule_sleeps_and_leave_when_it_wakes_up_changed() {
    let world = World::small().await;
    let user = world.hire("zara@acme.example").await;
    let group = new_group(&world, "Novaks").await;
    let rule = active(&world, r#"user.lastName=="Novak""#, &group).await;
    let changed = draft("Nobody", r#"user.lastName=="Nobody""#, &group);
    let refused = world.call(Method::PUT, &rule, Some(changed.clone())).await;
    assert_eq!((refused.status, refused.code()), (400, "E0000001"), "an active rule cannot be changed");
    assert_eq!(world.call(Method::DELETE, &rule, None).await.status, 400, "nor deleted");
    assert_eq!(turn(&world, &rule, "deactivate").await.status, 204);
    update(&world, &user, json!({ "lastName": "Novakova" })).await;
    assert_eq!(members(&world, &group).await, [user.as_str()]);
    assert_eq!(world.call(Method::PUT, &rule, Some(changed)).await.body["name"], "Nobody");
    assert_eq!(turn(&world, &rule, "activate").await.status, 204);
    assert_eq!(members(&world, &group).await, [""; 0]);
}

#[tokio::test]
async fn a_deleted_rule_leaves_its_members_or_takes_them_along() {
    let world = World::small().await;
    let user = world.hire("zara@acme.example").await;
    for (query, left) in [("", vec![user.clone()]), ("?removeUsers=true", Vec::new())] {
        let group = new_group(&world, &format!("Novaks{query}")).await;
        let rule = active(&world, r#"user.lastName=="Novak""#, &group).await;
        turn(&world, &rule, "deactivate").await;
        assert_eq!(world.call(Method::DELETE, &format!("{rule}{query}"), None).await.status, 202);
        assert_eq!(members(&world, &group).await, left);
        assert_eq!(world.get(&rule).await.status, 404);
    }
}

#[tokio::test]
async fn a_rule_without_its_group_can_only_be_read_and_deleted() {
    let world = World::small().await;
    let group = new_group(&world, "Zebras").await;
    let rule = active(&world, r#"user.lastName=="Novak""#, &group).await;
    assert_eq!(world.call(Method::DELETE, &format!("/api/v1/groups/{group}"), None).await.status, 204);
    assert_eq!(world.get(&rule).await.body["status"], "INVALID");
    for how in ["activate", "deactivate"] {
        let refused = turn(&world, &rule, how).await;
        assert_eq!((refused.status, refused.code()), (400, "E0000001"));
        assert!(refused.body.to_string().contains("with the status INVALID"), "{refused:?}");
    }
    assert_eq!(world.call(Method::DELETE, &rule, None).await.status, 202);
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_refused() {
    let world = World::small().await;
    let group = new_group(&world, "Zebras").await;
    let imported = world.get("/api/v1/groups?filter=type+eq+%22APP_GROUP%22").await.ids().remove(0);
    let fine = r#"user.lastName=="Novak""#;
    for refused in [
        draft("", fine, &group),
        draft(&"x".repeat(51), fine, &group),
        draft("Rule", "user.lastName", &group),
        draft("Rule", r#"user.lastName=="Novak"#, &group),
        draft("Rule", fine, "00g00000000000000000"),
        draft("Rule", fine, &imported),
        json!({ "type": "group_rule", "name": "Rule" }),
    ] {
        let seen = world.call(Method::POST, RULES, Some(refused.clone())).await;
        assert_eq!((seen.status, seen.code()), (400, "E0000001"), "{refused}");
    }
    let admins = new_group(&world, "Admins").await;
    let role = json!({ "type": "ORG_ADMIN" });
    world.call(Method::POST, &format!("/api/v1/groups/{admins}/roles"), Some(role)).await;
    assert_eq!(world.call(Method::POST, RULES, Some(draft("Rule", fine, &admins))).await.status, 400);
    assert_eq!(world.call(Method::POST, RULES, Some(draft("Rule", fine, &group))).await.status, 200);
    assert_eq!(world.call(Method::POST, RULES, Some(draft("Rule", fine, &group))).await.status, 400);
}

#[tokio::test]
async fn rules_are_listed_in_pages_and_by_the_start_of_their_names() {
    let world = staffed().await;
    let rules = world.get(RULES).await;
    let names: Vec<_> = rules.items().iter().map(|rule| (rule["name"].clone(), rule["status"].clone())).collect();
    assert_eq!(names, [(json!("Pilot members"), json!("ACTIVE")), (json!("Pilot leads"), json!("ACTIVE"))]);
    let first = world.get(&format!("{RULES}?limit=1")).await;
    let second = world.get(&first.next().expect("a next page")).await;
    assert_eq!([first.ids(), second.ids()].concat(), rules.ids());
    let found = world.get(&format!("{RULES}?search=pilot+l&expand=groupIdToGroupNameMap")).await;
    let names = found.body[0]["_embedded"]["groupIdToGroupNameMap"].as_object().cloned().unwrap_or_default();
    assert_eq!((found.ids(), names.len()), (vec![rules.ids()[1].clone()], 1));
}

#[tokio::test]
async fn only_super_and_organization_administrators_change_rules() {
    let world = staffed().await;
    let app = App::new(&world, "off").await;
    let granted = app.ask(&app.assertion(&app.claims().await), "okta.groups.manage", None).await;
    let token = granted.body["access_token"].as_str().unwrap_or_default();
    let rule = format!("{RULES}/{}", world.get(RULES).await.ids()[0]);
    for (role, status, listed) in [("ORG_ADMIN", 204, 2), ("USER_ADMIN", 403, 2), ("REPORT_ADMIN", 403, 0)] {
        world.door(Method::PATCH, "/app", json!({ "role": role })).await;
        let request = world.request(Method::POST, &format!("{rule}/lifecycle/activate")).bearer_auth(token);
        assert_eq!(Seen::of(request.header("content-length", "0")).await.status, status, "{role}");
        assert_eq!(app.bearer(token, RULES).await.items().len(), listed, "{role}");
    }
}
