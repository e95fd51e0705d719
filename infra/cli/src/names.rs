//! Names wherever ids are: what a person writes is an id, or the name of exactly one thing.

use crate::output::plain;
use crate::{Context, Failure};
use okta_connector_client::{Named, query};
use serde_json::Value;

/// So many are looked at for a name, and so many for one that is alike.
const MOST: usize = 1_000;
/// So many are shown where a name is not clear.
const SHOWN: usize = 8;
/// Names that are this much alike are offered in place of each other, from 0 to 1.
const ALIKE: f64 = 0.82;

/// A kind of thing that has ids and names.
pub struct Kind {
    /// As in "No group is called …".
    word: &'static str,
    /// Below the connection.
    list: &'static str,
    /// The members by any of which it is called; the first is its name.
    by: &'static [&'static str],
    /// How its ids begin.
    id: &'static str,
    /// Whether the list can be searched by words.
    is_searched: bool,
    /// Whether a part of a name will do.
    by_part: bool,
}

pub const PERSON: Kind = Kind {
    word: "person",
    list: "/people",
    by: &["name", "login", "email"],
    id: "00u",
    is_searched: true,
    by_part: true,
};
pub const GROUP: Kind =
    Kind { word: "group", list: "/groups", by: &["name"], id: "00g", is_searched: true, by_part: true };
pub const APP: Kind = Kind { word: "app", list: "/apps", by: &["label"], id: "0oa", is_searched: true, by_part: true };
pub const LOCATION: Kind =
    Kind { word: "location", list: "/locations", by: &["name"], id: "loc_", is_searched: false, by_part: true };
pub const TRIGGER: Kind =
    Kind { word: "trigger", list: "/triggers", by: &["name"], id: "trg_", is_searched: false, by_part: false };

impl Kind {
    /// True for what can only be an id. Okta's have twenty letters and digits.
    fn is_id(&self, text: &str) -> bool {
        let is_okta = text.len() == 20 && text.bytes().all(|b| b.is_ascii_alphanumeric());
        text.starts_with(self.id) && (self.id.ends_with('_') || is_okta)
    }

    fn named(&self, item: &Value) -> Named {
        let text = |member: &str| item[member].as_str().unwrap_or_default().to_owned();
        Named { id: text("id"), name: text(self.by[0]) }
    }

    fn is_called(&self, item: &Value, name: &str) -> bool {
        self.by.iter().filter_map(|member| item[*member].as_str()).any(|it| it.to_lowercase() == name.to_lowercase())
    }
}

/// The id of what a person names.
pub async fn id(context: &Context, kind: &Kind, wanted: &str) -> Result<String, Failure> {
    if kind.is_id(wanted) { Ok(wanted.to_owned()) } else { Ok(find(context, kind, wanted).await?.id) }
}

/// The same of an option that need not be given.
pub async fn id_if(context: &Context, kind: &Kind, wanted: Option<&str>) -> Result<Option<String>, Failure> {
    match wanted {
        Some(wanted) => id(context, kind, wanted).await.map(Some),
        None => Ok(None),
    }
}

/// What is called so: by its whole name, however its letters are written, or else the only one that a search finds.
pub async fn find(context: &Context, kind: &Kind, wanted: &str) -> Result<Named, Failure> {
    let asked = query(&[("q", Some(wanted).filter(|_| kind.is_searched)), ("limit", Some("200"))]);
    let items: Vec<Value> = list(context, &format!("{}{asked}", kind.list)).await?;
    let called: Vec<Named> = items.iter().filter(|it| kind.is_called(it, wanted)).map(|it| kind.named(it)).collect();
    let found: Vec<Named> =
        items.iter().map(|item| kind.named(item)).filter(|it| kind.is_searched || holds(it, wanted)).collect();
    match (&called[..], &found[..]) {
        ([only], _) => Ok(only.clone()),
        ([], [only]) if kind.by_part => {
            context.output.note(&format!("{} ({})", only.name, only.id));
            Ok(only.clone())
        }
        ([], _) => Err(unknown(context, kind, wanted, found).await?),
        (several, _) => {
            let list = several.iter().map(|it| format!("  {}  {}", it.id, it.name)).collect::<Vec<_>>().join("\n");
            let word = kind.word;
            Err(Failure::Usage(format!("More than one {word} is called “{wanted}”. Give the id of one:\n{list}")))
        }
    }
}

fn holds(item: &Named, part: &str) -> bool {
    item.name.to_lowercase().contains(&part.to_lowercase())
}

async fn list(context: &Context, rest: &str) -> Result<Vec<Value>, Failure> {
    let path = context.path(rest).await?;
    Ok(context.client.pages(path).first(MOST).await?)
}

/// Says that there is no such thing, and what is alike.
async fn unknown(context: &Context, kind: &Kind, wanted: &str, found: Vec<Named>) -> Result<Failure, Failure> {
    let names: Vec<String> = if found.is_empty() {
        let all = list(context, &format!("{}?limit=200", kind.list)).await?;
        alike(wanted, all.iter().map(|item| kind.named(item).name))
    } else {
        found.into_iter().map(|it| it.name).collect()
    };
    let offered = names.iter().take(SHOWN).map(|name| format!("“{}”", plain(name))).collect::<Vec<_>>();
    let offer = if offered.is_empty() { String::new() } else { format!(" Did you mean {}?", offered.join(" or ")) };
    Ok(Failure::Absent(format!("No {} is called “{wanted}”.{offer}", kind.word)))
}

/// Those that are most like a name, best first.
fn alike(wanted: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let scored = names.map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name));
    let mut close: Vec<_> = scored.filter(|(score, _)| *score >= ALIKE).collect();
    close.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    close.into_iter().map(|(_, name)| name).take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_from_a_name() {
        for (kind, text, is_id) in [
            (&GROUP, "00ge0001R40sfC4Nc5d7", true),
            (&GROUP, "00g", false),
            (&GROUP, "Design", false),
            (&PERSON, "00ge0001R40sfC4Nc5d7", false),
            (&TRIGGER, "trg_1", true),
            (&TRIGGER, "sign-ins", false),
        ] {
            assert_eq!(kind.is_id(text), is_id, "{} {text}", kind.word);
        }
    }

    #[test]
    fn a_slip_of_the_hand_finds_the_name_that_was_meant() {
        let names = ["Design", "Engineering", "Sales"].map(str::to_owned);
        assert_eq!(alike("desgn", names.clone().into_iter()), ["Design"]);
        assert!(alike("zzz", names.into_iter()).is_empty());
    }
}
