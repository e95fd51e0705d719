//! Actions on the System Log.

use super::Action;
use super::list::{List, Paging};
use super::object::Object;
use super::run::Run;
use crate::connection::Fault;
use crate::okta::{Expression, Operator, Page, Request, api};
use crate::problem::{Kind, Problem};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;

const READ: &[&str] = &["okta.logs.read"];
/// Events a page, when all of them are wanted.
const PAGE: &str = "1000";
/// Pages that are read to answer one question.
const MOST_PAGES: usize = 5;

/// Search the System Log of the last 90 days: by a filter of Okta's, by words, by time.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchLog {
    /// The earliest time; 7 days ago if absent.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    since: Option<String>,
    /// The latest time; now if absent.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// A filter of Okta's, as in eventType eq "user.session.start".
    #[serde(default)]
    filter: Option<String>,
    /// Words that must all occur.
    #[serde(default)]
    q: Option<String>,
    /// Which come first: desc, the newest; asc, the oldest.
    #[serde(default)]
    sort: Sort,
    #[serde(flatten)]
    paging: Paging,
}

/// Which events come first.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Sort {
    /// The oldest.
    Asc,
    /// The newest.
    #[default]
    Desc,
}

/// Recent logons by IP address: who signed in, or tried to, from an address or through a proxy that names it; whoever
/// failed most comes first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecentLogonsByIp {
    /// The address, IPv4 or IPv6.
    ip: String,
    /// The earliest time; 24 hours ago if absent.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    since: Option<String>,
    /// The latest time; now if absent.
    #[serde(default)]
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
}

/// Logons from an address.
#[derive(Serialize, JsonSchema)]
pub struct Logons {
    /// The address.
    ip: String,
    /// From when.
    #[schemars(with = "String", extend("format" = "date-time"))]
    from: Timestamp,
    /// Until when.
    #[schemars(with = "String", extend("format" = "date-time"))]
    to: Timestamp,
    /// True where there were more events than are told: ask for a shorter time.
    truncated: bool,
    /// Who signed in or tried to.
    users: Vec<UserLogons>,
}

/// The logons of one user.
#[derive(Serialize, JsonSchema)]
struct UserLogons {
    /// Who.
    user: Actor,
    /// How many failed.
    failures: usize,
    /// How many succeeded.
    successes: usize,
    /// The first.
    first: String,
    /// The last.
    last: String,
    /// Each of them, failures first, then the newest.
    logons: Vec<Logon>,
}

/// Who signed in or tried to, as the log names them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[schemars(rename = "LogActor")]
struct Actor {
    /// Okta's id; none where the user is unknown.
    id: Option<String>,
    /// The login that was given.
    login: Option<String>,
    /// The name.
    name: Option<String>,
}

/// One logon.
#[derive(Serialize, JsonSchema)]
struct Logon {
    /// When.
    at: String,
    /// SUCCESS, FAILURE, DENY, …
    outcome: String,
    /// Why, as Okta tells it.
    reason: Option<String>,
    /// The type of the event.
    event_type: String,
    /// The id of the event.
    event_id: String,
    /// Where Okta places the client.
    city: Option<String>,
    /// Where Okta places the client.
    state: Option<String>,
    /// Where Okta places the client.
    country: Option<String>,
    /// The number of the client's network.
    asn: Option<i64>,
    /// The client's provider.
    isp: Option<String>,
    /// Whether the address is a known proxy's.
    is_proxy: Option<bool>,
    /// The client's browser, as it names itself.
    user_agent: Option<String>,
}

fn time(text: Option<&String>, at: &str, faults: &mut Vec<Fault>) -> Option<Timestamp> {
    let time = text?.parse::<Timestamp>();
    if time.is_err() {
        faults.push(Fault::new(at, "must be a time in RFC 3339, as in 2026-01-31T12:00:00Z"));
    }
    time.ok()
}

/// What is wrong with a span of time.
fn span(since: Option<&String>, until: Option<&String>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let (since, until) = (time(since, "/since", &mut faults), time(until, "/until", &mut faults));
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        faults.push(Fault::new("/since", "must be before until"));
    }
    faults
}

