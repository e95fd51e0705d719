//! The directory as it changes: an event hook of the connector's own says what may have changed, and a short run reads it
//! from Okta. What a hook loses, the next incremental sync finds.

use super::hook::{self, Secret};
use crate::app::App;
use crate::clock;
use crate::connection::{Connection, Settings};
use crate::feed::{Ground, Hook, Kind as Fires, Trigger};
use crate::id::{ConnectionId, TriggerId};
use crate::okta::LogEvent;
use crate::problem::Problem;
use crate::runs;
use crate::store::{Error, Item, Store, Write, keys};
use crate::sync;
use crate::synced::Candidate;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// Events of what a sync reads, as far as Okta delivers them.
const EVENT_TYPES: [&str; 47] = [
    "app.oauth2.client.privilege.grant",
    "app.oauth2.client.privilege.revoke",
    "application.lifecycle.activate",
    "application.lifecycle.create",
    "application.lifecycle.deactivate",
    "application.lifecycle.delete",
    "application.lifecycle.update",
    "application.user_membership.add",
    "application.user_membership.remove",
    "application.user_membership.update",
    "group.application_assignment.add",
    "group.application_assignment.remove",
    "group.application_assignment.update",
    "group.lifecycle.create",
    "group.lifecycle.delete",
    "group.privilege.grant",
    "group.privilege.revoke",
    "group.profile.update",
    "group.user_membership.add",
    "group.user_membership.remove",
    "iam.resourceset.bindings.add",
    "iam.resourceset.bindings.delete",
    "iam.resourceset.delete",
    "iam.resourceset.resources.add",
    "iam.resourceset.resources.delete",
    "iam.resourceset.resources.update",
    "iam.resourceset.update",
    "iam.role.delete",
    "iam.role.permissions.add",
    "iam.role.permissions.delete",
    "iam.role.update",
    "resource.owner.update",
    "user.account.lock",
    "user.account.privilege.grant",
    "user.account.privilege.revoke",
    "user.account.reset_password",
    "user.account.unlock",
    "user.account.unlock_by_admin",
    "user.account.update_password",
    "user.account.update_profile",
    "user.lifecycle.activate",
    "user.lifecycle.create",
    "user.lifecycle.deactivate",
    "user.lifecycle.delete.initiated",
    "user.lifecycle.reactivate",
    "user.lifecycle.suspend",
    "user.lifecycle.unsuspend",
];

/// When an event came is written down no more often.
const NOTED_SECONDS: i64 = 10;

/// Whether the directory follows Okta as it changes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Live {
    /// Whether it does.
    status: LiveStatus,
    /// Why it does not, although it should.
    status_reason: Option<String>,
    /// From where it hears of changes.
    source: Option<Source>,
    /// When the last event that it heard of happened.
    last_event_at: Option<Timestamp>,
}

/// Whether the directory follows Okta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LiveStatus {
    /// It is not asked to.
    Off,
    /// It does.
    Active,
    /// Changes are found by syncs alone.
    Failing,
}

/// From where the connector hears of changes.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Source {
    /// An event hook of its own.
    EventHook,
}

/// The last event that was heard of.
#[derive(Serialize, Deserialize)]
struct Heard {
    at: Timestamp,
}

fn is_asked_for(settings: &Settings) -> bool {
    settings.sync.as_ref().is_some_and(|sync| sync.live)
}

/// True where the connection is to have a hook.
pub fn is_wanted(connection: &Connection) -> bool {
    connection.is_scheduled() && is_asked_for(&connection.settings)
}

impl Live {
    /// Of a connection.
    pub async fn of(store: &Store, connection: &Connection) -> Result<Self, Error> {
        let off = Self { status: LiveStatus::Off, status_reason: None, source: None, last_event_at: None };
        if !is_asked_for(&connection.settings) {
            return Ok(off);
        }
        if !connection.is_scheduled() {
            let why =
                if connection.settings.paused { "the connection is paused" } else { "the connection is not active" };
            return Ok(Self { status_reason: Some(why.to_owned()), ..off });
        }
        let own = Trigger::own(store, &connection.id).await?;
        let heard = store.get(&keys::heard(&connection.id)).await?;
        let heard = heard.map(|item| item.parse::<Heard>()).transpose()?;
        let reason = match own {
            Some(Trigger { fault: Some(fault), .. }) => Some(fault),
            Some(Trigger { hook: Some(hook), .. }) if !hook.is_silent() => None,
            _ => Some("Okta has not verified the hook yet, and delivers nothing to it".to_owned()),
        };
        Ok(Self {
            status: if reason.is_none() { LiveStatus::Active } else { LiveStatus::Failing },
            source: reason.is_none().then_some(Source::EventHook),
            status_reason: reason,
            last_event_at: heard.map(|heard| heard.at),
        })
    }
}

