//! The findings, what each means for its check, and how each is mended. Which answer of Okta's is which finding stands
//! in `of_error` alone.

use super::{Capability, CheckStatus, Verdict};
use crate::okta::{Error, Meaning, Refusal, TokenRefusal};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// Why a check is not simply ok.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The host name is not known, or leads to no public address.
    UnknownHost,
    /// Something answers there, but not Okta.
    NotOkta,
    /// Okta does not answer, or answers with its own failure.
    OktaUnavailable,
    /// Okta does not know the client, or not this way to sign in.
    InvalidClient,
    /// A policy or a network zone of the tenant refuses the client.
    AccessDenied,
    /// Okta has never seen the key that signs.
    KeyUnknown,
    /// Okta knew the key and no longer does.
    KeyRevoked,
    /// Okta cannot tell which key signed.
    KeyIdMissing,
    /// Our clock and Okta's disagree.
    ClockSkew,
    /// The proof of possession was refused.
    DpopFailed,
    /// The token was revoked or has ended.
    TokenRevoked,
    /// A scope is not granted.
    ScopeMissing,
    /// The admin role is missing or too narrow.
    RoleMissing,
    /// The organization has no licence for this.
    NotLicensed,
    /// The rate limit is reached.
    RateLimited,
    /// Okta cannot deliver to our hook.
    HookFailing,
    /// It was not tried.
    NotProbed,
}

impl Finding {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::UnknownHost,
        Self::NotOkta,
        Self::OktaUnavailable,
        Self::InvalidClient,
        Self::AccessDenied,
        Self::KeyUnknown,
        Self::KeyRevoked,
        Self::KeyIdMissing,
        Self::ClockSkew,
        Self::DpopFailed,
        Self::TokenRevoked,
        Self::ScopeMissing,
        Self::RoleMissing,
        Self::NotLicensed,
        Self::RateLimited,
        Self::HookFailing,
        Self::NotProbed,
    ];

    /// What the finding makes of its check.
    pub fn status(self) -> CheckStatus {
        match self {
            Self::RateLimited | Self::NotLicensed | Self::HookFailing => CheckStatus::Degraded,
            Self::NotProbed => CheckStatus::Unknown,
            _ => CheckStatus::Failed,
        }
    }

    /// What to do, in the words of Okta's Admin Console. `names` are the scopes or roles in question.
    pub fn fix(self, capability: Capability, names: &BTreeSet<String>) -> String {
        let named = names.iter().cloned().collect::<Vec<_>>().join(", ");
        let scopes = if named.is_empty() { capability.scopes().join(", ") } else { named };
        let fix = match self {
            Self::UnknownHost => "Check the domain: it must be your organization's own, as in acme.okta.com.",
            Self::NotOkta => {
                "Something answers in Okta's place: check the domain, and whether a proxy or firewall stands in between."
            }
            Self::OktaUnavailable => "Try again in a few minutes; status.okta.com tells about outages.",
            Self::InvalidClient => {
                "In the Admin Console, open Applications > your API Services app > General: copy its Client ID, and set Client authentication to Public key / Private key. For a web app, copy its Client ID and its client secret, and allow the grant types Authorization Code and Refresh Token."
            }
            Self::AccessDenied => {
                "A policy of the tenant refuses this app. In the Admin Console, open the app > General and Sign On, and see which policy or network zone applies to it."
            }
            Self::KeyUnknown => {
                "In the Admin Console, open the app > General > Client Credentials > Public Keys, choose 'Use a URL to fetch keys dynamically' and paste the connection's public key URL; or save the public key that belongs to the pasted private key."
            }
            Self::KeyRevoked => {
                "The key worked before and Okta no longer accepts it. Put it back under Client Credentials > Public Keys, or give the connection a new key."
            }
            Self::KeyIdMissing => "The app has several public keys, so Okta needs the key's ID: send it as key_id.",
            Self::ClockSkew => {
                "Set the clock of the machine that runs this service; it must agree with Okta's to within a minute."
            }
            Self::DpopFailed => {
                "Okta refused the proof of possession (DPoP). Check that no proxy changes requests to Okta; if it persists, report the request id."
            }
            Self::TokenRevoked => {
                "Okta no longer accepts the token. For an API token, make a new one under Security > API > Tokens and give it to the connection; for an app, see that it is active. For a user's sign-in, authorize again (POST /v1/connections/{id}/authorize)."
            }
            Self::NotLicensed => "Your organization has no licence for this feature; nothing else is affected.",
            Self::RateLimited => {
                "Okta's rate limit is reached; it works again within a minute. If it happens often, raise this app's share under Reports > Rate limits."
            }
            Self::HookFailing => "Check that the hook's URL can be reached from the internet.",
            Self::NotProbed => {
                "Nothing to do: this could not be found out without changing something, or there was no time."
            }
            Self::ScopeMissing => {
                return format!("In the Admin Console, open the app > Okta API Scopes and grant: {scopes}.");
            }
            // Signing in itself needs no particular role.
            Self::RoleMissing if capability.roles().is_empty() => {
                "In the Admin Console, open the app > Admin roles (for an API token: its owner's roles; for a user's sign-in: the user's) and assign a role that may read users, such as Read-Only Administrator."
            }
            Self::RoleMissing => {
                return format!(
                    "In the Admin Console, open the app > Admin roles (for an API token: its owner's roles; for a user's sign-in: the user's) and assign one of: {}.",
                    capability.roles()
                );
            }
        };
        fix.to_owned()
    }
}

