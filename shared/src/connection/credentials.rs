//! What a connection's secret holds, and how it becomes what signs a request.

use super::{AuthType, Connection, KeySource};
use crate::okta::{Credential, Error, PrivateKeyJwt, RefreshTokens, SigningKey, WebApp};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All secrets of one connection: one document, one version.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The API token.
    pub token: Option<SecretString>,
    /// The private key that was pasted.
    pub supplied_key: Option<SecretString>,
    /// The private keys that were made here, by `kid`.
    pub hosted_keys: BTreeMap<String, SecretString>,
    /// The secret of the web app.
    pub client_secret: Option<SecretString>,
    /// The newest refresh token of the user's sign-in to it.
    pub refresh_token: Option<SecretString>,
    /// The secret of the web app that is staged.
    pub staged_secret: Option<SecretString>,
}

/// The document's form in the secret store; nowhere else are secrets turned into text.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplied_key: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    hosted_keys: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    staged_secret: Option<String>,
}

impl Credentials {
    /// For the secret store.
    #[expect(clippy::disallowed_methods, reason = "secrets are written to the secret store")]
    pub fn to_secret(&self) -> SecretString {
        let text = |secret: &SecretString| secret.expose_secret().to_owned();
        let document = Document {
            token: self.token.as_ref().map(text),
            supplied_key: self.supplied_key.as_ref().map(text),
            hosted_keys: self.hosted_keys.iter().map(|(kid, key)| (kid.clone(), text(key))).collect(),
            client_secret: self.client_secret.as_ref().map(text),
            refresh_token: self.refresh_token.as_ref().map(text),
            staged_secret: self.staged_secret.as_ref().map(text),
        };
        serde_json::to_string(&document).unwrap_or_default().into()
    }

    /// From the secret store; an unreadable document holds nothing.
    #[expect(clippy::disallowed_methods, reason = "secrets are read from the secret store")]
    pub fn from_secret(secret: &SecretString) -> Self {
        let document: Document = serde_json::from_str(secret.expose_secret()).unwrap_or_default();
        Self {
            token: document.token.map(SecretString::from),
            supplied_key: document.supplied_key.map(SecretString::from),
            hosted_keys: document.hosted_keys.into_iter().map(|(kid, key)| (kid, key.into())).collect(),
            client_secret: document.client_secret.map(SecretString::from),
            refresh_token: document.refresh_token.map(SecretString::from),
            staged_secret: document.staged_secret.map(SecretString::from),
        }
    }

    /// Drops everything that belongs to users' sign-ins.
    pub fn forget_sign_in(&mut self) {
        (self.client_secret, self.refresh_token, self.staged_secret) = (None, None, None);
    }

    /// True where this is the refresh token.
    #[expect(clippy::disallowed_methods, reason = "one secret is compared with another")]
    pub fn holds(&self, refresh_token: &SecretString) -> bool {
        self.refresh_token.as_ref().is_some_and(|held| held.expose_secret() == refresh_token.expose_secret())
    }

    /// What signs the requests of a connection now. `tokens` are those of its user's sign-in, where it has one.
    pub fn credential(
        &self,
        connection: &Connection,
        tokens: Arc<dyn RefreshTokens>,
        now: Timestamp,
    ) -> Result<Credential, Error> {
        match connection.auth.auth_type {
            AuthType::ApiToken => {
                let token = self.token.clone().ok_or_else(|| Error::Key("there is no API token".to_owned()))?;
                Ok(Credential::ApiToken(token))
            }
            AuthType::PrivateKeyJwt => {
                let key_id = connection.signing_key_id(now).map(str::to_owned);
                let secret = match connection.auth.key_source {
                    Some(KeySource::Hosted) => key_id.as_ref().and_then(|kid| self.hosted_keys.get(kid)),
                    _ => self.supplied_key.as_ref(),
                };
                let secret = secret.ok_or_else(|| Error::Key("it is not in the secret store".to_owned()))?;
                let key = SigningKey::from_secret(secret).map_err(|error| Error::Key(error.to_string()))?;
                let client_id = connection.auth.client_id.clone().unwrap_or_default();
                let identity = PrivateKeyJwt { client_id, key, key_id };
                let scopes = if connection.auth.scopes.is_empty() {
                    connection.auth.requested_scopes.clone().unwrap_or_default()
                } else {
                    connection.auth.scopes.clone()
                };
                Ok(Credential::PrivateKeyJwt(identity, scopes))
            }
            AuthType::AuthorizationCode => {
                let secret = self.client_secret.clone();
                let client_secret = secret.ok_or_else(|| Error::Key("there is no client secret".to_owned()))?;
                let client_id = connection.auth.client_id.clone().unwrap_or_default();
                Ok(Credential::AuthorizationCode(WebApp { client_id, client_secret }, tokens))
            }
        }
    }
}

/// Under which name a connection's token is shared in a process: a change of anything it depends on is another name.
pub fn session(connection: &Connection) -> String {
    let auth = &connection.auth;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let scopes = auth.scopes.iter().cloned().collect::<Vec<_>>().join(" ");
    // A refresh token that was replaced is a new version of the secret, but the same sign-in.
    let version =
        if auth.auth_type == AuthType::AuthorizationCode { &auth.sign_in } else { &connection.secret_version };
    let (domain, version) = (text(&connection.domain), text(version));
    format!("{} {domain} {version} {} {scopes}", connection.id, text(&auth.client_id))
}
