//! The checks beside `connection`: what each needs, and how it is found out.

use super::{Check, Finding, SignIn, Verdict, of_error};
use crate::okta::api::Targets;
use crate::okta::{Client, ClientId, Credential, Principal, Request, Role, User, UserId, api};
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What a connection may be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Signing in.
    Connection,
    /// Reading people.
    SyncEmployees,
    /// Reading groups.
    SyncGroups,
    /// Reading applications.
    SyncApps,
    /// Reading places.
    SyncLocations,
    /// Reading the System Log.
    ReadLogs,
    /// Passwords, MFA, sessions.
    SecurityActions,
    /// Writing groups and memberships.
    GroupManagement,
    /// Making, suspending, deactivating, deleting people.
    UserLifecycle,
    /// Assigning applications.
    AppAssignment,
    /// Registering event hooks.
    EventHooks,
    /// Hearing of changes as they happen; only of connections that ask for it.
    Live,
}

impl Capability {
    /// All but signing in and `live`, in the order in which they are told.
    pub const ALL: [Self; 10] = [
        Self::SyncEmployees,
        Self::SyncGroups,
        Self::SyncApps,
        Self::SyncLocations,
        Self::ReadLogs,
        Self::SecurityActions,
        Self::GroupManagement,
        Self::UserLifecycle,
        Self::AppAssignment,
        Self::EventHooks,
    ];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        self.row().1
    }

    /// The scopes it needs.
    pub fn scopes(self) -> &'static [&'static str] {
        self.row().2
    }

    /// The standard admin roles, each of which suffices.
    pub fn roles(self) -> String {
        self.row().3.iter().map(|(_, title)| *title).collect::<Vec<_>>().join(", ")
    }

    fn suffices(self, role: &str) -> bool {
        self.row().3.iter().any(|(name, _)| *name == role)
    }

    /// Name, title, scopes, roles.
    fn row(self) -> (&'static str, &'static str, &'static [&'static str], &'static [(&'static str, &'static str)]) {
        const SUPER: (&str, &str) = ("SUPER_ADMIN", "Super Administrator");
        const ORG: (&str, &str) = ("ORG_ADMIN", "Organization Administrator");
        const APP: (&str, &str) = ("APP_ADMIN", "Application Administrator");
        const GROUP: (&str, &str) = ("USER_ADMIN", "Group Administrator");
        const MEMBERSHIP: (&str, &str) = ("GROUP_MEMBERSHIP_ADMIN", "Group Membership Administrator");
        const HELP_DESK: (&str, &str) = ("HELP_DESK_ADMIN", "Help Desk Administrator");
        const READ_ONLY: (&str, &str) = ("READ_ONLY_ADMIN", "Read-Only Administrator");
        const REPORT: (&str, &str) = ("REPORT_ADMIN", "Report Administrator");
        match self {
            Self::Connection => ("connection", "Connection", &[], &[]),
            Self::SyncEmployees => {
                ("sync_employees", "Sync all employees", &["okta.users.read"], &[READ_ONLY, ORG, SUPER])
            }
            Self::SyncGroups => ("sync_groups", "Sync all groups", &["okta.groups.read"], &[READ_ONLY, ORG, SUPER]),
            Self::SyncApps => ("sync_apps", "Sync all applications", &["okta.apps.read"], &[READ_ONLY, APP, SUPER]),
            Self::SyncLocations => {
                ("sync_locations", "Sync all locations", &["okta.users.read"], &[READ_ONLY, ORG, SUPER])
            }
            Self::ReadLogs => {
                ("read_logs", "Read the System Log", &["okta.logs.read"], &[READ_ONLY, REPORT, ORG, SUPER])
            }
            Self::SecurityActions => (
                "security_actions",
                "Reset passwords and MFA, end sessions",
                &["okta.users.manage"],
                &[HELP_DESK, GROUP, ORG, SUPER],
            ),
            Self::GroupManagement => (
                "group_management",
                "Manage groups and members",
                &["okta.groups.manage"],
                &[MEMBERSHIP, GROUP, ORG, SUPER],
            ),
            Self::UserLifecycle => {
                ("user_lifecycle", "Create, suspend and deactivate users", &["okta.users.manage"], &[GROUP, ORG, SUPER])
            }
            Self::AppAssignment => ("app_assignment", "Assign applications", &["okta.apps.manage"], &[APP, SUPER]),
            Self::EventHooks => ("event_hooks", "Receive events in real time", &["okta.eventHooks.manage"], &[SUPER]),
            Self::Live => ("live", "Follow changes as they happen", &["okta.eventHooks.manage"], &[SUPER]),
        }
    }
}

