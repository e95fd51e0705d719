//! People: users that are neither deprovisioned nor removed, with their managers, their reports, and what is wrong.

use super::apps::{self, AppLabel};
use super::selection::{self, Selection, Taken};
use super::{Directory, Listed, access, behind_number, cut, groups, users};
use crate::fold::{WordPrefix, fold};
use crate::okta::UserId;
use crate::problem::Problem;
use crate::synced::roster::{Row, Shared, TextsTaken};
use crate::synced::{App, User};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};

/// Which people.
#[derive(Default)]
pub struct PeopleFilter {
    /// A word of name, login or email begins so.
    pub q: Option<String>,
    /// A word of the title begins so, or, in double quotes, it is this; case and accents are ignored.
    pub title: Option<String>,
    /// The same of the department.
    pub department: Option<String>,
    /// Only these statuses; empty: all.
    pub statuses: Vec<String>,
    /// Direct reports of this user: an id or login.
    pub manager: Option<String>,
    /// Who works in the location with this id.
    pub location: Option<String>,
    /// Members of the group with this id.
    pub group: Option<String>,
    /// Who holds an admin role.
    pub admin: Option<Administering>,
    /// Who owns a group.
    pub owner: bool,
    /// What every list can be asked for.
    pub selection: Selection,
}

/// Which admin role a person holds, of their own or by a group.
pub enum Administering {
    /// Any.
    Any,
    /// One of this type, such as `APP_ADMIN`.
    Role(String),
}

impl Administering {
    /// Of a parameter; the error says what it must be.
    pub fn parse(word: &str) -> Result<Self, &'static str> {
        match word {
            "true" => Ok(Self::Any),
            role if !role.is_empty() && role.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') => {
                Ok(Self::Role(role.to_owned()))
            }
            _ => Err("must be true, or the type of a role, such as APP_ADMIN"),
        }
    }
}

/// What a text is looked for by.
enum Wanted {
    /// A word of it begins so.
    Begins(WordPrefix),
    /// It is this.
    Is(String),
}

impl Wanted {
    /// Of a parameter: in double quotes, the whole text.
    fn of(text: &str) -> Self {
        let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        quoted.map_or_else(|| Self::Begins(WordPrefix::of(text.trim())), |whole| Self::Is(fold(whole)))
    }

    fn takes(&self, folded: &str) -> bool {
        match self {
            Self::Begins(start) => start.is_in(folded),
            Self::Is(whole) => folded == whole,
        }
    }
}

/// A person, as a list shows it.
#[derive(Serialize, JsonSchema)]
pub struct Person {
    /// Okta's id of the user.
    pub id: UserId,
    /// Display name, else first and last name, else login.
    pub name: String,
    /// The login.
    pub login: Option<String>,
    /// The email.
    pub email: Option<String>,
    /// The title.
    pub title: Option<String>,
    /// The department.
    pub department: Option<String>,
    /// The division.
    pub division: Option<String>,
    /// The cost centre.
    pub cost_center: Option<String>,
    /// The employee number.
    pub employee_number: Option<String>,
    /// The profile's `userType`.
    pub user_type: Option<String>,
    /// The user's status: one of Okta's.
    pub status: String,
    /// Where the person works, where it is known.
    pub location: Option<Named>,
    /// The manager, where it is one of the people.
    pub manager: Option<Named>,
    /// Direct reports.
    pub reports_count: u32,
    /// The profile's attributes that are not Okta's own.
    pub custom: Map<String, Value>,
}

/// A person with everything around them.
#[derive(Serialize, JsonSchema)]
pub struct PersonInFull {
    /// As a list shows it.
    #[serde(flatten)]
    pub person: Person,
    /// Okta's profile, verbatim.
    pub profile: BTreeMap<String, Value>,
    /// The managers above, nearest first.
    pub manager_chain: Vec<Named>,
    /// Reports, direct and below.
    pub all_reports_count: u32,
    /// Direct reports.
    pub reports: Shown,
    /// Groups.
    pub groups: Shown,
    /// Applications.
    pub apps: ShownApps,
}

