//! Reading what was synced: users, groups, memberships, apps, assignments, people and their managers, locations, findings,
//! syncs.
//!
//! Lists of users and people are cut from the roster, which is held in memory from one request to the next; what is shown
//! of each is read from its item.

mod access;
mod apps;
mod groups;
mod locations;
mod named;
mod people;
mod removals;
mod search;
mod selection;
mod summary;
mod syncs;
mod users;

pub use access::{AdminRole, Granter, OwnerName, admin_roles, admins, app_granters, group_granters, owners};
pub use apps::{AppLabel, AppUser, ProfileSchema, UserApp, app, app_users, apps, schema, user_apps};
pub use groups::{Managing, Membership, everyone, group, groups, managers, members, memberships, user_groups};
pub use locations::{location, locations};
pub use named::{NamedFilter, SORTS as NAMED_SORTS};
pub use people::{Administering, Finding, PeopleFilter, Person, PersonInFull, findings, people, person};
pub use removals::{Removal, removals};
pub use search::{Hit, Type, search};
pub use selection::{Order, SORTS, Selection};
pub use summary::{Access, Path, summary, why};
pub use syncs::{sync, syncs};
pub use users::{UserFilter, find_user, user, users};

use crate::app::App;
use crate::connection::{Connection, Stream};
use crate::id::ConnectionId;
use crate::problem::Problem;
use crate::synced::roster::Places;
use crate::synced::{Roster, State};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A page of a list: its items, and the place behind the last of them, where there is more.
#[derive(Default)]
pub struct Listed {
    /// The items.
    pub items: Vec<Value>,
    /// From where the next page goes on.
    pub next: Option<String>,
    /// Of a list of what a sync read: when the sync began that last read all of it; none before that.
    pub as_of: Option<Option<Timestamp>>,
    /// How many there are, where that was asked for; none where that takes more reading than one request is worth.
    pub total: Option<Option<usize>>,
    /// True where more may be found behind a page that is not full.
    pub partial: bool,
}

impl Listed {
    /// As it is answered, with the cursor that goes on behind a place.
    pub fn json(&self, cursor: impl Fn(&str) -> String) -> Value {
        let mut json = json!({"items": self.items, "next_cursor": self.next.as_deref().map(cursor)});
        if let Some(as_of) = self.as_of {
            json["as_of"] = json!(as_of);
        }
        if let Some(total) = self.total {
            json["total"] = json!(total);
        }
        if self.partial {
            json["partial"] = json!(true);
        }
        json
    }
}

/// A list stops at this many bytes, which leaves room for a header row in 4 MB.
const MOST_BYTES: usize = 3_990_000;
/// A function answers a text of JSON, in which the page is a string, and which may have 6 MB.
const MOST_ANSWERED: usize = 5_900_000;
/// Objects that are read at once, so that a page of many large ones is not read to be thrown away.
const READ_AT_ONCE: usize = 500;
/// Rosters that are held at once.
const MOST_ROSTERS: usize = 4;

/// Rosters that were read, by connection.
#[derive(Default)]
pub struct Rosters(Mutex<HashMap<ConnectionId, Held>>);

/// A roster and the parts that it was read from.
type Held = (Vec<String>, Arc<Roster>);

/// The directory of one connection, as of one request.
pub struct Directory<'a> {
    app: &'a App,
    connection: &'a Connection,
    state: State,
    roster: Arc<Roster>,
}

impl Rosters {
    /// The current roster; read again only where it has changed.
    async fn get(&self, app: &App, connection: &ConnectionId, state: &State) -> Result<Arc<Roster>, Problem> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(connection).cloned();
        if let Some((_, roster)) = held.filter(|(parts, _)| *parts == state.roster) {
            return Ok(roster);
        }
        let roster = Arc::new(Roster::load(&app.store, connection, &state.roster).await?);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST_ROSTERS {
            held.clear();
        }
        held.insert(connection.clone(), (state.roster.clone(), Arc::clone(&roster)));
        Ok(roster)
    }
}

impl<'a> Directory<'a> {
    /// Opens it. Before the first finished sync it is empty.
    pub async fn open(app: &'a App, rosters: &Rosters, connection: &'a Connection) -> Result<Self, Problem> {
        let state = State::load(&app.store, &connection.id).await?;
        let roster = match rosters.get(app, &connection.id, &state).await {
            Ok(roster) => roster,
            // Replaced while it was read: once more, from what is current now.
            Err(_) => {
                let state = State::load(&app.store, &connection.id).await?;
                rosters.get(app, &connection.id, &state).await?
            }
        };
        Ok(Self { app, connection, state, roster })
    }

    /// A page of what belongs to a stream.
    pub fn of(&self, stream: Stream, listed: Listed) -> Listed {
        Listed { as_of: Some(self.state.as_of.get(&stream).copied()), ..listed }
    }

    /// The connection and since when its streams are true, as an answer names them.
    pub fn described(&self) -> (Value, Value) {
        let connection = json!({"id": self.connection.id, "name": self.connection.settings.name});
        (connection, json!(self.state.as_of))
    }

    /// Who works where; nobody anywhere if locations are not synced.
    fn places(&self) -> Option<&Places> {
        self.connection.settings.reads(Stream::Locations).then_some(&self.roster.places)
    }
}

/// A page in the making.
struct Page {
    items: Vec<Value>,
    limit: usize,
    bytes: usize,
    answered: usize,
    last: Option<String>,
}

impl Page {
    fn new(limit: usize) -> Self {
        Self { items: Vec::new(), limit, bytes: 0, answered: 0, last: None }
    }

    /// Adds the item at a place; false where there is no room for it.
    fn add(&mut self, place: String, item: Value) -> bool {
        let json = item.to_string();
        let (quotes, escapes) = (json.matches('"').count(), json.matches('\\').count());
        // In a cell of CSV each quote is told twice, and in the answer each has a backslash.
        self.bytes += json.len() + quotes + 1;
        self.answered += json.len() + 3 * quotes + escapes;
        let full = self.bytes > MOST_BYTES || self.answered > MOST_ANSWERED;
        if self.items.len() == self.limit || (full && !self.items.is_empty()) {
            return false;
        }
        self.items.push(item);
        self.last = Some(place);
        true
    }

    /// How many objects are to be read next: one more than fit tells whether there are more.
    fn wants(&self) -> usize {
        (self.limit + 1 - self.items.len()).min(READ_AT_ONCE)
    }

    /// The page, behind which there is more or not.
    fn end(self, more: bool) -> Listed {
        Listed { next: self.last.filter(|_| more), items: self.items, ..Listed::default() }
    }
}

/// The place of the first item behind that of a number.
fn behind_number(after: Option<&str>) -> usize {
    after.and_then(|after| after.parse::<usize>().ok()).map_or(0, |after| after + 1)
}

/// Cuts a page out of items: as many as fit, and the place behind the last, where there is more.
fn cut(items: impl IntoIterator<Item = (String, Value)>, limit: usize) -> Listed {
    let mut page = Page::new(limit);
    let more = items.into_iter().any(|(place, item)| !page.add(place, item));
    page.end(more)
}
