//! The tenant's clock: the machine's clock, moved ahead by the operator.
//!
//! Directory objects carry [`Stamp`]s, whole seconds written with `.000Z`, as Okta writes them; the System Log keeps
//! milliseconds and uses [`precise`].

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

/// The machine's time plus what the operator advanced.
#[derive(Debug, Default)]
pub struct Clock {
    advanced: SignedDuration,
}

impl Clock {
    /// The tenant's time.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        moved(Timestamp::now(), self.advanced)
    }

    /// Moves the clock ahead; it never goes back.
    pub fn advance(&mut self, by: SignedDuration) {
        self.advanced = self.advanced.saturating_add(by.abs());
    }
}

/// A time moved by a duration; times at the end of the calendar stay where they are.
pub fn moved(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(time)
}

/// A moment in whole seconds, the precision of Okta's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(i64);

impl Stamp {
    /// The second a time falls in.
    pub fn of(time: Timestamp) -> Stamp {
        Stamp(time.as_second())
    }

    /// The moment.
    pub fn time(self) -> Timestamp {
        Timestamp::from_second(self.0).unwrap_or_default()
    }

    /// Milliseconds since 1970, to compare with other times.
    pub fn millis(self) -> i64 {
        self.0 * 1000
    }

    /// The same stamp some seconds earlier.
    pub fn before(self, seconds: i64) -> Stamp {
        Stamp(self.0 - seconds)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.time().strftime("%Y-%m-%dT%H:%M:%S.000Z"))
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A time with milliseconds, as the System Log writes it.
pub fn precise(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A time as the `Date` header writes it.
pub fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A duration as the operator writes it: `30s`, `15m`, `24h`, `7d`.
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let number: u32 = number.parse().ok()?;
    Some(SignedDuration::from_secs(i64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_have_whole_seconds_and_events_have_milliseconds() {
        let time: Timestamp = "2026-03-12T04:57:46.5Z".parse().expect("a constant time");
        assert_eq!(Stamp::of(time).to_string(), "2026-03-12T04:57:46.000Z");
        assert_eq!(precise(time), "2026-03-12T04:57:46.500Z");
        assert_eq!(precise("2026-03-12T04:57:46Z".parse().expect("a constant time")), "2026-03-12T04:57:46.000Z");
        assert_eq!(http_date(time), "Thu, 12 Mar 2026 04:57:46 GMT");
    }

    #[test]
    fn an_advanced_clock_runs_ahead_of_the_machine() {
        let (mut clock, machine) = (Clock::default(), Clock::default());
        clock.advance(SignedDuration::from_hours(24));
        assert!(clock.now() > moved(machine.now(), SignedDuration::from_hours(23)));
    }

    #[test]
    fn durations_need_a_number_and_a_known_unit() {
        for (text, seconds) in [("30s", 30), ("15m", 900), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(parse_duration(text), Some(SignedDuration::from_secs(seconds)));
        }
        for text in ["", "h", "1", "-1h", "1w", "1é", "99999999999999s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
