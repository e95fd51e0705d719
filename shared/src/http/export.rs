//! Lists as files: CSV (RFC 4180), and JSON objects by line.

use super::params::{Paging, Params};
use crate::directory::Listed;
use crate::problem::Problem;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// In which formats a list can be told, beside that of all lists.
pub(super) const FORMATS: [&str; 2] = ["csv", "ndjson"];
/// Their media types.
pub(super) const MEDIA_TYPES: [&str; 2] = ["text/csv", "application/x-ndjson"];

/// How a list is asked for.
pub(super) struct Export {
    format: Option<&'static str>,
    /// Where it starts and how long it may be.
    pub paging: Paging,
}

impl Export {
    /// `format`, `limit` and `cursor`; nothing else may be left.
    pub fn of(mut params: Params) -> Result<Self, Problem> {
        let format = params.one_of("format", &FORMATS)?;
        let paging = if format.is_some() { params.paging_of_export()? } else { params.paging()? };
        Ok(Self { format, paging })
    }

    /// The place behind which the list starts.
    pub fn after(&self) -> Option<&str> {
        self.paging.after.as_deref()
    }

    /// A page of items of a type.
    pub fn tell<T: JsonSchema>(&self, listed: &Listed) -> Response {
        let next = listed.next.as_deref();
        let (media_type, body) = match self.format {
            Some("csv") => ("text/csv; charset=utf-8; header=present", csv(&columns::<T>(), &listed.items)),
            Some(_) => ("application/x-ndjson", lines(&listed.items)),
            None => {
                return Json(listed.json(|place| self.paging.cursor(place))).into_response();
            }
        };
        let mut response = ([(header::CONTENT_TYPE, media_type)], body).into_response();
        if let Some(link) = next.and_then(|place| HeaderValue::from_str(&self.paging.link(place)).ok()) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

/// The way to a value in an item.
type Column = Vec<String>;

/// The columns of a type: its members in the order of its description, those of a member with members of its own in its
/// place. A map has no members that are known, so it is one column.
fn columns<T: JsonSchema>() -> Vec<Column> {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| settings.inline_subschemas = true);
    let mut columns = Vec::new();
    gather(settings.into_generator().into_root_schema_for::<T>().as_value(), &mut Vec::new(), &mut columns);
    columns
}

fn gather(schema: &Value, way: &mut Column, columns: &mut Vec<Column>) {
    // An object that may be null is one of several, or an object all the same.
    let several = schema["anyOf"].as_array().into_iter().flatten();
    let object = std::iter::once(schema).chain(several).find(|schema| schema["properties"].is_object());
    let Some(object) = object else { return columns.push(way.clone()) };
    // The properties are sorted by name; what is required stands as it was declared.
    for name in object["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        way.push(name.to_owned());
        gather(&object["properties"][name], way, columns);
        way.pop();
    }
}

fn lines(items: &[Value]) -> String {
    items.iter().flat_map(|item| [item.to_string(), "\n".to_owned()]).collect()
}

/// A header row, and a row for each item.
fn csv(columns: &[Column], items: &[Value]) -> String {
    let mut text = String::new();
    row(&mut text, columns.iter().map(|column| column.join(".")));
    for item in items {
        row(&mut text, columns.iter().map(|column| cell(column.iter().fold(item, |value, name| &value[name]))));
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn row(text: &mut String, cells: impl Iterator<Item = String>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            text.push(',');
        }
        // A spreadsheet takes what begins so for a formula, also in signs of full width (OWASP, "CSV Injection").
        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
        let cell = if formula { format!("'{cell}") } else { cell };
        if cell.contains(['"', ',', '\r', '\n']) {
            text.extend(["\"", &cell.replace('"', "\"\""), "\""]);
        } else {
            text.push_str(&cell);
        }
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Membership, Person};
    use crate::synced::{Group, User};
    use proptest::prelude::*;
    use serde_json::json;

    fn header<T: JsonSchema>() -> String {
        csv(&columns::<T>(), &[])
    }

    #[test]
    fn the_columns_are_the_documented_fields_in_their_order() {
        assert_eq!(
            header::<User>(),
            "id,status,type.id,type.name,profile,created,activated,status_changed,last_login,last_updated,\
             password_changed,removed_at,synced_at\r\n"
        );
        assert_eq!(
            header::<Group>(),
            "id,type,name,description,created,last_updated,last_membership_updated,members_count,removed_at,synced_at\r\n"
        );
        assert_eq!(
            header::<Person>(),
            "id,name,login,email,title,department,division,cost_center,employee_number,user_type,status,location.id,\
             location.name,manager.id,manager.name,reports_count,custom\r\n"
        );
        assert_eq!(header::<Membership>(), "group_id,user_id\r\n");
    }

    #[test]
    fn cells_are_quoted_where_they_must_be_and_are_never_formulas() {
        let columns = vec![vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()]];
        for (a, told) in [
            (json!("plain Łódź 東京"), "plain Łódź 東京"),
            (json!("say \"hi\", then\r\nleave"), "\"say \"\"hi\"\", then\r\nleave\""),
            (json!("=1+1"), "'=1+1"),
            (json!("+49"), "'+49"),
            (json!("-2"), "'-2"),
            (json!("@SUM(A1,A2)"), "\"'@SUM(A1,A2)\""),
            (json!("\t=1"), "'\t=1"),
            (json!("\r=1"), "\"'\r=1\""),
            (json!({"x": ["1"]}), "\"{\"\"x\"\":[\"\"1\"\"]}\""),
            (json!(7), "7"),
            (json!(true), "true"),
            (Value::Null, ""),
        ] {
            let text = csv(&columns, &[json!({"a": a, "b": null}), json!({"a": null, "b": {"c": "d"}})]);
            assert_eq!(text, format!("a,b.c\r\n{told},\r\n,d\r\n"));
        }
    }

    /// What a reader of RFC 4180 makes of a text.
    fn read(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut cells, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                '\r' if !quoted => {}
                '\n' if !quoted => {
                    cells.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut cells));
                }
                other => cell.push(other),
            }
        }
        rows
    }

    proptest! {
        #[test]
        fn whatever_a_cell_holds_is_read_as_it_was(texts in prop::collection::vec("[ -/\\t\\r\\n=@aé\"]{0,6}", 2)) {
            let columns = [vec!["a".to_owned()], vec!["b".to_owned()]];
            let told = csv(&columns, &[json!({"a": texts[0], "b": texts[1]})]);
            let rows = read(&told);
            prop_assert_eq!(rows.len(), 2);
            for (cell, text) in rows[1].iter().zip(&texts) {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
                prop_assert!(cell == text || cell.strip_prefix('\'') == Some(text));
            }
        }
    }
}
