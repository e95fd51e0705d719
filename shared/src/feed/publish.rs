//! The bus: an EventBridge bus that reads the feed, so that nobody waits for it.
//!
//! A chunk is published and then passed: after a crash in between its events come once more, under the same ids.

use super::entry::Entry;
use super::write::{Feed, Stop, entries};
use crate::aws::telling;
use crate::cursor;
use crate::id::ConnectionId;
use crate::store::keys;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::time::Instant;

/// `PutEvents` takes so many entries.
const AT_ONCE: usize = 10;
/// `PutEvents` takes 256 KB, of one entry or of all; something is left for what it counts beside the text.
const MOST_BYTES: usize = 250_000;
/// How often an entry is sent again that the bus refused for the moment.
const ATTEMPTS: usize = 3;
/// The bus takes a type of so many letters.
const LONGEST_TYPE: usize = 128;
/// What the bus refuses for the moment.
const PASSING: [&str; 3] = ["InternalFailure", "InternalException", "ThrottlingException"];

/// A bus.
#[derive(Clone)]
pub struct Bus {
    client: Client,
    name: String,
}

/// What the bus did not take.
#[derive(Debug, thiserror::Error)]
#[error("PutEvents: {0}")]
pub struct Refused(String);

/// An event on its way.
struct Parcel {
    event_type: String,
    detail: String,
    /// What goes in its place where the bus refuses it for good: where the feed has it.
    pointer: Option<String>,
}

impl Parcel {
    fn size(&self) -> usize {
        // What AWS counts: source, type and detail.
        "okta-connector".len() + self.event_type.len() + self.detail.len()
    }
}

impl Bus {
    /// The stack's own bus.
    pub fn new(client: &Client, name: &str) -> Self {
        let client = telling!(client);
        Self { client, name: name.to_owned() }
    }

    /// Publishes all of it, or says why not; some of it may be out by then. Of an entry that the bus refuses for good, it
    /// publishes where the feed has the event; one that is refused even so is passed over, since it would stop all behind it.
    async fn put(&self, mut parcels: Vec<Parcel>) -> Result<(), Refused> {
        for _ in 0..ATTEMPTS {
            let mut refused = Vec::new();
            for batch in batches(parcels) {
                let request =
                    self.client.put_events().set_entries(Some(batch.iter().map(|it| self.entry(it)).collect()));
                let answer = request.send().await.map_err(|error| {
                    use aws_sdk_eventbridge::error::ProvideErrorMetadata;
                    Refused(error.as_service_error().and_then(|it| it.code()).unwrap_or("no answer").to_owned())
                })?;
                for (mut parcel, entry) in batch.into_iter().zip(answer.entries()) {
                    match (entry.error_code(), parcel.pointer.take()) {
                        (None, _) => {}
                        (Some(code), pointer) if PASSING.contains(&code) => refused.push(Parcel { pointer, ..parcel }),
                        (Some(_), Some(detail)) => refused.push(Parcel { detail, ..parcel }),
                        (Some(code), None) => {
                            tracing::error!("the bus refuses an event for good, which the feed has: {code}");
                        }
                    }
                }
            }
            if refused.is_empty() {
                return Ok(());
            }
            parcels = refused;
        }
        Err(Refused(format!("{} entries were refused again and again", parcels.len())))
    }

    fn entry(&self, parcel: &Parcel) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source("okta-connector")
            .detail_type(&parcel.event_type)
            .detail(&parcel.detail)
            .build()
    }
}

/// As many in each as the bus takes at once.
fn batches(parcels: Vec<Parcel>) -> Vec<Vec<Parcel>> {
    let (mut batches, mut bytes): (Vec<Vec<Parcel>>, usize) = (Vec::new(), 0);
    for parcel in parcels {
        bytes += parcel.size();
        match batches.last_mut().filter(|batch| batch.len() < AT_ONCE && bytes <= MOST_BYTES) {
            Some(batch) => batch.push(parcel),
            None => {
                bytes = parcel.size();
                batches.push(vec![parcel]);
            }
        }
    }
    batches
}

