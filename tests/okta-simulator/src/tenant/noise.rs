//! Background noise: events that the tenant's people cause by themselves, a few a minute.
//!
//! Nothing runs in the background. A read of the log and a move of the clock first write the events that were due since
//! the last one, spread evenly over that time. Event hooks receive them then, not earlier.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Tenant;
use super::app::App;
use super::group::Group;
use super::user::User;
use crate::clock::moved;
use crate::log::{Entry, Party};
use crate::random::Random;

/// The types where none are ordered; `MEMBERSHIPS` stands for both kinds of membership in turn.
const TYPES: [&str; 5] = [
    "user.session.start",
    "user.authentication.sso",
    "policy.evaluate_sign_on",
    "user.authentication.sso",
    MEMBERSHIPS,
];
const MEMBERSHIPS: &str = "memberships";
const INTO_GROUP: &str = "group.user_membership.add";
const INTO_APP: &str = "application.user_membership.add";
/// One event in so many appears late.
const LATE_ONE_IN: u64 = 10;
/// The most events written at once; those due before them are left out, so that a jump of the clock stays cheap.
const MOST: u64 = 20_000;
const MINUTE: i64 = 60_000_000;

/// The noise of a tenant.
#[derive(Debug)]
pub struct Noise {
    per_minute: u32,
    types: Vec<String>,
    late: SignedDuration,
    written_until: Timestamp,
    /// Events due so far: the place in the cycle of types.
    count: u64,
    random: Random,
}

impl Noise {
    /// Noise from now on.
    pub fn new(per_minute: u32, seed: u64, now: Timestamp) -> Noise {
        let random = Random::new(seed, "noise");
        Noise { per_minute, types: Vec::new(), late: SignedDuration::ZERO, written_until: now, count: 0, random }
    }

    /// Other noise from now on.
    pub fn change(&mut self, per_minute: u32, types: Vec<String>, late_seconds: u32, now: Timestamp) {
        self.per_minute = per_minute;
        self.types = types;
        self.late = SignedDuration::from_secs(i64::from(late_seconds));
        self.written_until = now;
        self.count = 0;
    }

    /// The noise as the operator sees it.
    pub fn json(&self) -> Value {
        json!({ "per_minute": self.per_minute, "types": self.types, "late_seconds": self.late.as_secs() })
    }

    /// The times of the events that are due, each with its number.
    fn due(&mut self, now: Timestamp) -> Vec<(u64, Timestamp)> {
        if self.per_minute == 0 {
            self.written_until = now;
            return Vec::new();
        }
        let step = (MINUTE / i64::from(self.per_minute)).max(1);
        let passed = now.as_microsecond() - self.written_until.as_microsecond();
        let due = u64::try_from(passed / step).unwrap_or(0);
        let start = self.written_until;
        let at = |number: u64| {
            let micros = i64::try_from(number).unwrap_or(i64::MAX).saturating_mul(step);
            moved(start, SignedDuration::from_micros(micros))
        };
        let first = due.saturating_sub(MOST);
        let times = (first..due).map(|number| (self.count + number, at(number + 1))).collect();
        // What is left of a step counts for the next event: reading often changes nothing.
        self.written_until = at(due);
        self.count += due;
        times
    }

    fn kind(&self, number: u64) -> &str {
        let place = |length: usize| usize::try_from(number).unwrap_or(0) % length.max(1);
        let kind = self.types.get(place(self.types.len())).map_or(TYPES[place(TYPES.len())], String::as_str);
        match kind {
            MEMBERSHIPS if (number / 5).is_multiple_of(2) => INTO_GROUP,
            MEMBERSHIPS => INTO_APP,
            kind => kind,
        }
    }
}

impl Tenant {
    /// Writes the noise that was due since it was last written.
    pub fn write_noise(&mut self) {
        let due = self.noise.due(self.clock.now());
        for (number, at) in due {
            let kind = self.noise.kind(number).to_owned();
            let Some((actor, targets)) = self.noise_parties(&kind, number) else { continue };
            let mut entry = Entry::new(&kind, actor, targets);
            // One of ten, at another place in each ten, so that every type is late at times.
            if number % LATE_ONE_IN == number / LATE_ONE_IN % LATE_ONE_IN {
                entry.late = self.noise.late;
            }
            let event = self.log.write(entry, at, &mut self.noise.random);
            self.announce(&event);
        }
    }

    /// Who does it, and to whom or what: for a membership, one that exists already.
    fn noise_parties(&mut self, kind: &str, number: u64) -> Option<(Party, Vec<Party>)> {
        let user = self.passer_by(kind == INTO_GROUP)?;
        let party = user.party();
        let group = user.groups.iter().next().copied();
        match kind {
            INTO_GROUP => {
                let group = group.and_then(|id| self.groups.get(&id)).map(Group::party)?;
                Some((self.system(), vec![party, group]))
            }
            INTO_APP => {
                let apps = self.apps.values().filter(|app| !app.users.is_empty());
                let app = apps.max_by_key(|app| app.users.len())?;
                let chosen = app.users.keys().nth(usize::try_from(number).unwrap_or(0) % app.users.len());
                let user = chosen.and_then(|id| self.users.get(id)).map(User::party)?;
                Some((self.system(), vec![user, app.party()]))
            }
            "user.authentication.sso" => {
                let app = self.apps.values().next().map(App::party);
                Some((party.clone(), app.into_iter().chain([party]).collect()))
            }
            _ => Some((party.clone(), vec![party])),
        }
    }

    /// Some user who has not left, and is in a group if that is asked for.
    fn passer_by(&mut self, in_group: bool) -> Option<&User> {
        let at = self.noise.random.below(self.roll.len());
        // The roll keeps those who were deleted or have left: the next one who fits.
        let ids = self.roll[at..].iter().chain(&self.roll[..at]);
        ids.filter_map(|id| self.users.get(id)).find(|user| user.is_present() && !(in_group && user.groups.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    #[test]
    fn reading_often_changes_nothing() {
        let mut often = Noise::new(7, 1, time(0));
        let mut once = Noise::new(7, 1, time(0));
        let all: Vec<_> = (1..=600).flat_map(|second| often.due(time(second))).collect();
        assert_eq!(all, once.due(time(600)));
        assert!(all.len() == 70 && all.is_sorted());
    }

    #[test]
    fn after_a_long_time_only_the_newest_events_are_due() {
        let mut noise = Noise::new(60, 1, time(0));
        let due = noise.due(time(10_000_000));
        assert_eq!(due.len(), usize::try_from(MOST).unwrap_or_default());
        assert_eq!(due.last().map(|last| last.1), Some(time(10_000_000)));
        assert!(noise.due(time(10_000_000)).is_empty());
    }

    #[test]
    fn one_in_five_is_a_membership_of_either_kind() {
        let noise = Noise::new(1, 1, time(0));
        let kinds: Vec<_> = (0..100).map(|number| noise.kind(number)).collect();
        let count = |kind: &str| kinds.iter().filter(|one| **one == kind).count();
        assert_eq!((count(INTO_GROUP), count(INTO_APP)), (10, 10));
    }
}
