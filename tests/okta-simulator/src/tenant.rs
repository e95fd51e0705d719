//! The tenant: its users, groups, apps and log, and the changes they go through.
//!
//! Everything Okta would do in consequence of a change happens here: `lastUpdated` moves, the search index lags, a
//! membership moves its group's stamp, a deactivated user leaves groups and apps, and the System Log hears of it.

mod access;
pub mod admin;
pub mod app;
pub mod custom;
pub mod factor;
mod founding;
pub mod group;
pub mod hook;
pub mod noise;
pub mod owner;
pub mod people;
pub mod rule;
pub mod schema;
pub mod service;
pub mod terms;
pub mod user;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::answer::Refusal;
use crate::call::Call;
use crate::clock::{Clock, Stamp, moved};
use crate::log::{Entry, Event, Log, Party};
use crate::page::Seal;
use crate::random::{Id, Ids, Random};
use admin::Admins;
use app::App;
use group::Group;
use hook::Hook;
use noise::Noise;
use owner::Owner;
use rule::GroupRule;
use service::ServiceApp;
use terms::Terms;
use user::{Status, User};

/// How long the search index lags behind.
const INDEX_LAG: SignedDuration = SignedDuration::from_secs(1);

/// The organization itself.
#[derive(Debug)]
pub struct Org {
    /// The organization's id.
    pub id: Id,
    /// When it was made.
    pub created: Stamp,
    /// The user types: Okta's default, then the organization's own.
    pub types: [UserType; 2],
    /// Who acts when Okta itself does.
    pub system: Id,
    /// The administrator who made the API token.
    pub owner: Id,
}

impl Org {
    /// The id of the one realm, to which all users belong.
    pub fn realm(&self) -> String {
        format!("guo{}", &self.id.as_str()[3..])
    }
}

/// A user type and the schema its users have.
#[derive(Debug)]
pub struct UserType {
    /// The type's id.
    pub id: Id,
    /// The schema's id.
    pub schema: Id,
    /// The type's name.
    pub name: &'static str,
    /// The name people see.
    pub title: &'static str,
}

/// A user as the search index still knows it.
#[derive(Debug)]
pub struct Unindexed {
    until: Timestamp,
    before: Option<User>,
}

/// One Okta organization with everything in it.
#[derive(Debug)]
pub struct Tenant {
    /// The organization.
    pub org: Org,
    /// The origin links are made with.
    pub base: String,
    /// The tenant's time.
    pub clock: Clock,
    /// Makes ids.
    pub ids: Ids,
    /// Makes tokens, request ids and event ids.
    pub random: Random,
    /// Signs cursors and nonces.
    pub seal: Seal,
    /// Users by id, which is the order they were made in.
    pub users: BTreeMap<Id, User>,
    /// Users by folded login.
    pub logins: BTreeMap<String, Id>,
    /// Groups by id.
    pub groups: BTreeMap<Id, Group>,
    /// The built-in group of all users.
    pub everyone: Id,
    /// The built-in group of all administrators, in a rude tenant.
    pub administrators: Option<Id>,
    /// Whether it does all that real tenants do and examples do not.
    pub rude: bool,
    /// Apps by id.
    pub apps: BTreeMap<Id, App>,
    /// The System Log.
    pub log: Log,
    /// Event hooks by id.
    pub hooks: BTreeMap<Id, Hook>,
    /// Events written, for each hook that is told of them, and not yet on their way.
    pub outbox: Vec<(Id, Arc<Event>)>,
    /// The app and the API token callers use.
    pub service: ServiceApp,
    /// What its people do by themselves.
    pub noise: Noise,
    /// Administrators, custom roles and resource sets.
    pub admins: Admins,
    /// Owners by group, oldest first.
    pub owners: BTreeMap<Id, Vec<Owner>>,
    /// Group rules by id.
    pub rules: BTreeMap<Id, GroupRule>,
    /// What differs between organizations.
    pub terms: Terms,
    /// Users whose tokens have just been revoked.
    pub signed_out: Vec<Id>,
    /// Users for whom the rules must be evaluated.
    touched: BTreeSet<Id>,
    crowd: Random,
    roll: Vec<Id>,
    unindexed: HashMap<Id, Unindexed>,
}

