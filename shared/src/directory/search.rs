//! One search over people, groups, apps and locations, each hit with its evidence.

use super::{Directory, Listed, behind_number, cut};
use crate::fold::{WordPrefix, fold};
use crate::problem::Problem;
use crate::store::{Index, Item, Key, Query, keys};
use crate::synced::{App, Group, Roster};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// People, by name, login, email, employee number, title and department.
    Person,
    /// Groups, by name.
    Group,
    /// Apps, by label.
    App,
    /// Locations, by name.
    Location,
}

impl Type {
    /// All of them, as they are written.
    pub const ALL: [(&str, Self); 4] =
        [("person", Self::Person), ("group", Self::Group), ("app", Self::App), ("location", Self::Location)];
}

/// Something that was found.
#[derive(Serialize, JsonSchema)]
pub struct Hit {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Its id.
    pub id: String,
    /// Its name or label.
    pub name: String,
    /// Why it was found.
    pub matched: Matched,
    /// How well it fits, from 0 to 1; the best is first.
    pub score: f64,
}

/// Where the search was found.
#[derive(Serialize, JsonSchema)]
pub struct Matched {
    /// The attribute.
    pub field: &'static str,
    /// What it says.
    pub text: String,
}

/// What is looked for.
struct Sought {
    /// All of it, folded.
    whole: String,
    /// The same, for the beginning of a word.
    prefix: WordPrefix,
    /// Its words.
    words: Vec<WordPrefix>,
}

/// What a text is worth, in hundredths.
type Worth = u8;

const EXACT: Worth = 100;
const BEGINS: Worth = 90;
const WORD_BEGINS: Worth = 80;
/// Its words are found in several texts.
const SCATTERED: Worth = 60;
/// What a title or a department is worth less than a name.
const LESS: Worth = 10;

/// The fields that identify a person, a group or an app.
const NAMES: [&str; 5] = ["name", "login", "email", "employee_number", "label"];

impl Sought {
    fn new(q: &str) -> Self {
        let whole = fold(q.trim());
        let words = whole.split_whitespace().map(WordPrefix::of).collect();
        Self { prefix: WordPrefix::of(&whole), words, whole }
    }

    /// What one text is worth; nothing where it does not fit.
    fn worth(&self, field: &str, folded: &str) -> Option<Worth> {
        let worth = match () {
            () if folded == self.whole => EXACT,
            () if folded.starts_with(&self.whole) => BEGINS,
            () if self.prefix.is_in(folded) => WORD_BEGINS,
            () => return None,
        };
        Some(if NAMES.contains(&field) { worth } else { worth - LESS })
    }

    /// The text that fits best, and what it is worth. Where no text has all words, each may be in another one.
    fn find<'a>(&self, texts: &[Searched<'a>]) -> Option<Fit<'a>> {
        let fits = texts.iter().filter_map(|text| Some((self.worth(text.field, &text.folded)?, text)));
        // Of several that are worth as much, the first counts.
        if let Some((worth, text)) = fits.reduce(|best, other| if other.0 > best.0 { other } else { best }) {
            return Some(Fit { worth, field: text.field, text: text.text });
        }
        let has = |word: &WordPrefix| texts.iter().find(|text| word.is_in(&text.folded));
        let found: Option<Vec<_>> = self.words.iter().map(has).collect();
        let first = *found?.first()?;
        Some(Fit { worth: SCATTERED, field: first.field, text: first.text })
    }
}

/// A text that is searched.
struct Searched<'a> {
    field: &'static str,
    text: &'a str,
    folded: Cow<'a, str>,
}

impl<'a> Searched<'a> {
    fn new(field: &'static str, text: &'a str) -> Self {
        Self { field, text, folded: fold(text).into() }
    }
}

/// The text that fits, and what it is worth.
struct Fit<'a> {
    worth: Worth,
    field: &'static str,
    text: &'a str,
}

