//! A whole answer of Okta's, whatever its status.

use super::error::request_id;
use http::{HeaderMap, StatusCode};

/// A whole answer.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, unpacked.
    pub body: Vec<u8>,
}

impl Answer {
    /// `x-okta-request-id`.
    pub fn request_id(&self) -> Option<String> {
        request_id(&self.headers)
    }
}
