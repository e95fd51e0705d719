//! `actions`. Arguments, help and completion come from the API's description of each action's input.

use crate::connection::{agreed, secret, waiting};
use crate::names::{PERSON, find};
use crate::output::{Facts, Format, Row, plain, print};
use crate::{Context, Failure, result};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches, Subcommand};
use okta_connector_client::schema::{is_list_of_text, is_password, properties, type_of};
use okta_connector_client::{Action, Method, Performed, Rehearsed, segment};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::LazyLock;

#[derive(Subcommand)]
pub enum Command {
    /// List all actions.
    #[command(alias = "ls")]
    List,
    /// Show what an action does and needs.
    #[command(visible_alias = "view")]
    Show {
        /// Its name.
        #[arg(value_parser = PossibleValuesParser::new(names()))]
        action: String,
    },
    /// Run an action.
    Run(Run),
}

/// The API's own description.
static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../openapi.json")).unwrap_or_default());

const PATH: &str = "/v1/connections/{id}/actions/";

/// Name, description and schema of the input of every action.
fn inputs() -> impl Iterator<Item = (&'static str, &'static Value)> {
    let paths = DESCRIPTION["paths"].as_object().into_iter().flatten();
    paths.filter_map(|(path, _)| {
        let name = path.strip_prefix(PATH).filter(|name| !name.starts_with('{'))?;
        Some((name, &DESCRIPTION["components"]["schemas"][format!("{name}.input")]))
    })
}

fn names() -> Vec<&'static str> {
    inputs().map(|(name, _)| name).collect()
}

/// An action with its input.
pub struct Run {
    action: String,
    input: Map<String, Value>,
    file: Option<PathBuf>,
    only_told: bool,
    yes: bool,
}

impl FromArgMatches for Run {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let (action, matches) =
            matches.subcommand().ok_or_else(|| clap::Error::new(clap::error::ErrorKind::MissingSubcommand))?;
        let schema = inputs().find(|(name, _)| *name == action).map(|(_, schema)| schema);
        let mut input = Map::new();
        for (name, property) in schema.into_iter().flat_map(arguments) {
            if let Some(value) = value(matches, name, property)? {
                input.insert(name.to_owned(), value);
            }
        }
        let file = matches.get_one::<PathBuf>("input").cloned();
        let (only_told, yes) = (matches.get_flag("dry-run"), matches.get_flag("yes"));
        Ok(Self { action: action.to_owned(), input, file, only_told, yes })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Run {
    fn augment_args(command: clap::Command) -> clap::Command {
        let command =
            command.subcommand_required(true).subcommand_value_name("ACTION").subcommand_help_heading("Actions");
        command.subcommands(inputs().map(|(name, schema)| of_schema(name, schema)))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

fn of_schema(name: &'static str, schema: &'static Value) -> clap::Command {
    let about = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let all = arguments(schema).map(|(name, property)| {
        let is_required = required.iter().any(|it| it == name);
        argument(name, property).required(is_required && property["type"] != "object")
    });
    let example = example(name, schema);
    let file = Arg::new("input").long("input").value_name("FILE").value_parser(clap::value_parser!(PathBuf));
    clap::Command::new(name)
        .about(about)
        .override_usage(format!("okta-connector actions run {name} [OPTIONS]"))
        .after_help(format!("Examples:\n  {example}"))
        .args(all)
        .arg(file.help("A file with more of it, as a JSON object, such as a password; - is the input"))
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Only show the requests that it would send"),
        )
        .arg(
            Arg::new("yes")
                .long("yes")
                .short('y')
                .action(ArgAction::SetTrue)
                .help("Do not ask before something is destroyed"),
        )
}

/// A command line with all that the action requires. A whole profile is for a file.
fn example(name: &str, schema: &Value) -> String {
    if name == "user.create" {
        return format!("okta-connector actions run {name} --input user.json");
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let options = required.map(|name| format!(" --{} {}", name.replace('_', "-"), stand_in(name, schema)));
    format!("okta-connector actions run {name}{}", options.collect::<String>())
}

/// What could stand for an argument.
fn stand_in(name: &str, schema: &Value) -> &'static str {
    match name {
        "user" => "ana",
        "group" | "name" => "Design",
        "app" => "Slack",
        "ip" => "203.0.113.7",
        "profile" => "'{\"title\":\"CEO\"}'",
        _ if schema["properties"][name]["type"] == "object" => "'{}'",
        _ => "…",
    }
}

/// What can be an argument: not a password, which every process of the machine could read.
fn arguments(schema: &'static Value) -> impl Iterator<Item = (&'static str, &'static Value)> {
    properties(schema).filter(|(_, property)| !is_password(property))
}

fn argument(name: &'static str, property: &'static Value) -> Arg {
    let help = property["description"].as_str().unwrap_or_default().replace('\n', " ");
    let argument = Arg::new(name).long(name.replace('_', "-")).help(help.trim_end_matches('.').to_owned());
    match type_of(property) {
        "boolean" => argument.value_name("true|false").num_args(0..=1).default_missing_value("true"),
        "integer" => argument.value_name("N"),
        "array" if is_list_of_text(property) => argument.value_name("TEXT").action(ArgAction::Append),
        "array" | "object" => argument.value_name("JSON"),
        _ => argument.value_name("TEXT"),
    }
}

fn value(matches: &ArgMatches, name: &str, property: &Value) -> Result<Option<Value>, clap::Error> {
    if is_list_of_text(property) {
        let all: Option<Vec<_>> = matches.get_many::<String>(name).map(Iterator::collect);
        return Ok(all.map(|all| json!(all)));
    }
    let Some(text) = matches.get_one::<String>(name) else { return Ok(None) };
    let wrong = || {
        let option = name.replace('_', "-");
        clap::Error::raw(
            clap::error::ErrorKind::ValueValidation,
            format!("--{option}: {text:?} is no {}\n", type_of(property)),
        )
    };
    let value = match type_of(property) {
        "string" => json!(text),
        _ => serde_json::from_str(text).map_err(|_| wrong())?,
    };
    Ok(Some(value))
}

impl Row for Action {
    const COLUMNS: &'static [&'static str] = &["ACTION", "EFFECT", "WHAT IT DOES"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.effect.clone(), self.title.clone()]
    }
}

