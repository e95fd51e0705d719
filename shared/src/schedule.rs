//! Schedule expressions as EventBridge Scheduler takes them, and when they are due.
//!
//! Where its [documentation](https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html) is silent about a
//! form, the form is refused: an expression that is taken here is never refused there.

mod cron;

use cron::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// When something is due, again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// At a fixed interval. A day is 24 hours, whatever the clocks do.
    Rate(SignedDuration),
    /// When the calendar and the clock of a time zone say so.
    Cron(Cron),
}

/// The Scheduler takes no longer expression.
const LONGEST: usize = 256;

const FORMS: &str =
    "must be rate(<number> minutes|hours|days) or cron(<minutes> <hours> <day of month> <month> <day of week> <year>)";

impl Schedule {
    /// Reads an expression, or says what is wrong with it.
    pub fn parse(expression: &str) -> Result<Self, String> {
        if expression.len() > LONGEST {
            return Err(format!("must be at most {LONGEST} characters"));
        }
        let inside = |name: &str| expression.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        match (inside("rate"), inside("cron")) {
            (Some(rate), _) => parse_rate(rate).map(Self::Rate),
            (_, Some(cron)) => Cron::parse(cron).map(Self::Cron),
            _ => Err(FORMS.to_owned()),
        }
    }

    /// The first time after a moment. A rate counts from its anchor, at which it is not due itself; a cron expression is
    /// read in the time zone. None: never again.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone, anchor: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(interval) => next_of_rate(*interval, after, anchor),
            Self::Cron(cron) => cron.next_after(after, zone),
        }
    }
}

/// Files beside the time zones that are none: that of the machine, and forms for rules.
const NO_ZONES: [&str; 3] = ["localtime", "Factory", "posixrules"];

/// True for a time zone that the Scheduler takes: of at most 50 letters, and in no other spelling than the database of time
/// zones has.
pub fn is_time_zone(name: &str) -> bool {
    let zone = TimeZone::get(name).ok();
    let spelled = zone.as_ref().and_then(TimeZone::iana_name) == Some(name);
    spelled && name.len() <= 50 && !NO_ZONES.contains(&name)
}

/// Singular and plural are one unit for the Scheduler, whatever the number.
fn parse_rate(rate: &str) -> Result<SignedDuration, String> {
    let (number, unit) = rate.split_once(' ').ok_or(FORMS)?;
    let seconds = match unit {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3_600,
        "day" | "days" => 86_400,
        _ => return Err("the unit of a rate must be minutes, hours or days".to_owned()),
    };
    let number: Option<u32> = number.parse().ok().filter(|_| number.bytes().all(|b| b.is_ascii_digit()));
    match number {
        Some(number @ 1..) => Ok(SignedDuration::from_secs(i64::from(number) * seconds)),
        _ => Err("the number of a rate must be whole and at least 1".to_owned()),
    }
}

