//! Reading: one item, many by key, and a range of one partition.

use super::item::key_attributes;
use super::{Error, Index, Item, Key, Store, unavailable};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Select};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::HashMap;
use std::time::Duration;

/// A range of one partition, in the order of its sort keys.
#[derive(Clone, Debug)]
pub struct Query {
    index: Option<Index>,
    pk: String,
    from: String,
    to: String,
    limit: Option<i32>,
    newest_first: bool,
    names_only: bool,
}

/// `BatchGetItem` takes a hundred keys; so many of its requests are under way at once.
const BATCHES_AT_ONCE: usize = 8;
/// Before every sort key: that of an object without a name begins with the separator behind names.
const FIRST: &str = "\u{1}";
/// After every string that begins with the same letters.
const END: char = '\u{10FFFF}';

impl Query {
    /// A whole partition of the table.
    pub fn partition(pk: impl Into<String>) -> Self {
        let (index, limit, newest_first, names_only) = (None, None, false, false);
        Self { index, pk: pk.into(), from: FIRST.to_owned(), to: END.to_string(), limit, newest_first, names_only }
    }

    /// A whole partition of an index. An index follows the table a moment later.
    pub fn index(index: Index, pk: impl Into<String>) -> Self {
        Self { index: Some(index), ..Self::partition(pk) }
    }

    /// Only sort keys that begin with this.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.from);
        self.to = format!("{prefix}{END}");
        self
    }

    /// Only sort keys from one to another.
    #[must_use]
    pub fn between(mut self, from: Option<&str>, to: Option<&str>) -> Self {
        self.from = from.map_or(self.from, str::to_owned);
        self.to = to.map_or(self.to, str::to_owned);
        self
    }

    /// Only sort keys behind this one, in the query's own direction.
    #[must_use]
    pub fn after(mut self, sk: Option<&str>) -> Self {
        match sk {
            // The smallest string behind `sk`, and one that is smaller than `sk` and larger than all before it that a
            // key can be: keys end with ids, which hold no control characters.
            Some(sk) if !self.newest_first => self.from = format!("{sk}\u{1}"),
            Some(sk) => {
                let mut before = sk.to_owned();
                if let Some(last) = before.pop() {
                    before.push(char::from_u32(u32::from(last) - 1).unwrap_or(last));
                    before.push(END);
                }
                self.to = before;
            }
            None => {}
        }
        self
    }

    /// At most this many items.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = i32::try_from(limit).ok();
        self
    }

    /// Only the items' keys.
    #[must_use]
    pub fn names_only(mut self) -> Self {
        self.names_only = true;
        self
    }

    /// The largest sort key first.
    #[must_use]
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }
}

/// What tells whether an item changed, and whether it is there.
const HEAD: &str = "pk, sk, #hash, #stored, #ttl";

impl Query {
    /// True for a range that ends before it begins, which DynamoDB refuses.
    fn is_empty(&self) -> bool {
        self.from.as_bytes() > self.to.as_bytes()
    }
}

