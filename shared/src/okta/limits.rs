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

/// Background work leaves one request in so many to others.
const RESERVE: u32 = 10;
/// It leaves at least so many, where that is less than half.
const LEAST_RESERVE: u32 = 3;

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Work for a caller who waits: it takes what is left.
    Caller,
    /// Syncs, polls and searches: they keep a reserve for callers and for other programs.
    Background,
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
    /// What was left when background work had its first answer in this window.
    at_first: Option<u32>,
    /// Requests that background work has sent since.
    sent: u32,
}

impl Window {
    /// True where others draw on the bucket too: more is gone than background work has sent.
    fn is_contended(&self) -> bool {
        self.at_first.is_some_and(|at_first| at_first.saturating_sub(self.remaining) > self.sent)
    }

    /// A twentieth of the limit.
    fn most_in_flight(&self) -> u32 {
        (self.limit / 20).max(1)
    }

    /// How many requests background work leaves to others.
    fn reserve(&self) -> u32 {
        let half = self.limit.div_ceil(2);
        if self.is_contended() { half } else { self.limit.div_ceil(RESERVE).max(LEAST_RESERVE).min(half) }
    }
}

impl Limits {
    /// Remembers what the answer to a request of `sender` said. The request still counts as on its way.
    pub fn learn(&mut self, bucket: &'static str, seen: Limit, sender: Sender, now: Timestamp) {
        if seen.is_concurrency() {
            return;
        }
        let ends = now.checked_add(seen.wait).unwrap_or(now);
        let mut window = Window { limit: seen.size, remaining: seen.remaining, ends, at_first: None, sent: 0 };
        if let Some(known) = self.buckets.get(bucket)
            && known.ends.duration_since(ends).as_secs().abs() <= 1
        {
            // Answers overtake each other: within one window what remains only gets less.
            window.remaining = window.remaining.min(known.remaining);
            window.at_first = known.at_first;
            window.sent = known.sent;
        }
        if window.at_first.is_none() && sender == Sender::Background {
            window.at_first = Some(window.remaining);
            // Okta may have counted some of those that are still on their way.
            window.sent = self.in_flight(bucket).saturating_sub(1);
        }
        self.buckets.insert(bucket, window);
    }

    /// A request sets out.
    pub fn set_out(&mut self, bucket: &'static str, sender: Sender) {
        *self.in_flight.entry(bucket).or_default() += 1;
        if let Some(window) = self.buckets.get_mut(bucket).filter(|_| sender == Sender::Background) {
            window.sent += 1;
        }
    }

    /// A request has come back, or never will.
    pub fn come_back(&mut self, bucket: &'static str) {
        if let Some(count) = self.in_flight.get_mut(bucket) {
            *count = count.saturating_sub(1);
        }
    }

    /// Until when background work leaves this bucket alone: it keeps a tenth of it for others, and half where others use it
    /// now.
    pub fn background_waits_until(&self, bucket: &'static str, now: Timestamp) -> Option<Timestamp> {
        let window = self.buckets.get(bucket)?;
        (now < window.ends && self.left(bucket, window) <= window.reserve()).then_some(window.ends)
    }

    /// True where one request more may be on its way at the same time: the bucket is known, a twentieth of it is not on its
    /// way yet, and more than `spare` requests are left to background work in this window.
    pub fn may_run_ahead(&self, bucket: &'static str, spare: u32, now: Timestamp) -> bool {
        let Some(window) = self.buckets.get(bucket) else { return false };
        let is_left = now >= window.ends || self.left(bucket, window) > window.reserve() + spare;
        is_left && self.in_flight(bucket) < window.most_in_flight()
    }

    /// How many requests may be on their way at the same time; none before the first answer.
    pub fn most_in_flight(&self, bucket: &'static str) -> u32 {
        self.buckets.get(bucket).map_or(0, Window::most_in_flight)
    }

    fn in_flight(&self, bucket: &'static str) -> u32 {
        self.in_flight.get(bucket).copied().unwrap_or_default()
    }

