//! Makes the body of an answer or a delivery readable, once, where it comes in.
//!
//! Okta passes on what others sent it, and JSON allows more than its readers take: half of a surrogate pair (a text that
//! was cut in the middle of an emoji), numbers that no float can hold, raw control characters, nesting without end. A
//! reader that meets one of them refuses the whole document, and a document that was stored unread could never be read
//! again. Each is replaced by what stands closest to it; everything else stays as it was, to the byte.

use std::borrow::Cow;

/// Deeper objects and lists become null. `serde_json` reads 128 levels, and our own documents put up to ten around.
const DEEPEST: usize = 96;

/// The body, with what no JSON reader takes replaced.
pub fn readable(body: &[u8]) -> Cow<'_, [u8]> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if std::str::from_utf8(body).is_ok() {
        return Scan::new(body).run();
    }
    let text = String::from_utf8_lossy(body).into_owned();
    Cow::Owned(Scan::new(text.as_bytes()).run().into_owned())
}

/// The bytes that stand for themselves in a string: all but quotes, backslashes and control characters.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut control = 0;
    while control < 0x20 {
        plain[control] = false;
        control += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

/// A scan from one end to the other; nothing is copied until something must be replaced.
struct Scan<'a> {
    body: &'a [u8],
    at: usize,
    depth: usize,
    copied: usize,
    out: Vec<u8>,
}