impl Sort {
    fn word(self) -> &'static str {
        match self {
            Self::Asc => "ASCENDING",
            Self::Desc => "DESCENDING",
        }
    }
}

impl SearchLog {
    fn request(&self, until: Option<&str>) -> Request {
        let limit = self.paging.limit.to_string();
        let mut query = vec![("sortOrder", self.sort.word()), ("limit", limit.as_str())];
        let optional = [
            ("since", self.since.as_deref()),
            ("until", until),
            ("filter", self.filter.as_deref()),
            ("q", self.q.as_deref()),
        ];
        query.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        api::search_logs(&query)
    }
}

#[async_trait]
impl Action for SearchLog {
    const NAME: &'static str = "log.search";
    const SCOPES: &'static [&'static str] = READ;
    type Output = List<Object>;

    fn faults(&self) -> Vec<Fault> {
        span(self.since.as_ref(), self.until.as_ref())
    }

    fn would(&self) -> Vec<Request> {
        let now = matches!(self.sort, Sort::Asc).then_some("{now}");
        vec![self.request(self.until.as_deref().or(now))]
    }

    async fn run(&self, run: &mut Run) -> Result<List<Object>, Problem> {
        let tie = format!("{:?} {:?} {:?} {:?} {}", self.since, self.until, self.filter, self.q, self.sort.word());
        // Oldest first and without an end, Okta takes it for polling, which never ends.
        let now = matches!(self.sort, Sort::Asc).then(|| run.okta_time().to_string());
        run.page(&self.request(self.until.as_deref().or(now.as_deref())), &self.paging, &tie).await
    }
}

impl RecentLogonsByIp {
    fn address(&self) -> Option<IpAddr> {
        self.ip.trim().parse().ok()
    }

    fn request(&self, since: &str, until: &str, chain: bool) -> Request {
        let ip = self.address().map_or_else(|| self.ip.clone(), |ip| ip.to_string());
        let logon = [("user.session.start", Operator::Eq), ("user.authentication", Operator::Sw)];
        let logon = logon.map(|(text, operator)| Expression::compare("eventType", operator, text));
        let mut from = vec![Expression::equals("client.ipAddress", &ip)];
        if chain {
            from.push(Expression::equals("request.ipChain.ip", &ip));
        }
        let filter = Expression::all([Expression::any(logon), Expression::any(from)]);
        let query = [
            ("since", since),
            ("until", until),
            ("sortOrder", "DESCENDING"),
            ("limit", PAGE),
            ("filter", filter.as_str()),
        ];
        api::search_logs(&query)
    }
}

#[async_trait]
impl Action for RecentLogonsByIp {
    const NAME: &'static str = "log.recent_logons_by_ip";
    const SCOPES: &'static [&'static str] = READ;
    type Output = Logons;

    fn faults(&self) -> Vec<Fault> {
        let mut faults = span(self.since.as_ref(), self.until.as_ref());
        if self.address().is_none() {
            faults.push(Fault::new("/ip", "must be an IPv4 or IPv6 address"));
        }
        faults
    }

    fn would(&self) -> Vec<Request> {
        let given = |time: &Option<String>, placeholder: &str| time.clone().unwrap_or_else(|| placeholder.to_owned());
        vec![self.request(&given(&self.since, "{24 hours ago}"), &given(&self.until, "{now}"), true)]
    }

    async fn run(&self, run: &mut Run) -> Result<Logons, Problem> {
        let given = |time: &Option<String>| time.as_ref().and_then(|time| time.parse::<Timestamp>().ok());
        let to = given(&self.until).unwrap_or_else(|| run.okta_time());
        let from = given(&self.since).unwrap_or_else(|| to.checked_sub(SignedDuration::from_hours(24)).unwrap_or(to));
        if from >= to {
            return Err(Problem::invalid(&[Fault::new("/since", "must be before until")]));
        }
        let listing = |chain| self.request(&from.to_string(), &to.to_string(), chain);
        let (events, truncated) = match run.events(&listing(true)).await {
            // A tenant that cannot filter by the chain is asked for the clients alone.
            Err(problem) if problem.kind == Kind::InvalidFilter => run.events(&listing(false)).await?,
            other => other?,
        };
        let ip = self.address();
        let users = by_user(events.iter().filter(|event| ip.is_some_and(|ip| comes_from(event, ip))));
        Ok(Logons { ip: ip.map_or_else(String::new, |ip| ip.to_string()), from, to, truncated, users })
    }
}

