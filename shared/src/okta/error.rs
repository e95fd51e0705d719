//! What can come of a request to Okta, sorted by what the reader can do about it.

use super::null;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;

/// Why there is no good answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The URL is not of the connection's own origin: nothing was sent.
    #[error("refused to send a request to another host")]
    ForeignUrl,
    /// The host name is not known, or leads to an address that is not public: nothing was sent.
    #[error("{0}")]
    UnknownHost(String),
    /// The connection never opened: nothing was sent.
    #[error("Okta could not be reached")]
    Unreachable,
    /// The answer did not come in time; a request that writes may have been carried out.
    #[error("Okta did not answer in time")]
    Timeout,
    /// The connection broke before the whole answer came; a request that writes may have been carried out.
    #[error("the connection to Okta broke before its answer came")]
    Broken,
    /// Too many requests; nothing was carried out.
    #[error("Okta's rate limit is reached until {until}")]
    RateLimited {
        /// When it may be tried again.
        until: Timestamp,
    },
    /// The token endpoint refused.
    #[error("Okta refused a token: {}", .0.describe())]
    Token(TokenRefusal),
    /// The API refused.
    #[error("Okta answered {}", .0.describe())]
    Api(Refusal),
    /// The answer is not what Okta's API answers: not JSON, cut short, or too large.
    #[error("Okta's answer cannot be read: {0}")]
    Unreadable(String),
    /// The refresh token of a sign-in could not be read or stored; the text names no secret.
    #[error("the refresh token is not at hand: {0}")]
    RefreshToken(String),
    /// A stored key cannot sign.
    #[error("the private key cannot sign: {0}")]
    Key(String),
}

/// An error of the token endpoint (RFC 6749, section 5.2).
#[derive(Clone, Debug)]
pub struct TokenRefusal {
    /// HTTP status.
    pub status: StatusCode,
    /// The error code, such as `invalid_client`.
    pub error: String,
    /// Okta's sentence about it.
    pub description: String,
    /// `x-okta-request-id`.
    pub request_id: Option<String>,
    /// The `kid` that signed, if one was sent.
    pub key_id: Option<String>,
}

/// An error of the management API.
#[derive(Clone, Debug, Default)]
pub struct Refusal {
    /// HTTP status.
    pub status: StatusCode,
    /// Okta's code, such as `E0000006`; empty where the body has none.
    pub code: String,
    /// Okta's sentence.
    pub summary: String,
    /// Okta's sentences about the causes.
    pub causes: Vec<String>,
    /// `error` of the `WWW-Authenticate` header, such as `insufficient_scope`.
    pub challenge: Option<String>,
    /// `x-okta-request-id`.
    pub request_id: Option<String>,
    /// True for a page of HTML: a proxy or a firewall answered in Okta's place.
    pub from_intermediary: bool,
    /// When it makes sense to try again what Okta is busy with.
    pub retry_at: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    #[serde(rename = "errorCode", deserialize_with = "null::as_default")]
    code: String,
    #[serde(rename = "errorSummary", deserialize_with = "null::as_default")]
    summary: String,
    #[serde(rename = "errorCauses", deserialize_with = "null::as_default")]
    causes: Vec<Cause>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cause {
    #[serde(rename = "errorSummary", deserialize_with = "null::as_default")]
    summary: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OAuthBody {
    #[serde(deserialize_with = "null::as_default")]
    error: String,
    #[serde(deserialize_with = "null::as_default")]
    error_description: String,
}

/// Without line ends, so that Okta's text cannot begin a line of its own in a log.
fn in_one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

impl TokenRefusal {
    /// Reads an error answer of the token endpoint.
    pub fn of(status: StatusCode, headers: &HeaderMap, body: &[u8], key_id: Option<String>) -> Self {
        let OAuthBody { mut error, mut error_description } = serde_json::from_slice(body).unwrap_or_default();
        if error.is_empty() {
            let management: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
            (error, error_description) = (management.code, management.summary);
        }
        let error = in_one_line(&error);
        let description = in_one_line(&error_description);
        Self { status, error, description, request_id: request_id(headers), key_id }
    }

    fn describe(&self) -> String {
        if self.error.is_empty() { self.status.to_string() } else { format!("{} ({})", self.error, self.description) }
    }
}

impl Refusal {
    /// Reads an error answer of the management API, or of a gateway in front of it.
    pub fn of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
        let from_intermediary = !is_json && body.trim_ascii_start().starts_with(b"<");
        let body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
        Self {
            status,
            from_intermediary,
            retry_at: None,
            code: in_one_line(&body.code),
            summary: in_one_line(&body.summary),
            causes: body.causes.iter().map(|cause| in_one_line(&cause.summary)).collect(),
            challenge: challenge_error(headers),
            request_id: request_id(headers),
        }
    }

    fn describe(&self) -> String {
        let mut text = self.status.to_string();
        for part in [Some(&self.code), Some(&self.summary), self.causes.first(), self.challenge.as_ref()] {
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                text.push_str(", ");
                text.push_str(part);
            }
        }
        text
    }
}