/// The standard roles whose permissions are known here; what any other role allows cannot be seen.
const KNOWN_ROLES: &[&str] = &[
    "SUPER_ADMIN",
    "ORG_ADMIN",
    "APP_ADMIN",
    "USER_ADMIN",
    "GROUP_MEMBERSHIP_ADMIN",
    "HELP_DESK_ADMIN",
    "READ_ONLY_ADMIN",
    "REPORT_ADMIN",
    "API_ACCESS_MANAGEMENT_ADMIN",
    "MOBILE_ADMIN",
];

/// What probing finds before it is told as checks.
struct Probe<'a> {
    client: &'a Client,
    scopes: &'a BTreeSet<String>,
    proved: &'a BTreeSet<String>,
    until: Instant,
}

const NO_TIME: &str = "there was no time to find out";

/// All checks beside `connection`, at once, until time is up.
pub async fn capabilities(
    signed_in: &SignIn,
    proved: &BTreeSet<String>,
    credential: &Credential,
    budget: Duration,
) -> Vec<Check> {
    let Some(client) = &signed_in.client else { return unprobed() };
    let probe = Probe { client, scopes: &signed_in.scopes, proved, until: Instant::now() + budget };
    let requests = [api::probe_users(), api::probe_groups(), api::probe_apps(), api::probe_logs()];
    let (users, groups, apps, logs, roles) = tokio::join!(
        probe.list(Capability::SyncEmployees, &requests[0]),
        probe.list(Capability::SyncGroups, &requests[1]),
        probe.list(Capability::SyncApps, &requests[2]),
        probe.list(Capability::ReadLogs, &requests[3]),
        probe.roles(credential),
    );
    let no_people = users.as_ref().is_ok_and(|count| *count == 0);
    // Every organization has a user, so an empty list means that none may be seen. Groups and applications may really
    // be empty for a role that is confined to some.
    let seen = |listed: Result<usize, Verdict>, empty: fn() -> Verdict| match listed {
        Ok(0) => empty(),
        Ok(_) => Verdict::ok("can be read"),
        Err(verdict) => verdict,
    };
    let people = seen(users, || {
        Verdict::found(Finding::RoleMissing, "Okta answers with an empty list of users: no admin role lets us see them")
    });
    let unsure = if no_people {
        || Verdict::found(Finding::RoleMissing, "Okta answers with empty lists: no admin role lets us see anything")
    } else {
        || {
            Verdict::found(
                Finding::NotProbed,
                "the list is empty; it cannot be told whether there is nothing or nothing may be seen",
            )
        }
    };
    let log_verdict = match logs {
        Ok(_) => Verdict::ok("can be read"),
        Err(verdict) => verdict,
    };
    let mut checks = vec![
        people.clone().of(Capability::SyncEmployees),
        seen(groups, unsure).of(Capability::SyncGroups),
        seen(apps, unsure).of(Capability::SyncApps),
        people.of(Capability::SyncLocations),
        log_verdict.of(Capability::ReadLogs),
    ];
    let writes = Capability::ALL.into_iter().skip(checks.len());
    checks.extend(writes.map(|capability| judge_write(capability, &signed_in.scopes, roles.as_deref()).of(capability)));
    checks
}

/// Nothing can be found out without signing in.
fn unprobed() -> Vec<Check> {
    let not_tried = || Verdict::found(Finding::NotProbed, "not tried without signing in");
    Capability::ALL.iter().map(|capability| not_tried().of(*capability)).collect()
}

