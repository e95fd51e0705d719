//! The six fields of `cron(…)`, and the times they name.

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Times of a calendar, to the minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<i8>,
    hours: BTreeSet<i8>,
    days: Days,
    months: BTreeSet<i8>,
    years: BTreeSet<i16>,
}

/// Which days of a month. Days of the week count from Sunday, which is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    OfMonth(BTreeSet<i8>),
    LastOfMonth,
    /// The one from Monday to Friday that is nearest to a day, in the same month.
    NearestWorkday(i8),
    LastWorkday,
    OfWeek(BTreeSet<i8>),
    /// The last one of a month.
    LastOfWeekday(i8),
    /// The first, second … one of a month.
    NthOfWeekday(i8, i8),
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Cron {
    /// Reads what stands between the brackets, or says what is wrong with it.
    pub fn parse(cron: &str) -> Result<Self, String> {
        if cron.trim() != cron {
            return Err("no space may stand inside the brackets of cron".to_owned());
        }
        let fields: Vec<_> = cron.split(' ').filter(|field| !field.is_empty()).collect();
        let [minutes, hours, day, month, weekday, year] = fields[..] else {
            return Err("cron takes six fields: minutes, hours, day of month, month, day of week, year".to_owned());
        };
        let wrong = |name: &str, values: &str| {
            format!("the {name} must be {values}, as in 1 or 1,2 or 1-2, or with a step as in 1/2")
        };
        let days = match (day, weekday) {
            ("?", "?") => None,
            ("?", weekday) => {
                Some(days_of_week(weekday).ok_or(
                    "the day of week must be ?, 1-7 or SUN-SAT, as in 2 or MON,TUE or MON-FRI, or L, 6L or 3#2",
                )?)
            }
            (day, "?") => Some(
                days_of_month(day).ok_or_else(|| wrong("day of month", "?, L, LW, a day's number and W, or 1-31"))?,
            ),
            _ => None,
        };
        Ok(Self {
            minutes: values(minutes, &(0..=59), &[]).ok_or_else(|| wrong("minutes", "0-59"))?,
            hours: values(hours, &(0..=23), &[]).ok_or_else(|| wrong("hours", "0-23"))?,
            days: days.ok_or("exactly one of day of month and day of week must be '?'")?,
            months: values(month, &(1..=12), &MONTHS).ok_or_else(|| wrong("month", "1-12 or JAN-DEC"))?,
            years: values(year, &(1970..=2199), &[]).ok_or_else(|| wrong("year", "1970-2199"))?,
        })
    }

    /// The first time after a moment, by the clocks of a time zone.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let last_year = *self.years.last()?;
        let mut date = zone.to_datetime(after).date();
        while date.year() <= last_year {
            if self.holds(date)
                && let Some(next) = self.first_of(date, after, zone)
            {
                return Some(next);
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn holds(&self, date: Date) -> bool {
        self.years.contains(&date.year()) && self.months.contains(&date.month()) && self.days.hold(date)
    }

    /// The first time of a day that is after a moment. A time that the clocks skip in spring is skipped, and one that they
    /// show twice in autumn counts once, the first time:
    /// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time>
    fn first_of(&self, date: Date, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let times =
            self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| date.at(*hour, *minute, 0, 0)));
        let shown = times
            .map(|time| zone.to_ambiguous_timestamp(time))
            .filter(|time| !matches!(time.offset(), AmbiguousOffset::Gap { .. }))
            .filter_map(|time| time.earlier().ok());
        shown.into_iter().find(|time| *time > after)
    }
}

impl Days {
    fn hold(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_one_offset();
        match self {
            Self::OfMonth(days) => days.contains(&date.day()),
            Self::LastOfMonth => date.day() == date.days_in_month(),
            Self::NearestWorkday(day) => nearest_workday(date, *day) == Some(date),
            Self::LastWorkday => nearest_workday(date, date.days_in_month()) == Some(date),
            Self::OfWeek(days) => days.contains(&weekday),
            Self::LastOfWeekday(day) => weekday == *day && date.day() + 7 > date.days_in_month(),
            Self::NthOfWeekday(day, nth) => weekday == *day && (date.day() + 6) / 7 == *nth,
        }
    }
}

