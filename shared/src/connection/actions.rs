//! The words and names that `permissions.actions` may hold.

/// Words that allow every action of an effect; `credentials` allows answers that carry a credential, `all` everything.
pub const WORDS: [&str; 5] = ["read", "write", "destructive", "credentials", "all"];

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