/// Something by its id and name.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The first 200 of several, and how many there are.
#[derive(Serialize, JsonSchema)]
pub struct Shown {
    /// At most 200.
    pub items: Vec<Named>,
    /// All of them.
    pub total: usize,
}

/// The first 200 of several apps, and how many there are.
#[derive(Serialize, JsonSchema)]
pub struct ShownApps {
    /// At most 200.
    pub items: Vec<AppLabel>,
    /// All of them.
    pub total: usize,
}

/// What a finding is about.
#[derive(Serialize, JsonSchema)]
pub struct FindingObject {
    /// `user`, `group`, `app`, `schema` or another kind of record that a sync reads.
    #[serde(rename = "type")]
    pub kind: String,
    /// Okta's id, where it is known.
    pub id: Option<String>,
    /// Name, login or label, where it is known.
    pub name: Option<String>,
}

/// Something that is wrong in the directory.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DirectoryFinding")]
pub struct Finding {
    /// `manager_cycle`, `manager_dangling`, `manager_ambiguous`, `bad_record`, `admin_inactive`, `owner_inactive` or
    /// `app_without_granter`.
    pub kind: &'static str,
    /// Okta's id of the user, where it is known; null for a record of another kind.
    pub user: Option<String>,
    /// What it is about.
    pub object: FindingObject,
    /// What was found.
    pub detail: String,
}

impl Named {
    fn of(row: &Row) -> Self {
        Self { id: row.id.to_string(), name: row.name.clone() }
    }
}

impl Shown {
    fn of(mut items: Vec<Named>) -> Self {
        let total = items.len();
        items.truncate(MOST_SHOWN);
        Self { items, total }
    }
}

/// Reports, groups and apps that a person shows at most.
const MOST_SHOWN: usize = 200;

/// Which of some texts are looked for; none where all are.
fn taken<'a>(wanted: Option<&str>, texts: &'a Shared) -> Option<TextsTaken<'a>> {
    let wanted = Wanted::of(wanted?);
    Some(texts.taken(|text| wanted.takes(text)))
}

/// A page of people behind the person with the id `after`.
pub async fn people(
    directory: &Directory<'_>,
    filter: &PeopleFilter,
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let roster = &directory.roster;
    let q = filter.q.as_deref().map(WordPrefix::of);
    let titled = taken(filter.title.as_deref(), &roster.titles);
    let belonging = taken(filter.department.as_deref(), &roster.departments);
    let reports = match &filter.manager {
        Some(manager) => match roster.place(manager).or_else(|| roster.place_of_login(manager)) {
            Some(place) => Some(roster.tree.reports(place).collect::<HashSet<_>>()),
            None => return Ok(Listed::default()),
        },
        None => None,
    };
    let located = match &filter.location {
        Some(id) => match directory.places().and_then(|places| places.place(id)) {
            Some(place) => Some(place),
            None => return Ok(Listed::default()),
        },
        None => None,
    };
    let members = match &filter.group {
        Some(group) => Some(groups::places_of(directory, group).await?.into_iter().collect::<HashSet<_>>()),
        None => None,
    };
    let admins = match &filter.admin {
        Some(Administering::Any) => Some(access::admin_places(directory, None).await?),
        Some(Administering::Role(role)) => Some(access::admin_places(directory, Some(role)).await?),
        None => None,
    };
    let owners = if filter.owner { Some(access::owner_places(directory).await?) } else { None };
    let takes = move |place: usize, row: &Row| {
        row.is_person()
            && admins.as_ref().is_none_or(|admins| admins.contains(&place))
            && owners.as_ref().is_none_or(|owners| owners.contains(&place))
            && members.as_ref().is_none_or(|members| members.contains(&place))
            && (filter.statuses.is_empty() || filter.statuses.contains(&row.status))
            && titled.as_ref().is_none_or(|titled| titled.has(place))
            && belonging.as_ref().is_none_or(|belonging| belonging.has(place))
            && reports.as_ref().is_none_or(|reports| reports.contains(&place))
            && located.is_none_or(|location| roster.places.of(place) == Some(location))
    };
    let taken = Taken { q, takes: Box::new(takes) };
    let show = |directory: &Directory<'_>, user: &User| json!(line(directory, user));
    selection::page(directory, taken, &filter.selection, after, limit, show).await
}

