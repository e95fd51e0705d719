//! The HTTP functions without a server, in a process that a test may kill: called as API Gateway calls them.

use crate::world::Reply;
use axum::Router;
use axum::body::{Body, to_bytes};
use it::proxy::KillSwitch;
use okta_connector::app::App;
use okta_connector::http::{Caller, SourceIp, action, callers, connect, directory, layered, test};
use serde_json::Value;
use std::collections::BTreeSet;
use tower::ServiceExt;

/// The functions that callers reach.
pub struct Function {
    router: Router,
    caller: Caller,
}

/// What the functions of callers serve.
pub fn all(app: &App) -> Router {
    callers(app, "connect", connect(app.clone()))
        .merge(callers(app, "test", test(app.clone())))
        .merge(callers(app, "action", action(app.clone())))
        .merge(callers(app, "directory", directory(app.clone())))
}

impl Function {
    /// Called by an admin.
    pub fn of(app: &App) -> Self {
        Self::with(app, all(app))
    }

    /// Called by somebody.
    pub fn called_by(app: &App, caller: Caller) -> Self {
        Self { caller, ..Self::with(app, all(app)) }
    }

    /// Routes of a test's own, called by an admin.
    pub fn serving(app: &App, router: Router) -> Self {
        Self::with(app, callers(app, "of a test", router))
    }

    fn with(app: &App, router: Router) -> Self {
        let caller = Caller::named("ada", BTreeSet::new(), true);
        Self { router: layered(router, app.clock.clone()), caller }
    }

    /// The answer to a request.
    pub async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Reply {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let mut request = request.expect("a request");
        request.extensions_mut().insert(self.caller.clone());
        request.extensions_mut().insert(SourceIp("203.0.113.7".to_owned()));
        let response = self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        Reply { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    /// The answer to a request, unless the process dies first.
    pub async fn killed(
        &self,
        gate: &KillSwitch,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Option<Reply> {
        tokio::select! {
            biased;
            () = gate.died() => None,
            // A dead process has answered nobody.
            reply = self.call(method, path, headers, body) => Some(reply).filter(|_| !gate.is_dead()),
        }
    }
}
