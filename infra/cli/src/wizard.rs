//! `connections add`: from the command line alone, or on a terminal step by step, with the names of Okta's screens.

use crate::connection::{Add, Way, fix, secret, told};
use crate::output::{plain, print};
use crate::{Context, Failure};
use dialoguer::{Confirm, Input, Password, Select};
use okta_connector_client::{Connection, Error, Invited, Method, SetUp};
use serde_json::{Value, json};
use std::io::{self, IsTerminal};
use std::time::Duration;

/// How often it is looked whether somebody has signed in.
const LOOK: Duration = Duration::from_secs(2);
/// As long as an invitation works.
const LOOKS: usize = 300;

/// Adds a connection.
pub async fn add(context: &Context, add: Add) -> Result<(), Failure> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        guided(context, add).await
    } else {
        at_once(context, &add).await
    }
}

/// What the command line says, and nothing else.
async fn at_once(context: &Context, add: &Add) -> Result<(), Failure> {
    let missing = |what: &str| Failure::Usage(format!("Give --{what}."));
    let way = add.auth.ok_or_else(|| missing("auth"))?;
    let name = add.name.as_deref().ok_or_else(|| missing("name"))?;
    let secret = add.secret_file.as_deref().map(secret).transpose()?;
    let auth = auth(way, add.client_id.as_deref(), secret.as_deref());
    let made: SetUp = context
        .client
        .call(Method::POST, "/v1/connections", Some(&body(add, name, add.domain.as_deref(), &auth)))
        .await?;
    told(context, &made)?;
    if let (Some(url), crate::output::Format::Table) = (&made.connection.public_key_url, context.output.format) {
        print(&format!("Public key URL for the Okta app: {url}"))?;
    }
    Ok(())
}

