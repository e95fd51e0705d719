//! Schedules in words: `6h`, `daily at 03:00 Europe/Oslo`, `weekdays at 07:30`, five fields of cron, or an expression of the
//! Scheduler as it is. The service has the last word on an expression.

const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const DAY_NAMES: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// What to write instead.
pub const FORMS: &str = "write 6h, every 15 minutes, daily at 03:00, weekdays at 03:00, monday at 03:00, \
                         monthly on 1 at 03:00 (a time zone may follow, as in Europe/Oslo), five fields of cron, or never";

/// When something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// `rate(…)` or `cron(…)`; none is never.
    pub expression: Option<String>,
    /// The time zone, where one was named.
    pub timezone: Option<String>,
}

impl std::str::FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if matches!(text, "never" | "off") {
            return Ok(Self { expression: None, timezone: None });
        }
        let (words, timezone) = zone(text);
        let wrong = || format!("{text:?} is no schedule: {FORMS}");
        let expression = as_is(words).or_else(|| rate(words)).or_else(|| calendar(words)).or_else(|| fields(words));
        Ok(Self { expression: Some(expression.ok_or_else(wrong)?), timezone })
    }
}

/// A time zone at the end, such as `UTC` or `Europe/Oslo`.
fn zone(text: &str) -> (&str, Option<String>) {
    let is_zone = |word: &str| word == "UTC" || (word.contains('/') && word.starts_with(|c: char| c.is_alphabetic()));
    match text.rsplit_once(' ') {
        Some((words, last)) if is_zone(last) && !text.ends_with(')') => (words.trim_end(), Some(last.to_owned())),
        _ => (text, None),
    }
}

fn as_is(words: &str) -> Option<String> {
    let is_one = ["rate(", "cron("].iter().any(|begin| words.starts_with(begin)) && words.ends_with(')');
    is_one.then(|| words.to_owned())
}

/// `6h`, `15 minutes`, `every day`, `hourly`.
fn rate(words: &str) -> Option<String> {
    let words = match words {
        "hourly" => "1 hour",
        "daily" => "1 day",
        other => other.strip_prefix("every ").unwrap_or(other),
    };
    let digits = words.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = words.split_at(digits);
    let number: u32 = if number.is_empty() { 1 } else { number.parse().ok()? };
    let unit = match (unit.trim(), digits) {
        ("m" | "min" | "minutes", 1..) | ("minute", _) => "minute",
        ("h" | "hours", 1..) | ("hour", _) => "hour",
        ("d" | "days", 1..) | ("day", _) => "day",
        _ => return None,
    };
    let plural = if number == 1 { "" } else { "s" };
    Some(format!("rate({number} {unit}{plural})"))
}

/// `daily at 03:00`, `weekdays at 03:00`, `monday, friday at 03:00`, `monthly on 1 at 03:00`.
fn calendar(words: &str) -> Option<String> {
    let (days, time) = words.rsplit_once(" at ")?;
    let (hours, minutes) = time.trim().split_once(':')?;
    let hours: u8 = hours.parse().ok().filter(|it| *it < 24)?;
    let minutes: u8 = minutes.parse().ok().filter(|it| *it < 60)?;
    let days = days.trim().to_lowercase();
    let fields = match days.as_str() {
        "daily" | "every day" => "* * ?".to_owned(),
        "weekdays" | "on weekdays" => "? * MON-FRI".to_owned(),
        other => match other.strip_prefix("monthly on ") {
            Some(day) => format!("{} * ?", day.parse::<u8>().ok().filter(|day| (1..=31).contains(day))?),
            None => format!("? * {}", week(other)?),
        },
    };
    Some(format!("cron({minutes} {hours} {fields} *)"))
}

/// `monday`, `on Mondays`, `weekly on mon, thu`.
fn week(days: &str) -> Option<String> {
    let days = ["weekly on ", "every ", "on "].iter().find_map(|it| days.strip_prefix(it)).unwrap_or(days);
    let all: Option<Vec<_>> = days.split(',').map(|day| day_of(day.trim())).collect();
    Some(all?.join(","))
}

fn day_of(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let is_it = |name: &str| {
        let name = name.to_lowercase();
        word == name || word == format!("{name}s") || word == name[..3]
    };
    DAY_NAMES.iter().position(|name| is_it(name)).map(|place| DAYS[place])
}

/// The five fields of cron on Unix, where Sunday is 0 or 7, as the six of the Scheduler, where it has a name.
fn fields(words: &str) -> Option<String> {
    let [minutes, hours, day, month, weekday] = words.split_whitespace().collect::<Vec<_>>()[..] else { return None };
    if !words.chars().all(|c| c.is_ascii_alphanumeric() || " */,-".contains(c)) {
        return None;
    }
    match (day, weekday) {
        (day, "*") => Some(format!("cron({minutes} {hours} {day} {month} ? *)")),
        ("*", weekday) => Some(format!("cron({minutes} {hours} ? {month} {} *)", named(weekday)?)),
        // The Scheduler takes one of both.
        _ => None,
    }
}

