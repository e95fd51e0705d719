//! The management API's endpoints, one module for each kind of object.

pub mod access;
pub mod apps;
pub mod departed;
pub mod groups;
pub mod hooks;
pub mod iam;
pub mod lifecycle;
pub mod logout;
pub mod logs;
pub mod meta;
pub mod owners;
pub mod roles;
pub mod rules;
pub mod targets;
pub mod users;

use crate::answer::Refusal;
use crate::call::Call;

/// Refuses more than one of the ways to narrow a listing.
fn one_criterion(call: &Call) -> Result<(), Refusal> {
    let given = ["q", "filter", "search"].iter().filter(|name| call.query(name).is_some()).count();
    if given > 1 { Err(Refusal::code("E0000033")) } else { Ok(()) }
}

/// Whether a text starts with another, without regard to case.
fn starts_like(text: &str, start: &str) -> bool {
    text.to_lowercase().starts_with(&start.to_lowercase())
}
