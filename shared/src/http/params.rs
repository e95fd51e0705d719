//! Query parameters: each is known, given once, and well-formed, or the request is refused.

use crate::clock::parse_duration;
use crate::cursor;
use crate::problem::{Kind, Problem};
use axum::extract::FromRequestParts;
use http::request::Parts;
use jiff::Timestamp;
use std::time::Duration;

/// What the same list may be asked for with from page to page.
const UNTIED: [&str; 3] = ["cursor", "limit", "wait"];

/// The parameters of a request that were not taken yet.
pub struct Params {
    given: Vec<(String, String)>,
    path: String,
    /// Everything that a cursor is tied to.
    query: String,
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let given: Vec<(String, String)> = url::form_urlencoded::parse(query).into_owned().collect();
        for (at, (name, _)) in given.iter().enumerate() {
            if given[..at].iter().any(|(other, _)| other == name) {
                return Err(bad(name, "is given twice"));
            }
        }
        let mut tied: Vec<_> = given.iter().filter(|(name, _)| !UNTIED.contains(&name.as_str())).cloned().collect();
        tied.sort();
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(tied).finish();
        Ok(Self { given, path: parts.uri.path().to_owned(), query })
    }
}

/// Where a list starts and how long it may be.
pub struct Paging {
    /// The place behind which it starts.
    pub after: Option<String>,
    /// The most items.
    pub limit: usize,
    /// Path and query, as far as a cursor is tied to them.
    tie: String,
}

/// How many items a page has: as many as are asked for, or as is usual.
struct Limits {
    usual: usize,
    most: usize,
}

const OF_LISTS: Limits = Limits { usual: 50, most: 200 };
const OF_EXPORTS: Limits = Limits { usual: 1_000, most: 5_000 };

impl Paging {
    /// The cursor that goes on behind a place.
    pub fn cursor(&self, place: &str) -> String {
        cursor::encode(&self.tie, place)
    }

    /// Where the page behind a place of a list with parameters is, as a header `Link` tells it (RFC 8288).
    pub fn link(&self, place: &str) -> String {
        format!("<{}&limit={}&cursor={}>; rel=\"next\"", self.tie, self.limit, self.cursor(place))
    }
}

/// A parameter that cannot be as it is.
pub(in crate::http) fn bad(name: &str, what: &str) -> Problem {
    Problem::new(Kind::BadRequest, format!("The query parameter '{name}' {what}."))
}

impl Params {
    /// A parameter's text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let at = self.given.iter().position(|(given, _)| given == name)?;
        Some(self.given.swap_remove(at).1)
    }

    /// A parameter that must not be empty.
    pub fn word(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.text(name) {
            Some(text) if text.trim().is_empty() || text.len() > 300 => Err(bad(name, "must have 1 to 300 characters")),
            other => Ok(other),
        }
    }

    /// Words out of a list, separated by commas; none where it is absent.
    pub fn words(&mut self, name: &str, known: &[&str]) -> Result<Vec<String>, Problem> {
        let Some(text) = self.text(name) else { return Ok(Vec::new()) };
        let words: Vec<_> = text.split(',').map(|word| word.trim().to_uppercase()).collect();
        let strange = words.iter().any(|word| !known.contains(&word.as_str()));
        if strange { Err(bad(name, &format!("must be out of {}", known.join(", ")))) } else { Ok(words) }
    }

    /// Some of these words, separated by commas; none where it is absent.
    pub fn choices(&mut self, name: &str, known: &[&'static str]) -> Result<Vec<&'static str>, Problem> {
        let Some(text) = self.text(name) else { return Ok(Vec::new()) };
        let find = |word: &str| known.iter().find(|known| **known == word.trim()).copied();
        let words: Option<Vec<_>> = text.split(',').map(find).collect();
        words.ok_or_else(|| bad(name, &format!("must be out of {}", known.join(", "))))
    }

    /// A moment.
    pub fn time(&mut self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let time = self.text(name).map(|text| text.parse::<Timestamp>());
        time.transpose().map_err(|_| bad(name, "must be a time in RFC 3339, as in 2026-01-31T12:00:00Z"))
    }

    /// A duration of at most so long.
    pub fn duration(&mut self, name: &str, most: Duration) -> Result<Option<Duration>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let given = parse_duration(&text).and_then(|given| Duration::try_from(given).ok());
        let fits = given.filter(|given| *given <= most);
        let wrong = || bad(name, &format!("must be a duration of at most {} s, as in 20s", most.as_secs()));
        fits.map(Some).ok_or_else(wrong)
    }

    /// True or false.
    pub fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        match self.text(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(bad(name, "must be true or false")),
        }
    }

    /// One of these words.
    pub fn one_of(&mut self, name: &str, known: &[&'static str]) -> Result<Option<&'static str>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let found = known.iter().find(|word| **word == text);
        found.map(|word| Some(*word)).ok_or_else(|| bad(name, &format!("must be one of {}", known.join(", "))))
    }

    /// `limit` and `cursor`; nothing else may be left.
    pub fn paging(self) -> Result<Paging, Problem> {
        self.paging_within(&OF_LISTS)
    }

    /// `limit` and `cursor` of a list that is told as a file; nothing else may be left.
    pub fn paging_of_export(self) -> Result<Paging, Problem> {
        self.paging_within(&OF_EXPORTS)
    }

    fn paging_within(mut self, limits: &Limits) -> Result<Paging, Problem> {
        let limit = match self.text("limit") {
            None => limits.usual,
            Some(text) => match text.parse::<usize>() {
                Ok(limit) if (1..=limits.most).contains(&limit) => limit,
                _ => return Err(bad("limit", &format!("must be a number from 1 to {}", limits.most))),
            },
        };
        let tie = format!("{}?{}", self.path, self.query);
        let after = match self.text("cursor") {
            None => None,
            Some(cursor) => Some(
                cursor::decode(&tie, &cursor)
                    .ok_or_else(|| bad("cursor", "belongs to another query, or is not a cursor"))?,
            ),
        };
        self.none_left()?;
        Ok(Paging { after, limit, tie })
    }

    /// Refuses what is left.
    pub fn none_left(&self) -> Result<(), Problem> {
        match self.given.first() {
            Some((name, _)) => Err(bad(name, "is not known here")),
            None => Ok(()),
        }
    }
}
