//! A user's life: activated, suspended, deactivated, deleted. States are read first, so that what is reached already is
//! not asked for again.

use super::{Changed, MANAGE};
use crate::action::Action;
use crate::action::lookup::UserRef;
use crate::action::object::{Object, User};
use crate::action::run::Run;
use crate::okta::{Request, UserId, api};
use crate::problem::{Kind, Problem};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Okta deactivates and deletes in its own time; it is asked again this often.
const MOST_DELETIONS: u32 = 6;

/// Activate a user who is staged or deactivated. By default Okta mails the user a link; without a mail the answer holds
/// it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateUser {
    /// The user's id, login or email.
    user: UserRef,
    /// Whether Okta mails the link; if not, the answer holds it.
    #[serde(default = "yes")]
    send_email: bool,
}

/// Reactivate a user whose activation or recovery is still open: a new link, the old one ends. By default Okta mails it;
/// without a mail the answer holds it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReactivateUser {
    /// The user's id, login or email.
    user: UserRef,
    /// Whether Okta mails the link; if not, the answer holds it.
    #[serde(default = "yes")]
    send_email: bool,
}

/// Deactivate a user: the account ends, and its group memberships and app assignments with it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeactivateUser {
    /// The user's id, login or email.
    user: UserRef,
    /// Whether Okta mails the administrators.
    #[serde(default)]
    send_email: bool,
}

/// Suspend a user who is active: sign-in is refused until the user is unsuspended; groups and apps stay.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspendUser {
    /// The user's id, login or email.
    user: UserRef,
}

/// Unsuspend a user: sign-in is possible again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnsuspendUser {
    /// The user's id, login or email.
    user: UserRef,
}

/// Unlock a user who was locked out by failed sign-ins. It is always asked for: a status does not tell whether unknown
/// devices are blocked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlockUser {
    /// The user's id, login or email.
    user: UserRef,
}

/// Delete a user for good. Okta deactivates first and deletes then; it is done when Okta no longer finds the user.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteUser {
    /// The user's id, login or email.
    user: UserRef,
    /// Whether Okta mails the administrators.
    #[serde(default)]
    send_email: bool,
}

/// What became of a user, with the link that was not mailed.
#[derive(Serialize, JsonSchema)]
pub struct Activated {
    /// False where there was nothing to do.
    pub changed: bool,
    /// The user as it now is.
    pub user: User,
    /// The link, if it was not mailed.
    #[serde(flatten)]
    pub link: ActivationLink,
}

/// The link that lets a user begin.
#[derive(Default, Serialize, JsonSchema)]
pub struct ActivationLink {
    /// Where the user begins: a credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation_url: Option<String>,
    /// The token in it: a credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation_token: Option<String>,
}

/// A user who is gone.
#[derive(Serialize, JsonSchema)]
pub struct Deleted {
    /// Always true: Okta no longer finds the user.
    deleted: bool,
    /// The user as it last was.
    user: User,
}

pub fn yes() -> bool {
    true
}

impl ActivationLink {
    /// Of the answer to an activation; there is none where it was mailed.
    pub fn of(answer: &Object) -> Self {
        let text = |name: &str| Some(answer.text(name).to_owned()).filter(|text| !text.is_empty());
        Self { activation_url: text("activationUrl"), activation_token: text("activationToken") }
    }
}

#[async_trait]
impl Action for ActivateUser {
    const NAME: &'static str = "user.activate";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Activated;

    fn reveals(&self) -> bool {
        !self.send_email
    }

    fn would(&self) -> Vec<Request> {
        vec![api::activate_user(&self.user.described(), self.send_email)]
    }

    async fn run(&self, run: &mut Run) -> Result<Activated, Problem> {
        let user = run.user(&self.user).await?;
        if matches!(user.status(), "ACTIVE" | "PROVISIONED") {
            return Ok(Activated { changed: false, user: user.user(), link: ActivationLink::default() });
        }
        let link = ActivationLink::of(&run.change_for(&api::activate_user(&user.id, self.send_email)).await?);
        Ok(Activated { changed: true, user: run.now(&user).await, link })
    }
}

#[async_trait]
impl Action for ReactivateUser {
    const NAME: &'static str = "user.reactivate";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Activated;