/// Seconds of a `Retry-After` header; a date there is not read, since Okta sends none.
pub fn retry_after(headers: &HeaderMap) -> Option<u32> {
    headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// `x-okta-request-id`.
pub fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get("x-okta-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned)
}

/// `error="…"` of a `WWW-Authenticate` header.
pub fn challenge_error(headers: &HeaderMap) -> Option<String> {
    headers.get_all(http::header::WWW_AUTHENTICATE).iter().find_map(|line| {
        let line = line.to_str().ok()?;
        let start = line.find("error=\"")? + "error=\"".len();
        line[start..].split('"').next().map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_error_body_of_any_shape_is_survived() {
        let headers = HeaderMap::new();
        for body in ["", "<html>", "null", "[]", "{\"status\":404,\"message\":\"Resource not found\"}", "\u{0}"] {
            let refusal = Refusal::of(StatusCode::NOT_FOUND, &headers, body.as_bytes());
            assert_eq!((refusal.code.as_str(), refusal.causes.len()), ("", 0), "{body}");
        }
    }

    #[test]
    fn the_token_endpoint_may_answer_in_either_shape() {
        let management = br#"{"errorCode":"E0000047","errorSummary":"Too many.","errorCauses":[]}"#;
        let refusal = TokenRefusal::of(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), management, None);
        assert_eq!(refusal.error, "E0000047");
    }

    #[test]
    fn the_challenge_names_the_error() {
        let mut headers = HeaderMap::new();
        let line = "DPoP algs=\"RS256 ES256\", realm=\"http://acme.okta.com\", error=\"invalid_dpop_proof\", error_description=\"used\"";
        headers.insert(http::header::WWW_AUTHENTICATE, line.parse().expect("a header value"));
        assert_eq!(challenge_error(&headers).as_deref(), Some("invalid_dpop_proof"));
    }

    #[test]
    fn one_of_several_challenges_names_the_error() {
        let mut headers = HeaderMap::new();
        for line in ["Bearer realm=\"http://acme.okta.com\"", "DPoP algs=\"ES256\", error=\"invalid_token\""] {
            headers.append(http::header::WWW_AUTHENTICATE, line.parse().expect("a header value"));
        }
        assert_eq!(challenge_error(&headers).as_deref(), Some("invalid_token"));
    }

    proptest! {
        #[test]
        fn no_error_answer_panics(body in any::<Vec<u8>>(), text in ".{0,80}", challenge in any::<Vec<u8>>()) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = http::HeaderValue::from_bytes(&challenge) {
                headers.insert(http::header::WWW_AUTHENTICATE, value);
            }
            let json = serde_json::json!({"errorCode": text, "error": text, "errorCauses": [{"errorSummary": text}]});
            for body in [body, json.to_string().into_bytes()] {
                let refusal = Refusal::of(StatusCode::FORBIDDEN, &headers, &body);
                let token = TokenRefusal::of(StatusCode::BAD_REQUEST, &headers, &body, None);
                prop_assert!(refusal.describe().starts_with("403") && !token.describe().is_empty());
            }
        }
    }
}
