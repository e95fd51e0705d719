//! Syncs: a run is a value, the checkpoint; a step is one page and one commit; a slice is as many steps as there is time
//! for.
//!
//! `slice` drives a run; `users`, `groups`, `apps`, `edges` and `user_types` are its phases, `holder` is what groups and apps
//! have in common; `candidates` takes what was reported between runs, `hints` and `app_hints` read what the log says may have changed, `missing` finds out what is gone, `commit` is the one
//! place that writes and tells, `access` reads who may administer what, `guard` decides what is never removed unasked, `finish` ends it.

mod access;
mod ahead;
mod app_hints;
mod apps;
mod candidates;
mod change;
mod commit;
mod edges;
mod finish;
mod groups;
mod guard;
mod hints;
mod holder;
mod listing;
mod log;
mod missing;
mod purge;
mod roster;
mod slice;
mod user_types;
mod users;
mod work;

pub use log::candidates_of;
pub use purge::{is_purged_now, purge};
pub use slice::{Next, Slice, give_up, slice};