/// Something that was found, before it is shown.
struct Found<'a> {
    kind: Type,
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    worth: Worth,
    field: &'static str,
    text: Cow<'a, str>,
}

impl<'a> Found<'a> {
    fn new(kind: Type, id: &'a str, name: &'a str, fit: &Fit<'a>) -> Self {
        Self { kind, id: id.into(), name: name.into(), worth: fit.worth, field: fit.field, text: fit.text.into() }
    }

    /// In the order of a search: the best first.
    fn order(&self, other: &Self) -> Ordering {
        let by_worth = other.worth.cmp(&self.worth).then_with(|| self.kind.cmp(&other.kind));
        by_worth.then_with(|| self.name.cmp(&other.name)).then_with(|| self.id.cmp(&other.id))
    }

    fn shown(&self) -> Hit {
        Hit {
            kind: self.kind,
            id: self.id.to_string(),
            name: self.name.to_string(),
            matched: Matched { field: self.field, text: self.text.to_string() },
            score: f64::from(self.worth) / f64::from(EXACT),
        }
    }
}

/// A page of what is found, the best first, behind a number.
pub async fn search(
    directory: &Directory<'_>,
    q: &str,
    types: &[Type],
    after: Option<&str>,
    limit: usize,
) -> Result<Listed, Problem> {
    let sought = Sought::new(q);
    let mut found = Vec::new();
    if types.contains(&Type::Person) {
        found.extend(people(directory, &sought));
    }
    if types.contains(&Type::Location) {
        found.extend(locations(directory, &sought));
    }
    for (kind, field) in [(Type::Group, "name"), (Type::App, "label")] {
        if types.contains(&kind) && directory.state.is_published() {
            found.extend(named(directory, &sought, kind, field).await?);
        }
    }
    // No further than the page goes: of a short word, most people are found.
    let first = behind_number(after);
    let end = first.saturating_add(limit).saturating_add(1);
    if end < found.len() {
        found.select_nth_unstable_by(end, Found::order);
        found.truncate(end);
    }
    found.sort_by(Found::order);
    let hits = found.iter().enumerate().skip(first);
    Ok(cut(hits.map(|(place, found)| (place.to_string(), json!(found.shown()))), limit))
}

fn people<'a>(directory: &'a Directory<'_>, sought: &Sought) -> Vec<Found<'a>> {
    let roster = &directory.roster;
    let mut places: Vec<usize> = having_all(roster, &sought.words);
    places.retain(|place| roster.rows[*place].is_person());
    let found = places.into_iter().filter_map(|place| {
        let row = &roster.rows[place];
        let fit = sought.find(&texts(roster, place))?;
        Some(Found::new(Type::Person, row.id.as_str(), &row.name, &fit))
    });
    found.collect()
}

/// The lines that have each of these words in some text.
fn having_all(roster: &Roster, words: &[WordPrefix]) -> Vec<usize> {
    let mut all: Option<Vec<bool>> = None;
    for word in words {
        let titled = roster.titles.taken(|text| word.is_in(text));
        let belonging = roster.departments.taken(|text| word.is_in(text));
        let mut has: Vec<_> = (0..roster.rows.len()).map(|place| titled.has(place) || belonging.has(place)).collect();
        for place in roster.names.having(word, 0).chain(roster.numbers.having(word, 0)) {
            has[place] = true;
        }
        all = Some(match all {
            Some(before) => before.into_iter().zip(has).map(|(before, has)| before && has).collect(),
            None => has,
        });
    }
    let all = all.unwrap_or_default();
    all.into_iter().enumerate().filter(|(_, has)| *has).map(|(place, _)| place).collect()
}

