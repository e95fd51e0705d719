//! A user who leaves: everything at once, each step told, and safe to repeat from the beginning.

use crate::action::Action;
use crate::action::lookup::UserRef;
use crate::action::object::{Found, Group, User};
use crate::action::run::Run;
use crate::okta::{GroupId, Request, UserId, api};
use crate::problem::{Kind, Problem};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Offboard a user: suspend, end all sessions and tokens, remove all factors, leave all groups that Okta masters,
/// deactivate. A step that fails does not stop those behind it; the answer tells each, and repeating it does what is left.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffboardUser {
    /// The user's id, login or email.
    user: UserRef,
}

/// How far it went.
#[derive(Serialize, JsonSchema)]
pub struct Offboarded {
    /// True where nothing is left to do.
    complete: bool,
    /// The user as it now is.
    user: User,
    /// The steps, in order.
    steps: Vec<Report>,
}

/// What became of a step.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StepReport")]
struct Report {
    /// Which.
    step: Step,
    /// What became of it.
    status: Status,
    /// In words.
    detail: String,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// Sign-in is refused at once.
    Suspend,
    /// Sessions and tokens end.
    ClearSessions,
    /// Factors are removed.
    ResetMfa,
    /// Memberships end.
    LeaveGroups,
    /// The account ends.
    Deactivate,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "StepStatus")]
enum Status {
    /// It was done.
    Done,
    /// It had been done before.
    Already,
    /// It does not apply.
    Skipped,
    /// Okta refused it.
    Failed,
    /// There was no time for it, or its outcome is unknown.
    Pending,
}

const STEPS: [Step; 5] = [Step::Suspend, Step::ClearSessions, Step::ResetMfa, Step::LeaveGroups, Step::Deactivate];
const DEPROVISIONED: &str = "DEPROVISIONED";

/// What became of a step, in words too.
type Outcome = (Status, String);

fn told(status: Status, detail: impl Into<String>) -> Outcome {
    (status, detail.into())
}

impl Run {
    async fn take(&mut self, step: Step, user: &Found<UserId>) -> Result<Outcome, Problem> {
        let gone = user.status() == DEPROVISIONED;
        Ok(match step {
            Step::Suspend if user.status() == "SUSPENDED" => told(Status::Already, "was suspended"),
            Step::Suspend if user.status() != "ACTIVE" => {
                told(Status::Skipped, format!("only an ACTIVE user can be suspended; this one is {}", user.status()))
            }
            Step::Suspend => {
                self.change(&api::suspend_user(&user.id)).await?;
                told(Status::Done, "suspended")
            }
            Step::ClearSessions | Step::ResetMfa if gone => told(Status::Already, "ended with the account"),
            Step::ClearSessions => {
                self.change(&api::clear_sessions(&user.id, true, true)).await?;
                told(Status::Done, "sessions and tokens ended, devices forgotten")
            }
            Step::ResetMfa => {
                let factors = self.all(&api::list_factors(&user.id)).await?.len();
                if factors == 0 {
                    return Ok(told(Status::Already, "no factor was enrolled"));
                }
                self.change(&api::reset_factors(&user.id)).await?;
                told(Status::Done, format!("{factors} factors removed"))
            }
            Step::LeaveGroups => self.leave_groups(user).await?,
            Step::Deactivate if gone => told(Status::Already, "was deactivated"),
            Step::Deactivate => {
                self.change(&api::deactivate_user(&user.id, false)).await?;
                told(Status::Done, "deactivated")
            }
        })
    }

    async fn leave_groups(&mut self, user: &Found<UserId>) -> Result<Outcome, Problem> {
        let (mut left, mut kept) = (0, 0);
        for group in self.all(&api::list_user_groups(&user.id)).await? {
            match GroupId::parse(&Group::of(&group).id) {
                Ok(id) if group.text("type") == "OKTA_GROUP" => {
                    self.change(&api::remove_from_group(&id, &user.id)).await?;
                    left += 1;
                }
                _ if group.text("type") == "BUILT_IN" => {}
                _ => kept += 1,
            }
        }
        let rest = if kept > 0 { format!("; {kept} stay, which apps master") } else { String::new() };
        Ok(match left {
            0 => told(Status::Already, format!("no group to leave{rest}")),
            _ => told(Status::Done, format!("left {left} groups{rest}")),
        })
    }
}

#[async_trait]
impl Action for OffboardUser {
    const NAME: &'static str = "user.offboard";
    const SCOPES: &'static [&'static str] = &["okta.users.manage", "okta.users.read", "okta.groups.manage"];
    type Output = Offboarded;

    fn would(&self) -> Vec<Request> {
        let user = self.user.described();
        vec![
            api::suspend_user(&user),
            api::clear_sessions(&user, true, true),
            api::reset_factors(&user),
            api::remove_from_group(&GroupId::described("{group_id}"), &user),
            api::deactivate_user(&user, false),
        ]
    }

    async fn run(&self, run: &mut Run) -> Result<Offboarded, Problem> {
        let user = run.user(&self.user).await?;
        let mut steps = Vec::new();
        for step in STEPS {
            let (status, detail) = match run.take(step, &user).await {
                Ok(outcome) => outcome,
                // What cannot be recorded is not done.
                Err(problem) if problem.kind == Kind::Internal => return Err(problem),
                Err(problem) => {
                    let open = matches!(problem.kind, Kind::OktaTimeout | Kind::OktaRateLimited | Kind::OutcomeUnknown);
                    (if open { Status::Pending } else { Status::Failed }, problem.detail)
                }
            };
            steps.push(Report { step, status, detail });
        }
        let complete = steps.iter().all(|it| !matches!(it.status, Status::Failed | Status::Pending));
        Ok(Offboarded { complete, user: run.now(&user).await, steps })
    }
}
