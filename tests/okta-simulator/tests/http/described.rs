//! Administrators against Okta's own description of its API, where it describes them: `openapi-subset.json`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::admins::{id, new_group, staffed};
use crate::world::facts;

/// Okta's description.
struct Description(Value);

impl Description {
    fn load() -> Option<Description> {
        let text = std::fs::read_to_string(facts()?.join("openapi-subset.json")).expect("a description");
        Some(Description(serde_json::from_str(&text).expect("JSON")))
    }

    /// The schema of an operation's answer.
    fn answer(&self, method: &str, path: &str, status: &str) -> &Value {
        let operation = &self.0["paths"][path][method];
        let schema = &operation["responses"][status]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {path} {status}");
        schema
    }

    /// What a schema leads to: by reference, or by the discriminator of its alternatives.
    fn resolve<'d>(&'d self, schema: &'d Value, value: &Value) -> &'d Value {
        if let Some(name) = schema["$ref"].as_str() {
            let pointer = name.trim_start_matches('#');
            return self.resolve(self.0.pointer(pointer).expect("a schema"), value);
        }
        let mapping = &schema["discriminator"]["mapping"];
        let property = schema["discriminator"]["propertyName"].as_str().unwrap_or_default();
        match value[property].as_str().and_then(|kind| mapping[kind].as_str()) {
            Some(name) => self.resolve(self.0.pointer(name.trim_start_matches('#')).expect("a schema"), value),
            None => schema,
        }
    }

    /// A schema and everything it is made of.
    fn layers<'d>(&'d self, schema: &'d Value, value: &Value) -> Vec<&'d Value> {
        let schema = self.resolve(schema, value);
        let parts = schema["allOf"].as_array().into_iter().flatten();
        let parts = parts.flat_map(|part| self.layers(part, value));
        std::iter::once(schema).chain(parts).collect()
    }

    /// Everything in a value that its schema does not declare, or declares otherwise.
    fn faults(&self, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
        let layers = self.layers(schema, value);
        for layer in &layers {
            found.extend(faults_of_layer(layer, value).into_iter().map(|fault| format!("{place}: {fault}")));
        }
        let items = layers.iter().map(|layer| &layer["items"]).find(|items| items.is_object());
        for (at, item) in value.as_array().into_iter().flatten().enumerate() {
            self.faults(items.unwrap_or(&Value::Null), item, &format!("{place}/{at}"), found);
        }
        let is_open = layers.iter().any(|layer| layer["additionalProperties"] == true);
        for (name, member) in value.as_object().into_iter().flatten() {
            match layers.iter().find_map(|layer| layer["properties"].get(name)) {
                Some(schema) => self.faults(schema, member, &format!("{place}/{name}"), found),
                None if is_open => {}
                None => found.push(format!("{place}: {name} is not described")),
            }
        }
    }

    fn complaints(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.faults(schema, value, "", &mut found);
        found
    }
}

/// What is wrong with a value by one layer of its schema alone.
fn faults_of_layer(layer: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if layer["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        found.push(format!("{value} is none of the values"));
    }
    let fits = match layer["type"].as_str() {
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !fits {
        found.push(format!("{value} is no {}", layer["type"]));
    }
    let required = layer["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let missing = required.filter(|name| value.get(name).is_none());
    found.extend(missing.map(|name| format!("{name} is missing")));
    found
}

const USER_ROLES: &str = "/api/v1/users/{userId}/roles";
const GROUP_ROLES: &str = "/api/v1/groups/{groupId}/roles";
const CLIENT_ROLES: &str = "/oauth2/v1/clients/{clientId}/roles";

#[tokio::test]
async fn lists_of_roles_are_as_described() {
    let Some(description) = Description::load() else { return };
    let world = staffed().await;
    let assignees = world.get("/api/v1/iam/assignees/users").await.body["value"].clone();
    let mut kinds = std::collections::BTreeSet::new();
    for user in assignees.as_array().into_iter().flatten() {
        for expand in ["", "?expand=targets/groups", "?expand=targets/catalog/apps"] {
            let path = format!("/api/v1/users/{}/roles{expand}", user["id"].as_str().unwrap_or_default());
            let roles = world.get(&path).await;
            kinds.extend(roles.items().iter().map(|role| role["type"].to_string()));
            let complaints = description.complaints(description.answer("get", USER_ROLES, "200"), &roles.body);
            // A group shows its owners and its source, which the description of groups has not heard of yet.
            let complaints: Vec<_> =
                complaints.iter().filter(|text| !text.contains("/_embedded/targets/groups")).collect();
            assert!(complaints.is_empty(), "{complaints:?}");
        }
    }
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    let client = format!("/oauth2/v1/clients/{}/roles", world.okta.credentials().client_id);
    let roles = world.get(&client).await;
    assert_eq!(roles.items().len(), 1);
    let complaints = description.complaints(description.answer("get", CLIENT_ROLES, "200"), &roles.body);
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[tokio::test]
async fn granted_roles_are_as_described() {
    let Some(description) = Description::load() else { return };
    let world = staffed().await;
    let user = world.hire("zara@acme.example").await;
    let group = new_group(&world, "Zebras").await;
    let role = world.get("/api/v1/iam/roles").await.body["roles"][0]["id"].clone();
    let set = world.get("/api/v1/iam/resource-sets").await.body["resource-sets"][0]["id"].clone();
    let custom = json!({ "type": "CUSTOM", "role": role, "resource-set": set });
    for body in [json!({ "type": "HELP_DESK_ADMIN" }), custom] {
        // What a group's role is answered with is described under another status than the recorded one.
        for (who, path, status) in
            [(format!("users/{user}"), USER_ROLES, "201"), (format!("groups/{group}"), GROUP_ROLES, "200")]
        {
            let made = world.call(Method::POST, &format!("/api/v1/{who}/roles"), Some(body.clone())).await;
            assert_eq!((made.status, id(&made).is_empty()), (201, false), "{made:?}");
            let complaints = description.complaints(description.answer("post", path, status), &made.body);
            assert!(complaints.is_empty(), "{complaints:?}");
        }
    }
    let roles = world.get(&format!("/api/v1/groups/{group}/roles")).await;
    let complaints = description.complaints(description.answer("get", GROUP_ROLES, "200"), &roles.body);
    assert!(complaints.is_empty() && roles.items().len() == 2, "{complaints:?}");
}

#[test]
fn a_judge_that_finds_nothing_wrong_would_be_no_judge() {
    let Some(description) = Description::load() else { return };
    let schema = description.answer("get", USER_ROLES, "200");
    let good = json!({ "type": "ORG_ADMIN", "status": "ACTIVE", "id": "ra1" });
    assert!(description.complaints(schema, &json!([good])).is_empty());
    for bad in [
        json!({ "status": "ACTIVE" }),
        json!({ "type": "KING" }),
        json!({ "type": "ORG_ADMIN", "status": "SLEEPING" }),
        json!({ "type": "ORG_ADMIN", "id": 7 }),
        json!({ "type": "ORG_ADMIN", "crown": "gold" }),
        json!({ "type": "ORG_ADMIN", "_links": { "assignee": {} } }),
        json!({ "type": "ORG_ADMIN", "resource-set": "iam" }),
    ] {
        assert!(!description.complaints(schema, &json!([bad])).is_empty(), "{bad}");
    }
}
