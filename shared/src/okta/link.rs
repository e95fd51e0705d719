//! The `Link` header of a listing: where its next page is, if there is one.
//!
//! Okta sends each link in a header line of its own; some proxies join them with commas. The URL is followed verbatim,
//! and only to the connection's own origin: a token is never sent anywhere else.

use super::origin::Origin;
use http::HeaderMap;
use url::Url;

/// Why a next link is not followed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the next link leads to another host or is not a URL")]
pub struct ForeignLink;

/// The next page's URL, `None` where the listing ends here.
pub fn next(headers: &HeaderMap, origin: &Origin) -> Result<Option<Url>, ForeignLink> {
    for line in headers.get_all(http::header::LINK) {
        let line = line.to_str().map_err(|_| ForeignLink)?;
        if let Some(target) = links(line).find(|(_, rel)| rel.eq_ignore_ascii_case("next")).map(|(url, _)| url) {
            let url = Url::parse(target).map_err(|_| ForeignLink)?;
            return if origin.owns(&url) { Ok(Some(url)) } else { Err(ForeignLink) };
        }
    }
    Ok(None)
}

/// The links of one header line as (target, rel): `<https://…>; rel="next", <…>; rel="self"`.
fn links(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let start = rest.find('<')?;
        let end = start + rest[start..].find('>')?;
        let target = &rest[start + 1..end];
        // A parameter's value never holds `<`, so the next link starts at the next one.
        let tail = &rest[end + 1..];
        let parameters = &tail[..tail.find('<').unwrap_or(tail.len())];
        rest = &tail[parameters.len()..];
        Some((target, rel(parameters)))
    })
}

fn rel(parameters: &str) -> &str {
    parameters
        .split([';', ','])
        .filter_map(|parameter| parameter.trim().split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("rel"))
        .map_or("", |(_, value)| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(lines: &[&str]) -> Result<Option<String>, ForeignLink> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(http::header::LINK, line.parse().expect("a header value"));
        }
        next(&headers, &Origin::okta("acme.okta.com")).map(|url| url.map(String::from))
    }

    #[test]
    fn the_next_link_is_found_in_separate_and_joined_lines_in_any_order() {
        let this = "<https://acme.okta.com/api/v1/apps?limit=2>; rel=\"self\"";
        let that = "<https://acme.okta.com/api/v1/apps?after=0oa&limit=2>; rel=\"next\"";
        let expected = Ok(Some("https://acme.okta.com/api/v1/apps?after=0oa&limit=2".to_owned()));
        assert_eq!(of(&[this, that]), expected);
        assert_eq!(of(&[that, this]), expected);
        assert_eq!(of(&[&format!("{this}, {that}")]), expected);
        assert_eq!(of(&[&format!("{that},{this}")]), expected);
        assert_eq!(of(&[&that.replace("rel=\"next\"", "rel=next")]), expected);
        assert_eq!(of(&[&that.replace("rel=\"next\"", "title=\"x\"; REL = \"Next\"")]), expected);
        assert_eq!(of(&[this]), Ok(None));
        assert_eq!(of(&[]), Ok(None));
    }

    #[test]
    fn a_cursor_with_commas_and_semicolons_is_kept() {
        let line = "<https://acme.okta.com/api/v1/users?search=a,b;c&after=%3D%3D>; rel=\"next\"";
        assert_eq!(of(&[line]), Ok(Some("https://acme.okta.com/api/v1/users?search=a,b;c&after=%3D%3D".to_owned())));
    }

    #[test]
    fn an_evil_next_link_is_refused() {
        for url in [
            "https://acme.okta.com.evil.example/api/v1/users",
            "https://evil.example/api/v1/users",
            "http://acme.okta.com/api/v1/users",
            "https://acme.okta.com:8443/api/v1/users",
            "https://user@acme.okta.com/api/v1/users",
            "https://169.254.169.254/latest/meta-data",
            "//acme.okta.com/api/v1/users",
            "/api/v1/users?after=1",
            "",
        ] {
            assert_eq!(of(&[&format!("<{url}>; rel=\"next\"")]), Err(ForeignLink), "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_header_line_panics_or_leads_elsewhere(line in "[ -~]{0,120}") {
            if let Ok(Some(url)) = of(&[&line]) {
                prop_assert!(url.starts_with("https://acme.okta.com/"));
            }
        }

        #[test]
        fn any_cursor_is_followed_verbatim(cursor in "[A-Za-z0-9_=%+,;~-]{1,60}") {
            let url = format!("https://acme.okta.com/api/v1/users?after={cursor}");
            let same = Url::parse(&url).map(String::from).ok();
            prop_assert_eq!(of(&[&format!("<{url}>; rel=\"next\"")]), Ok(same));
        }
    }
}
