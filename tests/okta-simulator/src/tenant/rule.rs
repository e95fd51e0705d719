//! Group rules: an expression, and the groups its users are put into.
//!
//! A rule is evaluated for everyone when it is activated, and for one user whenever its profile, its groups or its
//! presence change (help.okta.com, "Group rules"). The users it holds for are managed by it: they are members of its
//! groups until it holds no more. Whom an administrator removes by hand is not put back: Okta removes the user, by API
//! as in its console, and excludes it from the rule (support.okta.com, "User getting added in group exclusion list by
//! Okta System").

pub mod expression;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Tenant;
use super::group::Group;
use super::user::User;
use crate::clock::Stamp;
use crate::log::{Entry, Party};
use crate::random::Id;
use expression::Expression;

/// Rounds after which rules that refer to each other's groups are left as they are. Okta advises against such rules;
/// what it does with a circle of them is not documented.
const MOST_ROUNDS: usize = 10;

/// Whether a rule is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RuleStatus {
    /// It is evaluated.
    Active,
    /// It is not, and whom it manages stays a member.
    Inactive,
    /// One of its groups is gone: it can only be read and deleted.
    Invalid,
}

/// A group rule.
#[derive(Debug, Clone)]
pub struct GroupRule {
    /// The id.
    pub id: Id,
    /// The name people see.
    pub name: String,
    /// Whether it is at work.
    pub status: RuleStatus,
    /// Whom it holds for.
    pub expression: Expression,
    /// The users it never holds for. The ids of those who were deleted stay (terraform-provider-okta#1674).
    pub excluded: Vec<String>,
    /// Groups whose members it never holds for.
    pub excluded_groups: Vec<String>,
    /// Where it puts them.
    pub groups: Vec<Id>,
    /// The users it manages.
    pub managed: BTreeSet<Id>,
    /// When it was made.
    pub created: Stamp,
    /// The last change.
    pub last_updated: Stamp,
}

impl GroupRule {
    /// The rule as target of an event; the type of such targets is not documented.
    pub fn party(&self) -> Party {
        Party { id: self.id.to_string(), kind: "GroupRule", alternate: "unknown".into(), name: self.name.clone() }
    }

    /// Whether it decides about a user's membership of a group.
    pub fn manages(&self, user: Id, group: Id) -> bool {
        self.groups.contains(&group) && self.managed.contains(&user)
    }
}

impl Tenant {
    /// Evaluates the active rules for users whose profile, groups or presence have changed, until nothing changes.
    pub fn settle_rules(&mut self) {
        for _ in 0..MOST_ROUNDS {
            let touched = std::mem::take(&mut self.touched);
            if touched.is_empty() {
                return;
            }
            let active: Vec<Id> =
                self.rules.values().filter(|rule| rule.status == RuleStatus::Active).map(|rule| rule.id).collect();
            for user in touched {
                for rule in &active {
                    self.evaluate(*rule, user);
                }
            }
        }
        self.touched.clear();
    }

    /// Remembers that the rules must be evaluated for a user.
    pub(super) fn touch(&mut self, user: Id) {
        if !self.rules.is_empty() {
            self.touched.insert(user);
        }
    }

    /// Activates a rule, for everyone at once.
    pub fn activate_rule(&mut self, id: Id) {
        self.set_rule_status(id, RuleStatus::Active);
        self.touched.extend(self.users.keys());
        self.record_rule("group.user_membership.rule.trigger", id, None);
    }

    /// Deactivates a rule: its members stay.
    pub fn deactivate_rule(&mut self, id: Id) {
        self.set_rule_status(id, RuleStatus::Inactive);
        self.record_rule("group.user_membership.rule.deactivated", id, None);
    }

    fn set_rule_status(&mut self, id: Id, status: RuleStatus) {
        let now = self.stamp();
        if let Some(rule) = self.rules.get_mut(&id) {
            rule.status = status;
            rule.last_updated = now;
        }
    }

    /// Deletes a rule; its members leave its groups, or stay.
    pub fn delete_rule(&mut self, id: Id, remove_users: bool) {
        let Some(rule) = self.rules.remove(&id) else { return };
        for user in rule.managed.iter().filter(|_| remove_users) {
            self.release(&rule, *user);
        }
    }

    /// Invalidates the rules of a group that is gone.
    pub fn invalidate_rules(&mut self, group: Id) {
        let hit = self.rules.values().filter(|rule| rule.groups.contains(&group));
        let hit: Vec<Id> = hit.filter(|rule| rule.status != RuleStatus::Invalid).map(|rule| rule.id).collect();
        for id in hit {
            self.set_rule_status(id, RuleStatus::Invalid);
            self.record_rule("group.user_membership.rule.invalidate", id, None);
        }
    }

    /// Forgets a user who is gone for good; that it was excluded is remembered.
    pub fn forget_managed(&mut self, user: Id) {
        for rule in self.rules.values_mut() {
            rule.managed.remove(&user);
        }
    }

