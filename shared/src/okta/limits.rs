//! Rate limits, learnt from the headers of every answer: pure arithmetic, no clock and no waiting.
//!
//! Okta's remaining count is the truth that all our functions share, so nothing is counted here; and a wait is measured
//! from the answer's own `Date`, not from a local clock that may be wrong.

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;

/// What one answer's headers say about the bucket it drew on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Requests a window, for us; 0 on a concurrency refusal.
    pub size: u32,
    /// Requests left in this window.
    pub remaining: u32,
    /// From the answer to the end of the window, and one second more.
    pub wait: SignedDuration,
}

impl Limit {
    /// Reads the three headers and `Date`. A repeated header counts with its lowest value.
    pub fn of(headers: &HeaderMap, now: Timestamp) -> Option<Self> {
        let lowest = |name: &str| {
            let values = headers.get_all(name).iter();
            values.filter_map(|v| v.to_str().ok()?.trim().parse::<i64>().ok()).min()
        };
        let limit = u32::try_from(lowest("x-rate-limit-limit")?).ok()?;
        let remaining = u32::try_from(lowest("x-rate-limit-remaining")?).ok()?;
        let served = date(headers).unwrap_or(now).as_second();
        let wait = lowest("x-rate-limit-reset")?.saturating_sub(served).clamp(0, 120) + 1;
        Some(Self { size: limit, remaining, wait: SignedDuration::from_secs(wait) })
    }

    /// True where too many requests run at once, rather than too many a minute.
    pub fn is_concurrency(&self) -> bool {
        self.size == 0
    }
}

/// The server's own time.
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

/// The last seen state of each bucket, what is on its way, and the share of it that background work may use.
#[derive(Default)]
pub struct Limits {
    buckets: HashMap<&'static str, Window>,
    in_flight: HashMap<&'static str, u32>,
}

#[derive(Clone, Copy)]
struct Window {
    limit: u32,
    remaining: u32,
    ends: Timestamp,
}

impl Limits {
    /// Remembers what an answer said.
    pub fn learn(&mut self, bucket: &'static str, seen: Limit, now: Timestamp) {
        if seen.is_concurrency() {
            return;
        }
        let ends = now.checked_add(seen.wait).unwrap_or(now);
        let mut window = Window { limit: seen.size, remaining: seen.remaining, ends };
        // Answers overtake each other: within one window what remains only gets less.
        if let Some(known) = self.buckets.get(bucket)
            && known.ends.duration_since(ends).as_secs().abs() <= 1
        {
            window.remaining = window.remaining.min(known.remaining);
        }
        self.buckets.insert(bucket, window);
    }

    /// A request sets out.
    pub fn set_out(&mut self, bucket: &'static str) {
        *self.in_flight.entry(bucket).or_default() += 1;
    }

    /// A request has come back, or never will.
    pub fn come_back(&mut self, bucket: &'static str) {
        if let Some(count) = self.in_flight.get_mut(bucket) {
            *count = count.saturating_sub(1);
        }
    }

    /// Until when background work leaves this bucket alone: half of what we may use is kept for everybody else.
    pub fn background_waits_until(&self, bucket: &'static str, now: Timestamp) -> Option<Timestamp> {
        let window = self.buckets.get(bucket)?;
        (now < window.ends && self.left(bucket, window) <= window.limit.div_ceil(2)).then_some(window.ends)
    }

    /// True where one request more may be on its way at the same time: the bucket is known, and a twentieth of it is not
    /// on its way yet.
    pub fn may_run_ahead(&self, bucket: &'static str, now: Timestamp) -> bool {
        let Some(window) = self.buckets.get(bucket) else { return false };
        let in_flight = self.in_flight.get(bucket).copied().unwrap_or_default();
        in_flight < (window.limit / 20).max(1) && self.background_waits_until(bucket, now).is_none()
    }