    fn left(&self, bucket: &'static str, window: &Window) -> u32 {
        window.remaining.saturating_sub(self.in_flight(bucket))
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

    fn seen(size: u32, remaining: u32) -> Limit {
        Limit { size, remaining, wait: SignedDuration::from_secs(30) }
    }

    #[test]
    fn background_work_leaves_a_tenth_and_goes_on_in_the_next_window() {
        for (size, remaining, stops) in [
            (600, 61, false),
            (600, 60, true),
            (600, 0, true),
            // Of a small limit, three requests.
            (10, 4, false),
            (10, 3, true),
            // Of a tiny one, half.
            (4, 3, false),
            (4, 2, true),
            (1, 0, true),
        ] {
            let mut limits = Limits::default();
            limits.learn("users", seen(size, remaining), Sender::Background, NOW);
            assert_eq!(limits.background_waits_until("users", NOW).is_some(), stops, "{remaining} of {size}");
            assert_eq!(limits.background_waits_until("groups", NOW), None);
            let later = NOW + SignedDuration::from_secs(30);
            assert_eq!(limits.background_waits_until("users", later), None);
        }
    }

    /// Background work sends a request, and its answer says what is left.
    fn send(limits: &mut Limits, remaining: u32, now: Timestamp) {
        limits.set_out("users", Sender::Background);
        limits.learn("users", seen(100, remaining), Sender::Background, now);
        limits.come_back("users");
    }

    #[test]
    fn background_work_leaves_half_of_a_window_in_which_others_draw_on_the_bucket() {
        let mut limits = Limits::default();
        for remaining in [60, 59, 58, 49] {
            assert_eq!(limits.background_waits_until("users", NOW), None, "{remaining}");
            send(&mut limits, remaining, NOW);
        }
        assert!(limits.background_waits_until("users", NOW).is_some(), "8 of those 11 were not its own");
        let later = NOW + SignedDuration::from_secs(30);
        for remaining in [60, 59, 58, 49] {
            send(&mut limits, remaining, later);
        }
        assert!(limits.background_waits_until("users", later).is_some(), "the next window is looked at anew");
    }

    #[test]
    fn what_the_caller_of_an_action_draws_counts_as_of_others() {
        let mut limits = Limits::default();
        send(&mut limits, 40, NOW);
        limits.set_out("users", Sender::Caller);
        limits.learn("users", seen(100, 39), Sender::Caller, NOW);
        limits.come_back("users");
        assert!(limits.background_waits_until("users", NOW).is_some());
    }

    #[test]
    fn what_was_drawn_before_background_work_began_counts_for_nothing() {
        let mut limits = Limits::default();
        for remaining in [48, 47, 46] {
            limits.set_out("users", Sender::Caller);
            limits.learn("users", seen(100, remaining), Sender::Caller, NOW);
            limits.come_back("users");
        }
        send(&mut limits, 45, NOW);
        assert_eq!(limits.background_waits_until("users", NOW), None);
    }

    #[test]
    fn what_is_on_its_way_counts_and_answers_that_overtake_each_other_give_nothing_back() {
        let mut limits = Limits::default();
        assert!(!limits.may_run_ahead("users", 0, NOW), "the first goes alone, to learn");
        limits.learn("users", seen(100, 20), Sender::Background, NOW);
        limits.learn("users", seen(100, 22), Sender::Background, NOW);
        for _ in 0..5 {
            assert!(limits.may_run_ahead("users", 0, NOW));
            limits.set_out("users", Sender::Background);
        }
        assert!(!limits.may_run_ahead("users", 0, NOW), "a twentieth of it is on its way");
        limits.learn("users", seen(100, 15), Sender::Background, NOW);
        assert!(limits.background_waits_until("users", NOW).is_some(), "the rest is spoken for");
        limits.come_back("users");
        assert!(limits.background_waits_until("users", NOW).is_none());
    }

    #[test]
    fn what_is_not_asked_for_yet_sets_out_only_where_much_is_left() {
        let mut limits = Limits::default();
        limits.learn("users", seen(100, 26), Sender::Background, NOW);
        assert!(limits.may_run_ahead("users", 0, NOW));
        assert!(!limits.may_run_ahead("users", 16, NOW), "16 are left to background work");
        limits.learn("groups", seen(100, 27), Sender::Background, NOW);
        assert!(limits.may_run_ahead("groups", 16, NOW));
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
                limits.learn("users", seen, Sender::Background, now);
                let until = limits.background_waits_until("users", now);
                prop_assert!(until.is_none_or(|until| until.duration_since(now) == seen.wait));
            }
        }
    }
}
