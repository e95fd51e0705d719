//! `connections add` and `connections auth`: from the command line alone, or on a terminal step by step, with the names of
//! Okta's screens.

use crate::connection::{Add, Auth, Given, Way, fix, secret, told, waiting};
use crate::output::{Format, plain, print};
use crate::{Context, Failure};
use dialoguer::{Confirm, Input, Password, Select};
use okta_connector_client::{Connection, Error, Invited, Method, SetUp, screens};
use serde_json::{Value, json};
use std::io::{self, IsTerminal};
use std::time::Duration;

/// How often it is looked whether somebody has signed in.
const LOOK: Duration = Duration::from_secs(2);
/// As long as an invitation works.
const LOOKS: usize = 300;

const DOMAIN: &str = "The tenant's address, as the browser shows it (acme.okta.com)";
const CLIENT_ID: &str = "The app's client ID (General > Client Credentials)";

impl Given {
    fn says_something(&self) -> bool {
        self.domain.is_some() || self.client_id.is_some() || self.secret_file.is_some() || !self.scopes.is_empty()
    }
}

/// Adds a connection.
pub async fn add(context: &Context, add: Add) -> Result<(), Failure> {
    if is_terminal() {
        return guided(context, add).await;
    }
    let way = add.auth.ok_or_else(|| missing("auth"))?;
    let name = add.name.as_deref().ok_or_else(|| missing("name"))?;
    let made = create(context, &body(&add, name, add.given.domain.as_deref(), &said(way, &add.given)?)).await?;
    told(context, &made)?;
    if context.output.format == Format::Table
        && made.connection.status == "Pending"
        && let Some(url) = &made.connection.public_key_url
    {
        print(&format!("Public key URL for the Okta app: {url}"))?;
    }
    Ok(())
}

/// Gives a connection its credentials, or others in their place.
pub async fn auth(context: &Context, auth: Auth) -> Result<(), Failure> {
    let connection = context.connection_of(&auth.which).await?;
    let kind = &connection.auth.kind;
    let way =
        Way::of(kind).ok_or_else(|| Failure::Usage(format!("This program does not know how {kind} signs in.")))?;
    let given = auth.given;
    if is_terminal() {
        return match way {
            Way::PrivateKeyJwt => by_key(context, &connection, given).await,
            Way::ApiToken => {
                let domain = given.domain.clone();
                let asks = domain.is_some() || connection.domain.is_none();
                by_token(context, &given, domain, asks, async |domain, auth| {
                    put(context, &connection, domain, &auth).await
                })
                .await
            }
            Way::AuthorizationCode => by_user(context, &connection, given).await,
        };
    }
    if way != Way::AuthorizationCode || given.says_something() {
        let set_up = put(context, &connection, given.domain.as_deref(), &said(way, &given)?).await?;
        if way != Way::AuthorizationCode {
            return told(context, &set_up);
        }
    }
    let invited = invite(context, &connection).await?;
    Ok(context.output.say(&format!("To sign in, open {}", invited.authorize_url), &invited)?)
}

fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

fn missing(what: &str) -> Failure {
    Failure::Usage(format!("--{what} is required."))
}

// ---- What is sent ----

fn credentials(way: Way, client_id: Option<&str>, secret: Option<&str>, scopes: &[String]) -> Value {
    let mut auth = json!({"type": way.wire()});
    if !scopes.is_empty() {
        auth["scopes"] = json!(scopes);
    }
    if let Some(client_id) = client_id {
        auth["client_id"] = json!(client_id);
    }
    match (way, secret) {
        (_, None) => {}
        (Way::ApiToken, Some(token)) => auth["token"] = json!(token),
        (Way::AuthorizationCode, Some(secret)) => auth["client_secret"] = json!(secret),
        (Way::PrivateKeyJwt, Some(key)) => auth["private_key"] = json!(key),
    }
    auth
}

/// The credentials that the command line says.
fn said(way: Way, given: &Given) -> Result<Value, Failure> {
    let secret = given.secret_file.as_deref().map(secret).transpose()?;
    Ok(credentials(way, given.client_id.as_deref(), secret.as_deref(), &given.scopes))
}

fn body(add: &Add, name: &str, domain: Option<&str>, auth: &Value) -> Value {
    let mut body = json!({"name": name, "auth": auth});
    if let Some(domain) = domain {
        body["domain"] = json!(domain);
    }
    if !add.teams.is_empty() {
        body["teams"] = json!(add.teams);
    }
    if !add.allow.is_empty() {
        body["permissions"] = json!({"actions": add.allow});
    }
    body
}

async fn create(context: &Context, body: &Value) -> Result<SetUp, Error> {
    let _waiting = waiting("Connecting …");
    context.client.call(Method::POST, "/v1/connections", Some(body)).await
}

async fn put(context: &Context, connection: &Connection, domain: Option<&str>, auth: &Value) -> Result<SetUp, Error> {
    let mut body = json!({"auth": auth});
    if let Some(domain) = domain {
        body["domain"] = json!(domain);
    }
    let _waiting = waiting("Signing in to Okta …");
    context.client.call(Method::PUT, &format!("/v1/connections/{}/auth", connection.id), Some(&body)).await
}

