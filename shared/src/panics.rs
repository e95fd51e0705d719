//! Panics are caught where work holds a lease, so that it is given back and the reason is written down.

use futures::FutureExt;
use std::any::Any;
use std::panic::AssertUnwindSafe;

/// What answers and logs say of a panic. The panic's own message may hold anything, so it goes to standard error alone.
pub const REASON: &str =
    "Okta Connector stopped at a fault of its own; its log has the place. It tries again at the next turn.";

/// Work panicked: what it had in memory is of no use any more.
#[derive(Debug, thiserror::Error)]
#[error("{REASON}")]
pub struct Panicked;

/// Runs some work. After a panic the caller discards the state that the work may have left half changed.
pub fn caught<T>(work: impl Future<Output = T>) -> impl Future<Output = Result<T, Panicked>> {
    // On the heap: it is most of what a caller keeps while it waits.
    let work = Box::pin(AssertUnwindSafe(work).catch_unwind());
    work.map(|done| done.map_err(|_: Box<dyn Any + Send>| Panicked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_and_nothing_else_is() {
        assert_eq!(caught(async { 7 }).await.expect("no panic"), 7);
        let fails = async { panic!("nothing") };
        let failed: Result<(), _> = caught(fails).await;
        assert_eq!(failed.expect_err("a panic").to_string(), REASON);
    }
}