impl Store {
    /// One item, as last written.
    pub async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let answer = request.set_key(Some(key_attributes(key))).send().await;
        let item = answer.map_err(|error| unavailable("GetItem", &error))?.item.map(Item);
        Ok(item.filter(|item| !item.is_expired(self.clock.now())))
    }

    /// Many items by key, as last written; the order is not kept, and missing ones are left out.
    pub async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, Error> {
        self.get_some_of(keys, None).await
    }

    /// The same, without their documents: keys and the attributes that tell whether an item changed.
    pub async fn get_heads(&self, keys: &[Key]) -> Result<Vec<Item>, Error> {
        self.get_some_of(keys, Some(HEAD)).await
    }

    async fn get_some_of(&self, keys: &[Key], head: Option<&str>) -> Result<Vec<Item>, Error> {
        let batches: Vec<_> = keys.chunks(100).map(|hundred| self.get_batch(hundred, head)).collect();
        let found: Vec<Vec<Item>> = stream::iter(batches).buffered(BATCHES_AT_ONCE).try_collect().await?;
        let now = self.clock.now();
        Ok(found.into_iter().flatten().filter(|item| !item.is_expired(now)).collect())
    }

    async fn get_batch(&self, keys: &[Key], head: Option<&str>) -> Result<Vec<Item>, Error> {
        let mut found = Vec::with_capacity(keys.len());
        let mut left: Vec<_> = keys.iter().map(key_attributes).collect();
        let mut pause = Duration::from_millis(20);
        while !left.is_empty() {
            let wanted = KeysAndAttributes::builder().set_keys(Some(left)).consistent_read(true);
            // Each of these words is reserved.
            let names = ["ttl", "hash", "stored"].map(|name| (format!("#{name}"), name.to_owned()));
            let names = head.map(|_| HashMap::from(names));
            let wanted =
                wanted.set_projection_expression(head.map(str::to_owned)).set_expression_attribute_names(names).build();
            let wanted = wanted.map_err(|error| Error::Unavailable(format!("BatchGetItem: {error}")))?;
            let answer = self.client.batch_get_item().request_items(&self.table, wanted).send().await;
            let answer = answer.map_err(|error| unavailable("BatchGetItem", &error))?;
            found.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items).map(Item));
            let unprocessed = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table));
            left = unprocessed.map(|keys| keys.keys).unwrap_or_default();
            if !left.is_empty() {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
        Ok(found)
    }

    /// A range page by page, for what may be too large to hold.
    pub fn pages<'a>(&'a self, query: &'a Query) -> Pages<'a> {
        Pages { store: self, query, start: None, over: false }
    }

    /// All items of a range, up to its limit.
    pub async fn query(&self, query: &Query) -> Result<Vec<Item>, Error> {
        let most = query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let (page, next) = self.query_page(query, start).await?;
            // Expired items count for DynamoDB's limit and not for ours: a further page may bring more than is missing.
            items.extend(page.into_iter().take(most - items.len()));
            start = next;
            if start.is_none() || items.len() == most {
                return Ok(items);
            }
        }
    }

    /// The first items of a range, and whether there are more.
    pub async fn first(&self, query: Query, limit: usize) -> Result<(Vec<Item>, bool), Error> {
        let mut items = self.query(&query.limit(limit + 1)).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        Ok((items, more))
    }

    /// How many items a range has, without reading them here; those that expired and are still there included.
    pub async fn count(&self, query: &Query) -> Result<u64, Error> {
        let (mut count, mut start) = (0, None);
        if query.is_empty() {
            return Ok(count);
        }
        loop {
            let answer = self.request(query, start).select(Select::Count).send().await;
            let answer = answer.map_err(|error| unavailable("Query", &error))?;
            count += u64::try_from(answer.count).unwrap_or_default();
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(count);
            }
        }
    }

    async fn query_page(&self, query: &Query, start: Option<Start>) -> Result<(Vec<Item>, Option<Start>), Error> {
        if query.is_empty() {
            return Ok((Vec::new(), None));
        }
        let answer = self.request(query, start).send().await.map_err(|error| unavailable("Query", &error))?;
        let now = self.clock.now();
        let items = answer.items.unwrap_or_default().into_iter().map(Item).filter(|item| !item.is_expired(now));
        Ok((items.collect(), answer.last_evaluated_key))
    }

    fn request(&self, query: &Query, start: Option<Start>) -> QueryFluentBuilder {
        let (pk, sk) = query.index.map_or(("pk", "sk"), Index::attributes);
        self.client
            .query()
            .table_name(&self.table)
            .set_index_name(query.index.map(|index| index.name().to_owned()))
            .consistent_read(query.index.is_none())
            .key_condition_expression(format!("{pk} = :pk AND {sk} BETWEEN :from AND :to"))
            .expression_attribute_values(":pk", AttributeValue::S(query.pk.clone()))
            .expression_attribute_values(":from", AttributeValue::S(query.from.clone()))
            .expression_attribute_values(":to", AttributeValue::S(query.to.clone()))
            .scan_index_forward(!query.newest_first)
            .set_limit(query.limit)
            .set_projection_expression(query.names_only.then(|| "pk, sk".to_owned()))
            .set_exclusive_start_key(start)
    }
}

/// A range that is read page by page.
pub struct Pages<'a> {
    store: &'a Store,
    query: &'a Query,
    start: Option<Start>,
    over: bool,
}

impl Pages<'_> {
    /// The next page, which may be empty; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Item>>, Error> {
        if self.over {
            return Ok(None);
        }
        let (items, next) = self.store.query_page(self.query, self.start.take()).await?;
        self.over = next.is_none();
        self.start = next;
        Ok(Some(items))
    }
}

type Start = std::collections::HashMap<String, AttributeValue>;
