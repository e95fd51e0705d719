//! `people`.

use crate::names::{GROUP, LOCATION, PERSON, id, id_if};
use crate::output::{Facts, Format, Row, copy, or_empty, plain, print};
use crate::{Context, Failure, Most};
use clap::{Args, Subcommand, ValueEnum};
use okta_connector_client::{Method, Person, PersonInFull, query, segment};
use std::collections::HashSet;

#[derive(Subcommand)]
pub enum Command {
    /// Find people by name, login, email, title, department, manager, location or group.
    #[command(visible_alias = "list")]
    Find(Find),
    /// Show a person, with managers, reports, groups and apps.
    #[command(visible_alias = "view")]
    Show {
        /// The person: their id, login, email or name.
        person: String,
    },
    /// Draw who a person reports to, and who reports to them.
    Tree {
        /// The person: their id, login, email or name.
        person: String,
        /// How many levels of reports.
        #[arg(long, default_value_t = 2)]
        depth: usize,
    },
    /// Export all people.
    Export {
        /// The format.
        #[arg(long, value_enum, default_value_t)]
        format: Export,
    },
}

/// What is exported.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Export {
    /// Comma-separated values.
    #[default]
    Csv,
    /// A JSON document a line.
    Ndjson,
}

#[derive(Args)]
pub struct Find {
    /// What their name, login or email begins with; each word.
    text: Option<String>,
    /// Only with a title of which a word begins so; in double quotes, with this title.
    #[arg(long)]
    title: Option<String>,
    /// The same of the department.
    #[arg(long)]
    department: Option<String>,
    /// Only with one of these statuses, separated by commas.
    #[arg(long)]
    status: Option<String>,
    /// Only what this filter holds for, as in 'department eq "Sales"'.
    #[arg(long)]
    filter: Option<String>,
    /// The order: name, login, email, title, department, status or updated, with - in front the other way round.
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    /// Only who reports to this person: an id, login, email or name.
    #[arg(long)]
    manager: Option<String>,
    /// Only at this location: its id or name.
    #[arg(long)]
    location: Option<String>,
    /// Only in this group: its id or name.
    #[arg(long)]
    group: Option<String>,
    #[command(flatten)]
    most: Most,
}

impl Row for Person {
    const COLUMNS: &'static [&'static str] =
        &["NAME", "LOGIN", "TITLE", "DEPARTMENT", "MANAGER", "LOCATION", "REPORTS"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            or_empty(self.login.as_deref()),
            or_empty(self.title.as_deref()),
            or_empty(self.department.as_deref()),
            or_empty(self.manager.as_ref().map(|it| it.name.as_str())),
            or_empty(self.location.as_ref().map(|it| it.name.as_str())),
            self.reports_count.to_string(),
        ]
    }
}

