//! Actions on users.

pub mod credentials;
pub mod lifecycle;
pub mod mfa;
pub mod offboard;
pub mod profile;
pub mod read;

use super::lookup::{UserRef, found};
use super::object::{Found, Object, User};
use super::run::Run;
use crate::okta::{Request, UserId, api};
use crate::problem::Problem;
use schemars::JsonSchema;
use serde::Serialize;

/// The scopes of an action that changes a user.
pub const MANAGE: &[&str] = &["okta.users.manage", "okta.users.read"];
/// The scope of an action that reads users.
pub const READ: &[&str] = &["okta.users.read"];

/// What became of a user.
#[derive(Serialize, JsonSchema)]
pub struct Changed {
    /// False where there was nothing to do.
    pub changed: bool,
    /// The user as it now is.
    pub user: User,
}

impl Run {
    /// Brings a user into another state, unless it has been reached already.
    pub async fn bring(
        &mut self,
        reference: &UserRef,
        reached: &[&str],
        step: impl FnOnce(&UserId) -> Request,
    ) -> Result<Changed, Problem> {
        let user = self.user(reference).await?;
        if reached.contains(&user.status()) {
            return Ok(Changed { changed: false, user: user.user() });
        }
        self.change(&step(&user.id)).await?;
        Ok(Changed { changed: true, user: self.now(&user).await })
    }

    /// A user as it is after a change. The change was made, whatever comes of reading it again.
    pub async fn now(&mut self, user: &Found<UserId>) -> User {
        let read = self.fetch::<Object>(&api::get_user(&user.id)).await;
        let read = read.ok().and_then(|object| found(object).ok());
        read.filter(|read| read.id == user.id).unwrap_or_else(|| user.clone()).user()
    }
}
