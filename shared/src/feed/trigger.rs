//! A trigger: which of Okta's events a team wants, and where they go.

use super::entry::Entry;
use crate::id::{ConnectionId, TriggerId};
use crate::okta::LogFilter;
use crate::store::{Condition, Error, Item, Query, Store, Write, keys};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// A trigger as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// Its id.
    pub id: TriggerId,
    /// A name for people.
    pub name: Option<String>,
    /// What fires it.
    #[serde(flatten)]
    pub kind: Kind,
    /// Whether anything does.
    pub enabled: bool,
    /// The time zone of a `cron(…)`.
    pub timezone: String,
    /// Where its events go.
    pub deliver: BTreeSet<Outlet>,
    /// What Okta delivers to, where it is a hook.
    pub hook: Option<Hook>,
    /// What keeps it from working, as far as it is known.
    pub fault: Option<String>,
    /// True for the connector's own hook, which keeps the directory up to date and tells readers of nothing.
    #[serde(default)]
    pub is_own: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner last changed it.
    pub updated_at: Timestamp,
    /// Counts writes.
    #[serde(skip)]
    pub revision: u64,
}

/// What fires a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// Events of these types, as they happen.
    EventHook {
        /// Okta's names.
        event_types: BTreeSet<String>,
    },
    /// New events, as the log is polled.
    NewEvents {
        /// Which; all, where there is none.
        filter: Option<String>,
        /// How often the log is polled at least.
        schedule: String,
    },
    /// What a search of the log finds, from time to time.
    EventSearch {
        /// Which events.
        filter: String,
        /// When it runs.
        schedule: String,
        /// How far back the first run looks.
        lookback: String,
    },
}

/// Where events go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outlet {
    /// The feed that is read over HTTP.
    Feed,
    /// The EventBridge bus.
    Bus,
}

/// What Okta delivers to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Okta's id of it; none while it is being registered.
    pub okta_id: Option<String>,
    /// Whether Okta has seen that it is ours.
    pub verified: bool,
    /// The SHA-256 of its secret, in base64url. Okta alone has the secret.
    pub secret_hash: String,
    /// The same of the hook that it replaces, whose deliveries are taken until it is verified.
    #[serde(default)]
    pub previous_hash: Option<String>,
}

impl Hook {
    /// True for one that Okta does not deliver to, although it should.
    pub fn is_silent(&self) -> bool {
        !self.verified || self.okta_id.is_none()
    }
}

impl Trigger {
    /// Reads one.
    pub async fn load(store: &Store, connection: &ConnectionId, id: &TriggerId) -> Result<Option<Self>, Error> {
        store.get(&keys::trigger(connection, id)).await?.as_ref().map(parse).transpose()
    }

    /// The connector's own hook of a connection, where there is one.
    pub async fn own(store: &Store, connection: &ConnectionId) -> Result<Option<Self>, Error> {
        store.get(&keys::own_hook(connection)).await?.as_ref().map(parse).transpose()
    }

    /// All of a connection, oldest first; the connector's own hook left out.
    pub async fn all(store: &Store, connection: &ConnectionId) -> Result<Vec<Self>, Error> {
        let query = Query::partition(keys::connection_partition(connection)).prefix(keys::TRIGGERS);
        store.query(&query).await?.iter().map(parse).collect()
    }

    /// The write that replaces what it was read as, and nothing else.
    pub fn write(&self, connection: &ConnectionId) -> Result<Write, Error> {
        let key = if self.is_own { keys::own_hook(connection) } else { keys::trigger(connection, &self.id) };
        let item = Item::at(&key).number("rev", self.revision + 1).document(self)?;
        let condition = match self.revision {
            0 => Condition::absent(),
            revision => Condition::number("rev", revision),
        };
        Ok(Write::PutIf(item, condition))
    }

    /// What its events name as their source, behind the connection.
    pub fn source(&self) -> String {
        format!("triggers/{}", self.id)
    }

    /// The types that Okta delivers to it.
    pub fn event_types(&self) -> Option<&BTreeSet<String>> {
        match &self.kind {
            Kind::EventHook { event_types } => Some(event_types),
            Kind::NewEvents { .. } | Kind::EventSearch { .. } => None,
        }
    }

    /// True where the polled log fires it.
    pub fn is_polled(&self) -> bool {
        self.enabled && !matches!(self.kind, Kind::EventSearch { .. })
    }
}

fn parse(item: &Item) -> Result<Trigger, Error> {
    Ok(Trigger { revision: item.get_number("rev").ok_or(Error::Corrupt)?, ..item.parse()? })
}

/// The triggers of a connection that events of the log may fire, ready to be asked.
#[derive(Default)]
pub(super) struct Matcher {
    triggers: Vec<(Trigger, Option<LogFilter>)>,
}

impl Matcher {
    pub fn new(triggers: &[Trigger]) -> Self {
        let polled = triggers.iter().filter(|trigger| trigger.is_polled());
        let with_filter = polled.filter_map(|trigger| match &trigger.kind {
            Kind::NewEvents { filter: Some(text), .. } => {
                // It was read when the trigger was made.
                LogFilter::parse(text).ok().map(|filter| (trigger.clone(), Some(filter)))
            }
            _ => Some((trigger.clone(), None)),
        });
        Self { triggers: with_filter.collect() }
    }

    /// True where a hook delivers events of the type, so that one may come twice.
    pub fn is_hooked(&self, okta_type: &str) -> bool {
        self.triggers.iter().any(|(trigger, _)| trigger.event_types().is_some_and(|types| types.contains(okta_type)))
    }

    /// Names the triggers that an event of Okta's fires.
    pub fn address(&self, mut entry: Entry) -> (Entry, Vec<TriggerId>) {
        let (mut whole, mut fired) = (None::<Value>, Vec::new());
        for (trigger, filter) in &self.triggers {
            let fires = match (trigger.event_types(), filter) {
                (Some(types), _) => entry.okta_type().is_some_and(|it| types.contains(it)),
                (None, None) => true,
                (None, Some(filter)) => {
                    let read = || serde_json::from_str(entry.data.get()).unwrap_or_default();
                    filter.matches(whole.get_or_insert_with(read))
                }
            };
            if fires {
                entry = entry.sent(&trigger.source(), &trigger.deliver);
                fired.push(trigger.id.clone());
            }
        }
        (entry, fired)
    }
}
