//! One operation as OpenAPI tells it.

use super::Types;
use crate::action::Entry;
use crate::http::action::run_any;
use crate::http::export::MEDIA_TYPES;
use crate::http::route::{Access, Header, Of, Operation, Query, Verb};
use crate::okta::LogFilter;
use crate::problem::Kind;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A route.
pub fn of_route(route: &Operation, types: &mut Types) -> Value {
    let mut told = json!({
        "operationId": route.id,
        "summary": route.summary,
        "tags": [route.section],
        "parameters": parameters(route),
        "responses": responses(route, types),
    });
    match route.access {
        Access::Public => told["security"] = json!([]),
        Access::Admin => told["description"] = json!("For admins."),
        Access::Known => {}
    }
    if let Some((schema, required)) = route.body {
        let schema = types.input(schema);
        told["requestBody"] = json!({"required": required, "content": {"application/json": {"schema": schema}}});
    }
    told
}

/// An action: its route, with what it takes and answers.
pub fn of_action(entry: &Entry, types: &mut Types) -> Value {
    let about = entry.describe();
    let (input, output) = entry.schemas(&mut types.inputs, &mut types.outputs);
    let must = input.get("required").and_then(Value::as_array).is_some_and(|names| !names.is_empty());
    let input = types.name(format!("{}.input", entry.name), input.to_value());
    let output = types.name(format!("{}.output", entry.name), output.to_value());
    let mut told = of_route(&Operation { section: "Actions", ..run_any() }, types);
    told["operationId"] = entry.name.replace('.', "_").into();
    told["summary"] = about.title.clone().into();
    told["description"] = about.description.clone().into();
    told["x-effect"] = json!(about.effect);
    told["x-scopes"] = json!(about.scopes);
    told["requestBody"] = json!({"required": must, "content": {"application/json": {"schema": input}}});
    if let Some(Value::Array(parameters)) = told.get_mut("parameters") {
        parameters.retain(|parameter| parameter["name"] != "name");
    }
    if let Some(performed) = told.pointer_mut("/responses/200/content/application~1json/schema/anyOf/0") {
        let mut own = types.outputs.definitions().get("Performed").cloned().unwrap_or_default();
        own["properties"]["action"]["const"] = entry.name.into();
        own["properties"]["output"] = output;
        *performed = types.name(format!("{}.performed", entry.name), own);
    }
    told
}

fn parameters(route: &Operation) -> Vec<Value> {
    let named = |name: &str| json!({"$ref": format!("#/components/parameters/{name}")});
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<_> = in_path.map(in_path_parameter).collect();
    all.extend(route.query.iter().map(in_query));
    if route.paged {
        let limit = if route.exported { "limit-of-exports" } else { "limit" };
        all.extend([named(limit), named("cursor")]);
    }
    if route.if_match {
        all.push(named("If-Match"));
    }
    if route.verb == Verb::Post && route.access != Access::Public {
        all.push(named("Idempotency-Key"));
    }
    all.push(named("X-Request-Id"));
    all
}

fn in_path_parameter(name: &str) -> Value {
    let text = match name {
        "id" => "The connection's id.",
        "name" => "The action's name, as in `user.suspend`.",
        "location" => "The location's id.",
        "sync" => "The sync's id.",
        "trigger" => "The trigger's id.",
        "hook" => "What the trigger calls its hook.",
        "user" => "Okta's id of the user, or a login without `/ ? # %`.",
        "group" => "Okta's id of the group.",
        "app" => "Okta's id of the app.",
        _ => "",
    };
    json!({"name": name, "in": "path", "required": true, "description": text, "schema": {"type": "string"}})
}

fn in_query(query: &Query) -> Value {
    let mut told = json!({"name": query.name, "in": "query", "description": query.text});
    told["schema"] = match query.of {
        Of::Word => json!({"type": "string", "minLength": 1, "maxLength": 300}),
        Of::Filter => json!({"type": "string", "minLength": 1, "maxLength": LogFilter::LONGEST}),
        Of::Time => json!({"type": "string", "format": "date-time"}),
        Of::Flag => json!({"type": "boolean", "default": false}),
        Of::Choice(words) => json!({"type": "string", "enum": words}),
        Of::Words(words) | Of::Choices(words) => {
            (told["style"], told["explode"]) = ("form".into(), false.into());
            json!({"type": "array", "items": {"type": "string", "enum": words}})
        }
    };
    told
}