/// What an error of Okta's means. `proved` are the keys that have signed in before.
pub fn of_error(error: &Error, proved: &BTreeSet<String>) -> Verdict {
    match error {
        Error::UnknownHost(detail) => Verdict::found(Finding::UnknownHost, detail.clone()),
        Error::Unreachable | Error::Timeout | Error::Broken => {
            Verdict::found(Finding::OktaUnavailable, error.to_string())
        }
        Error::ForeignUrl => Verdict::found(Finding::NotOkta, "an answer leads to another host"),
        Error::Unreadable(_) => Verdict::found(Finding::NotOkta, error.to_string()),
        Error::RateLimited { .. } => Verdict::found(Finding::RateLimited, error.to_string()),
        Error::RefreshToken(_) => Verdict::found(Finding::NotProbed, error.to_string()),
        Error::Key(detail) => Verdict::found(Finding::InvalidClient, detail.clone()),
        Error::Token(refusal) => of_token_refusal(refusal, proved),
        Error::Api(refusal) => of_refusal(refusal),
    }
}

/// A cause that the token endpoint names: words of its sentence, the finding, and what to do about this very cause.
type Cause = (&'static [&'static str], Finding, Option<&'static str>);

/// The token endpoint has one code for many causes; its sentence distinguishes them. The first that fits counts.
const CAUSES: &[Cause] = &[
    (
        &[
            "issued before the current time",
            "token is expired",
            "too far into the future",
            "issued in the future",
            "more than five minutes in the past",
            "proof jwt is expired",
        ],
        Finding::ClockSkew,
        None,
    ),
    (
        &["network zone"],
        Finding::AccessDenied,
        Some(
            "The app accepts requests from certain network zones only. In the Admin Console, open Security > Networks and add the addresses from which this service sends to a zone that the app allows (the app > General > Network zones).",
        ),
    ),
    (&["throttled", "rate limit"], Finding::RateLimited, None),
    (&["is not enabled", "isn't enabled in this environment"], Finding::NotLicensed, None),
    (&["dpop"], Finding::DpopFailed, None),
    (
        &["client_assertion token has already been used"],
        Finding::InvalidClient,
        Some(
            "Okta saw the same signed assertion twice. Check that no proxy repeats requests to Okta, then test the connection again.",
        ),
    ),
    (
        &["audience claim"],
        Finding::InvalidClient,
        Some(
            "The assertion was signed for another address than the one that Okta saw. Connect to the organization's own host, such as acme.okta.com, and check that no proxy changes the host of requests to Okta.",
        ),
    ),
    (
        &["must use the private_key_jwt", "either private_key_jwt"],
        Finding::InvalidClient,
        Some(
            "In the Admin Console, open the app > General > Client Credentials and set Client authentication to Public key / Private key.",
        ),
    ),
    (
        &["'application_type' of 'service'"],
        Finding::InvalidClient,
        Some(
            "The app is of another type. In the Admin Console, create an app integration of the type API Services and give its Client ID to the connection.",
        ),
    ),
    (
        &["client secret"],
        Finding::InvalidClient,
        Some(
            "In the Admin Console, open the app > General > Client Credentials, copy its client secret, and give it to the connection.",
        ),
    ),
    (&["scope", "consent"], Finding::ScopeMissing, None),
];

