//! Setting up connections: credentials are verified before they replace others, and are kept in the secret store alone.
//!
//! `input` is what callers send, `draft` what becomes of it, `authorize` waits for a user's consent, `resource` is what
//! callers see.

mod authorize;
pub mod described;
mod draft;
mod input;
mod resource;

pub use authorize::{Guest, Invitation, Return, authorize, finish, recognize};
use input::{ChangeAuth, NewConnection};
pub use input::{RotateKeys, merge_patch};
pub use resource::{PublishedKey, Resource, RotatedKey, SetUp};

use crate::app::App;
use crate::clock::parse_duration;
use crate::connection::{self, Connection, Fault, HostedKey, KeySource, KeyState, Settings, Status, Stored, rotate};
use crate::diagnosis::Check;
use crate::id::{ConnectionId, SyncId};
use crate::okta::SigningKey;
use crate::problem::{Kind, Problem};
use crate::runs;
use crate::store::{Item, Write, keys};
use crate::triggers;
use draft::Draft;
use serde_json::Value;

/// A connection and what happened to it.
pub struct Outcome {
    /// The connection as it now is.
    pub stored: Stored,
    /// What happened, for people.
    pub message: &'static str,
    /// What was checked.
    pub checks: Vec<Check>,
    /// The first sync, if it was started by this.
    pub sync_id: Option<SyncId>,
}

const COMPLETE: &str = "Integration setup complete";
const FAILED: &str = "Integration test failed";
const PENDING: &str = "Integration setup pending";

/// Makes a connection with a new id. Where everything is known, nothing is stored unless Okta lets us in.
pub async fn create(app: &App, id: ConnectionId, body: &Value) -> Result<Outcome, Problem> {
    let (input, mut faults) = NewConnection::read(body);
    let Some(input) = input else { return Err(Problem::invalid(&faults)) };
    let settings = input.settings();
    faults.extend(settings.faults());
    let draft = Draft::new(app, id, settings, input.domain.as_deref(), input.auth(), &mut faults).await;
    let Some(mut draft) = draft.filter(|_| faults.is_empty()) else { return Err(Problem::invalid(&faults)) };
    draft.find_tenant(app).await?;
    let checks = if draft.can_be_verified() { draft.verify(app).await? } else { Vec::new() };
    // The connection is written first, without its secret: a crash leaves something that can be seen and deleted, and
    // never a secret that nobody knows of.
    let verified = draft.connection.clone();
    let bare = Connection {
        status: Status::Pending,
        status_reason: Some("Its credentials were not stored; send them again (PUT …/auth).".to_owned()),
        ..verified.clone()
    };
    let mut stored = connection::save(&app.store, &Stored { connection: bare, revision: 0 }).await?;
    let version = app.secrets.put(verified.id.as_str(), &draft.credentials.to_secret()).await?;
    stored.connection = Connection { secret_version: Some(version), ..verified };
    let stored = connection::save(&app.store, &stored).await?;
    complete(app, stored, checks).await
}

/// Replaces how a connection signs in, once Okta lets the new credentials in.
pub async fn change_auth(app: &App, stored: Stored, body: &Value, if_match: Option<u64>) -> Result<Outcome, Problem> {
    check_version(&stored.connection, if_match)?;
    let (input, mut faults) = ChangeAuth::read(body);
    let Some(input) = input else { return Err(Problem::invalid(&faults)) };
    let draft = Draft::of(app, &stored.connection, input.domain.as_deref(), input.auth(), &mut faults).await?;
    let Some(mut draft) = draft.filter(|_| faults.is_empty()) else { return Err(Problem::invalid(&faults)) };
    draft.find_tenant(app).await?;
    if draft.is_staged() {
        let stored = stage(app, &stored.connection, &draft, if_match).await?;
        return Ok(Outcome { stored, message: PENDING, checks: Vec::new(), sync_id: None });
    }
    let mut base = stored;
    if draft.has_new_hosted_key() {
        // Okta must be able to fetch the key before it can be verified; adding it replaces nothing.
        base = publish(app, &base, &draft).await?;
    }
    let checks = if draft.is_complete() {
        draft.verify(app).await?
    } else if base.connection.status == Status::Pending {
        Vec::new()
    } else {
        return Err(Problem::invalid(&draft.missing()));
    };
    let version = app.secrets.put(base.connection.id.as_str(), &draft.credentials.to_secret()).await?;
    let now = app.now();
    let stored = replace(app, &base, if_match, |connection| {
        let Connection { domain, org_id, engine, status, status_reason, auth, tested_at, .. } =
            draft.connection.clone();
        (connection.domain, connection.org_id, connection.engine, connection.auth) = (domain, org_id, engine, auth);
        (connection.status, connection.status_reason, connection.tested_at) = (status, status_reason, tested_at);
        connection.secret_version = Some(version.clone());
        connection.staged = None;
        connection.touch(now);
    })
    .await?;
    complete(app, stored, checks).await
}

