//! Lists of what has a name: groups and apps, in the order of their names.

use super::selection::{MOST_EXAMINED, Order, Selection};
use super::{Directory, Listed, Page, READ_AT_ONCE};
use crate::fold::WordPrefix;
use crate::problem::Problem;
use crate::store::{Index, Item, Key, Query, keys};
use serde_json::Value;
use std::collections::HashMap;

/// What groups and apps are sorted by.
pub const SORTS: [&str; 2] = ["name", "-name"];

/// Which of them are shown.
#[derive(Default)]
pub struct NamedFilter {
    /// A word of the name begins so.
    pub q: Option<String>,
    /// Only with one of these statuses; empty: all.
    pub statuses: Vec<String>,
    /// Those that were removed, instead of those that were not.
    pub removed: bool,
    /// What every list can be asked for.
    pub selection: Selection,
}

impl NamedFilter {
    /// Which index partition they lie in.
    pub(super) fn which(&self) -> keys::Listed {
        if self.removed { keys::Listed::Removed } else { keys::Listed::Present }
    }

    /// True where an object has to be read to know whether it is shown.
    fn examines(&self) -> bool {
        self.selection.filter.is_some() || !self.statuses.is_empty()
    }

    fn takes(&self, item: &Value) -> bool {
        let has_status = |status: &String| item["status"].as_str() == Some(status);
        (self.statuses.is_empty() || self.statuses.iter().any(has_status))
            && self.selection.filter.as_ref().is_none_or(|filter| filter.matches(item))
    }
}

/// Why reading a range stopped.
enum Stopped {
    /// It is at its end.
    End,
    /// The page is full.
    Full,
    /// Many objects were read for few that are shown; the last that was looked at.
    Examined(String),
}

/// A page of an index partition, behind an index key.
pub(super) async fn page(
    directory: &Directory<'_>,
    partition: String,
    filter: &NamedFilter,
    after: Option<&str>,
    limit: usize,
    show: impl Fn(&Item) -> Result<Value, Problem>,
) -> Result<Listed, Problem> {
    let all = Query::index(Index::G1, partition);
    let is_descending = filter.selection.order.is_some_and(Order::is_descending);
    let query = if is_descending { all.clone().newest_first() } else { all.clone() };
    let is_plain = filter.q.is_none() && !filter.examines();
    // Of a page that shows all there is, one more than fits says whether there are more.
    let query = if is_plain { query.limit(limit.saturating_add(1)) } else { query };
    let mut page = Page::new(limit);
    let add = |place: &str, item| page.add(place.to_owned(), item);
    let stopped = examine(directory, &query.after(after), filter, &show, add).await?;
    let listed = match stopped {
        Stopped::End => page.end(false),
        Stopped::Full => page.end(true),
        Stopped::Examined(last) => {
            let partial = page.items.len() < limit;
            Listed { next: Some(last), partial, ..page.end(false) }
        }
    };
    if !filter.selection.count {
        return Ok(listed);
    }
    let mut count = 0;
    let total = if filter.examines() {
        let add = |_: &str, _| {
            count += 1;
            true
        };
        let stopped = examine(directory, &all, filter, &show, add).await?;
        Some(count).filter(|_| matches!(stopped, Stopped::End))
    } else {
        let q = filter.q.as_deref().map(WordPrefix::of);
        let mut pages = directory.app.store.pages(&all);
        while let Some(items) = pages.next().await? {
            count += items.iter().filter(|item| is_named(item, q.as_ref())).count();
        }
        Some(count)
    };
    Ok(Listed { total: Some(total), ..listed })
}

fn is_named(item: &Item, q: Option<&WordPrefix>) -> bool {
    let name = keys::split_named_index(item.sort_key(Some(Index::G1))).map_or("", |(name, _)| name);
    q.is_none_or(|q| q.is_in(name))
}

/// Reads the objects of a range until one has no room, or many were read.
async fn examine(
    directory: &Directory<'_>,
    query: &Query,
    filter: &NamedFilter,
    show: impl Fn(&Item) -> Result<Value, Problem>,
    mut add: impl FnMut(&str, Value) -> bool,
) -> Result<Stopped, Problem> {
    let q = filter.q.as_deref().map(WordPrefix::of);
    let mut pages = directory.app.store.pages(query);
    let mut examined = 0;
    let mut last = None;
    while let Some(listed) = pages.next().await? {
        let named: Vec<_> = listed.iter().filter(|item| is_named(item, q.as_ref())).collect();
        for some in named.chunks(READ_AT_ONCE) {
            if let Some(last) = last.filter(|_| filter.examines() && examined >= MOST_EXAMINED) {
                return Ok(Stopped::Examined(last));
            }
            let keys: Vec<Key> = some.iter().map(|item| item.key()).collect();
            let found = directory.app.store.get_many(&keys).await?;
            let found: HashMap<_, _> = found.iter().map(|item| (item.partition_key(), item)).collect();
            last = None;
            for (item, key) in some.iter().zip(&keys) {
                let place = item.sort_key(Some(Index::G1));
                last = Some(place.to_owned());
                let Some(object) = found.get(key.pk.as_str()) else { continue };
                let shown = show(object)?;
                if filter.takes(&shown) && !add(place, shown) {
                    return Ok(Stopped::Full);
                }
            }
            examined += some.len();
        }
    }
    Ok(Stopped::End)
}