impl Feed<'_> {
    /// Publishes what the bus has not got yet, until time is up. The bus is never waited for: what it refuses comes with
    /// the next turn.
    pub async fn publish(&mut self, until: Instant) -> Result<(), Stop> {
        let Some(bus) = self.ground.bus.clone() else { return Ok(()) };
        let before = self.head.published;
        while self.head.published < self.head.tail && Instant::now() < until {
            let number = self.head.published + 1;
            let chunk = self.ground.store.get(&keys::feed_chunk(self.connection, number)).await?;
            // One that is over its time is not there any more.
            let read = chunk.as_ref().map(entries).transpose()?.unwrap_or_default();
            let sent = bus.put(parcels(self.connection, number, &read)).await;
            if let Err(error) = sent {
                tracing::error!(connection = %self.connection, "events were not published yet: {error}");
                break;
            }
            self.head.published = number;
        }
        if self.head.published > before { self.commit(Vec::new(), Vec::new()).await } else { Ok(()) }
    }
}

fn parcels(connection: &ConnectionId, number: u64, entries: &[Entry]) -> Vec<Parcel> {
    let (mut parcels, mut passed) = (Vec::new(), 0);
    for entry in entries {
        for source in &entry.bus {
            let mut event = entry.told(connection, source);
            let place = super::read::place(number, passed);
            let pointer = json!({"feed": cursor::encode(&super::read::tie(connection), &place)});
            let pointer = to_raw_value(&pointer).unwrap_or_default();
            if entry.size() + source.len() + connection.as_str().len() > MOST_BYTES {
                event.data = &pointer;
            }
            let detail = serde_json::to_string(&event).unwrap_or_default();
            event.data = &pointer;
            let pointer = serde_json::to_string(&event).ok();
            let event_type = entry.event_type.chars().take(LONGEST_TYPE).collect();
            parcels.push(Parcel { event_type, detail, pointer });
        }
        passed += entry.feed.len();
    }
    parcels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(bytes: usize) -> Parcel {
        Parcel { event_type: String::new(), detail: "x".repeat(bytes), pointer: None }
    }

    #[test]
    fn an_event_that_is_too_large_for_the_bus_tells_where_the_feed_has_it() {
        let connection = ConnectionId::random();
        let event = |bytes: usize| {
            let data = json!({"essay": "x".repeat(bytes)});
            let event = Entry::new("evt_1".to_owned(), "a.b", jiff::Timestamp::UNIX_EPOCH, String::new(), &data);
            let mut event = event.expect("JSON");
            (event.feed, event.bus) = (vec!["directory".to_owned()], vec!["directory".to_owned()]);
            event
        };
        let parcels = parcels(&connection, 7, &[event(10), event(MOST_BYTES)]);
        let told = |parcel: &Parcel| serde_json::from_str::<serde_json::Value>(&parcel.detail).expect("JSON");
        assert_eq!(told(&parcels[0])["data"]["essay"], "x".repeat(10));
        let large = told(&parcels[1]);
        let cursor = large["data"]["feed"].as_str().expect("a cursor");
        assert_eq!(cursor::decode(&super::super::read::tie(&connection), cursor).as_deref(), Some("7.1"));
        assert!(parcels.iter().all(|parcel| parcel.size() <= MOST_BYTES));
    }

    #[test]
    fn a_batch_holds_as_many_and_as_much_as_the_bus_takes() {
        let shape = |sizes: &[usize]| {
            let parcels = sizes.iter().map(|bytes| parcel(*bytes)).collect();
            batches(parcels).iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(shape(&[100; 25]), [10, 10, 5]);
        assert_eq!(shape(&[100_000; 5]), [2, 2, 1]);
        assert_eq!(shape(&[240_000, 20_000, 10]), [1, 2]);
        assert_eq!(shape(&[]), [0; 0]);
    }
}