/// The Scheduler's own times are whole seconds, so the anchor's are too.
fn next_of_rate(interval: SignedDuration, after: Timestamp, anchor: Timestamp) -> Option<Timestamp> {
    let anchor = Timestamp::from_second(anchor.as_second()).ok()?;
    let passed = after.duration_since(anchor).as_secs() / interval.as_secs();
    let seconds = (passed.max(0) + 1).checked_mul(interval.as_secs())?;
    anchor.checked_add(SignedDuration::from_secs(seconds)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_scheduler_takes_is_taken() {
        for expression in [
            "rate(1 minute)",
            "rate(1 minutes)",
            "rate(2 minute)",
            "rate(15 minutes)",
            "rate(6 hours)",
            "rate(7 days)",
            "cron(0 8 * * ? *)",
            "cron(0  8 * * ?  *)",
            "cron(0/15 * ? * MON-FRI *)",
            "cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)",
            "cron(*/10 * 1,15 * ? *)",
            "cron(0 10 L * ? 2030-2040)",
            "cron(30 9 ? * 6L *)",
            "cron(30 9 ? * FRIL *)",
            "cron(0 9 ? * L *)",
            "cron(0 9 ? * 3#2 *)",
            "cron(0 9 15W JAN,jul ? *)",
            "cron(0 9 LW 1/3 ? 1970-2199/2)",
        ] {
            assert!(Schedule::parse(expression).is_ok(), "{expression}: {:?}", Schedule::parse(expression));
        }
    }

    /// The first ones are those of which it is known that AWS itself refuses them.
    #[test]
    fn what_the_scheduler_refuses_is_refused() {
        let long = format!("cron({} 8 * * ? *)", "0,".repeat(150));
        for expression in [
            "cron(0 1 * * * *)",
            "cron(7 20 * * NOT *)",
            "cron(INVALID)",
            "cron(0 dummy ? * MON-FRI *)",
            "cron(71 8 1 * ? *)",
            "cron()",
            "rate(10 seconds)",
            "rate(10 years)",
            "rate()",
            "rate(10)",
            "rate(10 minutess)",
            "rate(foo minutes)",
            "rate(-10 minutes)",
            "rate( 10 minutes )",
            " rate(10 minutes)",
            "at(2021-12-31)",
            "",
            "every(5 minutes)",
            "rate(0 minutes)",
            "rate(+5 minutes)",
            "rate(1.5 hours)",
            "rate(99999999999 days)",
            "rate(1 minute) ",
            "RATE(1 minute)",
            "0 8 * * ? *",
            "cron(* * * * *)",
            "cron(0 0 8 * * ? *)",
            "cron(0 8 * * ? * )",
            "cron(0\t8 * * ? *)",
            "cron(0 8 ? * ? *)",
            "cron(0 8 1 * 2 *)",
            "cron(? 8 * * ? *)",
            "cron(60 8 * * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 8 0 * ? *)",
            "cron(0 8 32 * ? *)",
            "cron(0 8 32W * ? *)",
            "cron(0 8 1,L * ? *)",
            "cron(0 8 L-3 * ? *)",
            "cron(0 8 * 13 ? *)",
            "cron(0 8 * FOO ? *)",
            "cron(0 8 ? * 0 *)",
            "cron(0 8 ? * 8 *)",
            "cron(0 8 ? * FRI-MON *)",
            "cron(0 8 ? * 3#6 *)",
            "cron(0 8 ? * 3#1,6#3 *)",
            "cron(0 8 ? * 2/2 *)",
            "cron(0 8 * * ? 1969)",
            "cron(0 8 * * ? 2200)",
            "cron(5/0 8 * * ? *)",
            "cron(5/90 8 * * ? *)",
            "cron(1,,2 8 * * ? *)",
            long.as_str(),
        ] {
            assert!(Schedule::parse(expression).is_err(), "{expression}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_of_the_field() {
        for (expression, word) in [
            ("cron(60 8 * * ? *)", "minutes must"),
            ("cron(0 24 * * ? *)", "hours must"),
            ("cron(0 8 32 * ? *)", "day of month must"),
            ("cron(0 8 ? 0 MON *)", "month must"),
            ("cron(0 8 ? * MONDAY *)", "day of week must"),
            ("cron(0 8 * * ? 1969)", "year must"),
            ("cron(0 8 * * * *)", "'?'"),
            ("cron(0 8 * * ?)", "six fields"),
            ("rate(0 days)", "at least 1"),
            ("rate(1 week)", "minutes, hours or days"),
        ] {
            let said = Schedule::parse(expression).expect_err(expression);
            assert!(said.contains(word), "{expression}: {said}");
        }
    }

    fn next(expression: &str, after: &str, zone: &str, anchor: &str) -> Option<String> {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let zone = TimeZone::get(zone).expect("a time zone");
        let schedule = Schedule::parse(expression).expect("a schedule");
        schedule.next_after(time(after), &zone, time(anchor)).map(|next| next.to_string())
    }

    #[test]
    fn a_rate_counts_from_its_anchor_through_every_change_of_the_clocks() {
        let anchor = "2026-03-28T12:00:00.750Z";
        for (rate, after, due) in [
            ("rate(1 day)", "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
            ("rate(1 day)", "2026-03-29T11:59:59.999Z", "2026-03-29T12:00:00Z"),
            ("rate(1 day)", "2026-03-29T12:00:00Z", "2026-03-30T12:00:00Z"),
            ("rate(6 hours)", "2026-01-01T00:00:00Z", "2026-03-28T18:00:00Z"),
            ("rate(15 minutes)", "2026-04-01T00:07:00Z", "2026-04-01T00:15:00Z"),
        ] {
            assert_eq!(next(rate, after, "Europe/Berlin", anchor).as_deref(), Some(due), "{rate} {after}");
        }
        assert_eq!(next("rate(4294967295 days)", anchor, "UTC", anchor), None, "after the end of time");
    }

    proptest! {
        #[test]
        fn a_rate_is_due_after_the_moment_and_at_most_one_interval_later(
            number in 1..100_000_u32, after in 0..4_000_000_000_i64, anchor in 0..4_000_000_000_i64,
        ) {
            let schedule = Schedule::parse(&format!("rate({number} minutes)")).expect("a schedule");
            let [after, anchor] = [after, anchor].map(|at| Timestamp::from_second(at).expect("a time"));
            let next = schedule.next_after(after, &TimeZone::UTC, anchor).expect("another time");
            let seconds = i64::from(number) * 60;
            prop_assert!(next > after && next > anchor);
            prop_assert_eq!(next.duration_since(anchor).as_secs() % seconds, 0);
            prop_assert!(next.duration_since(after.max(anchor)).as_secs() <= seconds);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(rate|cron)?\\(?[0-9A-Z*?/,#LW -]{0,30}\\)?|.{0,40}") {
            if let Ok(schedule) = Schedule::parse(&text) {
                let _ = schedule.next_after(Timestamp::UNIX_EPOCH, &TimeZone::UTC, Timestamp::UNIX_EPOCH);
            }
        }
    }
}