const GRANT_TYPE: &str = "In the Admin Console, open the app > General > Grant type: allow Client Credentials for an API Services app, Authorization Code and Refresh Token for a web app.";

fn of_token_refusal(refusal: &TokenRefusal, proved: &BTreeSet<String>) -> Verdict {
    let (finding, fix) = cause_of(refusal, proved);
    let code = (!refusal.error.is_empty()).then(|| refusal.error.clone());
    let detail = if refusal.description.is_empty() {
        format!("the token endpoint answered {}", refusal.status)
    } else {
        refusal.description.clone()
    };
    Verdict { okta_error_code: code, fix, ..Verdict::found(finding, detail) }
}

fn cause_of(refusal: &TokenRefusal, proved: &BTreeSet<String>) -> (Finding, Option<&'static str>) {
    let description = refusal.description.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| description.contains(word));
    let is_known = refusal.key_id.as_ref().is_some_and(|key_id| proved.contains(key_id));
    let of_key = if is_known { Finding::KeyRevoked } else { Finding::KeyUnknown };
    match refusal.error.as_str() {
        "E0000047" => (Finding::RateLimited, None),
        "E0000015" => (Finding::NotLicensed, None),
        "invalid_scope" | "insufficient_scope" | "consent_required" | "no_matching_scope" => {
            (Finding::ScopeMissing, None)
        }
        "invalid_client" | "invalid_request" if says(&["kid is invalid"]) => match &refusal.key_id {
            None => (Finding::KeyIdMissing, None),
            Some(_) => (of_key, None),
        },
        "invalid_client"
            if says(&["jwkset", "jwks_uri", "signature is invalid", "public key", "signing key", "encryption key"]) =>
        {
            (of_key, None)
        }
        "invalid_dpop_proof" | "use_dpop_nonce" if !says(CAUSES[0].0) => (Finding::DpopFailed, None),
        "unauthorized_client" | "unsupported_grant_type" => (Finding::InvalidClient, Some(GRANT_TYPE)),
        "server_error" | "temporarily_unavailable" => (Finding::OktaUnavailable, None),
        error => match CAUSES.iter().find(|(words, ..)| says(words)) {
            Some((_, finding, fix)) => (*finding, *fix),
            None if error == "invalid_grant" => (Finding::TokenRevoked, None),
            None if refusal.status.is_server_error() => (Finding::OktaUnavailable, None),
            None if error.is_empty() => (Finding::NotOkta, None),
            None if error == "access_denied" => (Finding::AccessDenied, None),
            None => (Finding::InvalidClient, None),
        },
    }
}

