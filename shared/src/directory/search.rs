//! One search over people, groups, apps and locations, each hit with its evidence.

use super::{Directory, Listed, behind_number, cut};
use crate::fold::{WordPrefix, fold};
use crate::problem::Problem;
use crate::store::{Index, Item, Key, Query, keys};
use crate::synced::roster::Row;
use crate::synced::{App, Group};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::cmp::Reverse;

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
    fn worth(&self, field: &str, text: &str) -> Option<Worth> {
        let folded = fold(text);
        let worth = match () {
            () if folded == self.whole => EXACT,
            () if folded.starts_with(&self.whole) => BEGINS,
            () if self.prefix.is_in(&folded) => WORD_BEGINS,
            () => return None,
        };
        Some(if NAMES.contains(&field) { worth } else { worth - LESS })
    }

    /// The text that fits best, and what it is worth. Where no text has all words, each may be in another one.
    fn find<'a>(&self, texts: &[(&'static str, &'a str)]) -> Option<(Worth, &'static str, &'a str)> {
        let fits = texts.iter().filter_map(|(field, text)| Some((self.worth(field, text)?, *field, *text)));
        // Of several that are worth as much, the first counts.
        if let Some(best) = fits.reduce(|best, other| if other.0 > best.0 { other } else { best }) {
            return Some(best);
        }
        let has = |word: &WordPrefix| texts.iter().find(|(_, text)| word.is_in(&fold(text)));
        let found: Option<Vec<_>> = self.words.iter().map(has).collect();
        let (field, text) = found?.first().copied()?;
        Some((SCATTERED, *field, *text))
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
    found.sort_by(|(worth, a), (other, b)| {
        other
            .cmp(worth)
            .then_with(|| a.kind.cmp(&b.kind))
            .then_with(|| a.name.cmp(&b.name))
            .then_with(|| a.id.cmp(&b.id))
    });
    let first = behind_number(after);
    let hits = found.into_iter().map(|(_, hit)| hit);
    Ok(cut(hits.enumerate().skip(first).map(|(place, hit)| (place.to_string(), json!(hit))), limit))
}

fn hit(kind: Type, id: &str, name: &str, fits: (Worth, &'static str, &str)) -> (Worth, Hit) {
    let (worth, field, text) = fits;
    let matched = Matched { field, text: text.to_owned() };
    let score = f64::from(worth) / f64::from(EXACT);
    (worth, Hit { kind, id: id.to_owned(), name: name.to_owned(), matched, score })
}

fn people(directory: &Directory<'_>, sought: &Sought) -> Vec<(Worth, Hit)> {
    let rows = directory.roster.rows.iter().filter(|row| row.is_person());
    rows.filter_map(|row| Some(hit(Type::Person, row.id.as_str(), &row.name, sought.find(&texts(row))?))).collect()
}

fn texts(row: &Row) -> Vec<(&'static str, &str)> {
    let optional = [
        ("email", &row.email),
        ("employee_number", &row.employee_number),
        ("title", &row.title),
        ("department", &row.department),
    ];
    let texts = [("name", row.name.as_str()), ("login", row.login.as_str())].into_iter();
    texts.chain(optional.into_iter().filter_map(|(field, text)| Some((field, text.as_deref()?)))).collect()
}

fn locations(directory: &Directory<'_>, sought: &Sought) -> Vec<(Worth, Hit)> {
    let all = directory.places().map_or(&[][..], |places| places.all());
    let hits = all
        .iter()
        .filter_map(|place| Some(hit(Type::Location, &place.id, &place.name, sought.find(&[("name", &place.name)])?)));
    hits.collect()
}

/// Groups and apps are found in their index by their folded names; only what is found is read.
async fn named(
    directory: &Directory<'_>,
    sought: &Sought,
    kind: Type,
    field: &'static str,
) -> Result<Vec<(Worth, Hit)>, Problem> {
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
            sought.find(&[(field, name)]).map(|(worth, ..)| (worth, item.key()))
        };
        fitting.extend(items.iter().filter_map(fits));
    }
    // Of very many, the best are read.
    fitting.sort_by_key(|(worth, _)| Reverse(*worth));
    let wanted: Vec<_> = fitting.into_iter().take(MOST_NAMED).map(|(_, key)| key).collect();
    let mut hits = Vec::new();
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
        let (worth, ..) = sought.find(&[(field, &name)]).unwrap_or((SCATTERED, field, ""));
        hits.push(hit(kind, &id, &name, (worth, field, &name)));
    }
    Ok(hits)
}

/// Groups, or apps, that one search reads at most.
const MOST_NAMED: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_worth_the_more_the_more_of_it_is_sought() {
        let texts = [("name", "Ana López"), ("login", "ana@acme.com"), ("title", "Sales Engineer")];
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
            let found = Sought::new(q).find(&texts).map(|(worth, field, _)| (worth, field));
            assert_eq!(found, expected, "{q}");
        }
    }
}
