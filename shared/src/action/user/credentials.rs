//! Passwords and sessions.

use super::lifecycle::yes;
use super::{Changed, MANAGE};
use crate::action::Action;
use crate::action::lookup::{UserRef, found};
use crate::action::object::{Object, User};
use crate::action::run::Run;
use crate::okta::{Request, api};
use crate::problem::Problem;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Expire a user's password: the next sign-in asks for a new one. With a temporary password, that sign-in takes the one
/// in the answer.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpirePassword {
    /// The user's id, login or email.
    user: UserRef,
    /// Whether to set a temporary password, which the answer holds.
    #[serde(default)]
    temporary_password: bool,
    /// Whether to end the user's sessions.
    #[serde(default)]
    revoke_sessions: bool,
}

/// Reset a user's password: nobody signs in until a new one is set by a link. By default Okta mails it; without a mail
/// the answer holds it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// The user's id, login or email.
    user: UserRef,
    /// Whether Okta mails the link; if not, the answer holds it.
    #[serde(default = "yes")]
    send_email: bool,
    /// Whether to end the user's sessions.
    #[serde(default)]
    revoke_sessions: bool,
}

/// Start what a user would start who forgot the password: the old one stays until a new one is set by a link.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPassword {
    /// The user's id, login or email.
    user: UserRef,
    /// Whether Okta mails the link; if not, the answer holds it.
    #[serde(default)]
    send_email: bool,
}

/// Clear a user's sessions with Okta: everybody signed in as this user must sign in again. Sessions of apps that have
/// begun go on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClearSessions {
    /// The user's id, login or email.
    user: UserRef,
    /// Whether to revoke the user's OAuth and OpenID Connect tokens too.
    #[serde(default)]
    oauth_tokens: bool,
    /// Whether to forget the devices that the user asked to remember.
    #[serde(default = "yes")]
    forget_devices: bool,
}

/// What became of a password.
#[derive(Serialize, JsonSchema)]
pub struct Expired {
    /// False where there was nothing to do.
    changed: bool,
    /// The user as it now is.
    user: User,
    /// The temporary password, if one was asked for: a credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    temporary_password: Option<String>,
}

/// What became of a password that is set by a link.
#[derive(Serialize, JsonSchema)]
pub struct ByLink {
    /// Whether the user's status changed.
    changed: bool,
    /// The user as it now is.
    user: User,
    /// The link, if it was not mailed: a credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_password_url: Option<String>,
}

/// A text of an answer, if it has one.
fn text(answer: &Object, name: &str) -> Option<String> {
    Some(answer.text(name).to_owned()).filter(|text| !text.is_empty())
}

#[async_trait]
impl Action for ExpirePassword {
    const NAME: &'static str = "user.expire_password";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Expired;

    fn reveals(&self) -> bool {
        self.temporary_password
    }

    fn would(&self) -> Vec<Request> {
        let user = self.user.described();
        if self.temporary_password {
            return vec![api::expire_password_with_temporary(&user, self.revoke_sessions)];
        }
        let clear = self.revoke_sessions.then(|| api::clear_sessions(&user, false, true));
        [api::expire_password(&user)].into_iter().chain(clear).collect()
    }

    async fn run(&self, run: &mut Run) -> Result<Expired, Problem> {
        let user = run.user(&self.user).await?;
        if self.temporary_password {
            let request = api::expire_password_with_temporary(&user.id, self.revoke_sessions);
            let answer: Object = run.change_for(&request).await?;
            let temporary_password = text(&answer, "tempPassword");
            return Ok(Expired { changed: true, user: run.now(&user).await, temporary_password });
        }
        let expired = user.status() == "PASSWORD_EXPIRED";
        let mut after = user.user();
        if !expired {
            let answer: Object = run.change_for(&api::expire_password(&user.id)).await?;
            after = found(answer).map_or(after, |user| user.user());
        }
        if self.revoke_sessions {
            run.change(&api::clear_sessions(&user.id, false, true)).await?;
        }
        Ok(Expired { changed: !expired, user: after, temporary_password: None })
    }
}

#[async_trait]
impl Action for ResetPassword {
    const NAME: &'static str = "user.reset_password";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = ByLink;

    fn reveals(&self) -> bool {
        !self.send_email
    }

    fn would(&self) -> Vec<Request> {
        vec![api::reset_password(&self.user.described(), self.send_email, self.revoke_sessions)]
    }

    async fn run(&self, run: &mut Run) -> Result<ByLink, Problem> {
        let user = run.user(&self.user).await?;
        let request = api::reset_password(&user.id, self.send_email, self.revoke_sessions);
        let answer: Object = run.change_for(&request).await?;
        let reset_password_url = text(&answer, "resetPasswordUrl");
        Ok(ByLink { changed: true, user: run.now(&user).await, reset_password_url })
    }
}

#[async_trait]
impl Action for ForgotPassword {
    const NAME: &'static str = "user.forgot_password";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = ByLink;

    fn reveals(&self) -> bool {
        !self.send_email
    }

    fn would(&self) -> Vec<Request> {
        vec![api::forgot_password(&self.user.described(), self.send_email)]
    }

    async fn run(&self, run: &mut Run) -> Result<ByLink, Problem> {
        let user = run.user(&self.user).await?;
        let answer: Object = run.change_for(&api::forgot_password(&user.id, self.send_email)).await?;
        Ok(ByLink { changed: false, user: user.user(), reset_password_url: text(&answer, "resetPasswordUrl") })
    }
}

#[async_trait]
impl Action for ClearSessions {
    const NAME: &'static str = "user.clear_sessions";
    const SCOPES: &'static [&'static str] = MANAGE;
    type Output = Changed;

    fn would(&self) -> Vec<Request> {
        vec![api::clear_sessions(&self.user.described(), self.oauth_tokens, self.forget_devices)]
    }

    async fn run(&self, run: &mut Run) -> Result<Changed, Problem> {
        let user = run.user(&self.user).await?;
        run.change(&api::clear_sessions(&user.id, self.oauth_tokens, self.forget_devices)).await?;
        Ok(Changed { changed: true, user: user.user() })
    }
}