fn of_refusal(refusal: &Refusal) -> Verdict {
    let finding = match refusal.meaning() {
        Meaning::License => Finding::NotLicensed,
        Meaning::RateLimit => Finding::RateLimited,
        Meaning::Scope => Finding::ScopeMissing,
        Meaning::Proof => Finding::DpopFailed,
        Meaning::Credential => Finding::TokenRevoked,
        Meaning::Role => Finding::RoleMissing,
        Meaning::Trouble | Meaning::Busy => Finding::OktaUnavailable,
        // Okta knows the path and refuses what was asked for.
        _ if refusal.status == StatusCode::FORBIDDEN && !refusal.from_intermediary => Finding::OktaUnavailable,
        _ => Finding::NotOkta,
    };
    let code = (!refusal.code.is_empty()).then(|| refusal.code.clone());
    let detail = if refusal.from_intermediary {
        format!("a proxy or firewall answered {} with a page of HTML in Okta's place", refusal.status)
    } else if refusal.summary.is_empty() {
        format!("Okta answered {}", refusal.status)
    } else {
        refusal.summary.clone()
    };
    Verdict { okta_error_code: code, ..Verdict::found(finding, detail) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(error: &str, description: &str, key_id: Option<&str>) -> Option<Finding> {
        let refusal = TokenRefusal {
            status: StatusCode::UNAUTHORIZED,
            error: error.to_owned(),
            description: description.to_owned(),
            request_id: None,
            key_id: key_id.map(str::to_owned),
        };
        of_error(&Error::Token(refusal), &BTreeSet::from(["known".to_owned()])).finding
    }

    #[test]
    fn one_code_of_the_token_endpoint_has_many_causes() {
        use Finding::{
            AccessDenied, ClockSkew, DpopFailed, InvalidClient, KeyIdMissing, KeyRevoked, KeyUnknown, NotOkta,
            OktaUnavailable, RateLimited, ScopeMissing, TokenRevoked,
        };
        let kid = "The client_assertion JWT kid is invalid.";
        for (error, description, key_id, finding) in [
            ("invalid_client", kid, Some("new"), KeyUnknown),
            ("invalid_client", kid, Some("known"), KeyRevoked),
            ("invalid_client", kid, None, KeyIdMissing),
            ("invalid_client", "Error retrieving the client JWKSet from jwks_uri.", Some("new"), KeyUnknown),
            ("invalid_client", "The client_assertion signature is invalid.", Some("new"), KeyUnknown),
            ("invalid_client", "Invalid value for 'client_id' parameter.", Some("known"), InvalidClient),
            (
                "invalid_client",
                "The client_assertion token must be issued before the current time.",
                Some("known"),
                ClockSkew,
            ),
            ("invalid_client", "The client_assertion token is expired.", Some("known"), ClockSkew),
            ("invalid_dpop_proof", "The DPoP proof JWT is issued in the future.", Some("known"), ClockSkew),
            ("invalid_dpop_proof", "The DPoP proof JWT header is missing.", Some("known"), DpopFailed),
            ("invalid_scope", "One or more scopes are not configured.", Some("known"), ScopeMissing),
            ("", "", Some("known"), NotOkta),
            (
                "access_denied",
                "The request is made from outside the client's permitted network zones.",
                Some("known"),
                AccessDenied,
            ),
            ("access_denied", "", Some("known"), AccessDenied),
            ("invalid_client", "The client_assertion token has already been used.", Some("known"), InvalidClient),
            (
                "unauthorized_client",
                "The client is not authorized to use the grant type.",
                Some("known"),
                InvalidClient,
            ),
            ("invalid_request", "Request throttled due to repeated invalid client errors.", Some("known"), RateLimited),
            ("invalid_grant", "The refresh token is invalid or expired.", None, TokenRevoked),
            ("temporarily_unavailable", "", None, OktaUnavailable),
        ] {
            assert_eq!(token(error, description, key_id), Some(finding), "{error}: {description}");
        }
    }

    #[test]
    fn three_kinds_of_not_allowed_are_told_apart() {
        for (status, code, challenge, finding, outcome) in [
            (403, "", Some("insufficient_scope"), Finding::ScopeMissing, CheckStatus::Failed),
            (403, "E0000006", None, Finding::RoleMissing, CheckStatus::Failed),
            (403, "E0000005", None, Finding::TokenRevoked, CheckStatus::Failed),
            (401, "E0000015", None, Finding::NotLicensed, CheckStatus::Degraded),
            (401, "E0000011", None, Finding::TokenRevoked, CheckStatus::Failed),
            (401, "", Some("invalid_token"), Finding::TokenRevoked, CheckStatus::Failed),
            (400, "", Some("invalid_dpop_proof"), Finding::DpopFailed, CheckStatus::Failed),
            (429, "E0000047", None, Finding::RateLimited, CheckStatus::Degraded),
            (500, "E0000009", None, Finding::OktaUnavailable, CheckStatus::Failed),
            (404, "", None, Finding::NotOkta, CheckStatus::Failed),
        ] {
            let refusal = Refusal {
                status: StatusCode::from_u16(status).expect("a status"),
                code: code.to_owned(),
                challenge: challenge.map(str::to_owned),
                ..Refusal::default()
            };
            let verdict = of_error(&Error::Api(refusal), &BTreeSet::new());
            assert_eq!((verdict.finding, verdict.status), (Some(finding), outcome), "{status} {code}");
        }
    }
}
