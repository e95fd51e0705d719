//! Factors of multifactor authentication.

use super::{MANAGE, READ};
use crate::action::Action;
use crate::action::list::{List, Paging};
use crate::action::lookup::UserRef;
use crate::action::object::{Object, User};
use crate::action::run::Run;
use crate::okta::{Request, api};
use crate::problem::{Kind, Problem};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reset a user's MFA: every enrolled factor is removed, and the next sign-in that needs one asks to enrol again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetMfa {
    /// The user's id, login or email.
    user: UserRef,
}

/// List a user's enrolled factors: those that the policies which apply to this connection let it see.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListFactors {
    /// The user's id, login or email.
    user: UserRef,
    #[serde(flatten)]
    paging: Paging,
}

/// What became of a user's factors.
#[derive(Serialize, JsonSchema)]
pub struct MfaReset {
    /// False where no factor was enrolled.
    changed: bool,
    /// The user.
    user: User,
    /// How many factors were enrolled.
    factors_removed: usize,
}

#[async_trait]
impl Action for ResetMfa {
    const NAME: &'static str = "user.reset_mfa";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = MfaReset;

    fn would(&self) -> Vec<Request> {
        vec![api::reset_factors(&self.user.described())]
    }

    async fn run(&self, run: &mut Run) -> Result<MfaReset, Problem> {
        let user = run.user(&self.user).await?;
        let factors_removed = run.all(&api::list_factors(&user.id)).await?.len();
        run.change(&api::reset_factors(&user.id)).await?;
        Ok(MfaReset { changed: factors_removed > 0, user: user.user(), factors_removed })
    }
}

#[async_trait]
impl Action for ListFactors {
    const NAME: &'static str = "user.list_factors";
    const SCOPES: &'static [&'static str] = READ;
    type Output = List<Object>;

    fn would(&self) -> Vec<Request> {
        vec![api::list_factors(&self.user.described())]
    }

    async fn run(&self, run: &mut Run) -> Result<List<Object>, Problem> {
        let user = run.user(&self.user).await?;
        match run.whole(&api::list_factors(&user.id), &self.paging).await {
            // Okta takes the factors of a deprovisioned user away, and then answers as if there were no such user.
            Err(problem) if problem.kind == Kind::OktaNotFound => Ok(List::default()),
            listed => listed,
        }
    }
}