impl<'a> Scan<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0, depth: 0, copied: 0, out: Vec::new() }
    }

    fn run(mut self) -> Cow<'a, [u8]> {
        while let Some(byte) = self.body.get(self.at) {
            match byte {
                b'"' => self.string(),
                b'{' | b'[' if self.depth == DEEPEST => self.skip_container(),
                b'{' | b'[' => {
                    self.depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.at += 1;
                }
                b'-' | b'0'..=b'9' => self.number(),
                _ => self.at += 1,
            }
        }
        if self.copied == 0 {
            return Cow::Borrowed(self.body);
        }
        self.out.extend_from_slice(&self.body[self.copied..]);
        Cow::Owned(self.out)
    }

    /// Puts something in the place of what stands from `from` up to here.
    fn replace(&mut self, from: usize, with: &[u8]) {
        self.out.extend_from_slice(&self.body[self.copied..from]);
        self.out.extend_from_slice(with);
        self.copied = self.at;
    }

    fn string(&mut self) {
        self.at += 1;
        loop {
            // Nearly all of a body is plain text in strings: this loop decides how long a scan takes.
            let rest = &self.body[self.at..];
            self.at += rest.iter().position(|byte| !PLAIN[usize::from(*byte)]).unwrap_or(rest.len());
            let Some(byte) = self.body.get(self.at) else { return };
            match byte {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' => self.escape(),
                _ => {
                    let escaped = format!("\\u{byte:04x}");
                    self.at += 1;
                    self.replace(self.at - 1, escaped.as_bytes());
                }
            }
        }
    }

    /// An escape in a string. Surrogates come in pairs, a high one before a low one.
    fn escape(&mut self) {
        let start = self.at;
        match self.code_unit(start) {
            Some(0xd800..=0xdbff) => {
                let has_low = matches!(self.code_unit(start + 6), Some(0xdc00..=0xdfff));
                self.at += if has_low { 12 } else { 6 };
                if !has_low {
                    self.replace(start, b"\\ufffd");
                }
            }
            Some(0xdc00..=0xdfff) => {
                self.at += 6;
                self.replace(start, b"\\ufffd");
            }
            Some(_) => self.at += 6,
            // A body that was cut short may end with the backslash.
            None => self.at = (self.at + 2).min(self.body.len()),
        }
    }

    /// The code unit that `\uXXXX` writes at this place.
    fn code_unit(&self, at: usize) -> Option<u32> {
        let digits = self.body.get(at..at + 6)?.strip_prefix(b"\\u")?;
        let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
        u32::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| is_hex)?, 16).ok()
    }

    /// A number beyond what a float can hold becomes a text of the same digits.
    fn number(&mut self) {
        let start = self.at;
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = self.body[start..].iter().take_while(|byte| is_part(byte)).count();
        self.at += length;
        // The largest float has 309 digits.
        let token = &self.body[start..self.at];
        let may_be_large = length > 300 || token.iter().any(|byte| matches!(byte, b'e' | b'E'));
        if may_be_large
            && let Ok(text) = std::str::from_utf8(token)
            && text.parse::<f64>().is_ok_and(f64::is_infinite)
        {
            self.replace(start, format!("\"{text}\"").as_bytes());
        }
    }

    /// An object or a list that lies too deep.
    fn skip_container(&mut self) {
        let start = self.at;
        let copied = self.copied;
        let written = self.out.len();
        let mut open = 0_usize;
        while let Some(byte) = self.body.get(self.at) {
            match byte {
                b'"' => self.string(),
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    open -= 1;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
            if open == 0 {
                break;
            }
        }
        // What was replaced inside goes with it.
        self.copied = copied;
        self.out.truncate(written);
        self.replace(start, b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn text(body: &str) -> String {
        String::from_utf8(readable(body.as_bytes()).into_owned()).expect("UTF-8")
    }

    #[test]
    fn what_no_reader_takes_is_replaced_and_the_rest_stays_to_the_byte() {
        for (body, wanted) in [
            (r#"{"a":"x\ud83d"}"#, r#"{"a":"x\ufffd"}"#),
            (r#"{"a":"\udE00x"}"#, r#"{"a":"\ufffdx"}"#),
            (r#"{"a":"\ud83dA"}"#, r#"{"a":"\ufffdA"}"#),
            (r#"["\ud83d\ude00",1.10]"#, r#"["\ud83d\ude00",1.10]"#),
            (r#"["\\ud83d"]"#, r#"["\\ud83d"]"#),
            ("[1e400, -1E999,1e30]", r#"["1e400", "-1E999",1e30]"#),
            ("[12345678901234567890123]", "[12345678901234567890123]"),
            ("[\"a\tb\nc\"]", r#"["a\u0009b\u000ac"]"#),
            ("\u{feff}[1]", "[1]"),
            (r#"["\"#, r#"["\"#),
            ("", ""),
            ("<html>", "<html>"),
        ] {
            assert_eq!(text(body), wanted);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(readable(b"[\"a\xff\"]").as_ref(), "[\"a\u{fffd}\"]".as_bytes());
    }

    #[test]
    fn what_lies_too_deep_becomes_null_and_its_neighbors_stay() {
        let deep = format!("{{\"a\":{}\"\\ud83d\"{},\"b\":[\"\\ud83d\"]}}", "[".repeat(5_000), "]".repeat(5_000));
        let read: Value = serde_json::from_str(&text(&deep)).expect("JSON");
        assert_eq!(read["b"][0], "\u{fffd}");
        assert!(read["a"].is_array());
        let shallow = format!("{}1{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST));
        assert_eq!(text(&shallow), shallow);
    }

    fn json() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "\"", "\\", "\\ud83d", "\\ude00", "\\u00e9", "{", "}", "[", "]", ":", ",", "1e400", "-5", "null", "é",
            "\n", "x",
        ]);
        prop::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn a_text_in_a_document_can_be_read_whatever_it_holds(inside in "([^\"\\\\]|\\\\u[dD][89a-fA-F][0-9a-f]{2}|\\\\n){0,20}") {
            let body = format!("{{\"a\":\"{inside}\"}}");
            prop_assert!(serde_json::from_slice::<Value>(&readable(body.as_bytes())).is_ok(), "{}", body);
        }

        #[test]
        fn no_body_panics_and_what_is_readable_stays(body in json(), bytes in any::<Vec<u8>>()) {
            let once = readable(body.as_bytes()).into_owned();
            let twice = readable(&once).into_owned();
            prop_assert_eq!(&twice, &once);
            let _ = readable(&bytes);
            // A number that no float can hold is replaced, although it can be kept as it was written.
            if serde_json::from_str::<Value>(&body).is_ok() && !body.contains("1e400") {
                prop_assert_eq!(once, body.into_bytes());
            }
        }
    }
}
