//! `GET /api/v1/logs`: polling in the order of persistence, or bounded by times of publication.
//!
//! Without `until` and with ascending order a request polls: every event comes once, late ones too, and there is
//! always a next link, which stays good for resuming later. All other requests are bounded: they end.

use std::cell::OnceCell;
use std::ops::Bound;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Address, Call};
use crate::clock::moved;
use crate::filter::{Expression, Found, LOGS_FILTER};
use crate::log::{Event, Place};
use crate::page;
use crate::tenant::Tenant;

/// Days a `since` may lie back.
const OLDEST_SINCE: i64 = 180;

/// What an event must be like.
struct Criteria {
    filter: Option<Expression>,
    keywords: Vec<String>,
}

impl Criteria {
    fn of(call: &Call) -> Result<Criteria, Refusal> {
        let filter = call.query("filter").map(|text| LOGS_FILTER.parse(text)).transpose()?;
        let keywords: Vec<String> =
            call.query("q").unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
        if keywords.len() > 10 || keywords.iter().any(|keyword| keyword.chars().count() > 40) {
            return Err(Refusal::invalid("q", "q: at most 10 keywords of at most 40 characters"));
        }
        Ok(Criteria { filter, keywords })
    }

    /// The event as JSON, if it fits; for most filters on event types no JSON is made of those that do not.
    fn shown(&self, event: &Event) -> Option<Value> {
        let made = OnceCell::new();
        let json = || made.get_or_init(|| event.json());
        let found = |name: &str| event.plain(name).map_or_else(|| Event::found(json(), name), Found::from);
        let fits = self.filter.as_ref().is_none_or(|filter| filter.holds(LOGS_FILTER.fold, &found))
            && (self.keywords.is_empty() || Event::mentions(json(), &self.keywords));
        fits.then(|| made.into_inner().unwrap_or_else(|| event.json()))
    }
}

/// `GET /api/v1/logs`
pub fn list(tenant: &mut Tenant, call: &Call) -> Outcome {
    tenant.write_noise();
    if call.query("since").is_some() && call.query("after").is_some() {
        return Err(Refusal::invalid("since", "The since and after parameters can't be specified simultaneously."));
    }
    let descending = match call.query("sortOrder") {
        None | Some("ASCENDING") => false,
        Some("DESCENDING") => true,
        Some(_) => return Err(Refusal::invalid("sortOrder", "sortOrder: must be ASCENDING or DESCENDING")),
    };
    let limit = call.query("limit").map_or(Ok(100), str::parse::<usize>).ok().filter(|limit| *limit <= 1000);
    let limit = limit.ok_or_else(|| Refusal::invalid("limit", "limit: must be between 0 and 1000"))?;
    let criteria = Criteria::of(call)?;
    let cursor = match call.query("after") {
        None => None,
        Some(text) => {
            let cursor = page::open(&tenant.seal, &call.address, text).and_then(|(_, key)| Cursor::parse(&key));
            Some(cursor.ok_or_else(|| Refusal::because("E0000029", "Invalid cursor."))?)
        }
    };
    match cursor {
        Some(Cursor::Polled(sequence)) => Ok(poll(tenant, call, &criteria, limit, sequence)),
        Some(Cursor::Bounded(bounds)) => Ok(bounded(tenant, call, &criteria, limit, bounds)),
        None => {
            let (since, until) = times(call, tenant.clock.now())?;
            if call.query("until").is_none() && !descending {
                return Ok(poll(tenant, call, &criteria, limit, tenant.log.before(since)));
            }
            let bounds = Bounds { since, until, descending, place: None };
            Ok(bounded(tenant, call, &criteria, limit, bounds))
        }
    }
}

/// The times a request names, or seven days until now.
fn times(call: &Call, now: Timestamp) -> Result<(Timestamp, Timestamp), Refusal> {
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    let parse = |name: &str| call.query(name).map(str::parse::<Timestamp>).transpose();
    let bad = ["since", "until"].into_iter().filter(|name| parse(name).is_err());
    let causes: Vec<String> = bad.clone().map(|name| format!("{name}: must be an RFC 3339 date")).collect();
    let (Ok(since), Ok(until)) = (parse("since"), parse("until")) else {
        return Err(Refusal::okta("E0000001", bad.collect::<Vec<_>>().join(" or "), causes));
    };
    let until = until.unwrap_or(now);
    let since = since.unwrap_or(moved(until, -days(7)));
    if since < moved(now, -days(OLDEST_SINCE)) {
        let about = "The since parameter is over 180 days prior to the current day.".into();
        return Err(Refusal::okta("E0000053", about, Vec::new()));
    }
    Ok((since, until))
}

