//! A connection as it would be, with its secrets in memory: verified before anything of it is stored.

use super::generate_key;
use super::input::AuthInput;
use crate::app::App;
use crate::connection::{
    Auth, AuthType, Connection, Credentials, Fault, HostedKey, KeySource, Settings, Staged, Status,
};
use crate::diagnosis::{Capability, Check, examine, find_tenant};
use crate::id::ConnectionId;
use crate::okta::{Credential, Domain, Origin, Patience};
use crate::problem::{Kind, Problem};
use std::collections::BTreeSet;
use std::time::Duration;

/// Finding a custom domain's tenant takes at most this long.
const FIND_TENANT: Duration = Duration::from_secs(8);

/// The scope without which there is no refresh token.
pub const OFFLINE: &str = "offline_access";

/// What would be stored.
pub struct Draft {
    /// The connection.
    pub connection: Connection,
    /// Its secrets.
    pub credentials: Credentials,
    domain: Option<Domain>,
    origin: Option<Origin>,
    new_hosted_key: bool,
}

impl Draft {
    /// Of a new connection; `None` where a fault stands in the way.
    pub async fn new(
        app: &App,
        id: ConnectionId,
        settings: Settings,
        domain: Option<&str>,
        auth: Result<AuthInput, Vec<Fault>>,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let connection = Connection::pending(id, Auth::new(AuthType::ApiToken), settings, app.now());
        let mut draft =
            Self { connection, credentials: Credentials::default(), domain: None, origin: None, new_hosted_key: false };
        draft.paste_domain(app, domain, faults);
        draft.take(app, auth, faults).await?;
        Some(draft)
    }

    /// Of a connection that signs in in another way from now on.
    pub async fn of(
        app: &App,
        connection: &Connection,
        domain: Option<&str>,
        auth: Result<AuthInput, Vec<Fault>>,
        faults: &mut Vec<Fault>,
    ) -> Result<Option<Self>, Problem> {
        let credentials = app.credentials(connection).await?;
        let known = connection.domain.as_deref().and_then(|shown| Origin::from_shown(shown, app.okta.allowed()).ok());
        let mut draft =
            Self { connection: connection.clone(), credentials, domain: None, origin: known, new_hosted_key: false };
        draft.paste_domain(app, domain, faults);
        Ok(draft.take(app, auth, faults).await.map(|()| draft))
    }

    fn paste_domain(&mut self, app: &App, pasted: Option<&str>, faults: &mut Vec<Fault>) {
        match pasted.map(|pasted| Origin::parse(pasted, app.okta.allowed())) {
            Some(Ok(domain)) => self.domain = Some(domain),
            Some(Err(refused)) => faults.push(Fault::new("/domain", refused.to_string())),
            None => {}
        }
    }

    async fn take(&mut self, app: &App, auth: Result<AuthInput, Vec<Fault>>, faults: &mut Vec<Fault>) -> Option<()> {
        let auth = auth.map_err(|more| faults.extend(more)).ok().filter(|_| faults.is_empty())?;
        let before = self.connection.auth.clone();
        if let AuthInput::AuthorizationCode { client_id, client_secret, scopes } = auth {
            self.stage(client_id, scopes);
            self.credentials.staged_secret = Some(client_secret);
            return Some(());
        }
        self.connection.staged = None;
        self.credentials.forget_sign_in();
        match auth {
            AuthInput::AuthorizationCode { .. } => {}
            AuthInput::ApiToken(token) => {
                let proved_keys = before.proved_keys;
                self.connection.auth = Auth { proved_keys, ..Auth::new(AuthType::ApiToken) };
                self.credentials.token = Some(token);
                self.credentials.supplied_key = None;
            }
            AuthInput::PrivateKeyJwt { client_id, pasted, scopes } => {
                let mut auth = Auth::new(AuthType::PrivateKeyJwt);
                auth.client_id = client_id.or(before.client_id);
                auth.requested_scopes = scopes;
                auth.proved_keys = before.proved_keys;
                self.credentials.token = None;
                match pasted {
                    Some(pasted) => {
                        auth.key_source = Some(KeySource::Supplied);
                        auth.key_id = pasted.key_id;
                        self.credentials.supplied_key = Some(pasted.key.to_secret());
                    }
                    None => {
                        auth.key_source = Some(KeySource::Hosted);
                        self.credentials.supplied_key = None;
                        if self.connection.keys.is_empty() {
                            self.host_key(app, faults).await?;
                        }
                    }
                }
                self.connection.auth = auth;
            }
        }
        Some(())
    }

