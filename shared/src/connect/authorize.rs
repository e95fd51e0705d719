//! A user's sign-in: an invitation to Okta, and what becomes of it when the browser comes back.
//!
//! Nothing secret is stored for it. The table knows a hash of the state; verifier and nonce are worked out of the state
//! again, with the deployment's own key. A state is used up before anything is asked of Okta.

use super::draft::{OFFLINE, verify};
use super::{Outcome, complete};
use crate::app::{App, not_ready};
use crate::clock;
use crate::connection::{self, Auth, AuthType, Connection, Credentials, Staged, Stored};
use crate::diagnosis::{CATALOGUE, Capability, Check, Finding, Verdict, of_error};
use crate::id::ConnectionId;
use crate::okta::{Client, Code, Credential, Error, Granted, Origin, Patience, RefreshTokens, Taken, Wanted, WebApp};
use crate::problem::{Kind, Problem};
use crate::store::{Item, Write, keys};
use async_trait::async_trait;
use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

/// How long an invitation is good for.
const INVITATION_SECONDS: i64 = 600;
/// The exchange of a code takes at most this long; the examination after it has a budget of its own.
const EXCHANGE: Duration = Duration::from_secs(5);
/// Taking a token back takes at most this long.
const REVOKE: Duration = Duration::from_secs(4);

/// Where to send the user's browser.
pub struct Invitation {
    /// Okta's authorize endpoint, with everything it needs.
    pub url: Url,
    /// Until when the user must have agreed.
    pub expires_at: Timestamp,
}

/// What a browser brings back.
#[derive(Default)]
pub struct Return {
    /// What tells one sign-in from all others.
    pub state: String,
    /// The code, if the user agreed.
    pub code: Option<SecretString>,
    /// Okta's name for what went wrong.
    pub error: Option<String>,
    /// Okta's sentence about it.
    pub error_description: Option<String>,
}

/// A browser that came back with a state of ours.
pub struct Guest {
    /// The connection.
    pub stored: Stored,
    /// Who invited.
    pub invited_by: String,
    wanted: Staged,
}

/// Invites a user to sign in to the web app that is staged, or else to the one in use.
pub async fn authorize(app: &App, connection: &Connection, invited_by: &str) -> Result<Invitation, Problem> {
    let wanted = wanted(connection).ok_or_else(not_ready)?;
    let origin = origin(app, &wanted)?;
    let mut random = [0; 32];
    rand::fill(&mut random).map_err(|_| Problem::new(Kind::Internal, "The system cannot make a random number."))?;
    let state = URL_SAFE_NO_PAD.encode(random);
    let proof = Proof::of(app, &state).await?;
    let expires_at = clock::after(app.now(), INVITATION_SECONDS);
    let note = Item::at(&keys::sign_in(&sha256(&state))).expires(expires_at);
    let note = note.text("connection", connection.id.as_str()).text("app", &wanted.name).text("by", invited_by);
    app.store.transact(vec![Write::Put(note)]).await?;
    let mut url =
        origin.url("/oauth2/v1/authorize").map_err(|refused| Problem::new(Kind::Internal, refused.to_string()))?;
    let scopes = scopes(&wanted).into_iter().collect::<Vec<_>>().join(" ");
    url.query_pairs_mut()
        .append_pair("client_id", &wanted.client_id)
        .append_pair("response_type", "code")
        .append_pair("response_mode", "query")
        .append_pair("scope", &scopes)
        .append_pair("redirect_uri", &redirect_uri(app))
        .append_pair("state", &state)
        .append_pair("nonce", &proof.nonce)
        .append_pair("code_challenge", &proof.challenge)
        .append_pair("code_challenge_method", "S256");
    Ok(Invitation { url, expires_at })
}

/// Recognizes whoever comes back with a state, and uses it up.
pub async fn recognize(app: &App, back: &Return) -> Result<Guest, Problem> {
    let note = app.store.take(&keys::sign_in(&sha256(&back.state))).await?.ok_or_else(unknown)?;
    let id = note.get("connection").and_then(ConnectionId::parse).ok_or_else(unknown)?;
    let stored = connection::load(&app.store, &id).await?.ok_or_else(unknown)?;
    let wanted =
        wanted(&stored.connection).filter(|wanted| note.get("app") == Some(&wanted.name)).ok_or_else(unknown)?;
    Ok(Guest { stored, invited_by: note.get("by").unwrap_or_default().to_owned(), wanted })
}

