//! Lists, page by page.

use crate::{Client, Error};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A page of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the list goes on; none where it ends.
    pub next_cursor: Option<String>,
    /// Of a list of what a sync read: when the sync began that last read all of it.
    #[serde(default)]
    pub as_of: Option<String>,
}

/// A list on its way.
pub struct Pages<'a, T> {
    client: &'a Client,
    path: String,
    next: Option<String>,
    is_over: bool,
    item: std::marker::PhantomData<T>,
}

impl<'a, T: DeserializeOwned> Pages<'a, T> {
    pub(crate) fn new(client: &'a Client, path: String) -> Self {
        Self { client, path, next: None, is_over: false, item: std::marker::PhantomData }
    }

    /// The next page; none behind the last one.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let sign = if self.path.contains('?') { '&' } else { '?' };
        let cursor = self.next.as_ref().map(|next| format!("{sign}cursor={next}")).unwrap_or_default();
        let page: Page<T> = self.client.get(&format!("{}{cursor}", self.path)).await?;
        self.is_over = page.next_cursor.is_none();
        self.next = page.next_cursor;
        Ok(Some(page.items))
    }

    /// At most so many items from the beginning.
    pub async fn first(mut self, most: usize) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        while items.len() < most
            && let Some(page) = self.next().await?
        {
            items.extend(page);
        }
        items.truncate(most);
        Ok(items)
    }
}