/// Keeps a web app until a user has signed in to it; whatever works goes on working.
async fn stage(app: &App, base: &Connection, draft: &Draft, if_match: Option<u64>) -> Result<Stored, Problem> {
    let found = draft.connection.domain.as_ref().filter(|domain| base.domain.as_ref() != Some(*domain));
    let now = app.now();
    let staged = connection::revise(&app.store, app.secrets.as_ref(), &base.id, |connection, credentials| {
        check_version(connection, if_match)?;
        connection.staged.clone_from(&draft.connection.staged);
        credentials.staged_secret.clone_from(&draft.credentials.staged_secret);
        if connection.status == Status::Pending {
            connection.auth = draft.connection.auth.clone();
            connection.domain = found.cloned().or(connection.domain.take());
        } else if let Some(staged) = &mut connection.staged {
            staged.domain = found.cloned();
        }
        connection.touch(now);
        Ok::<_, Problem>(())
    });
    staged.await?.ok_or_else(Problem::not_found)
}

/// Changes what its owner configured.
pub async fn patch(app: &App, stored: &Stored, settings: Settings, if_match: Option<u64>) -> Result<Stored, Problem> {
    let faults = settings.faults();
    if !faults.is_empty() {
        return Err(Problem::invalid(&faults));
    }
    let now = app.now();
    let before = &stored.connection;
    let read = before.version;
    let next = Connection { settings: settings.clone(), ..before.clone() };
    // First: what Okta refuses is not turned on.
    let turns_live = triggers::is_live_wanted(&next) && !triggers::is_live_wanted(before) && !before.settings.paused;
    if turns_live {
        check_version(before, if_match)?;
        triggers::turn_on_live(app, &next).await?;
    }
    let changed = connection::change(&app.store, &stored.connection.id, |connection| {
        check_version(connection, if_match)?;
        // The patch was merged into what was read; something newer must not be lost by it.
        check_version(connection, Some(read))?;
        if connection.settings.sync != settings.sync || connection.settings.paused != settings.paused {
            connection.scheduled_at = Some(now);
        }
        connection.settings = settings.clone();
        connection.touch(now);
        Ok::<_, Problem>(())
    });
    let changed = changed.await;
    if turns_live && changed.is_err() {
        triggers::keep_live(app, before).await?;
    }
    changed?.ok_or_else(Problem::not_found)
}

/// Deletes a connection: its secret at once, its directory soon after.
pub async fn delete(app: &App, stored: &Stored, if_match: Option<u64>) -> Result<(), Problem> {
    let id = &stored.connection.id;
    check_version(&stored.connection, if_match)?;
    authorize::revoke(app, &stored.connection).await;
    // The secret goes first: while the connection is there, its deletion can be repeated.
    app.secrets.delete(id.as_str()).await?;
    let note = keys::purge(id);
    let index = keys::IndexKey { pk: keys::PURGES.to_owned(), sk: id.to_string() };
    let note = Item::at(&note).indexed(crate::store::Index::G1, index);
    app.store.transact(vec![Write::Delete(keys::connection(id)), Write::Put(note)]).await?;
    if let Err(error) = app.runner.purge(id, &format!("purge-{id}")).await {
        tracing::error!(connection = %id, "the directory of a deleted connection was not removed yet: {error}");
    }
    Ok(())
}

