//! People: users that are neither deprovisioned nor removed, with their managers, their reports, and what is wrong.

use super::{Directory, Listed, cut, groups, users};
use crate::fold::fold;
use crate::problem::Problem;
use crate::synced::User;
use crate::synced::roster::Row;
use serde_json::{Map, Value, json};

/// Which people.
#[derive(Default)]
pub struct PeopleFilter {
    /// A word of name, login or email begins so.
    pub q: Option<String>,
    /// Exactly this title, case and accents ignored.
    pub title: Option<String>,
    /// Exactly this department, case and accents ignored.
    pub department: Option<String>,
    /// Direct reports of this user: an id or login.
    pub manager: Option<String>,
}

/// Reports, groups and apps that a person shows at most.
const MOST_SHOWN: usize = 200;

/// A page of people behind the person with the id `after`.
pub async fn people(
    directory: &Directory<'_>,
    filter: &PeopleFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let roster = &directory.roster;
    let folded = |text: &Option<String>| text.as_deref().map(fold);
    let (q, title, department) = (folded(&filter.q), folded(&filter.title), folded(&filter.department));
    let same = |wanted: &Option<String>, text: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| text.as_deref().map(fold).as_ref() == Some(wanted))
    };
    let manager = match &filter.manager {
        Some(manager) => match roster.place(manager).or_else(|| roster.place_of_login(manager)) {
            Some(place) => Some(place),
            None => return Ok(Listed { items: Vec::new(), next: None }),
        },
        None => None,
    };
    let takes = |row: &&Row| {
        row.is_person()
            && q.as_deref().is_none_or(|q| row.matches(q))
            && same(&title, &row.title)
            && same(&department, &row.department)
            && manager.is_none_or(|manager| {
                roster.place(row.id.as_str()).and_then(|place| roster.tree.manager(place)) == Some(manager)
            })
    };
    let rows = users::behind(directory, after).filter(takes).take(limit + 1).collect();
    let found = users::load(directory, rows).await?;
    Ok(cut(found.iter().map(|user| (user.id.to_string(), Value::Object(line(directory, user)))), limit))
}

/// What a list shows of a person.
fn line(directory: &Directory<'_>, user: &User) -> Map<String, Value> {
    let roster = &directory.roster;
    let place = roster.place(user.id.as_str());
    let manager = place.and_then(|place| roster.tree.manager(place));
    let text = |attribute: &str| user.text(attribute);
    let line = json!({
        "id": user.id,
        "name": user.name(),
        "login": text("login"),
        "email": text("email"),
        "title": text("title"),
        "department": text("department"),
        "division": text("division"),
        "cost_center": text("costCenter"),
        "employee_number": text("employeeNumber"),
        "user_type": text("userType"),
        "status": user.status,
        "location": null,
        "manager": manager.map(|manager| reference(&roster.rows[manager])),
        "reports_count": place.map_or(0, |place| roster.tree.reports_count(place)),
        "custom": custom(user),
    });
    match line {
        Value::Object(line) => line,
        _ => Map::new(),
    }
}

fn reference(row: &Row) -> Value {
    json!({"id": row.id, "name": row.name})
}

/// Okta's own attributes of a profile (Management API, `UserProfile`); all others are the customer's.
const STANDARD: [&str; 31] = [
    "login",
    "email",
    "secondEmail",
    "firstName",
    "lastName",
    "middleName",
    "honorificPrefix",
    "honorificSuffix",
    "title",
    "displayName",
    "nickName",
    "profileUrl",
    "primaryPhone",
    "mobilePhone",
    "streetAddress",
    "city",
    "state",
    "zipCode",
    "countryCode",
    "postalAddress",
    "preferredLanguage",
    "locale",
    "timezone",
    "userType",
    "employeeNumber",
    "costCenter",
    "organization",
    "division",
    "department",
    "managerId",
    "manager",
];

fn custom(user: &User) -> Map<String, Value> {
    let others = user.profile.iter().filter(|(name, _)| !STANDARD.contains(&name.as_str()));
    others.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A person with everything around them.
pub async fn person(directory: &Directory<'_>, reference_to: &str) -> Result<Value, Problem> {
    let user = users::find_user(directory, reference_to).await?;
    let roster = &directory.roster;
    if user.removed_at.is_some() || user.status == "DEPROVISIONED" {
        return Err(Problem::not_found());
    }
    // A user whose first sync is not over is not among the people yet.
    let place = roster.place(user.id.as_str()).ok_or_else(Problem::not_found)?;
    let mut person = line(directory, &user);
    let reports: Vec<_> = roster.tree.reports(place).map(|report| reference(&roster.rows[report])).collect();
    let belongs = groups::user_groups(directory, &user, None, usize::MAX - 1).await?.items;
    let named = |group: &Value| json!({"id": group["id"], "name": group["name"]});
    let shown = |items: Vec<Value>| {
        let total = items.len();
        json!({"items": items.into_iter().take(MOST_SHOWN).collect::<Vec<_>>(), "total": total})
    };
    person.insert("profile".to_owned(), serde_json::to_value(&user.profile).unwrap_or_default());
    let chain: Vec<_> = roster.tree.chain(place).into_iter().map(|manager| reference(&roster.rows[manager])).collect();
    person.insert("manager_chain".to_owned(), chain.into());
    person.insert("all_reports_count".to_owned(), roster.tree.all_reports_count(place).into());
    person.insert("reports".to_owned(), shown(reports));
    person.insert("groups".to_owned(), shown(belongs.iter().map(named).collect()));
    person.insert("apps".to_owned(), shown(Vec::new()));
    Ok(Value::Object(person))
}

/// A page of what is wrong in the directory, behind a number.
pub fn findings(directory: &Directory<'_>, after: Option<&str>, limit: usize) -> Listed {
    let first = after.and_then(|after| after.parse::<usize>().ok()).map_or(0, |after| after + 1);
    let roster = &directory.roster;
    let managers =
        roster.tree.findings().iter().map(
            |finding| json!({"kind": finding.kind, "user": roster.rows[finding.place].id, "detail": finding.detail}),
        );
    let bad = directory.state.bad.iter().map(|bad| json!({"kind": "bad_record", "user": bad.id, "detail": bad.detail}));
    cut(managers.chain(bad).enumerate().skip(first).map(|(place, item)| (place.to_string(), item)), limit)
}
