//! Where people work, worked out from the attributes of their profiles: spellings of one place are one location.

use super::Row;
use super::countries::country;
use super::spelling::{plain, shown};
use crate::fold::fold;
use crate::synced::pages::half_hash;
use crate::synced::run::Progress;
use schemars::JsonSchema;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// The locations of the people of a roster.
#[derive(Default)]
pub struct Places {
    /// By name.
    all: Vec<Location>,
    /// The location of each line.
    of: Vec<Option<u32>>,
}

/// A place where people work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Location {
    /// `loc_` and a hash of what makes it this place, whatever its spelling.
    pub id: String,
    /// Its parts, in the spelling that most people use.
    pub name: String,
    /// `streetAddress` of the profiles.
    pub street_address: Option<String>,
    /// `city` of the profiles.
    pub city: Option<String>,
    /// `state` of the profiles.
    pub state: Option<String>,
    /// `zipCode` of the profiles.
    pub postal_code: Option<String>,
    /// The country's alpha-2 code of ISO 3166-1; null where it is not told, or none of ISO's.
    pub country_code: Option<String>,
    /// How many people work there.
    pub people_count: u32,
}

/// What makes a location this one: a hash of its parts without their spelling.
type Identity = [u8; 16];

/// What a profile says of a location: attributes and their texts, in the connection's order.
type Told = [(String, String)];

/// Attributes that name a country.
const COUNTRIES: [&str; 2] = ["countryCode", "country"];

/// One location, and how often it is told in which way.
struct Group<'a> {
    identity: Identity,
    told: Vec<(&'a Told, u32)>,
}

impl Places {
    /// Of lines ordered by id.
    pub fn new(rows: &[Row]) -> Self {
        let (mut groups, mut known) = (Vec::<Group<'_>>::new(), HashMap::new());
        let (mut by_identity, mut of) = (HashMap::new(), Vec::with_capacity(rows.len()));
        for row in rows {
            let way = *known.entry(row.told()).or_insert_with(|| {
                let identity = identity(row.told())?;
                let group = *by_identity.entry(identity).or_insert_with(|| {
                    groups.push(Group { identity, told: Vec::new() });
                    groups.len() - 1
                });
                groups[group].told.push((row.told(), 0));
                Some((group, groups[group].told.len() - 1))
            });
            of.push(way.map(|(group, way)| {
                groups[group].told[way].1 += 1;
                group
            }));
        }
        let mut all: Vec<_> = groups.iter().map(Group::location).enumerate().collect();
        all.sort_by_cached_key(|(_, location)| location.order());
        let mut places = vec![0; all.len()];
        for (place, (group, _)) in (0_u32..).zip(&all) {
            places[*group] = place;
        }
        let of = of.into_iter().map(|group| group.map(|group| places[group])).collect();
        Self { all: all.into_iter().map(|(_, location)| location).collect(), of }
    }

    /// All of them, in the order of `Location::order`.
    pub fn all(&self) -> &[Location] {
        &self.all
    }

    /// Where the location with an id stands among all.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.all.iter().position(|location| location.id == id)
    }

    /// Where the location of a line stands among all.
    pub fn of(&self, line: usize) -> Option<usize> {
        self.of.get(line).copied().flatten().map(|place| place as usize)
    }
}

impl Location {
    /// By what locations are listed.
    pub fn order(&self) -> (String, String) {
        (fold(&self.name), self.id.clone())
    }
}

impl Row {
    /// What it says of a location; nothing where it is nobody's who works.
    fn told(&self) -> &Told {
        if self.is_person() { &self.location } else { &[] }
    }
}

/// None where nothing is told that has a letter or a digit.
fn identity(told: &Told) -> Option<Identity> {
    let parts: BTreeMap<_, _> = told.iter().filter_map(|(name, text)| Some((name, essence(name, text)?))).collect();
    if parts.is_empty() {
        return None;
    }
    Some(half_hash(&serde_json::to_vec(&parts).ok()?))
}