    fn reveals(&self) -> bool {
        !self.send_email
    }

    fn would(&self) -> Vec<Request> {
        vec![api::reactivate_user(&self.user.described(), self.send_email)]
    }

    async fn run(&self, run: &mut Run) -> Result<Activated, Problem> {
        let user = run.user(&self.user).await?;
        let link = ActivationLink::of(&run.change_for(&api::reactivate_user(&user.id, self.send_email)).await?);
        Ok(Activated { changed: true, user: run.now(&user).await, link })
    }
}

#[async_trait]
impl Action for DeactivateUser {
    const NAME: &'static str = "user.deactivate";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Changed;

    fn would(&self) -> Vec<Request> {
        vec![api::deactivate_user(&self.user.described(), self.send_email)]
    }

    async fn run(&self, run: &mut Run) -> Result<Changed, Problem> {
        run.bring(&self.user, &["DEPROVISIONED"], |user| api::deactivate_user(user, self.send_email)).await
    }
}

/// Okta tells a wrong state by its code for whatever is invalid.
fn wrong_state(problem: Problem, status: &str) -> Problem {
    let told = problem.members.get("okta_error_code").is_some_and(|code| code == "E0000001");
    if problem.kind == Kind::OktaRejected && told {
        return Problem { kind: Kind::WrongState, ..problem }.with("current_status", status);
    }
    problem
}

impl Run {
    /// Suspends or unsuspends.
    async fn swing(
        &mut self,
        reference: &UserRef,
        reached: &str,
        step: fn(&UserId) -> Request,
    ) -> Result<Changed, Problem> {
        let result = self.bring(reference, &[reached], step).await;
        result.map_err(|problem| wrong_state(problem, self.status()))
    }
}

#[async_trait]
impl Action for SuspendUser {
    const NAME: &'static str = "user.suspend";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Changed;

    fn would(&self) -> Vec<Request> {
        vec![api::suspend_user(&self.user.described())]
    }

    async fn run(&self, run: &mut Run) -> Result<Changed, Problem> {
        run.swing(&self.user, "SUSPENDED", api::suspend_user).await
    }
}

#[async_trait]
impl Action for UnsuspendUser {
    const NAME: &'static str = "user.unsuspend";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Changed;

    fn would(&self) -> Vec<Request> {
        vec![api::unsuspend_user(&self.user.described())]
    }

    async fn run(&self, run: &mut Run) -> Result<Changed, Problem> {
        run.swing(&self.user, "ACTIVE", api::unsuspend_user).await
    }
}

#[async_trait]
impl Action for UnlockUser {
    const NAME: &'static str = "user.unlock";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Changed;

    fn would(&self) -> Vec<Request> {
        vec![api::unlock_user(&self.user.described())]
    }

    async fn run(&self, run: &mut Run) -> Result<Changed, Problem> {
        let user = run.user(&self.user).await?;
        match run.change(&api::unlock_user(&user.id)).await {
            Ok(_) => Ok(Changed { changed: true, user: run.now(&user).await }),
            Err(problem) if problem.detail.to_lowercase().contains("not locked out") => {
                Ok(Changed { changed: false, user: user.user() })
            }
            Err(problem) => Err(problem),
        }
    }
}

#[async_trait]
impl Action for DeleteUser {
    const NAME: &'static str = "user.delete";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Deleted;

    fn would(&self) -> Vec<Request> {
        // The first only deactivates, and answers the same.
        let delete = api::delete_user(&self.user.described(), self.send_email);
        vec![delete.clone(), delete]
    }

    async fn run(&self, run: &mut Run) -> Result<Deleted, Problem> {
        let user = run.user(&self.user).await?;
        let mut last = user.user();
        for again in 0..MOST_DELETIONS {
            if again > 1 {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            run.change(&api::delete_user(&user.id, self.send_email)).await?;
            // Never sent twice without this between: only it tells deactivated from gone.
            match run.find::<Object>(&api::get_user(&user.id)).await? {
                None => return Ok(Deleted { deleted: true, user: last }),
                Some(object) => last = User::of(&object),
            }
        }
        let detail =
            format!("Okta still has the user, in status {}: it takes its time. Ask again in a minute.", last.status);
        Err(Problem::new(Kind::OktaUnavailable, detail))
    }
}
