//! The routes of the audit, which the function `directory` serves, and the one place where changes of configuration are
//! audited and their schedules are settled.

use super::caller::Caller;
use super::connect::page;
use super::params::Params;
use super::path::Path;
use super::route::{Of, Operation, Routes};
use crate::app::App;
use crate::audit::{Audit, By, Filter, Outcome, Row, Target, list};
use crate::id::ConnectionId;
use crate::problem::Problem;
use crate::schedules;
use axum::extract::State;
use axum::{Json, Router};
use futures::future::BoxFuture;
use serde_json::Value;

/// The router.
pub fn audit(app: App) -> Router {
    routes().with_state(app)
}

/// The routes.
pub(super) fn routes() -> Routes<App> {
    let filtered = |operation: Operation| {
        operation
            .admin()
            .query("actor", Of::Word, "Only what this subject asked for.")
            .query("action", Of::Word, "Only this, as in `connection.update` or `user.suspend`.")
            .query("target", Of::Word, "Only what was about the object with this id.")
            .query("since", Of::Time, "Only from this moment on.")
            .query("until", Of::Time, "Only what came before this moment.")
            .lists::<Row>()
    };
    let all_rows = Operation::get("/v1/audit", "listAudit", "List who asked for which change, newest first.");
    let rows_of_one = "List who asked for which change of a connection, newest first.";
    Routes::new("Audit")
        .on(filtered(all_rows.query("connection", Of::Word, "Only of the connection with this id.")), all)
        .on(filtered(Operation::get("/v1/connections/{id}/audit", "listConnectionAudit", rows_of_one)), of_connection)
}

async fn all(caller: Caller, mut params: Params, State(app): State<App>) -> Result<Json<Value>, Problem> {
    caller.require_admin()?;
    let connection = params.word("connection")?;
    rows(&app, params, connection).await
}

async fn of_connection(
    caller: Caller,
    params: Params,
    Path(id): Path<String>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    let stored = caller.find(&app, &id).await?;
    caller.require_admin()?;
    rows(&app, params, Some(stored.connection.id.to_string())).await
}

async fn rows(app: &App, mut params: Params, connection: Option<String>) -> Result<Json<Value>, Problem> {
    let filter = Filter {
        connection,
        actor: params.word("actor")?,
        action: params.word("action")?,
        target: params.word("target")?,
        since: params.time("since")?,
        until: params.time("until")?,
    };
    let paging = params.paging()?;
    let (rows, next) = list(app, &filter, paging.after.as_deref(), paging.limit).await?;
    let items: Vec<_> = rows.iter().map(|row| serde_json::to_value(row).unwrap_or_default()).collect();
    Ok(page(&items, next.as_deref(), &paging))
}

/// A change of a connection's configuration that somebody asks for.
pub struct Change<'a> {
    app: &'a App,
    by: &'a By,
    action: &'static str,
    target: Option<Target>,
}

impl<'a> Change<'a> {
    /// Of something that does not exist yet.
    pub fn new(app: &'a App, by: &'a By, action: &'static str) -> Self {
        Self { app, by, action, target: None }
    }

    /// Of a connection.
    #[must_use]
    pub fn of(mut self, id: &ConnectionId, name: &str) -> Self {
        // A name that is too long is refused later.
        let name: String = name.chars().take(300).collect();
        self.target = Some(Target::named("connection", id.as_str(), name));
        self
    }

    /// Refuses everybody but admins, and writes down that it did.
    pub async fn by_admin(self, caller: &Caller) -> Result<Self, Problem> {
        let Err(problem) = caller.require_admin() else { return Ok(self) };
        self.audit().settle(Outcome::of(&problem), Some(&problem), Vec::new()).await;
        Err(problem)
    }

    /// Makes the change: written down as an intent before it, and with what became of it after. Then the connection's
    /// schedules are those that it asks for.
    pub fn make<'f, T: Send>(
        self,
        change: impl Future<Output = Result<T, Problem>> + Send + 'f,
    ) -> BoxFuture<'f, Result<T, Problem>>
    where
        'a: 'f,
    {
        Box::pin(async move {
            let audit = self.audit();
            audit.intend().await?;
            let result = change.await;
            let problem = result.as_ref().err();
            audit.settle(problem.map_or(Outcome::Succeeded, Outcome::of), problem, Vec::new()).await;
            // Whatever came of it: a change that failed half-way may be stored.
            if let Some(id) = self.connection().filter(|_| !self.action.starts_with("sync.")) {
                schedules::settle_or_tell(self.app, &id).await;
            }
            result
        })
    }

    fn connection(&self) -> Option<ConnectionId> {
        ConnectionId::parse(self.target.as_ref()?.id.as_deref()?)
    }

    fn audit(&self) -> Audit {
        let mut audit = Audit::new(self.app, self.by, self.connection().as_ref(), self.action);
        if let Some(target) = &self.target {
            audit.target(target.clone());
        }
        audit
    }
}
