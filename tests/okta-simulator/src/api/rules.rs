//! Group rules, as administrators keep them. What they do is [`crate::tenant::rule`]'s business.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::Value;

use super::starts_like;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::page::Page;
use crate::random::Id;
use crate::tenant::group::GroupKind;
use crate::tenant::rule::expression::Expression;
use crate::tenant::rule::{GroupRule, RuleStatus, TYPE};
use crate::tenant::{Tenant, following};

/// Characters of a name, rules of an organization, groups and excluded users of a rule (support.okta.com, "Group Rule
/// Restrictions").
const LONGEST_NAME: usize = 50;
const MOST_RULES: usize = 2000;
const MOST_GROUPS: usize = 100;
const MOST_EXCLUDED: usize = 100;

/// The rule that a path names.
fn rule<'t>(tenant: &'t Tenant, call: &Call) -> Result<&'t GroupRule, Refusal> {
    let id = call.param("id");
    let known = Id::parse(id).and_then(|id| tenant.rules.get(&id));
    known.ok_or_else(|| Refusal::missing(id, "GroupRule"))
}

fn show(tenant: &Tenant, call: &Call, rule: &GroupRule) -> Value {
    tenant.rule_json(rule, call.query("expand") == Some("groupIdToGroupNameMap"))
}

/// `GET /api/v1/groups/rules`: `search` finds the start of a name
pub fn list(tenant: &mut Tenant, call: &Call) -> Outcome {
    let page = Page::of(call, &tenant.seal, 50, 200, "E0000029")?;
    let start = call.query("search").unwrap_or_default();
    let rules = tenant.rules.range(following(page.after.as_deref())).map(|(_, rule)| rule);
    let rules = rules.filter(|rule| starts_like(&rule.name, start));
    let items = rules.map(|rule| (rule.id.to_string(), show(tenant, call, rule)));
    Ok(page.answer(call, &tenant.seal, &tenant.base, items))
}

/// `GET /api/v1/groups/{id}/users/{user}/group-rules`: the rules that make the user a member. What the answer looks like
/// is not documented here; these are the rules as everywhere else.
pub fn of_member(tenant: &mut Tenant, call: &Call) -> Outcome {
    let group = tenant.group(call.param("id"))?.id;
    let user = tenant.user(call.param("user"))?;
    if !tenant.groups.get(&group).is_some_and(|group| tenant.is_member(user, group.id)) {
        return Err(Refusal::missing(user.id.as_str(), "GroupMember"));
    }
    let rules = tenant.rules.values().filter(|rule| rule.manages(user.id, group));
    Ok(Answer::ok(rules.map(|rule| show(tenant, call, rule)).collect()))
}

/// `GET /api/v1/groups/rules/{id}`
pub fn get(tenant: &mut Tenant, call: &Call) -> Outcome {
    Ok(Answer::ok(show(tenant, call, rule(tenant, call)?)))
}

/// What a body says of a rule.
struct Draft {
    name: String,
    expression: Expression,
    excluded: Vec<String>,
    excluded_groups: Vec<String>,
    groups: Vec<Id>,
}

impl Draft {
    fn parse(tenant: &Tenant, call: &Call) -> Result<Draft, Refusal> {
        let body = Value::Object(call.object()?);
        let name = body["name"].as_str().unwrap_or_default();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(Refusal::invalid("name", "name: The field must have 1 to 50 characters"));
        }
        if body["type"] != "group_rule" {
            return Err(Refusal::invalid("type", "type: Only group_rule is allowed"));
        }
        let people = &body["conditions"]["people"];
        let excluded = texts(&people["users"]["exclude"]);
        if excluded.len() > MOST_EXCLUDED {
            return Err(Refusal::invalid("people", "people: At most 100 users can be excluded"));
        }
        Ok(Draft {
            name: name.to_owned(),
            expression: expression(&body["conditions"]["expression"])?,
            excluded,
            excluded_groups: texts(&people["groups"]["exclude"]),
            groups: groups(tenant, &body["actions"]["assignUserToGroups"]["groupIds"])?,
        })
    }
}

