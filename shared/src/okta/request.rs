//! A request to Okta as a value: described by the use cases, signed and sent in one place (`client`).

use http::Method;
use serde_json::Value;
use std::borrow::Cow;
use url::Url;

/// What may be done with a request whose answer never came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Sending it again changes nothing more: GET and PUT.
    Safe,
    /// Sending it again might do it twice: POST and DELETE.
    OnlyIfUnsent,
}

/// One request, without its host and without any credential.
#[derive(Clone, Debug)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// Where it goes.
    pub target: Target,
    /// The JSON body.
    pub body: Option<Value>,
    /// Which of Okta's rate limits it draws on; only a name under which the headers seen are remembered.
    pub bucket: &'static str,
    /// What stands behind our `User-Agent`.
    pub mark: Option<String>,
    /// Where the answer's list is a member of an object, with the link to its next page beside it: the member's name.
    pub list: Option<&'static str>,
}

/// Where a request goes: a path that we build, or a link that Okta gave, followed verbatim.
#[derive(Clone, Debug)]
pub enum Target {
    /// Path and query.
    Path(String),
    /// A next link.
    Link(Url),
}

impl Target {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Path(path) => path,
            Self::Link(url) => url.as_str(),
        }
    }
}

impl Request {
    /// A GET of a path; parameters are percent-encoded here.
    pub fn get(bucket: &'static str, path: impl Into<Cow<'static, str>>, query: &[(&str, &str)]) -> Self {
        Self {
            method: Method::GET,
            target: Target::Path(with_query(path.into(), query)),
            body: None,
            bucket,
            mark: None,
            list: None,
        }
    }

    /// A POST of a path, with a body or without.
    pub fn post(bucket: &'static str, path: String, query: &[(&str, &str)], body: Option<Value>) -> Self {
        Self { method: Method::POST, body, ..Self::get(bucket, path, query) }
    }

    /// A PUT of a path, without a body.
    pub fn put(bucket: &'static str, path: String) -> Self {
        Self { method: Method::PUT, ..Self::get(bucket, path, &[]) }
    }

    /// A DELETE of a path.
    pub fn delete(bucket: &'static str, path: String, query: &[(&str, &str)]) -> Self {
        Self { method: Method::DELETE, ..Self::get(bucket, path, query) }
    }

    /// With a mark behind our `User-Agent`, which the System Log shows: it tells this very attempt from all others.
    #[must_use]
    pub fn marked(mut self, mark: String) -> Self {
        self.mark = Some(mark);
        self
    }

    /// A list that is answered as a member of an object.
    #[must_use]
    pub fn enclosed(mut self, list: &'static str) -> Self {
        self.list = Some(list);
        self
    }

    /// The page that a next link leads to.
    pub fn follow(bucket: &'static str, link: Url) -> Self {
        Self { method: Method::GET, target: Target::Link(link), body: None, bucket, mark: None, list: None }
    }

    /// Whether it may be sent again after an answer was lost.
    pub fn repeat(&self) -> Repeat {
        if matches!(self.method, Method::GET | Method::PUT) { Repeat::Safe } else { Repeat::OnlyIfUnsent }
    }

    /// Path and query, as they are told in a dry run.
    pub fn path_and_query(&self) -> &str {
        match &self.target {
            Target::Path(path) => path,
            Target::Link(url) => &url[url::Position::BeforePath..],
        }
    }

    /// The path alone, for messages.
    pub fn path(&self) -> &str {
        match &self.target {
            Target::Path(path) => path.split('?').next().unwrap_or(path),
            Target::Link(url) => url.path(),
        }
    }
}

fn with_query(path: Cow<'static, str>, query: &[(&str, &str)]) -> String {
    let mut path = path.into_owned();
    if !query.is_empty() {
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        path.push('?');
        path.push_str(&encoded);
    }
    path
}
