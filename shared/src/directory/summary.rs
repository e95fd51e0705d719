//! The whole directory in a few figures, and why a user has an app.

use super::{Directory, apps, groups, users};
use crate::problem::Problem;
use crate::synced::{Group, Scope};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Departments, titles and locations that are named.
const MOST_NAMED: usize = 20;

/// How many there are of what.
pub fn summary(directory: &Directory<'_>) -> Value {
    let roster = &directory.roster;
    let people: Vec<_> = roster.rows.iter().filter(|row| row.is_person()).collect();
    let locations = directory.places().map_or(&[][..], |places| places.all());
    let findings = roster.tree.findings().len() + directory.state.bad.len();
    json!({
        "counts": directory.state.counts,
        "people": people.len(),
        "statuses": most(roster.rows.iter().map(|row| row.status.as_str())),
        "departments": most(people.iter().filter_map(|row| row.department.as_deref())),
        "titles": most(people.iter().filter_map(|row| row.title.as_deref())),
        "locations": locations.iter().take(MOST_NAMED).collect::<Vec<_>>(),
        "findings": findings,
        "streams": directory.state.as_of,
    })
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
    /// The same as a sentence.
    pub text: String,
}

/// Why a user, by id or login, has an app, as far as the directory knows.
pub async fn why(directory: &Directory<'_>, user: &str, app: &str) -> Result<Access, Problem> {
    let user = users::find_user(directory, user).await?;
    let app = apps::app(directory, app).await?;
    let name = user.name();
    let Some((scope, by)) = apps::granted(directory, &user, &app.id).await? else {
        return Ok(Access { assigned: false, paths: Vec::new() });
    };
    let direct = (scope == Scope::User).then(|| Path {
        kind: "direct",
        group: None,
        text: format!("{} was assigned to {name} directly.", app.label),
    });
    let mine = groups::ids_of(directory, &user).await?;
    let granting = by.into_iter().filter(|group| group.is_everyone() || mine.contains(&group.id));
    let by_group = granting.map(|group| Path {
        kind: "group",
        text: format!("{name} is a member of {}, to which {} is assigned.", group.name, app.label),
        group: Some(group),
    });
    Ok(Access { assigned: true, paths: direct.into_iter().chain(by_group).collect() })
}
