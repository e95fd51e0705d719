//! The System Log as a sync reads it: from where it was last read on, and only events of a few types. Events are hints,
//! never facts: what is stored is read from Okta afterwards.

use super::listing::begins_again;
use super::work::Work;
use crate::clock;
use crate::connection::Stream;
use crate::okta::{self, AppId, ClientId, Expression, GroupId, LogEvent, Operator, Principal, Refusal, UserId, api};
use crate::synced::{Candidate, Listing, Move};
use jiff::Timestamp;
use url::Url;

/// Events by which objects go.
pub const DELETIONS: &[&str] =
    &["user.lifecycle.delete.completed", "group.lifecycle.delete", "application.lifecycle.delete"];

/// Events of changes that no list of changed users or groups shows.
const HINTS: &[&str] = &[
    "user.lifecycle.delete.completed",
    "group.lifecycle.delete",
    "group.user_membership.add",
    "group.user_membership.remove",
    "application.lifecycle.create",
    "application.lifecycle.update",
    "application.lifecycle.activate",
    "application.lifecycle.deactivate",
    "application.lifecycle.delete",
    "application.user_membership.add",
    "application.user_membership.remove",
    "application.user_membership.update",
    "group.application_assignment.add",
    "group.application_assignment.remove",
    "group.application_assignment.update",
];

/// Events of changes of admin roles.
const ADMINS: &[&str] = &[
    "user.account.privilege.grant",
    "user.account.privilege.revoke",
    "group.privilege.grant",
    "group.privilege.revoke",
    "app.oauth2.client.privilege.grant",
    "app.oauth2.client.privilege.revoke",
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
];
/// Events of changes of groups' owners.
const OWNERS: &[&str] = &["resource.owner.update"];
/// Events of changes of group rules.
const GROUP_RULES: &[&str] = &[
    "group.user_membership.rule.add_exclusion",
    "group.user_membership.rule.deactivated",
    "group.user_membership.rule.invalidate",
    "group.user_membership.rule.trigger",
];