/// Where a listing of the log goes on.
enum Cursor {
    /// After an event, in the order of persistence.
    Polled(u64),
    /// Within bounds, in the order of publication.
    Bounded(Bounds),
}

/// A bounded request.
#[derive(Clone, Copy)]
struct Bounds {
    since: Timestamp,
    until: Timestamp,
    descending: bool,
    /// The last event shown: when it was published, and its sequence number.
    place: Option<Place>,
}

impl Cursor {
    fn parse(key: &str) -> Option<Cursor> {
        let value: Value = serde_json::from_str(key).ok()?;
        if let Some(sequence) = value.as_u64() {
            return Some(Cursor::Polled(sequence));
        }
        let time = |name: &str| value[name].as_i64().and_then(|micros| Timestamp::from_microsecond(micros).ok());
        Some(Cursor::Bounded(Bounds {
            since: time("since")?,
            until: time("until")?,
            descending: value["descending"].as_bool()?,
            place: Some((time("published")?, value["sequence"].as_u64()?)),
        }))
    }
}

/// The page after an event; there is always a next one.
fn poll(tenant: &Tenant, call: &Call, criteria: &Criteria, limit: usize, mut sequence: u64) -> Answer {
    let mut events = Vec::new();
    let mut rest = tenant.log.after(sequence, tenant.clock.now());
    while events.len() < limit && !call.effects.empty_list {
        let Some(event) = rest.next() else { break };
        sequence = event.sequence;
        events.extend(criteria.shown(event));
    }
    let next = page::close(&tenant.seal, &resumed(call), 0, &sequence.to_string());
    finish(tenant, call, events, Some(&next))
}

/// The address of a next link: without `since`, which may not stand beside a cursor. What tells a poll from a bounded
/// request stays.
fn resumed(call: &Call) -> Address {
    let mut address = call.address.clone();
    address.query.retain(|pair| pair.0 != "since");
    address
}

fn bounded(tenant: &Tenant, call: &Call, criteria: &Criteria, limit: usize, bounds: Bounds) -> Answer {
    let key = |event: &Event| (event.published, event.sequence);
    let (since, until) = (Bound::Included((bounds.since, 0)), (bounds.until, 0));
    let (from, until) = match bounds.place {
        Some(place) if bounds.descending => (since, place),
        Some(place) => (Bound::Excluded(place), until),
        None => (since, until),
    };
    let events = tenant.log.between(from, until, tenant.clock.now());
    let events: Box<dyn Iterator<Item = &Event>> =
        if bounds.descending { Box::new(events.rev()) } else { Box::new(events) };
    let mut rest = events.filter_map(|event| Some((key(event), criteria.shown(event)?)));
    let shown: Vec<_> = if call.effects.empty_list { Vec::new() } else { rest.by_ref().take(limit).collect() };
    let next = shown.last().filter(|_| rest.next().is_some()).map(|((published, sequence), _)| {
        let key = json!({
            "since": bounds.since.as_microsecond(), "until": bounds.until.as_microsecond(),
            "descending": bounds.descending, "published": published.as_microsecond(), "sequence": sequence,
        });
        page::close(&tenant.seal, &resumed(call), 0, &key.to_string())
    });
    finish(tenant, call, shown.into_iter().map(|(_, event)| event).collect(), next.as_deref())
}

fn finish(tenant: &Tenant, call: &Call, events: Vec<Value>, next: Option<&str>) -> Answer {
    let answer =
        Answer::ok(Value::Array(events)).header("link", page::link(&call.address, &tenant.base, "self", 0, None));
    match next {
        Some(next) => answer.header("link", page::link(&resumed(call), &tenant.base, "next", 0, Some(next))),
        None => answer,
    }
}
