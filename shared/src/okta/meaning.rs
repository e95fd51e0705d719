//! What a refusal of Okta's management API means, by its status, its code, and where the code says little, its sentence.
//!
//! One table for problems, findings and syncs. The codes are those of Okta's published list
//! (<https://developer.okta.com/docs/reference/error-codes/>); a status alone says little, since Okta answers 403 for
//! missing rights and wrong states alike.

use super::error::Refusal;
use http::StatusCode;

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The credential is not accepted.
    Credential,
    /// The scope was not granted.
    Scope,
    /// The proof of possession was not accepted.
    Proof,
    /// The role does not allow it.
    Role,
    /// The organization has no license for it.
    License,
    /// Too many requests.
    RateLimit,
    /// Okta says that it will work later.
    Busy,
    /// Not possible in the state that the object is in.
    State,
    /// There is such an object already.
    Exists,
    /// There is no such object.
    NotFound,
    /// A filter or search is not understood.
    Filter,
    /// A cursor is not accepted.
    Paging,
    /// Refused for any other reason.
    Rejected,
    /// Okta is in trouble.
    Trouble,
    /// Something between us and Okta answered in Okta's place.
    Intermediary,
}

const BUSY: &[&str] = &[
    "E0000103", "E0000112", "E0000150", "E0000151", "E0000239", "E0000249", "E0000253", "E0000254", "E0000265",
    "E0000268",
];
const STATE: &[&str] = &[
    "E0000016", "E0000017", "E0000032", "E0000034", "E0000035", "E0000036", "E0000038", "E0000069", "E0000079",
    "E0000086", "E0000104", "E0000107", "E0000117", "E0000119", "E0000132", "E0000152", "E0000154", "E0000155",
    "E0000165", "E0000180", "E0000217",
];
const EXISTS: &[&str] = &[
    "E0000040", "E0000055", "E0000062", "E0000088", "E0000090", "E0000096", "E0000108", "E0000120", "E0000136",
    "E0000157", "E0000161", "E0000171", "E0000182", "E0000183", "E0000197", "E0000202", "E0000230", "E0000232",
    "E0000263",
];
/// Okta answers these with 404, and they are not about an object.
const NOT_ABOUT_AN_OBJECT: &[&str] = &["E0000012", "E0000026", "E0000191", "E0000258"];

impl Refusal {
    /// True where Okta itself says that there is no such object. A page of HTML with that status is not Okta's.
    pub fn is_absence(&self) -> bool {
        self.status == StatusCode::NOT_FOUND && !self.from_intermediary
    }

    /// What it means.
    pub fn meaning(&self) -> Meaning {
        let status = self.status.as_u16();
        let code = self.code.as_str();
        let is = |codes: &[&str]| codes.contains(&code);
        match (status, code) {
            (429, _) | (_, "E0000047") => Meaning::RateLimit,
            (400..=499, _) if self.from_intermediary => Meaning::Intermediary,
            (_, "E0000015") => Meaning::License,
            (400..=499, _) if self.challenged_with("insufficient_scope") => Meaning::Scope,
            (400..=499, _) if self.challenged_with("invalid_dpop_proof") || self.challenged_with("use_dpop_nonce") => {
                Meaning::Proof
            }
            (_, "E0000005" | "E0000011") => Meaning::Credential,
            _ if is(BUSY) || self.says_later() => Meaning::Busy,
            _ if is(STATE) => Meaning::State,
            _ if is(EXISTS) => Meaning::Exists,
            (401, _) => Meaning::Credential,
            (403, "" | "E0000006") => Meaning::Role,
            (404, _) if !is(NOT_ABOUT_AN_OBJECT) => Meaning::NotFound,
            (410, "E0000153" | "E0000156") => Meaning::NotFound,
            (400, "E0000029" | "E0000054") => Meaning::Paging,
            (400, "E0000031") if self.is_about_a_cursor() => Meaning::Paging,
            (400, "E0000031" | "E0000053" | "E0000094") => Meaning::Filter,
            (400 | 409, "E0000001" | "E0000195") if self.says("already exists") => Meaning::Exists,
            (400..=499 | 501, _) => Meaning::Rejected,
            _ => Meaning::Trouble,
        }
    }

