//! What `permissions.actions` may hold and what it allows: names of actions, and words for all of an effect.

use super::Permissions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an action does to a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It changes nothing.
    Read,
    /// It changes something that can be changed back.
    Write,
    /// It takes something away that does not come back by itself.
    Destructive,
}

/// The word that allows answers that carry a credential.
pub const CREDENTIALS: &str = "credentials";
/// The word that stands for every word.
const ALL: &str = "all";
/// Words beside the names of the actions.
pub const WORDS: [&str; 5] = ["read", "write", "destructive", CREDENTIALS, ALL];

/// The names of the actions.
pub const ACTIONS: [&str; 34] = [
    "user.get",
    "user.create",
    "user.update",
    "user.search",
    "user.delete",
    "user.activate",
    "user.reactivate",
    "user.deactivate",
    "user.suspend",
    "user.unsuspend",
    "user.unlock",
    "user.expire_password",
    "user.reset_password",
    "user.forgot_password",
    "user.reset_mfa",
    "user.list_factors",
    "user.list_groups",
    "user.list_apps",
    "user.clear_sessions",
    "user.offboard",
    "group.list",
    "group.find",
    "group.get",
    "group.list_members",
    "group.add_user",
    "group.remove_user",
    "group.create",
    "group.delete",
    "app.list",
    "app.list_users",
    "app.assign_user",
    "app.unassign_user",
    "log.search",
    "log.recent_logons_by_ip",
];

impl Effect {
    /// The effect of an action, which its name tells.
    pub fn of(action: &str) -> Self {
        let (object, verb) = action.split_once('.').unwrap_or(("", action));
        let destructive =
            ["user.delete", "user.deactivate", "user.offboard", "user.reset_mfa", "group.delete", "app.unassign_user"];
        if destructive.contains(&action) {
            return Self::Destructive;
        }
        let reads = object == "log" || ["get", "search", "find", "list"].iter().any(|it| verb.starts_with(it));
        if reads { Self::Read } else { Self::Write }
    }

    /// The word that allows it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }
}

impl Permissions {
    fn hold(&self, word: &str) -> bool {
        self.actions.iter().any(|held| held == word || held == ALL)
    }

    /// True where an action is allowed, by its name or by the word of its effect.
    pub fn allow(&self, action: &str) -> bool {
        self.hold(action) || self.hold(Effect::of(action).word())
    }

    /// True where an answer may carry a credential.
    pub fn allow_credentials(&self) -> bool {
        self.hold(CREDENTIALS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(words: &[&str]) -> Vec<&'static str> {
        let permissions = Permissions { actions: words.iter().map(|word| (*word).to_owned()).collect() };
        ACTIONS.into_iter().filter(|action| permissions.allow(action)).collect()
    }

    #[test]
    fn a_word_allows_exactly_the_actions_of_its_effect() {
        let destructive =
            ["user.delete", "user.deactivate", "user.reset_mfa", "user.offboard", "group.delete", "app.unassign_user"];
        assert_eq!(allowed(&["destructive"]), destructive);
        let reads = allowed(&["read"]);
        assert_eq!(reads.len(), 13);
        assert!(reads.contains(&"log.recent_logons_by_ip") && reads.contains(&"group.find"));
        assert_eq!(allowed(&["write"]).len() + reads.len() + destructive.len(), ACTIONS.len());
        assert_eq!((allowed(&["all"]).len(), allowed(&["credentials"]).len(), allowed(&[]).len()), (34, 0, 0));
    }

    #[test]
    fn a_name_allows_one_action_and_no_credentials() {
        let permissions = Permissions { actions: vec!["user.activate".to_owned()] };
        assert_eq!(allowed(&["user.activate"]), ["user.activate"]);
        assert!(!permissions.allow_credentials());
    }
}
