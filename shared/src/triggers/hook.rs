//! Okta's event hooks: registered, verified, compared once a day with what Okta has, removed; and what they deliver.

use super::{Error, Problem, Trigger, live};
use crate::app::App;
use crate::connection::Connection;
use crate::feed::{Ground, Hook, Stop, deliver, put_hooked};
use crate::id::{ConnectionId, TriggerId};
use crate::okta::{self, Client, Patience, api, readable};
use crate::problem::Kind;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How long a delivery may be on its way to the feed before it is answered; Okta waits for 3 s.
const DELIVERY_BUDGET: Duration = Duration::from_millis(250);
/// How long may be spent on Okta's hooks.
const BUDGET: Duration = Duration::from_secs(15);

/// What Okta shows when it delivers. It is told to Okta once and kept nowhere.
pub(super) struct Secret(String);

impl Secret {
    /// One that nobody has had: 244 random bits.
    pub fn generate() -> Self {
        let halves = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
        Self(URL_SAFE_NO_PAD.encode(halves.map(uuid::Uuid::into_bytes).concat()))
    }

    /// What is kept of it.
    pub fn hash(&self) -> String {
        hash(&self.0)
    }
}

fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.as_bytes()))
}

/// Where Okta delivers to: a name that tells connection and trigger.
pub(super) fn url(public_url: &str, connection: &ConnectionId, trigger: &TriggerId) -> String {
    let opaque = |id: &str| id.rsplit('_').next().unwrap_or_default().to_owned();
    format!("{public_url}/v1/hooks/{}{}", opaque(connection.as_str()), opaque(trigger.as_str()))
}

fn parse(hook: &str) -> Option<(ConnectionId, TriggerId)> {
    let (connection, trigger) = hook.split_at_checked(32)?;
    Some((ConnectionId::parse(&format!("conn_{connection}"))?, TriggerId::parse(&format!("trg_{trigger}"))?))
}

/// A hook as Okta shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: String,
    status: Option<String>,
    verification_status: Option<String>,
    events: Option<Events>,
    channel: Option<Channel>,
}

#[derive(Deserialize)]
struct Events {
    items: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
struct Channel {
    config: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    uri: Option<String>,
}

impl Shown {
    fn uri(&self) -> Option<&str> {
        self.channel.as_ref()?.config.as_ref()?.uri.as_deref()
    }