    /// Excludes a user, who is being removed from a group by hand, from the active rules that would put it back.
    pub fn exclude_from_rules(&mut self, user: Id, group: Id) {
        let mut hit = Vec::new();
        for rule in self.rules.values_mut().filter(|rule| rule.manages(user, group)) {
            if rule.status == RuleStatus::Active {
                rule.excluded.push(user.to_string());
                hit.push(rule.id);
            } else {
                rule.managed.remove(&user);
            }
        }
        for id in hit {
            self.record_rule("group.user_membership.rule.add_exclusion", id, Some(user));
        }
    }

    /// Whether a rule holds for a user.
    fn holds(&self, rule: &GroupRule, user: &User) -> bool {
        // A recording (okta-sdk-python) has a rule put a STAGED user into its group; one who has left is in none.
        let is_excluded = || rule.excluded.iter().any(|id| id == user.id.as_str());
        let in_excluded_group = || {
            let mut groups = rule.excluded_groups.iter().filter_map(|id| Id::parse(id));
            groups.any(|group| self.is_member(user, group))
        };
        user.is_present() && !is_excluded() && !in_excluded_group() && rule.expression.holds(self, user)
    }

    /// Evaluates one rule for one user.
    fn evaluate(&mut self, rule: Id, user: Id) {
        let Some(rule) = self.rules.get(&rule) else { return };
        let holds = self.users.get(&user).is_some_and(|user| self.holds(rule, user));
        if holds == rule.managed.contains(&user) {
            return;
        }
        let rule = rule.clone();
        if holds {
            self.rules.entry(rule.id).and_modify(|rule| rule.managed.extend([user]));
            for group in &rule.groups {
                if self.join(user, *group) {
                    self.record_membership("group.user_membership.add", &rule, user, *group);
                }
            }
        } else {
            self.rules.entry(rule.id).and_modify(|rule| rule.managed.retain(|managed| *managed != user));
            self.release(&rule, user);
        }
    }

    /// Takes a user out of a rule's groups, except those that another rule puts it into.
    fn release(&mut self, rule: &GroupRule, user: Id) {
        for group in &rule.groups {
            let mut others = self.rules.values().filter(|other| other.id != rule.id);
            let is_kept = others.any(|other| other.manages(user, *group));
            if !is_kept && self.leave(user, *group) {
                self.record_membership("group.user_membership.remove", rule, user, *group);
            }
        }
    }

    /// Manages whom a rule holds for without changing any membership or telling the log: for a new tenant, in which the
    /// rule has been at work for long.
    pub(super) fn adopt_rule(&mut self, mut rule: GroupRule) {
        let held = self.users.values().filter(|user| self.holds(&rule, user));
        let held: BTreeSet<Id> = held.map(|user| user.id).collect();
        rule.managed = held;
        self.rules.insert(rule.id, rule);
    }

    fn record_membership(&mut self, kind: &str, rule: &GroupRule, user: Id, group: Id) {
        let user = self.users.get(&user).map(User::party);
        let group = self.groups.get(&group).map(Group::party);
        let entry = Entry::new(kind, self.system(), [user, group].into_iter().flatten().collect());
        let debug = vec![("triggeredByGroupRuleId", rule.id.to_string())];
        self.write(Entry { debug, ..entry });
    }

    fn record_rule(&mut self, kind: &str, rule: Id, user: Option<Id>) {
        let user = user.and_then(|id| self.users.get(&id)).map(User::party);
        let rule = self.rules.get(&rule).map(GroupRule::party);
        self.write(Entry::new(kind, self.system(), [user, rule].into_iter().flatten().collect()));
    }

    /// A rule as Okta shows it, with the names of its groups if they are asked for.
    pub fn rule_json(&self, rule: &GroupRule, with_names: bool) -> Value {
        let mut conditions = json!({ "expression": { "value": rule.expression.text(), "type": TYPE } });
        // Without exclusions the member is not there (recorded).
        if !rule.excluded.is_empty() || !rule.excluded_groups.is_empty() {
            conditions["people"] =
                json!({ "users": { "exclude": rule.excluded }, "groups": { "exclude": rule.excluded_groups } });
        }
        let mut shown = json!({
            "type": "group_rule",
            "id": rule.id,
            "status": rule.status,
            "name": rule.name,
            "created": rule.created,
            "lastUpdated": rule.last_updated,
            "conditions": conditions,
            "actions": { "assignUserToGroups": { "groupIds": rule.groups } },
        });
        if rule.status == RuleStatus::Invalid {
            shown["allGroupsValid"] = json!(false);
        }
        if with_names {
            let known = rule.groups.iter().filter_map(|id| self.groups.get(id));
            let names: Map<String, Value> = known.map(|group| (group.id.to_string(), json!(group.name))).collect();
            shown["_embedded"] = json!({ "groupIdToGroupNameMap": names });
        }
        shown
    }
}

/// The one type of expressions.
pub const TYPE: &str = "urn:okta:expression:1.0";
