//! Text without what people spell differently.

use crate::fold::fold;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words in lower case, without accents and punctuation, one blank between them: ` BERLIN ,` and `Berlin` become one, and
/// so do `Leopoldstraße` and `LEOPOLDSTRASSE`.
pub fn plain(text: &str) -> String {
    // Where marks are vowels, as in Hindi, Thai and kana, a text without them is another word.
    let vowels = text.nfkd().any(|c| is_combining_mark(c) && !matches!(c, '\u{300}'..='\u{36f}'));
    let text = if vowels { text.nfkc().collect::<String>().to_lowercase().nfkc().collect() } else { fold(text) };
    let text = text.replace('ß', "ss").replace('æ', "ae").replace('œ', "oe").replace('ς', "σ");
    let words = text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// As it is shown: white space tidied, and no separator left at an end.
pub fn shown(text: &str) -> String {
    let separates = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '/' | '|');
    text.trim_matches(separates).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_place_are_one() {
        for (text, same) in [
            ("Berlin", " BERLIN , "),
            ("München", "MUNCHEN"),
            ("Łódź", "Lodz"),
            ("Leopoldstraße 12", "leopoldstrasse  12"),
            ("St. Louis", "st louis"),
            ("Saint-Denis", "Saint Denis"),
            ("ΑΘΗΝΑΣ", "Αθήνας"),
            ("東京", "東京\u{3000}"),
        ] {
            assert_eq!(plain(text), plain(same), "{text}");
        }
    }

    #[test]
    fn different_words_stay_different() {
        for (text, other) in [("Berlin", "Bern"), ("New York", "Newark"), ("かき", "かぎ"), ("दिल्ली", "दल्ला")]
        {
            assert_ne!(plain(text), plain(other), "{text}");
        }
        for text in ["", " ", "-", "…", "🏢"] {
            assert_eq!(plain(text), "", "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_plain_stays_as_it_is(text in any::<String>()) {
            let once = plain(&text);
            prop_assert_eq!(plain(&once), once);
        }
    }
}
