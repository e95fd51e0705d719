//! Query parameters: each is known, given once, and well-formed, or the request is refused.

use crate::cursor;
use crate::problem::{Kind, Problem};
use axum::extract::FromRequestParts;
use http::request::Parts;
use jiff::Timestamp;

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
        let mut tied: Vec<_> = given.iter().filter(|(name, _)| name != "cursor" && name != "limit").cloned().collect();
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
    tie: String,
}

impl Paging {
    /// The cursor that goes on behind a place.
    pub fn cursor(&self, place: &str) -> String {
        cursor::encode(&self.tie, place)
    }
}

fn bad(name: &str, what: &str) -> Problem {
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

    /// A moment.
    pub fn time(&mut self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let time = self.text(name).map(|text| text.parse::<Timestamp>());
        time.transpose().map_err(|_| bad(name, "must be a time in RFC 3339, as in 2026-01-31T12:00:00Z"))
    }

    /// True or false.
    pub fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        match self.text(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(bad(name, "must be true or false")),
        }
    }

    /// `limit` and `cursor`; nothing else may be left.
    pub fn paging(mut self) -> Result<Paging, Problem> {
        let limit = match self.text("limit") {
            None => 50,
            Some(text) => match text.parse::<usize>() {
                Ok(limit) if (1..=200).contains(&limit) => limit,
                _ => return Err(bad("limit", "must be a number from 1 to 200")),
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