    fn left(&self, bucket: &'static str, window: &Window) -> u32 {
        window.remaining.saturating_sub(self.in_flight.get(bucket).copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::constant(1_759_127_097, 0);

    fn headers(limit: &str, remaining: &str, reset: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-rate-limit-limit", limit),
            ("x-rate-limit-remaining", remaining),
            ("x-rate-limit-reset", reset),
            ("date", "Mon, 29 Sep 2025 06:24:57 GMT"),
        ] {
            headers.append(http::HeaderName::from_static(name), value.parse().expect("a header value"));
        }
        headers
    }

    #[test]
    fn a_wait_is_reset_minus_the_servers_date_plus_one_second() {
        let seen = Limit::of(&headers("50", "0", "1759127105"), Timestamp::UNIX_EPOCH);
        assert_eq!(seen, Some(Limit { size: 50, remaining: 0, wait: SignedDuration::from_secs(9) }));
    }

    #[test]
    fn a_repeated_header_counts_with_its_lowest_value() {
        let mut repeated = headers("50", "40", "1759127105");
        repeated.append("x-rate-limit-remaining", http::HeaderValue::from_static("3"));
        assert_eq!(Limit::of(&repeated, NOW).map(|seen| seen.remaining), Some(3));
    }

    #[test]
    fn a_limit_of_zero_is_about_concurrency() {
        assert_eq!(Limit::of(&headers("0", "0", "1759127105"), NOW).map(|seen| seen.is_concurrency()), Some(true));
        assert_eq!(Limit::of(&HeaderMap::new(), NOW), None);
    }

    #[test]
    fn background_work_stops_at_half_and_goes_on_in_the_next_window() {
        for (remaining, stops) in [(301, false), (300, true), (0, true)] {
            let mut limits = Limits::default();
            let seen = Limit { size: 600, remaining, wait: SignedDuration::from_secs(30) };
            limits.learn("users", seen, NOW);
            assert_eq!(limits.background_waits_until("users", NOW).is_some(), stops, "{remaining}");
            assert_eq!(limits.background_waits_until("groups", NOW), None);
            let later = NOW + SignedDuration::from_secs(30);
            assert_eq!(limits.background_waits_until("users", later), None);
        }
    }

    #[test]
    fn what_is_on_its_way_counts_and_answers_that_overtake_each_other_give_nothing_back() {
        let mut limits = Limits::default();
        assert!(!limits.may_run_ahead("users", NOW), "the first goes alone, to learn");
        let seen = |remaining| Limit { size: 100, remaining, wait: SignedDuration::from_secs(30) };
        limits.learn("users", seen(60), NOW);
        limits.learn("users", seen(62), NOW);
        for _ in 0..5 {
            assert!(limits.may_run_ahead("users", NOW));
            limits.set_out("users");
        }
        assert!(!limits.may_run_ahead("users", NOW), "a twentieth of it is on its way");
        limits.learn("users", seen(55), NOW);
        assert!(limits.background_waits_until("users", NOW).is_some(), "half of it is spoken for");
        limits.come_back("users");
        assert!(limits.background_waits_until("users", NOW).is_none());
    }

    proptest! {
        #[test]
        fn no_headers_panic_or_make_a_wait_longer_than_two_minutes(
            limit in "[0-9]{1,12}|.{0,6}",
            remaining in "[0-9]{1,12}|.{0,6}",
            reset in prop_oneof![any::<i64>().prop_map(|reset| reset.to_string()), ".{0,6}"],
            now in any::<i32>(),
        ) {
            let mut lines = HeaderMap::new();
            for (name, text) in [("limit", &limit), ("remaining", &remaining), ("reset", &reset)] {
                if let Ok(value) = http::HeaderValue::from_str(text) {
                    lines.append(http::HeaderName::try_from(format!("x-rate-limit-{name}")).expect("a name"), value);
                }
            }
            let now = Timestamp::from_second(now.into()).expect("a moment");
            if let Some(seen) = Limit::of(&lines, now) {
                prop_assert!((1..=121).contains(&seen.wait.as_secs()));
                let mut limits = Limits::default();
                limits.learn("users", seen, now);
                let until = limits.background_waits_until("users", now);
                prop_assert!(until.is_none_or(|until| until.duration_since(now) == seen.wait));
            }
        }
    }
}