impl Facts for Action {
    fn facts(&self) -> Vec<(&'static str, String)> {
        vec![
            ("action", self.name.clone()),
            ("what it does", self.description.replace('\n', " ")),
            ("effect", self.effect.clone()),
            ("scopes", self.scopes.join(" ")),
            ("arguments", format!("okta-connector actions run {} --help", self.name)),
        ]
    }
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::List => {
            let all: Vec<Action> = context.client.pages("/v1/actions").first(usize::MAX).await?;
            Ok(context.output.list(&all)?)
        }
        Command::Show { action } => {
            let action: Action = context.client.get(&format!("/v1/actions/{}", segment(&action))).await?;
            Ok(context.output.facts(&action)?)
        }
        Command::Run(run) => perform(context, run).await,
    }
}

async fn perform(context: &Context, run: Run) -> Result<(), Failure> {
    let mut input = run.input;
    if let Some(file) = &run.file {
        let text = secret(file)?;
        let more: Value = serde_json::from_str(&text).unwrap_or_default();
        let wrong = || Failure::Usage(format!("{} holds no JSON object.", file.display()));
        input.extend(more.as_object().cloned().ok_or_else(wrong)?);
    }
    let connection = context.connection().await?;
    let named = Value::Object(input.clone());
    by_name(context, &mut input).await?;
    let path = format!("/v1/connections/{}/actions/{}", connection.id, run.action);
    let body = Value::Object(input);
    if run.only_told {
        let told: Rehearsed = context.client.call(Method::POST, &format!("{path}?dry_run=true"), Some(&body)).await?;
        return Ok(rehearsed(context, &told)?);
    }
    let action: Action = context.client.get(&format!("/v1/actions/{}", run.action)).await?;
    if action.effect == "destructive" && !run.yes && !agreed(&question(&action, &named, &connection.name))? {
        return Err(Failure::BadNews("Nothing was done.".to_owned()));
    }
    let done: Performed = {
        let _waiting = waiting(&format!("{} …", action.title));
        context.client.call(Method::POST, &path, Some(&body)).await?
    };
    match context.output.format {
        Format::Table => {
            result::print(context, &done.output)?;
            note_next(context, &action, &done);
            Ok(())
        }
        Format::Csv => Ok(context.output.one(&done.output)?),
        _ => Ok(context.output.one(&done)?),
    }
}

