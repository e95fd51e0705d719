//! Who may call on one machine: with an issuer, the bearer of one of its tokens; without one, the bearer of the token of this
//! machine.
//!
//! A web page that a browser on this machine shows can send requests here too, and so can a proxy that is reached from
//! elsewhere. Their requests look like those of a program here, so where a request seems to come from grants nothing.

use crate::jwt::Issuer;
use crate::machine_token::MachineToken;
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use okta_connector::http::{Caller, SourceIp};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

/// How callers are known.
pub enum Gate {
    /// The bearer of the token of this machine is an admin.
    Machine(MachineToken),
    /// Tokens of an issuer.
    Issuer(Issuer),
}

impl Gate {
    /// Puts the caller into each request, and the address of the connection's other end: behind a proxy, the proxy's.
    pub fn layer(self, router: Router) -> Router {
        let gate = Arc::new(self);
        router.layer(from_fn(move |mut request: Request, next: Next| {
            let gate = Arc::clone(&gate);
            async move {
                request.extensions_mut().remove::<Caller>();
                let caller = match &*gate {
                    Self::Machine(token) => token.is_borne_by(request.headers()).then(operator),
                    Self::Issuer(issuer) => issuer.caller(request.headers()).await,
                };
                if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
                    request.extensions_mut().insert(SourceIp(peer.ip().to_string()));
                }
                if let Some(caller) = caller {
                    request.extensions_mut().insert(caller);
                }
                next.run(request).await
            }
        }))
    }
}

fn operator() -> Caller {
    Caller::named("local", BTreeSet::new(), true)
}
