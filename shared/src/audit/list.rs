//! Reading the audit, newest first, with bounded work for each page.

use super::{KEPT_SECONDS, Row};
use crate::app::App;
use crate::clock;
use crate::problem::Problem;
use crate::store::{Index, Item, Key, Query, keys};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Rows that are read for one page, whether they match or not.
const MOST_READ: usize = 1_000;
/// Rows that are read at once, at least.
const FEWEST_AT_ONCE: usize = 100;
/// How far the clocks of two functions may be apart.
const SKEW_SECONDS: i64 = 86_400;

/// Which rows are wanted; a row must match whatever is given.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A connection's id; it may have been deleted since.
    pub connection: Option<String>,
    /// A subject.
    pub actor: Option<String>,
    /// An action's name.
    pub action: Option<String>,
    /// A target's id.
    pub target: Option<String>,
    /// The earliest moment.
    pub since: Option<Timestamp>,
    /// The moment before which.
    pub until: Option<Timestamp>,
}

impl Filter {
    fn matches(&self, row: &Row) -> bool {
        let is = |wanted: &Option<String>, value: Option<&str>| wanted.is_none() || wanted.as_deref() == value;
        is(&self.connection, row.connection.as_ref().map(crate::id::ConnectionId::as_str))
            && is(&self.actor, Some(&row.actor.subject))
            && is(&self.action, Some(&row.action))
            && is(&self.target, row.target.as_ref().and_then(|target| target.id.as_deref()))
            && self.since.is_none_or(|since| row.at >= since)
            && self.until.is_none_or(|until| row.at < until)
    }

    /// The partitions that hold all rows that match, newest first: of an index where there is one, the narrowest first.
    fn partitions(&self, newest: Timestamp, now: Timestamp) -> Vec<(Option<Index>, String)> {
        let indexed = [
            (Index::G2, self.target.as_deref().map(keys::audit_of_target)),
            (Index::G3, self.actor.as_deref().map(keys::audit_by_actor)),
            (Index::G1, self.connection.as_deref().map(keys::audit_of_connection)),
        ];
        if let Some((index, pk)) = indexed.into_iter().find_map(|(index, pk)| Some((index, pk?))) {
            return vec![(Some(index), pk)];
        }
        let newest = newest.min(clock::after(now, SKEW_SECONDS));
        let oldest = self.since.unwrap_or(Timestamp::MIN).max(clock::after(now, -KEPT_SECONDS));
        months(newest, oldest).into_iter().map(|month| (None, month)).collect()
    }
}

/// A month's partition holds all that was asked for in it; the rows of 400 days lie in fourteen.
fn months(newest: Timestamp, oldest: Timestamp) -> Vec<String> {
    let first_day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date().first_of_month();
    let (mut month, last, mut all) = (first_day(newest), first_day(oldest), Vec::new());
    while month >= last {
        all.push(keys::audit_month(month));
        month = month.saturating_sub(1.month());
    }
    all
}

/// Rows that match, newest first, behind a place; and the place from which to go on. A page may be short, and even empty,
/// where few rows match.
pub async fn list(
    app: &App,
    filter: &Filter,
    after: Option<&str>,
    limit: usize,
) -> Result<(Vec<Row>, Option<String>), Problem> {
    let (mut rows, mut place, mut left) = (Vec::new(), after.map(str::to_owned), MOST_READ);
    let newest = after.and_then(keys::audit_moment).or(filter.until).unwrap_or(Timestamp::MAX);
    for (index, pk) in filter.partitions(newest, app.now()) {
        loop {
            let at_once = (limit + 1).max(FEWEST_AT_ONCE).min(left);
            let (items, more) = app.store.first(range(index, &pk, filter, place.as_deref()), at_once).await?;
            left -= items.len();
            place = items.last().map(|item| item.sort_key(None).to_owned()).or(place);
            rows.extend(whole(app, index, items).await?.into_iter().filter(|row| filter.matches(row)));
            if rows.len() > limit {
                rows.truncate(limit);
                let last = rows.last().map(|row| keys::audit(&row.id, row.at).sk);
                return Ok((rows, last));
            }
            if left == 0 {
                return Ok((rows, place));
            }
            if !more {
                break;
            }
        }
    }
    Ok((rows, None))
}

fn range(index: Option<Index>, pk: &str, filter: &Filter, after: Option<&str>) -> Query {
    let whole = index.map_or_else(|| Query::partition(pk), |index| Query::index(index, pk));
    let since = filter.since.map(keys::audit_sort_key);
    // Keys hold milliseconds; what is too late within the last second does not match.
    let until = filter.until.map(|until| keys::audit_sort_key(clock::after(until, 1)));
    whole.between(since.as_deref(), until.as_deref()).newest_first().after(after)
}

/// The rows behind an index's keys, in their order.
async fn whole(app: &App, index: Option<Index>, items: Vec<Item>) -> Result<Vec<Row>, Problem> {
    let items = match index {
        None => items,
        Some(_) => {
            let key = |item: &Item| Key { pk: item.partition_key().to_owned(), sk: item.sort_key(None).to_owned() };
            let mut found = app.store.get_many(&items.iter().map(key).collect::<Vec<_>>()).await?;
            found.sort_by(|a, b| b.sort_key(None).cmp(a.sort_key(None)));
            found
        }
    };
    Ok(items.iter().map(Item::parse).collect::<Result<Vec<_>, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_months_of_a_time_are_walked_backwards() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let walked = months(at("2026-03-01T00:00:00Z"), at("2025-12-31T23:59:59.999Z"));
        assert_eq!(walked, ["D#202603", "D#202602", "D#202601", "D#202512"]);
        assert_eq!(months(at("2026-01-31T00:00:00Z"), at("2026-02-01T00:00:00Z")), [""; 0]);
        let (newest, now) = (Timestamp::MAX, at("2026-07-15T12:00:00Z"));
        assert_eq!(Filter::default().partitions(newest, now).len(), 14);
    }

    #[test]
    fn the_narrowest_index_is_read() {
        let some = |text: &str| Some(text.to_owned());
        let filter = Filter { connection: some("c"), actor: some("a"), target: some("t"), ..Filter::default() };
        let read = |filter: &Filter| filter.partitions(Timestamp::MAX, Timestamp::UNIX_EPOCH).remove(0).1;
        assert_eq!(read(&filter), "DT#t");
        assert_eq!(read(&Filter { target: None, ..filter.clone() }), "DA#a");
        assert_eq!(read(&Filter { target: None, actor: None, ..filter }), "DC#c");
    }
}
