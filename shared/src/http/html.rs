//! What all pages have in common: text stays text, and a browser does nothing with them but show them.

use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

/// Nothing is framed, sent, kept, or told to the next page.
const STRICT: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Forbids a browser to load or run anything; the page's own style is allowed by its SHA-256, in base64.
pub(super) fn guard(response: &mut Response, style: Option<&str>) {
    for (name, value) in STRICT {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let style = style.map(|hash| format!(" style-src 'sha256-{hash}';")).unwrap_or_default();
    let policy = format!("default-src 'none';{style} base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// Text as it may stand in a page.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
