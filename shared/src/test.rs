//! Testing a connection: the examination, and the status that follows from it.

use crate::app::App;
use crate::connection::{self, Connection, Status, Stored};
use crate::diagnosis::{Check, examine};
use crate::problem::Problem;
use crate::runs;

/// What a test found.
pub struct Report {
    /// The connection as it now is.
    pub stored: Stored,
    /// In one sentence.
    pub message: &'static str,
    /// In detail.
    pub checks: Vec<Check>,
}

/// Signs in anew, checks everything, and moves the connection's status.
pub async fn test(app: &App, stored: &Stored) -> Result<Report, Problem> {
    let (origin, credential) = app.identity(&stored.connection).await?;
    let examination = examine(&app.okta, &stored.connection, origin, credential).await;
    let now = app.now();
    let tested = connection::change(&app.store, &stored.connection.id, |connection: &mut Connection| {
        examination.apply(connection, now);
        Ok::<_, Problem>(())
    });
    let tested = tested.await?.ok_or_else(Problem::not_found)?;
    let (stored, _) = runs::start_first(app, tested).await?;
    let message = match stored.connection.status {
        Status::Active => "Integration test successful",
        _ => "Integration test failed",
    };
    Ok(Report { stored, message, checks: examination.checks })
}
