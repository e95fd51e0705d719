//! How a client comes by access tokens: with a signed assertion, with a user's code, with a refresh token.
//!
//! A refresh token that Okta replaces at each use is used by one process at a time, and its successor is stored before
//! the access token that came with it is used: whoever stops in between finds a refresh token that still works.

use super::client::{Client, Credential, Patience};
use super::dpop::ProofKey;
use super::error::{Error, Refusal, TokenRefusal};
use super::retry::{self, Outcome, Verdict};
use super::token::{self, Ask, Code, Granted, REVOKE_PATH, TOKEN_PATH, Token, WebApp};
use super::transport::Grant;
use async_trait::async_trait;
use http::{StatusCode, header};
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::MutexGuard;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument;

/// Where the tokens of a sign-in are kept, and whose turn it is to use the refresh token.
#[async_trait]
pub trait RefreshTokens: Send + Sync {
    /// An access token that another process was granted, if that is wanted. Otherwise it waits for the turn, until the deadline,
    /// and gives the newest refresh token.
    async fn take(&self, wanted: &Wanted, deadline: Instant) -> Result<Taken, Error>;

    /// Ends the turn. What was granted is stored first; where a new refresh token cannot be, nothing that came with it may be
    /// used.
    async fn put_back(&self, used: &SecretString, granted: Option<&Granted>) -> Result<(), Error>;
}

/// What an access token must be.
#[derive(Clone, Default)]
pub enum Wanted {
    /// One that lasts.
    #[default]
    Any,
    /// Another one than this, which Okta let in no more.
    Other(Arc<Token>),
    /// One that is granted now.
    New,
}

/// What there is of a sign-in's tokens.
pub enum Taken {
    /// An access token.
    Access(Token),
    /// The refresh token, and the turn to use it.
    Refresh(SecretString),
}

/// A turn takes at most this long, so that no other process begins one meanwhile.
const LONGEST_TURN: Duration = Duration::from_secs(15);

impl Client {
    /// The token that is in use, fetched now if there is none; `None` where the credential needs no token.
    pub async fn token(&self) -> Result<Option<Arc<Token>>, Error> {
        if matches!(self.credential, Credential::None | Credential::ApiToken(_)) {
            return Ok(None);
        }
        let mut grant = self.turn().await?;
        let now = self.now();
        let usable = grant.token.as_ref().is_some_and(|token| now < token.renew_at);
        if !usable {
            grant.token = self.renew(&mut grant).await?.map(Arc::new);
        }
        Ok(grant.token.clone())
    }

    /// A token that is granted now, whatever tokens there are; `None` where the credential needs no token.
    pub async fn new_token(&self) -> Result<Option<Arc<Token>>, Error> {
        {
            let mut grant = self.turn().await?;
            grant.token = None;
            grant.wanted = Wanted::New;
        }
        self.token().await
    }

    async fn renew(&self, grant: &mut Grant) -> Result<Option<Token>, Error> {
        match &self.credential {
            Credential::None | Credential::ApiToken(_) => Ok(None),
            Credential::PrivateKeyJwt(identity, scopes) => {
                let granted = self.grant(&Ask::Assertion(identity, &joined(scopes)), grant).await?;
                Ok(Some(granted.token))
            }
            Credential::AuthorizationCode(app, tokens) => self.refresh(app, tokens, grant).await.map(Some),
        }
    }

    /// Asks for a token with these scopes, whatever tokens there are, and does not keep it.
    pub async fn ask(&self, scopes: &BTreeSet<String>) -> Result<Token, Error> {
        let Credential::PrivateKeyJwt(identity, _) = &self.credential else {
            return Err(Error::Key("there is none".to_owned()));
        };
        let mut grant = self.turn().await?;
        Ok(self.grant(&Ask::Assertion(identity, &joined(scopes)), &mut grant).await?.token)
    }

    /// Exchanges a user's code for tokens, and keeps none of them.
    pub async fn exchange(&self, app: &WebApp, code: &Code) -> Result<Granted, Error> {
        self.grant(&Ask::Code(app, code), &mut *self.turn().await?).await
    }

    /// Takes a refresh token back, and with it every access token that came from it.
    pub async fn revoke(&self, app: &WebApp, token: &SecretString) -> Result<(), Error> {
        let endpoint = self.origin.url(REVOKE_PATH).map_err(|_| Error::ForeignUrl)?;
        let request = self.transport.http.post(endpoint).header(header::ACCEPT, "application/json");
        match self.execute(app.sign(request).form(&token::revocation(token)), "other").await {
            Outcome::Answer(answer) if answer.status.is_success() => Ok(()),
            Outcome::Answer(answer) => Err(Error::Api(Refusal::of(answer.status, &answer.headers, &answer.body))),
            Outcome::Unsent(error) | Outcome::Lost(error) => Err(error),
        }
    }

