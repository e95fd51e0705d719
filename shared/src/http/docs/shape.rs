//! JSON Schemas in words: a table of an object's members, and in a line what anything else is.

use crate::http::html::escaped;
use serde_json::Value;

/// Text whose `code` is shown as such.
pub fn lines(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let told = parts.map(|(at, part)| if at % 2 == 1 { code(part) } else { escaped(part) });
    told.collect()
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// What a reference leads to.
pub fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let place = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    place.and_then(|place| document.pointer(place)).unwrap_or(value)
}

/// The members of an object, or what it is if it is none.
pub fn table(document: &Value, schema: &Value) -> String {
    let schema = resolve(document, schema);
    let Some(members) = schema["properties"].as_object() else { return format!("<p>{}</p>\n", kind(schema)) };
    let required: Vec<_> = schema["required"].as_array().into_iter().flatten().collect();
    let rows = members.iter().map(|(name, member)| {
        let must = if required.iter().any(|it| *it == name) { "" } else { "optional" };
        let default = &member["default"];
        let usual =
            if default.is_null() { String::new() } else { format!(" Default: {}.", code(&default.to_string())) };
        let about = lines(member["description"].as_str().unwrap_or_default());
        let (name, kind) = (code(name), kind(member));
        format!("<tr><td>{name}</td><td>{kind}</td><td>{must}</td><td>{about}{usual}</td></tr>\n")
    });
    format!("<table>\n{}</table>\n", rows.collect::<String>())
}

/// What a value is, in a line.
pub fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        let name = escaped(name);
        // What an action takes and answers stands with the action.
        return if name.contains('.') { String::new() } else { format!("<a href=\"#type-{name}\">{name}</a>") };
    }
    for choice in ["anyOf", "oneOf", "enum"] {
        if let Some(branches) = schema[choice].as_array() {
            let told = branches.iter().map(|it| if choice == "enum" { code(&it.to_string()) } else { kind(it) });
            return told.filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(value) = schema.get("const") {
        return code(&value.to_string());
    }
    match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).map(escaped).collect::<Vec<_>>().join(" or "),
        Value::String(name) if name == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(name) if name == "object" => match schema["properties"].as_object() {
            Some(members) => {
                format!("object: {}", members.keys().map(|name| code(name)).collect::<Vec<_>>().join(", "))
            }
            None => "object".to_owned(),
        },
        Value::String(name) => match schema["format"].as_str().or(schema["pattern"].as_str()) {
            Some(format) if name == "string" => format!("{name} ({})", escaped(format)),
            _ => escaped(name),
        },
        _ => "any value".to_owned(),
    }
}
