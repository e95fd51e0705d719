//! The reference: what follows the mark of a page is made from the code, and a test fails where it differs.
//!
//! `DOCS=write` writes it.

use crate::command_line::commands;
use crate::pages::{page, root};
use crate::shell::Shell;
use crate::world::PROMISE;
use jiff::Timestamp;
use okta_connector::action;
use okta_connector::diagnosis::{Capability, Finding};
use okta_connector::event::{About, Event, Verb};
use okta_connector::okta::{AppId, GroupId, UserId};
use okta_connector::problem::Kind;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// The end of what is written by hand.
const MARK: &str =
    "<!-- From here on generated: `DOCS=write cargo test --workspace --test integration reference` writes it. -->\n";

#[expect(clippy::disallowed_methods, reason = "a test's own knob")]
fn compare(name: &str, generated: &str) {
    let page = page(&format!("docs/reference/{name}.md"));
    let (by_hand, _) = page.text.split_once(MARK).expect("the mark");
    let wanted = format!("{by_hand}{MARK}\n{}\n", generated.trim());
    if std::env::var("DOCS").as_deref() == Ok("write") {
        std::fs::write(root().join(&page.path), &wanted).expect("a page");
    } else {
        assert!(page.text == wanted, "{} is not what the code gives: write it with DOCS=write", page.path);
    }
}

/// A block of text as a program prints it, without blanks at the ends of lines.
fn printed(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    format!("```text\n{}\n```\n", lines.join("\n").trim_end())
}

/// A table with its heads.
fn table(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| cell.replace('\n', " ").replace('|', "\\|")).collect();
        let _ = writeln!(table, "| {} |", cells.join(" | "));
    }
    table
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn codes(texts: &[&str]) -> String {
    texts.iter().map(|text| code(text)).collect::<Vec<_>>().join(", ")
}

/// The type behind a reference, or the one of two that is not null.
fn resolved<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    if let Some(place) = schema["$ref"].as_str() {
        return resolved(document.pointer(place.trim_start_matches('#')).expect("a place"), document);
    }
    let either = schema["anyOf"].as_array().and_then(|all| all.iter().find(|it| it["type"] != "null"));
    either.map_or(schema, |one| resolved(one, document))
}

/// More words than these make a table too wide.
const MOST_WORDS: usize = 8;

/// What a schema describes, in a word or two. `document` is where its references lead.
fn kind(schema: &Value, document: &Value) -> String {
    let schema = resolved(schema, document);
    let constants = schema["oneOf"].as_array().into_iter().flatten().filter_map(|it| it["const"].as_str());
    let words = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let words: Vec<_> = words.chain(constants).chain(schema["const"].as_str()).collect();
    if (1..=MOST_WORDS).contains(&words.len()) {
        return codes(&words);
    }
    let own = schema["type"].as_array().and_then(|all| all.iter().find(|it| *it != "null")).unwrap_or(&schema["type"]);
    match own.as_str() {
        Some("array") => format!("list of {}", kind(&schema["items"], document)),
        Some(word) => word.to_owned(),
        None => "any JSON".to_owned(),
    }
}

/// What a member is about: its own sentence, or the first of its type.
fn about(member: &Value, document: &Value) -> String {
    let own = member["description"].as_str().or_else(|| resolved(member, document)["description"].as_str());
    own.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

/// A row for each member of what is sent.
fn taken(schema: &Value, document: &Value) -> String {
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name));
    let rows = schema["properties"].as_object().into_iter().flatten().map(|(name, member)| {
        let default =
            Some(&member["default"]).filter(|it| !it.is_null()).unwrap_or(&resolved(member, document)["default"]);
        let usual = match (required(name), default.is_null()) {
            (true, _) => "required".to_owned(),
            (false, true) => String::new(),
            (false, false) => code(&default.to_string()),
        };
        vec![code(name), kind(member, document), usual, about(member, document)]
    });
    table(&["member", "type", "default", "what"], rows)
}

/// A row for each member of what comes back, under a head of its own.
fn given(head: &str, schema: &Value, document: &Value) -> String {
    let members = schema["properties"].as_object().into_iter().flatten();
    let rows = members.map(|(name, member)| vec![code(name), kind(member, document), about(member, document)]);
    table(&[head, "type", "what"], rows)
}

/// A type of the API's description.
fn described(name: &str) -> &'static Value {
    &PROMISE.document()["components"]["schemas"][name]
}

#[test]
fn actions() {
    let rows = action::list().iter().map(|entry| {
        let told = entry.describe();
        vec![code(told.name), told.title.clone(), told.effect.word().to_owned(), codes(told.scopes)]
    });
    let mut page = table(&["action", "what it does", "effect", "scopes"], rows);
    for entry in action::list() {
        let told = entry.describe();
        let input = told.input_schema.as_value();
        let output = told.output_schema.as_value();
        let _ = write!(page, "\n## `{}`\n\n{}\n", told.name, told.description);
        if input["properties"].as_object().is_some_and(|members| !members.is_empty()) {
            let _ = write!(page, "\n{}", taken(input, input));
        }
        let _ = write!(page, "\n{}", given("answered", output, output));
    }
    compare("actions", &page);
}