impl Run {
    /// The events of a listing, and whether there are more than are read.
    async fn events(&mut self, listing: &Request) -> Result<(Vec<Object>, bool), Problem> {
        let (mut events, mut request) = (Vec::new(), listing.clone());
        for _ in 0..MOST_PAGES {
            let page: Page<Object> = self.read_page(&request).await?;
            events.extend(page.items);
            match page.next {
                Some(next) => request = api::next(listing, next),
                None => return Ok((events, false)),
            }
        }
        Ok((events, true))
    }
}

fn at<'a>(event: &'a Object, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(event.get(first)?, |value, name| value.get(name)).filter(|value| !value.is_null())
}

fn text(event: &Object, path: &[&str]) -> Option<String> {
    at(event, path).and_then(Value::as_str).map(str::to_owned)
}

/// True for an event of a client with this address, or of one behind a proxy that named it.
fn comes_from(event: &Object, ip: IpAddr) -> bool {
    let is = |value: Option<&Value>| value.and_then(Value::as_str).and_then(|text| text.parse().ok()) == Some(ip);
    let chain = at(event, &["request", "ipChain"]).or_else(|| at(event, &["client", "ipChain"]));
    is(at(event, &["client", "ipAddress"]))
        || chain.and_then(Value::as_array).is_some_and(|chain| chain.iter().any(|hop| is(hop.get("ip"))))
}

fn by_user<'a>(events: impl Iterator<Item = &'a Object>) -> Vec<UserLogons> {
    let mut users: BTreeMap<Actor, Vec<Logon>> = BTreeMap::new();
    for event in events {
        let part = |name| text(event, &["actor", name]).filter(|text| text != "unknown");
        let actor = Actor { id: part("id"), login: part("alternateId"), name: part("displayName") };
        users.entry(actor).or_default().push(logon(event));
    }
    let mut users: Vec<_> = users.into_iter().map(|(user, logons)| summary(user, logons)).collect();
    users.sort_by(|a, b| (b.failures, &b.last).cmp(&(a.failures, &a.last)));
    users
}

fn logon(event: &Object) -> Logon {
    let place = |name| text(event, &["client", "geographicalContext", name]);
    let network = |name| at(event, &["securityContext", name]);
    Logon {
        at: event.text("published").to_owned(),
        outcome: text(event, &["outcome", "result"]).unwrap_or_else(|| "UNKNOWN".to_owned()),
        reason: text(event, &["outcome", "reason"]),
        event_type: event.text("eventType").to_owned(),
        event_id: event.text("uuid").to_owned(),
        city: place("city"),
        state: place("state"),
        country: place("country"),
        asn: network("asNumber").and_then(Value::as_i64),
        isp: network("isp").and_then(Value::as_str).map(str::to_owned),
        is_proxy: network("isProxy").and_then(Value::as_bool),
        user_agent: text(event, &["client", "userAgent", "rawUserAgent"]),
    }
}

fn summary(user: Actor, mut logons: Vec<Logon>) -> UserLogons {
    let succeeded = |logon: &Logon| matches!(logon.outcome.as_str(), "SUCCESS" | "ALLOW");
    let successes = logons.iter().filter(|logon| succeeded(logon)).count();
    let times = || logons.iter().map(|logon| logon.at.clone());
    let (first, last) = (times().min().unwrap_or_default(), times().max().unwrap_or_default());
    logons.sort_by(|a, b| succeeded(a).cmp(&succeeded(b)).then_with(|| b.at.cmp(&a.at)));
    UserLogons { user, failures: logons.len() - successes, successes, first, last, logons }
}
