//! What holds for any input from outside.

use it::campaign::Campaign;
use okta_connector::okta::{AllowedOrigins, Domain, Origin};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use url::{Host, Url};

const SUFFIXES: [&str; 5] = ["okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil"];

/// How many inputs a property is tried with, and from which seed.
pub fn cases(sampled: usize, full: usize) -> ProptestConfig {
    let campaign = Campaign::start();
    let cases = u32::try_from(campaign.count(sampled, full)).expect("a small number");
    ProptestConfig {
        rng_seed: RngSeed::Fixed(campaign.seed()),
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

/// Any text, and texts that come close to a domain.
fn pasted() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-zA-Z0-9-]{0,12}",
        prop::sample::select(vec![
            "acme",
            "okta.com",
            ".okta.com",
            "okta.mil",
            "-admin",
            ".",
            "..",
            "/",
            "\\",
            "@",
            ":",
            "://",
            "https://",
            "http://",
            "443",
            "8443",
            "%2e",
            "%00",
            "?",
            "#",
            "[::1]",
            "127.0.0.1",
            "0x7f.1",
            "xn--",
            "localhost",
            "\t",
            "\n",
            " ",
            "\u{3002}",
            "\u{ad}",
            "\u{430}",
            "evil.example",
        ])
        .prop_map(str::to_owned),
    ];
    prop_oneof![any::<String>(), prop::collection::vec(part, 0..7).prop_map(|parts| parts.concat())]
}

/// True for an https URL that is a public name and nothing else.
fn is_plain(origin: &Origin) -> bool {
    let url = Url::parse(&origin.to_string()).expect("an origin is a URL");
    let plain =
        url.scheme() == "https" && url.port().is_none() && url.username().is_empty() && url.password().is_none();
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let name = matches!(url.host(), Some(Host::Domain(name)) if name.contains('.') && !name.ends_with('.'));
    plain && bare && name && origin.owns(&url)
}

proptest! {
    #![proptest_config(cases(512, 10_000))]

    #[test]
    fn whatever_is_pasted_is_refused_or_a_plain_https_name(pasted in pasted()) {
        match Origin::parse(&pasted, &AllowedOrigins::default()) {
            Err(refused) => prop_assert!(!refused.to_string().is_empty()),
            Ok(Domain::Okta(origin)) => {
                let (label, suffix) = origin.shown().split_once('.').expect("a label and a suffix");
                prop_assert!(is_plain(&origin) && SUFFIXES.contains(&suffix), "{}", origin);
                prop_assert!(!label.is_empty() && !label.ends_with("-admin"), "{}", origin);
            }
            Ok(Domain::Custom(origin)) => {
                let okta = SUFFIXES.iter().any(|suffix| origin.shown().ends_with(suffix) && origin.shown().ends_with(&format!(".{suffix}")));
                prop_assert!(is_plain(&origin) && !okta, "{}", origin);
                prop_assert!(Origin::from_shown(origin.shown(), &AllowedOrigins::default()).is_err());
            }
        }
    }

    #[test]
    fn a_tenants_host_reads_back_as_itself(label in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", suffix in prop::sample::select(&SUFFIXES[..])) {
        let host = format!("{label}.{suffix}");
        if let Ok(Domain::Okta(origin)) = Origin::parse(&host, &AllowedOrigins::default()) {
            let again = Origin::from_shown(origin.shown(), &AllowedOrigins::default());
            prop_assert_eq!(again.as_ref().ok(), Some(&origin));
        }
    }

    #[test]
    fn no_path_leads_to_another_host(path in "[!-~]{0,30}", port in 1_u16..) {
        let Ok(Domain::Okta(origin)) = Origin::parse("acme.okta.com", &AllowedOrigins::default()) else { panic!("an Okta host") };
        for path in [path.clone(), format!("@{path}"), format!(":{port}{path}"), format!(".{path}"), format!("/{path}")] {
            if let Ok(url) = origin.url(&path) && origin.owns(&url) {
                prop_assert_eq!(url.host_str(), Some("acme.okta.com"));
                prop_assert_eq!((url.scheme(), url.port()), ("https", None));
            }
        }
    }
}
