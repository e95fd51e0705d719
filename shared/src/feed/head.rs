//! How far a feed is: one item, changed with each commit.

use crate::id::{ConnectionId, TriggerId};
use crate::store::{Condition, Error, Item, Store, Write, keys};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far a feed is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Head {
    /// The number of the newest chunk; 0: there is none yet.
    pub tail: u64,
    /// The number of the newest chunk that the bus has got.
    pub published: u64,
    /// Where the reading of the System Log stands; none before the first trigger.
    pub log: Option<LogPosition>,
    /// Events of the page at which the reading stands that are in the feed already.
    pub committed: Vec<String>,
    /// When the log was last read to its end, or as far as there was time.
    pub polled_at: Option<Timestamp>,
    /// Why it could not be read the last time.
    pub poll_error: Option<String>,
    /// When the hooks were last compared with what Okta has.
    pub hooks_checked_at: Option<Timestamp>,
    /// How many events the log told of that no hook has delivered, although one should have.
    pub missed_hooks: u64,
    /// How far each trigger is.
    pub marks: BTreeMap<TriggerId, Mark>,
    /// Counts writes.
    #[serde(skip)]
    pub revision: u64,
    /// It was read where the version before this one kept it; the next commit moves it.
    #[serde(skip)]
    pub is_former: bool,
}

/// A place in the System Log, in the order in which Okta persists events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPosition {
    /// The page to read next; none where the reading begins at a moment.
    pub next: Option<String>,
    /// The moment at which it begins.
    pub since: Timestamp,
    /// From which chunk on the feed holds what is read once more, where Okta did not know the page any more.
    #[serde(default)]
    pub again_from: Option<u64>,
}

/// How far a trigger is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mark {
    /// When its own search last ran.
    pub last_run_at: Option<Timestamp>,
    /// When the newest event happened that fired it.
    pub last_event_at: Option<Timestamp>,
    /// How long after that the event was in the feed.
    pub lag_seconds: Option<i64>,
    /// Why its own search failed the last time.
    pub error: Option<String>,
    /// Where its own search stands.
    pub search: Option<SearchPosition>,
}

/// Where a scheduled search stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchPosition {
    /// The filter whose place it is.
    #[serde(default)]
    pub filter: String,
    /// The page to read next; none where the search begins at a moment.
    pub next: Option<String>,
    /// The end of what it has covered.
    pub covered: Timestamp,
    /// From when on it is read once more, where there was no page to go on with; what was told is left out.
    pub again: Option<Timestamp>,
}

impl SearchPosition {
    /// Searching from a moment on.
    pub fn since(filter: &str, covered: Timestamp) -> Self {
        Self { filter: filter.to_owned(), next: None, covered, again: None }
    }
}

impl LogPosition {
    /// Reading from a moment on.
    pub fn since(since: Timestamp) -> Self {
        Self { next: None, since, again_from: None }
    }
}

impl Head {
    /// Reads it; the empty one where there is none yet.
    pub async fn load(store: &Store, connection: &ConnectionId) -> Result<Self, Error> {
        let mut is_former = false;
        let mut item = store.get(&keys::feed_head(connection)).await?;
        if item.is_none() {
            is_former = true;
            item = store.get(&keys::former_feed_head(connection)).await?;
        }
        let Some(item) = item else { return Ok(Self::default()) };
        let revision = item.get_number("rev").ok_or(Error::Corrupt)?;
        Ok(Self { revision, is_former, ..item.parse()? })
    }

    /// The writes that replace the head it was read as, and no other.
    pub(super) fn write(&self, connection: &ConnectionId) -> Result<Vec<Write>, Error> {
        let item = Item::at(&keys::feed_head(connection)).number("rev", self.revision + 1).document(self)?;
        let read = Condition::number("rev", self.revision);
        Ok(match self.revision {
            0 => vec![Write::PutIf(item, Condition::absent())],
            // A head without content stays there: functions of the version before stop at it, and begin no feed anew.
            _ if self.is_former => {
                let moved = Item::at(&keys::former_feed_head(connection)).number("rev", self.revision + 1);
                vec![Write::PutIf(item, Condition::absent()), Write::PutIf(moved, read)]
            }
            _ => vec![Write::PutIf(item, read)],
        })
    }

    /// Notes that it was written.
    pub(super) fn written(&mut self) {
        self.revision += 1;
        self.is_former = false;
    }

    /// Notes that an event fired a trigger.
    pub(super) fn fired(&mut self, trigger: &TriggerId, at: Timestamp, now: Timestamp) {
        let mark = self.marks.entry(trigger.clone()).or_default();
        if mark.last_event_at.is_none_or(|last| last <= at) {
            mark.last_event_at = Some(at);
            mark.lag_seconds = Some(now.duration_since(at).as_secs().max(0));
        }
    }
}
