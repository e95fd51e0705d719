//! The people of a new tenant, made from a seed.
//!
//! Believable and deliberately untidy: addresses in several spellings, `managerId` as Okta id, login or employee
//! number, exactly one ring of managers (two people who manage each other), exactly one reference to nobody. All eight
//! statuses occur once there are a hundred people; 2 % are DEPROVISIONED and count as users of the tenant.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::user::{Profile, Status, User};
use super::{Org, Tenant, fold};
use crate::clock::Stamp;
use crate::random::{Id, Random};

/// First names and how a login spells them.
#[rustfmt::skip]
const FIRST: &[(&str, &str)] = &[
    ("Ada", "ada"), ("Amélie", "amelie"), ("Aisha", "aisha"), ("Björn", "bjorn"), ("Carlos", "carlos"),
    ("Chloé", "chloe"), ("Daniel", "daniel"), ("Emeka", "emeka"), ("Fatima", "fatima"), ("Grace", "grace"),
    ("Hans", "hans"), ("Ingrid", "ingrid"), ("Jamal", "jamal"), ("José", "jose"), ("Kateřina", "katerina"),
    ("Liam", "liam"), ("Łucja", "lucja"), ("Mei", "mei"), ("Noah", "noah"), ("Olga", "olga"),
    ("Priya", "priya"), ("Rahul", "rahul"), ("Søren", "soren"), ("Tomás", "tomas"), ("Uma", "uma"),
    ("Victor", "victor"), ("Wanjiru", "wanjiru"), ("Yuki", "yuki"), ("Zoë", "zoe"), ("太郎", "taro"),
];

/// Last names and how a login spells them.
#[rustfmt::skip]
const LAST: &[(&str, &str)] = &[
    ("Adeyemi", "adeyemi"), ("Andersson", "andersson"), ("Brown", "brown"), ("Chen", "chen"), ("Dubois", "dubois"),
    ("Edwards", "edwards"), ("Fernández", "fernandez"), ("García", "garcia"), ("Haddad", "haddad"), ("Ito", "ito"),
    ("Johnson", "johnson"), ("Kowalski", "kowalski"), ("Lindqvist", "lindqvist"), ("Müller", "muller"),
    ("Nguyễn", "nguyen"), ("O'Brien", "obrien"), ("Patel", "patel"), ("Rossi", "rossi"), ("Şahin", "sahin"),
    ("Smith", "smith"), ("Tanaka", "tanaka"), ("Usman", "usman"), ("Van Dyk", "vandyk"), ("Wójcik", "wojcik"),
    ("Yılmaz", "yilmaz"), ("Zhang", "zhang"), ("山田", "yamada"),
];

/// Departments: name, division, cost center, titles.
#[rustfmt::skip]
const DEPARTMENTS: &[(&str, &str, &str, [&str; 3])] = &[
    ("Engineering", "Product", "CC-1001", ["Software Engineer", "Senior Software Engineer", "Engineering Manager"]),
    ("Design", "Product", "CC-1002", ["Product Designer", "UX Researcher", "Design Lead"]),
    ("Sales", "Go-to-market", "CC-2001", ["Account Executive", "Sales Engineer", "Sales Director"]),
    ("Marketing", "Go-to-market", "CC-2002", ["Content Strategist", "Campaign Manager", "Marketing Director"]),
    ("Customer Support", "Operations", "CC-3001", ["Support Specialist", "Support Engineer", "Support Lead"]),
    ("IT", "Operations", "CC-3002", ["Systems Administrator", "Help Desk Analyst", "IT Manager"]),
    ("Finance", "Corporate", "CC-4001", ["Accountant", "Financial Analyst", "Controller"]),
    ("People", "Corporate", "CC-4002", ["Recruiter", "HR Partner", "People Lead"]),
];

/// An office and the ways its people spell it; every list has at least one spelling.
struct Office {
    name: &'static str,
    street: &'static [&'static str],
    city: &'static [&'static str],
    state: &'static [&'static str],
    zip: &'static [&'static str],
    country: &'static [&'static str],
    country_name: &'static [&'static str],
    timezone: &'static str,
    locale: &'static str,
}

