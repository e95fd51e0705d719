//! The feed of a connection: an append-only log of chunks, each event once for each trigger that it fires.
//!
//! Whoever writes holds the feed's lease, so there is one writer. A commit is one transaction: the events, what tells that
//! they are there, where the reading of the System Log goes on, and the end of what they came from. Syncs and hooks do not
//! write the feed: they put events into the connection's inbox, and whoever holds the lease moves them.

mod entry;
mod head;
mod inbox;
mod publish;
mod read;
mod trigger;
mod write;

pub use entry::Entry;
pub use head::{Head, LogPosition, Mark, SearchPosition};
pub use inbox::{deliver, put_hooked, take_back};
pub use publish::Bus;
pub use read::{Filter, Page, Reading, read};
pub use trigger::{Hook, Kind, Outlet, Trigger};
pub use write::{Feed, Stop};

use crate::app::SyncRunner;
use crate::clock::SharedClock;
use crate::store::Store;
use jiff::Timestamp;
use std::sync::Arc;

/// What a feed needs of its deployment.
#[derive(Clone)]
pub struct Ground {
    /// State.
    pub store: Store,
    /// Time.
    pub clock: SharedClock,
    /// Where events are published as well; none on one machine.
    pub bus: Option<Bus>,
    /// For so many days an event is kept.
    pub days: i64,
    /// Who reads what a hook says has changed.
    pub runner: Arc<dyn SyncRunner>,
}

/// Events are kept for so many days where nobody says otherwise.
pub const USUAL_DAYS: i64 = 7;

impl Ground {
    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