/// Makes a new hosted key, which signs after the overlap.
pub async fn rotate_key(app: &App, stored: Stored, input: &RotateKeys) -> Result<(Stored, HostedKey), Problem> {
    let overlap = parse_duration(&input.overlap).filter(|overlap| overlap.as_hours() <= 24 * 90);
    let wrong =
        || Problem::invalid(&[Fault::new("/overlap", "must be a duration of at most 90 days, as in 24h, 7d or 0s")]);
    let overlap = overlap.ok_or_else(wrong)?;
    let now = app.now();
    let connection = &stored.connection;
    if connection.auth.key_source != Some(KeySource::Hosted) {
        return Err(Problem::new(
            Kind::WrongState,
            "This connection signs with no hosted key; there is nothing to rotate.",
        ));
    }
    let waiting = connection.keys.iter().any(|key| key.state(&connection.keys, now) == Some(KeyState::Published));
    if waiting && !overlap.is_zero() {
        return Err(Problem::new(
            Kind::WrongState,
            "A new key is already published and does not sign yet; wait, or rotate with overlap 0s.",
        ));
    }
    let key = generate_key().await?;
    let hosted = HostedKey::new(&key, now).map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
    let rotated = rotate(&connection.keys, hosted.clone(), overlap, now);
    let mut credentials = app.credentials(connection).await?;
    credentials.hosted_keys.insert(hosted.key_id.clone(), key.to_secret());
    credentials.hosted_keys.retain(|key_id, _| rotated.iter().any(|key| key.key_id == *key_id));
    let version = app.secrets.put(connection.id.as_str(), &credentials.to_secret()).await?;
    let stored = replace(app, &stored, None, |connection| {
        connection.keys.clone_from(&rotated);
        connection.secret_version = Some(version.clone());
        connection.touch(now);
    })
    .await?;
    let hosted = stored.connection.keys.last().cloned().unwrap_or(hosted);
    Ok((stored, hosted))
}

/// RSA keys take tens of milliseconds to make.
async fn generate_key() -> Result<SigningKey, Problem> {
    let made = tokio::task::spawn_blocking(SigningKey::generate).await;
    let key = made.map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
    key.map_err(|error| Problem::new(Kind::Internal, error.to_string()))
}

/// Publishes a key that was made for a draft, and changes nothing else.
async fn publish(app: &App, base: &Stored, draft: &Draft) -> Result<Stored, Problem> {
    let known = &base.connection;
    let published = connection::revise(&app.store, app.secrets.as_ref(), &known.id, |connection, credentials| {
        if connection.keys != known.keys {
            return Err(changed_meanwhile());
        }
        connection.keys.clone_from(&draft.connection.keys);
        credentials.hosted_keys.clone_from(&draft.credentials.hosted_keys);
        Ok(())
    });
    published.await?.ok_or_else(Problem::not_found)
}

/// Changes a connection whose secret was just replaced, unless somebody else replaced it meanwhile.
async fn replace(
    app: &App,
    base: &Stored,
    if_match: Option<u64>,
    change: impl Fn(&mut Connection),
) -> Result<Stored, Problem> {
    let changed = connection::change(&app.store, &base.connection.id, |connection| {
        check_version(connection, if_match)?;
        if connection.secret_version != base.connection.secret_version && !only_renewed(connection, &base.connection) {
            return Err(changed_meanwhile());
        }
        change(connection);
        Ok(())
    });
    changed.await?.ok_or_else(Problem::not_found)
}

/// True where a new version of the secret holds nothing but another refresh token of the same sign-in.
fn only_renewed(now: &Connection, before: &Connection) -> bool {
    let same = now.auth.sign_in == before.auth.sign_in && now.staged == before.staged && now.keys == before.keys;
    before.auth.sign_in.is_some() && same
}

fn changed_meanwhile() -> Problem {
    let detail = "The credentials were changed at the same moment; read the connection and try again.";
    Problem::new(Kind::StaleVersion, detail)
}

/// Refuses a change of a version that is no longer the current one.
pub fn check_version(connection: &Connection, if_match: Option<u64>) -> Result<(), Problem> {
    match if_match {
        Some(version) if version != connection.version => Err(Problem::new(
            Kind::StaleVersion,
            format!("The current version is {}; read it and try again.", connection.version),
        )),
        _ => Ok(()),
    }
}

/// Tells what became of it, and starts the first sync of a connection that works for the first time.
async fn complete(app: &App, stored: Stored, checks: Vec<Check>) -> Result<Outcome, Problem> {
    let message = match stored.connection.status {
        Status::Active => COMPLETE,
        Status::Inactive => FAILED,
        Status::Pending => PENDING,
    };
    let (stored, sync_id) = runs::start_first(app, stored).await?;
    Ok(Outcome { stored, message, checks, sync_id })
}