/// What is searched of the person at a place.
fn texts<'a>(roster: &'a Roster, place: usize) -> Vec<Searched<'a>> {
    let row = &roster.rows[place];
    let mut names = roster.names.line(place);
    let mut numbers = roster.numbers.line(place);
    let told = [
        ("name", Some(row.name.as_str()), names.next()),
        ("login", Some(row.login.as_str()), names.next()),
        ("email", row.email.as_deref(), names.next()),
        ("employee_number", row.employee_number.as_deref(), numbers.next()),
        ("title", row.title.as_deref(), roster.titles.line(place)),
        ("department", row.department.as_deref(), roster.departments.line(place)),
    ];
    let text = |(field, text, folded): (&'static str, Option<&'a str>, Option<&'a str>)| {
        Some(Searched { field, text: text?, folded: folded?.into() })
    };
    told.into_iter().filter_map(text).collect()
}

fn locations<'a>(directory: &'a Directory<'_>, sought: &Sought) -> Vec<Found<'a>> {
    let all = directory.places().map_or(&[][..], |places| places.all());
    let found = all.iter().filter_map(|place| {
        let fit = sought.find(&[Searched::new("name", &place.name)])?;
        Some(Found::new(Type::Location, &place.id, &place.name, &fit))
    });
    found.collect()
}

/// Groups and apps are found in their index by their folded names; only what is found is read.
async fn named(
    directory: &Directory<'_>,
    sought: &Sought,
    kind: Type,
    field: &'static str,
) -> Result<Vec<Found<'static>>, Problem> {
    let connection = &directory.connection.id;
    let partition = match kind {
        Type::App => keys::apps_partition(connection, keys::Listed::Present),
        _ => keys::groups_partition(connection, keys::Listed::Present),
    };
    let query = Query::index(Index::G1, partition);
    let mut pages = directory.app.store.pages(&query);
    let mut fitting: Vec<(Worth, Key)> = Vec::new();
    while let Some(items) = pages.next().await? {
        let fits = |item: &Item| {
            let name = keys::split_named_index(item.sort_key(Some(Index::G1))).map_or("", |(name, _)| name);
            sought.find(&[Searched::new(field, name)]).map(|fit| (fit.worth, item.key()))
        };
        fitting.extend(items.iter().filter_map(fits));
    }
    // Of very many, the best are read.
    fitting.sort_by_key(|(worth, _)| Reverse(*worth));
    let wanted: Vec<_> = fitting.into_iter().take(MOST_NAMED).map(|(_, key)| key).collect();
    let mut found = Vec::new();
    for item in directory.app.store.get_many(&wanted).await? {
        let (id, name) = match kind {
            Type::App => {
                let app: App = item.parse()?;
                (app.id.to_string(), app.label)
            }
            _ => {
                let group: Group = item.parse()?;
                (group.id.to_string(), group.name)
            }
        };
        // The index may have cut a long name; what was found in it is found all the same.
        let worth = sought.find(&[Searched::new(field, &name)]).map_or(SCATTERED, |fit| fit.worth);
        let text = name.clone().into();
        found.push(Found { kind, id: id.into(), name: name.into(), worth, field, text });
    }
    Ok(found)
}

/// Groups, or apps, that one search reads at most.
const MOST_NAMED: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_worth_the_more_the_more_of_it_is_sought() {
        let texts = [("name", "Ana López"), ("login", "ana@acme.com"), ("title", "Sales Engineer")]
            .map(|(field, text)| Searched::new(field, text));
        for (q, expected) in [
            ("ana lopez", Some((EXACT, "name"))),
            ("ANA", Some((BEGINS, "name"))),
            ("ana@", Some((BEGINS, "login"))),
            ("lop", Some((WORD_BEGINS, "name"))),
            ("sales", Some((BEGINS - LESS, "title"))),
            ("engineer", Some((WORD_BEGINS - LESS, "title"))),
            ("lopez sales", Some((SCATTERED, "name"))),
            ("lopez marketing", None),
            ("pez", None),
        ] {
            let found = Sought::new(q).find(&texts).map(|fit| (fit.worth, fit.field));
            assert_eq!(found, expected, "{q}");
        }
    }
}