/// Makes the hook of a connection that is about to ask for one. Where Okta refuses it, nothing is left of it.
pub async fn turn_on(app: &App, connection: &Connection) -> Result<(), Problem> {
    let secret = Secret::generate();
    let own = made(app, connection, &secret).await?;
    let registered = hook::register(app, connection, &own, &secret).await;
    if registered.is_err() {
        app.store.transact(vec![Write::Delete(keys::own_hook(&connection.id))]).await?;
    }
    registered.map(|_| ())
}

/// Stores a hook that Okta does not know yet.
async fn made(app: &App, connection: &Connection, secret: &Secret) -> Result<Trigger, Problem> {
    let now = app.now();
    let before = Trigger::own(&app.store, &connection.id).await?;
    if let Some(before) = &before {
        hook::unregister(app, connection, before).await;
    }
    let own = Trigger {
        id: TriggerId::random(),
        name: None,
        kind: Fires::EventHook { event_types: EVENT_TYPES.map(str::to_owned).into() },
        enabled: true,
        timezone: "UTC".to_owned(),
        deliver: BTreeSet::new(),
        hook: Some(Hook { secret_hash: secret.hash(), ..Hook::default() }),
        fault: None,
        is_own: true,
        created_at: now,
        updated_at: now,
        revision: before.map_or(0, |before| before.revision),
    };
    super::write(app, &connection.id, own).await
}

/// Makes the hook what the connection asks for by now. What Okta refuses is written down, and tried again hourly.
pub async fn keep(app: &App, connection: &Connection) -> Result<(), Problem> {
    let own = Trigger::own(&app.store, &connection.id).await?;
    match own {
        None if is_wanted(connection) => {
            let own = made(app, connection, &Secret::generate()).await?;
            hook::mend(app, connection, &own).await
        }
        Some(own) if !is_wanted(connection) => {
            if hook::unregister(app, connection, &own).await {
                app.store.transact(vec![Write::Delete(keys::own_hook(&connection.id))]).await?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Compares the hook with what Okta has, and repairs it.
pub async fn check(app: &App, connection: &Connection) -> Result<(), Problem> {
    keep(app, connection).await?;
    match Trigger::own(&app.store, &connection.id).await?.filter(|_| is_wanted(connection)) {
        Some(own) if own.event_types() == Some(&EVENT_TYPES.map(str::to_owned).into()) => {
            hook::check(app, connection, &[own]).await
        }
        // It was made when fewer events were followed.
        Some(own) => {
            let kind = Fires::EventHook { event_types: EVENT_TYPES.map(str::to_owned).into() };
            let own = super::write(app, &connection.id, Trigger { kind, ..own }).await?;
            hook::check(app, connection, &[own]).await
        }
        None => Ok(()),
    }
}

/// Why Okta does not deliver to the hook, by what Okta has; none where it does.
pub async fn fault(app: &App, connection: &Connection) -> Result<Option<String>, Problem> {
    let Some(own) = Trigger::own(&app.store, &connection.id).await? else {
        return Ok(Some("Okta has no event hook of the connector yet; it is made within an hour".to_owned()));
    };
    if let Some(fault) = own.fault {
        return Ok(Some(fault));
    }
    match hook::is_there(app, connection, &own).await {
        Ok(true) => Ok(None),
        Ok(false) => Ok(Some("Okta's event hook of the connector is gone, stopped or changed".to_owned())),
        Err(problem) => Ok(Some(problem.detail)),
    }
}

/// Takes what Okta delivered to the connector's own hook. Once this is done, it is read, whoever is killed.
pub(super) async fn take(ground: &Ground, id: &ConnectionId, events: &[Box<RawValue>]) -> Result<(), Problem> {
    let events: Vec<LogEvent> = events.iter().filter_map(|raw| serde_json::from_str(raw.get()).ok()).collect();
    let candidates: BTreeSet<Candidate> = events.iter().flat_map(sync::candidates_of).collect();
    runs::report_to(ground, id, &candidates).await?;
    if let Some(at) = events.iter().filter_map(LogEvent::time).max() {
        note(&ground.store, id, at).await?;
    }
    Ok(())
}

async fn note(store: &Store, id: &ConnectionId, at: Timestamp) -> Result<(), Error> {
    let key = keys::heard(id);
    let known = store.get(&key).await?.map(|item| item.parse::<Heard>()).transpose()?;
    if known.is_some_and(|known| at < clock::after(known.at, NOTED_SECONDS)) {
        return Ok(());
    }
    store.transact(vec![Write::Put(Item::at(&key).document(&Heard { at })?)]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn okta_delivers_every_type_that_is_asked_for() {
        let eligible: BTreeSet<_> = include_str!("eligible.txt").lines().collect();
        for name in EVENT_TYPES {
            assert!(eligible.contains(name), "{name}");
        }
    }
}