#[test]
fn problems() {
    let mut kinds = Kind::ALL;
    kinds.sort_by_key(|kind| kind.row().1);
    let rows = kinds.map(|kind| {
        let (slug, status, title) = kind.row();
        vec![code(slug), status.to_string(), title.to_owned()]
    });
    let all = table(&["problem", "status", "title"], rows);
    let document = PROMISE.document();
    let members = given("member", described("Problem"), document);
    compare("problems", &format!("## All problems\n\n{all}\n## Members\n\n{members}"));
}

#[test]
fn every_problem_that_is_promised_is_in_the_reference() {
    let document = PROMISE.document().to_string();
    let promised: BTreeSet<_> = document.split("\"urn:okta-connector:problem:").skip(1).collect();
    for slug in promised.iter().filter_map(|rest| rest.split('"').next()) {
        assert!(Kind::ALL.iter().any(|kind| kind.row().0 == slug), "{slug}");
    }
}

#[test]
fn findings() {
    let about = described("Finding")["description"].as_str().expect("a description");
    let mut page = "## Findings of a test\n".to_owned();
    for finding in Finding::ALL {
        let name = json!(finding);
        let name = name.as_str().expect("a name");
        let (_, meaning) = about.split_once(&format!("- `{name}`: ")).expect("a finding that is described");
        let meaning = meaning.lines().next().unwrap_or_default();
        let status = json!(finding.status());
        let status = status.as_str().expect("a status");
        let fix = finding.fix(Capability::SyncEmployees, &BTreeSet::new());
        let _ = write!(page, "\n### `{name}`\n\n{meaning} The check is `{status}`.\n\n{fix}\n");
    }
    assert_eq!(described("Finding")["enum"].as_array().map(Vec::len), Some(Finding::ALL.len()));
    compare("findings", &page);
}

#[test]
fn every_kind_of_finding_of_the_directory_is_in_the_reference() {
    let kinds = described("DirectoryFinding")["properties"]["kind"]["description"].as_str().expect("a description");
    let page = page("docs/reference/findings.md").text;
    for kind in kinds.split('`').skip(1).step_by(2) {
        assert!(page.contains(&format!("\n| `{kind}` |")), "{kind}");
    }
}

#[test]
fn scopes() {
    let rows = Capability::ALL.map(|it| vec![code(it.name()), codes(it.scopes()), it.roles()]);
    let capabilities = table(&["capability", "scopes", "admin roles"], rows);
    let scopes: BTreeSet<_> = action::list().iter().flat_map(|entry| entry.describe().scopes).copied().collect();
    let rows = scopes.iter().map(|scope| {
        let actions = action::list().iter().map(action::Entry::describe).filter(|told| told.scopes.contains(scope));
        vec![code(scope), codes(&actions.map(|told| told.name).collect::<Vec<_>>())]
    });
    let actions = table(&["scope", "actions that need it"], rows);
    compare("scopes", &format!("## Capabilities\n\n{capabilities}\n## Actions\n\n{actions}"));
}

/// The settings of a part of the template, each with its lines.
fn settings(part: &str) -> Vec<(&'static str, Vec<&'static str>)> {
    let template = include_str!("../../../../template.yaml");
    let (_, part) = template.split_once(&format!("\n{part}:\n")).expect("the part");
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in part.lines().take_while(|line| line.is_empty() || line.starts_with(' ')) {
        let name =
            line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')).filter(|name| !name.starts_with(' '));
        match (name, all.last_mut()) {
            (Some(name), _) => all.push((name, Vec::new())),
            (None, Some((_, lines))) => lines.push(line.trim()),
            (None, None) => {}
        }
    }
    all
}

/// What a setting says under a name; one that is folded goes on over lines.
fn said(lines: &[&str], name: &str) -> String {
    let mut rest = lines.iter().skip_while(|line| !line.starts_with(name));
    let first = rest.next().map_or("", |line| line[name.len()..].trim());
    if first != ">-" {
        return first.trim_matches('"').to_owned();
    }
    let folded = rest.take_while(|line| !line.is_empty() && !line.starts_with('#'));
    folded.copied().collect::<Vec<_>>().join(" ")
}

