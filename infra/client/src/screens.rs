//! Where to click in Okta's admin console, with its own names.

/// The app of a connection that signs in with a key.
pub const API_SERVICES: &str =
    "Applications > Applications > Create App Integration > API Services. Name it, and save.";
/// Its key; the public key URL follows.
pub const KEY_URL: &str =
    "General > Client Credentials > Edit: Public key / Private key, and Use a URL to fetch keys dynamically:";
/// Its scopes.
pub const SCOPES: &str = "Okta API Scopes: grant okta.users.read, okta.groups.read, okta.apps.read, okta.logs.read, \
                          and what else is to be done.";
/// Its role.
pub const ROLES: &str = "Admin roles: assign Read-only Administrator, or a role that may do what is to be done.";
/// An API token.
pub const TOKEN: &str = "Security > API > Tokens > Create token. The token can do what its owner can.";
/// The app of a connection that users sign in to.
pub const WEB_APP: &str = "Applications > Applications > Create App Integration > OIDC > Web Application.";
/// What it must be able to do.
pub const GRANT_TYPES: &str =
    "Grant types: Authorization Code and Refresh Token. Save; then grant the scopes under Okta API Scopes.";
