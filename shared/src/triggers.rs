//! Triggers: made, changed and deleted; the System Log is polled for them, and searched.
//!
//! `input` is what callers send, `resource` what they see, `hook` keeps Okta's hooks as they should be, `poll` and `search`
//! read the log, `due` says when.

mod due;
mod hook;
mod input;
mod live;
mod poll;
mod resource;
mod search;

pub use due::{Due, Job, due, poll_delay, wanted};
pub use hook::{challenged, receive, release};
pub use input::{NewTrigger, TriggerPatch, described, described_patch};
pub use live::{
    Live, check as check_live, fault as live_fault, is_wanted as is_live_wanted, keep as keep_live,
    turn_on as turn_on_live,
};
pub use poll::poll;
pub use resource::TriggerResource;
pub use search::search;

use crate::app::{App, ready};
use crate::connection::{Connection, Fault};
use crate::feed::{Feed, Ground, Head, Hook, Kind as Fires, Outlet, Stop, Trigger};
use crate::id::{ConnectionId, TriggerId};
use crate::okta::Patience;
use crate::panics::caught;
use crate::problem::{Kind, Problem};
use crate::store::{Error, Write, keys};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// So many triggers a connection may have: their state is one item.
const MOST: usize = 50;
/// How long a change may take that has to talk to Okta.
const BUDGET: Duration = Duration::from_secs(20);
/// How long somebody waits for whoever writes the feed.
const LONGEST_WAIT: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(100);

/// A trigger and what its feed knows of it.
pub struct Told {
    /// The trigger.
    pub trigger: Trigger,
    /// How far its feed is.
    pub head: Head,
}

/// Makes a trigger. It is told of what happens from now on.
pub async fn create(app: &App, connection: &Connection, id: TriggerId, body: &Value) -> Result<Told, Problem> {
    ready(connection)?;
    let input = NewTrigger::read(body)?;
    if Trigger::all(&app.store, &connection.id).await?.len() >= MOST {
        let detail = format!("A connection has at most {MOST} triggers; delete one first.");
        return Err(Problem::new(Kind::WrongState, detail));
    }
    let now = app.now();
    let mut trigger = input.trigger(id, now);
    if app.bus.is_none() && !trigger.deliver.contains(&Outlet::Feed) {
        let detail = "this service has no bus, so that its events would reach no reader; deliver to feed";
        return Err(Problem::invalid(&[Fault::new("/deliver", detail.to_owned())]));
    }
    let secret = hook::Secret::generate();
    if trigger.event_types().is_some() {
        trigger.hook = Some(Hook { secret_hash: secret.hash(), ..Hook::default() });
    }
    let stored = begin(app, connection, trigger).await?;
    if stored.hook.is_none() || !stored.enabled {
        return tell(app, &connection.id, stored).await;
    }
    match hook::register(app, connection, &stored, &secret).await {
        Ok(registered) => tell(app, &connection.id, registered).await,
        Err(problem) => {
            // Nothing is left of a trigger that Okta refuses.
            app.store.transact(vec![Write::Delete(keys::trigger(&connection.id, &stored.id))]).await?;
            Err(problem)
        }
    }
}

/// Changes what its owner configured.
pub async fn patch(app: &App, connection: &Connection, id: &str, body: &Value) -> Result<Told, Problem> {
    ready(connection)?;
    let stored = load(app, &connection.id, id).await?;
    let changed = input::patched(&stored, body, app.now())?;
    let moved = changed.event_types() != stored.event_types() || changed.enabled != stored.enabled;
    if !moved || changed.hook.is_none() {
        let begins = changed.enabled && !stored.enabled;
        let written =
            if begins { begin(app, connection, changed).await? } else { write(app, &connection.id, changed).await? };
        return tell(app, &connection.id, written).await;
    }
    // The old hook goes last: until the new one delivers, it does, and where anything is refused, it stays.
    let unverified = stored.hook.clone().map(|hook| Hook { verified: false, ..hook });
    let begun = begin(app, connection, Trigger { hook: unverified, ..changed }).await?;
    let written = if begun.enabled {
        let secret = hook::Secret::generate();
        match hook::register(app, connection, &begun, &secret).await {
            Ok(written) => written,
            Err(problem) => {
                restore(app, connection, &stored).await;
                return Err(problem);
            }
        }
    } else {
        let hook = begun.hook.clone().map(|hook| Hook { okta_id: None, ..hook });
        write(app, &connection.id, Trigger { hook, ..begun }).await?
    };
    hook::unregister(app, connection, &stored).await;
    tell(app, &connection.id, written).await
}

/// Puts a trigger back as it was before a change that Okta refused.
async fn restore(app: &App, connection: &Connection, before: &Trigger) {
    let restored = async {
        let Some(now) = Trigger::load(&app.store, &connection.id, &before.id).await? else { return Ok(()) };
        let revision = now.revision;
        write(app, &connection.id, Trigger { revision, ..before.clone() }).await.map(|_| ())
    };
    if let Err(problem) = restored.await {
        tracing::warn!(trigger = %before.id, "a trigger was not put back, the next poll repairs its hook: {problem}");
    }
}

