//! The check `connection`: is there an Okta organization, is it the right one, and does it let us in?

use super::{Capability, Check, Finding, Verdict, of_error};
use crate::okta::{
    AllowedOrigins, Client, Credential, Domain, Error, Organization, Origin, Patience, Token, Transport, api,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use url::Url;

/// The scopes that the connector can make use of, asked for where the caller names none.
pub const CATALOGUE: [&str; 14] = [
    "okta.users.read",
    "okta.users.manage",
    "okta.groups.read",
    "okta.groups.manage",
    "okta.apps.read",
    "okta.apps.manage",
    "okta.logs.read",
    "okta.schemas.read",
    "okta.userTypes.read",
    "okta.linkedObjects.read",
    "okta.orgs.read",
    "okta.roles.read",
    "okta.eventHooks.read",
    "okta.eventHooks.manage",
];

/// What is signed in with, and what is known of it.
pub struct Subject {
    /// The tenant.
    pub origin: Origin,
    /// How it identifies itself.
    pub credential: Credential,
    /// The scopes the caller named, each of which must be granted; absent: as many of the catalogue's as are.
    pub scopes: Option<BTreeSet<String>>,
    /// The organization that was found there before.
    pub org_id: Option<String>,
    /// The keys that have signed in before.
    pub proved_keys: BTreeSet<String>,
}

/// What came of signing in.
pub struct SignIn {
    /// The check `connection`.
    pub check: Check,
    /// The organization, if one answered.
    pub organization: Option<Organization>,
    /// True where the credentials belong to another organization than before.
    pub different_org: bool,
    /// What was granted; all scopes of the catalogue where the credential has none.
    pub scopes: BTreeSet<String>,
    /// Whether tokens are bound to a key; none for an API token.
    pub dpop: Option<bool>,
    /// The key that signed in with success.
    pub proved_key: Option<String>,
    /// A client that is signed in.
    pub client: Option<Client>,
}

/// The tenant behind what was pasted: Okta's own host for itself, a custom domain for the host its document names.
pub async fn find_tenant(transport: &Arc<Transport>, domain: Domain, patience: Patience) -> Result<Origin, Verdict> {
    let custom = match domain {
        Domain::Okta(origin) => return Ok(origin),
        Domain::Custom(origin) => origin,
    };
    let client = Client::new(transport, custom, Credential::None, None, patience);
    let organization = organization(&client).await?;
    let not_okta = || Verdict::found(Finding::NotOkta, "the domain's organization document names no host of Okta's");
    let href = organization.href().and_then(|href| Url::parse(href).ok()).ok_or_else(not_okta)?;
    match Origin::parse(href.as_str(), &AllowedOrigins::default()) {
        Ok(Domain::Okta(origin)) => Ok(origin),
        _ => Err(not_okta()),
    }
}

/// Signs in anew, whatever tokens there are, and tells what happened.
pub async fn sign_in(transport: &Arc<Transport>, subject: Subject, patience: Patience) -> SignIn {
    let mut result = SignIn {
        check: Verdict::ok("").of(Capability::Connection),
        organization: None,
        different_org: false,
        scopes: CATALOGUE.map(str::to_owned).into(),
        dpop: None,
        proved_key: None,
        client: None,
    };
    let verdict = attempt(transport, subject, patience, &mut result).await.unwrap_or_else(|verdict| verdict);
    result.check = verdict.of(Capability::Connection);
    result
}

async fn attempt(
    transport: &Arc<Transport>,
    subject: Subject,
    patience: Patience,
    result: &mut SignIn,
) -> Result<Verdict, Verdict> {
    let public = Client::new(transport, subject.origin.clone(), Credential::None, None, patience);
    let organization = organization(&public).await?;
    let same = subject.org_id.as_ref().is_none_or(|known| *known == organization.id);
    result.organization = Some(organization);
    if !same {
        result.different_org = true;
        return Err(Verdict::found(Finding::NotOkta, "another organization answers at this domain than before"));
    }
    match subject.credential {
        Credential::None => Err(Verdict::found(Finding::NotProbed, "there is no credential")),
        Credential::ApiToken(_) => {
            let client = Client::new(transport, subject.origin, subject.credential, None, patience);
            match client.send(&api::get_me()).await {
                Ok(_) => {}
                // An owner whose role reads only the log may not even read themselves; the token was accepted all the same.
                Err(Error::Api(refusal)) if refusal.code == "E0000006" => {}
                Err(error) => return Err(of_error(&error, &subject.proved_keys)),
            }
            result.client = Some(client);
            Ok(Verdict::ok("Okta accepts the API token"))
        }
        Credential::PrivateKeyJwt(identity, _) => {
            let asked = subject.scopes.clone().unwrap_or_else(|| CATALOGUE.map(str::to_owned).into());
            let key_id = identity.key_id.clone();
            let credential = Credential::PrivateKeyJwt(identity, asked.clone());
            let client = Client::new(transport, subject.origin, credential, None, patience);
            let granted = grant(&client, &asked, subject.scopes.is_some()).await;
            let token = granted.map_err(|refusal| refusal.verdict(&subject.proved_keys))?;
            result.proved_key = key_id;
            client.keep(token.clone()).await;
            result.signed_in(client, &token, subject.scopes.as_ref())
        }
        Credential::AuthorizationCode(..) => {
            let client = Client::new(transport, subject.origin, subject.credential, None, patience);
            let token = client.new_token().await.map_err(|error| of_error(&error, &subject.proved_keys))?;
            let token = token.ok_or_else(|| Verdict::found(Finding::NotProbed, "there is no token"))?;
            result.signed_in(client, &token, subject.scopes.as_ref())
        }
    }
}

impl SignIn {
    /// What a token tells, once there is one.
    fn signed_in(
        &mut self,
        client: Client,
        token: &Token,
        named: Option<&BTreeSet<String>>,
    ) -> Result<Verdict, Verdict> {
        let dpop = token.bound_to.is_some();
        self.dpop = Some(dpop);
        self.scopes.clone_from(&token.scopes);
        self.client = Some(client);
        // Those of OpenID are no concern of the API's.
        let named = named.into_iter().flatten().filter(|scope| scope.starts_with("okta."));
        let missing: Vec<_> = named.filter(|scope| !token.scopes.contains(*scope)).cloned().collect();
        if !missing.is_empty() {
            let found = Verdict::found(Finding::ScopeMissing, "Okta granted fewer scopes than asked for");
            return Err(found.naming(missing));
        }
        Ok(Verdict::ok(if dpop { "signed in with a DPoP-bound token" } else { "signed in with a Bearer token" }))
    }
}

async fn organization(client: &Client) -> Result<Organization, Verdict> {
    match client.fetch::<Organization>(&api::organization()).await {
        Ok(organization) => Ok(organization),
        // Whatever refuses this document is not Okta: anybody may read it.
        Err(Error::Api(refusal)) if !refusal.status.is_server_error() => {
            Err(Verdict::found(Finding::NotOkta, format!("{} answered {}", api::organization().path(), refusal.status)))
        }
        Err(error) => Err(of_error(&error, &BTreeSet::new())),
    }
}

enum Refused {
    Error(Error),
    Scopes(BTreeSet<String>, Error),
}

impl Refused {
    fn verdict(&self, proved: &BTreeSet<String>) -> Verdict {
        match self {
            Self::Error(error) => of_error(error, proved),
            Self::Scopes(missing, error) => of_error(error, proved).naming(missing.iter().cloned()),
        }
    }
}

/// A token for as many of the scopes as are granted. Okta refuses them all for one that is not, or leaves that one out;
/// so where it refuses, each is tried alone.
async fn grant(client: &Client, asked: &BTreeSet<String>, named: bool) -> Result<Token, Refused> {
    let refused = match client.ask(asked).await {
        Ok(token) => return Ok(token),
        Err(Error::Token(refusal)) if refusal.error == "invalid_scope" => Error::Token(refusal),
        Err(error) => return Err(Refused::Error(error)),
    };
    let mut granted = BTreeSet::new();
    for scope in asked {
        match client.ask(&BTreeSet::from([scope.clone()])).await {
            Ok(_) => drop(granted.insert(scope.clone())),
            Err(Error::Token(refusal)) if refusal.error == "invalid_scope" => {}
            Err(error) => return Err(Refused::Error(error)),
        }
    }
    if named || granted.is_empty() {
        return Err(Refused::Scopes(asked.difference(&granted).cloned().collect(), refused));
    }
    client.ask(&granted).await.map_err(Refused::Error)
}
