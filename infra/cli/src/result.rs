//! What an action answers, for people: rows for a list and for steps, lines for anything else.

use crate::output::{Output, flatten};
use crate::{Context, Failure};
use serde_json::{Map, Value};

/// So many columns are shown of things without a known shape.
const MOST: usize = 6;

/// The columns of a kind of thing: a member that only such a thing has, and names with the members they show.
struct Shape {
    has: &'static str,
    columns: &'static [(&'static str, &'static [&'static str])],
}

const SHAPES: [Shape; 6] = [
    Shape {
        has: "profile.login",
        columns: &[
            ("ID", &["id"]),
            ("NAME", &["profile.displayName", "profile.firstName profile.lastName"]),
            ("LOGIN", &["profile.login"]),
            ("STATUS", &["status"]),
        ],
    },
    Shape {
        has: "profile.name",
        columns: &[
            ("ID", &["id"]),
            ("NAME", &["profile.name"]),
            ("TYPE", &["type"]),
            ("DESCRIPTION", &["profile.description"]),
        ],
    },
    Shape {
        has: "eventType",
        columns: &[
            ("TIME", &["published"]),
            ("TYPE", &["eventType"]),
            ("WHO", &["actor.displayName", "actor.alternateId"]),
            ("WHAT", &["displayMessage"]),
            ("OUTCOME", &["outcome.result"]),
        ],
    },
    Shape {
        has: "factorType",
        columns: &[("ID", &["id"]), ("TYPE", &["factorType"]), ("PROVIDER", &["provider"]), ("STATUS", &["status"])],
    },
    Shape { has: "label", columns: &[("ID", &["id"]), ("LABEL", &["label"]), ("STATUS", &["status"])] },
    Shape {
        has: "failures",
        columns: &[
            ("NAME", &["user.name", "user.login"]),
            ("LOGIN", &["user.login"]),
            ("FAILURES", &["failures"]),
            ("SUCCESSES", &["successes"]),
            ("LAST", &["last"]),
        ],
    },
];

/// Prints the answer as a table.
pub fn print(context: &Context, answer: &Value) -> Result<(), Failure> {
    let output = &context.output;
    if let Some(steps) = answer["steps"].as_array() {
        return print_steps(output, answer, steps);
    }
    let Some((name, items)) = ["items", "users"].iter().find_map(|name| Some((*name, answer[*name].as_array()?)))
    else {
        return Ok(output.one(answer)?);
    };
    let (columns, rows) = rows(items);
    output.table(&columns.iter().map(String::as_str).collect::<Vec<_>>(), rows.into_iter())?;
    match answer["next_cursor"].as_str() {
        Some(cursor) => output.next(&format!("the same command with --cursor '{cursor}'")),
        None if items.is_empty() => output.note(&format!("There are no {name}.")),
        None => {}
    }
    Ok(())
}

fn print_steps(output: &Output, answer: &Value, steps: &[Value]) -> Result<(), Failure> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |step: &Value| vec![text(&step["status"]), text(&step["step"]), text(&step["detail"])];
    output.table(&["STATUS", "STEP", "DETAIL"], steps.iter().map(row))?;
    let login = text(&answer["user"]["login"]);
    if answer["complete"] == true {
        output.note(&format!("All steps are done for {login}."));
    } else {
        output.note(&format!("Not all steps are done for {login}. The same command goes on where it stopped."));
    }
    Ok(())
}

/// The columns of a list, and its rows.
fn rows(items: &[Value]) -> (Vec<String>, Vec<Vec<String>>) {
    let flat: Vec<Map<String, Value>> = items.iter().map(flattened).collect();
    let shape = SHAPES.iter().find(|shape| !flat.is_empty() && flat.iter().all(|item| item.contains_key(shape.has)));
    match shape {
        Some(shape) => {
            let columns = shape.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
            let cells = |item: &Map<String, Value>| shape.columns.iter().map(|(_, of)| first(item, of)).collect();
            (columns, flat.iter().map(cells).collect())
        }
        None => {
            let mut names: Vec<String> = Vec::new();
            for name in flat.iter().flat_map(Map::keys).filter(|name| !name.contains('[')) {
                if names.len() < MOST && !names.contains(name) {
                    names.push(name.clone());
                }
            }
            let cells = |item: &Map<String, Value>| names.iter().map(|name| cell(item, name)).collect();
            let rows = flat.iter().map(cells).collect();
            (names.iter().map(|name| name.to_uppercase()).collect(), rows)
        }
    }
}

/// The first of several that has a value; one may be several with blanks between.
fn first(item: &Map<String, Value>, of: &[&str]) -> String {
    let joined = |names: &&str| names.split(' ').map(|name| cell(item, name)).collect::<Vec<_>>().join(" ");
    of.iter().map(joined).find(|text| !text.trim().is_empty()).unwrap_or_default()
}

fn cell(item: &Map<String, Value>, name: &str) -> String {
    item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn flattened(item: &Value) -> Map<String, Value> {
    let mut members = Vec::new();
    flatten("", item, &mut members);
    let pair = |cells: Vec<String>| {
        let [name, value] = <[String; 2]>::try_from(cells).ok()?;
        Some((name, Value::String(value)))
    };
    members.into_iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_has_the_columns_of_what_is_in_it() {
        let users =
            [json!({"id": "1", "status": "ACTIVE", "profile": {"firstName": "A", "lastName": "B", "login": "ab"}})];
        let (columns, cells) = rows(&users);
        assert_eq!(columns, ["ID", "NAME", "LOGIN", "STATUS"]);
        assert_eq!(cells, [["1", "A B", "ab", "ACTIVE"]]);
        let (columns, cells) = rows(&[json!({"id": "1", "status": "ACTIVE"}), json!({"id": "2"})]);
        assert_eq!(columns, ["ID", "STATUS"]);
        assert_eq!(cells, [["1", "ACTIVE"], ["2", ""]]);
    }
}
