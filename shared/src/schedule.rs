//! Schedule expressions as EventBridge Scheduler takes them: `rate(…)` and `cron(…)`.

const FORMS: &str =
    "must be rate(<number> minutes|hours|days) or cron(<minutes> <hours> <day of month> <month> <day of week> <year>)";

/// Says what is wrong with an expression.
pub fn check(expression: &str) -> Result<(), &'static str> {
    let inside = |name: &str| expression.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    match (inside("rate"), inside("cron")) {
        (Some(rate), _) => check_rate(rate),
        (_, Some(cron)) => check_cron(cron),
        _ => Err(FORMS),
    }
}

fn check_rate(rate: &str) -> Result<(), &'static str> {
    let (number, unit) = rate.split_once(' ').ok_or(FORMS)?;
    let number: u32 = number.parse().map_err(|_| FORMS)?;
    if number == 0 {
        return Err("a rate must be at least 1");
    }
    let known = matches!(unit, "minute" | "minutes" | "hour" | "hours" | "day" | "days");
    if known { Ok(()) } else { Err(FORMS) }
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

fn check_cron(cron: &str) -> Result<(), &'static str> {
    let fields: Vec<_> = cron.split_whitespace().collect();
    let [minutes, hours, day, month, weekday, year] = fields[..] else { return Err("cron takes six fields") };
    let ok = field(minutes, 0, 59, &[])
        && field(hours, 0, 23, &[])
        && (matches!(day, "?" | "L" | "LW")
            || day.strip_suffix('W').is_some_and(|d| number(d, 1, 31, &[]).is_some())
            || field(day, 1, 31, &[]))
        && field(month, 1, 12, &MONTHS)
        && (matches!(weekday, "?" | "L") || special_weekday(weekday) || field(weekday, 1, 7, &DAYS))
        && field(year, 1970, 2199, &[]);
    if !ok {
        return Err("a cron field is out of range");
    }
    if (day == "?") == (weekday == "?") {
        return Err("exactly one of day of month and day of week must be '?'");
    }
    Ok(())
}

/// `5L` (the last Thursday) and `3#2` (the second Tuesday).
fn special_weekday(text: &str) -> bool {
    let last = text.strip_suffix('L').is_some_and(|day| number(day, 1, 7, &DAYS).is_some());
    let nth = text
        .split_once('#')
        .is_some_and(|(day, n)| number(day, 1, 7, &DAYS).is_some() && number(n, 1, 5, &[]).is_some());
    last || nth
}

fn field(text: &str, low: u32, high: u32, names: &[&str]) -> bool {
    text.split(',').all(|part| {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step_ok = step.is_none_or(|step| number(step, 1, high, &[]).is_some());
        let range_ok = range == "*"
            || match range.split_once('-') {
                Some((from, to)) => number(from, low, high, names)
                    .zip(number(to, low, high, names))
                    .is_some_and(|(from, to)| from <= to),
                None => number(range, low, high, names).is_some(),
            };
        step_ok && range_ok
    })
}

fn number(text: &str, low: u32, high: u32, names: &[&str]) -> Option<u32> {
    if let Some(at) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return u32::try_from(at).ok().map(|at| at + low);
    }
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|value| digits && (low..=high).contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_scheduler_takes_is_taken() {
        for expression in [
            "rate(1 minute)",
            "rate(15 minutes)",
            "rate(6 hours)",
            "rate(7 days)",
            "cron(0 8 * * ? *)",
            "cron(0/15 * ? * MON-FRI *)",
            "cron(0 10 L * ? 2030-2040)",
            "cron(30 9 ? * 6L *)",
            "cron(0 9 ? * 3#2 *)",
            "cron(0 9 15W JAN,jul ? *)",
        ] {
            assert_eq!(check(expression), Ok(()), "{expression}");
        }
    }

    #[test]
    fn what_the_scheduler_refuses_is_refused() {
        for expression in [
            "",
            "every(5 minutes)",
            "rate(0 minutes)",
            "rate(-1 hours)",
            "rate(5)",
            "rate(5 weeks)",
            "rate(1.5 hours)",
            "cron(* * * * *)",
            "cron(0 8 * * * *)",
            "cron(0 8 ? * ? *)",
            "cron(60 8 * * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 8 32 * ? *)",
            "cron(0 8 ? * FRI-MON *)",
            "at(2030-01-01T00:00:00)",
            "rate(1 minute) ",
            "0 8 * * ? *",
        ] {
            assert!(check(expression).is_err(), "{expression}");
        }
    }
}
