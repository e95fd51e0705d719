//! The bodies of an exchange, as values.

use super::header;
use flate2::read::GzDecoder;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::io::Read;

/// The media type of a JSON body.
pub(super) const JSON: &str = "application/json";

/// The media type of the token endpoint's requests.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// Whether the headers say that the body is of that media type, whatever parameters follow it.
pub(super) fn is(headers: &[(String, String)], media_type: &str) -> bool {
    let said = header(headers, "content-type").unwrap_or_default();
    said.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
}

/// The body without its `content-encoding`.
pub(super) fn plain<'a>(headers: &[(String, String)], body: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
    match header(headers, "content-encoding") {
        None | Some("identity") => Ok(Cow::Borrowed(body)),
        Some("gzip") => {
            let mut plain = Vec::new();
            GzDecoder::new(body).read_to_end(&mut plain).map_err(|error| format!("body is not gzip: {error}"))?;
            Ok(Cow::Owned(plain))
        }
        Some(other) => Err(format!("content-encoding {other} was not asked for")),
    }
}

/// Reads a body of that media type; the values of a form are strings.
pub(super) fn parse(media_type: &str, body: &[u8]) -> Result<Value, String> {
    if media_type != FORM {
        // Parsed from a string, which serde_json compiles itself: its own optimization level then counts, not ours.
        let text = std::str::from_utf8(body).map_err(|error| format!("body is not UTF-8: {error}"))?;
        return text.parse().map_err(|error| format!("body is not JSON: {error}"));
    }
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if fields.insert(name.clone().into_owned(), Value::String(value.into_owned())).is_some() {
            return Err(format!("form field {name} is repeated"));
        }
    }
    Ok(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use serde_json::json;
    use std::io::Write;

    #[test]
    fn a_compressed_body_is_read() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"[]").expect("memory takes it");
        let zipped = encoder.finish().expect("memory takes it");
        let headers = |encoding: &str| vec![("Content-Encoding".to_owned(), encoding.to_owned())];
        assert_eq!(plain(&headers("gzip"), &zipped).as_deref(), Ok(b"[]".as_slice()));
        assert!(plain(&headers("gzip"), b"[]").is_err());
        assert!(plain(&headers("br"), b"[]").is_err());
    }

    #[test]
    fn a_form_is_an_object_of_strings() {
        assert_eq!(parse(FORM, b"scope=a+b&n=1"), Ok(json!({"scope": "a b", "n": "1"})));
        assert!(parse(FORM, b"n=1&n=2").is_err());
        assert!(parse(JSON, b"n=1").is_err());
    }

    #[test]
    fn parameters_of_a_media_type_do_not_matter() {
        let headers = |value: &str| vec![("content-type".to_owned(), value.to_owned())];
        assert!(is(&headers("application/json;charset=UTF-8"), JSON));
        assert!(is(&headers("Application/JSON; okta-response=\"omitCredentials\""), JSON));
        assert!(!is(&headers("text/html"), JSON));
        assert!(!is(&[], JSON));
    }
}
