//! Countries by their codes and names (`countries.txt`).

use super::spelling::plain;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country {
    /// Its alpha-2 code.
    pub code: &'static str,
    /// Its name in English.
    pub name: &'static str,
}

/// The country that a code or a name means.
pub fn country(text: &str) -> Option<Country> {
    static COUNTRIES: LazyLock<HashMap<String, Country>> = LazyLock::new(|| read(include_str!("countries.txt")));
    COUNTRIES.get(&name(text)).copied()
}

/// `U.S.A.` and `usa` are one name, and so are `The Netherlands` and `Netherlands`.
fn name(text: &str) -> String {
    let plain = plain(text);
    plain.strip_prefix("the ").unwrap_or(&plain).replace(' ', "")
}

fn read(lines: &'static str) -> HashMap<String, Country> {
    let mut countries = HashMap::new();
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.splitn(3, ' ');
        let (Some(code), Some(long), Some(names)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let names = names.split("; ");
        let country = Country { code, name: names.clone().next().unwrap_or(code) };
        countries.extend([code, long].into_iter().chain(names).map(|text| (name(text), country)));
    }
    countries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_known_by_its_codes_and_names() {
        for (text, code, name) in [
            ("DE", "DE", "Germany"),
            ("deu", "DE", "Germany"),
            (" Deutschland ", "DE", "Germany"),
            ("U.S.", "US", "United States"),
            ("u.s.a.", "US", "United States"),
            ("United States of America", "US", "United States"),
            ("UK", "GB", "United Kingdom"),
            ("the netherlands", "NL", "Netherlands"),
            ("COTE D'IVOIRE", "CI", "Côte d'Ivoire"),
            ("Turkey", "TR", "Türkiye"),
            ("日本", "JP", "Japan"),
            ("Korea, Republic of", "KR", "South Korea"),
        ] {
            assert_eq!(country(text), Some(Country { code, name }), "{text}");
        }
        for text in ["", "ZZ", "Atlantis", "DE EU", "?"] {
            assert_eq!(country(text), None, "{text}");
        }
    }

    /// 249 of the standard and one of its users' codes; none is told twice, and no name means two.
    #[test]
    fn every_line_is_a_country_and_no_name_means_two() {
        let lines: Vec<_> = include_str!("countries.txt").lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines.len(), 250);
        for line in lines {
            let (code, rest) = line.split_once(' ').expect("a code");
            let (long, names) = rest.split_once(' ').expect("a name");
            assert_eq!((code.len(), long.len()), (2, 3), "{line}");
            for text in [code, long].into_iter().chain(names.split("; ")) {
                assert_eq!(country(text).map(|it| it.code), Some(code), "{text}");
            }
        }
    }
}