impl Facts for PersonInFull {
    fn facts(&self) -> Vec<(&'static str, String)> {
        let person = &self.person;
        let names = |names: &mut dyn Iterator<Item = &String>, total: u64| {
            let names: Vec<_> = names.map(String::as_str).collect();
            if names.is_empty() { String::new() } else { format!("{total}: {}", names.join(", ")) }
        };
        let managers: Vec<_> = self.manager_chain.iter().map(|it| it.name.as_str()).collect();
        let mut facts = vec![
            ("id", person.id.clone()),
            ("name", person.name.clone()),
            ("login", or_empty(person.login.as_deref())),
            ("email", or_empty(person.email.as_deref())),
            ("status", person.status.clone()),
            ("title", or_empty(person.title.as_deref())),
            ("department", or_empty(person.department.as_deref())),
            ("division", or_empty(person.division.as_deref())),
            ("location", or_empty(person.location.as_ref().map(|it| it.name.as_str()))),
            ("reports to", managers.join(" > ")),
            ("reports", names(&mut self.reports.items.iter().map(|it| &it.name), self.reports.total)),
            ("all below", self.all_reports_count.to_string()),
            ("groups", names(&mut self.groups.items.iter().map(|it| &it.name), self.groups.total)),
            ("apps", names(&mut self.apps.items.iter().map(|it| &it.label), self.apps.total)),
        ];
        let employee = [("cost center", &person.cost_center), ("employee number", &person.employee_number)];
        facts.extend(employee.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        facts
    }
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let path = context.path("/people").await?;
    match command {
        Command::Find(find) => self::find(context, &path, find).await,
        Command::Show { person } => Ok(context.output.facts(&named(context, &path, &person).await?)?),
        Command::Tree { person, depth } => tree(context, &path, &person, depth).await,
        Command::Export { format } => export(context, &path, format).await,
    }
}

async fn find(context: &Context, path: &str, find: Find) -> Result<(), Failure> {
    let manager = id_if(context, &PERSON, find.manager.as_deref()).await?;
    let location = id_if(context, &LOCATION, find.location.as_deref()).await?;
    let group = id_if(context, &GROUP, find.group.as_deref()).await?;
    let asked = query(&[
        ("q", find.text.as_deref()),
        ("title", find.title.as_deref()),
        ("department", find.department.as_deref()),
        ("manager", manager.as_deref()),
        ("location", location.as_deref()),
        ("group", group.as_deref()),
        ("status", find.status.as_deref()),
        ("filter", find.filter.as_deref()),
        ("sort", find.sort.as_deref()),
    ]);
    let found: Vec<Person> = context.client.pages(format!("{path}{asked}")).first(find.most.count()).await?;
    context.output.list(&found)?;
    context.note_empty(found.is_empty(), "No person matches.").await
}

/// A person by id, login, email or name.
async fn named(context: &Context, path: &str, wanted: &str) -> Result<PersonInFull, Failure> {
    let id = id(context, &PERSON, wanted).await?;
    Ok(context.client.get(&format!("{path}/{}", segment(&id))).await?)
}

async fn tree(context: &Context, path: &str, wanted: &str, depth: usize) -> Result<(), Failure> {
    let person = named(context, path, wanted).await?;
    if context.output.format != Format::Table {
        return Ok(context.output.one(&person)?);
    }
    let mut indent = String::new();
    for manager in person.manager_chain.iter().rev() {
        print(&format!("{indent}{}", plain(&manager.name)))?;
        indent.push_str("  ");
    }
    let above = person.manager_chain.iter().map(|manager| manager.id.clone()).collect();
    reports(context, path, person, indent, depth, above).await
}

/// A person and those below, depth first: no list of all of them is held. Whoever stands above already, because the chain of
/// managers leads back to them, is marked and not followed again.
async fn reports(
    context: &Context,
    path: &str,
    top: PersonInFull,
    indent: String,
    depth: usize,
    mut above: HashSet<String>,
) -> Result<(), Failure> {
    let mut waiting = vec![(top, indent, depth)];
    while let Some((person, indent, depth)) = waiting.pop() {
        if !above.insert(person.person.id.clone()) {
            print(&plain(&format!("{indent}{} (see above: the chain of managers leads back)", person.person.name)))?;
            continue;
        }
        let title = person.person.title.as_deref().map(|title| format!(", {title}")).unwrap_or_default();
        print(&plain(&format!("{indent}{}{title}", person.person.name)))?;
        let left_out = person.reports.total.saturating_sub(person.reports.items.len() as u64);
        if depth == 0 {
            if person.all_reports_count > 0 {
                print(&format!("{indent}  … {} more below", person.all_reports_count))?;
            }
            continue;
        }
        if left_out > 0 {
            print(&format!("{indent}  … {left_out} more reports than are shown"))?;
        }
        for report in person.reports.items.iter().rev() {
            let below: PersonInFull = context.client.get(&format!("{path}/{}", report.id)).await?;
            waiting.push((below, format!("{indent}  "), depth - 1));
        }
    }
    Ok(())
}

async fn export(context: &Context, path: &str, format: Export) -> Result<(), Failure> {
    let format = format!("{format:?}").to_lowercase();
    let mut next = Some(format!("{path}?format={format}&limit=5000"));
    let mut is_first = true;
    while let Some(page) = next {
        let response = context.client.send(Method::GET, &page, None).await?;
        next = link(&response);
        let text = response.text().await.map_err(okta_connector_client::Error::from)?;
        // Each page of a CSV has the header.
        let rest =
            if is_first || format != "csv" { text.as_str() } else { text.split_once('\n').map_or("", |it| it.1) };
        copy(rest)?;
        is_first = false;
    }
    Ok(())
}

/// Where an export goes on: `Link: <…>; rel="next"`.
fn link(response: &okta_connector_client::Response) -> Option<String> {
    let links = response.headers().get_all("link").iter().filter_map(|link| link.to_str().ok());
    let next = links.flat_map(|link| link.split(',')).find(|link| link.contains("rel=\"next\""))?;
    Some(next.split(['<', '>']).nth(1)?.to_owned())
}