/// Finishes a sign-in: the web app takes the place of whatever the connection signed in with, once Okta lets it in.
pub async fn finish(app: &App, guest: Guest, back: Return) -> Result<Outcome, Problem> {
    if let Some(error) = back.error {
        let description = back.error_description.unwrap_or_default();
        let detail = format!("Okta refused the sign-in: {error}. {description}");
        return Err(Problem::new(Kind::VerificationFailed, detail).with("okta_error_code", error));
    }
    let code = back.code.ok_or_else(|| Problem::new(Kind::BadRequest, "There is no code."))?;
    let Guest { stored, wanted, .. } = guest;
    let web_app = web_app(app, &stored.connection, &wanted).await?;
    let (origin, proof) = (origin(app, &wanted)?, Proof::of(app, &back.state).await?);
    let token = exchange(app, &origin, &web_app, code, proof, &wanted).await?;
    let fresh = Arc::new(Fresh(Mutex::new(token)));
    let mut candidate = candidate(stored.connection, &wanted);
    let credential = Credential::AuthorizationCode(web_app.clone(), fresh.clone());
    let checks = verify(app, &mut candidate, origin, credential).await?;
    let token = fresh.0.lock().await.clone();
    let stored = replace(app, &wanted, &candidate, &web_app, &token).await?;
    complete(app, stored, checks).await
}

/// Takes the refresh token of a connection's sign-in back, if Okta can be reached.
pub async fn revoke(app: &App, connection: &Connection) {
    if connection.auth.auth_type != AuthType::AuthorizationCode || !connection.is_complete() {
        return;
    }
    if let Err(problem) = try_revoke(app, connection).await {
        tracing::warn!(connection = %connection.id, "a refresh token was not taken back: {problem}");
    }
}

async fn try_revoke(app: &App, connection: &Connection) -> Result<(), Problem> {
    let (origin, credential) = app.identity(connection).await?;
    let token = app.credentials(connection).await?.refresh_token;
    let (Credential::AuthorizationCode(web_app, _), Some(token)) = (credential, token) else { return Ok(()) };
    let patience = Patience::foreground(REVOKE, Duration::ZERO);
    let client = Client::new(&app.okta, origin, Credential::None, None, patience);
    Ok(client.revoke(&web_app, &token).await?)
}

/// The web app to sign in to, with its tenant: the staged one, or else the one in use.
fn wanted(connection: &Connection) -> Option<Staged> {
    let auth = &connection.auth;
    let in_use = || {
        let (name, client_id) = (auth.sign_in.clone()?, auth.client_id.clone()?);
        let is_web_app = auth.auth_type == AuthType::AuthorizationCode;
        is_web_app.then(|| Staged { name, domain: None, client_id, requested_scopes: auth.requested_scopes.clone() })
    };
    let wanted = connection.staged.clone().or_else(in_use)?;
    let domain = wanted.domain.or_else(|| connection.domain.clone())?;
    Some(Staged { domain: Some(domain), ..wanted })
}

async fn web_app(app: &App, connection: &Connection, wanted: &Staged) -> Result<WebApp, Problem> {
    let Credentials { client_secret, staged_secret, .. } = app.credentials(connection).await?;
    let secret = if connection.staged.is_some() { staged_secret } else { client_secret };
    Ok(WebApp { client_id: wanted.client_id.clone(), client_secret: secret.ok_or_else(unknown)? })
}

fn origin(app: &App, wanted: &Staged) -> Result<Origin, Problem> {
    Origin::from_shown(wanted.domain.as_deref().unwrap_or_default(), app.okta.allowed())
        .map_err(|refused| Problem::new(Kind::OktaUnavailable, format!("The domain cannot be used: {refused}")))
}

/// Where Okta sends the browser back to.
fn redirect_uri(app: &App) -> String {
    format!("{}/v1/oauth/callback", app.public_url)
}

/// The scopes to ask for: those that were named, or all that read.
fn scopes(wanted: &Staged) -> BTreeSet<String> {
    let reading = CATALOGUE.iter().filter(|scope| !scope.contains(".manage")).chain(&["openid", OFFLINE]);
    wanted.requested_scopes.clone().unwrap_or_else(|| reading.map(|scope| (*scope).to_owned()).collect())
}

