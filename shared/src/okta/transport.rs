//! What one process shares, and one exchange over the network: connections, addresses, sessions.

use super::answer::Answer;
use super::dpop::ProofKey;
use super::error::Error;
use super::granting::Wanted;
use super::limits::Limits;
use super::origin::AllowedOrigins;
use super::readable::readable;
use super::resolver::{PublicOnly, Unresolved};
use super::retry::Outcome;
use super::token::Token;
use crate::clock::SharedClock;
use reqwest::dns::Resolve;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// An answer larger than this, unpacked, is not read.
const LARGEST_BODY: usize = 10 * 1024 * 1024;
/// Sessions that are held at once; a changed connection leaves its old one behind.
const MOST_SESSIONS: usize = 200;
/// How we name ourselves.
pub(super) const USER_AGENT: &str = concat!("okta-connector/", env!("CARGO_PKG_VERSION"));

/// What one process shares: open connections and granted tokens.
pub struct Transport {
    pub(super) http: reqwest::Client,
    allowed: AllowedOrigins,
    pub(super) clock: SharedClock,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
}

/// A connection's token, its nonce and its limits; shared by all its clients in the process.
#[derive(Default)]
pub(super) struct Session {
    /// Held while a token is fetched, so that only one is.
    pub grant: tokio::sync::Mutex<Grant>,
    /// What the answers said of them.
    pub limits: Mutex<Limits>,
}

/// A token, the key it is bound to, and the nonce for the next one.
#[derive(Clone, Default)]
pub(super) struct Grant {
    pub token: Option<Arc<Token>>,
    /// What the next token must be.
    pub wanted: Wanted,
    pub key: Option<Arc<ProofKey>>,
    pub nonce: Option<String>,
}

impl Transport {
    /// Opens nothing yet. `resolver` finds addresses; those that are not public are refused whatever it says.
    pub fn new(
        resolver: Arc<dyn Resolve>,
        allowed: AllowedOrigins,
        clock: SharedClock,
    ) -> Result<Arc<Self>, reqwest::Error> {
        let http = reqwest::Client::builder()
            .dns_resolver(Arc::new(PublicOnly(resolver)))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(3))
            // A frozen function wakes with connections that Okta has closed long ago.
            .pool_idle_timeout(Duration::from_secs(10))
            .user_agent(USER_AGENT)
            .build()?;
        Ok(Arc::new(Self { http, allowed, clock, sessions: Mutex::default() }))
    }

    /// Loopback origins that count as tenants here.
    pub fn allowed(&self) -> &AllowedOrigins {
        &self.allowed
    }

    /// The session of a name, begun now if there is none; one of its own without a name.
    pub(super) fn session(&self, name: Option<&str>) -> Arc<Session> {
        let Some(name) = name else { return Arc::default() };
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MOST_SESSIONS && !sessions.contains_key(name) {
            sessions.clear();
        }
        Arc::clone(sessions.entry(name.to_owned()).or_default())
    }
}

/// Sends and reads the whole body, at most `LARGEST_BODY` of it.
pub(super) async fn exchange(builder: reqwest::RequestBuilder) -> Outcome {
    let mut response = match builder.send().await {
        Ok(response) => response,
        Err(error) => return failure(&error),
    };
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST_BODY => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Outcome::Lost(Error::Unreadable("it is larger than 10 MB".to_owned())),
            Ok(None) => break,
            Err(_) => return Outcome::Lost(Error::Broken),
        }
    }
    let replaced = match readable(&body) {
        Cow::Borrowed(same) if same.len() == body.len() => None,
        other => Some(other.into_owned()),
    };
    let body = replaced.unwrap_or(body);
    Outcome::Answer(Answer { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
}

fn failure(error: &reqwest::Error) -> Outcome {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(unresolved) = cause.downcast_ref::<Unresolved>() {
            return Outcome::Unsent(Error::UnknownHost(unresolved.to_string()));
        }
        source = cause.source();
    }
    if error.is_connect() || error.is_builder() {
        Outcome::Unsent(Error::Unreachable)
    } else {
        Outcome::Lost(Error::Broken)
    }
}
