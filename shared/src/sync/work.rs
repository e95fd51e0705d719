//! A slice at work: what its steps share.

use crate::app::App;
use crate::connection::Connection;
use crate::okta::{self, Client, GroupId};
use crate::store::{self, Lease};
use crate::synced::{Phase, Run};
use std::collections::{BTreeSet, HashSet};

/// Why a step did not get to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error(transparent)]
    Okta(#[from] okta::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A slice at work.
pub(super) struct Work<'a> {
    pub app: &'a App,
    pub connection: &'a Connection,
    pub client: Client,
    pub lease: Lease,
    pub run: Run,
    /// What an earlier run read to its end: of changes of the rest nothing is told.
    pub complete: BTreeSet<Phase>,
    /// Requests, tokens and seconds waited before this slice.
    pub before: [u64; 3],
    /// The members of the group that is being read as they are stored; not part of the checkpoint, because it can be
    /// read again.
    pub stored_members: Option<(GroupId, HashSet<String>)>,
}