    /// True where Okta delivers these types to this URL.
    fn delivers(&self, types: &BTreeSet<String>, uri: &str) -> bool {
        let is = |text: &Option<String>, wanted: &str| text.as_deref() == Some(wanted);
        is(&self.status, "ACTIVE")
            && is(&self.verification_status, "VERIFIED")
            && self.uri() == Some(uri)
            && self.events.as_ref().and_then(|events| events.items.as_ref()) == Some(types)
    }
}

/// Registers a trigger's hook and has Okta verify it. What Okta refuses is taken back.
pub(super) async fn register(
    app: &App,
    connection: &Connection,
    trigger: &Trigger,
    secret: &Secret,
) -> Result<Trigger, Problem> {
    let client = client(app, connection).await?;
    let made: Shown =
        client.fetch(&api::create_event_hook(described(app, connection, trigger, secret))).await.map_err(refused)?;
    // Known from here on, so that it can be removed whatever comes.
    let previous_hash = trigger.hook.as_ref().map(|hook| hook.secret_hash.clone());
    let hook = Hook { okta_id: Some(made.id.clone()), verified: false, secret_hash: secret.hash(), previous_hash };
    let known = super::write(app, &connection.id, Trigger { hook: Some(hook), ..trigger.clone() }).await?;
    match client.fetch::<Shown>(&api::verify_event_hook(&made.id)).await {
        Ok(shown) => {
            let verified = shown.verification_status.as_deref() == Some("VERIFIED");
            let hook = known.hook.clone().map(|hook| Hook { verified, previous_hash: None, ..hook });
            super::write(app, &connection.id, Trigger { hook, fault: None, ..known }).await
        }
        Err(error) => {
            remove(&client, &made.id).await;
            let problem = refused(error);
            let detail = format!(
                "Okta could not verify the hook's URL; it must be reachable from the internet: {}",
                problem.detail
            );
            Err(Problem { detail, ..problem })
        }
    }
}

/// A hook that Okta refuses, for want of a scope or a role too, is a body that cannot be taken.
fn refused(error: okta::Error) -> Problem {
    let problem = Problem::from(error);
    match problem.kind {
        Kind::OktaForbidden | Kind::OktaNotFound | Kind::WrongState | Kind::AlreadyExists => {
            Problem { kind: Kind::OktaRejected, ..problem }
        }
        _ => problem,
    }
}

fn described(app: &App, connection: &Connection, trigger: &Trigger, secret: &Secret) -> Value {
    json!({
        "name": format!("Okta Connector {}", trigger.id),
        "events": {"type": "EVENT_TYPE", "items": trigger.event_types()},
        "channel": {"type": "HTTP", "version": "1.0.0", "config": {
            "uri": url(&app.public_url, &connection.id, &trigger.id),
            "headers": [],
            "authScheme": {"type": "HEADER", "key": "Authorization", "value": secret.0},
        }},
    })
}

async fn client(app: &App, connection: &Connection) -> Result<Client, Problem> {
    app.client(connection, Patience::foreground(BUDGET, Duration::from_secs(5))).await
}

/// Removes a trigger's hook, as far as Okta lets us. True where Okta has it no longer.
pub(super) async fn unregister(app: &App, connection: &Connection, trigger: &Trigger) -> bool {
    let Some(id) = trigger.hook.as_ref().and_then(|hook| hook.okta_id.as_deref()) else { return true };
    match client(app, connection).await {
        Ok(client) => remove(&client, id).await,
        Err(problem) => {
            tracing::warn!(connection = %connection.id, "a hook was not removed from Okta: {problem}");
            false
        }
    }
}

/// Only a hook that does not deliver can be deleted. True where it is gone.
async fn remove(client: &Client, id: &str) -> bool {
    let gone = |error: &okta::Error| matches!(error, okta::Error::Api(it) if it.is_absence());
    let mut is_gone = true;
    for request in [api::deactivate_event_hook(id), api::delete_event_hook(id)] {
        is_gone = match client.send(&request).await {
            Err(error) if !gone(&error) => {
                tracing::warn!(hook = id, "a hook was not removed from Okta: {error}");
                false
            }
            _ => true,
        };
    }
    is_gone
}

/// Removes all hooks of a connection that is about to go, as far as Okta lets us and there is time.
pub async fn release(app: &App, connection: &Connection) -> Result<(), Problem> {
    let mut triggers = Trigger::all(&app.store, &connection.id).await?;
    triggers.extend(Trigger::own(&app.store, &connection.id).await?);
    let removed = async {
        for trigger in &triggers {
            unregister(app, connection, trigger).await;
        }
    };
    if tokio::time::timeout(BUDGET, removed).await.is_err() {
        tracing::warn!(connection = %connection.id, "some hooks were not removed from Okta: it did not answer in time");
    }
    Ok(())
}

/// Compares the hooks with what Okta has: one that is gone, stopped or another one's is made anew, and one that nobody
/// knows of any more is removed.
pub(super) async fn check(app: &App, connection: &Connection, triggers: &[Trigger]) -> Result<(), Problem> {
    let hooked: Vec<_> = triggers.iter().filter(|trigger| trigger.hook.is_some()).collect();
    if hooked.is_empty() {
        return Ok(());
    }
    let client = client(app, connection).await?;
    let page = client.page::<Shown>(&api::list_event_hooks()).await?;
    let shown = page.items;
    let unreadable = page.bad;
    for trigger in hooked {
        let uri = url(&app.public_url, &connection.id, &trigger.id);
        let known = trigger.hook.as_ref().and_then(|hook| hook.okta_id.as_deref());
        let wanted = trigger.event_types().filter(|_| trigger.enabled);
        let good = shown
            .iter()
            .find(|hook| Some(hook.id.as_str()) == known && wanted.is_some_and(|types| hook.delivers(types, &uri)));
        for other in shown.iter().filter(|hook| hook.uri() == Some(&uri) && good.is_none_or(|good| good.id != hook.id))
        {
            remove(&client, &other.id).await;
        }
        // An unreadable hook is not taken for a wrong one.
        let is_unreadable = known.is_some() && unreadable.iter().any(|hook| hook.id.as_deref() == known);
        if wanted.is_some() && good.is_none() && !is_unreadable {
            // One that leads to a former URL of the service.
            if let Some(former) = shown.iter().find(|hook| Some(hook.id.as_str()) == known && hook.uri() != Some(&uri))
            {
                remove(&client, &former.id).await;
            }
            mend(app, connection, trigger).await?;
        }
    }
    Ok(())
}

/// True where Okta has the hook as it should be.
pub(super) async fn is_there(app: &App, connection: &Connection, trigger: &Trigger) -> Result<bool, Problem> {
    let known = trigger.hook.as_ref().and_then(|hook| hook.okta_id.as_deref());
    let client = client(app, connection).await?;
    let page = client.page::<Shown>(&api::list_event_hooks()).await?;
    let own = page.items.iter().find(|hook| Some(hook.id.as_str()) == known);
    let uri = url(&app.public_url, &connection.id, &trigger.id);
    Ok(own.zip(trigger.event_types()).is_some_and(|(hook, types)| hook.delivers(types, &uri)))
}

pub(super) async fn mend(app: &App, connection: &Connection, trigger: &Trigger) -> Result<(), Problem> {
    let secret = Secret::generate();
    let hook = Some(Hook { secret_hash: secret.hash(), ..Hook::default() });
    let renewed = super::write(app, &connection.id, Trigger { hook, ..trigger.clone() }).await?;
    let Err(problem) = register(app, connection, &renewed, &secret).await else { return Ok(()) };
    tracing::warn!(connection = %connection.id, trigger = %trigger.id, "a hook could not be made anew: {problem}");
    let stored = if trigger.is_own {
        Trigger::own(&app.store, &connection.id).await?
    } else {
        Trigger::load(&app.store, &connection.id, &trigger.id).await?
    };
    let Some(stored) = stored else { return Ok(()) };
    super::write(app, &connection.id, Trigger { fault: Some(problem.detail), ..stored }).await?;
    Ok(())
}

/// Whose hook it is.
struct Owner {
    connection: ConnectionId,
    /// True for the connector's own.
    is_own: bool,
}

/// Whose hook it is, where the request shows the hook's secret.
async fn owner(ground: &Ground, hook: &str, shown: Option<&str>) -> Result<Option<Owner>, Error> {
    let Some((connection, id)) = parse(hook) else { return Ok(None) };
    let stored = match Trigger::load(&ground.store, &connection, &id).await? {
        None => Trigger::own(&ground.store, &connection).await?.filter(|own| own.id == id),
        trigger => trigger,
    };
    let is_own = stored.as_ref().is_some_and(|trigger| trigger.is_own);
    let stored = stored.and_then(|trigger| trigger.hook);
    let shown = hash(shown.unwrap_or_default());
    let is_right = |hook: Hook| {
        let [current, previous] = [Some(hook.secret_hash), hook.previous_hash];
        let is = |known: Option<String>| known.is_some_and(|it| bool::from(shown.as_bytes().ct_eq(it.as_bytes())));
        is(current) || is(previous)
    };
    Ok(stored.is_some_and(is_right).then_some(Owner { connection, is_own }))
}

fn unknown() -> Problem {
    Problem::new(Kind::Unauthenticated, "There is no such hook, or the secret is not its own.")
}

/// Whether Okta may have its challenge back.
pub async fn challenged(ground: &Ground, hook: &str, secret: Option<&str>) -> Result<(), Problem> {
    owner(ground, hook, secret).await?.map(|_| ()).ok_or_else(unknown)
}

/// What Okta delivers.
#[derive(Deserialize)]
struct Delivery {
    data: Option<Batch>,
}

#[derive(Deserialize)]
struct Batch {
    events: Option<Vec<Box<RawValue>>>,
}

/// Takes a delivery: once this is done, none of its events is lost.
pub async fn receive(
    ground: &Ground,
    hook: &str,
    secret: Option<&str>,
    body: impl Future<Output = Result<axum::body::Bytes, Problem>>,
) -> Result<(), Problem> {
    let Owner { connection, is_own } = owner(ground, hook, secret).await?.ok_or_else(unknown)?;
    let body = body.await?;
    let body = readable(&body);
    let delivery: Delivery = serde_json::from_slice(&body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::new(Kind::BadRequest, format!("The delivery is not an event hook's: line {line}, column {column}."))
    })?;
    let events = delivery.data.and_then(|data| data.events).unwrap_or_default();
    let events: Vec<_> = events.into_iter().map(like_the_logs).collect();
    if events.is_empty() {
        return Ok(());
    }
    if is_own {
        return live::take(ground, &connection, &events).await;
    }
    put_hooked(ground, &connection, &events).await?;
    // It is safe now; whatever keeps it from the feed for the moment, the next poll moves it.
    match deliver(ground, &connection, DELIVERY_BUDGET).await {
        Ok(()) | Err(Stop::TakenOver) => {}
        Err(stop) => tracing::warn!(%connection, "a delivery waits in the inbox: {stop}"),
    }
    Ok(())
}