    /// Uses a token from now on, as long as it lasts.
    pub async fn keep(&self, token: Token) {
        let mut grant = self.session.grant.lock().await;
        grant.token = Some(Arc::new(token));
        grant.wanted = Wanted::Any;
    }

    /// Waits while another client of the same connection fetches a token, as long as there is time.
    async fn turn(&self) -> Result<MutexGuard<'_, Grant>, Error> {
        timeout_at(self.patience.deadline, self.session.grant.lock()).await.map_err(|_| Error::Timeout)
    }

    /// Has a turn with the refresh token, to its end: the caller may be gone by then, and the successor must not be lost with
    /// it.
    async fn refresh(&self, app: &WebApp, tokens: &Arc<dyn RefreshTokens>, grant: &mut Grant) -> Result<Token, Error> {
        let turn = self.begin_turn(app.clone(), Arc::clone(tokens), grant.clone());
        let (token, own) = turn.await.map_err(|_| Error::Broken)?;
        *grant = own;
        token
    }

    fn begin_turn(
        &self,
        app: WebApp,
        tokens: Arc<dyn RefreshTokens>,
        mut grant: Grant,
    ) -> JoinHandle<(Result<Token, Error>, Grant)> {
        let client = self.clone();
        let turn = async move {
            let token = client.have_turn(&app, tokens.as_ref(), &mut grant).await;
            (token, grant)
        };
        tokio::spawn(turn.in_current_span())
    }

    async fn have_turn(&self, app: &WebApp, tokens: &dyn RefreshTokens, grant: &mut Grant) -> Result<Token, Error> {
        let used = match tokens.take(&grant.wanted, self.patience.deadline).await? {
            Taken::Access(token) => {
                grant.wanted = Wanted::Any;
                return Ok(token);
            }
            Taken::Refresh(used) => used,
        };
        // A turn that has begun has time of its own: what Okta has granted by the end of its caller's is not to be lost.
        let patience = Patience { deadline: Instant::now() + LONGEST_TURN, ..self.patience };
        let client = Self { patience, ..self.clone() };
        let answer = timeout(LONGEST_TURN, client.grant(&Ask::Refresh(app, &used), grant)).await;
        let answer = answer.unwrap_or(Err(Error::Timeout));
        tokens.put_back(&used, answer.as_ref().ok()).await?;
        let token = answer?.token;
        grant.wanted = Wanted::Any;
        Ok(token)
    }

    /// Asks for a token until there is one or a refusal.
    async fn grant(&self, ask: &Ask<'_>, grant: &mut Grant) -> Result<Granted, Error> {
        let endpoint = self.origin.url(TOKEN_PATH).map_err(|_| Error::ForeignUrl)?;
        let key = match &grant.key {
            Some(key) => Arc::clone(key),
            None => Arc::clone(grant.key.insert(Arc::new(ProofKey::generate()?))),
        };
        let (mut tries, mut nonces) = (retry::Tries::default(), 0);
        loop {
            let now = self.now();
            let form = ask.form(&endpoint, now)?;
            let proof = key.prove("POST", &endpoint, None, grant.nonce.as_deref(), now)?;
            let request = self.transport.http.post(endpoint.clone()).header(header::ACCEPT, "application/json");
            let request = ask.app().into_iter().fold(request, |request, app| app.sign(request));
            let outcome = self.execute(request.header("DPoP", proof).form(&form), "token").await;
            match retry::judge(ask.repeat(), &outcome, &mut tries, self.now()) {
                Verdict::Again(pause) => self.pause(pause, outcome).await?,
                Verdict::Settled | Verdict::NewToken | Verdict::NewProof(_) => {
                    let answer = match outcome {
                        Outcome::Answer(answer) if answer.status.is_success() => {
                            self.counts.tokens.fetch_add(1, Ordering::Relaxed);
                            return token::granted(&answer.body, key, ask, now);
                        }
                        Outcome::Answer(answer) if answer.status != StatusCode::TOO_MANY_REQUESTS => answer,
                        other => return self.settle(other).and_then(|_| Err(Error::Broken)),
                    };
                    let refusal = TokenRefusal::of(answer.status, &answer.headers, &answer.body, ask.key_id().cloned());
                    let nonce = answer.headers.get("dpop-nonce").and_then(|nonce| nonce.to_str().ok());
                    match nonce {
                        Some(nonce) if token::wants_nonce(&refusal) && nonces < 2 => {
                            grant.nonce = Some(nonce.to_owned());
                            nonces += 1;
                        }
                        _ => return Err(Error::Token(refusal)),
                    }
                }
            }
        }
    }
}

fn joined(scopes: &BTreeSet<String>) -> String {
    scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}
