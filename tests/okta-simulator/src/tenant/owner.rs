//! Owners of groups, a feature of Okta Identity Governance.

use serde_json::{Value, json};

use super::Tenant;
use super::admin::Holder;
use super::group::Group;
use super::user::User;
use crate::clock::Stamp;
use crate::random::Id;

/// An owner of a group.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    /// A user, or a group: all its members.
    pub who: Holder,
    /// When it became one.
    pub since: Stamp,
}

/// The two ways in which Okta writes when an ownership began, neither of which is how it writes all other times:
/// one where owners are listed, one where an owner is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// `2023-03-29 18:18:37.0`
    Listed,
    /// `Wed Mar 29 18:34:31 UTC 2023`
    Added,
}

impl Tenant {
    /// Makes a user or a group an owner of a group; false if it was one.
    pub fn add_owner(&mut self, group: Id, who: Holder) -> bool {
        let since = self.stamp();
        let owners = self.owners.entry(group).or_default();
        let new = owners.iter().all(|owner| owner.who != who);
        if new {
            owners.push(Owner { who, since });
        }
        new
    }

    /// Ends an ownership; the answer is whose it was.
    pub fn remove_owner(&mut self, group: Id, id: Id) -> Option<Holder> {
        let owners = self.owners.get_mut(&group)?;
        let at = owners.iter().position(|owner| owner.who.id() == id)?;
        Some(owners.remove(at).who)
    }

    /// Forgets a user or a group that is gone, as an owner and as what is owned.
    pub fn forget_owner(&mut self, id: Id) {
        self.owners.remove(&id);
        for owners in self.owners.values_mut() {
            owners.retain(|owner| owner.who.id() != id);
        }
    }

    /// An owner as Okta shows it. Those that an app imports with its groups are not simulated, so that every one is
    /// resolved.
    pub fn owner_json(&self, owner: &Owner, occasion: Occasion) -> Value {
        let (kind, name) = match owner.who {
            Holder::Group(id) => ("GROUP", self.groups.get(&id).map(Group::party)),
            other => ("USER", self.users.get(&other.id()).map(User::party)),
        };
        json!({
            "id": owner.who.id(),
            "type": kind,
            "resolved": true,
            "originId": null,
            "originType": "OKTA_DIRECTORY",
            "displayName": name.map(|party| party.name),
            "lastUpdated": written(owner.since, occasion),
        })
    }
}

fn written(since: Stamp, occasion: Occasion) -> String {
    let format = match occasion {
        Occasion::Listed => "%Y-%m-%d %H:%M:%S.0",
        Occasion::Added => "%a %b %d %H:%M:%S UTC %Y",
    };
    since.time().strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_an_ownership_is_written_in_two_ways_neither_of_which_is_the_usual_one() {
        let stamp = Stamp::of("2023-03-29T18:34:31Z".parse().expect("a constant time"));
        assert_eq!(written(stamp, Occasion::Listed), "2023-03-29 18:34:31.0");
        assert_eq!(written(stamp, Occasion::Added), "Wed Mar 29 18:34:31 UTC 2023");
    }
}
