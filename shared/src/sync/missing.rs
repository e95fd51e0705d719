//! What is stored and was not listed: it is asked for, one by one, and removed only if Okta says that it is gone, if there
//! is not suspiciously much of it, or if somebody confirms it.

use super::change::Change;
use super::hints::{self, Stamps};
use super::holder::{Holder, Kind, Seen};
use super::log::{self, DELETIONS};
use super::work::{GONE, Stop, Work, forbidden};
use super::{apps, groups, guard, holder, users};
use crate::okta::{self, AppId, BadRecord, GroupId, UserId, api};
use crate::store::Error;
use crate::synced::roster::{Line, Row};
use crate::synced::{Checkpoint, Listing, Objects, User};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Missing objects that are asked for in one step.
const AT_ONCE: usize = 50;
/// Missing objects that are asked for in one run; the others stay until the next.
const VERIFY_AT_MOST: u32 = 500;

/// Notes what is stored and was not seen, and asks the guard.
pub async fn find(work: &mut Work<'_>, of: Objects) -> Result<(), Stop> {
    let Found { missing, stored, seen } = match of {
        Objects::Users => users::find_missing(work).await?,
        Objects::Groups => holder::find_missing(work, Kind::Groups).await?,
        Objects::Apps => holder::find_missing(work, Kind::Apps).await?,
    };
    let (list, next) = if guard::trips(stored, seen, missing.len() as u64) {
        work.run.pending_removals.insert(of.phase(), missing.len() as u64);
        (of.removals(), Checkpoint::RemoveMissing { of, place: 0 })
    } else {
        (of.missing(), Checkpoint::VerifyMissing { of, stored, page: 0, place: 0 })
    };
    let mut notes = Vec::new();
    for (page, some) in (0_u32..).zip(missing.chunks(AT_ONCE)) {
        notes.push(work.note_long(&list, page, some)?);
    }
    work.run.checkpoint = next;
    Ok(work.commit(notes).await?)
}

/// What a search for missing objects gives.
pub struct Found {
    /// Their ids.
    pub missing: Vec<String>,
    /// How many are stored.
    pub stored: u64,
    /// How many were listed.
    pub seen: u64,
}

/// What Okta says of an object that was not listed.
enum Asked {
    /// It is there.
    User(Box<okta::User>),
    Group(okta::Group),
    App(okta::App),
    /// It is not.
    Gone,
    /// We may not see it. An admin who confirms removals confirms these as well.
    Hidden,
    /// Okta refuses to say, or says it unreadably: it stays as it is, whatever is confirmed.
    Unknown,
}

async fn ask(work: &mut Work<'_>, of: Objects, id: &str) -> Result<Asked, okta::Error> {
    let answer = match of {
        Objects::Users => match UserId::parse(id) {
            Ok(id) => work.client.fetch(&api::get_user(&id)).await.map(|user| Asked::User(Box::new(user))),
            Err(_) => return Ok(Asked::Gone),
        },
        Objects::Groups => match GroupId::parse(id) {
            Ok(id) => work.client.fetch(&api::get_group(&id)).await.map(Asked::Group),
            Err(_) => return Ok(Asked::Gone),
        },
        Objects::Apps => match AppId::parse(id) {
            Ok(id) => work.client.fetch(&api::get_app(&id)).await.map(Asked::App),
            Err(_) => return Ok(Asked::Gone),
        },
    };
    match answer {
        Err(okta::Error::Api(refusal)) if refusal.is_absence() => Ok(Asked::Gone),
        Err(okta::Error::Unreadable(detail)) => {
            work.tell_bad(BadRecord { kind: of.singular().to_owned(), id: Some(id.to_owned()), name: None, detail });
            Ok(Asked::Unknown)
        }
        Err(error) => {
            let refusal = work.refused(error)?;
            work.pass_over(of.singular(), id, None, &refusal);
            Ok(if forbidden(&refusal).is_some() { Asked::Hidden } else { Asked::Unknown })
        }
        other => other,
    }
}

