//! A client of Okta Connector's HTTP API, wherever it is deployed. It knows what is public and nothing else.
//!
//! [`Client::send`] is the one place that sends; lists are read page by page with [`Client::pages`].

mod credentials;
mod error;
mod model;
mod pages;
pub mod schema;
pub mod screens;

pub use credentials::Credentials;
pub use error::{Error, Fault, Problem};
pub use model::*;
pub use pages::{Page, Pages};

pub use http::Method;
pub use reqwest::Response;

use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use url::{Host, Url};

/// Longer than the API takes for anything.
const PATIENCE: Duration = Duration::from_secs(35);

/// Speaks to one deployment as one caller.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    origin: Url,
    credentials: Credentials,
}

impl Client {
    /// Of the deployment at this origin.
    pub fn new(origin: &str, credentials: Credentials) -> Result<Self, Error> {
        let wrong = || Error::Address(origin.to_owned());
        let origin = Url::parse(origin).ok().filter(Url::has_host).ok_or_else(wrong)?;
        if !matches!(credentials, Credentials::None) && origin.scheme() != "https" && !is_loopback(&origin) {
            return Err(Error::Credentials(format!(
                "nothing secret is sent to {origin} for all to read; write https://"
            )));
        }
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        Ok(Self { http: http.build().map_err(|error| Error::Unreachable(error.to_string()))?, origin, credentials })
    }

    /// Where the deployment is.
    pub fn origin(&self) -> &Url {
        &self.origin
    }

    /// Sends a request and gives the answer's body as text; a problem is an error.
    pub async fn text(&self, method: Method, path: &str, body: Option<&Value>) -> Result<String, Error> {
        Ok(self.send(method, path, body).await?.text().await?)
    }

    /// Sends a request and reads the answer's body, which is `null` where there is none.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Error> {
        let text = self.text(method, path, body).await?;
        let text = if text.is_empty() { "null" } else { text.as_str() };
        serde_json::from_str(text).map_err(|error| Error::Unreadable(error.to_string()))
    }

    /// Reads something.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.call(Method::GET, path, None).await
    }

    /// A list, page by page. The path may have a query.
    pub fn pages<T: DeserializeOwned>(&self, path: impl Into<String>) -> Pages<'_, T> {
        Pages::new(self, path.into())
    }

    /// Hands a JSON document to a program at another address, which gets no credentials. Gives the status of its answer.
    pub async fn hand_on(&self, url: &Url, kind: &str, document: &Value) -> Result<u16, Error> {
        let request = self.http.post(url.as_str()).header(http::header::CONTENT_TYPE, kind).body(document.to_string());
        Ok(request.send().await?.status().as_u16())
    }

    /// Sends a request; the answer is a good one.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<reqwest::Response, Error> {
        let url = self.origin.join(path).map_err(|_| Error::Address(path.to_owned()))?;
        // Credentials are for the deployment alone, wherever a path came from.
        if url.origin() != self.origin.origin() {
            return Err(Error::Address(path.to_owned()));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = http::Request::builder().method(method).uri(url.as_str());
        if !body.is_empty() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let mut request = request.body(body).map_err(|error| Error::Unreadable(error.to_string()))?;
        self.credentials.sign(&mut request).await?;
        let response = self.http.execute(request.try_into()?).await?;
        if response.status().is_success() { Ok(response) } else { Err(Error::of(response).await) }
    }
}

/// True where a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A segment of a path: what a person wrote, and may hold anything. What would lead to another path is a name of nothing.
pub fn segment(text: &str) -> String {
    if matches!(text, "" | "." | "..") {
        return "-".to_owned();
    }
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A query of those pairs that have a value; with its question mark, where there is any.
pub fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter_map(|(name, value)| Some((name, (*value)?))));
    // A signature is over %20, and a plus is another character.
    let query = query.finish().replace('+', "%20");
    if query.is_empty() { query } else { format!("?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_somebody_wrote_stays_one_segment() {
        assert_eq!(segment("ana/b?c#d e+f%"), "ana%2Fb%3Fc%23d%20e%2Bf%25");
        assert_eq!(["", ".", ".."].map(segment), ["-"; 3]);
    }

    #[test]
    fn a_query_has_what_has_a_value() {
        assert_eq!(query(&[("q", None), ("title", Some("a&b +"))]), "?title=a%26b%20%2B");
        assert_eq!(query(&[("q", None)]), "");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "example.com", "localhost:7070", "data:x"] {
            assert!(matches!(Client::new(text, Credentials::None), Err(Error::Address(_))), "{text}");
        }
    }

    #[test]
    fn a_token_goes_over_tls_unless_it_stays_on_this_machine() {
        let of = |origin: &str| Client::new(origin, Credentials::Bearer("token".to_owned().into()));
        assert!(matches!(of("http://connector.example.com"), Err(Error::Credentials(_))));
        for origin in
            ["https://connector.example.com", "http://127.0.0.1:7070", "http://[::1]:7070", "http://localhost"]
        {
            assert!(of(origin).is_ok(), "{origin}");
        }
    }
}
