//! The whole directory in a few figures, and why a user has an app.

use super::{Directory, apps, groups, people, users};
use crate::problem::Problem;
use crate::synced::access::{GroupRule, records};
use crate::synced::{Group, Scope};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Departments, titles and locations that are named.
const MOST_NAMED: usize = 20;

/// How many there are of what.
pub async fn summary(directory: &Directory<'_>) -> Result<Value, Problem> {
    let roster = &directory.roster;
    let people: Vec<_> = roster.rows.iter().filter(|row| row.is_person()).collect();
    let locations = directory.places().map_or(&[][..], |places| places.all());
    let findings = people::all_findings(directory).await?.len();
    Ok(json!({
        "counts": directory.state.counts,
        "people": people.len(),
        "statuses": most(roster.rows.iter().map(|row| row.status.as_str())),
        "departments": most(people.iter().filter_map(|row| row.department.as_deref())),
        "titles": most(people.iter().filter_map(|row| row.title.as_deref())),
        "locations": locations.iter().take(MOST_NAMED).collect::<Vec<_>>(),
        "findings": findings,
        "streams": directory.state.as_of,
    }))
}

/// The most frequent ones, with how often they are there.
fn most<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Value> {
    let mut counts = BTreeMap::<&str, usize>::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts.into_iter().take(MOST_NAMED).map(|(name, count)| json!({"name": name, "count": count})).collect()
}

/// Why a user has an app.
#[derive(Serialize, JsonSchema)]
pub struct Access {
    /// Whether the user has it.
    pub assigned: bool,
    /// How.
    pub paths: Vec<Path>,
}

/// One way in which a user has an app.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccessPath")]
pub struct Path {
    /// `direct` or `group`.
    pub kind: &'static str,
    /// The group that has the app, and the user as a member.
    pub group: Option<Group>,
    /// The first active group rule that adds members to that group, where group rules are synced and there is one.
    pub rule: Option<RuleName>,
    /// The same as a sentence.
    pub text: String,
}

/// A group rule by its id and name.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "GroupRuleName")]
pub struct RuleName {
    /// Okta's id.
    pub id: String,
    /// The name people see.
    pub name: String,
}

/// Why a user, by id or login, has an app, as far as the directory knows.
pub async fn why(directory: &Directory<'_>, user: &str, app: &str) -> Result<Access, Problem> {
    let user = users::find_user(directory, user).await?;
    let app = apps::app(directory, app).await?;
    let name = user.name();
    let Some((scope, by)) = apps::granted(directory, &user, &app.id).await? else {
        return Ok(Access { assigned: false, paths: Vec::new() });
    };
    let mut paths = Vec::new();
    if scope == Scope::User {
        let text = format!("{} was assigned to {name} directly.", app.label);
        paths.push(Path { kind: "direct", group: None, rule: None, text });
    }
    let mine = groups::ids_of(directory, &user).await?;
    let rules = records::<GroupRule>(&directory.app.store, &directory.connection.id).await?;
    for group in by.into_iter().filter(|group| group.is_everyone() || mine.contains(&group.id)) {
        let adds = |rule: &&GroupRule| {
            rule.status == "ACTIVE" && rule.groups.contains(&group.id) && !rule.excluded.contains(&user.id)
        };
        let rule = rules.iter().find(adds).map(|rule| RuleName { id: rule.id.clone(), name: rule.name.clone() });
        let by = rule.as_ref().map(|rule| format!(" The group rule {} adds members to it.", rule.name));
        let by = by.unwrap_or_default();
        let text = format!("{name} is a member of {}, to which {} is assigned.{by}", group.name, app.label);
        paths.push(Path { kind: "group", group: Some(group), rule, text });
    }
    Ok(Access { assigned: true, paths })
}
