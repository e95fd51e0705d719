//! Reads a pasted API token.

use super::Pasted;
use super::lookalike::{is_client_id, is_jwt, is_path, is_url};
use super::surroundings::{bare, is_surrounding, unescape_line_ends};
use super::wrong::WrongToken;
use secrecy::SecretString;

impl Pasted {
    /// Reads an API token as people paste it: quoted, with line ends, as the header in which it is sent.
    pub fn api_token(pasted: &str) -> Result<SecretString, WrongToken> {
        let text = unescape_line_ends(pasted);
        let token = without_prefix(bare(&text));
        match name(pasted, token) {
            Some(wrong) => Err(wrong),
            None => Ok(token.into()),
        }
    }
}

/// The token without the header's name and the scheme in front of it.
pub(super) fn without_prefix(text: &str) -> &str {
    const WORDS: [&str; 4] = ["-H", "--header", "Authorization", "SSWS"];
    let mut token = text;
    while let Some(rest) = WORDS.iter().find_map(|word| without_word(token, word)) {
        token = rest;
    }
    token
}

/// What follows a word, in any case, and at least one character that separates it from the rest.
fn without_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    let after = rest.trim_start_matches(|c| is_surrounding(c) || matches!(c, ':' | '='));
    let is_separate = rest.is_empty() || after.len() < rest.len();
    (start.eq_ignore_ascii_case(word) && is_separate).then_some(after)
}

/// Names what cannot be an API token; `pasted` still has its backslashes.
fn name(pasted: &str, token: &str) -> Option<WrongToken> {
    let is_json = token.contains('{') && (token.contains("kty") || token.contains("keys"));
    // The characters of a credential in a header: token68 of RFC 9110, section 11.2.
    let is_token68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    match token {
        "" => Some(WrongToken::Empty),
        _ if token.contains("-----") || is_json => Some(WrongToken::Key),
        _ if is_path(pasted) => Some(WrongToken::FilePath),
        _ if is_url(token) => Some(WrongToken::Url),
        _ if is_jwt(token) => Some(WrongToken::Jwt),
        _ if is_client_id(token) => Some(WrongToken::ClientId),
        _ if token.chars().any(|c| c.is_control() || c.is_whitespace()) => Some(WrongToken::Blank),
        _ if !token.is_ascii() => Some(WrongToken::NotAscii),
        _ if !token.chars().all(is_token68) => Some(WrongToken::Unknown),
        _ if token.len() > 1_024 => Some(WrongToken::TooLong),
        _ => None,
    }
}
