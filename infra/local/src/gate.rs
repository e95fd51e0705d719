//! Who may call on one machine: with an issuer, the bearer of one of its tokens; without one, the bearer of the token of this
//! machine, and, unless the service has a public address, a program of this machine.
//!
//! A web page that a browser on this machine shows can send requests here too, and so can a proxy that is reached from
//! elsewhere. A proxy's requests look like those of a program here, so a service with a public address grants nothing for
//! where a request seems to come from.

use crate::jwt::Issuer;
use crate::machine_token::MachineToken;
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use http::{HeaderMap, header};
use okta_connector::http::{Caller, SourceIp};
use okta_connector_client::is_loopback;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use url::Url;

/// How callers are known.
pub enum Gate {
    /// Somebody at this machine is an admin.
    ThisMachine,
    /// Tokens of an issuer.
    Issuer(Issuer),
}

impl Gate {
    /// Puts the caller into each request, and the address of the connection's other end: behind a proxy, the proxy's.
    pub fn layer(self, router: Router, token: Option<MachineToken>, is_public: bool) -> Router {
        let gate = Arc::new((self, token));
        router.layer(from_fn(move |mut request: Request, next: Next| {
            let gate = Arc::clone(&gate);
            async move {
                request.extensions_mut().remove::<Caller>();
                let caller = match &*gate {
                    (Self::ThisMachine, Some(token)) if token.is_borne_by(request.headers()) => Some(operator()),
                    (Self::ThisMachine, _) => at_this_machine(request.headers()).filter(|_| !is_public),
                    (Self::Issuer(issuer), _) => issuer.caller(request.headers()).await,
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

fn at_this_machine(headers: &HeaderMap) -> Option<Caller> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(header::HOST.as_str())?;
    let foreign_origin = text(header::ORIGIN.as_str()).is_some_and(|origin| !is_loopback_url(origin));
    let cross_site = text("sec-fetch-site").is_some_and(|site| site.eq_ignore_ascii_case("cross-site"));
    let forwarded = headers.keys().any(|name| name == header::FORWARDED || name.as_str().starts_with("x-forwarded-"));
    let here = is_loopback_url(&format!("http://{host}")) && !foreign_origin && !cross_site && !forwarded;
    here.then(operator)
}

fn operator() -> Caller {
    Caller::named("local", BTreeSet::new(), true)
}

fn is_loopback_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_loopback(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)));
        at_this_machine(&headers.collect()).is_some()
    }

    #[test]
    fn only_somebody_at_this_machine_is_an_admin() {
        for host in ["127.0.0.1:7070", "localhost:7070", "[::1]:7070", "localhost"] {
            assert!(known(&[("host", host)]), "{host}");
        }
        assert!(known(&[
            ("host", "127.0.0.1:7070"),
            ("origin", "http://localhost:3000"),
            ("sec-fetch-site", "same-site")
        ]));
        for other in [
            vec![],
            vec![("host", "connector.example.com")],
            vec![("host", "127.0.0.1.evil.example")],
            vec![("host", "localhost.evil.example:7070")],
            vec![("host", "127.0.0.1:7070"), ("origin", "https://evil.example")],
            vec![("host", "127.0.0.1:7070"), ("origin", "null")],
            vec![("host", "127.0.0.1:7070"), ("sec-fetch-site", "cross-site")],
            vec![("host", "127.0.0.1:7070"), ("x-forwarded-for", "203.0.113.1")],
            vec![("host", "127.0.0.1:7070"), ("forwarded", "for=203.0.113.1")],
        ] {
            assert!(!known(&other), "{other:?}");
        }
    }
}
