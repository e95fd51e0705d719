//! Okta's identifiers as types: one path segment each, never empty, `.`, `..` or `me`.
//!
//! The `url` crate drops `.` and `..` segments without a word, and an empty one turns "delete one" into "delete the
//! collection"; so an id is checked when it is made, and a path can only be built from ids.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text cannot be an id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an Okta id: it must be one path segment, and none of '', '.', '..', 'me'")]
pub struct NotAnId;

/// What may stand in a segment of a path as it is (RFC 3986, section 3.3); everything else is percent-encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'{')
    .remove(b'}');

/// Any text as one segment of a path. What would name another object altogether is for the caller to refuse.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// True for a text that can stand as one segment of a path and names one object.
fn is_id(text: &str) -> bool {
    !matches!(text, "" | "." | ".." | "me")
        && text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

macro_rules! okta_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(inline)]
        pub struct $name(String);

        impl $name {
            /// Checks the text.
            pub fn parse(text: &str) -> Result<Self, NotAnId> {
                if is_id(text) { Ok(Self(text.to_owned())) } else { Err(NotAnId) }
            }

            /// Stands for an id in a request that is described and never sent: a reference as it was given, or a
            /// `{placeholder}` for what is known only after a read. It stays one segment.
            pub fn described(text: &str) -> Self {
                Self(segment(text))
            }

            /// As Okta writes it.
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
            type Error = NotAnId;
            fn try_from(text: String) -> Result<Self, NotAnId> {
                if is_id(&text) { Ok(Self(text)) } else { Err(NotAnId) }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

okta_id!(
    /// A user (`00u…`).
    UserId
);
okta_id!(
    /// A group (`00g…`).
    GroupId
);
okta_id!(
    /// An app instance (`0oa…`).
    AppId
);
okta_id!(
    /// A user type (`oty…`).
    TypeId
);
okta_id!(
    /// A schema of users' profiles: `default`, or `osc…`.
    SchemaId
);
okta_id!(
    /// An OAuth client, which is also an app instance (`0oa…`).
    ClientId
);

/// What can hold an admin role.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Principal {
    /// A user.
    User(UserId),
    /// A group: all its members hold the role.
    Group(GroupId),
    /// An OAuth client.
    Client(ClientId),
}

impl Principal {
    /// As Okta writes the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "USER",
            Self::Group(_) => "GROUP",
            Self::Client(_) => "CLIENT",
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::User(id) => id.as_str(),
            Self::Group(id) => id.as_str(),
            Self::Client(id) => id.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_would_name_another_object_is_no_id() {
        for text in ["", ".", "..", "me", "a/b", "a b", "a?b", "a#b", "%2e", "ü", "a\n"] {
            assert_eq!(UserId::parse(text), Err(NotAnId), "{text:?}");
        }
        assert_eq!(UserId::parse("00unwlw0tbo8E6aVj5d7").map(String::from).as_deref(), Ok("00unwlw0tbo8E6aVj5d7"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_text_is_one_segment_and_reads_back(text in ".{1,40}") {
            prop_assume!(!matches!(text.as_str(), "." | ".."));
            let url = url::Url::parse(&format!("https://acme.okta.com/api/v1/users/{}/groups", segment(&text))).expect("a URL");
            let segments: Vec<_> = url.path_segments().expect("https has a path").collect();
            prop_assert_eq!(segments.len(), 5);
            let read = percent_encoding::percent_decode_str(segments[3]).decode_utf8().expect("UTF-8");
            prop_assert_eq!(read.as_ref(), text.as_str());
        }

        #[test]
        fn an_id_stays_one_path_segment(text in ".{0,40}") {
            if let Ok(id) = UserId::parse(&text) {
                let url = url::Url::parse(&format!("https://acme.okta.com/api/v1/users/{id}/groups")).expect("an id is safe in a URL");
                let segments: Vec<_> = url.path_segments().expect("https has a path").collect();
                prop_assert_eq!(segments, vec!["api", "v1", "users", text.as_str(), "groups"]);
            }
        }
    }
}
