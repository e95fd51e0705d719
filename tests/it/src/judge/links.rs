//! The `Link` headers of lists.

use super::description::{Description, Operation};
use super::lists::{LISTS_WITH_SELF, UNPAGED_WITH_Q};
use crate::proxy::Exchange;
use std::collections::BTreeMap;
use url::Url;

/// Judges the links of a list of `length` items.
pub(super) fn judge(
    description: &Description,
    operation: &Operation,
    exchange: &Exchange,
    length: usize,
    complaints: &mut Vec<String>,
) {
    let query: BTreeMap<_, _> =
        url::form_urlencoded::parse(exchange.query.as_deref().unwrap_or_default().as_bytes()).collect();
    if let Some(limit) = query.get("limit").and_then(|limit| limit.parse::<usize>().ok())
        && length > limit
    {
        complaints.push(format!("a page of {length} for limit={limit}"));
    }
    let links = match parse_all(&exchange.response_headers) {
        Ok(links) => links,
        Err(error) => return complaints.push(error),
    };
    for (rel, url) in &links {
        let same = description.find("GET", url.path()).is_ok_and(|leads_to| leads_to.template == operation.template);
        if !same {
            complaints.push(format!("the link {rel} leads to another operation, {}", url.path()));
        }
    }
    let template = operation.template.as_str();
    if LISTS_WITH_SELF.contains(&template) && !links.contains_key("self") {
        complaints.push("a list without a link to itself".to_owned());
    }
    if UNPAGED_WITH_Q.contains(&template) && query.contains_key("q") && links.contains_key("next") {
        complaints.push("a search by q has no next page".to_owned());
    }
    let polling = template == "/api/v1/logs"
        && !query.contains_key("until")
        && query.get("sortOrder").is_none_or(|order| order == "ASCENDING");
    if polling && !links.contains_key("next") {
        complaints.push("polling the log always has a next page".to_owned());
    }
}

/// All links by their relation, whether each has a line of its own or they share one.
fn parse_all(headers: &[(String, String)]) -> Result<BTreeMap<String, Url>, String> {
    let mut links = BTreeMap::new();
    for (_, line) in headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("link")) {
        let mut rest = line.as_str();
        while !rest.is_empty() {
            let (rel, url, after) = parse(rest).ok_or_else(|| format!("not a link: {rest}"))?;
            if links.insert(rel.to_owned(), url).is_some() {
                return Err(format!("two links of relation {rel}"));
            }
            rest = after;
        }
    }
    Ok(links)
}

/// Reads `<https://…>; rel="next"` and returns what follows the comma after it.
fn parse(line: &str) -> Option<(&str, Url, &str)> {
    let (url, rest) = line.trim_start().strip_prefix('<')?.split_once('>')?;
    let (rel, rest) = rest.trim_start().strip_prefix(';')?.trim_start().strip_prefix("rel=\"")?.split_once('"')?;
    let rest = rest.trim_start();
    let rest = if rest.is_empty() { rest } else { rest.strip_prefix(',')?.trim_start() };
    (!rel.is_empty()).then_some((rel, Url::parse(url).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rels(lines: &[&str]) -> Result<Vec<String>, String> {
        let headers: Vec<_> = lines.iter().map(|line| ("Link".to_owned(), (*line).to_owned())).collect();
        parse_all(&headers).map(|links| links.into_keys().collect())
    }

    #[test]
    fn links_have_lines_of_their_own_or_share_one() {
        let (own, next) = ("<https://a.okta.com/x?a=1,2>; rel=\"self\"", "<https://a.okta.com/x?b>;rel=\"next\"");
        assert_eq!(rels(&[own, next]), Ok(vec!["next".to_owned(), "self".to_owned()]));
        assert_eq!(rels(&[&format!("{own}, {next}")]), Ok(vec!["next".to_owned(), "self".to_owned()]));
        assert_eq!(rels(&[]), Ok(Vec::new()));
    }

    #[test]
    fn what_is_not_a_link_is_refused() {
        for line in [
            "https://a.okta.com/x; rel=\"self\"",
            "<https://a.okta.com/x>",
            "<https://a.okta.com/x>; rel=self",
            "</api/v1/users>; rel=\"self\"",
            "<https://a.okta.com/x>; rel=\"\"",
            "<https://a.okta.com/x>; rel=\"self\" <https://a.okta.com/x>; rel=\"next\"",
        ] {
            assert!(rels(&[line]).is_err(), "{line}");
        }
        let own = "<https://a.okta.com/x>; rel=\"self\"";
        assert!(rels(&[own, own]).is_err());
    }
}
