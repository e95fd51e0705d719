use super::super::route::Access;
use super::*;
use std::collections::BTreeSet;

/// Everything in a description, with its place.
fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Object(members) => members.values().for_each(|member| walk(member, visit)),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

/// Path, method and operation.
fn all(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, told)| (path.as_str(), method.as_str(), told))
    })
}

fn parameters<'a>(document: &'a Value, operation: &'a Value) -> impl Iterator<Item = &'a Value> {
    operation["parameters"].as_array().into_iter().flatten().map(|parameter| match parameter["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null),
        None => parameter,
    })
}

#[test]
fn the_description_in_the_repository_is_that_of_the_code() {
    let kept: Value = serde_json::from_str(include_str!("../../../../infra/openapi.json")).expect("JSON");
    assert!(kept == document(), "run: cargo run -- openapi > infra/openapi.json");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    walk(&document, &mut |value| {
        if let Some(reference) = value["$ref"].as_str() {
            let place = reference.strip_prefix('#').expect("a place in this description");
            assert!(document.pointer(place).is_some(), "{reference}");
        }
    });
}

#[test]
fn every_schema_is_one() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        assert!(jsonschema::meta::is_valid(schema), "{name}");
    }
}

/// Linters refuse a description that is null, generators drop a type with a list of no type, and fail at values that are
/// alternatives of constants instead of one list.
#[test]
fn nothing_is_described_in_a_way_that_generators_do_not_read() {
    walk(&document(), &mut |value| {
        assert_ne!(value.get("description"), Some(&Value::Null), "{value}");
        let is_typed = value.get("items").or(value.get("prefixItems")).is_some();
        assert!(value["type"] != "array" || is_typed, "{value}");
        for name in ["oneOf", "anyOf"] {
            let choices = value[name].as_array().map(Vec::as_slice).unwrap_or_default();
            let is_list = choices.len() > 1 && choices.iter().all(|choice| choice.get("const").is_some());
            assert!(!is_list, "{value}");
        }
    });
}

#[test]
fn every_type_is_used_and_has_a_name_of_its_own() {
    let (document, mut used) = (document(), BTreeSet::new());
    walk(&document, &mut |value| used.extend(value["$ref"].as_str()));
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(used.contains(format!("{SCHEMAS}{name}").as_str()), "{name}");
        // A second type of the same name would be numbered.
        assert!(!name.ends_with(|c: char| c.is_ascii_digit()), "{name}");
    }
}

#[test]
fn operations_are_named_once_and_say_what_they_do() {
    let (document, mut seen) = (document(), BTreeSet::new());
    for (path, method, told) in all(&document) {
        assert!(seen.insert(told["operationId"].as_str().expect("a name")), "{method} {path}");
        assert!(told["summary"].as_str().is_some_and(|it| !it.is_empty()), "{method} {path}");
    }
}

#[test]
fn every_parameter_of_a_path_is_told_and_no_other() {
    let document = document();
    for (path, method, told) in all(&document) {
        let named: BTreeSet<_> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let in_path = parameters(&document, told).filter(|parameter| parameter["in"] == "path");
        let described: BTreeSet<_> = in_path.filter_map(|parameter| parameter["name"].as_str()).collect();
        assert_eq!(named, described, "{method} {path}");
        for parameter in parameters(&document, told) {
            assert!(parameter["description"].as_str().is_some_and(|it| !it.is_empty()), "{method} {path} {parameter}");
        }
    }
}

#[test]
fn every_action_is_a_path_with_its_own_input_and_output() {
    let document = document();
    for entry in crate::action::list() {
        let told = &document["paths"][format!("/v1/connections/{{id}}/actions/{}", entry.name)]["post"];
        let input = &told["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(input, &format!("{SCHEMAS}{}.input", entry.name));
        let performed = told.pointer("/responses/200/content/application~1json/schema/anyOf/0/$ref");
        assert_eq!(performed, Some(&format!("{SCHEMAS}{}.performed", entry.name).into()));
        let performed = &document["components"]["schemas"][format!("{}.performed", entry.name)]["properties"];
        assert_eq!(performed["action"]["const"], entry.name);
        assert_eq!(performed["output"]["$ref"], format!("{SCHEMAS}{}.output", entry.name));
    }
}

/// Routes are registered in one place only, so that none is without a description.
#[test]
fn no_route_is_registered_past_the_descriptions() {
    for (name, code) in [
        ("action", include_str!("../action.rs")),
        ("audit", include_str!("../audit.rs")),
        ("connect", include_str!("../connect.rs")),
        ("directory", include_str!("../directory.rs")),
        ("events", include_str!("../events.rs")),
        ("people", include_str!("../directory/people.rs")),
        ("public", include_str!("../public.rs")),
        ("sync", include_str!("../sync.rs")),
        ("test", include_str!("../test.rs")),
        ("triggers", include_str!("../triggers.rs")),
    ] {
        assert!(!code.contains(".route("), "{name}");
    }
}

/// The routes of each function, by the name of its integration.
fn by_function() -> [(&'static str, Vec<Operation>); 5] {
    let mut directory = directory::routes().operations();
    directory.extend(audit::routes().operations());
    directory.extend(events::routes().operations());
    let mut action = action::routes().operations();
    action.extend(mcp::routes().operations());
    [
        ("Connect", connect::routes().operations()),
        ("Test", test::routes().operations()),
        ("Action", action),
        ("Directory", directory),
        ("Public", public::routes().operations()),
    ]
}

/// Key, whether anybody may call, and integration of each route of the template.
fn template_routes() -> Vec<(String, bool, String)> {
    let template = include_str!("../../../../template.yaml");
    let routes = template.split("Type: AWS::ApiGatewayV2::Route\n").skip(1);
    let of = |route: &str, name: &str| {
        let line = route.lines().find_map(|line| line.trim().strip_prefix(name)).expect("a property");
        line.trim().to_owned()
    };
    let told = routes.map(|route| {
        let target = of(route, "Target: !Sub \"integrations/${").trim_end_matches("Integration}\"").to_owned();
        (of(route, "RouteKey:"), of(route, "AuthorizationType:") == "NONE", target)
    });
    told.collect()
}

#[test]
fn the_template_leads_every_route_to_its_function_and_no_other() {
    let routed = template_routes();
    let mut used = BTreeSet::new();
    for (function, operations) in by_function() {
        for route in operations {
            let key = format!("{} {}", route.verb.name(), route.path);
            let whole = |(it, ..): &&(String, bool, String)| *it == key;
            // What is read of a connection has one route for all.
            let rest = |(it, ..): &&(String, bool, String)| {
                it.strip_suffix("{proxy+}").is_some_and(|begin| key.starts_with(begin))
            };
            let found = routed.iter().find(whole).or_else(|| routed.iter().find(rest)).expect(&key);
            assert_eq!((found.1, found.2.as_str()), (route.access == Access::Public, function), "{key}");
            used.insert(&found.0);
        }
    }
    assert_eq!(used.len(), routed.len());
}