/// A login has no blank, a person's name has: Okta knows the one, the directory the other.
async fn by_name(context: &Context, input: &mut Map<String, Value>) -> Result<(), Failure> {
    if let Some(user) = input.get("user").and_then(Value::as_str).filter(|user| user.contains(' ')) {
        let person = find(context, &PERSON, user).await?;
        if person.name.to_lowercase() != user.to_lowercase() {
            return Err(Failure::Absent(format!(
                "No person is called “{user}”. Did you mean “{}”?",
                plain(&person.name)
            )));
        }
        input.insert("user".to_owned(), json!(person.id));
    }
    Ok(())
}

/// Where to look after a change, which is in the directory a moment later.
fn note_next(context: &Context, action: &Action, done: &Performed) {
    if action.effect == "read" {
        return;
    }
    if done.output["changed"] == false {
        context.output.note("Nothing had to be changed.");
        return;
    }
    let user = done.output["user"]["login"].as_str().filter(|_| action.effect == "write");
    match (user, done.output["group"]["name"].as_str()) {
        (_, Some(group)) if action.effect == "write" => {
            context.output.next(&format!("okta-connector groups members {}", quoted(group)));
        }
        (Some(user), _) => context.output.next(&format!("okta-connector people show {}", quoted(user))),
        _ => context.output.next("okta-connector audit --limit 1"),
    }
}

/// A word of a shell.
fn quoted(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"@._-".contains(&b)) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What is about to happen, and to whom.
fn question(action: &Action, input: &Value, connection: &str) -> String {
    let target = ["user", "group", "app"].iter().filter_map(|name| input[*name].as_str());
    let target = target.collect::<Vec<_>>().join(", ");
    plain(&format!("{}: {target} in {connection}?", action.title))
}

fn rehearsed(context: &Context, told: &Rehearsed) -> std::io::Result<()> {
    if context.output.format != Format::Table {
        return context.output.one(told);
    }
    told.requests.iter().try_for_each(|request| {
        let body = if request.body.is_null() { String::new() } else { format!(" {}", request.body) };
        print(&plain(&format!("would send {} {}{body}", request.method, request.path)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(subcommand)]
        _command: crate::Command,
        #[command(flatten)]
        _options: crate::Options,
    }

    #[test]
    fn no_argument_of_an_action_is_taken_for_another_option() {
        <Line as clap::CommandFactory>::command().debug_assert();
        let own = ["url", "deployment", "connection", "output", "input", "dry_run", "yes", "help", "version"];
        for (action, schema) in inputs() {
            assert!(arguments(schema).all(|(name, _)| !own.contains(&name)), "{action}");
        }
        assert_eq!(inputs().count(), 34);
    }

    #[test]
    fn arguments_are_what_their_schema_says() {
        let run = |line: &[&str]| {
            let matches = Run::augment_args(clap::Command::new("run")).try_get_matches_from([&["run"], line].concat());
            matches.and_then(|matches| Run::from_arg_matches(&matches)).map(|run| Value::Object(run.input))
        };
        assert_eq!(run(&["user.suspend", "--user", "ana"]).expect("an input"), json!({"user": "ana"}));
        let line =
            ["user.create", "--profile", r#"{"login":"a"}"#, "--groups", "x", "--groups", "y", "--activate=false"];
        assert_eq!(
            run(&line).expect("an input"),
            json!({"profile": {"login": "a"}, "groups": ["x", "y"], "activate": false})
        );
        assert_eq!(run(&["user.search", "--limit", "7"]).expect("an input"), json!({"limit": 7}));
        for wrong in
            [&["user.suspend"][..], &["user.search", "--limit", "x"], &["user.create", "--profile", "{"], &["x"]]
        {
            assert!(run(wrong).is_err(), "{wrong:?}");
        }
        assert!(run(&["user.create", "--profile", "{}", "--password", "p"]).is_err(), "no process list shows one");
    }
}
