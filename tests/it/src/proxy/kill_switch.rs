//! The end of a process at a chosen outbound call.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;

/// On which side of its effect the fatal call is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// The call never reaches the service.
    Before,
    /// The service has done its work and answered; nobody hears the answer.
    After,
}

/// One counter over all outbound calls of a process: at the chosen call the process dies, and from then on every call
/// of every proxy that shares the switch is cut without being forwarded. A clone is the same switch.
#[derive(Clone, Debug)]
pub struct KillSwitch(Arc<State>);

/// The process is dead: this call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed;

impl fmt::Display for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the process was killed at this call")
    }
}

impl std::error::Error for Killed {}

/// Looks on at each side of each call.
type Watcher = dyn Fn(usize, When) + Send + Sync;

struct State {
    at: usize,
    when: When,
    count: Mutex<usize>,
    dead: watch::Sender<bool>,
    watcher: Option<Box<Watcher>>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} call {}", self.when, self.at)
    }
}

impl KillSwitch {
    /// Kills at call `at`, counted from 1.
    pub fn new(at: usize, when: When) -> Self {
        Self(Arc::new(State { at, when, count: Mutex::new(0), dead: watch::Sender::new(false), watcher: None }))
    }

    /// Never kills, and calls `watcher` before and after each call, with the call's number. No other call begins or ends
    /// meanwhile, so that what the watcher sees is what a process that dies there leaves behind.
    pub fn watched(watcher: impl Fn(usize, When) + Send + Sync + 'static) -> Self {
        Self(Arc::new(State {
            at: usize::MAX,
            when: When::Before,
            count: Mutex::new(0),
            dead: watch::Sender::new(false),
            watcher: Some(Box::new(watcher)),
        }))
    }

    /// Only counts: the first run of a test asks it how many calls there are to die at.
    pub fn never() -> Self {
        Self::new(usize::MAX, When::Before)
    }

    /// How many calls were made while the process lived, the fatal one included.
    pub fn count(&self) -> usize {
        *self.calls()
    }

    /// Whether the process has died.
    pub fn is_dead(&self) -> bool {
        *self.0.dead.borrow()
    }

    /// Resolves when the process dies, at once if it has.
    pub async fn died(&self) {
        let mut dead = self.0.dead.subscribe();
        // It fails only if the switch is gone, and `self` is the switch.
        let _ = dead.wait_for(|dead| *dead).await;
    }

    /// Counts a call that is about to be made, and returns its number.
    pub fn before(&self) -> Result<usize, Killed> {
        let mut calls = self.calls();
        if self.is_dead() {
            return Err(Killed);
        }
        *calls += 1;
        self.watch(*calls, When::Before);
        if self.0.when == When::Before && *calls == self.0.at { Err(self.die()) } else { Ok(*calls) }
    }

    /// Ends the call of that number; its effect has happened. Of calls that overlap, the first to end at or past the chosen number is fatal, and
    /// those still under way are cut as well: their effect is as unknown as in a real crash.
    pub fn after(&self, number: usize) -> Result<(), Killed> {
        let _order = self.calls();
        if self.is_dead() {
            return Err(Killed);
        }
        self.watch(number, When::After);
        if self.0.when == When::After && number >= self.0.at { Err(self.die()) } else { Ok(()) }
    }

    fn watch(&self, call: usize, when: When) {
        if let Some(watcher) = &self.0.watcher {
            watcher(call, when);
        }
    }

    fn die(&self) -> Killed {
        self.0.dead.send_replace(true);
        Killed
    }

    fn calls(&self) -> MutexGuard<'_, usize> {
        self.0.count.lock().expect("nobody panics while counting")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_dies_and_every_later_one_with_it() {
        for (when, before, after) in [(When::Before, Err(Killed), Err(Killed)), (When::After, Ok(2), Err(Killed))] {
            let switch = KillSwitch::new(2, when);
            assert_eq!((switch.before(), switch.after(1)), (Ok(1), Ok(())));
            assert!(!switch.is_dead());
            assert_eq!((switch.before(), switch.after(2)), (before, after));
            assert!(switch.is_dead());
            assert_eq!(switch.before(), Err(Killed));
            assert_eq!(switch.count(), 2);
        }
    }

    #[test]
    fn a_switch_that_never_fires_still_counts() {
        let switch = KillSwitch::never();
        for call in 1..=5 {
            assert_eq!((switch.before(), switch.after(call)), (Ok(call), Ok(())));
        }
        assert_eq!((switch.count(), switch.is_dead()), (5, false));
    }

    #[test]
    fn a_watcher_sees_both_sides_of_each_call() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let switch = KillSwitch::watched({
            let seen = seen.clone();
            move |call, when| seen.lock().expect("nobody panics").push((call, when))
        });
        for call in 1..=2 {
            assert_eq!((switch.before(), switch.after(call)), (Ok(call), Ok(())));
        }
        let wanted = [(1, When::Before), (1, When::After), (2, When::Before), (2, When::After)];
        assert_eq!(*seen.lock().expect("nobody panics"), wanted);
    }

    #[tokio::test]
    async fn death_is_announced_to_those_who_wait_and_to_those_who_come_late() {
        let switch = KillSwitch::new(1, When::Before);
        let waiting = tokio::spawn({
            let switch = switch.clone();
            async move { switch.died().await }
        });
        assert_eq!(switch.before(), Err(Killed));
        waiting.await.expect("the waiter does not panic");
        switch.died().await;
    }
}