/// What came of asking for several.
#[derive(Default)]
struct Answers {
    users: Vec<okta::User>,
    groups: Vec<okta::Group>,
    apps: Vec<okta::App>,
    gone: Vec<String>,
    hidden: Vec<String>,
    unknown: Vec<String>,
    /// How many were asked for before Okta stood in the way.
    asked: usize,
}

impl Answers {
    /// What is there, and besides it the ids of what is gone, of what is hidden, and how many were asked for.
    fn split(mut self) -> (Self, Vec<String>, Vec<String>, usize) {
        let (gone, hidden, asked) = (std::mem::take(&mut self.gone), std::mem::take(&mut self.hidden), self.asked);
        (self, gone, hidden, asked)
    }
}

/// Asks for some. What was asked for before Okta stood in the way counts, so that a small limit slows a run down and
/// never stops it.
async fn ask_all(work: &mut Work<'_>, of: Objects, ids: &[String]) -> Result<Answers, okta::Error> {
    let mut answers = Answers::default();
    for id in ids {
        match ask(work, of, id).await {
            Ok(Asked::User(user)) => answers.users.push(*user),
            Ok(Asked::Group(group)) => answers.groups.push(group),
            Ok(Asked::App(app)) => answers.apps.push(app),
            Ok(Asked::Gone) => answers.gone.push(id.clone()),
            Ok(Asked::Hidden) => answers.hidden.push(id.clone()),
            Ok(Asked::Unknown) => answers.unknown.push(id.clone()),
            Err(error) if answers.asked == 0 => return Err(error),
            Err(_) => break,
        }
        answers.asked += 1;
    }
    Ok(answers)
}

/// Asks for the missing objects of one page: what is there is stored, what is gone is noted, all else is kept.
pub async fn verify(work: &mut Work<'_>, of: Objects, stored: u64, page: u32, place: usize) -> Result<(), Stop> {
    let Some(ids) = work.noted::<String>(&of.missing(), page).await? else {
        return judge_by_number(work, of, stored).await;
    };
    let before = page * u32::try_from(AT_ONCE).unwrap_or(u32::MAX);
    let answers = if before < VERIFY_AT_MOST {
        ask_all(work, of, &ids[place.min(ids.len())..]).await?
    } else {
        Answers { hidden: ids.clone(), asked: ids.len(), ..Answers::default() }
    };
    let (mut found, gone, hidden, asked) = answers.split();
    let unknown = std::mem::take(&mut found.unknown);
    let (mut changes, _) = store_found(work, found).await?;
    if before < VERIFY_AT_MOST {
        for id in &hidden {
            let detail = format!("role_missing: Okta no longer lets us see one of the {}", of.phase().name());
            let kind = of.singular().to_owned();
            work.tell_bad(BadRecord { kind, id: Some(id.clone()), name: None, detail });
        }
    }
    if of == Objects::Users {
        let kept = stored_rows(work, &[hidden, unknown].concat()).await?;
        changes.extend(work.note_lines(&kept)?);
    }
    let noted = before + u32::try_from(place).unwrap_or_default();
    changes.push(work.note_long(&of.removals(), noted, &gone)?);
    let (page, place) = if place + asked < ids.len() { (page, place + asked) } else { (page + 1, 0) };
    work.run.checkpoint = Checkpoint::VerifyMissing { of, stored, page, place };
    Ok(work.commit(changes).await?)
}

/// Stores what was missing from a list and is there; gives the groups and apps among it as well.
async fn store_found(work: &mut Work<'_>, found: Answers) -> Result<(Vec<Change>, Vec<Seen>), Error> {
    let Answers { users, groups, apps, .. } = found;
    let (mut changes, rows) = users::store(work, users, Vec::new()).await?;
    changes.extend(work.note_lines(&lines(rows))?);
    let (of_groups, mut seen) = groups::store(work, &groups).await?;
    changes.extend(of_groups);
    let (of_apps, seen_apps) = apps::store(work, &apps).await?;
    changes.extend(of_apps);
    seen.extend(seen_apps);
    Ok((changes, seen))
}

