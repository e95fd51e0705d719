//! What a sync leaves behind, as it lies in the table: users, groups, apps, who belongs to them, runs, and the roster.
//!
//! The sync writes these, the directory reads them; neither knows the other.

pub mod access;
mod app;
mod candidate;
mod checkpoint;
mod group;
mod notes;
mod pages;
pub mod roster;
mod run;
mod shown;
mod state;
mod user;

pub use app::{App, Scope};
pub use candidate::{Candidate, Move, Waiting};
pub use checkpoint::{Checkpoint, Crawl, Listing, Objects, Parked};
pub use group::Group;
pub use notes::{EXCESS_ASSIGNMENTS, EXCESS_MEMBERSHIPS, each_noted, noted};
pub use pages::{fingerprint, half_hash, pack, unpack};
pub use roster::Roster;
pub use run::{Mode, PassedOver, Phase, Progress, Run, RunStatus};
pub use shown::SyncRun;
pub use state::{Begun, Counts, LastSync, LogPlace, State};
pub use user::{TypeName, User};
