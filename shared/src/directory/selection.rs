//! Which of the users of a list are shown, in which order, and how many there are.

use super::{Directory, Listed, Page, READ_AT_ONCE, users};
use crate::fold::{WordPrefix, fold};
use crate::okta::LogFilter;
use crate::problem::Problem;
use crate::synced::roster::Row;
use crate::synced::{Roster, User};
use serde_json::{Value, json};
use std::cmp::Ordering;

/// What a list is asked for beside its own parameters.
#[derive(Default)]
pub struct Selection {
    /// Only what this holds for, as it is shown.
    pub filter: Option<LogFilter>,
    /// In which order; that of the list itself without one.
    pub order: Option<Order>,
    /// Whether it says how many there are.
    pub count: bool,
}

impl Selection {
    /// True where nothing was asked for.
    pub fn is_plain(&self) -> bool {
        self.filter.is_none() && self.order.is_none() && !self.count
    }
}

/// An order.
#[derive(Clone, Copy)]
pub struct Order {
    by: &'static str,
    is_descending: bool,
}

/// What users are sorted by, each in both directions.
pub const SORTS: [&str; 14] = [
    "name",
    "-name",
    "login",
    "-login",
    "email",
    "-email",
    "title",
    "-title",
    "department",
    "-department",
    "status",
    "-status",
    "updated",
    "-updated",
];

/// The attributes that are in a line of the roster: a filter of nothing else reads no user.
const IN_ROWS: [&str; 7] = ["id", "status", "name", "login", "email", "title", "department"];
/// A filter on other attributes looks at so many objects for one page; the next page goes on from there.
pub(super) const MOST_EXAMINED: usize = 2_000;

impl Order {
    /// Of a word such as `-name`.
    pub fn of(word: &'static str) -> Self {
        let ascending = word.strip_prefix('-');
        Self { by: ascending.unwrap_or(word), is_descending: ascending.is_some() }
    }

    /// True for the larger first.
    pub fn is_descending(self) -> bool {
        self.is_descending
    }

    fn key(self, row: &Row) -> Option<String> {
        let text = match self.by {
            "name" => Some(&row.name),
            "login" => Some(&row.login),
            "email" => row.email.as_ref().or(Some(&row.login)),
            "title" => row.title.as_ref(),
            "department" => row.department.as_ref(),
            "status" => Some(&row.status),
            // Of one width, so that its text is in its order.
            _ => return Some(format!("{:.3}", row.updated)),
        };
        text.map(|text| fold(text))
    }

    /// What has no text comes last either way; what is equal is in the order of ids.
    fn compare(self, one: (Option<&str>, &str), other: (Option<&str>, &str)) -> Ordering {
        let by_key = match (one.0, other.0) {
            (Some(one), Some(other)) if self.is_descending => other.cmp(one),
            (Some(one), Some(other)) => one.cmp(other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        };
        by_key.then_with(|| one.1.cmp(other.1))
    }

    /// Where a row stands, for a cursor.
    fn place(self, row: &Row) -> String {
        match self.key(row) {
            Some(key) => format!("{} {key}", row.id),
            None => row.id.to_string(),
        }
    }

    /// The rows behind a place, in order.
    fn sort<'a>(self, rows: impl Iterator<Item = &'a Row>, after: Option<&str>) -> Vec<&'a Row> {
        let after = after.map(|after| after.split_once(' ').map_or((None, after), |(id, key)| (Some(key), id)));
        let mut sorted: Vec<_> = rows.map(|row| (self.key(row), row)).collect();
        sorted.retain(|(key, row)| {
            after.is_none_or(|after| self.compare((key.as_deref(), row.id.as_str()), after) == Ordering::Greater)
        });
        sorted.sort_by(|(one, a), (other, b)| {
            self.compare((one.as_deref(), a.id.as_str()), (other.as_deref(), b.id.as_str()))
        });
        sorted.into_iter().map(|(_, row)| row).collect()
    }
}

/// A line as a filter sees it.
fn shown(row: &Row) -> Value {
    json!({
        "id": row.id,
        "status": row.status,
        "name": row.name,
        "login": row.login,
        "email": row.email.as_ref().unwrap_or(&row.login),
        "title": row.title,
        "department": row.department,
    })
}

/// Whether the line at a place is taken.
pub(super) type Takes<'a> = Box<dyn Fn(usize, &Row) -> bool + Send + Sync + 'a>;

/// Which lines are taken.
pub(super) struct Taken<'a> {
    /// A word of name, login or email begins so.
    pub q: Option<WordPrefix>,
    /// What else must hold of the line at a place.
    pub takes: Takes<'a>,
}

impl Taken<'_> {
    /// Those from a place on.
    fn from<'a>(&'a self, roster: &'a Roster, first: usize) -> impl Iterator<Item = &'a Row> + Send {
        let places: Box<dyn Iterator<Item = usize> + Send> = match &self.q {
            Some(q) => Box::new(roster.names.having(q, first)),
            None => Box::new(first..roster.rows.len()),
        };
        places
            .map(|place| (place, &roster.rows[place]))
            .filter(|(place, row)| (self.takes)(*place, row))
            .map(|(_, row)| row)
    }
}

