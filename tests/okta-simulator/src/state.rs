//! What all connections share: the state behind one lock, and what never changes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::Notify;

use crate::Config;
use crate::auth::Gate;
use crate::deliveries::Deliveries;
use crate::faults::Faults;
use crate::limits::Limits;
use crate::tenant::Tenant;

/// Requests remembered for the operator.
const REMEMBERED: usize = 100_000;

/// Everything behind the lock.
#[derive(Debug)]
pub struct State {
    /// The tenant.
    pub tenant: Tenant,
    /// Tokens, used ids and fetched keys.
    pub gate: Gate,
    /// Rate limits.
    pub limits: Limits,
    /// Ordered faults.
    pub faults: Faults,
    /// What event hooks are told.
    pub deliveries: Deliveries,
    /// Requests answered.
    pub requests: Requests,
    /// Requests refused with 429.
    pub rate_limited: u64,
}

/// What all connections share.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    /// The configuration the tenant was founded with.
    pub config: Config,
    /// Fetches the service app's keys and calls event hooks.
    pub http: reqwest::Client,
    /// Something waits to be delivered.
    pub written: Notify,
}

impl Shared {
    /// Founds the tenant.
    pub fn new(config: Config, base: String) -> Shared {
        // Only the address given is called, never where that sends us, and without a proxy.
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        let state = Mutex::new(State::new(&config, config.seed, base, 0));
        Shared { state, config, http: http.unwrap_or_default(), written: Notify::new() }
    }

    /// The state; a handler that panicked has not made it unusable.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands what has been written since to those who deliver it, before the lock is given back.
    pub fn tell_hooks(&self, state: &mut State) {
        for (hook, event) in state.tenant.outbox.drain(..) {
            state.deliveries.add(hook, event, state.faults.chances());
        }
        if state.deliveries.pending() > 0 {
            self.written.notify_one();
        }
    }

    /// Founds the tenant anew; credentials, address and the count of requests stay.
    pub fn reset(&self, seed: Option<u64>) {
        let (base, epoch) = {
            let state = self.state();
            (state.tenant.base.clone(), state.deliveries.next_epoch())
        };
        let fresh = State::new(&self.config, seed.unwrap_or(self.config.seed), base, epoch);
        let mut state = self.state();
        let requests = std::mem::take(&mut state.requests);
        *state = State { requests, ..fresh };
    }
}

impl State {
    fn new(config: &Config, seed: u64, base: String, epoch: u64) -> State {
        State {
            tenant: Tenant::found(config, seed, base),
            gate: Gate::default(),
            limits: Limits::new(config.rate_limit),
            faults: Faults::default(),
            deliveries: Deliveries::new(seed, epoch),
            requests: Requests::default(),
            rate_limited: 0,
        }
    }
}

/// The last requests, for the operator.
#[derive(Debug, Default)]
pub struct Requests {
    items: VecDeque<Value>,
    sequence: u64,
}

impl Requests {
    /// Remembers a request; its number is filled in.
    pub fn record(&mut self, mut item: Value) {
        if self.items.len() == REMEMBERED {
            self.items.pop_front();
        }
        self.sequence += 1;
        item["seq"] = self.sequence.into();
        self.items.push_back(item);
    }

    /// Requests after a number.
    pub fn after(&self, sequence: u64) -> Value {
        let newer = usize::try_from(self.sequence.saturating_sub(sequence)).unwrap_or(usize::MAX);
        self.items.iter().skip(self.items.len().saturating_sub(newer)).cloned().collect()
    }
}
