//! The texts of all lines, folded when the roster is loaded: a search looks through one buffer, and at each title once.

use crate::fold::{WordPrefix, fold};
use std::collections::HashMap;

/// Texts of each line, in one buffer, each ended by a line break.
pub struct Folded {
    text: String,
    /// Where the texts of each line begin, and where those of the last one end.
    begins: Vec<usize>,
}

impl Folded {
    /// Of the texts of each line.
    pub(super) fn of<'a, T: IntoIterator<Item = &'a str>>(lines: impl Iterator<Item = T>) -> Self {
        let mut text = String::new();
        let mut begins = vec![0];
        for texts in lines {
            for one in texts {
                text.push_str(&fold(one).replace('\n', " "));
                text.push('\n');
            }
            begins.push(text.len());
        }
        text.shrink_to_fit();
        Self { text, begins }
    }

    /// The texts of a line.
    pub fn line(&self, place: usize) -> impl Iterator<Item = &str> {
        self.text[self.begins[place]..self.begins[place + 1]].split_terminator('\n')
    }

    /// The lines from `first` on in which a word begins so.
    pub fn having<'a>(&'a self, prefix: &'a WordPrefix, first: usize) -> impl Iterator<Item = usize> + Send + 'a {
        let lines = self.begins.len() - 1;
        let mut next = first;
        std::iter::from_fn(move || {
            let from = self.begins.get(next).filter(|_| next < lines)?;
            let at = prefix.find_in(&self.text, *from)?;
            // Behind the line in which it stands.
            next += self.begins[next..].partition_point(|begin| *begin <= at);
            (next <= lines).then(|| next - 1)
        })
    }
}

/// One text of each line, where many lines have the same one.
pub struct Shared {
    /// Which text a line has; none of them without one.
    of: Vec<Option<u32>>,
    folded: Vec<String>,
}

impl Shared {
    /// Of the text of each line.
    pub(super) fn of<'a>(lines: impl Iterator<Item = Option<&'a str>>) -> Self {
        let mut known = HashMap::new();
        let mut folded = Vec::new();
        let mut number = |text: &'a str| {
            *known.entry(text).or_insert_with(|| {
                folded.push(fold(text));
                u32::try_from(folded.len() - 1).unwrap_or(u32::MAX)
            })
        };
        let of = lines.map(|text| text.map(&mut number)).collect();
        Self { of, folded }
    }

    /// The folded text of a line.
    pub fn line(&self, place: usize) -> Option<&str> {
        let number = usize::try_from(self.of[place]?).ok()?;
        self.folded.get(number).map(String::as_str)
    }

    /// Whether a folded text is taken, asked of each text once.
    pub fn taken(&self, takes: impl Fn(&str) -> bool) -> TextsTaken<'_> {
        TextsTaken { of: &self.of, texts: self.folded.iter().map(|text| takes(text)).collect() }
    }
}

/// Which texts are taken.
pub struct TextsTaken<'a> {
    of: &'a [Option<u32>],
    texts: Vec<bool>,
}

impl TextsTaken<'_> {
    /// True for a line whose text is taken.
    pub fn has(&self, place: usize) -> bool {
        let number = self.of[place].and_then(|number| usize::try_from(number).ok());
        number.is_some_and(|number| self.texts[number])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_each_line_once_from_any_line_on() {
        let lines = [vec!["Ana Ma", "ana@acme.com"], vec![], vec!["Bea", "ma@ma.com"], vec!["Cid\nMax"], vec!["Emma"]];
        let folded = Folded::of(lines.iter().map(|texts| texts.iter().copied()));
        let found = |q: &str, first| folded.having(&WordPrefix::of(q), first).collect::<Vec<_>>();
        for (q, places) in [("ma", vec![0, 2, 3]), ("com", vec![0, 2]), ("EMMA", vec![4]), ("x", vec![])] {
            for first in 0..=lines.len() {
                let expected: Vec<_> = places.iter().copied().filter(|place| *place >= first).collect();
                assert_eq!(found(q, first), expected, "{q} from {first}");
            }
        }
        assert_eq!(found("", 0), [0, 2, 3, 4], "any word");
        assert_eq!(folded.line(3).collect::<Vec<_>>(), ["cid max"]);
        assert_eq!(folded.line(1).count(), 0);
    }

    #[test]
    fn texts_that_many_lines_share_are_asked_about_once() {
        let shared = Shared::of([Some("Sales"), None, Some("Ops"), Some("Sales")].into_iter());
        let asked = std::cell::Cell::new(0);
        let taken = shared.taken(|text| {
            asked.set(asked.get() + 1);
            text == "sales"
        });
        assert_eq!([0, 1, 2, 3].map(|place| taken.has(place)), [true, false, false, true]);
        assert_eq!((asked.get(), shared.line(2), shared.line(1)), (2, Some("ops"), None));
    }
}