/// A page of the users whose lines are taken, behind a place.
pub(super) async fn page(
    directory: &Directory<'_>,
    taken: Taken<'_>,
    selection: &Selection,
    after: Option<&str>,
    limit: usize,
    show: impl Fn(&Directory<'_>, &User) -> Value,
) -> Result<Listed, Problem> {
    let filter = selection.filter.as_ref();
    let of_rows = filter.filter(|filter| filter.uses_only(&IN_ROWS));
    let of_users = filter.filter(|_| of_rows.is_none());
    let roster = &directory.roster;
    let fits = |row: &&Row| of_rows.is_none_or(|filter| filter.matches(&shown(row)));
    let rows: Rows<'_> = match selection.order {
        // No further than the page goes.
        None => Box::new(taken.from(roster, roster.first_behind(after)).filter(fits)),
        Some(order) => Box::new(order.sort(taken.from(roster, 0).filter(fits), after).into_iter()),
    };
    let listed = cut(directory, rows, selection.order, of_users, limit, &show).await?;
    if !selection.count {
        return Ok(listed);
    }
    let all: Vec<_> = taken.from(roster, 0).filter(fits).collect();
    let total = count(directory, &all, of_users, &show).await?;
    Ok(Listed { total: Some(total), ..listed })
}

/// How many users a filter holds for; none where that takes too much reading.
async fn count(
    directory: &Directory<'_>,
    rows: &[&Row],
    filter: Option<&LogFilter>,
    show: impl Fn(&Directory<'_>, &User) -> Value,
) -> Result<Option<usize>, Problem> {
    let Some(filter) = filter else { return Ok(Some(rows.len())) };
    if rows.len() > MOST_EXAMINED {
        return Ok(None);
    }
    let mut count = 0;
    for some in rows.chunks(READ_AT_ONCE) {
        let users = users::load(directory, some.to_vec()).await?;
        count += users.iter().filter(|user| filter.matches(&show(directory, user))).count();
    }
    Ok(Some(count))
}

/// Lines in the order of a list.
type Rows<'a> = Box<dyn Iterator<Item = &'a Row> + Send + 'a>;

/// Cuts a page out of lines. Users are read piece by piece, until it is full.
async fn cut(
    directory: &Directory<'_>,
    rows: Rows<'_>,
    order: Option<Order>,
    filter: Option<&LogFilter>,
    limit: usize,
    show: impl Fn(&Directory<'_>, &User) -> Value,
) -> Result<Listed, Problem> {
    let place = |row: &Row| order.map_or_else(|| row.id.to_string(), |order| order.place(row));
    let mut page = Page::new(limit);
    let mut rows = rows.peekable();
    let mut examined = 0;
    while rows.peek().is_some() {
        let at_once = if filter.is_some() { READ_AT_ONCE } else { page.wants() };
        let some: Vec<_> = rows.by_ref().take(at_once).collect();
        examined += some.len();
        let mut read = some.iter();
        for user in users::load(directory, some.clone()).await? {
            let Some(row) = read.by_ref().find(|row| row.id == user.id) else { continue };
            let item = show(directory, &user);
            if filter.is_none_or(|filter| filter.matches(&item)) && !page.add(place(row), item) {
                return Ok(page.end(true));
            }
        }
        if filter.is_some() && examined >= MOST_EXAMINED && rows.peek().is_some() {
            return Ok(Listed { next: some.last().map(|row| place(row)), partial: true, ..page.end(false) });
        }
    }
    Ok(page.end(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::okta::UserId;

    fn row(id: &str, name: &str, title: Option<&str>) -> Row {
        Row {
            id: UserId::parse(id).expect("an id"),
            status: "ACTIVE".to_owned(),
            updated: jiff::Timestamp::UNIX_EPOCH,
            name: name.to_owned(),
            login: format!("{id}@example.com"),
            email: None,
            employee_number: None,
            manager: None,
            title: title.map(str::to_owned),
            department: None,
            location: Vec::new(),
        }
    }

    #[test]
    fn a_list_in_an_order_goes_on_behind_any_place_of_it() {
        let rows = [row("00u1", "bea", None), row("00u2", "Ána", Some("b")), row("00u3", "ana", Some("A"))];
        let ids = |word, after: Option<&str>| {
            let order = Order::of(word);
            let sorted = order.sort(rows.iter(), after);
            sorted.into_iter().map(|row| (order.place(row), row.id.to_string())).collect::<Vec<_>>()
        };
        for (word, expected) in [
            ("name", ["00u2", "00u3", "00u1"]),
            ("-name", ["00u1", "00u2", "00u3"]),
            // What has no title comes last either way.
            ("title", ["00u3", "00u2", "00u1"]),
            ("-title", ["00u2", "00u3", "00u1"]),
        ] {
            let all = ids(word, None);
            assert_eq!(all.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), expected, "{word}");
            for (at, (place, _)) in all.iter().enumerate() {
                assert_eq!(ids(word, Some(place)), all[at + 1..], "{word} behind {place}");
            }
        }
    }
}
