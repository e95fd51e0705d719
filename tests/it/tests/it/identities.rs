//! Every route and every kind of caller, in the shapes in which API Gateway tells of them.

use crate::function::all;
use crate::world::{World, text};
use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use okta_connector::http::{layered, named, openapi, public};
use okta_connector::lambda::Identity;
use serde_json::{Value, json};
use tower::ServiceExt;

const PUBLIC: [&str; 5] = ["health", "publicKeys", "verifyHook", "receiveHook", "oauthCallback"];
const ANYBODY: [&str; 8] = ["index", "me", "listActions", "getAction", "listConnections", "openapi", "docs", "mcp"];
const ADMINS: [&str; 12] = [
    "createConnection",
    "updateConnection",
    "deleteConnection",
    "changeAuth",
    "rotateKey",
    "authorize",
    "createTrigger",
    "updateTrigger",
    "deleteTrigger",
    "confirmRemovals",
    "listAudit",
    "listConnectionAudit",
];

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Nobody,
    OtherTeam,
    Member,
    Admin,
}

/// A role's session, as the IAM authorizer tells of it.
fn by_role(who: Who) -> Value {
    let role = match who {
        Who::Nobody => return Value::Null,
        Who::OtherTeam => "Sales",
        Who::Member => "Support",
        Who::Admin => "Admins",
    };
    json!({"iam": {
        "accessKey": "ASIAEXAMPLE", "accountId": "123456789012", "callerId": "AROAEXAMPLE:ada", "cognitoIdentity": null,
        "principalOrgId": null, "userArn": format!("arn:aws:sts::123456789012:assumed-role/{role}/ada"),
        "userId": "AROAEXAMPLE:ada",
    }})
}

