//! Text made comparable: lower case, without accents.

use memchr::memmem::Finder;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// `Łukasz Müller` and `lukasz muller` fold to the same.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let letters = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    letters.map(plain).collect()
}

/// Letters with a stroke have no decomposition.
fn plain(letter: char) -> char {
    match letter {
        'ł' => 'l',
        'ø' => 'o',
        'đ' | 'ð' => 'd',
        'ı' => 'i',
        other => other,
    }
}

/// What a word is to begin with. It is made once and looked for in many texts.
pub struct WordPrefix(Box<Finder<'static>>);

impl WordPrefix {
    /// Of any text; case and accents are ignored.
    pub fn of(text: &str) -> Self {
        Self(Box::new(Finder::new(&fold(text)).into_owned()))
    }

    /// True where a word of a folded text begins so.
    pub fn is_in(&self, folded: &str) -> bool {
        self.find_in(folded, 0).is_some()
    }

    /// Where in a folded text, from a byte on, the first word begins so.
    pub fn find_in(&self, folded: &str, from: usize) -> Option<usize> {
        let begins_word = |at: usize| {
            let before = folded[..at].chars().next_back();
            before.is_none_or(|letter| !letter.is_alphanumeric())
        };
        let mut hits = self.0.find_iter(&folded.as_bytes()[from..]);
        hits.find(|at| begins_word(from + at)).map(|at| from + at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_are_ignored() {
        for (text, folded) in [
            ("Łukasz", "lukasz"),
            ("MÜLLER", "muller"),
            ("O'Neil", "o'neil"),
            ("Ángel", "angel"),
            ("漢字", "漢字"),
            ("ﬁn", "fin"),
        ] {
            assert_eq!(fold(text), folded);
        }
    }

    #[test]
    fn a_prefix_matches_the_start_of_any_word() {
        let folded = fold("Ana-María O'Neil ana.maria@example.com");
        for (prefix, found) in
            [("ana", true), ("mari", true), ("neil", true), ("ex", true), ("aria", false), ("com", true), ("x", false)]
        {
            assert_eq!(WordPrefix::of(prefix).is_in(&folded), found, "{prefix}");
        }
        assert!(WordPrefix::of("Ána-m").is_in(&folded) && WordPrefix::of("").is_in(&folded));
    }
}