const OFFICES: &[Office] = &[
    Office {
        name: "San Francisco HQ",
        street: &["500 Howard Street", "500 Howard St.", "500 HOWARD ST"],
        city: &["San Francisco", "SAN FRANCISCO", "san francisco "],
        state: &["CA", "California", "ca"],
        zip: &["94105", "94105-3001"],
        country: &["US", "us"],
        country_name: &["United States", "USA", "U.S.A."],
        timezone: "America/Los_Angeles",
        locale: "en_US",
    },
    Office {
        name: "New York",
        street: &["11 W 42nd Street", "11 West 42nd St"],
        city: &["New York", "New York City", "new york"],
        state: &["NY", "New York"],
        zip: &["10036"],
        country: &["US", "us"],
        country_name: &["United States of America", "USA"],
        timezone: "America/New_York",
        locale: "en_US",
    },
    Office {
        name: "London",
        street: &["20 Farringdon Road", "20 Farringdon Rd"],
        city: &["London", "LONDON"],
        state: &["England", ""],
        zip: &["EC1M 3HE", "EC1M3HE", "ec1m 3he"],
        country: &["GB", "UK", "gb"],
        country_name: &["United Kingdom", "Great Britain", "UK"],
        timezone: "Europe/London",
        locale: "en_GB",
    },
    Office {
        name: "München",
        street: &["Leopoldstraße 12", "Leopoldstr. 12", "Leopoldstrasse 12"],
        city: &["München", "Munich", "Muenchen"],
        state: &["Bayern", "Bavaria", "BY"],
        zip: &["80802"],
        country: &["DE", "de"],
        country_name: &["Germany", "Deutschland"],
        timezone: "Europe/Berlin",
        locale: "de_DE",
    },
    Office {
        name: "Łódź",
        street: &["ul. Piotrkowska 100", "Piotrkowska 100"],
        city: &["Łódź", "Lodz", "ŁÓDŹ"],
        state: &["Łódzkie", ""],
        zip: &["90-004"],
        country: &["PL"],
        country_name: &["Poland", "Polska"],
        timezone: "Europe/Warsaw",
        locale: "pl_PL",
    },
    Office {
        name: "東京",
        street: &["2-1-1 Marunouchi", "2‐1‐1 Marunouchi"],
        city: &["Tokyo", "東京", "TOKYO"],
        state: &["Tokyo", "東京都"],
        zip: &["100-0005", "1000005"],
        country: &["JP", "jp"],
        country_name: &["Japan", "日本"],
        timezone: "Asia/Tokyo",
        locale: "ja_JP",
    },
];

/// Everyone reports to someone who manages up to this many.
const REPORTS: usize = 7;
/// These first people are always ACTIVE: the top of the company, the ring and the dangling reference.
const STEADY: usize = 10;
/// The two people who manage each other.
const RING: [usize; 2] = [3, 4];
/// Whose manager is nobody.
const DANGLING: usize = 5;
/// An employee number nobody has.
const NOBODY: &str = "E999999";

/// Fills an empty tenant with people.
pub fn hire(tenant: &mut Tenant, count: usize, random: &mut Random) {
    let gone = gone(count);
    let mut names = HashMap::new();
    let mut hired: Vec<(Id, String)> = Vec::with_capacity(count);
    let now = tenant.stamp();
    for index in 0..count {
        let mut profile = identity(index, &mut names, random);
        work(index, &mut profile, random);
        address(&mut profile, random);
        let boss = manager(index, count);
        let id = tenant.ids.next(*b"00u");
        if let Some((boss_id, boss_login)) = boss.filter(|boss| *boss < index).map(|boss| hired[boss].clone()) {
            profile.insert("managerId", reference(index, boss.unwrap_or_default(), boss_id.as_str(), &boss_login));
        }
        let status = if gone.contains(&index) { Status::Deprovisioned } else { status(index) };
        // People joined one after the other over four years, the last of them three months ago.
        let age = 90 * DAY + index_age(index, count) + seconds(random.below(86_400));
        let mut user = person(id, status, profile, now, now.before(age), random);
        user.kind = usize::from(index % 20 == 19);
        // Linked objects are rare in practice: only every tenth person has one.
        user.manager = boss.filter(|boss| index.is_multiple_of(10) && *boss < index).map(|boss| hired[boss].0);
        hired.push((id, user.login().to_owned()));
        tenant.enroll(user);
    }
    tie_loose_ends(tenant, &hired);
    tenant.org.owner = hired.first().map_or(tenant.org.system, |first| first.0);
}

/// The ring and the dangling reference, where there are people enough.
fn tie_loose_ends(tenant: &mut Tenant, hired: &[(Id, String)]) {
    let mut set = |index: usize, value: Value| {
        if let Some(user) = hired.get(index).and_then(|(id, _)| tenant.users.get_mut(id)) {
            user.profile.insert("managerId", value);
        }
    };
    if let (Some((_, first)), Some((second, _))) = (hired.get(RING[0]), hired.get(RING[1])) {
        set(RING[0], json!(second));
        set(RING[1], json!(first));
    }
    set(DANGLING, json!(NOBODY));
}

