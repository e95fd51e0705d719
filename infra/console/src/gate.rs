//! Who may use the pages: a browser on this machine, and no other site through it.
//!
//! A page of another site can have a browser send forms here, and a name that leads to this machine can have it read pages.
//! The first lacks the key that is in each of our forms, the second is told by its `Host`.

use crate::{Console, page};
use aws_lc_rs::rand;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use okta_connector_client::is_loopback;
use subtle::ConstantTimeEq;
use url::Url;

/// The name of the key in a form.
pub const FIELD: &str = "form_key";
/// The largest form.
const MOST_BYTES: usize = 256 * 1024;

/// Nothing but what this server sends is loaded, run or sent to.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What only pages of this process know.
pub struct Key(String);

impl Key {
    /// A new one.
    pub fn random() -> Option<Self> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).ok()?;
        Some(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// As it stands in forms.
    pub fn text(&self) -> &str {
        &self.0
    }

    fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

/// Lets in whoever may use the pages.
pub fn guard(router: Router, console: Console) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| {
        let console = console.clone();
        async move {
            let mut response = match checked(&console.key, request).await {
                Ok(request) => next.run(request).await,
                Err(why) => (StatusCode::FORBIDDEN, page::plain("Not allowed", why)).into_response(),
            };
            let headers = response.headers_mut();
            for (name, value) in [
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                // Without any, browsers would hide the origin of our own forms.
                (header::REFERRER_POLICY, "same-origin"),
                (header::CACHE_CONTROL, "no-store"),
            ] {
                headers.insert(name, HeaderValue::from_static(value));
            }
            response
        }
    }))
}

async fn checked(key: &Key, request: Request) -> Result<Request, &'static str> {
    if !is_here(request.headers()) {
        return Err("The console answers only at an address of this machine.");
    }
    if request.method() == Method::GET {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, MOST_BYTES).await.map_err(|_| "The form is too large.")?;
    if carries(key, &bytes) {
        Ok(Request::from_parts(parts, Body::from(bytes)))
    } else {
        Err(
            "The form is not from a page of this console, or the console was started anew. Go back, load the page again, and repeat.",
        )
    }
}

fn carries(key: &Key, form: &Bytes) -> bool {
    url::form_urlencoded::parse(form).any(|(name, value)| name == FIELD && key.is(&value))
}

fn is_here(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text(header::HOST) else { return false };
    let other_origin = text(header::ORIGIN).is_some_and(|origin| origin != format!("http://{host}"));
    let cross_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    // A proxy that is reached from elsewhere.
    let forwarded = headers.keys().any(|name| name == header::FORWARDED || name.as_str().starts_with("x-forwarded-"));
    let loopback = Url::parse(&format!("http://{host}")).is_ok_and(|url| is_loopback(&url));
    loopback && !other_origin && !cross_site && !forwarded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_this_machine_is_answered_and_no_other_site() {
        let headers = |host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            headers.extend(origin.map(|origin| (header::ORIGIN, HeaderValue::from_static(origin))));
            headers
        };
        for (host, origin, here) in [
            ("127.0.0.1:7070", None, true),
            ("localhost:7070", Some("http://localhost:7070"), true),
            ("[::1]:7070", None, true),
            ("localhost:7070", Some("http://localhost:8080"), false),
            ("localhost:7070", Some("null"), false),
            ("rebound.example.com:7070", None, false),
            ("10.0.0.1:7070", None, false),
        ] {
            assert_eq!(is_here(&headers(host, origin)), here, "{host} {origin:?}");
        }
        assert!(!is_here(&HeaderMap::new()));
        for (name, value) in
            [("x-forwarded-for", "203.0.113.7"), ("forwarded", "for=x"), ("sec-fetch-site", "cross-site")]
        {
            let mut forwarded = headers("localhost:7070", None);
            forwarded.insert(name, HeaderValue::from_static(value));
            assert!(!is_here(&forwarded), "{name}");
        }
    }

    #[test]
    fn a_form_carries_the_key_of_this_process() {
        let key = Key::random().expect("a key");
        let form = |key: &str| Bytes::from(format!("a=b&{FIELD}={key}"));
        assert!(carries(&key, &form(key.text())));
        assert!(!carries(&key, &form(Key::random().expect("a key").text())));
        assert!(!carries(&key, &Bytes::from_static(b"a=b")));
    }
}
