//! Lists: a page of what Okta lists, with a cursor of our own for the page behind it.

use super::object::Object;
use super::run::Run;
use crate::cursor;
use crate::okta::{Request, api};
use crate::problem::{Kind, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// Which page of a list, and how much of each item.
#[derive(Clone, Deserialize, JsonSchema)]
pub struct Paging {
    /// The most items of a page.
    #[serde(default = "Paging::usual")]
    #[schemars(range(min = 1, max = 200))]
    pub limit: u64,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// The members to tell of each item: names, or `profile.x`. The id is always told.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub fields: Option<Vec<String>>,
}

/// A page of a list.
#[derive(Serialize, JsonSchema)]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; null where the list ends here.
    pub next_cursor: Option<String>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next_cursor: None }
    }
}

impl Paging {
    fn usual() -> u64 {
        50
    }

    /// An object with no more than the members asked for.
    pub fn project(&self, object: Object) -> Object {
        match &self.fields {
            Some(fields) => object.project(fields),
            None => object,
        }
    }
}

impl<T> List<T> {
    /// A list that comes whole.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}

impl Run {
    /// A page of a listing; `tie` is everything about the query but limit, cursor and fields.
    pub async fn page(&mut self, listing: &Request, paging: &Paging, tie: &str) -> Result<List<Object>, Problem> {
        let tie = format!("{} {} {tie}", self.connection(), listing.path());
        let request = match &paging.cursor {
            Some(cursor) => self.behind(listing, &tie, cursor)?,
            None => listing.clone(),
        };
        let page = self.listed(&request).await?;
        let next_cursor = page.next.map(|next| cursor::encode(&tie, &next[url::Position::BeforePath..]));
        Ok(List { items: page.items.into_iter().map(|item| paging.project(item)).collect(), next_cursor })
    }

    /// The request behind a cursor. A made-up one leads to another place of the same listing at most.
    fn behind(&self, listing: &Request, tie: &str, cursor: &str) -> Result<Request, Problem> {
        let foreign = || Problem::new(Kind::BadRequest, "cursor: belongs to another query, or is not a cursor.");
        let place = cursor::decode(tie, cursor).ok_or_else(foreign)?;
        let link = self.origin().url(&place).map_err(|_| foreign())?;
        if link.path() == listing.path() { Ok(api::next(listing, link)) } else { Err(foreign()) }
    }

    /// Every object of a listing that is short by its nature.
    pub async fn all(&mut self, listing: &Request) -> Result<Vec<Object>, Problem> {
        let (mut objects, mut request) = (Vec::new(), listing.clone());
        let mut seen: Vec<Url> = Vec::new();
        loop {
            let page = self.listed(&request).await?;
            objects.extend(page.items);
            let Some(next) = page.next.filter(|next| !seen.contains(next)) else { return Ok(objects) };
            seen.push(next.clone());
            request = api::next(listing, next);
        }
    }
}