fn responses(route: &Operation, types: &mut Types) -> Value {
    let mut all = Map::from_iter([(route.answer.status.to_string(), success(route, types))]);
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in problems(route) {
        let kinds = by_status.entry(kind.row().1).or_default();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    for (status, kinds) in by_status {
        let told = problem(route, &kinds, types);
        all.insert(status.to_string(), types.answer(&name(&kinds), told));
    }
    if route.answer.json_rpc {
        all.extend(refusals(types));
    }
    all.into()
}

/// What a route answers that speaks JSON-RPC beside results: nothing to a notification, and messages of refusal.
fn refusals(types: &mut Types) -> Map<String, Value> {
    let headers = named_headers(&["X-Request-Id"]);
    let message = json!({"schema": {"type": "object"}});
    let refused = |problem: Value| {
        json!({
            "description": "The message is refused: a JSON-RPC error, or a problem where it cannot be read as a message.",
            "headers": headers,
            "content": {"application/json": message, "application/problem+json": {"schema": problem}},
        })
    };
    Map::from_iter([
        ("202".to_owned(), json!({"description": "A notification was taken.", "headers": headers})),
        ("400".to_owned(), refused(types.problem())),
        ("404".to_owned(), refused(types.problem())),
    ])
}

fn success(route: &Operation, types: &mut Types) -> Value {
    let answer = &route.answer;
    let mut content = Map::new();
    if let Some(schema) = answer.json {
        content.insert("application/json".to_owned(), json!({"schema": types.output(schema)}));
    }
    if answer.html {
        content.insert("text/html".to_owned(), json!({"schema": {"type": "string"}}));
    }
    let mut headers = vec!["X-Request-Id"];
    if route.exported {
        content.extend(MEDIA_TYPES.map(|it| (it.to_owned(), json!({"schema": {"type": "string"}}))));
        headers.push("Link");
    }
    headers.extend(answer.headers.iter().map(|header| match header {
        Header::ETag => "ETag",
        Header::Location => "Location",
    }));
    if route.verb == Verb::Post {
        headers.push("Idempotency-Replayed");
    }
    let text = match answer.status {
        201 => "It was made.",
        202 => "It has begun.",
        204 => "It is done.",
        _ => "The answer.",
    };
    let mut told = json!({"description": text, "headers": named_headers(&headers)});
    if !content.is_empty() {
        told["content"] = content.into();
    }
    told
}

/// Names an answer that several operations share, by the problems that it may be.
fn name(kinds: &[Kind]) -> String {
    let slugs: Vec<_> = kinds.iter().map(|kind| kind.row().0).collect();
    match slugs.as_slice() {
        [first, _, .., _] => format!("{first}-and-{}-more", slugs.len() - 1),
        few => few.join("-or-"),
    }
}

fn problem(route: &Operation, kinds: &[Kind], types: &mut Types) -> Value {
    let titles: Vec<_> = kinds.iter().map(|kind| format!("{} (`{}`)", kind.row().2, kind.row().0)).collect();
    let mut headers = vec!["X-Request-Id"];
    if kinds.iter().any(|kind| matches!(kind, Kind::OktaBusy | Kind::OktaRateLimited | Kind::RequestInProgress)) {
        headers.push("Retry-After");
    }
    let mut schema = types.problem();
    let urns: Vec<_> = kinds.iter().map(|kind| kind.urn()).collect();
    schema["properties"] = json!({"type": {"enum": urns}});
    let mut content = Map::from_iter([("application/problem+json".to_owned(), json!({"schema": schema}))]);
    if route.answer.html && route.access == Access::Public {
        content.insert("text/html".to_owned(), json!({"schema": {"type": "string"}}));
    }
    json!({"description": format!("{}.", titles.join("; ")), "headers": named_headers(&headers), "content": content})
}

fn named_headers(names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")}))).collect()
}

/// The problems that a route has: its own, and those that follow from its shape.
fn problems(route: &Operation) -> Vec<Kind> {
    let mut all = route.problems.clone();
    let callers = route.access != Access::Public;
    let post = callers && route.verb == Verb::Post;
    for (has, kinds) in [
        (callers, &[Kind::BadRequest, Kind::Unauthenticated][..]),
        (route.access == Access::Admin, &[Kind::Forbidden]),
        (route.path.contains('{'), &[Kind::NotFound]),
        (route.body.is_some(), &[Kind::BadRequest, Kind::TooLarge, Kind::UnsupportedMediaType, Kind::InvalidBody]),
        (route.if_match, &[Kind::StaleVersion]),
        (post, &[Kind::RequestInProgress, Kind::KeyReused, Kind::TooLarge]),
        (true, &[Kind::Internal]),
    ] {
        if has {
            all.extend(kinds);
        }
    }
    all
}

/// What operations have in common.
pub fn components() -> Value {
    let text = json!({"type": "string"});
    let header = |description: &str| json!({"description": description, "schema": text});
    let parameter = |name: &str, place: &str, description: &str, schema: Value| json!({"name": name, "in": place, "description": description, "schema": schema});
    let limit = json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50});
    let limit_of_exports = json!({"type": "integer", "minimum": 1, "maximum": 5_000});
    let most = "The most items of a page: 1 to 200, 50 if left out; with `format` 1 to 5,000, 1,000 if left out.";
    let key = json!({"type": "string", "minLength": 1, "maxLength": 255});
    let id = json!({"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$"});
    json!({
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A token of the issuer that the deployment trusts."},
            "role": {
                "type": "apiKey", "in": "header", "name": "Authorization",
                "description": "A request signed by an IAM role (AWS Signature Version 4, service `execute-api`).",
            },
        },
        "parameters": {
            "limit": parameter("limit", "query", "The most items of a page.", limit),
            "limit-of-exports": parameter("limit", "query", most, limit_of_exports),
            "cursor": parameter("cursor", "query", "`next_cursor` of the page before, of the same query.", text.clone()),
            "If-Match": parameter("If-Match", "header", "The `ETag` that was read; nothing is changed if there is a newer one.", text.clone()),
            "Idempotency-Key": parameter("Idempotency-Key", "header", "Any text that was not used before: the request may be sent again under it, and is done once.", key),
            "X-Request-Id": parameter("X-Request-Id", "header", "The request's id; one is made if it is left out.", id),
        },
        "headers": {
            "X-Request-Id": header("The request's id."),
            "ETag": header("The version of what is told."),
            "Location": header("The path of what was made."),
            "Link": header("With `format`, and where the list goes on: the next page, as `rel=\"next\"` (RFC 8288)."),
            "Retry-After": header("After how many seconds it makes sense to try again."),
            "Idempotency-Replayed": header("`true` where this is the answer to an earlier request under the same key. A credential in it is null then, with `shown_once` beside it."),
        },
    })
}
