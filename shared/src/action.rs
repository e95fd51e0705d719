//! Actions: what a caller may have done to a tenant. Each is a struct with its sentence and one impl; `catalogue` lists
//! them all, `run` gives each what it works with, `lookup` finds what its references name.
//!
//! An action describes its requests as values. A dry run tells them; a run sends them, after it has read what it needs.

mod app;
mod catalogue;
mod group;
mod list;
mod log;
mod lookup;
mod object;
mod perform;
mod run;
mod touched;
mod user;

pub use catalogue::{Description, Entry, find, list};
pub use perform::{Call, Done, Rehearsal, allow, perform, would};
pub use run::Run;

use crate::connection::Fault;
use crate::okta::Request;
use crate::problem::Problem;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One action. Its doc comment is its description, and the beginning of it, up to a colon or a full stop, its title.
#[async_trait]
trait Action: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Its name in the API.
    const NAME: &'static str;
    /// The scopes it needs.
    const SCOPES: &'static [&'static str];
    /// What it answers.
    type Output: Serialize + JsonSchema;

    /// Whether its answer carries a credential: a password, or a link that sets one.
    fn reveals(&self) -> bool {
        false
    }

    /// What is wrong with the input beyond its form.
    fn faults(&self) -> Vec<Fault> {
        Vec::new()
    }

    /// The requests it is about: of an action that changes something, those that change. References stand as given,
    /// secrets as `***`, and what is known only after a read as `{placeholder}`.
    fn would(&self) -> Vec<Request>;

    /// Does it.
    async fn run(&self, run: &mut Run) -> Result<Self::Output, Problem>;
}

/// An action with its input, ready to be told or run.
#[async_trait]
pub trait Prepared: Send + Sync {
    /// Whether its answer carries a credential.
    fn reveals(&self) -> bool;
    /// The requests it is about.
    fn would(&self) -> Vec<Request>;
    /// Does it.
    async fn run(&self, run: &mut Run) -> Result<serde_json::Value, Problem>;
}

#[async_trait]
impl<A: Action> Prepared for A {
    fn reveals(&self) -> bool {
        Action::reveals(self)
    }

    fn would(&self) -> Vec<Request> {
        Action::would(self)
    }

    async fn run(&self, run: &mut Run) -> Result<serde_json::Value, Problem> {
        let output = Action::run(self, run).await?;
        serde_json::to_value(output).map_err(|error| Problem::internal(&error))
    }
}
