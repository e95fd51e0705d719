//! A judge of the talk between a client and Okta, or what stands in for Okta: each exchange is held against Okta's own
//! OpenAPI description, both what was asked and what was answered.
//!
//! The description is right about most things, silent on some and wrong on a few. Where recordings of the real service
//! or its documentation know better, that is said in one of the tables of [`lists`], each entry with its reason, or in
//! `judge/own.json`, the operations that the description lacks. A sound judge also refuses: the tests change good
//! exchanges one detail at a time and see each of them refused.

mod body;
mod convert;
mod description;
mod error_body;
mod links;
pub mod lists;
mod request;
mod response;
mod schema;
mod tally;

use crate::proxy::Exchange;
use description::{Description, Operation};
use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once};
use tally::Tally;

/// By what an exchange was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Okta's OpenAPI description, with the corrections of [`lists`].
    Description,
    /// Recorded traffic of the real service: the description has no such operation, or no such status.
    Recording,
    /// A schema written in this crate from the documentation: the description has no such operation, or no such status.
    OwnSchema,
    /// Nothing: the path is not Okta's but the simulator's own (`/_sim/…`).
    Ignored,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Description => "description",
            Self::Recording => "recording",
            Self::OwnSchema => "own schema",
            Self::Ignored => "ignored",
        })
    }
}

/// Judges exchanges and remembers what it has seen. Safe to share between threads.
pub struct Judge {
    description: Description,
    tally: Mutex<Tally>,
}

impl Judge {
    /// A judge by the `openapi-subset.json` of that directory.
    ///
    /// # Panics
    ///
    /// If there is no such file or it is not an OpenAPI 3.0 description.
    pub fn from_facts(dir: &Path) -> Self {
        let path = dir.join("openapi-subset.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let document = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { description: Description::new(document), tally: Mutex::default() }
    }

    /// Judges one exchange: by what, or everything that is wrong with it.
    pub fn judge(&self, exchange: &Exchange) -> Result<By, Vec<String>> {
        if exchange.path == "/_sim" || exchange.path.starts_with("/_sim/") {
            self.tally().ignore();
            return Ok(By::Ignored);
        }
        let operation = match self.description.find(&exchange.method, &exchange.path) {
            Ok(operation) => operation,
            Err(complaint) => {
                self.tally().refuse_unknown();
                return Err(vec![complaint]);
            }
        };
        let verdict = self.judge_operation(operation, exchange);
        self.tally().count(&operation.method, &operation.template, verdict.as_ref().ok().copied());
        verdict
    }

    /// How many exchanges were judged by what, one line for each operation.
    pub fn summary(&self) -> String {
        self.tally().to_string()
    }

    /// The operations seen so far, as method and path template, whatever the verdict was.
    pub fn hit(&self) -> BTreeSet<(String, String)> {
        self.tally().operations()
    }

    fn judge_operation(&self, operation: &Operation, exchange: &Exchange) -> Result<By, Vec<String>> {
        let mut complaints = Vec::new();
        request::judge(&self.description, operation, exchange, &mut complaints);
        let by = response::judge(&self.description, operation, exchange, &mut complaints);
        if complaints.is_empty() {
            return Ok(by);
        }
        let call = format!("{} {}", exchange.method, exchange.path);
        Err(complaints.into_iter().map(|complaint| format!("{call}: {complaint}")).collect())
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().expect("nobody panics while counting")
    }
}

/// Where Okta's description and the recordings are: `OKTA_FACTS_DIR`. Unset, a test that needs them has nothing to judge
/// by and ends; that is said once for each test program, past the test runner, which hides what a passing test prints.
#[expect(clippy::disallowed_methods, reason = "the one place in which the tests read this variable")]
pub fn facts_dir() -> Option<PathBuf> {
    let dir = std::env::var_os("OKTA_FACTS_DIR").map(PathBuf::from);
    if dir.is_none() {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            let _ = writeln!(std::io::stderr(), "skipped: OKTA_FACTS_DIR is not set");
        });
    }
    dir
}

/// The value of the first header of that name.
fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod recordings;
#[cfg(test)]
mod refusals;
