//! Rate limits: buckets an organization has, and the one-minute windows a principal spends them in.
//!
//! A principal sees half of a bucket. Its window opens with its first request and ends a minute later, so resets are
//! not aligned to the minute and differ between principals.

use std::collections::HashMap;

/// The length of a window in seconds.
const WINDOW: i64 = 60;

/// A group of endpoints that spend one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// `/api/v1/apps` and everything under an app.
    Apps,
    /// One app.
    App,
    /// `/api/v1/groups` and everything under a group.
    Groups,
    /// One group.
    Group,
    /// Listing and creating users.
    Users,
    /// Reading one user.
    User,
    /// Changing or deleting one user.
    UserWrite,
    /// The System Log.
    Logs,
    /// Devices.
    Devices,
    /// OAuth clients.
    Clients,
    /// The token endpoint.
    Token,
    /// Everything else.
    Other,
}

impl Bucket {
    /// The bucket's name and its size a minute, of the Workforce column of Okta's last published table.
    pub const fn row(self) -> (&'static str, u32) {
        match self {
            Bucket::Apps => ("/api/v1/apps*", 100),
            Bucket::App => ("/api/v1/apps/{id}", 500),
            Bucket::Groups => ("/api/v1/groups*", 500),
            Bucket::Group => ("/api/v1/groups/{id}", 1000),
            Bucket::Users => ("/api/v1/users", 600),
            Bucket::User => ("GET /api/v1/users/{id}", 2000),
            Bucket::UserWrite => ("/api/v1/users/{id}", 600),
            Bucket::Logs => ("/api/v1/logs", 120),
            Bucket::Devices => ("/api/v1/devices", 100),
            Bucket::Clients => ("/oauth2/v1/clients", 100),
            Bucket::Token => ("/oauth2/v1/token", 2000),
            Bucket::Other => ("/api/v1", 1200),
        }
    }
}

/// What one request may know of its limit: the three `x-rate-limit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The principal's share of the bucket.
    pub limit: u32,
    /// Requests left in the window.
    pub remaining: u32,
    /// When the window ends, in seconds since 1970.
    pub reset: i64,
}

/// The windows of every principal.
#[derive(Debug, Default)]
pub struct Limits {
    size: Option<u32>,
    windows: HashMap<(String, Bucket), Window>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    end: i64,
    used: u32,
}

impl Limits {
    /// Limits where every bucket has this size, or its own.
    pub fn new(size: Option<u32>) -> Limits {
        Limits { size, windows: HashMap::new() }
    }

    /// Spends one request: the quota after it, and whether it was still within the share.
    pub fn spend(&mut self, principal: &str, bucket: Bucket, now: i64) -> (Quota, bool) {
        let limit = (self.size.unwrap_or(bucket.row().1) / 2).max(1);
        let key = (principal.to_owned(), bucket);
        let window = self.windows.entry(key).or_insert(Window { end: 0, used: 0 });
        if now >= window.end {
            *window = Window { end: now + WINDOW, used: 0 };
        }
        let within = window.used < limit;
        window.used = window.used.saturating_add(1);
        (Quota { limit, remaining: limit.saturating_sub(window.used), reset: window.end }, within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_has_half_a_bucket_until_its_own_minute_ends() {
        let mut limits = Limits::new(Some(4));
        assert_eq!(limits.spend("a", Bucket::Users, 17), (Quota { limit: 2, remaining: 1, reset: 77 }, true));
        assert_eq!(limits.spend("a", Bucket::Users, 30), (Quota { limit: 2, remaining: 0, reset: 77 }, true));
        assert_eq!(limits.spend("a", Bucket::Users, 76), (Quota { limit: 2, remaining: 0, reset: 77 }, false));
        assert_eq!(limits.spend("b", Bucket::Users, 76), (Quota { limit: 2, remaining: 1, reset: 136 }, true));
        assert_eq!(limits.spend("a", Bucket::Logs, 76), (Quota { limit: 2, remaining: 1, reset: 136 }, true));
        assert_eq!(limits.spend("a", Bucket::Users, 77), (Quota { limit: 2, remaining: 1, reset: 137 }, true));
    }

    #[test]
    fn buckets_have_their_published_sizes() {
        let mut limits = Limits::new(None);
        assert_eq!(limits.spend("a", Bucket::Apps, 0).0.limit, 50);
        assert_eq!(limits.spend("a", Bucket::User, 0).0.limit, 1000);
    }
}
