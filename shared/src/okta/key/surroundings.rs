//! What surrounds a pasted secret and is no part of it.

/// Blanks, line ends, byte order marks, quotes, and the backslashes that escape them: no secret begins or ends with one.
pub(super) fn is_surrounding(c: char) -> bool {
    c.is_whitespace() || is_invisible(c) || is_quote(c) || c == '\\'
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}')
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '´' | '«' | '»' | '‘'..='‟' | '‹' | '›')
}

/// The text without what surrounds it.
pub(super) fn bare(text: &str) -> &str {
    text.trim_matches(is_surrounding)
}

/// The text with real line ends in place of those that are written out (`\n`, `\r\n`, `\\n`, …).
pub(super) fn unescape_line_ends(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escaped) = rest.split_at(at);
        let after = escaped.trim_start_matches('\\');
        plain.push_str(before);
        match after.strip_prefix(['n', 'r', 't']) {
            Some(next) => {
                plain.push('\n');
                rest = next;
            }
            None => {
                plain.push_str(&escaped[..escaped.len() - after.len()]);
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}
