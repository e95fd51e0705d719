//! The guard: a listing that is empty, or much smaller than what is stored, removes nothing until somebody confirms.
//!
//! An admin role that was taken away shows as an empty list with status 200; one that was narrowed, as a shorter one.

/// True where so many removals out of what is stored must be confirmed first.
pub fn trips(stored: u64, seen: u64, removals: u64) -> bool {
    let empty = seen == 0 && stored > 0;
    let shrunk = removals > 25 && removals.saturating_mul(5) > stored;
    removals > 0 && (empty || shrunk)
}

/// How many may go at once although the log knows nothing of it.
pub fn few(stored: u64) -> u64 {
    (stored / 100).max(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_sharply_smaller_listing_removes_nothing() {
        for (stored, seen, removals, tripped) in [
            (0, 0, 0, false),
            (3, 0, 3, true),
            (1_000, 0, 1_000, true),
            (1_000, 800, 200, false),
            (1_000, 799, 201, true),
            (100, 75, 25, false),
            (100, 74, 26, true),
            (30, 5, 25, false),
            (1_000, 1_000, 0, false),
        ] {
            assert_eq!(trips(stored, seen, removals), tripped, "{stored} {seen} {removals}");
        }
    }
}