    /// Notes a web app that nobody has signed in to. Where nothing worked before, it is what the connection shows.
    fn stage(&mut self, client_id: String, scopes: Option<BTreeSet<String>>) {
        let offline = |mut scopes: BTreeSet<String>| {
            scopes.insert(OFFLINE.to_owned());
            scopes
        };
        let (name, requested_scopes) = (uuid::Uuid::new_v4().to_string(), scopes.map(offline));
        if self.connection.status == Status::Pending {
            let proved_keys = std::mem::take(&mut self.connection.auth.proved_keys);
            let (client_id, requested_scopes) = (Some(client_id.clone()), requested_scopes.clone());
            let auth = Auth::new(AuthType::AuthorizationCode);
            self.connection.auth = Auth { client_id, requested_scopes, proved_keys, ..auth };
        }
        self.connection.staged = Some(Staged { name, domain: None, client_id, requested_scopes });
    }

    async fn host_key(&mut self, app: &App, faults: &mut Vec<Fault>) -> Option<()> {
        let made = match generate_key().await {
            Ok(key) => HostedKey::new(&key, app.now()).map(|hosted| (key, hosted)).ok(),
            Err(_) => None,
        };
        let Some((key, hosted)) = made else {
            faults.push(Fault::new("/auth", "no key could be made; try again"));
            return None;
        };
        self.credentials.hosted_keys.insert(hosted.key_id.clone(), key.to_secret());
        self.connection.keys.push(hosted);
        self.new_hosted_key = true;
        Some(())
    }

    /// Finds the tenant behind the domain that was pasted.
    pub async fn find_tenant(&mut self, app: &App) -> Result<(), Problem> {
        let Some(domain) = self.domain.take() else { return Ok(()) };
        let patience = Patience::foreground(FIND_TENANT, Duration::ZERO);
        let origin = find_tenant(&app.okta, domain, patience).await.map_err(|verdict| {
            Problem::verification(Kind::VerificationFailed, &[verdict.of(Capability::Connection)])
        })?;
        self.connection.domain = Some(origin.shown().to_owned());
        self.origin = Some(origin);
        Ok(())
    }

    /// True where a key was made that Okta cannot know yet.
    pub fn has_new_hosted_key(&self) -> bool {
        self.new_hosted_key
    }

    /// True where everything that signing in needs was told.
    pub fn is_complete(&self) -> bool {
        let client =
            self.connection.auth.auth_type != AuthType::PrivateKeyJwt || self.connection.auth.client_id.is_some();
        self.connection.domain.is_some() && client
    }

    /// True where a user has to sign in first.
    pub fn is_staged(&self) -> bool {
        self.connection.staged.is_some()
    }

    /// True where signing in can succeed: Okta has had no chance to fetch a key that was made just now.
    pub fn can_be_verified(&self) -> bool {
        self.is_complete() && !self.new_hosted_key && !self.is_staged()
    }

    /// What is still to be told.
    pub fn missing(&self) -> Vec<Fault> {
        let domain = self.connection.domain.is_none().then(|| Fault::new("/domain", "is missing"));
        let client = self.connection.auth.client_id.is_none().then(|| Fault::new("/auth/client_id", "is missing"));
        domain.into_iter().chain(client).collect()
    }

    /// Signs in; on success the connection has the status that follows, otherwise nothing may be stored.
    pub async fn verify(&mut self, app: &App) -> Result<Vec<Check>, Problem> {
        let Some(origin) = self.origin.clone() else { return Err(Problem::invalid(&self.missing())) };
        let credential = app.credential(&self.connection, &self.credentials)?;
        verify(app, &mut self.connection, origin, credential).await
    }
}

/// Signs in to a connection's tenant; on success the connection has the status that follows, otherwise nothing of it may
/// be stored.
pub async fn verify(
    app: &App,
    connection: &mut Connection,
    origin: Origin,
    credential: Credential,
) -> Result<Vec<Check>, Problem> {
    let examination = Box::pin(examine(&app.okta, connection, origin, credential)).await;
    if examination.sign_in.different_org {
        return Err(Problem::verification(Kind::DifferentOrg, &examination.checks));
    }
    if !examination.is_verified() {
        return Err(Problem::verification(Kind::VerificationFailed, &examination.checks));
    }
    examination.apply(connection, app.now());
    Ok(examination.checks)
}
