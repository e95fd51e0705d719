//! The one place that sends: signs each attempt anew, learns the limits, and decides what is sent again.
//!
//! A `Transport` belongs to a process (connections, cached tokens); a `Client` belongs to one connection and one piece
//! of work with its own budget of time.

use super::answer::Answer;
use super::error::{Error, Refusal, retry_after};
use super::granting::{RefreshTokens, Wanted};
use super::limits::{Limit, Limits, Sender, date};
use super::link;
use super::meaning::Meaning;
use super::model::Page;
use super::origin::Origin;
use super::request::{Request, Target};
use super::retry::{self, Outcome, Verdict};
use super::token::{PrivateKeyJwt, Token, WebApp};
use super::transport::{Session, Transport, USER_AGENT, exchange};
use crate::clock;
use crate::metric::{self, Metric};
use http::{StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// When it makes sense to try again what Okta is busy with, where Okta does not say.
const BUSY_SECONDS: u32 = 60;

/// How a client identifies itself.
#[derive(Clone)]
pub enum Credential {
    /// Not at all: the organization's public document.
    None,
    /// An API token (SSWS).
    ApiToken(SecretString),
    /// Client credentials with a signed assertion, asking for these scopes.
    PrivateKeyJwt(PrivateKeyJwt, BTreeSet<String>),
    /// A user's sign-in to a web app: access tokens for its refresh token.
    AuthorizationCode(WebApp, Arc<dyn RefreshTokens>),
}

/// How long a piece of work may take, and how it treats the tenant's limits.
#[derive(Clone, Copy)]
pub struct Patience {
    /// When it gives up.
    pub deadline: Instant,
    /// The longest one attempt may take.
    pub attempt: Duration,
    /// The longest wait for a limit that is sat out; a longer one is reported.
    pub wait: Duration,
    /// Whether it keeps a reserve of the tenant's limits.
    pub sender: Sender,
}

impl Patience {
    /// For a caller that waits: attempts of at most 8 s, waits of at most `wait`.
    pub fn foreground(budget: Duration, wait: Duration) -> Self {
        Self { deadline: Instant::now() + budget, attempt: Duration::from_secs(8), wait, sender: Sender::Caller }
    }

    /// For a slice of a sync: short waits are slept, long ones are returned.
    pub fn background(budget: Duration) -> Self {
        let (attempt, wait) = (Duration::from_secs(30), Duration::from_secs(10));
        Self { deadline: Instant::now() + budget, attempt, wait, sender: Sender::Background }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// A request on its way.
struct Place<'a> {
    limits: &'a std::sync::Mutex<Limits>,
    bucket: &'static str,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).come_back(self.bucket);
    }
}

/// What a piece of work cost.
#[derive(Default)]
pub(super) struct Counts {
    requests: AtomicU64,
    pub tokens: AtomicU64,
    /// Milliseconds.
    waited: AtomicU64,
}

/// Speaks to one tenant with one credential.
#[derive(Clone)]
pub struct Client {
    pub(super) transport: Arc<Transport>,
    pub(super) origin: Origin,
    pub(super) credential: Credential,
    pub(super) session: Arc<Session>,
    pub(super) patience: Patience,
    pub(super) counts: Arc<Counts>,
}

impl Client {
    /// Speaks to a tenant; clients with the same `session` share one token and what was learnt of the limits.
    pub fn new(
        transport: &Arc<Transport>,
        origin: Origin,
        credential: Credential,
        session: Option<&str>,
        patience: Patience,
    ) -> Self {
        let (transport, session) = (Arc::clone(transport), transport.session(session));
        Self { transport, origin, credential, session, patience, counts: Arc::default() }
    }

    /// The tenant it speaks to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Requests sent so far, token requests included.
    pub fn requests(&self) -> u64 {
        self.counts.requests.load(Ordering::Relaxed)
    }

    /// Access tokens granted so far.
    pub fn tokens(&self) -> u64 {
        self.counts.tokens.load(Ordering::Relaxed)
    }

    /// Seconds slept for limits so far.
    pub fn waited_seconds(&self) -> u64 {
        self.counts.waited.load(Ordering::Relaxed) / 1_000
    }

    /// Now, by the process's clock.
    pub fn now(&self) -> Timestamp {
        self.transport.clock.now()
    }

    /// Sends a request until it has an answer, may not be sent again, or time is up.
    pub async fn send(&self, request: &Request) -> Result<Answer, Error> {
        let url = self.locate(&request.target)?;
        let mut tries = retry::Tries::default();
        let mut nonce = None;
        loop {
            let token = self.token().await?;
            let place = self.place(request.bucket).await?;
            let outcome = self.attempt(request, &url, token.as_deref(), nonce.as_deref()).await;
            drop(place);
            match retry::judge(request.repeat(), &outcome, &mut tries, self.now()) {
                Verdict::Settled => return self.settle(outcome),
                Verdict::Again(pause) => self.pause(pause, outcome).await?,
                Verdict::NewToken => self.discard(token.as_ref()).await,
                Verdict::NewProof(given) => nonce = given,
            }
        }
    }

    /// Sends a request for a list and reads one page of it.
    pub async fn page<T: DeserializeOwned>(&self, request: &Request) -> Result<Page<T>, Error> {
        self.page_of(request, &self.send(request).await?)
    }

    /// Where the list of an answer goes on.
    pub fn next_of(&self, answer: &Answer) -> Option<Url> {
        link::next(&answer.headers, &self.origin).ok().flatten()
    }

    /// Reads one page of a list out of the answer to a request.
    pub fn page_of<T: DeserializeOwned>(&self, request: &Request, answer: &Answer) -> Result<Page<T>, Error> {
        let served = date(&answer.headers).unwrap_or_else(|| self.now());
        if let Some(list) = request.list {
            return Page::enclosed(&answer.body, list, &self.origin, served);
        }
        let next = link::next(&answer.headers, &self.origin).map_err(|_| Error::ForeignUrl)?;
        Page::parse(&answer.body, next, served)
    }

    /// Sends a request and reads its answer.
    pub async fn fetch<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        let answer = self.send(request).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|_| Error::Unreadable(format!("{} is not as expected", request.path())))
    }

    /// Uses a token no more; one that was granted meanwhile stays.
    async fn discard(&self, refused: Option<&Arc<Token>>) {
        let mut grant = self.session.grant.lock().await;
        if let Some(token) = grant.token.take_if(|held| refused.is_some_and(|refused| Arc::ptr_eq(held, refused))) {
            grant.wanted = Wanted::Other(token);
        }
    }

    fn locate(&self, target: &Target) -> Result<Url, Error> {
        let url = match target {
            Target::Path(path) => self.origin.url(path).map_err(|_| Error::ForeignUrl)?,
            Target::Link(url) => url.clone(),
        };
        if self.origin.owns(&url) { Ok(url) } else { Err(Error::ForeignUrl) }
    }

    /// True where one request more may be on its way at the same time, and more than `spare` are left in this window.
    pub fn may_run_ahead(&self, bucket: &'static str, spare: u32) -> bool {
        self.limits().may_run_ahead(bucket, spare, self.now())
    }

    /// How many requests may be on their way at the same time.
    pub fn most_in_flight(&self, bucket: &'static str) -> u32 {
        self.limits().most_in_flight(bucket)
    }

    /// A place in a bucket, held while a request is on its way. Background work waits until it may draw on it again.
    async fn place(&self, bucket: &'static str) -> Result<Place<'_>, Error> {
        loop {
            let now = self.now();
            let until = {
                let mut limits = self.limits();
                let until =
                    limits.background_waits_until(bucket, now).filter(|_| self.patience.sender == Sender::Background);
                if until.is_none() {
                    limits.set_out(bucket, self.patience.sender);
                    return Ok(Place { limits: &self.session.limits, bucket });
                }
                until.unwrap_or(now)
            };
            self.wait_until(until, now).await?;
        }
    }

    async fn wait_until(&self, until: Timestamp, now: Timestamp) -> Result<(), Error> {
        let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        if wait > self.patience.wait || wait > self.patience.left() {
            return Err(Error::RateLimited { until });
        }
        self.sleep(wait).await;
        Ok(())
    }

    async fn sleep(&self, wait: Duration) {
        self.counts.waited.fetch_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        tokio::time::sleep(wait).await;
    }

    /// Waits before an attempt is repeated, or reports why there is no time for it.
    pub(super) async fn pause(&self, pause: retry::Pause, outcome: Outcome) -> Result<(), Error> {
        match pause {
            retry::Pause::Limit(wait) => {
                let now = self.now();
                self.wait_until(now.checked_add(wait).unwrap_or(now), now).await
            }
            retry::Pause::Short(wait) if wait < self.patience.left() => {
                self.sleep(wait).await;
                Ok(())
            }
            retry::Pause::Short(_) => self.settle(outcome).map(|_| ()),
        }
    }

    pub(super) fn settle(&self, outcome: Outcome) -> Result<Answer, Error> {
        match outcome {
            Outcome::Answer(answer) if answer.status.is_success() => Ok(answer),
            Outcome::Answer(answer) if answer.status == StatusCode::TOO_MANY_REQUESTS => {
                let now = self.now();
                let asked = retry_after(&answer.headers).map(|seconds| SignedDuration::from_secs(seconds.into()));
                let of_window = Limit::of(&answer.headers, now).map(|limit| limit.wait);
                let wait = of_window.or(asked).unwrap_or(SignedDuration::from_secs(60));
                Err(Error::RateLimited { until: now.checked_add(wait).unwrap_or(now) })
            }
            Outcome::Answer(answer) => {
                let mut refusal = Refusal::of(answer.status, &answer.headers, &answer.body);
                if refusal.meaning() == Meaning::Busy {
                    let seconds = retry_after(&answer.headers).unwrap_or(BUSY_SECONDS);
                    refusal.retry_at = Some(clock::after(self.now(), seconds.into()));
                }
                let (status, code) = (refusal.status.as_u16(), refusal.code.as_str());
                tracing::info!(status, code, okta_request_id = refusal.request_id, "Okta refused: {status} {code}");
                Err(Error::Api(refusal))
            }
            Outcome::Unsent(error) | Outcome::Lost(error) => Err(error),
        }
    }

    fn limits(&self) -> std::sync::MutexGuard<'_, Limits> {
        self.session.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::disallowed_methods, reason = "a credential is shown to Okta and to nobody else")]
    async fn attempt(&self, request: &Request, url: &Url, token: Option<&Token>, nonce: Option<&str>) -> Outcome {
        let mut builder = self
            .transport
            .http
            .request(request.method.clone(), url.clone())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(mark) = &request.mark {
            builder = builder.header(header::USER_AGENT, format!("{USER_AGENT} {mark}"));
        }
        match &request.body {
            Some(body) => builder = builder.body(body.to_string()),
            // Okta answers 411 to a POST or PUT that does not say that it is empty, and the HTTP library says nothing.
            None if request.method != http::Method::GET => builder = builder.header(header::CONTENT_LENGTH, 0),
            None => {}
        }
        match (&self.credential, token) {
            (Credential::None, _) => {}
            (Credential::ApiToken(token), _) => {
                builder = builder.header(header::AUTHORIZATION, format!("SSWS {}", token.expose_secret()));
            }
            (Credential::PrivateKeyJwt(..) | Credential::AuthorizationCode(..), Some(token)) => {
                let access_token = token.access_token.expose_secret();
                let scheme = if token.bound_to.is_some() { "DPoP" } else { "Bearer" };
                builder = builder.header(header::AUTHORIZATION, format!("{scheme} {access_token}"));
                if let Some(key) = &token.bound_to {
                    match key.prove(request.method.as_str(), url, Some(access_token), nonce, self.now()) {
                        Ok(proof) => builder = builder.header("DPoP", proof),
                        Err(error) => return Outcome::Unsent(error),
                    }
                }
            }
            (Credential::PrivateKeyJwt(..) | Credential::AuthorizationCode(..), None) => {
                return Outcome::Unsent(Error::Key("there is no token".to_owned()));
            }
        }
        self.execute(builder, request.bucket).await
    }

    /// One exchange, within the time one attempt may take.
    pub(super) async fn execute(&self, builder: reqwest::RequestBuilder, bucket: &'static str) -> Outcome {
        let time = self.patience.attempt.min(self.patience.left());
        if time.is_zero() {
            return Outcome::Unsent(Error::Timeout);
        }
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        let outcome = match tokio::time::timeout(time, exchange(builder)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Lost(Error::Timeout),
        };
        if let Outcome::Answer(answer) = &outcome {
            let now = self.now();
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                metric::tell(Metric::RateLimits, 1);
            }
            if let Some(seen) = Limit::of(&answer.headers, now) {
                self.limits().learn(bucket, seen, self.patience.sender, now);
            }
        }
        outcome
    }
}
