//! What a scheduler is to keep for a connection, and having it kept.
//!
//! A schedule only starts something that looks for itself whether it is due. So one too many does no harm, and one that is
//! missing is made by the next change of the connection, or by the hourly look at all of them.

use crate::app::{App, Scheduled};
use crate::connection::{self, Connection, Stored};
use crate::feed::{Head, Trigger};
use crate::id::ConnectionId;
use crate::metric::{self, Metric};
use crate::problem::{Kind, Problem};
use crate::store::{Index, Query, keys};
use crate::synced::State;
use crate::{runs, sync, triggers};
use futures::stream::{self, StreamExt};

/// How often it is looked again whether somebody changed something meanwhile.
const ATTEMPTS: usize = 4;
/// Connections that are settled at once.
const AT_ONCE: usize = 8;

/// All schedules that a connection asks for.
pub fn wanted(connection: &Connection, triggers: &[Trigger]) -> Vec<Scheduled> {
    let syncs = runs::wanted(connection).into_iter().map(|wanted| wanted.schedule);
    syncs.chain(triggers::wanted(connection, triggers)).collect()
}

/// Has the schedules kept that a connection asks for by now; of a connection that is gone, none.
pub async fn settle(app: &App, id: &ConnectionId) -> Result<(), Problem> {
    let mut kept = None;
    for _ in 0..ATTEMPTS {
        let asked = match connection::load(&app.store, id).await? {
            Some(Stored { connection, .. }) => wanted(&connection, &Trigger::all(&app.store, id).await?),
            None => Vec::new(),
        };
        // Two changes at once: whoever is slower would otherwise leave what it read first.
        if kept.as_ref() == Some(&asked) {
            break;
        }
        let done = app.scheduler.keep(id, &asked).await;
        done.map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
        kept = Some(asked);
    }
    Ok(())
}

/// The same where nobody is to be told of a failure but whoever reads the log: the change before it is done. True where it
/// was done.
pub async fn settle_or_tell(app: &App, id: &ConnectionId) -> bool {
    let settled = settle(app, id).await;
    if let Err(problem) = keep_live(app, id).await {
        tracing::error!(connection = %id, "the hook of {id} is not as it should be: {}", problem.detail);
    }
    if let Err(problem) = &settled {
        tracing::error!(connection = %id, "the schedules of {id} are not as they should be: {}", problem.detail);
    }
    settled.is_ok()
}

/// Settles every connection's: what a failure left is mended. What should have happened and did not is measured, since
/// that may be so because nothing is started any more.
pub async fn settle_all(app: &App) -> Result<(), Problem> {
    let (mut failed, mut pages) = (0, connection::pages(&app.store));
    while let Some(connections) = pages.next().await? {
        let settled = stream::iter(connections).map(|stored| seen_to(app, stored.connection));
        let settled: Vec<_> = settled.buffer_unordered(AT_ONCE).collect().await;
        failed += settled.iter().filter(|settled| !**settled).count();
    }
    purge_again(app).await?;
    match failed {
        0 => Ok(()),
        _ => Err(Problem::new(
            Kind::Internal,
            format!("the schedules of {failed} connections are not as they should be"),
        )),
    }
}

/// Starts once a day what was not started, or ended, before everything of a deleted connection was gone.
async fn purge_again(app: &App) -> Result<(), Problem> {
    let day = app.now().strftime("%Y%m%d").to_string();
    for item in app.store.query(&Query::index(Index::G1, keys::PURGES)).await? {
        let Some(id) = ConnectionId::parse(item.sort_key(Some(Index::G1))) else { continue };
        if sync::is_purged_now(&app.store, &id).await? {
            continue;
        }
        if let Err(error) = app.runner.purge(&id, &format!("purge-{id}-{day}")).await {
            tracing::error!(connection = %id, "the directory of a deleted connection was not removed yet: {error}");
        }
    }
    Ok(())
}

#[tracing::instrument(skip_all, fields(connection = %connection.id))]
async fn seen_to(app: &App, connection: Connection) -> bool {
    if let Err(problem) = tell_delays(app, &connection).await {
        tracing::error!("it is not known how late the connection's work is: {problem}");
    }
    if let Err(problem) = triggers::check_live(app, &connection).await {
        tracing::warn!("the hook that follows changes could not be compared with what Okta has: {problem}");
    }
    settle_or_tell(app, &connection.id).await
}

/// Makes or removes the hook that follows changes, as the connection asks for by now.
async fn keep_live(app: &App, id: &ConnectionId) -> Result<(), Problem> {
    match connection::load(&app.store, id).await? {
        Some(stored) => triggers::keep_live(app, &stored.connection).await,
        None => Ok(()),
    }
}

async fn tell_delays(app: &App, connection: &Connection) -> Result<(), Problem> {
    let (state, head) = (State::load(&app.store, &connection.id).await?, Head::load(&app.store, &connection.id).await?);
    let triggers = Trigger::all(&app.store, &connection.id).await?;
    let sync = runs::delay(connection, &state, app.now()).map(|delay| (Metric::SyncDelay, delay));
    let poll = triggers::poll_delay(connection, &triggers, &head, app.now()).map(|delay| (Metric::PollDelay, delay));
    for (metric, delay) in sync.into_iter().chain(poll) {
        metric::tell(metric, delay);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::{Kind as Fires, Outlet};
    use crate::id::TriggerId;
    use jiff::Timestamp;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_as_the_scheduler_takes_them_and_begin_with_their_connection() {
        let at = Timestamp::UNIX_EPOCH;
        let connection = Connection::set_up(json!({}), at);
        let search = |_| Trigger {
            id: TriggerId::random(),
            name: None,
            kind: Fires::EventSearch {
                filter: String::new(),
                schedule: "rate(1 hour)".to_owned(),
                lookback: String::new(),
            },
            enabled: true,
            timezone: "UTC".to_owned(),
            deliver: BTreeSet::from([Outlet::Feed]),
            hook: None,
            fault: None,
            is_own: false,
            created_at: at,
            updated_at: at,
            revision: 1,
        };
        let triggers: Vec<_> = (0..20).map(search).collect();
        let wanted = wanted(&connection, &triggers);
        let names: BTreeSet<_> = wanted.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names.len(), 3 + 20);
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        for name in names {
            assert!(name.len() <= 64 && name.chars().all(allowed), "{name}");
            assert!(name.starts_with(&format!("{}-", connection.id)), "{name}");
        }
    }
}