fn auth(way: Way, client_id: Option<&str>, secret: Option<&str>) -> Value {
    let mut auth = json!({"type": way.wire()});
    let secret_name = if way == Way::ApiToken { "token" } else { "client_secret" };
    for (name, value) in [("client_id", client_id), (secret_name, secret)] {
        if let Some(value) = value {
            auth[name] = json!(value);
        }
    }
    auth
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

/// Asks for what is missing.
async fn guided(context: &Context, add: Add) -> Result<(), Failure> {
    let name = given_or_asked(add.name.clone(), "A name for this tenant")?;
    let domain = given_or_asked(add.domain.clone(), "Its address, as the browser shows it (acme.okta.com)")?;
    let way = match add.auth {
        Some(way) => way,
        None => chosen()?,
    };
    match way {
        Way::PrivateKeyJwt => by_key(context, &add, &name, &domain).await,
        Way::ApiToken => by_token(context, &add, &name, &domain).await,
        Way::AuthorizationCode => by_user(context, &add, &name, &domain).await,
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

async fn by_key(context: &Context, add: &Add, name: &str, domain: &str) -> Result<(), Failure> {
    let begun = body(add, name, None, &auth(Way::PrivateKeyJwt, None, None));
    let made: SetUp = context.client.call(Method::POST, "/v1/connections", Some(&begun)).await?;
    let url = made.connection.public_key_url.clone().unwrap_or_default();
    for line in [
        "In the Okta admin console:".to_owned(),
        "  1. Applications > Applications > Create App Integration > API Services. Name it, and save.".to_owned(),
        "  2. General > Client Credentials > Edit: Public key / Private key, and Use a URL to fetch keys dynamically:".to_owned(),
        format!("       {url}"),
        "     Save.".to_owned(),
        "  3. Okta API Scopes: grant okta.users.read, okta.groups.read, okta.apps.read, okta.logs.read, and what else is to be done."
            .to_owned(),
        "  4. Admin roles: assign Read-only Administrator, or a role that may do what is to be done.".to_owned(),
    ] {
        print(&line)?;
    }
    let mut client_id = add.client_id.clone();
    loop {
        let id = given_or_asked(client_id.take(), "The app's client ID (General > Client Credentials)")?;
        let auth = json!({"domain": domain, "auth": auth(Way::PrivateKeyJwt, Some(&id), None)});
        let path = format!("/v1/connections/{}/auth", made.connection.id);
        match context.client.call::<SetUp>(Method::PUT, &path, Some(&auth)).await {
            Ok(set_up) => {
                for check in &set_up.checks {
                    fix(check)?;
                }
                return told(context, &set_up);
            }
            Err(error) => explained(error)?,
        }
    }
}

async fn by_token(context: &Context, add: &Add, name: &str, domain: &str) -> Result<(), Failure> {
    print("In the Okta admin console: Security > API > Tokens > Create token. The token can do what its owner can.")?;
    loop {
        let token = asked_secretly(add, "The token")?;
        let body = body(add, name, Some(domain), &auth(Way::ApiToken, None, Some(&token)));
        match context.client.call::<SetUp>(Method::POST, "/v1/connections", Some(&body)).await {
            Ok(made) => return told(context, &made),
            Err(error) => explained(error)?,
        }
    }
}

async fn by_user(context: &Context, add: &Add, name: &str, domain: &str) -> Result<(), Failure> {
    let me: Value = context.client.get("/v1/connections?limit=1").await?;
    let known = me["items"][0]["redirect_uri"].as_str().map(str::to_owned);
    let redirect = known.unwrap_or_else(|| format!("{}v1/oauth/callback", context.client.origin()));
    for line in [
        "In the Okta admin console:".to_owned(),
        "  1. Applications > Applications > Create App Integration > OIDC > Web Application.".to_owned(),
        format!("  2. Sign-in redirect URIs: {redirect}"),
        "  3. Grant types: Authorization Code and Refresh Token. Save; then grant the scopes under Okta API Scopes."
            .to_owned(),
    ] {
        print(&line)?;
    }
    let client_id = given_or_asked(add.client_id.clone(), "The app's client ID")?;
    let secret = asked_secretly(add, "The app's client secret")?;
    let body = body(add, name, Some(domain), &auth(Way::AuthorizationCode, Some(&client_id), Some(&secret)));
    let made: SetUp = context.client.call(Method::POST, "/v1/connections", Some(&body)).await?;
    let id = &made.connection.id;
    if made.connection.redirect_uri != redirect {
        print(&format!("The sign-in redirect URI is {}: register that one.", made.connection.redirect_uri))?;
    }
    let invited: Invited = context.client.call(Method::POST, &format!("/v1/connections/{id}/authorize"), None).await?;
    print("Have an administrator of the tenant sign in here, within ten minutes:")?;
    print(&format!("  {}", invited.authorize_url))?;
    for _ in 0..LOOKS {
        tokio::time::sleep(LOOK).await;
        let now: Connection = context.client.get(&format!("/v1/connections/{id}")).await?;
        if now.status != "Pending" {
            return Ok(context.output.say(&format!("{} ({id}): {}.", now.name, now.status), &now)?);
        }
    }
    Err(Failure::BadNews("Nobody has signed in; the console or POST …/authorize gives a new invitation.".to_owned()))
}

/// Says what is wrong and how to mend it, and asks whether to try once more.
fn explained(error: Error) -> Result<(), Failure> {
    let failure = Failure::from(error);
    for line in failure.lines() {
        print(&plain(&line))?;
    }
    let again = Confirm::new().with_prompt("Try again").default(true).interact().map_err(no_answer)?;
    if again { Ok(()) } else { Err(failure) }
}

fn given_or_asked(given: Option<String>, prompt: &str) -> Result<String, Failure> {
    match given {
        Some(given) => Ok(given),
        None => Input::new().with_prompt(prompt).interact_text().map_err(no_answer),
    }
}

fn asked_secretly(add: &Add, prompt: &str) -> Result<String, Failure> {
    match &add.secret_file {
        Some(file) => secret(file),
        None => Password::new().with_prompt(prompt).interact().map_err(no_answer),
    }
}

fn no_answer(error: dialoguer::Error) -> Failure {
    Failure::Io(io::Error::other(error))
}