async fn invite(context: &Context, connection: &Connection) -> Result<Invited, Error> {
    context.client.call(Method::POST, &format!("/v1/connections/{}/authorize", connection.id), None).await
}

// ---- Step by step ----

/// Asks for what is missing.
async fn guided(context: &Context, mut add: Add) -> Result<(), Failure> {
    let name = given_or_asked(add.name.take(), "A name for this tenant")?;
    let domain = given_or_asked(add.given.domain.take(), DOMAIN)?;
    let way = match add.auth {
        Some(way) => way,
        None => chosen()?,
    };
    let given = Given { domain: Some(domain.clone()), ..add.given.clone() };
    match way {
        Way::PrivateKeyJwt if given.secret_file.is_none() => {
            let made = create(context, &body(&add, &name, None, &credentials(way, None, None, &[]))).await?.connection;
            print(&format!(
                "{name} is {}; `okta-connector connections auth {}` goes on from here.",
                made.status, made.id
            ))?;
            by_key(context, &made, given).await
        }
        Way::PrivateKeyJwt => {
            let client_id = given_or_asked(given.client_id, CLIENT_ID)?;
            let given = Given { client_id: Some(client_id), ..given };
            let made = create(context, &body(&add, &name, Some(&domain), &said(way, &given)?)).await?;
            told(context, &made)
        }
        Way::ApiToken => {
            by_token(context, &given, Some(domain), true, async |domain, auth| {
                create(context, &body(&add, &name, domain, &auth)).await
            })
            .await
        }
        Way::AuthorizationCode => {
            let redirect = redirect_uri(context).await?;
            web_app(&redirect)?;
            let (client_id, secret) = web_app_credentials(&given)?;
            let auth = credentials(way, Some(&client_id), Some(&secret), &given.scopes);
            let made = create(context, &body(&add, &name, Some(&domain), &auth)).await?;
            if made.connection.redirect_uri != redirect {
                print(&format!("The sign-in redirect URI is {}: register that one.", made.connection.redirect_uri))?;
            }
            signed_in(context, &made.connection).await
        }
    }
}

fn chosen() -> Result<Way, Failure> {
    let ways = [
        "An API Services app with a key that never leaves this deployment (recommended)",
        "An API token",
        "A user who signs in to a web app",
    ];
    let picked = Select::new().with_prompt("How to sign in").items(ways).default(0).interact().map_err(no_answer)?;
    Ok([Way::PrivateKeyJwt, Way::ApiToken, Way::AuthorizationCode][picked])
}