/// A login as Okta compares it: without regard to case and diacritics.
pub fn fold(login: &str) -> String {
    if login.is_ascii() {
        return login.to_ascii_lowercase();
    }
    login.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// Keys after a cursor, from the start without one.
pub fn following(after: Option<&str>) -> (Bound<Id>, Bound<Id>) {
    (after.and_then(Id::parse).map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

impl Tenant {
    /// The tenant's time in seconds.
    pub fn stamp(&self) -> Stamp {
        Stamp::of(self.clock.now())
    }

    /// The user an id, login or unambiguous short name means.
    pub fn find(&self, key: &str) -> Result<Id, Refusal> {
        // Such a login is no segment of a path to Okta (okta-sdk-dotnet#533): only its id leads there.
        if self.rude && key.contains(['/', '?']) {
            return Err(Refusal::missing(key, "User"));
        }
        if let Some(id) = Id::parse(key).filter(|id| self.users.contains_key(id)) {
            return Ok(id);
        }
        let folded = fold(key);
        if let Some(id) = self.logins.get(&folded) {
            return Ok(*id);
        }
        let short = folded + "@";
        let mut named = self.logins.range(short.clone()..).take_while(|(login, _)| login.starts_with(&short));
        match (named.next(), named.next()) {
            (Some((_, id)), None) if !key.contains('@') => Ok(*id),
            _ => Err(Refusal::missing(key, "User")),
        }
    }

    /// A user by id only.
    pub fn user(&self, id: &str) -> Result<&User, Refusal> {
        Id::parse(id).and_then(|id| self.users.get(&id)).ok_or_else(|| Refusal::missing(id, "User"))
    }

    /// A group by id.
    pub fn group(&self, id: &str) -> Result<&Group, Refusal> {
        Id::parse(id).and_then(|id| self.groups.get(&id)).ok_or_else(|| Refusal::missing(id, "UserGroup"))
    }

    /// An app by id.
    pub fn app(&self, id: &str) -> Result<&App, Refusal> {
        Id::parse(id).and_then(|id| self.apps.get(&id)).ok_or_else(|| Refusal::missing(id, "AppInstance"))
    }

    /// Changes a user: `lastUpdated` moves, and the index knows the old user for a while.
    pub fn change(&mut self, id: Id, change: impl FnOnce(&mut User, Stamp)) {
        let (now, stamp) = (self.clock.now(), self.stamp());
        let Some(user) = self.users.get_mut(&id) else { return };
        self.unindexed.retain(|_, entry| entry.until > now);
        let lagging = self.unindexed.contains_key(&id);
        if !lagging {
            self.unindexed.insert(id, Unindexed { until: moved(now, INDEX_LAG), before: Some(user.clone()) });
        }
        let was_present = user.is_present();
        user.last_updated = stamp;
        change(user, stamp);
        if user.is_present() != was_present {
            self.touch_everyone();
        }
        self.touch(id);
    }

    /// Moves a user to a status.
    pub fn set_status(&mut self, id: Id, status: Status) {
        self.change(id, |user, now| {
            user.status = status;
            user.status_changed = Some(now);
        });
    }

    /// Adds a user; the index does not know it yet.
    pub fn add_user(&mut self, user: User) {
        let until = moved(self.clock.now(), INDEX_LAG);
        let id = user.id;
        self.unindexed.insert(id, Unindexed { until, before: None });
        self.enroll(user);
        self.touch_everyone();
        self.touch(id);
    }

    /// Puts a user into the directory without telling anyone.
    fn enroll(&mut self, user: User) {
        self.logins.insert(fold(user.login()), user.id);
        self.roll.push(user.id);
        self.users.insert(user.id, user);
    }

    /// Users after a cursor as the search index knows them.
    pub fn indexed(&self, after: Option<&str>) -> impl Iterator<Item = &User> {
        let now = self.clock.now();
        self.users.range(following(after)).filter_map(move |(id, user)| match self.unindexed.get(id) {
            Some(entry) if entry.until > now => entry.before.as_ref(),
            _ => Some(user),
        })
    }

    fn touch_everyone(&mut self) {
        let stamp = self.stamp();
        if let Some(everyone) = self.groups.get_mut(&self.everyone) {
            everyone.last_membership_updated = stamp;
        }
    }

    /// Makes a user a member; false if it was one.
    pub fn join(&mut self, user: Id, group: Id) -> bool {
        let stamp = self.stamp();
        let (Some(member), Some(group)) = (self.users.get_mut(&user), self.groups.get_mut(&group)) else {
            return false;
        };
        member.groups.insert(group.id);
        let new = group.members.insert(user);
        if new {
            group.last_membership_updated = stamp;
            self.touch(user);
        }
        new
    }

    /// Ends a membership; false if there was none.
    pub fn leave(&mut self, user: Id, group: Id) -> bool {
        let stamp = self.stamp();
        let (Some(member), Some(group)) = (self.users.get_mut(&user), self.groups.get_mut(&group)) else {
            return false;
        };
        member.groups.remove(&group.id);
        let was = group.members.remove(&user);
        if was {
            group.last_membership_updated = stamp;
            self.touch(user);
        }
        was
    }

    /// Deactivates a user: it leaves its groups and apps.
    pub fn deactivate(&mut self, id: Id, call: &Call) {
        let Some(user) = self.users.get(&id) else { return };
        let (party, groups) = (user.party(), user.groups.clone());
        self.set_status(id, Status::Deprovisioned);
        self.clear_sessions(id);
        self.record(call, "user.lifecycle.deactivate", vec![party.clone()]);
        for group in groups {
            self.leave(id, group);
            let group = self.groups.get(&group).map(Group::party);
            self.record(
                call,
                "group.user_membership.remove",
                [Some(party.clone()), group].into_iter().flatten().collect(),
            );
        }
        let apps: Vec<Id> = self.apps.values().filter(|app| app.users.contains_key(&id)).map(|app| app.id).collect();
        for app in apps {
            self.unassign(id, app, call);
        }
        self.resign(call, id);
    }

    /// Ends a direct assignment; false if there was none.
    pub fn unassign(&mut self, user: Id, app: Id, call: &Call) -> bool {
        let Some(app) = self.apps.get_mut(&app) else { return false };
        let was = app.users.remove(&user).is_some();
        let parties = [self.users.get(&user).map(User::party), Some(app.party())];
        if was {
            self.record(call, "application.user_membership.remove", parties.into_iter().flatten().collect());
        }
        was
    }

    /// Removes a deactivated user for good.
    pub fn delete(&mut self, id: Id) {
        if let Some(user) = self.users.remove(&id) {
            self.logins.remove(&fold(user.login()));
            self.unindexed.remove(&id);
            self.forget_owner(id);
            self.forget_managed(id);
        }
    }

    /// Whether a user is in a group, counting the built-in one.
    pub fn is_member(&self, user: &User, group: Id) -> bool {
        if group == self.everyone { user.status != Status::Deprovisioned } else { user.groups.contains(&group) }
    }

    /// Whether a user has an app, directly or through a group.
    pub fn is_assigned(&self, app: &App, user: &User) -> bool {
        let through = || app.groups.iter().any(|group| self.is_member(user, *group));
        user.is_present() && (app.users.contains_key(&user.id) || through())
    }

    /// The members of a group after a cursor, in id order.
    pub fn members(&self, group: &Group, after: Option<&str>) -> Box<dyn Iterator<Item = &User> + '_> {
        let range = following(after);
        if group.id == self.everyone {
            return Box::new(self.users.range(range).map(|(_, user)| user).filter(|user| user.is_present()));
        }
        let members: Vec<Id> = group.members.range(range).copied().collect();
        Box::new(members.into_iter().filter_map(|id| self.users.get(&id)))
    }

    /// How many members a group has.
    pub fn member_count(&self, group: &Group) -> usize {
        if group.id == self.everyone {
            return self.users.values().filter(|user| user.is_present()).count();
        }
        group.members.len()
    }

    /// Writes an event caused by a call.
    pub fn record(&mut self, call: &Call, kind: &str, targets: Vec<Party>) {
        let source = call.source();
        self.write(Entry { source, ..Entry::new(kind, call.principal.actor.clone(), targets) });
    }

    /// Writes any event; the answer is its uuid.
    pub fn write(&mut self, entry: Entry) -> String {
        let event = self.log.write(entry, self.clock.now(), &mut self.random);
        self.announce(&event);
        event.uuid.clone()
    }

    /// Lets an event wait for the hooks that are told of it.
    fn announce(&mut self, event: &Arc<Event>) {
        let told = self.hooks.values().filter(|hook| hook.is_told_of(&event.kind));
        self.outbox.extend(told.map(|hook| (hook.id, Arc::clone(event))));
    }

    /// Okta itself, as an actor.
    pub fn system(&self) -> Party {
        Party {
            id: self.org.system.to_string(),
            kind: "SystemPrincipal",
            alternate: "system@okta.com".into(),
            name: "Okta System".into(),
        }
    }

    /// Some people sign in: their `lastLogin` moves, `lastUpdated` does not.
    pub fn sign_in_some(&mut self, count: usize) {
        let stamp = self.stamp();
        for _ in 0..count {
            if let Some(party) = self.anyone(|user| user.last_login = Some(stamp)) {
                self.write(Entry::new("user.session.start", party.clone(), vec![party]));
            }
        }
    }

    /// Picks an active user and lets it be changed in passing.
    pub fn anyone(&mut self, touch: impl FnOnce(&mut User)) -> Option<Party> {
        let at = self.crowd.below(self.roll.len());
        let user = self.users.get_mut(self.roll.get(at)?)?;
        (user.status == Status::Active).then(|| {
            touch(user);
            user.party()
        })
    }
}