#[test]
fn configuration() {
    let rows = settings("Parameters").into_iter().map(|(name, lines)| {
        let default = Some(said(&lines, "Default:")).filter(|text| !text.is_empty()).map(|text| code(&text));
        let values = Some(said(&lines, "AllowedValues:")).filter(|text| !text.is_empty());
        let values = values.map(|text| format!(" One of {}.", text.trim_matches(['[', ']']).replace('"', "")));
        vec![code(name), default.unwrap_or_default(), said(&lines, "Description:") + &values.unwrap_or_default()]
    });
    let parameters = table(&["parameter", "default", "what"], rows);
    let rows = settings("Outputs").into_iter().map(|(name, lines)| vec![code(name), said(&lines, "Description:")]);
    let outputs = table(&["output", "what"], rows);
    let document = PROMISE.document();
    let patch =
        &document["paths"]["/v1/connections/{id}"]["patch"]["requestBody"]["content"]["application/json"]["schema"];
    let connection = taken(patch, document);
    let sync = taken(described("SyncSettingsInput"), document);
    let attributes = taken(described("AttributesInput"), document);
    let permissions = taken(described("Permissions"), document);
    compare(
        "configuration",
        &format!(
            "## A connection\n\nWhat `PATCH /v1/connections/$ID` changes, and `POST /v1/connections` takes.\n\n{connection}\n\
             ### `sync`\n\n{sync}\n### `attributes`\n\n{attributes}\n### `permissions`\n\n{permissions}\n\
             ## The stack\n\nParameters of `template.yaml`, which `sam deploy --guided` asks for.\n\n{parameters}\n\
             ### Outputs\n\n{outputs}"
        ),
    );
}

/// The events of the directory, with what they are about.
fn events_of_the_directory() -> Vec<Vec<String>> {
    let user = UserId::parse("00u1").expect("an id");
    let group = GroupId::parse("00g1").expect("an id");
    let app = AppId::parse("0oa1").expect("an id");
    let things = [
        About::User(user.clone()),
        About::Group(group.clone()),
        About::App(app.clone()),
        About::Membership(group, user.clone()),
        About::Assignment(app, user),
    ];
    let mut rows = Vec::new();
    for about in &things {
        for verb in [Verb::Added, Verb::Changed, Verb::Removed] {
            // Nothing of a membership can be another.
            if matches!((about, verb), (About::Membership(..), Verb::Changed)) {
                continue;
            }
            let event = Event::change("sync_1", about, verb, &Map::new(), Timestamp::UNIX_EPOCH);
            rows.push(vec![code(&event.event_type), code(&event.subject), code(&event.data.to_string())]);
        }
    }
    rows
}

#[test]
fn events() {
    let document = PROMISE.document();
    let own = table(&["type", "subject", "data"], events_of_the_directory());
    let envelope = given("member", described("CloudEvent"), document);
    let [hook, news, search] =
        ["NewEventHook", "NewNewEvents", "NewEventSearch"].map(|name| taken(described(name), document));
    let trigger = given("member", described("Trigger"), document);
    compare(
        "events",
        &format!(
            "## Events of the directory\n\nThe data of an `updated` event has more in `changed`.\n\n{own}\n\
             ## An event\n\n{envelope}\n## Triggers\n\nWhat `POST /v1/connections/$ID/triggers` takes, by type.\n\n\
             ### `event_hook`\n\n{hook}\n### `new_events`\n\n{news}\n### `event_search`\n\n{search}\n\
             ### A trigger as it is read\n\n{trigger}"
        ),
    );
}

/// Where the options of all commands begin.
const SHARED: &str = "\nWhich deployment, and how to print:\n";
/// Where the examples begin.
const EXAMPLES: &str = "\nExamples:\n";
/// What each command says of itself.
const HELP: &str = "  -h, --help\n          Print help (see a summary with '-h')\n";

#[tokio::test]
async fn command_line() {
    let shell = Shell::new("http://127.0.0.1:9", Path::new("/nonexistent"));
    let mut all = commands(&shell).await;
    all.sort();
    let shared = all[0].1.split_once(SHARED).expect("the shared options").1;
    let shared = shared.split_once(EXAMPLES).expect("examples").0;
    let mut page = format!("## The options of all commands\n\n{}", printed(shared));
    for (command, help) in all.iter().filter(|(command, _)| !command.contains(" actions run ")) {
        let (own, rest) = help.split_once(SHARED).expect("the shared options");
        let own = own.replace(HELP, "");
        let own = own.trim_end().trim_end_matches("\n\nOptions:");
        let (_, examples) = rest.split_once(EXAMPLES).unwrap_or_else(|| panic!("{command} has no examples"));
        let _ = write!(page, "\n## `{command}`\n\n{}", printed(&format!("{own}\n{EXAMPLES}{examples}")));
    }
    let simulator = shell.run("okta-simulator --help").await.stdout;
    let simulator = String::from_utf8(simulator).expect("text");
    let _ = write!(page, "\n## `okta-simulator`\n\n{}", printed(&simulator));
    compare("command-line", &page);
}