/// What a list shows of a person.
fn line(directory: &Directory<'_>, user: &User) -> Person {
    let roster = &directory.roster;
    let place = roster.place(user.id.as_str());
    let manager = place.and_then(|place| roster.tree.manager(place));
    let location = directory.places().and_then(|places| Some(&places.all()[places.of(place?)?]));
    let text = |attribute: &str| user.text(attribute).map(std::borrow::Cow::into_owned);
    Person {
        id: user.id.clone(),
        name: user.name(),
        login: text("login"),
        email: text("email"),
        title: text("title"),
        department: text("department"),
        division: text("division"),
        cost_center: text("costCenter"),
        employee_number: text("employeeNumber"),
        user_type: text("userType"),
        status: user.status.clone(),
        location: location.map(|it| Named { id: it.id.clone(), name: it.name.clone() }),
        manager: manager.map(|manager| Named::of(&roster.rows[manager])),
        reports_count: place.map_or(0, |place| roster.tree.reports_count(place)),
        custom: custom(user),
    }
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
pub async fn person(directory: &Directory<'_>, reference_to: &str) -> Result<PersonInFull, Problem> {
    let user = users::find_user(directory, reference_to).await?;
    let roster = &directory.roster;
    if user.removed_at.is_some() || user.status == "DEPROVISIONED" {
        return Err(Problem::not_found());
    }
    // A user whose first sync is not over is not among the people yet.
    let place = roster.place(user.id.as_str()).ok_or_else(Problem::not_found)?;
    let reports = roster.tree.reports(place).map(|report| Named::of(&roster.rows[report])).collect();
    let belongs = groups::groups_of(directory, &user, None, usize::MAX - 1).await?;
    let assigned = apps::of(directory, &user).await?;
    let chain = roster.tree.chain(place).into_iter().map(|manager| Named::of(&roster.rows[manager])).collect();
    Ok(PersonInFull {
        person: line(directory, &user),
        manager_chain: chain,
        all_reports_count: roster.tree.all_reports_count(place),
        reports: Shown::of(reports),
        groups: Shown::of(
            belongs.into_iter().map(|group| Named { id: group.id.to_string(), name: group.name }).collect(),
        ),
        apps: ShownApps { total: assigned.len(), items: assigned.into_iter().take(MOST_SHOWN).collect() },
        profile: user.profile,
    })
}

/// A page of what is wrong in the directory, behind a number.
pub async fn findings(directory: &Directory<'_>, after: Option<&str>, limit: usize) -> Result<Listed, Problem> {
    let found = all_findings(directory).await?.into_iter().enumerate().skip(behind_number(after));
    Ok(cut(found.map(|(place, item)| (place.to_string(), json!(item))), limit))
}

/// All that is wrong in the directory.
pub(super) async fn all_findings(directory: &Directory<'_>) -> Result<Vec<Finding>, Problem> {
    let managers =
        directory.roster.tree.findings().iter().map(|finding| {
            Finding::of_user(finding.kind, &directory.roster.rows[finding.place], finding.detail.clone())
        });
    let mut found: Vec<_> = managers.collect();
    found.extend(directory.state.bad.iter().cloned().map(|bad| {
        let kind = if bad.kind.is_empty() { "user".to_owned() } else { bad.kind };
        let user = bad.id.clone().filter(|_| kind == "user");
        let object = FindingObject { kind, id: bad.id, name: bad.name };
        Finding { kind: "bad_record", user, object, detail: bad.detail }
    }));
    found.extend(access::findings(directory).await?);
    Ok(found)
}

impl Finding {
    /// About a user.
    pub(super) fn of_user(kind: &'static str, row: &Row, detail: String) -> Self {
        let id = Some(row.id.to_string());
        let object = FindingObject { kind: "user".to_owned(), id: id.clone(), name: Some(row.name.clone()) };
        Self { kind, user: id, object, detail }
    }

    /// About an app.
    pub(super) fn of_app(kind: &'static str, app: &App, detail: String) -> Self {
        let (id, name) = (Some(app.id.to_string()), Some(app.label.clone()));
        Self { kind, user: None, object: FindingObject { kind: "app".to_owned(), id, name }, detail }
    }
}
