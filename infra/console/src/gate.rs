//! Who may use the pages: a browser that opened the link which the console printed, and no other site through it.
//!
//! The link works once and leaves a cookie. Other users and programs of this machine do not know the cookie, unless the
//! browser opens a page of theirs: browsers send a cookie to every port of a host. A page of another site can have a browser
//! send forms here, and a name that leads to this machine can have it read pages. The first lacks the key that is in each of
//! our forms; the second has another `Host`.

use crate::page;
use aws_lc_rs::rand;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use okta_connector_client::is_loopback;
use std::sync::{Arc, Mutex, PoisonError};
use subtle::ConstantTimeEq;
use url::Url;

/// The name of the key in a form.
pub const FIELD: &str = "form_key";
/// The largest form.
const MOST_BYTES: usize = 256 * 1024;

/// The text for a browser without the cookie.
const LINK: &str = "Open the link that the console printed when it started. It works once, in one browser; start \
                    `okta-connector console` for another.";

/// Nothing but what this server sends is loaded, run or sent to.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A random secret of this process.
pub struct Key(String);

impl Key {
    /// A new one.
    fn random() -> Option<Self> {
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

/// The keys of one console.
pub struct Keys {
    /// Of the link, until a browser has opened it.
    link: Mutex<Option<Key>>,
    /// Of the cookie that the link leaves.
    cookie: Key,
    /// Its name; browsers give a cookie to every port of a host.
    cookie_name: String,
    /// Of the forms.
    pub form: Key,
}

impl Keys {
    /// New ones for a console at a port, and the query of its link.
    pub fn random(port: u16) -> Option<(Self, String)> {
        let link = Key::random()?;
        let query = format!("key={}", link.text());
        let cookie_name = format!("okta_connector_console_{port}");
        Some((Self { link: Mutex::new(Some(link)), cookie: Key::random()?, cookie_name, form: Key::random()? }, query))
    }

    /// The cookie, for the first request with the link's key.
    fn enter(&self, query: &str) -> Option<HeaderValue> {
        let given = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "key")?.1;
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        link.take_if(|key| key.is(&given))?;
        let name = &self.cookie_name;
        let key = self.cookie.text();
        HeaderValue::from_str(&format!("{name}={key}; HttpOnly; SameSite=Strict; Path=/")).ok()
    }

    fn opened(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .any(|(name, value)| name == self.cookie_name && self.cookie.is(value))
    }
}

/// Lets in whoever may use the pages.
pub fn guard(router: Router, keys: Arc<Keys>) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| {
        let keys = Arc::clone(&keys);
        async move {
            let mut response = match checked(&keys, request).await {
                Ok(request) => next.run(request).await,
                Err(refusal) => refusal,
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

/// The request, or the answer to one that is not let in.
async fn checked(keys: &Keys, request: Request) -> Result<Request, Response> {
    let refused = |why| (StatusCode::FORBIDDEN, page::plain("Not allowed", why)).into_response();
    if !is_here(request.headers()) {
        return Err(refused("The console answers only at an address of this machine."));
    }
    if !keys.opened(request.headers()) {
        let cookie = Some(request.uri()).filter(|uri| uri.path() == "/").and_then(|uri| keys.enter(uri.query()?));
        return Err(match cookie {
            Some(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to("/connections")).into_response(),
            None => (StatusCode::UNAUTHORIZED, page::plain("Open the link", LINK)).into_response(),
        });
    }
    if request.method() == Method::GET {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, MOST_BYTES).await.map_err(|_| refused("The form is too large."))?;
    if carries(&keys.form, &bytes) {
        Ok(Request::from_parts(parts, Body::from(bytes)))
    } else {
        Err(refused(
            "The form is not from a page of this console, or the console was started anew. Go back, load the page again, and repeat.",
        ))
    }
}

fn carries(key: &Key, form: &Bytes) -> bool {
    url::form_urlencoded::parse(form).any(|(name, value)| name == FIELD && key.is(&value))
}

fn is_here(headers: &HeaderMap) -> bool {
    let all = |name: &str| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect::<Vec<_>>();
    let [host] = all(header::HOST.as_str())[..] else { return false };
    let own = format!("http://{host}");
    let other_origin = all(header::ORIGIN.as_str()).iter().any(|origin| *origin != own);
    let cross_site = all("sec-fetch-site").contains(&"cross-site");
    // A proxy that is reached from elsewhere.
    let forwarded = headers.keys().any(|name| name == header::FORWARDED || name.as_str().starts_with("x-forwarded-"));
    let loopback = !host.contains('@') && Url::parse(&own).is_ok_and(|url| is_loopback(&url));
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
            ("x@127.0.0.1:7070", None, false),
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
        let mut twice = headers("localhost:7070", Some("http://localhost:7070"));
        twice.append(header::ORIGIN, HeaderValue::from_static("http://localhost:3000"));
        assert!(!is_here(&twice));
    }

    #[test]
    fn a_form_carries_the_key_of_this_process() {
        let key = Key::random().expect("a key");
        let form = |key: &str| Bytes::from(format!("a=b&{FIELD}={key}"));
        assert!(carries(&key, &form(key.text())));
        assert!(!carries(&key, &form(Key::random().expect("a key").text())));
        assert!(!carries(&key, &Bytes::from_static(b"a=b")));
    }

    #[test]
    fn the_link_works_once_and_only_its_cookie_opens_pages() {
        let (keys, link) = Keys::random(7071).expect("keys");
        assert!(keys.enter("").is_none());
        assert!(keys.enter("key=other").is_none());
        let cookie = keys.enter(&link).expect("a cookie");
        assert!(keys.enter(&link).is_none(), "it was used");
        let cookie = cookie.to_str().expect("a text");
        assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/"), "{cookie}");
        let own = cookie.split(';').next().unwrap_or_default();
        let headers = |cookies: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_str(cookies).expect("a header"));
            headers
        };
        assert!(keys.opened(&headers(&format!("theme=dark; {own}"))));
        assert!(!keys.opened(&HeaderMap::new()));
        assert!(!keys.opened(&headers(&format!("{own}x"))));
        assert!(!keys.opened(&headers(&own.replace("7071", "7072"))));
        let (others, _) = Keys::random(7071).expect("keys");
        assert!(!others.opened(&headers(own)));
    }
}