/// An event as the log would tell it: hooks have the chain of addresses elsewhere.
fn like_the_logs(raw: Box<RawValue>) -> Box<RawValue> {
    let Ok(mut event) = serde_json::from_str::<Value>(raw.get()) else { return raw };
    let chain = event.pointer_mut("/client").and_then(Value::as_object_mut).and_then(|client| client.remove("ipChain"));
    let Some(chain) = chain else { return raw };
    if event["request"].is_null() {
        event["request"] = json!({});
    }
    if let Some(request) = event["request"].as_object_mut() {
        request.entry("ipChain").or_insert(chain);
    }
    to_raw_value(&event).unwrap_or(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hooks_url_tells_connection_and_trigger_and_nothing_else_is_read() {
        let (connection, trigger) = (ConnectionId::random(), TriggerId::random());
        let url = url("https://connector.example", &connection, &trigger);
        let name = url.strip_prefix("https://connector.example/v1/hooks/").expect("a hook");
        assert_eq!(parse(name), Some((connection, trigger)));
        for other in ["", "x", &name[1..], &name.to_uppercase()] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_chain_of_addresses_stands_where_the_log_has_it() {
        let read = |body: Value| {
            let raw = like_the_logs(to_raw_value(&body).expect("JSON"));
            serde_json::from_str::<Value>(raw.get()).expect("JSON")
        };
        let moved = read(json!({"uuid": "u", "client": {"id": null, "ipChain": [{"ip": "1.2.3.4"}]}}));
        assert_eq!(moved, json!({"uuid": "u", "client": {"id": null}, "request": {"ipChain": [{"ip": "1.2.3.4"}]}}));
        let as_it_is = json!({"uuid": "u", "client": null, "request": {"ipChain": []}});
        assert_eq!(read(as_it_is.clone()), as_it_is);
    }

    #[test]
    fn no_secret_is_like_another_and_its_hash_does_not_tell_it() {
        let (one, other) = (Secret::generate(), Secret::generate());
        assert_ne!(one.0, other.0);
        assert_eq!((one.0.len(), one.hash().len()), (43, 43));
        assert_ne!(one.hash(), one.0);
    }
}