/// Logins that real organizations have and examples do not (okta-sdk-nodejs#390 and #430, okta-sdk-dotnet#533).
const ODD_LOGINS: [&str; 9] = [
    "who?am.i@acme.example",
    "c#.sharp@acme.example",
    "and/or@acme.example",
    "back\\slash@acme.example",
    "o'neil@acme.example",
    "quo\"ted@acme.example",
    "100%41@acme.example",
    "plus+tag@acme.example",
    "warehouse",
];

/// Gives some of the active people whom nobody names as a manager a login that is hard to write into a path.
pub fn rename_oddly(tenant: &mut Tenant) {
    let first_leaf = (tenant.users.len() / REPORTS + 1).max(STEADY);
    let leaves = tenant.users.values().skip(first_leaf).filter(|user| user.status == Status::Active);
    let leaves: Vec<Id> = leaves.map(|user| user.id).collect();
    let step = (leaves.len() / ODD_LOGINS.len()).max(1);
    for (id, login) in leaves.into_iter().step_by(step).zip(ODD_LOGINS) {
        let Some(user) = tenant.users.get_mut(&id) else { continue };
        let old = fold(user.login());
        user.profile.insert("login", json!(login));
        tenant.logins.remove(&old);
        tenant.logins.insert(fold(login), id);
    }
}

/// Who manages the person at an index: a tree, so that the ring stays the only one.
fn manager(index: usize, count: usize) -> Option<usize> {
    let boss = index.checked_sub(1)? / REPORTS;
    (boss < count).then_some(boss)
}

/// A manager's reference as one of the three kinds companies use.
fn reference(index: usize, boss: usize, id: &str, login: &str) -> Value {
    match index % 3 {
        0 => json!(id),
        1 => json!(login),
        _ => json!(employee_number(boss)),
    }
}

fn employee_number(index: usize) -> String {
    format!("E{:06}", index + 1)
}

/// The people who have left: 2 %, none of whom managed anyone.
fn gone(count: usize) -> BTreeSet<usize> {
    let first_leaf = (count / REPORTS + 1).max(STEADY);
    let leaves = count.saturating_sub(first_leaf);
    let wanted = (count * 2 / 100).min(leaves);
    (0..wanted).map(|nth| count - 1 - nth * (leaves / wanted)).collect()
}

/// The status of someone who has not left.
fn status(index: usize) -> Status {
    if index < STEADY {
        return Status::Active;
    }
    match index % 100 {
        11 => Status::Staged,
        23 => Status::Provisioned,
        37 => Status::PasswordExpired,
        41 => Status::LockedOut,
        59 => Status::Recovery,
        67 | 73 => Status::Suspended,
        _ => Status::Active,
    }
}

/// Seconds of a day.
const DAY: i64 = 86_400;

fn seconds(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(0)
}

/// Seconds between someone's first day and the latest newcomer's.
fn index_age(index: usize, count: usize) -> i64 {
    1400 * DAY / seconds(count).max(1) * seconds(count - index)
}

fn person(id: Id, status: Status, profile: Profile, now: Stamp, created: Stamp, random: &mut Random) -> User {
    let activated = (status != Status::Staged).then_some(created);
    let signs_in = matches!(status, Status::Active | Status::PasswordExpired | Status::LockedOut | Status::Suspended);
    let slack = seconds(random.below(30 * 86_400));
    User {
        id,
        status,
        created,
        activated,
        status_changed: Some(if status == Status::Active { created } else { now.before(31 * DAY) }),
        last_login: signs_in.then(|| now.before(slack)),
        last_updated: now.before(30 * DAY + slack),
        password_changed: (!matches!(status, Status::Staged | Status::Provisioned)).then_some(created),
        kind: 0,
        password: !matches!(status, Status::Staged | Status::Provisioned),
        profile,
        groups: BTreeSet::new(),
        manager: None,
        factors: Vec::new(),
        sessions: 0,
        recovery: false,
        imported: false,
        question: None,
    }
}