    /// True where Okta says that nothing was changed, although its status is one of trouble.
    pub fn says_not_done(&self) -> bool {
        // In read-only mode; not implemented; not supported.
        matches!(self.code.as_str(), "E0000010" | "E0000052" | "E0000060")
    }

    /// True where a cursor is refused, rather than the search that it belongs to.
    pub fn is_about_a_cursor(&self) -> bool {
        self.code == "E0000029" || self.says("cursor")
    }

    fn challenged_with(&self, error: &str) -> bool {
        self.challenge.as_deref() == Some(error)
    }

    /// True where a sentence of Okta's holds these words.
    fn says(&self, words: &str) -> bool {
        self.causes.iter().chain([&self.summary]).any(|sentence| sentence.to_ascii_lowercase().contains(words))
    }

    /// True for a refusal of the request, not of the caller, that asks for patience.
    fn says_later(&self) -> bool {
        let may_pass = matches!(self.status.as_u16(), 403 | 409 | 423);
        let words = ["try again later", "try again in ", "please try again", "please retry", "try again shortly"];
        may_pass && words.iter().any(|words| self.says(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    fn refusal(status: u16, code: &str, summary: &str, challenge: Option<&str>) -> Refusal {
        Refusal {
            status: StatusCode::from_u16(status).expect("a status"),
            code: code.to_owned(),
            summary: summary.to_owned(),
            challenge: challenge.map(str::to_owned),
            ..Refusal::default()
        }
    }

    #[test]
    fn a_refusal_means_what_its_code_and_sentence_say() {
        for (status, code, summary, meaning) in [
            (403, "E0000005", "Invalid session", Meaning::Credential),
            (401, "E0000011", "", Meaning::Credential),
            (401, "", "", Meaning::Credential),
            (403, "E0000006", "", Meaning::Role),
            (403, "", "", Meaning::Role),
            (401, "E0000015", "", Meaning::License),
            (403, "E0000107", "", Meaning::State),
            (423, "E0000155", "", Meaning::State),
            (409, "E0000112", "", Meaning::Busy),
            (423, "E0000239", "", Meaning::Busy),
            (409, "E0000999", "Still being set up. Please try again later.", Meaning::Busy),
            (
                403,
                "E0000082",
                "Each code can only be used once. Please wait for a new code and try again.",
                Meaning::Rejected,
            ),
            (409, "E0000055", "", Meaning::Exists),
            (400, "E0000001", "login: An object with this field already exists", Meaning::Exists),
            (400, "E0000001", "Property name 'x' is not defined", Meaning::Rejected),
            (403, "E0000023", "", Meaning::Rejected),
            (405, "E0000022", "", Meaning::Rejected),
            (410, "E0000156", "", Meaning::NotFound),
            (404, "E0000007", "", Meaning::NotFound),
            (404, "", "", Meaning::NotFound),
            (400, "E0000029", "", Meaning::Paging),
            (400, "E0000031", "Invalid cursor.", Meaning::Paging),
            (400, "E0000031", "Invalid search query.", Meaning::Filter),
            (501, "E0000060", "", Meaning::Rejected),
            (500, "E0000009", "", Meaning::Trouble),
            (502, "", "", Meaning::Trouble),
            (429, "", "", Meaning::RateLimit),
        ] {
            assert_eq!(refusal(status, code, summary, None).meaning(), meaning, "{status} {code} {summary}");
        }
    }

    #[test]
    fn a_challenge_says_more_than_a_status() {
        for (status, challenge, meaning) in [
            (403, "insufficient_scope", Meaning::Scope),
            (400, "invalid_dpop_proof", Meaning::Proof),
            (401, "use_dpop_nonce", Meaning::Proof),
            (401, "invalid_token", Meaning::Credential),
        ] {
            assert_eq!(refusal(status, "", "", Some(challenge)).meaning(), meaning, "{status} {challenge}");
        }
    }
}
