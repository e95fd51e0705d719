//! The roster: one line of every user, small enough to be held in memory, from which lists, searches, managers, chains,
//! counts and findings are answered.
//!
//! The sync writes it at its end, in parts that are named after their content: a part that did not change is not written
//! again. Who manages whom and who works where is worked out by whoever reads it, from what people's profiles say.

mod countries;
mod places;
mod spelling;
mod texts;
mod tree;

pub use places::{Census, Location, Places};
pub use texts::{Folded, Shared, TextsTaken};
pub use tree::{Finding, Tree};

use super::{User, fingerprint, half_hash, pack, unpack};
use crate::connection::Attributes;
use crate::fold::{WordPrefix, fold};
use crate::id::ConnectionId;
use crate::okta::UserId;
use crate::store::{Error, Item, Key, Store, keys};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::thread::available_parallelism;
use tokio::task::{JoinError, spawn_blocking};

/// One line of the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Okta's id.
    pub id: UserId,
    /// One of Okta's statuses.
    #[serde(rename = "s")]
    pub status: String,
    /// When the user was last stored.
    #[serde(rename = "u")]
    pub updated: Timestamp,
    /// Name for people.
    #[serde(rename = "n")]
    pub name: String,
    /// Login.
    #[serde(rename = "l")]
    pub login: String,
    /// Email, where it is not the login.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Employee number.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub employee_number: Option<String>,
    /// What names the manager.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// Job title.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Department.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// What is told of where somebody works: attributes and their texts, in the connection's order.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub location: Vec<(String, String)>,
}

/// What a run learnt of one user's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// It is this.
    Is(Box<Row>),
    /// There is none any more.
    Gone {
        /// Okta's id.
        id: UserId,
        /// Since when.
        #[serde(rename = "u")]
        since: Timestamp,
    },
}

impl Row {
    /// The line of a user. A text of any length is cut: a profile may hold anything.
    pub fn new(user: &User, attributes: &Attributes) -> Self {
        let cut = |text: Cow<'_, str>| first(&text, 200).to_owned();
        let login = user.text("login").map(cut).unwrap_or_default();
        let email = user.text("email").map(cut).filter(|email| *email != login);
        Self {
            id: user.id.clone(),
            status: user.status.clone(),
            updated: user.synced_at,
            name: cut(user.name().into()),
            login,
            email,
            employee_number: user.text("employeeNumber").map(cut),
            manager: user.manager(attributes).map(cut),
            title: user.text("title").map(cut),
            department: user.text("department").map(cut),
            location: location(user, attributes),
        }
    }

    /// True for a person: a user that is not deprovisioned.
    pub fn is_person(&self) -> bool {
        self.status != "DEPROVISIONED"
    }

    /// True where a word of name, login or email begins so.
    pub fn matches(&self, prefix: &WordPrefix) -> bool {
        self.names().any(|text| prefix.is_in(&fold(text)))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let texts = [Some(&self.name), Some(&self.login), self.email.as_ref()];
        texts.into_iter().flatten().map(String::as_str)
    }
}

/// What a profile says of where somebody works; cut too, since everybody has several of these.
fn location(user: &User, attributes: &Attributes) -> Vec<(String, String)> {
    let told = |name: &String| Some((name.clone(), first(&user.text(name)?, 100).to_owned()));
    attributes.location.iter().filter_map(told).collect()
}

/// The first so many letters of a text.
fn first(text: &str, letters: usize) -> &str {
    text.char_indices().nth(letters).map_or(text, |(end, _)| &text[..end])
}

/// All lines, ordered by id, and what follows from them.
pub struct Roster {
    /// The lines.
    pub rows: Vec<Row>,
    /// Who manages whom.
    pub tree: Tree,
    /// Who works where.
    pub places: Places,
    /// Name, login and, where it is another one, email.
    pub names: Folded,
    /// Employee numbers.
    pub numbers: Folded,
    /// Titles.
    pub titles: Shared,
    /// Departments.
    pub departments: Shared,
}

impl Roster {
    /// Of lines in any order.
    pub fn new(mut rows: Vec<Row>) -> Self {
        rows.sort_by_cached_key(|row| row.id.clone());
        let (tree, places) = (Tree::new(&rows), Places::new(&rows));
        for row in &mut rows {
            // What is worked out is not held twice.
            row.location = Vec::new();
            row.manager = None;
        }
        Self {
            names: Folded::of(rows.iter().map(Row::names)),
            numbers: Folded::of(rows.iter().map(|row| row.employee_number.as_deref())),
            titles: Shared::of(rows.iter().map(|row| row.title.as_deref())),
            departments: Shared::of(rows.iter().map(|row| row.department.as_deref())),
            rows,
            tree,
            places,
        }
    }