fn texts(list: &Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn expression(given: &Value) -> Result<Expression, Refusal> {
    if given["type"] != TYPE {
        return Err(Refusal::invalid("type", format!("type: Only {TYPE} is allowed")));
    }
    let text = given["value"].as_str().unwrap_or_default();
    // The words before the colon are Okta's (articulate/terraform-provider-okta#148).
    Expression::parse(text).map_err(|reason| Refusal::invalid("validateRule", reason))
}

/// The groups a rule puts people into: Okta's own, and none that holds a role (support.okta.com, "Group Rule
/// Restrictions").
fn groups(tenant: &Tenant, given: &Value) -> Result<Vec<Id>, Refusal> {
    let refused = |cause: String| Refusal::invalid("groupIds", cause);
    let given: BTreeSet<String> = texts(given).into_iter().collect();
    if !(1..=MOST_GROUPS).contains(&given.len()) {
        return Err(refused("groupIds: 1 to 100 groups must be given".into()));
    }
    let known = |id: &String| {
        let group = tenant.group(id).map_err(|_| refused(format!("groupIds: no group has the id {id}")))?;
        if group.kind != GroupKind::OktaGroup || tenant.is_admin_group(group.id) {
            return Err(refused(format!("groupIds: no rule can assign users to the group {id}")));
        }
        Ok(group.id)
    };
    given.iter().map(known).collect()
}

/// `POST /api/v1/groups/rules`: a new rule is inactive
pub fn create(tenant: &mut Tenant, call: &Call) -> Outcome {
    let draft = Draft::parse(tenant, call)?;
    if tenant.rules.len() >= MOST_RULES {
        return Err(Refusal::invalid("groupRule", "The organization has 2000 group rules"));
    }
    require_own_name(tenant, &draft.name, None)?;
    let id = tenant.admins.ids.next(*b"0pr");
    let now = tenant.stamp();
    let rule = GroupRule {
        id,
        name: draft.name,
        status: RuleStatus::Inactive,
        expression: draft.expression,
        excluded: draft.excluded,
        excluded_groups: draft.excluded_groups,
        groups: draft.groups,
        managed: BTreeSet::new(),
        created: now,
        last_updated: now,
    };
    let shown = show(tenant, call, &rule);
    tenant.rules.insert(id, rule);
    Ok(Answer::ok(shown))
}

fn require_own_name(tenant: &Tenant, name: &str, own: Option<Id>) -> Result<(), Refusal> {
    let is_taken = tenant.rules.values().any(|rule| rule.name == name && Some(rule.id) != own);
    let cause = "name: An object with this field already exists in the current organization";
    if is_taken { Err(Refusal::invalid("name", cause)) } else { Ok(()) }
}

/// `PUT /api/v1/groups/rules/{id}`: only of an inactive rule, whose status stays. The code of that refusal is not
/// documented.
pub fn replace(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = rule(tenant, call)?.id;
    require_inactive(tenant, call)?;
    let draft = Draft::parse(tenant, call)?;
    require_own_name(tenant, &draft.name, Some(id))?;
    let now = tenant.stamp();
    if let Some(rule) = tenant.rules.get_mut(&id) {
        rule.name = draft.name;
        rule.expression = draft.expression;
        rule.excluded = draft.excluded;
        rule.excluded_groups = draft.excluded_groups;
        rule.groups = draft.groups;
        rule.last_updated = now;
    }
    get(tenant, call)
}

fn require_inactive(tenant: &Tenant, call: &Call) -> Result<(), Refusal> {
    match rule(tenant, call)?.status {
        RuleStatus::Inactive => Ok(()),
        RuleStatus::Active => Err(Refusal::invalid("groupRule", "Only an inactive group rule can be changed")),
        RuleStatus::Invalid => {
            Err(Refusal::invalid("groupRule", "A group rule with the status INVALID can't be changed"))
        }
    }
}

/// `DELETE /api/v1/groups/rules/{id}`: of a rule that is not active
pub fn delete(tenant: &mut Tenant, call: &Call) -> Outcome {
    let rule = rule(tenant, call)?;
    if rule.status == RuleStatus::Active {
        return Err(Refusal::invalid("groupRule", "An active group rule can't be deleted"));
    }
    let id = rule.id;
    tenant.delete_rule(id, call.flag("removeUsers", false));
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

/// `POST /api/v1/groups/rules/{id}/lifecycle/activate`: of an active rule nothing changes
pub fn activate(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = turnable(tenant, call)?;
    if status == RuleStatus::Inactive {
        tenant.activate_rule(id);
    }
    Ok(Answer::no_content())
}

/// `POST /api/v1/groups/rules/{id}/lifecycle/deactivate`: of an inactive rule nothing changes
pub fn deactivate(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, status) = turnable(tenant, call)?;
    if status == RuleStatus::Active {
        tenant.deactivate_rule(id);
    }
    Ok(Answer::no_content())
}

/// A rule whose status may change (the refusal is recorded).
fn turnable(tenant: &Tenant, call: &Call) -> Result<(Id, RuleStatus), Refusal> {
    let rule = rule(tenant, call)?;
    if rule.status == RuleStatus::Invalid {
        let cause = "Cannot activate or deactivate a Group Rule with the status INVALID.";
        return Err(Refusal::invalid("updateRuleStatus", cause));
    }
    Ok((rule.id, rule.status))
}
