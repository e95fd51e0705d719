//! What a tool answers: data, cleaned and short enough for an agent.

use super::{Agent, Era};
use crate::connection::Connection;
use crate::problem::Problem;
use serde_json::{Map, Value, json};

/// An answer has at most 25,000 tokens of four bytes; the text repeats the data, for clients that read nothing else.
pub(super) const MOST_BYTES: usize = 46_000;

/// True for what fits into an answer as it is.
pub(super) fn fits(value: &Value) -> bool {
    value.to_string().len() <= MOST_BYTES
}

/// A tool's data.
pub(super) fn data(mut value: Value) -> Value {
    clean(&mut value, usize::MAX);
    // Where one object is too large by itself, its texts are cut.
    let mut longest = 4_000;
    while !fits(&value) && longest > 40 {
        longest /= 2;
        clean(&mut value, longest);
    }
    result(&value, false)
}

/// An action's output. A credential is in the data alone, where an answer that is kept can be without it.
pub(super) fn output(value: Value, reveals: bool) -> Value {
    let mut told = data(value);
    if reveals {
        told["content"] = json!([{"type": "text", "text": "The output carries a credential: see structuredContent."}]);
    }
    told
}

/// A problem, as a tool tells of it.
pub(super) fn problem(problem: &Problem) -> Value {
    let mut value = json!({"problem": problem.to_json(None)});
    clean(&mut value, 4_000);
    result(&value, true)
}

fn result(value: &Value, is_error: bool) -> Value {
    json!({"content": [{"type": "text", "text": value.to_string()}], "structuredContent": value, "isError": is_error})
}

/// Asks for a confirmation before anything is changed. A client that asks its user for us is told what to ask.
pub(super) fn question(agent: &Agent<'_>, tool: &str, connection: &Connection, preview: &Value) -> Value {
    let (name, domain) = (&connection.settings.name, &connection.domain);
    let tenant = format!("{name} ({})", domain.as_deref().unwrap_or_default());
    let message = format!(
        "{tool} would send the requests of the preview to Okta, to {tenant}. Call it again with confirm=true to do so."
    );
    let of = json!({"id": connection.id, "name": name, "domain": domain});
    let mut value = json!({"needs_confirmation": true, "message": message, "connection": of, "requests": preview});
    clean(&mut value, 4_000);
    if agent.era != (Era::Modern { asks: true }) {
        return result(&value, false);
    }
    let schema = json!({
        "type": "object",
        "properties": {"confirm": {"type": "boolean", "title": "Send these requests", "default": false}},
        "required": ["confirm"],
    });
    let mut asked = json!(format!("Let {tool} send to {tenant}: {}", value["requests"]));
    clean(&mut asked, usize::MAX);
    json!({
        "resultType": "input_required",
        "inputRequests": {"confirm": {
            "method": "elicitation/create",
            "params": {"mode": "form", "message": asked, "requestedSchema": schema},
        }},
    })
}

/// Whether the user, asked by the client, agreed.
pub(super) fn agreed(params: &Value) -> Option<bool> {
    let answer = params["inputResponses"].get("confirm")?;
    Some(answer["action"] == "accept" && answer["content"]["confirm"] == true)
}

/// Takes away what makes text look like something else, and cuts texts and lists.
fn clean(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) => {
            let is_long = text.chars().nth(longest).is_some();
            if is_long || text.chars().any(misleads) {
                let mut kept: String = text.chars().filter(|letter| !misleads(*letter)).take(longest).collect();
                if is_long {
                    kept.push('…');
                }
                *text = kept;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| clean(item, longest)),
        Value::Object(members) => {
            let cleaned = std::mem::take(members).into_iter().map(|(mut name, mut member)| {
                name.retain(|letter| !misleads(letter));
                // A part of these is of no use.
                let is_whole = matches!(name.as_str(), "id" | "next_cursor");
                clean(&mut member, if is_whole { usize::MAX } else { longest });
                (name, member)
            });
            *members = cleaned.collect::<Map<_, _>>();
        }
        _ => {}
    }
}

/// Control characters, and those that turn the direction of text (Unicode's bidi controls).
fn misleads(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\n' | '\t')
        || matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_cleaned_and_never_longer_than_an_agent_reads() {
        let long = "x".repeat(300_000);
        let told = data(json!({"na\u{202e}me": "A\u{202e}na\u{0}\u{7}\nB", "long": long, "list": [long, 1]}));
        let shown = &told["structuredContent"];
        assert_eq!(shown["name"], "Ana\nB");
        assert!(shown["long"].as_str().expect("a text").ends_with('…'));
        assert!(told.to_string().len() <= 100_000, "{}", told.to_string().len());
        assert_eq!(told["content"][0]["text"], shown.to_string());
    }
}