/// Writing is never tried: the scope must be granted, and one of the roles, where they can be read, must suffice.
fn judge_write(capability: Capability, scopes: &BTreeSet<String>, roles: Option<&[String]>) -> Verdict {
    let missing: Vec<_> = capability.scopes().iter().filter(|scope| !scopes.contains(**scope)).copied().collect();
    if !missing.is_empty() {
        return Verdict::found(Finding::ScopeMissing, "the scope is not granted").naming(missing);
    }
    match roles {
        None => Verdict::found(Finding::NotProbed, "the scope is granted; the admin roles may not be read"),
        Some(roles) if roles.iter().any(|role| capability.suffices(role)) => {
            Verdict::ok("judged from scopes and admin roles, not tried")
        }
        Some(roles) if roles.iter().any(|role| !KNOWN_ROLES.contains(&role.as_str())) => Verdict::found(
            Finding::NotProbed,
            "the scope is granted; whether the custom or new role suffices cannot be seen",
        ),
        Some(_) => Verdict::found(Finding::RoleMissing, "no admin role suffices"),
    }
}

impl Probe<'_> {
    /// How many objects the first page of a list has.
    async fn list(&self, capability: Capability, request: &Request) -> Result<usize, Verdict> {
        let granted =
            |scope: &str| self.scopes.contains(scope) || self.scopes.contains(&scope.replace(".read", ".manage"));
        let missing: Vec<_> = capability.scopes().iter().filter(|scope| !granted(scope)).copied().collect();
        if !missing.is_empty() {
            return Err(Verdict::found(Finding::ScopeMissing, "the scope is not granted").naming(missing));
        }
        match timeout_at(self.until, self.client.page::<Box<RawValue>>(request)).await {
            Ok(Ok(page)) => Ok(page.items.len()),
            Ok(Err(error)) => Err(of_error(&error, self.proved)),
            Err(_) => Err(Verdict::found(Finding::NotProbed, NO_TIME)),
        }
    }

    /// The types of the active admin roles; `None` where they may not be read.
    async fn roles(&self, credential: &Credential) -> Option<Vec<String>> {
        let read = async {
            let holder = match credential {
                Credential::PrivateKeyJwt(identity, _) if self.scopes.contains("okta.roles.read") => {
                    Principal::Client(ClientId::parse(&identity.client_id).ok()?)
                }
                Credential::AuthorizationCode(..) if !self.scopes.contains("okta.roles.read") => return None,
                Credential::ApiToken(_) | Credential::AuthorizationCode(..) => {
                    let owner: User = self.client.fetch(&api::get_me()).await.ok()?;
                    Principal::User(UserId::parse(owner.id.as_str()).ok()?)
                }
                _ => return None,
            };
            let request = api::list_roles_of(&holder, Targets::Groups);
            let page = self.client.page::<Role>(&request).await.ok()?;
            let active = page.items.into_iter().filter(|role| role.status.as_deref() != Some("INACTIVE"));
            // One that cannot be read is a role as well, of a kind that is not known here.
            let unknown = page.bad.iter().map(|_| String::new());
            Some(active.map(|role| role.role_type.unwrap_or_default()).chain(unknown).collect())
        };
        timeout_at(self.until, read).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::super::CheckStatus;
    use super::*;

    #[test]
    fn writing_is_judged_from_scopes_and_roles() {
        let granted = BTreeSet::from(["okta.users.manage".to_owned()]);
        let roles = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (scopes, roles, finding, status) in [
            (&BTreeSet::new(), Some(roles(&["SUPER_ADMIN"])), Some(Finding::ScopeMissing), CheckStatus::Failed),
            (&granted, None, Some(Finding::NotProbed), CheckStatus::Unknown),
            (&granted, Some(roles(&["SUPER_ADMIN"])), None, CheckStatus::Ok),
            (&granted, Some(roles(&["HELP_DESK_ADMIN"])), Some(Finding::RoleMissing), CheckStatus::Failed),
            (&granted, Some(roles(&["CUSTOM"])), Some(Finding::NotProbed), CheckStatus::Unknown),
            (&granted, Some(roles(&["ACCESS_REQUESTS_ADMIN", ""])), Some(Finding::NotProbed), CheckStatus::Unknown),
            (&granted, Some(roles(&[])), Some(Finding::RoleMissing), CheckStatus::Failed),
        ] {
            let verdict = judge_write(Capability::UserLifecycle, scopes, roles.as_deref());
            assert_eq!((verdict.finding, verdict.status), (finding, status));
        }
    }
}