/// The events that a run asks for.
pub fn hinting(work: &Work<'_>) -> Vec<&'static str> {
    let mut types = HINTS.to_vec();
    for (stream, more) in [(Stream::Admins, ADMINS), (Stream::Owners, OWNERS), (Stream::GroupRules, GROUP_RULES)] {
        if work.syncs(stream) {
            types.extend(more);
        }
    }
    types
}

/// Events that are asked for at once; a page with fewer reaches the end of the log as it is by now.
const PAGE: usize = 1_000;
/// With a filter, a page may be short although there is more behind it. So many pages are read before a short one ends
/// the reading.
const SHORT_PAGES: u32 = 2;

/// Okta's times have whole seconds, and its lists are behind by some.
const BEHIND_SECONDS: i64 = 10;

/// Okta keeps its log for 90 days and refuses to be asked for much more.
const OLDEST_DAYS: i64 = 89;

/// One page of the log.
pub struct LogPage {
    /// Its events.
    pub events: Vec<LogEvent>,
    /// Where the reading goes on; none once the log is drained.
    pub listing: Option<Listing>,
    /// From where the log is to be read next time.
    pub next: Option<String>,
}

/// Reads the page at which a reading of the log stands; it begins at `since`.
pub async fn read(
    work: &Work<'_>,
    types: &[&str],
    since: Option<Timestamp>,
    listing: &Listing,
) -> Result<LogPage, okta::Error> {
    let oldest = clock::after(work.app.now(), -OLDEST_DAYS * 86_400);
    let since = since.map_or(oldest, |since| since.max(oldest)).to_string();
    let of = |name: &&str| Expression::compare("eventType", Operator::Eq, *name);
    let filter = Expression::any(types.iter().map(of));
    let first = api::search_logs(&[("since", &since), ("filter", filter.as_str()), ("limit", "1000")]);
    let next = listing.next.as_deref().map(Url::parse).transpose().map_err(|_| okta::Error::ForeignUrl)?;
    // An earlier run may have asked for events of fewer types.
    let next = next.filter(|next| next.query_pairs().all(|(name, value)| name != "filter" || value == filter.as_str()));
    let request = next.map_or_else(|| first.clone(), |next| api::next(&first, next));
    let mut pass = listing.pass;
    let page = match work.client.page::<LogEvent>(&request).await {
        // A cursor that Okta no longer knows: once more from the beginning; hints may come twice.
        Err(okta::Error::Api(refusal)) if listing.next.is_some() && begins_again(&refusal, pass) => {
            pass += 1;
            work.client.page(&first).await?
        }
        other => other?,
    };
    let next = page.next.map(String::from);
    // Okta's log has always a next page. It ends with an empty page, with one that leads to itself, and, since a busy
    // tenant never gives an empty page, with what happened since the run began: that is for the next run.
    let count = page.items.len() + page.bad.len();
    let is_recent = |event: &LogEvent| event.time().zip(work.run.began).is_some_and(|(at, began)| at >= began);
    let reaches_run = count < PAGE && page.items.iter().any(is_recent);
    let leads_nowhere = next.is_none() || next == listing.next;
    let is_short_again = count < PAGE && listing.pages >= SHORT_PAGES;
    let drained = count == 0 || leads_nowhere || reaches_run || is_short_again;
    let on = Listing { next: next.clone(), pages: listing.pages + 1, pass, ..listing.clone() };
    Ok(LogPage { events: page.items, listing: (!drained).then_some(on), next })
}

/// True where we may not read the log: the scope or the role is missing.
pub fn is_closed(refusal: &Refusal) -> bool {
    matches!(refusal.status.as_u16(), 401 | 403 | 404) && !refusal.from_intermediary
}

/// What the events of a page hint at.
///
/// A run that reads groups and apps side by side may have stored a membership after it had read the apps of the group. So
/// of memberships that changed before that run ended, the apps are asked for even where the membership is known.
pub fn hints(work: &Work<'_>, page: &LogPage) -> Vec<Candidate> {
    let doubtful = work.state.beside_until.map(|until| clock::after(until, BEHIND_SECONDS));
    let mut hints = Vec::new();
    for event in &page.events {
        for hint in candidates_of(event) {
            if let (Candidate::Membership(group, user, _), Some(until)) = (&hint, doubtful)
                && event.time().is_none_or(|published| published <= until)
            {
                hints.push(Candidate::Moved(group.clone(), user.clone()));
            }
            hints.push(hint);
        }
    }
    hints
}

/// What an event says may have changed.
pub fn candidates_of(event: &LogEvent) -> Vec<Candidate> {
    if let Some(candidates) = access(event) {
        return candidates;
    }
    let target = |kind: &str| event.targets().find(|target| target.target_type == kind).map(|it| it.id.as_str());
    let user = || UserId::parse(target("User")?).ok();
    let group = || GroupId::parse(target("UserGroup")?).ok();
    let app = || AppId::parse(target("AppInstance")?).ok();
    let membership = |way| Some(Candidate::Membership(group()?, user()?, way));
    let candidate = match event.event_type.as_str() {
        name if name.starts_with("user.lifecycle.") || name.starts_with("user.account.") => user().map(Candidate::User),
        name if name.starts_with("group.lifecycle.") || name.starts_with("group.profile.") => {
            group().map(Candidate::Group)
        }
        "group.user_membership.add" => membership(Move::In),
        name if name.starts_with("group.user_membership.") => membership(Move::Out),
        name if name.starts_with("application.lifecycle.") => app().map(Candidate::App),
        name if name.starts_with("application.user_membership.") => {
            app().zip(user()).map(|(app, user)| Candidate::Assignment(app, user))
        }
        name if name.starts_with("group.application_assignment.") => app().map(Candidate::AppGroups),
        _ => None,
    };
    candidate.into_iter().collect()
}

/// The same of an event about who may administer what; none where it is about something else.
fn access(event: &LogEvent) -> Option<Vec<Candidate>> {
    let name = event.event_type.as_str();
    if OWNERS.contains(&name) {
        // A group that owns another one is a target like that.
        let groups = event.targets().filter(|target| target.target_type == "UserGroup");
        return Some(groups.filter_map(|group| GroupId::parse(&group.id).ok()).map(Candidate::Owners).collect());
    }
    if GROUP_RULES.contains(&name) {
        return Some(vec![Candidate::GroupRules]);
    }
    if !ADMINS.contains(&name) {
        return None;
    }
    let holder = event.targets().find_map(|target| match target.target_type.as_str() {
        "User" => UserId::parse(&target.id).ok().map(Principal::User),
        "UserGroup" => GroupId::parse(&target.id).ok().map(Principal::Group),
        "PublicClientApp" | "AppInstance" => ClientId::parse(&target.id).ok().map(Principal::Client),
        _ => None,
    });
    let is_definition = !name.contains(".privilege.") && !name.contains(".bindings.");
    Some(vec![holder.filter(|_| !is_definition).map_or(Candidate::CustomRoles, Candidate::Roles)])
}