    /// Reads the parts. Many lines take a while, on as many threads as there are processors.
    pub async fn load(store: &Store, connection: &ConnectionId, parts: &[String]) -> Result<Self, Error> {
        // Parts with the same lines, that is none, are one item.
        let names: BTreeSet<_> = parts.iter().collect();
        let keys: Vec<_> = names.into_iter().map(|part| part_key(connection, part)).collect();
        let mut items = store.get_many(&keys).await?;
        if items.len() < keys.len() {
            return Err(Error::Unavailable("the roster was replaced while it was read".to_owned()));
        }
        let each = items.len().div_ceil(available_parallelism().map_or(1, usize::from)).max(1);
        let mut unpacking = Vec::new();
        while !items.is_empty() {
            let some = items.split_off(items.len().saturating_sub(each));
            unpacking.push(spawn_blocking(move || some.iter().map(lines).collect::<Result<Vec<_>, _>>()));
        }
        let gone = |error: JoinError| Error::Unavailable(error.to_string());
        let mut rows = Vec::new();
        for some in unpacking {
            rows.extend(some.await.map_err(gone)??.into_iter().flatten());
        }
        spawn_blocking(move || Self::new(rows)).await.map_err(gone)
    }

    /// Where a user stands.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.rows.binary_search_by(|row| row.id.as_str().cmp(id)).ok()
    }

    /// Where the first user behind an id stands.
    pub fn first_behind(&self, id: Option<&str>) -> usize {
        id.map_or(0, |id| self.rows.partition_point(|row| row.id.as_str() <= id))
    }

    /// Where the user with a login stands; case is ignored, as Okta does.
    pub fn place_of_login(&self, login: &str) -> Option<usize> {
        let lower = login.to_lowercase();
        self.rows.iter().position(|row| row.login.eq_ignore_ascii_case(login) || is_lower_of(&row.login, &lower))
    }
}

/// Only letters beyond ASCII need a text of their own.
fn is_lower_of(login: &str, lower: &str) -> bool {
    !login.is_ascii() && login.to_lowercase() == lower
}

/// What tells lines from others, whatever their order: how many there are, and what their hashes add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// How many.
    pub lines: u64,
    hashes: [u64; 2],
}

impl Sum {
    /// Adds a line.
    pub fn add(&mut self, line: &RawValue) {
        self.lines += 1;
        for (sum, hash) in self.hashes.iter_mut().zip(half_hash(line.get().as_bytes()).as_chunks().0) {
            *sum = sum.wrapping_add(u64::from_le_bytes(*hash));
        }
    }
}

/// The lines of a part.
fn lines(item: &Item) -> Result<Vec<Row>, Error> {
    unpack(item.get_bytes("rows").ok_or(Error::Corrupt)?)
}

/// Reads one part; no lines where it is gone.
pub async fn load_part(store: &Store, connection: &ConnectionId, part: &str) -> Result<Vec<Row>, Error> {
    match store.get(&part_key(connection, part)).await? {
        Some(item) => lines(&item),
        None => Ok(Vec::new()),
    }
}

/// Where a part lies.
pub fn part_key(connection: &ConnectionId, part: &str) -> Key {
    keys::roster_part(connection, part)
}

/// A packed part and its name.
pub struct Part {
    /// The hash of its content.
    pub name: String,
    /// The lines, packed.
    pub bytes: Vec<u8>,
}

/// Which part a user's line belongs to, of `parts`; it never moves while the number of parts stays.
pub fn part_of(id: &str, parts: usize) -> usize {
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    usize::try_from(hash % parts as u64).unwrap_or_default()
}

/// More parts there are never: the state names them all, and is one item.
const MOST_PARTS: usize = 8_192;

/// Into how many parts so many lines are cut: at most some 250 lines each up to two million, since a line that changes has
/// its part written anew; in few steps, so that growth seldom moves all.
pub fn parts_for(rows: usize) -> usize {
    (rows / 250 + 1).next_power_of_two().min(MOST_PARTS)
}

/// Packs the lines of a part; the same lines in any order make the same part.
pub fn pack_part(mut rows: Vec<Box<RawValue>>) -> Result<Part, Error> {
    rows.sort_by(|a, b| a.get().cmp(b.get()));
    let mut content = Vec::new();
    for row in &rows {
        content.extend_from_slice(row.get().as_bytes());
        content.push(b'\n');
    }
    Ok(Part { name: fingerprint(&content), bytes: pack(&rows)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(lines: &[&str]) -> Sum {
        let mut sum = Sum::default();
        for line in lines {
            sum.add(&RawValue::from_string(format!("{line:?}")).expect("JSON"));
        }
        sum
    }

    #[test]
    fn a_sum_hangs_on_each_line_and_not_on_their_order() {
        let lines = sum(&["a", "b", "c"]);
        assert_eq!(sum(&["c", "a", "b"]), lines);
        for others in [&["a", "b"][..], &["a", "b", "d"], &["a", "a", "b"], &["a", "b", "c", "c"], &["ab", "c"], &[]] {
            assert_ne!(sum(others), lines, "{others:?}");
        }
    }
}