fn lines(rows: Vec<Row>) -> Vec<Line> {
    rows.into_iter().map(|row| Line::Is(Box::new(row))).collect()
}

/// The lines of users as they are stored.
async fn stored_rows(work: &Work<'_>, ids: &[String]) -> Result<Vec<Line>, Error> {
    let wanted: Vec<_> = ids.iter().filter_map(|id| UserId::parse(id.as_str()).ok()).collect();
    let wanted: Vec<_> = wanted.iter().map(|id| User::key(&work.connection.id, id)).collect();
    let found = work.app.store.get_many(&wanted).await?;
    found
        .iter()
        .map(|item| Ok(Line::Is(Box::new(Row::new(&item.parse()?, &work.connection.settings.attributes)))))
        .collect()
}

/// Everything that may be removed.
async fn removals(work: &Work<'_>, of: Objects) -> Result<Vec<String>, Error> {
    let mut ids = Vec::new();
    work.each_noted(&of.removals(), |page: Vec<String>| ids.extend(page)).await?;
    Ok(ids)
}

/// All were asked for. Few may go at once; for more than a few, the System Log must know of their deletion.
async fn judge_by_number(work: &mut Work<'_>, of: Objects, stored: u64) -> Result<(), Stop> {
    let gone = removals(work, of).await?.len() as u64;
    work.run.checkpoint = if gone > guard::few(stored) && work.state.watermark.is_some() {
        Checkpoint::JudgeMissing { of, stored, listing: Listing::default() }
    } else {
        Checkpoint::RemoveMissing { of, place: 0 }
    };
    Ok(work.commit(Vec::new()).await?)
}

/// Reads one page of the log of deletions, and asks the guard behind the last. Where we may not read the log, there is
/// nothing to hold the answers against.
pub async fn judge(work: &mut Work<'_>, of: Objects, stored: u64, listing: Listing) -> Result<(), Stop> {
    let page = match log::read(work, DELETIONS, work.state.watermark, &listing).await {
        Ok(page) => page,
        Err(okta::Error::Api(refusal)) if log::is_closed(&refusal) => {
            work.run.checkpoint = Checkpoint::RemoveMissing { of, place: 0 };
            return Ok(work.commit(Vec::new()).await?);
        }
        Err(error) => {
            // There is a log, and it does not say now what was deleted: a caller has to confirm.
            let refusal = work.refused(error)?;
            work.pass_over("log", "system_log", None, &refusal);
            let gone = removals(work, of).await?.len() as u64;
            if gone > guard::few(stored) {
                work.run.pending_removals.insert(of.phase(), gone);
            }
            work.run.checkpoint = Checkpoint::RemoveMissing { of, place: 0 };
            return Ok(work.commit(Vec::new()).await?);
        }
    };
    let ids: Vec<_> = page.events.iter().flat_map(okta::LogEvent::targets).map(|it| it.id.clone()).collect();
    if let Some(next) = page.listing {
        let note = work.note(&of.deleted(), listing.pages, &ids)?;
        work.run.checkpoint = Checkpoint::JudgeMissing { of, stored, listing: next };
        return Ok(work.commit(vec![note]).await?);
    }
    let mut deleted: HashSet<_> = ids.into_iter().collect();
    work.each_noted(&of.deleted(), |page: Vec<String>| deleted.extend(page)).await?;
    let gone = removals(work, of).await?;
    let unconfirmed = gone.iter().filter(|id| !deleted.contains(*id)).count() as u64;
    if unconfirmed > guard::few(stored) {
        work.run.pending_removals.insert(of.phase(), gone.len() as u64);
    }
    work.run.checkpoint = Checkpoint::RemoveMissing { of, place: 0 };
    Ok(work.commit(Vec::new()).await?)
}

