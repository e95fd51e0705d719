//! The description of the API as a page for people: one file that loads nothing and runs nothing.

mod shape;

use super::html::{escaped, guard};
use super::openapi;
use aws_lc_rs::digest::{SHA256, digest};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use shape::{lines, table};
use std::fmt::Write;
use std::sync::LazyLock;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
    article{border-top:1px solid #ddd;padding:1rem 0}h3{font-size:1.05rem;margin:0}h4{margin:.8rem 0 .2rem}\
    table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;\
    border-bottom:1px solid #eee}code{font-family:ui-monospace,monospace;font-size:.9em}a{color:#0645ad}";

/// The page.
pub(super) fn page() -> Response {
    static PAGE: LazyLock<String> = LazyLock::new(|| write(&openapi::document()));
    let mut response = Html(PAGE.as_str()).into_response();
    guard(&mut response, Some(&STANDARD.encode(digest(&SHA256, STYLE.as_bytes()))));
    response
}

/// Path, method and operation, of one section.
fn of_section<'a>(document: &'a Value, section: &'a str) -> impl Iterator<Item = (&'a str, &'a str, &'a Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, told)| (path.as_str(), method.as_str(), told))
    });
    all.filter(move |(_, _, told)| told["tags"][0] == section)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn write(document: &Value) -> String {
    let sections: Vec<_> = document["tags"].as_array().into_iter().flatten().map(|tag| text(tag, "name")).collect();
    let (title, about) = (text(&document["info"], "title"), text(&document["info"], "description"));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title><style>{STYLE}</style></head>\n\
         <body><h1>{0}</h1>\n<p>{1}</p>\n<p><a href=\"openapi.json\">OpenAPI 3.1</a></p>\n<nav>",
        escaped(title),
        lines(about)
    );
    for section in &sections {
        put(&mut page, format_args!("<h4>{}</h4>\n<ul>", escaped(section)));
        for (path, method, told) in of_section(document, section) {
            let (id, method, path) = (escaped(text(told, "operationId")), method.to_uppercase(), escaped(path));
            put(&mut page, format_args!("<li><a href=\"#{id}\"><code>{method} {path}</code></a></li>\n"));
        }
        put(&mut page, format_args!("</ul>\n"));
    }
    put(&mut page, format_args!("</nav>\n<main>\n"));
    for section in &sections {
        put(&mut page, format_args!("<h2>{}</h2>\n", escaped(section)));
        for (path, method, told) in of_section(document, section) {
            operation(&mut page, document, (path, method, told));
        }
    }
    types(&mut page, document);
    put(&mut page, format_args!("</main></body></html>\n"));
    page
}

/// Writing to a text does not fail.
fn put(page: &mut String, told: std::fmt::Arguments<'_>) {
    page.write_fmt(told).unwrap_or_default();
}

fn operation(page: &mut String, document: &Value, (path, method, told): (&str, &str, &Value)) {
    let (id, method, path) = (escaped(text(told, "operationId")), method.to_uppercase(), escaped(path));
    put(page, format_args!("<article id=\"{id}\"><h3><code>{method} {path}</code></h3>\n"));
    let (summary, description) = (text(told, "summary"), text(told, "description"));
    let heading = if description.starts_with(summary) { "" } else { summary };
    put(page, format_args!("<p>{} {}</p>\n", lines(heading), lines(description)));
    if let Some(effect) = told["x-effect"].as_str() {
        let scopes: Vec<_> = told["x-scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let scopes = escaped(&scopes.join(", "));
        put(page, format_args!("<p>Effect: <code>{effect}</code>. Scopes: <code>{scopes}</code>.</p>\n"));
    }
    parameters(page, document, told);
    if let Some(schema) = told.pointer("/requestBody/content/application~1json/schema") {
        put(page, format_args!("<h4>Body</h4>\n{}", table(document, schema)));
    }
    let performed = told.pointer("/responses/200/content/application~1json/schema/anyOf/0");
    if let Some(performed) = performed.filter(|_| told["x-effect"].is_string()) {
        let output = &shape::resolve(document, performed)["properties"]["output"];
        put(page, format_args!("<h4>Output</h4>\n{}", table(document, output)));
    }
    put(page, format_args!("<h4>Answers</h4>\n<table>\n"));
    for (status, answer) in told["responses"].as_object().into_iter().flatten() {
        let answer = shape::resolve(document, answer);
        let schema = &answer["content"]["application/json"]["schema"];
        let shown = if schema.is_null() { String::new() } else { shape::kind(schema) };
        let description = lines(text(answer, "description"));
        put(page, format_args!("<tr><td>{status}</td><td>{description} {shown}</td></tr>\n"));
    }
    put(page, format_args!("</table></article>\n"));
}

fn parameters(page: &mut String, document: &Value, told: &Value) {
    put(page, format_args!("<h4>Parameters</h4>\n<table>\n"));
    for parameter in told["parameters"].as_array().into_iter().flatten() {
        let parameter = shape::resolve(document, parameter);
        let (name, place) = (escaped(text(parameter, "name")), escaped(text(parameter, "in")));
        let (kind, what) = (shape::kind(&parameter["schema"]), lines(text(parameter, "description")));
        put(
            page,
            format_args!("<tr><td><code>{name}</code></td><td>{place}</td><td>{kind}</td><td>{what}</td></tr>\n"),
        );
    }
    put(page, format_args!("</table>\n"));
}

fn types(page: &mut String, document: &Value) {
    put(page, format_args!("<h2>Types</h2>\n"));
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    // What an action takes and answers stands with the action.
    for (name, schema) in schemas.filter(|(name, _)| !name.contains('.')) {
        let (name, about) = (escaped(name), lines(text(schema, "description")));
        put(page, format_args!("<article id=\"type-{name}\"><h3>{name}</h3>\n<p>{about}</p>\n"));
        put(page, format_args!("{}</article>\n", table(document, schema)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_page_tells_every_operation_and_every_action() {
        let document = openapi::document();
        let page = write(&document);
        for (path, item) in document["paths"].as_object().expect("paths") {
            for method in item.as_object().expect("methods").keys() {
                assert!(page.contains(&format!("<h3><code>{} {path}</code></h3>", method.to_uppercase())), "{path}");
            }
        }
        assert_eq!(page.matches("<p>Effect: ").count(), crate::action::list().len());
        assert_eq!(page.matches("<h4>Output</h4>").count(), crate::action::list().len());
    }

    #[test]
    fn every_link_of_the_page_leads_to_a_place_on_it() {
        let page = write(&openapi::document());
        for link in page.split("href=\"#").skip(1) {
            let place = link.split('"').next().expect("a link");
            assert_eq!(page.matches(&format!("id=\"{place}\"")).count(), 1, "{place}");
        }
    }

    #[test]
    fn text_stays_text() {
        let evil = "<script>alert(\"&'\")</script>";
        let member = json!({"description": evil, "enum": [evil], "default": evil});
        let schema = json!({"type": "object", "description": evil, "properties": {evil: member}});
        let told = json!({
            "operationId": evil, "tags": [evil], "summary": evil, "description": evil,
            "x-effect": "read", "x-scopes": [evil], "parameters": [{"name": evil, "in": evil, "description": evil}],
            "requestBody": {"content": {"application/json": {"schema": schema}}},
            "responses": {"200": {"description": evil}},
        });
        let page = write(&json!({
            "info": {"title": evil, "description": evil}, "tags": [{"name": evil}],
            "paths": {evil: {"get": told}}, "components": {"schemas": {evil: schema}},
        }));
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(&quot;&amp;&#39;&quot;)"));
    }
}
