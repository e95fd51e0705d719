//! Our own identifiers: a prefix that says what it is, and an opaque rest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $make:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(inline)]
        pub struct $name(String);

        impl $name {
            /// A new one that nobody has had.
            pub fn random() -> Self {
                let make: fn() -> Uuid = $make;
                Self(format!(concat!($prefix, "{}"), make().simple()))
            }

            /// Reads one; `None` for anything this service never made.
            pub fn parse(text: &str) -> Option<Self> {
                let rest = text.strip_prefix($prefix)?;
                (rest.len() == 32 && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
                    .then(|| Self(text.to_owned()))
            }

            /// As it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text).ok_or("not an id of this service")
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

opaque_id!(
    /// A connection to one Okta tenant.
    ConnectionId, "conn_", Uuid::new_v4
);
opaque_id!(
    /// One run of a sync; later runs sort after earlier ones.
    SyncId, "sync_", Uuid::now_v7
);

opaque_id!(
    /// A row of the audit; later rows sort after earlier ones.
    AuditId, "aud_", Uuid::now_v7
);

opaque_id!(
    /// A trigger; later ones sort after earlier ones.
    TriggerId, "trg_", Uuid::now_v7
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_this_service_makes_are_read() {
        let id = ConnectionId::random();
        assert_eq!(ConnectionId::parse(id.as_str()), Some(id.clone()));
        for text in
            ["", "conn_", "conn_1", "sync_0123456789abcdef0123456789abcdef", "conn_0123456789ABCDEF0123456789ABCDEF"]
        {
            assert_eq!(ConnectionId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_later_sync_sorts_after_an_earlier_one() {
        let (first, second) = (SyncId::random(), SyncId::random());
        assert!(first < second);
    }
}
