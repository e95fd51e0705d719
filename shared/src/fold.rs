//! Text made comparable: lower case, without accents.

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

/// True where a word of the folded text begins with the folded prefix.
pub fn word_begins(folded: &str, prefix: &str) -> bool {
    folded.match_indices(prefix).any(|(at, _)| {
        let before = folded[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric())
    })
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
            assert_eq!(word_begins(&folded, prefix), found, "{prefix}");
        }
        assert!(word_begins(&folded, &fold("ana-m")));
    }
}
