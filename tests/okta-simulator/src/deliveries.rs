//! Deliveries to event hooks: what waits for them, what faults do to it, and what became of it.
//!
//! An event waits once for each live hook that is told of it. What faults do to it is drawn when it is written, in the
//! order of writing, so that one seed has one outcome however deliveries happen to be cut. A hook has one delivery on
//! its way at a time, of what waits then, up to [`BATCH`] events; hooks do not wait for each other.

mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::answer::Outcome;
use crate::api::hooks;
use crate::clock::precise;
use crate::faults::Chances;
use crate::log::Event;
use crate::random::{Id, Random};
use crate::state::Shared;
use crate::tenant::Tenant;
use crate::tenant::hook::Channel;

/// Events in one delivery. How many Okta sends at most is not documented.
const BATCH: usize = 100;

/// What is to be delivered, and what was.
#[derive(Debug)]
pub struct Deliveries {
    waiting: BTreeMap<Id, VecDeque<Waiting>>,
    on_the_way: BTreeMap<Id, usize>,
    luck: Random,
    random: Random,
    /// Tells deliveries of this tenant from those a reset has overtaken.
    epoch: u64,
    outcome: Outcomes,
}

/// Events by what became of them, counted once for each hook.
#[derive(Debug, Default)]
struct Outcomes {
    sent: u64,
    dropped: u64,
    doubled: u64,
    failed: u64,
}

/// An event and a hook's turn to be told of it.
#[derive(Debug)]
struct Waiting {
    event: Arc<Event>,
    /// It waits once more after this.
    again: bool,
    /// A delivery with it has been accepted.
    accepted: bool,
}

/// A delivery on its way.
#[derive(Debug)]
struct Delivery {
    epoch: u64,
    hook: Id,
    channel: Channel,
    batch: Vec<Waiting>,
    source: String,
    id: String,
    request_id: String,
    time: Timestamp,
}

impl Deliveries {
    /// Nothing to deliver; the seed decides what faults will do.
    pub fn new(seed: u64, epoch: u64) -> Deliveries {
        Deliveries {
            waiting: BTreeMap::new(),
            on_the_way: BTreeMap::new(),
            luck: Random::new(seed, "hook faults"),
            random: Random::new(seed, "hook deliveries"),
            epoch,
            outcome: Outcomes::default(),
        }
    }

    /// What a reset starts with.
    pub fn next_epoch(&self) -> u64 {
        self.epoch + 1
    }

    /// Lets an event wait for a hook's turn, unless a fault wants otherwise.
    pub fn add(&mut self, hook: Id, event: Arc<Event>, chances: Option<Chances>) {
        let none = Chances::default();
        let Chances { drop, double, shuffle } = chances.unwrap_or(none);
        let mut draw = |chance: f64| chances.is_some() && self.luck.chance(chance);
        let (drop, again, moved) = (draw(drop), draw(double), draw(shuffle));
        if drop {
            self.outcome.dropped += 1;
            return;
        }
        let queue = self.waiting.entry(hook).or_default();
        queue.push_back(Waiting { event, again, accepted: false });
        if moved {
            let (last, place) = (queue.len() - 1, self.luck.below(queue.len()));
            queue.swap(last, place);
        }
    }

    /// Events that wait or are on their way.
    pub fn pending(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum::<usize>() + self.on_the_way.values().sum::<usize>()
    }

    /// The counts as the operator sees them. `sent`: accepted (2xx) by a hook at least once. `dropped`: never delivered,
    /// by a fault. `doubled`: accepted a second time, by a fault. `failed`: given up after a retry, or because the hook
    /// went. `pending`: waiting or on their way, second times included.
    pub fn json(&self) -> Value {
        let Outcomes { sent, dropped, doubled, failed } = self.outcome;
        json!({ "sent": sent, "dropped": dropped, "doubled": doubled, "failed": failed, "pending": self.pending() })
    }

    /// The next delivery of every hook that has none on its way.
    fn take(&mut self, tenant: &Tenant) -> Vec<Delivery> {
        let mut due = Vec::new();
        for (id, queue) in &mut self.waiting {
            if queue.is_empty() || self.on_the_way.contains_key(id) {
                continue;
            }
            let Some(hook) = tenant.hooks.get(id).filter(|hook| hook.is_live()) else {
                self.outcome.failed += count(queue.drain(..).filter(|waiting| !waiting.accepted));
                continue;
            };
            let batch: Vec<_> = queue.drain(..queue.len().min(BATCH)).collect();
            self.on_the_way.insert(*id, batch.len());
            due.push(Delivery {
                epoch: self.epoch,
                hook: *id,
                channel: hook.draft.channel.clone(),
                batch,
                source: format!("{}/api/v1/eventHooks/{id}", tenant.base),
                id: self.random.uuid(),
                request_id: self.random.request_id(),
                time: tenant.clock.now(),
            });
        }
        due
    }

    /// Counts what became of a delivery; those of its events that are to come twice wait again.
    fn settle(&mut self, delivery: Delivery, accepted: bool) {
        if delivery.epoch != self.epoch {
            return;
        }
        self.on_the_way.remove(&delivery.hook);
        let queue = self.waiting.entry(delivery.hook).or_default();
        for mut waiting in delivery.batch {
            if accepted && waiting.accepted {
                self.outcome.doubled += 1;
            } else if accepted {
                self.outcome.sent += 1;
                waiting.accepted = true;
            }
            if waiting.again {
                waiting.again = false;
                queue.push_back(waiting);
            } else if !waiting.accepted {
                self.outcome.failed += 1;
            }
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}

impl Delivery {
    /// The envelope. A retry repeats it, so that its `eventId` comes twice.
    fn json(&self) -> Value {
        json!({
            "eventType": "com.okta.event_hook",
            "eventTypeVersion": "1.0",
            "cloudEventsVersion": "0.1",
            "source": self.source,
            "eventId": self.id,
            "data": { "events": self.batch.iter().map(|waiting| waiting.event.told()).collect::<Vec<_>>() },
            "eventTime": precise(self.time),
            "contentType": "application/json",
        })
    }
}

/// Delivers until dropped; deliveries on their way end with it.
pub async fn run(shared: Arc<Shared>) {
    let mut sending = JoinSet::new();
    loop {
        let due = {
            let state = &mut *shared.state();
            state.deliveries.take(&state.tenant)
        };
        for delivery in due {
            sending.spawn(deliver(Arc::clone(&shared), delivery));
        }
        tokio::select! {
            () = shared.written.notified() => {}
            Some(_) = sending.join_next() => {}
        }
    }
}

async fn deliver(shared: Arc<Shared>, delivery: Delivery) {
    let body = delivery.json().to_string();
    let accepted = wire::tell(&shared.http, &delivery.channel, &delivery.request_id, &body).await;
    shared.state().deliveries.settle(delivery, accepted);
}

/// Asks a hook's address to prove itself, without the lock, and remembers what came of it.
pub async fn verify(shared: &Shared, id: &str) -> Outcome {
    let (channel, challenge, request_id) = {
        let tenant = &mut shared.state().tenant;
        let channel = hooks::channel(tenant, id)?;
        (channel, tenant.random.uuid(), tenant.random.request_id())
    };
    let proven = wire::challenge(&shared.http, &channel, &request_id, &challenge).await;
    hooks::verified(&mut shared.state().tenant, id, &channel, proven)
}