/// One answer to every state that cannot be used.
fn unknown() -> Problem {
    let detail = "This sign-in is not known here: it was used, is older than ten minutes, or was never begun. Begin it again (POST …/authorize).";
    Problem::new(Kind::BadRequest, detail)
}

fn refused(verdict: Verdict) -> Problem {
    let check: Check = verdict.of(Capability::Connection);
    Problem::verification(Kind::VerificationFailed, &[check])
}

/// Exchanges the code; gives the refresh token.
async fn exchange(
    app: &App,
    origin: &Origin,
    web_app: &WebApp,
    code: SecretString,
    proof: Proof,
    wanted: &Staged,
) -> Result<SecretString, Problem> {
    let patience = Patience::foreground(EXCHANGE, Duration::from_secs(1));
    let client = Client::new(&app.okta, origin.clone(), Credential::None, None, patience);
    let code = Code { code, redirect_uri: redirect_uri(app), verifier: proof.verifier };
    let granted = client.exchange(web_app, &code).await;
    let Granted { refresh_token, nonce, .. } = granted.map_err(|error| refused(of_error(&error, &BTreeSet::new())))?;
    if scopes(wanted).contains("openid") && nonce != Some(proof.nonce) {
        return Err(refused(Verdict::found(Finding::NotOkta, "the ID token belongs to another sign-in")));
    }
    let missing = || Verdict::found(Finding::InvalidClient, "Okta gave no refresh token");
    refresh_token.ok_or_else(|| refused(missing()))
}

/// The connection as it would be with the web app.
fn candidate(connection: Connection, wanted: &Staged) -> Connection {
    let auth = Auth {
        client_id: Some(wanted.client_id.clone()),
        requested_scopes: wanted.requested_scopes.clone(),
        proved_keys: connection.auth.proved_keys.clone(),
        sign_in: Some(uuid::Uuid::new_v4().to_string()),
        ..Auth::new(AuthType::AuthorizationCode)
    };
    Connection { domain: wanted.domain.clone(), auth, ..connection }
}

/// Stores what Okta let in, unless the web app was replaced meanwhile.
async fn replace(
    app: &App,
    used: &Staged,
    verified: &Connection,
    web_app: &WebApp,
    token: &SecretString,
) -> Result<Stored, Problem> {
    let now = app.now();
    let replaced = connection::revise(&app.store, app.secrets.as_ref(), &verified.id, |connection, credentials| {
        if wanted(connection).is_none_or(|wanted| wanted.name != used.name) {
            return Err(unknown());
        }
        let Connection { domain, org_id, engine, status, status_reason, auth, tested_at, .. } = verified.clone();
        (connection.domain, connection.org_id, connection.engine, connection.auth) = (domain, org_id, engine, auth);
        (connection.status, connection.status_reason, connection.tested_at) = (status, status_reason, tested_at);
        connection.staged = None;
        connection.touch(now);
        (credentials.token, credentials.supplied_key, credentials.staged_secret) = (None, None, None);
        credentials.client_secret = Some(web_app.client_secret.clone());
        credentials.refresh_token = Some(token.clone());
        Ok(())
    });
    replaced.await?.ok_or_else(unknown)
}

/// What only this deployment can work out of a state.
struct Proof {
    verifier: SecretString,
    challenge: String,
    nonce: String,
}

impl Proof {
    async fn of(app: &App, state: &str) -> Result<Self, Problem> {
        let verifier = URL_SAFE_NO_PAD.encode(app.keyed_hash("sign-in verifier", state.as_bytes()).await?);
        let nonce = URL_SAFE_NO_PAD.encode(app.keyed_hash("sign-in nonce", state.as_bytes()).await?);
        Ok(Self { challenge: sha256(&verifier), verifier: verifier.into(), nonce })
    }
}

fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// A refresh token that is in no store yet: nobody else can use it.
struct Fresh(Mutex<SecretString>);

#[async_trait]
impl RefreshTokens for Fresh {
    async fn take(&self, _: &Wanted, _: Instant) -> Result<Taken, Error> {
        Ok(Taken::Refresh(self.0.lock().await.clone()))
    }

    async fn put_back(&self, _: &SecretString, granted: Option<&Granted>) -> Result<(), Error> {
        if let Some(successor) = granted.and_then(|granted| granted.refresh_token.clone()) {
            *self.0.lock().await = successor;
        }
        Ok(())
    }
}
