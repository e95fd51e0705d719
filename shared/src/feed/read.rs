//! Reading a feed: from a cursor on, in the order of its chunks.

use super::head::Head;
use super::write::entries;
use super::{Ground, entry::DIRECTORY};
use crate::id::{ConnectionId, TriggerId};
use crate::store::{Error, Query, keys};
use jiff::Timestamp;
use serde_json::Value;

/// Lambda answers with at most 6 MB; a page stops before.
const MOST_BYTES: usize = 4_000_000;
/// Chunks that one request looks through.
const MOST_CHUNKS: usize = 40;
/// Chunks that are read at once: each may have 380 KB.
const AT_ONCE: usize = 8;

/// Which events are asked for.
#[derive(Default)]
pub struct Filter {
    /// Of this trigger alone.
    pub trigger: Option<TriggerId>,
    /// Of this type alone.
    pub event_type: Option<String>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Only changes of the directory.
    pub directory: bool,
}

/// What reading came to.
pub enum Reading {
    /// A page.
    Page(Page),
    /// The place is older than what is kept; the oldest place that is.
    Expired(String),
}

/// A page of a feed.
pub struct Page {
    /// The events, as they are told.
    pub items: Vec<Value>,
    /// Where the next page begins.
    pub next: String,
}

/// A place in a feed: a chunk, and how many events of it are passed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    chunk: u64,
    passed: usize,
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let (chunk, passed) = text.split_once('.')?;
        Some(Self { chunk: chunk.parse().ok()?, passed: passed.parse().ok()? })
    }

    fn text(self) -> String {
        format!("{}.{}", self.chunk, self.passed)
    }
}

/// The place of an event, as a cursor holds it.
pub(super) fn place(chunk: u64, passed: usize) -> String {
    Place { chunk, passed }.text()
}

/// What a cursor of the whole feed is tied to.
pub(super) fn tie(connection: &ConnectionId) -> String {
    format!("/v1/connections/{connection}/events?")
}

/// Reads at most so many events from a place on; none is the oldest there is.
pub async fn read(
    ground: &Ground,
    connection: &ConnectionId,
    filter: &Filter,
    from: Option<&str>,
    limit: usize,
) -> Result<Option<Reading>, Error> {
    let start = match from.map(Place::parse) {
        Some(None) => return Ok(None),
        Some(Some(place)) => Some(place),
        None => None,
    };
    let mut at = start.unwrap_or(Place { chunk: 1, passed: 0 });
    // Before the chunks: what this one knows of and they do not show is not kept any more, rather than just written.
    let tail = Head::load(&ground.store, connection).await?.tail;
    let (mut items, mut bytes, mut looked) = (Vec::new(), 0, 0);
    let mut first = true;
    'pages: while looked < MOST_CHUNKS {
        let number = keys::feed_sort_key(at.chunk);
        let query = Query::partition(keys::feed_partition(connection)).between(Some(&number), None).limit(AT_ONCE);
        let chunks = ground.store.query(&query).await?;
        if first {
            first = false;
            let oldest = chunks.first().and_then(|chunk| chunk.sort_key(None).parse::<u64>().ok());
            // Nothing is kept where something was: the oldest place is the one that is written next.
            let oldest = oldest.unwrap_or(tail + 1);
            match start {
                Some(place) if place.chunk < oldest && place.chunk <= tail => {
                    return Ok(Some(Reading::Expired(Place { chunk: oldest, passed: 0 }.text())));
                }
                Some(_) => {}
                None => at.chunk = oldest,
            }
        }
        for chunk in &chunks {
            // The first number that is missing ends what can be read.
            if chunk.sort_key(None) != keys::feed_sort_key(at.chunk) {
                break 'pages;
            }
            let entries = entries(chunk)?;
            let sources = entries.iter().flat_map(|entry| entry.feed.iter().map(move |source| (entry, source)));
            for (entry, source) in sources.skip(at.passed) {
                if filter.wants(source, &entry.event_type, entry.time) {
                    if items.len() == limit || (!items.is_empty() && bytes + entry.size() > MOST_BYTES) {
                        break 'pages;
                    }
                    bytes += entry.size();
                    // An event that was stored before its text was made readable is returned without its content.
                    let item = serde_json::to_value(entry.told(connection, source));
                    items.push(match item {
                        Ok(item) => item,
                        Err(_) => serde_json::to_value(entry.shortened().told(connection, source)).unwrap_or_default(),
                    });
                }
                at.passed += 1;
            }
            at = Place { chunk: at.chunk + 1, passed: 0 };
            looked += 1;
        }
        if chunks.len() < AT_ONCE {
            break;
        }
    }
    Ok(Some(Reading::Page(Page { items, next: at.text() })))
}

impl Filter {
    fn wants(&self, source: &str, event_type: &str, time: Timestamp) -> bool {
        let of_trigger = |id: &TriggerId| source != DIRECTORY && source.ends_with(id.as_str());
        (!self.directory || source == DIRECTORY)
            && self.trigger.as_ref().is_none_or(of_trigger)
            && self.event_type.as_ref().is_none_or(|wanted| wanted == event_type)
            && self.since.is_none_or(|since| time >= since)
    }
}
