//! How users sign in: their factors, sessions and recovery, none of which moves `lastUpdated`.

use super::Tenant;
use super::admin::Holder;
use super::factor::{Factor, FactorKind};
use super::user::Status;
use crate::random::{Id, Random};

type Enrollment = &'static [FactorKind];

/// What people have enrolled.
const ENROLLMENTS: &[Enrollment] = &[
    &[],
    &[FactorKind::Email],
    &[FactorKind::Sms, FactorKind::Email],
    &[FactorKind::Push, FactorKind::Totp],
    &[FactorKind::Push, FactorKind::Totp, FactorKind::Sms],
    &[FactorKind::Push, FactorKind::Totp, FactorKind::GoogleTotp],
    &[FactorKind::SignedNonce, FactorKind::Totp, FactorKind::Email],
    &[FactorKind::WebAuthn],
];

impl Tenant {
    /// Gives those who sign in factors and sessions; one in ten has nothing to recover a password with.
    pub(super) fn equip(&mut self, random: &mut Random) {
        let people: Vec<Id> =
            self.users.values().filter(|user| user.last_login.is_some()).map(|user| user.id).collect();
        for id in people {
            self.enroll_factors(id, random.pick::<Enrollment>(ENROLLMENTS));
            let (sessions, recovery) = (random.below(3), random.below(10) > 0);
            if let Some(user) = self.users.get_mut(&id) {
                user.recovery = recovery;
                user.sessions = if user.status == Status::Active { sessions } else { 0 };
            }
        }
    }

    /// Lets a user have exactly these factors.
    pub fn enroll_factors(&mut self, user: Id, kinds: &[FactorKind]) {
        let created = self.stamp();
        let factor = |kind: &FactorKind| Factor { id: self.ids.next(kind.row().2), kind: *kind, created };
        let factors = kinds.iter().map(factor).collect();
        if let Some(user) = self.users.get_mut(&user) {
            user.factors = factors;
        }
    }

    /// Removes a factor and those that go with it; the answer is what went, nothing if the user has no such factor.
    pub fn unenroll(&mut self, user: Id, factor: &str) -> Vec<Factor> {
        let Some(user) = self.users.get_mut(&user) else { return Vec::new() };
        let Some(at) = user.factors.iter().position(|enrolled| enrolled.id.as_str() == factor) else {
            return Vec::new();
        };
        let first = user.factors.remove(at);
        let kind = first.kind;
        let others = user.factors.extract_if(.., |other| other.kind.goes_with(kind));
        std::iter::once(first).chain(others).collect()
    }

    /// Ends all sessions of a user.
    pub fn clear_sessions(&mut self, user: Id) {
        if let Some(user) = self.users.get_mut(&user) {
            user.sessions = 0;
        }
    }

    /// Puts a user into a status without the way that leads there and without telling the log.
    pub fn put(&mut self, id: Id, status: Status) {
        self.change(id, |user, now| {
            user.status = status;
            user.status_changed = Some(now);
            user.password = !matches!(status, Status::Staged | Status::Provisioned);
            user.activated = user.activated.or(Some(now)).filter(|_| status != Status::Staged);
        });
        if status == Status::Deprovisioned {
            self.clear_sessions(id);
            let groups = self.users.get(&id).map(|user| user.groups.clone()).unwrap_or_default();
            for group in groups {
                self.leave(id, group);
            }
            for app in self.apps.values_mut() {
                app.users.remove(&id);
            }
            self.admins.assignments.retain(|assignment| assignment.holder != Holder::User(id));
        }
    }
}