fn named(weekday: &str) -> Option<String> {
    let name = |day: &str| match day.parse::<usize>() {
        Ok(number) => DAYS.get(number % 7).filter(|_| number <= 7).map(|name| (*name).to_owned()),
        Err(_) => day_of(day).map(str::to_owned),
    };
    let part = |part: &str| match part.split_once('-') {
        Some((from, to)) => Some(format!("{}-{}", name(from)?, name(to)?)),
        None => name(part),
    };
    let all: Option<Vec<_>> = weekday.split(',').map(part).collect();
    Some(all?.join(","))
}

/// An expression in words; one that has no short words stays as it is.
pub fn words(expression: &str, timezone: &str) -> String {
    let inside = |name: &str| expression.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(rate) = inside("rate") {
        return match rate.split_once(' ') {
            Some(("1", unit)) => format!("every {}", unit.trim_end_matches('s')),
            _ => format!("every {rate}"),
        };
    }
    let day = inside("cron").and_then(of_calendar).unwrap_or_else(|| expression.to_owned());
    format!("{day} {timezone}").trim_end().to_owned()
}

fn of_calendar(cron: &str) -> Option<String> {
    let [minutes, hours, day, "*", weekday, "*"] = cron.split_whitespace().collect::<Vec<_>>()[..] else { return None };
    let time = format!("at {:02}:{:02}", hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
    match (day, weekday) {
        ("*", "?") => Some(format!("daily {time}")),
        ("?", "MON-FRI") => Some(format!("weekdays {time}")),
        (day, "?") => Some(format!("monthly on {} {time}", day.parse::<u8>().ok()?)),
        ("?", weekday) => {
            let name = |day: &str| DAYS.iter().position(|it| *it == day).map(|place| DAY_NAMES[place]);
            let names: Option<Vec<_>> = weekday.split(',').map(name).collect();
            Some(format!("{} {time}", names?.join(", ")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_an_expression_of_the_scheduler() {
        for (text, expression, timezone) in [
            ("6h", "rate(6 hours)", None),
            ("15m", "rate(15 minutes)", None),
            ("every hour", "rate(1 hour)", None),
            ("every 7 days", "rate(7 days)", None),
            ("hourly", "rate(1 hour)", None),
            ("daily at 03:00 Europe/Oslo", "cron(0 3 * * ? *)", Some("Europe/Oslo")),
            ("weekdays at 7:30 UTC", "cron(30 7 ? * MON-FRI *)", Some("UTC")),
            ("on Mondays at 03:00", "cron(0 3 ? * MON *)", None),
            ("weekly on mon, thu at 23:59", "cron(59 23 ? * MON,THU *)", None),
            ("monthly on 1 at 03:00", "cron(0 3 1 * ? *)", None),
            ("*/15 * * * *", "cron(*/15 * * * ? *)", None),
            ("0 3 * * 1-5", "cron(0 3 ? * MON-FRI *)", None),
            ("0 3 * * 0,7 America/New_York", "cron(0 3 ? * SUN,SUN *)", Some("America/New_York")),
            ("rate(1 minute)", "rate(1 minute)", None),
            ("cron(0 3 ? * MON#1 *)", "cron(0 3 ? * MON#1 *)", None),
        ] {
            let when: When = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((when.expression.as_deref(), when.timezone.as_deref()), (Some(expression), timezone), "{text}");
        }
        assert_eq!("never".parse::<When>().map(|when| when.expression), Ok(None));
        for wrong in ["", "soon", "25:00", "daily at 25:00", "monthly on 32 at 03:00", "0 3 1 * 1", "h", "every m"] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_expression_is_shown_in_the_words_that_make_it() {
        for (expression, timezone, shown) in [
            ("rate(6 hours)", "UTC", "every 6 hours"),
            ("rate(1 hours)", "UTC", "every hour"),
            ("cron(0 3 * * ? *)", "Europe/Oslo", "daily at 03:00 Europe/Oslo"),
            ("cron(30 7 ? * MON-FRI *)", "UTC", "weekdays at 07:30 UTC"),
            ("cron(0 3 ? * MON,THU *)", "UTC", "Monday, Thursday at 03:00 UTC"),
            ("cron(0 3 1 * ? *)", "UTC", "monthly on 1 at 03:00 UTC"),
            ("cron(0 3 LW * ? *)", "UTC", "cron(0 3 LW * ? *) UTC"),
        ] {
            assert_eq!(words(expression, timezone), shown);
            let again: When = shown.parse().unwrap_or_else(|error| panic!("{shown}: {error}"));
            assert!(again.expression.is_some(), "{shown}");
        }
    }
}