/// None in a month that has no such day.
fn nearest_workday(month: Date, day: i8) -> Option<Date> {
    let date = month.with().day(day).build().ok()?;
    let away = match date.weekday() {
        Weekday::Saturday if day == 1 => 2,
        Weekday::Saturday => -1,
        Weekday::Sunday if day == date.days_in_month() => -2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    date.checked_add(away.days()).ok()
}

fn days_of_month(text: &str) -> Option<Days> {
    match text {
        "L" => Some(Days::LastOfMonth),
        "LW" => Some(Days::LastWorkday),
        _ => match text.strip_suffix('W') {
            Some(day) => Some(Days::NearestWorkday(number(day, &(1..=31), &[])?)),
            None => values(text, &(1..=31), &[]).map(Days::OfMonth),
        },
    }
}

fn days_of_week(text: &str) -> Option<Days> {
    let day = |text| number(text, &(1..=7), &DAYS);
    if text == "L" {
        // The last day of the week.
        return Some(Days::OfWeek([7].into()));
    }
    if let Some(last) = text.strip_suffix('L') {
        return Some(Days::LastOfWeekday(day(last)?));
    }
    if let Some((weekday, nth)) = text.split_once('#') {
        return Some(Days::NthOfWeekday(day(weekday)?, number(nth, &(1..=5), &[])?));
    }
    // The Scheduler documents no steps for this field.
    if text.contains('/') { None } else { values(text, &(1..=7), &DAYS).map(Days::OfWeek) }
}

/// Every value that a list of values, ranges and steps names.
fn values<T: TryFrom<i16> + Ord>(text: &str, range: &RangeInclusive<i16>, names: &[&str]) -> Option<BTreeSet<T>> {
    let mut all = BTreeSet::new();
    for part in text.split(',') {
        let (values, step) = match part.split_once('/') {
            Some((values, step)) => (values, Some(number::<i16>(step, &(1..=*range.end()), &[])?)),
            None => (part, None),
        };
        let (from, to) = match values.split_once('-') {
            _ if values == "*" => (*range.start(), *range.end()),
            Some((from, to)) => (number(from, range, names)?, number(to, range, names)?),
            None => {
                let from = number(values, range, names)?;
                (from, if step.is_some() { *range.end() } else { from })
            }
        };
        if from > to {
            return None;
        }
        let step = usize::try_from(step.unwrap_or(1)).ok()?;
        all.extend((from..=to).step_by(step).filter_map(|value| T::try_from(value).ok()));
    }
    Some(all)
}

fn number<T: TryFrom<i16>>(text: &str, range: &RangeInclusive<i16>, names: &[&str]) -> Option<T> {
    let value = match names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        Some(place) => range.start() + i16::try_from(place).ok()?,
        None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok()?,
        None => return None,
    };
    T::try_from(value).ok().filter(|_| range.contains(&value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::DateTime;
    use proptest::prelude::*;

    /// The next times, by the clocks of a time zone.
    fn times(cron: &str, after: &str, zone: &str, count: usize) -> Vec<String> {
        let zone = TimeZone::get(zone).expect("a time zone");
        let cron = Cron::parse(cron).expect("six fields");
        let first: DateTime = after.parse().expect("a time");
        let first = zone.to_ambiguous_timestamp(first).earlier().expect("a time that is shown");
        let times = std::iter::successors(Some(first), |after| cron.next_after(*after, &zone));
        times
            .skip(1)
            .take(count)
            .map(|at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %z").to_string())
            .collect()
    }

    fn dates(cron: &str, after: &str, count: usize) -> Vec<String> {
        times(cron, after, "UTC", count).into_iter().map(|it| it[..10].to_owned()).collect()
    }

    #[test]
    fn days_are_found_by_number_by_weekday_and_from_the_end() {
        for (cron, expected) in [
            ("0 8 L * ? *", ["2026-01-31", "2026-02-28", "2026-03-31"]),
            // Saturday 31 January, Saturday 28 February.
            ("0 8 LW * ? *", ["2026-01-30", "2026-02-27", "2026-03-31"]),
            // Sunday 1 February and Sunday 1 March.
            ("0 8 1W * ? *", ["2026-02-02", "2026-03-02", "2026-04-01"]),
            ("0 8 31W * ? *", ["2026-01-30", "2026-03-31", "2026-05-29"]),
            ("0 8 ? * 6L *", ["2026-01-30", "2026-02-27", "2026-03-27"]),
            ("0 8 ? * TUE#2 *", ["2026-01-13", "2026-02-10", "2026-03-10"]),
            ("0 8 ? * 5#5 *", ["2026-01-29", "2026-04-30", "2026-07-30"]),
            ("0 8 ? * L *", ["2026-01-03", "2026-01-10", "2026-01-17"]),
            ("0 8 ? * SUN,4 *", ["2026-01-04", "2026-01-07", "2026-01-11"]),
            ("0 8 29 2 ? *", ["2028-02-29", "2032-02-29", "2036-02-29"]),
            ("0 8 1/10 * ? *", ["2026-01-11", "2026-01-21", "2026-01-31"]),
            ("0 8 5 JAN-DEC/6 ? 2027/2", ["2027-01-05", "2027-07-05", "2029-01-05"]),
        ] {
            assert_eq!(dates(cron, "2026-01-01T12:00", 3), expected, "{cron}");
        }
    }

    #[test]
    fn an_expression_may_have_had_its_last_time() {
        assert_eq!(dates("0 8 1 1 ? 2026", "2025-06-01T00:00", 3), ["2026-01-01"]);
        assert!(dates("0 8 30 2 ? *", "2026-01-01T00:00", 3).is_empty());
        assert!(dates("0 8 1 1 ? 1999", "2026-01-01T00:00", 3).is_empty());
        assert_eq!(times("59 23 31 12 ? *", "2199-12-31T00:00", "UTC", 3), ["2199-12-31 23:59 +0000"]);
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_skipped() {
        let expected = ["2026-03-28 02:30 +0100", "2026-03-30 02:30 +0200"];
        assert_eq!(times("30 2 * * ? *", "2026-03-28T00:00", "Europe/Berlin", 2), expected);
        let expected = ["2026-03-08 01:30 -0500", "2026-03-08 03:00 -0400"];
        assert_eq!(times("0/30 * * * ? *", "2026-03-08T01:00", "America/New_York", 2), expected);
    }

    #[test]
    fn a_time_that_the_clocks_show_twice_counts_once() {
        let expected = ["2026-10-25 02:30 +0200", "2026-10-26 02:30 +0100"];
        assert_eq!(times("30 2 * * ? *", "2026-10-25T00:00", "Europe/Berlin", 2), expected);
        let expected = ["2026-11-01 01:00 -0400", "2026-11-01 01:30 -0400", "2026-11-01 02:00 -0500"];
        assert_eq!(times("0/30 * * * ? *", "2026-11-01T00:30", "America/New_York", 3), expected);
    }

    #[test]
    fn a_day_that_a_time_zone_left_out_has_no_times() {
        let expected = ["2011-12-29 08:00 -1000", "2011-12-31 08:00 +1400"];
        assert_eq!(times("0 8 * * ? *", "2011-12-29T00:00", "Pacific/Apia", 2), expected);
    }

    /// An expression and what it means, told apart from the parser.
    #[derive(Clone, Debug)]
    struct Meaning {
        minute: (i8, i8),
        hours: (i8, i8),
        months: (i8, i8),
        days: BTreeSet<i8>,
        of_week: bool,
    }

    impl Meaning {
        fn text(&self) -> String {
            let days = self.days.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let (day, weekday) = if self.of_week { ("?", days.as_str()) } else { (days.as_str(), "?") };
            let Self { minute: (first, step), hours: (from, to), months, .. } = self;
            format!("{first}/{step} {from}-{to} {day} {}-{} {weekday} *", months.0, months.1)
        }

        fn holds(&self, time: DateTime) -> bool {
            let day = if self.of_week { time.date().weekday().to_sunday_one_offset() } else { time.day() };
            let minutes = time.minute() - self.minute.0;
            minutes >= 0
                && minutes % self.minute.1 == 0
                && (self.hours.0..=self.hours.1).contains(&time.hour())
                && (self.months.0..=self.months.1).contains(&time.month())
                && self.days.contains(&day)
        }

        /// Walks minute by minute. A time counts if the clocks have not shown it before.
        fn next(&self, after: Timestamp, zone: &TimeZone, minutes: i64) -> Option<Timestamp> {
            let mut latest = DateTime::MIN;
            (after.as_second() / 60 - 180..).take(usize::try_from(180 + minutes).ok()?).find_map(|minute| {
                let at = Timestamp::from_second(minute * 60).ok()?;
                let time = zone.to_datetime(at);
                let new = time > latest;
                latest = latest.max(time);
                (new && at > after && self.holds(time)).then_some(at)
            })
        }
    }

    fn ordered(range: RangeInclusive<i8>) -> impl Strategy<Value = (i8, i8)> {
        (range.clone(), range).prop_map(|(a, b)| (a.min(b), a.max(b)))
    }

    fn meaning() -> impl Strategy<Value = Meaning> {
        let days = any::<bool>().prop_flat_map(|of_week| {
            let most: i8 = if of_week { 7 } else { 31 };
            (proptest::collection::btree_set(1..=most, 1..6), Just(of_week))
        });
        let months = prop_oneof![Just((1, 12)), ordered(1..=12)];
        ((0..60_i8, 1..60_i8), ordered(0..=23), months, days)
            .prop_map(|(minute, hours, months, (days, of_week))| Meaning { minute, hours, months, days, of_week })
    }

    /// Any moment of three years, or one near a change of the clocks.
    fn moment() -> impl Strategy<Value = Timestamp> {
        let changes = [1_774_746_000, 1_792_890_000, 1_772_953_200, 1_793_512_800, 1_775_314_800];
        let near = (proptest::sample::select(changes.to_vec()), -7_200..7_200_i64).prop_map(|(at, by)| at + by);
        let any = 1_750_000_000..1_850_000_000_i64;
        prop_oneof![near, any].prop_map(|at| Timestamp::from_second(at).expect("a time"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn the_next_time_is_the_one_that_a_walk_minute_by_minute_comes_to(
            meaning in meaning(),
            after in moment(),
            zone in proptest::sample::select(vec![
                "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
            ]),
        ) {
            let zone = TimeZone::get(zone).expect("a time zone");
            let cron = Cron::parse(&meaning.text()).expect("six fields");
            let horizon = after + jiff::SignedDuration::from_hours(72);
            let next = cron.next_after(after, &zone).filter(|next| *next < horizon);
            prop_assert_eq!(next, meaning.next(after, &zone, 72 * 60), "{} {}", meaning.text(), after);
        }
    }
}
