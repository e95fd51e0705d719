//! A change of the directory: a write, what it counts as, and what is told of it.

use super::holder::Holder;
use crate::event::{About, Event, MOST_CHANGED, Verb};
use crate::okta::{AppId, GroupId, UserId};
use crate::store::{Condition, Index, Item, Key, Write};
use crate::synced::{Phase, Progress};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A write of a page.
#[derive(Debug)]
pub(super) struct Change {
    pub write: Write,
    /// Nothing for what only the sync itself remembers.
    told: Option<Told>,
}

#[derive(Debug)]
struct Told {
    about: About,
    verb: Verb,
    changed: Map<String, Value>,
}

impl From<Write> for Change {
    /// A write of which nothing is told.
    fn from(write: Write) -> Self {
        Self { write, told: None }
    }
}

impl Change {
    /// An object that came, changed or went. It was compared with what a consistent read gave.
    pub fn object(item: Item, about: About, verb: Verb, changed: Map<String, Value>) -> Self {
        Self { write: Write::Put(item), told: Some(Told { about, verb, changed }) }
    }

    /// An edge that is new. It was compared with an index, which follows the table: the condition decides.
    pub fn edge_added(edge: Item, about: About) -> Self {
        let told = Told { about, verb: Verb::Added, changed: Map::new() };
        Self { write: Write::PutIf(edge, Condition::absent()), told: Some(told) }
    }

    /// An edge that is another now; the condition decides, as above.
    pub fn edge_changed(edge: Item, before: &str, about: About, changed: Map<String, Value>) -> Self {
        let told = Told { about, verb: Verb::Changed, changed };
        let condition = Condition::text(Index::G2.attributes().1, before);
        Self { write: Write::PutIf(edge, condition), told: Some(told) }
    }

    /// An edge that is gone; the condition decides, as above.
    pub fn edge_removed(edge: Key, about: About) -> Self {
        let told = Told { about, verb: Verb::Removed, changed: Map::new() };
        Self { write: Write::DeleteIf(edge, Condition::present()), told: Some(told) }
    }

    /// The group and the user, where it is about a membership.
    pub fn membership(&self) -> Option<(GroupId, UserId)> {
        match &self.told.as_ref()?.about {
            About::Membership(group, user) => Some((group.clone(), user.clone())),
            _ => None,
        }
    }

    /// The group or the app, where it is about an edge.
    pub fn holder(&self) -> Option<Holder> {
        match &self.told.as_ref()?.about {
            About::Membership(group, _) => Some(Holder::Group(group.clone())),
            About::Assignment(app, _) => Some(Holder::App(app.clone())),
            _ => None,
        }
    }

    /// The app, where it is about an assignment.
    pub fn app(&self) -> Option<&AppId> {
        match &self.told.as_ref()?.about {
            About::Assignment(app, _) => Some(app),
            _ => None,
        }
    }

    /// True where a refused condition only says that there is nothing to do.
    pub fn may_be_done(&self) -> bool {
        matches!(self.write, Write::PutIf(..) | Write::DeleteIf(..))
    }

    /// About how many bytes it sends, the event included.
    pub fn size(&self) -> usize {
        self.write.size() + self.told_size()
    }

    /// About how many bytes its event takes.
    pub fn told_size(&self) -> usize {
        let Some(told) = &self.told else { return 0 };
        let changed: usize = told.changed.iter().map(|(path, both)| path.len() + both.to_string().len() + 8).sum();
        300 + changed.min(MOST_CHANGED)
    }

    /// Counts it.
    pub fn count(&self, progress: &mut BTreeMap<Phase, Progress>) {
        let Some(told) = &self.told else { return };
        let counts = progress.entry(phase(&told.about)).or_default();
        match told.verb {
            Verb::Added => counts.added += 1,
            Verb::Changed => counts.changed += 1,
            Verb::Removed => counts.removed += 1,
        }
    }

    /// What is told of it, where its kind was read to its end before: a first pass would tell every object.
    pub fn event(&self, run: &str, complete: impl Fn(Phase) -> bool, time: Timestamp) -> Option<Event> {
        let told = self.told.as_ref().filter(|told| complete(phase(&told.about)))?;
        Some(Event::change(run, &told.about, told.verb, &told.changed, time))
    }
}

/// The part of a run that finds changes of a kind.
fn phase(about: &About) -> Phase {
    match about {
        About::User(_) => Phase::Users,
        About::Group(_) => Phase::Groups,
        About::App(_) => Phase::Apps,
        About::Membership(..) => Phase::Memberships,
        About::Assignment(..) => Phase::Assignments,
    }
}