/// Deletes a trigger, and Okta's hook with it; what it delivered stays in the feed.
pub async fn delete(app: &App, connection: &Connection, id: &str) -> Result<(), Problem> {
    let stored = load(app, &connection.id, id).await?;
    app.store.transact(vec![Write::Delete(keys::trigger(&connection.id, &stored.id))]).await?;
    hook::unregister(app, connection, &stored).await;
    Ok(())
}

/// One trigger.
pub async fn read(app: &App, connection: &ConnectionId, id: &str) -> Result<Told, Problem> {
    let stored = load(app, connection, id).await?;
    tell(app, connection, stored).await
}

/// All triggers, oldest first.
pub async fn list(app: &App, connection: &ConnectionId) -> Result<Vec<Told>, Problem> {
    let head = Head::load(&app.store, connection).await?;
    let triggers = Trigger::all(&app.store, connection).await?;
    Ok(triggers.into_iter().map(|trigger| Told { trigger, head: head.clone() }).collect())
}

async fn tell(app: &App, connection: &ConnectionId, trigger: Trigger) -> Result<Told, Problem> {
    Ok(Told { trigger, head: Head::load(&app.store, connection).await? })
}

async fn load(app: &App, connection: &ConnectionId, id: &str) -> Result<Trigger, Problem> {
    let id = TriggerId::parse(id).ok_or_else(Problem::not_found)?;
    Trigger::load(&app.store, connection, &id).await?.ok_or_else(Problem::not_found)
}

/// Writes a trigger that nothing else has changed meanwhile.
async fn write(app: &App, connection: &ConnectionId, trigger: Trigger) -> Result<Trigger, Problem> {
    written(app.store.transact(vec![trigger.write(connection)?]).await, 0)?;
    Ok(Trigger { revision: trigger.revision + 1, ..trigger })
}

fn written(result: Result<(), Error>, place: usize) -> Result<(), Problem> {
    match result {
        Err(Error::Conflict(at)) if at == place => {
            Err(Problem::new(Kind::StaleVersion, "The trigger was changed at the same moment; read it and try again."))
        }
        other => Ok(other?),
    }
}

/// Lets a trigger be fired from now on: the log is read up to now for the others, and the trigger is written before
/// anybody reads on.
async fn begin(app: &App, connection: &Connection, trigger: Trigger) -> Result<Trigger, Problem> {
    if !trigger.is_polled() {
        return write(app, &connection.id, trigger).await;
    }
    let client = app.client(connection, Patience::foreground(BUDGET, Duration::from_secs(8))).await?;
    let ground = app.ground();
    let mut feed = wait_for_feed(&ground, &connection.id, Instant::now() + LONGEST_WAIT).await?;
    let mut result = Ok(());
    let begun = caught(async {
        match poll::read_log(&mut feed, &client, Instant::now() + BUDGET).await {
            // Hooks work without the log; what they lose is lost.
            Err(Stop::Okta(crate::okta::Error::Api(refusal)))
                if trigger.event_types().is_some() && matches!(refusal.status.as_u16(), 401 | 403) => {}
            read => read?,
        }
        result = app.store.transact(vec![feed.fence(), trigger.write(&connection.id)?]).await;
        Ok(())
    });
    let begun = begun.await;
    feed.close_after(begun, |_, _| {}).await.map_err(problem_of)?;
    written(result, 1)?;
    Ok(Trigger { revision: trigger.revision + 1, ..trigger })
}

/// The feed, or a refusal while another process writes it.
async fn wait_for_feed<'a>(
    ground: &'a Ground,
    connection: &'a ConnectionId,
    until: Instant,
) -> Result<Feed<'a>, Problem> {
    let detail = "The log of the connection is being read just now; try again in a minute.";
    let feed = feed_until(ground, connection, until).await?;
    feed.ok_or_else(|| Problem::new(Kind::RequestInProgress, detail))
}

/// The feed; none if another process still writes it at that moment.
async fn feed_until<'a>(
    ground: &'a Ground,
    connection: &'a ConnectionId,
    until: Instant,
) -> Result<Option<Feed<'a>>, Problem> {
    loop {
        let feed = Feed::open(ground, connection).await.map_err(problem_of)?;
        if feed.is_some() || Instant::now() >= until {
            return Ok(feed);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What stopped the writing of a feed, for a caller.
fn problem_of(stop: Stop) -> Problem {
    match stop {
        Stop::TakenOver => Problem::new(Kind::RequestInProgress, "Somebody else took over; try again in a minute."),
        Stop::Store(error) => error.into(),
        Stop::Okta(error) => error.into(),
        Stop::Panicked(panicked) => Problem::new(Kind::Internal, panicked.to_string()),
    }
}

/// The schedule of a trigger that has one.
fn schedule(fires: &Fires) -> Option<&str> {
    match fires {
        Fires::EventHook { .. } => None,
        Fires::NewEvents { schedule, .. } | Fires::EventSearch { schedule, .. } => Some(schedule),
    }
}