/// Sends credentials until Okta lets them in; each time it is explained why it does not.
async fn verified(
    context: &Context,
    may_differ: bool,
    mut attempt: impl AsyncFnMut(usize) -> Result<Result<SetUp, Error>, Failure>,
) -> Result<(), Failure> {
    for number in 0.. {
        match attempt(number).await? {
            Ok(set_up) => {
                for check in &set_up.checks {
                    fix(check)?;
                }
                return told(context, &set_up);
            }
            Err(error) if may_differ => explained(error)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn by_key(context: &Context, connection: &Connection, mut given: Given) -> Result<(), Failure> {
    let (mut domain, mut client_id) = (given.domain.take(), given.client_id.take());
    let lacks_domain = domain.is_none() && connection.domain.is_none();
    let lacks_client = client_id.is_none() && connection.auth.client_id.is_none();
    if given.secret_file.is_some() {
        let domain = if lacks_domain { Some(asked(DOMAIN)?) } else { domain };
        given.client_id = if lacks_client { Some(asked(CLIENT_ID)?) } else { client_id };
        let set_up = put(context, connection, domain.as_deref(), &said(Way::PrivateKeyJwt, &given)?).await?;
        return told(context, &set_up);
    }
    // A key that somebody supplied is replaced by another one alone.
    let hosted =
        connection.public_key_url.as_deref().filter(|_| connection.auth.key_source.as_deref() == Some("hosted"));
    let url = hosted.ok_or_else(|| missing("secret-file, with the private key"))?;
    for line in [
        "In the Okta admin console:",
        &format!("  1. {}", screens::API_SERVICES),
        &format!("  2. {}", screens::KEY_URL),
        &format!("       {url}"),
        "     Save.",
        &format!("  3. {}", screens::SCOPES),
        &format!("  4. {}", screens::ROLES),
    ] {
        print(line)?;
    }
    verified(context, true, async |attempt| {
        let domain = if lacks_domain || domain.is_some() { Some(anew(&mut domain, DOMAIN, attempt)?) } else { None };
        let client_id = anew(&mut client_id, CLIENT_ID, attempt)?;
        let auth = credentials(Way::PrivateKeyJwt, Some(&client_id), None, &given.scopes);
        Ok(put(context, connection, domain.as_deref(), &auth).await)
    })
    .await
}

/// Sends a token, to a tenant whose address is asked for where that is needed.
async fn by_token(
    context: &Context,
    given: &Given,
    mut domain: Option<String>,
    asks: bool,
    send: impl AsyncFn(Option<&str>, Value) -> Result<SetUp, Error>,
) -> Result<(), Failure> {
    verified(context, given.secret_file.is_none(), async |attempt| {
        let domain = if asks { Some(anew(&mut domain, DOMAIN, attempt)?) } else { None };
        let auth = credentials(Way::ApiToken, None, Some(&token(given)?), &[]);
        Ok(send(domain.as_deref(), auth).await)
    })
    .await
}

async fn by_user(context: &Context, connection: &Connection, given: Given) -> Result<(), Failure> {
    let question = "Sign in to the app that the connection has";
    let is_known = connection.domain.is_some() && connection.auth.client_id.is_some() && !given.says_something();
    if !is_known || !Confirm::new().with_prompt(question).default(true).interact().map_err(no_answer)? {
        web_app(&connection.redirect_uri)?;
        let domain = match (&given.domain, &connection.domain) {
            (None, None) => Some(asked(DOMAIN)?),
            (given, _) => given.clone(),
        };
        let (client_id, secret) = web_app_credentials(&given)?;
        let auth = credentials(Way::AuthorizationCode, Some(&client_id), Some(&secret), &given.scopes);
        put(context, connection, domain.as_deref(), &auth).await?;
    }
    signed_in(context, connection).await
}

/// Where users are sent back to, before there is a connection that says it: as another one does, or else by the address.
async fn redirect_uri(context: &Context) -> Result<String, Failure> {
    let others: Vec<Connection> = context.client.pages("/v1/connections?limit=1").first(1).await?;
    let usual = || format!("{}v1/oauth/callback", context.client.origin());
    Ok(others.into_iter().next().map_or_else(usual, |other| other.redirect_uri))
}

fn web_app(redirect: &str) -> io::Result<()> {
    for line in [
        "In the Okta admin console:",
        &format!("  1. {}", screens::WEB_APP),
        &format!("  2. Sign-in redirect URIs: {redirect}"),
        &format!("  3. {}", screens::GRANT_TYPES),
    ] {
        print(line)?;
    }
    Ok(())
}

fn web_app_credentials(given: &Given) -> Result<(String, String), Failure> {
    let client_id = given_or_asked(given.client_id.clone(), "The app's client ID")?;
    Ok((client_id, asked_secretly(given, "The app's client secret")?))
}

fn token(given: &Given) -> Result<String, Failure> {
    if given.secret_file.is_none() {
        print(&format!("In the Okta admin console: {}", screens::TOKEN))?;
    }
    asked_secretly(given, "The token")
}

/// Waits until a user has signed in.
async fn signed_in(context: &Context, connection: &Connection) -> Result<(), Failure> {
    let invited = invite(context, connection).await?;
    print("Have an administrator of the tenant sign in here, within ten minutes:")?;
    print(&format!("  {}", invited.authorize_url))?;
    let path = format!("/v1/connections/{}", connection.id);
    let before: Connection = context.client.get(&path).await?;
    for _ in 0..LOOKS {
        tokio::time::sleep(LOOK).await;
        let now: Connection = context.client.get(&path).await?;
        // Other changes do not test it.
        if now.updated_at != before.updated_at && now.tested_at != before.tested_at {
            context.output.say(&format!("{} ({}): {}.", now.name, now.id, now.status), &now)?;
            let works = now.status == "Active";
            return if works { Ok(()) } else { Err(Failure::BadNews("The connection does not work.".to_owned())) };
        }
    }
    let again = format!("Nobody has signed in; okta-connector connections auth {} invites again.", connection.id);
    Err(Failure::BadNews(again))
}

/// Says what is wrong and how to mend it, and asks whether to try once more.
fn explained(error: Error) -> Result<(), Failure> {
    let failure = Failure::from(error);
    for line in failure.lines() {
        print(&plain(&line))?;
    }
    let again = Confirm::new().with_prompt("Try again").default(true).interact().map_err(no_answer)?;
    if again { Ok(()) } else { Err(Failure::BadNews("Canceled.".to_owned())) }
}

fn given_or_asked(given: Option<String>, prompt: &str) -> Result<String, Failure> {
    match given {
        Some(given) => Ok(given),
        None => asked(prompt),
    }
}

/// What was given or said before, which whoever only presses Enter says again; at the first attempt it is not asked for.
fn anew(value: &mut Option<String>, prompt: &str, attempt: usize) -> Result<String, Failure> {
    let answer = match value.take() {
        Some(given) if attempt == 0 => given,
        Some(before) => Input::new().with_prompt(prompt).default(before).interact_text().map_err(no_answer)?,
        None => asked(prompt)?,
    };
    *value = Some(answer.clone());
    Ok(answer)
}

fn asked(prompt: &str) -> Result<String, Failure> {
    Input::new().with_prompt(prompt).interact_text().map_err(no_answer)
}

fn asked_secretly(given: &Given, prompt: &str) -> Result<String, Failure> {
    match &given.secret_file {
        Some(file) => secret(file),
        None => Password::new().with_prompt(prompt).interact().map_err(no_answer),
    }
}

fn no_answer(error: dialoguer::Error) -> Failure {
    Failure::Io(io::Error::other(error))
}