/// A part without its spelling; none where nothing is left of it.
fn essence(attribute: &str, text: &str) -> Option<String> {
    let known = COUNTRIES.contains(&attribute).then(|| country(text)).flatten();
    let essence = match known {
        // In capitals, so that it is never the same as a text.
        Some(country) => country.code.to_owned(),
        None if attribute == "zipCode" => plain(text).replace(' ', ""),
        None => plain(text),
    };
    Some(essence).filter(|essence| !essence.is_empty())
}

impl Group<'_> {
    fn location(&self) -> Location {
        let attributes = self.told.first().into_iter().flat_map(|(told, _)| told.iter()).map(|(name, _)| name.as_str());
        let parts: Vec<_> = attributes.filter_map(|name| Some((name, self.text(name)?))).collect();
        let part = |name: &str| parts.iter().find(|(it, _)| *it == name).map(|(_, text)| text.clone());
        let codes = COUNTRIES.iter().filter_map(|name| Some(country(&part(name)?)?.code.to_owned()));
        Location {
            id: format!("loc_{}", Uuid::from_bytes(self.identity).simple()),
            name: parts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(", "),
            street_address: part("streetAddress"),
            city: part("city"),
            state: part("state"),
            postal_code: part("zipCode"),
            country_code: codes.into_iter().next(),
            people_count: self.told.iter().map(|(_, people)| people).sum(),
        }
    }

    /// A part as most people spell it; of several the first by the alphabet. A country has its name in English.
    fn text(&self, attribute: &str) -> Option<String> {
        let mut spellings: BTreeMap<String, u32> = BTreeMap::new();
        for (told, people) in &self.told {
            let text = told.iter().find(|(name, _)| name == attribute).map(|(_, text)| text)?;
            essence(attribute, text)?;
            *spellings.entry(shown(text)).or_default() += people;
        }
        let (most, _) = spellings.into_iter().min_by_key(|(_, people)| Reverse(*people))?;
        let country = COUNTRIES.contains(&attribute).then(|| country(&most)).flatten();
        Some(country.map_or(most, |country| country.name.to_owned()))
    }
}

/// How many people worked where before a sync, and how many do now.
#[derive(Default)]
pub struct Census {
    before: HashMap<Identity, u64>,
    now: HashMap<Identity, u64>,
    /// Most people tell a location as others do, and working out which it is takes a while.
    known: HashMap<Vec<(String, String)>, Option<Identity>>,
}

impl Census {
    /// Counts lines of the roster as it was.
    pub fn before(&mut self, rows: &[Row]) {
        count(&mut self.before, &mut self.known, rows);
    }

    /// Counts lines of the roster as it now is.
    pub fn now(&mut self, rows: &[Row]) {
        count(&mut self.now, &mut self.known, rows);
    }

    /// What became of the locations. One where more or fewer people work than before is a changed one.
    pub fn progress(&self) -> Progress {
        let sum = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let kept = |identity: &&Identity| self.before.contains_key(*identity);
        let same = |identity: &&Identity| self.before.get(*identity) == self.now.get(*identity);
        let changed = self.now.keys().filter(kept).filter(|identity| !same(identity));
        Progress {
            seen: sum(self.now.len()),
            added: sum(self.now.keys().filter(|identity| !kept(identity)).count()),
            changed: sum(changed.count()),
            removed: sum(self.before.keys().filter(|identity| !self.now.contains_key(*identity)).count()),
        }
    }
}

fn count(
    people: &mut HashMap<Identity, u64>,
    known: &mut HashMap<Vec<(String, String)>, Option<Identity>>,
    rows: &[Row],
) {
    for told in rows.iter().map(Row::told) {
        let found = known.get(told).copied();
        let found = found.unwrap_or_else(|| *known.entry(told.to_vec()).or_insert(identity(told)));
        if let Some(identity) = found {
            *people.entry(identity).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests;