/// Removes some of what is gone; keeps it where a caller has to confirm first.
pub async fn remove(work: &mut Work<'_>, of: Objects, place: usize) -> Result<(), Stop> {
    let ids = removals(work, of).await?;
    let some: Vec<_> = ids.iter().skip(place).take(AT_ONCE).cloned().collect();
    let mut changes = Vec::new();
    if !work.run.pending_removals.contains_key(&of.phase()) {
        changes = remove_all(work, of, &some).await?;
        // First: once their edges are gone, nothing else says which apps they had.
        let left = apps::note_left(work, &changes)?;
        changes.splice(0..0, left);
    } else if of == Objects::Users {
        let kept = stored_rows(work, &some).await?;
        changes.extend(work.note_lines(&kept)?);
    }
    let place = place + some.len();
    work.run.checkpoint =
        if place < ids.len() { Checkpoint::RemoveMissing { of, place } } else { work.after_missing(of) };
    Ok(work.commit(changes).await?)
}

async fn remove_all(work: &mut Work<'_>, of: Objects, ids: &[String]) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    let mut lost = BTreeMap::new();
    let mut groups = BTreeSet::new();
    for id in ids {
        match of {
            Objects::Users => {
                let Ok(id) = UserId::parse(id.as_str()) else { continue };
                let removed = users::remove(work, &id).await?;
                for holder in removed.iter().filter_map(Change::holder) {
                    *lost.entry(holder).or_default() -= 1;
                }
                changes.extend(removed);
                changes.extend(work.note_lines(&[Line::Gone { id, since: work.app.now() }])?);
            }
            Objects::Groups => {
                let Ok(id) = GroupId::parse(id.as_str()) else { continue };
                changes.extend(holder::remove(work, &Holder::Group(id.clone())).await?);
                groups.insert(id);
            }
            Objects::Apps => {
                let Ok(id) = AppId::parse(id.as_str()) else { continue };
                changes.extend(holder::remove(work, &Holder::App(id)).await?);
            }
        }
    }
    // What depends on the links that go is marked before they go: by that mark a user who comes back is found.
    let mut marked = hints::recount(work, lost, Stamps::Fall).await?;
    if !groups.is_empty() && work.knows_apps() {
        if work.run.confirmed.is_empty() {
            marked.extend(work.note_aside(GONE, &Vec::from_iter(groups))?);
        } else {
            // No list of apps comes behind what was confirmed.
            marked.extend(apps::unsettle(work, &groups).await?);
        }
    }
    marked.extend(changes);
    Ok(marked)
}

/// Asks for one object that may be gone: it is stored or removed; one that is hidden stays as it is. Gives the groups
/// and apps found as well.
pub async fn look_up(work: &mut Work<'_>, of: Objects, id: &str) -> Result<(Vec<Change>, Vec<Seen>), Stop> {
    let (found, gone, ..) = ask_all(work, of, &[id.to_owned()]).await?.split();
    let (mut changes, seen) = store_found(work, found).await?;
    changes.extend(remove_all(work, of, &gone).await?);
    Ok((changes, seen))
}

/// Somebody confirmed: what Okta still does not show is removed, also where it only hides it; what is back is kept.
pub async fn remove_confirmed(work: &mut Work<'_>, of: Objects, place: usize) -> Result<(), Stop> {
    let ids = if work.run.confirmed.contains(&of.phase()) { removals(work, of).await? } else { Vec::new() };
    let some: Vec<_> = ids.iter().skip(place).take(AT_ONCE).cloned().collect();
    let (found, mut gone, hidden, asked) = ask_all(work, of, &some).await?.split();
    gone.extend(hidden);
    let (mut changes, _) = store_found(work, found).await?;
    changes.extend(remove_all(work, of, &gone).await?);
    let place = place + asked;
    work.run.checkpoint = match of {
        _ if place < ids.len() => Checkpoint::RemoveConfirmed { of, place },
        Objects::Users => Checkpoint::RemoveConfirmed { of: Objects::Groups, place: 0 },
        Objects::Groups => Checkpoint::RemoveConfirmed { of: Objects::Apps, place: 0 },
        Objects::Apps => Checkpoint::RereadConfirmed,
    };
    Ok(work.commit(changes).await?)
}