/// Names, login, email and employee number.
fn identity(index: usize, names: &mut HashMap<(usize, usize), usize>, random: &mut Random) -> Profile {
    let (first, last) = (random.below(FIRST.len()), random.below(LAST.len()));
    let namesakes = names.entry((first, last)).or_insert(0);
    *namesakes += 1;
    let number = if *namesakes == 1 { String::new() } else { namesakes.to_string() };
    let (first, last) = (FIRST[first], LAST[last]);
    let login = format!("{}.{}{number}@acme.example", first.1, last.1);
    let mut profile = Profile::from([
        ("firstName", json!(first.0)),
        ("lastName", json!(last.0)),
        ("displayName", json!(format!("{} {}", first.0, last.0))),
        ("email", json!(login)),
        ("login", json!(login)),
        ("secondEmail", Value::Null),
        ("mobilePhone", Value::Null),
        ("employeeNumber", json!(employee_number(index))),
    ]);
    if index.is_multiple_of(4) {
        profile.insert("mobilePhone", json!(format!("+1-555-{:03}-{:04}", index / 10_000 % 1000, index % 10_000)));
    }
    profile
}

/// Department, title and the organization's own attributes.
fn work(index: usize, profile: &mut Profile, random: &mut Random) {
    let (department, division, cost_center, titles) = random.pick(DEPARTMENTS);
    let title = if index == 0 { "Chief Executive Officer" } else { random.pick(titles) };
    profile.insert("department", json!(department));
    profile.insert("division", json!(division));
    profile.insert("costCenter", json!(cost_center));
    profile.insert("title", json!(title));
    profile.insert("organization", json!("Acme Corporation"));
    profile.insert("userType", json!(if index % 20 == 19 { "Contractor" } else { "Employee" }));
    profile.insert("badgeColor", json!(random.pick(&["red", "green", "blue"])));
    profile.insert("tShirtSize", json!(random.pick(&["S", "M", "L", "XL"])));
    let (year, month, day) = (2015 + random.below(11), 1 + random.below(12), 1 + random.below(28));
    profile.insert("startDate", json!(format!("{year}-{month:02}-{day:02}")));
    profile.insert("remote", json!(random.below(5) == 0));
    if index.is_multiple_of(3) {
        profile.insert(
            "skills",
            json!([random.pick(&["sql", "rust", "excel"]), random.pick(&["design", "public speaking"])]),
        );
    }
}

/// Where someone works, in one of the spellings; a few have only a postal address, a few have none.
fn address(profile: &mut Profile, random: &mut Random) {
    let office = random.pick(OFFICES);
    match random.below(25) {
        0 => return,
        1 => {
            let postal = format!(
                "{}, {} {}, {}",
                office.street[0],
                office.zip[0],
                office.city[0],
                random.pick(office.country_name)
            );
            profile.insert("postalAddress", json!(postal));
            return;
        }
        2 => drop(profile.insert("officeLocation", json!(office.name))),
        _ => {}
    }
    // Most people spell it like the office manager does.
    let mut spelled = |ways: &[&str]| json!(if random.below(4) > 0 { ways[0] } else { random.pick(ways) });
    profile.insert("streetAddress", spelled(office.street));
    profile.insert("city", spelled(office.city));
    profile.insert("state", spelled(office.state));
    profile.insert("zipCode", spelled(office.zip));
    profile.insert("countryCode", spelled(office.country));
    profile.insert("timezone", json!(office.timezone));
    profile.insert("locale", json!(office.locale));
}

/// Names of a company's parts, for groups.
pub fn department_names() -> impl Iterator<Item = &'static str> {
    DEPARTMENTS.iter().map(|department| department.0)
}

/// Names of the offices, for groups.
pub fn office_names() -> impl Iterator<Item = &'static str> {
    OFFICES.iter().map(|office| office.name)
}

/// How many users have each status.
pub fn census(users: &BTreeMap<Id, User>) -> BTreeMap<&'static str, usize> {
    let mut counts: BTreeMap<&'static str, usize> = Status::ALL.iter().map(|status| (status.name(), 0)).collect();
    for user in users.values() {
        *counts.entry(user.status.name()).or_default() += 1;
    }
    counts
}

/// The organization's standing facts.
pub fn org(tenant_ids: &mut crate::random::Ids, now: Stamp) -> Org {
    let mut next = |prefix: &[u8; 3]| tenant_ids.next(*prefix);
    let id = next(b"00o");
    let system = next(b"spr");
    let mut kind = |name, title| super::UserType { id: next(b"oty"), schema: next(b"osc"), name, title };
    let types = [kind("user", "User"), kind("contractor", "Contractor")];
    Org { id, created: now.before(1600 * 86_400), types, system, owner: system }
}