/// A token's claims, as the JWT authorizer tells of them: all of them text.
fn by_token(who: Who) -> Value {
    let claims = claims(who);
    let flat = |name: &str| match &claims[name] {
        Value::Array(all) => format!("[{}]", all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        text => text.as_str().unwrap_or_default().to_owned(),
    };
    let flat = json!({"sub": flat("sub"), "teams": flat("teams"), "scope": flat("scope"), "aud": "connector"});
    if who == Who::Nobody { Value::Null } else { json!({"jwt": {"claims": flat, "scopes": null}}) }
}

/// The claims of a token. A group's name with a blank in it is not the team of the same word.
fn claims(who: Who) -> Value {
    let (teams, scope) = match who {
        Who::Nobody => return Value::Null,
        Who::OtherTeam => (json!(["sales", "hr", "Friends of it"]), "openid"),
        Who::Member => (json!(["it", "sales"]), "openid"),
        Who::Admin => (json!([]), "openid okta-connector.admin"),
    };
    json!({"sub": "ada", "teams": teams, "scope": scope, "aud": "connector"})
}

struct Deployed {
    router: Router,
    authorizer: fn(Who) -> Value,
}

impl Deployed {
    fn of(world: &World, authorizer: fn(Who) -> Value) -> Self {
        let app = world.app();
        let roles = "arn:aws:iam::123456789012:role/Admins";
        let teams = "it=arn:aws:iam::123456789012:role/Support,sales=arn:aws:iam::123456789012:role/Sales";
        let routes = all(app).merge(named("public", public(app.ground())));
        let router =
            Identity::new(roles, teams, "teams", "okta-connector.admin").layer(layered(routes, app.clock.clone()));
        Self { router, authorizer }
    }

    async fn call(&self, who: Who, method: &str, path: &str) -> StatusCode {
        let mut event: Value = serde_json::from_str(include_str!("../../../../events/connect.json")).expect("an event");
        let takes_body = matches!(method, "POST" | "PUT" | "PATCH");
        event["body"] = if takes_body { json!(r#"{"bogus": 1}"#) } else { Value::Null };
        event["requestContext"]["http"]["method"] = json!(method);
        (event["rawPath"], event["requestContext"]["http"]["path"]) = (json!(path), json!(path));
        event["requestContext"]["authorizer"] = (self.authorizer)(who);
        let token = format!("Bearer e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims(who).to_string()));
        event["headers"]["authorization"] = json!(token);
        let request = lambda_http::request::from_str(&event.to_string()).expect("a request");
        let request = request.map(|body| Body::from(body.to_vec()));
        self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {}).status()
    }
}

/// Every operation of the API with its method and a path that leads to something; what deletes comes last.
async fn operations(world: &World, id: &str) -> Vec<(String, String, String)> {
    let path = format!("/v1/connections/{id}");
    let first = async |list: &str| text(&world.all(&format!("{path}/{list}")).await[0], "id").to_owned();
    let search = json!({"type": "new_events", "schedule": "rate(1 hour)", "deliver": ["feed"]});
    let trigger = world.api("POST", &format!("{path}/triggers"), Some(search)).await.expect(201);
    let mut there = vec![("{id}", id.to_owned()), ("{trigger}", text(&trigger, "id").to_owned())];
    for (name, list) in [
        ("{user}", "people"),
        ("{group}", "groups"),
        ("{app}", "apps"),
        ("{location}", "locations"),
        ("{sync}", "syncs"),
    ] {
        there.push((name, first(list).await));
    }
    there.extend([("{name}", "user.get".to_owned()), ("{hook}", "hook_1".to_owned())]);
    let described: Value = serde_json::from_str(openapi()).expect("JSON");
    let mut operations = Vec::new();
    for (path, methods) in described["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            if let Some(name) = operation["operationId"].as_str() {
                let path = there.iter().fold(path.clone(), |path, (name, value)| path.replace(name, value));
                operations.push((name.to_owned(), method.to_uppercase(), path));
            }
        }
    }
    operations.sort_by_key(|(name, method, _)| (method == "DELETE", name == "deleteConnection"));
    operations
}

/// What somebody is told; none: that they may.
fn refusal(operation: &str, path: &str, who: Who) -> Option<u16> {
    let of_connection = path.starts_with("/v1/connections/");
    match who {
        Who::Nobody => Some(401),
        Who::OtherTeam if of_connection => Some(404),
        Who::OtherTeam | Who::Member if ADMINS.contains(&operation) => Some(403),
        Who::OtherTeam => {
            assert!(ANYBODY.contains(&operation), "{operation} is nobody's");
            None
        }
        Who::Member | Who::Admin => None,
    }
}

async fn every_route_tells_every_caller_what_it_should(authorizer: fn(Who) -> Value) {
    let world = World::start().await;
    let id = world.synced().await;
    let open = json!({"teams": ["it"], "permissions": {"actions": ["all"]}});
    world.api("PATCH", &format!("/v1/connections/{id}"), Some(open)).await.expect(200);
    world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    let operations = operations(&world, &id).await;
    assert!(operations.len() > 80, "{}", operations.len());
    let deployed = Deployed::of(&world, authorizer);
    for (operation, method, path) in operations {
        let mut answers = Vec::new();
        for who in [Who::Nobody, Who::OtherTeam, Who::Member, Who::Admin] {
            let status = deployed.call(who, &method, &path).await.as_u16();
            answers.push(status);
            if !PUBLIC.contains(&operation.as_str()) {
                let told = Some(status).filter(|status| [401, 403, 404].contains(status));
                assert_eq!(told, refusal(&operation, &path, who), "{who:?}: {method} {path} ({status})");
            }
        }
        if PUBLIC.contains(&operation.as_str()) {
            assert!(answers.iter().all(|it| *it == answers[0]), "{operation} asks nobody who they are: {answers:?}");
        }
    }
}

#[tokio::test]
async fn every_route_tells_every_role_what_it_should() {
    every_route_tells_every_caller_what_it_should(by_role).await;
}

#[tokio::test]
async fn every_route_tells_every_token_what_it_should() {
    every_route_tells_every_caller_what_it_should(by_token).await;
}
