//! Which hosts are spoken to: Okta's own, and nothing that a pasted text could turn them into.
//!
//! A custom domain is only a way to find the tenant: its `/.well-known/okta-organization` names a host of Okta's own
//! suffixes, and that host alone is spoken to. The address behind a name is checked where the connection is opened
//! (`resolver`), because a name can point anywhere and can change between a check and a use.

use std::fmt;
use url::{Host, Url};

/// Okta's own suffixes.
const SUFFIXES: [&str; 5] = ["okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil"];

/// A scheme, host and port that a connection speaks to: `https://acme.okta.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// What a pasted domain turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    /// A tenant's own host.
    Okta(Origin),
    /// A custom domain: its well-known document must name the tenant's host.
    Custom(Origin),
}

/// Why a pasted domain is refused; the text tells the reader what to write instead.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Refused(&'static str);

impl Origin {
    /// The https origin of a host of Okta's.
    pub(crate) fn okta(host: &str) -> Self {
        Self(format!("https://{host}"))
    }

    /// Reads what people paste: a host, or a URL with a path, in any case, with `-admin`.
    ///
    /// `allowed` are http origins on loopback, for a simulated tenant; a function on AWS has none.
    pub fn parse(pasted: &str, allowed: &AllowedOrigins) -> Result<Domain, Refused> {
        let pasted = pasted.trim();
        // The URL parser takes a backslash for a slash and drops tabs and line ends; whoever pastes one gets a refusal.
        if !pasted.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
            return Err(Refused("write the domain in ASCII letters, as in acme.okta.com"));
        }
        let with_scheme = if pasted.contains("://") { pasted.to_owned() } else { format!("https://{pasted}") };
        let authority = with_scheme.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next());
        if authority.is_none_or(|authority| authority.contains('%')) {
            return Err(Refused("write the domain without '%', as in acme.okta.com"));
        }
        let url = Url::parse(&with_scheme).map_err(|_| Refused("not a domain; write it as in acme.okta.com"))?;
        if let Some(origin) = allowed.origin_of(&url) {
            return Ok(Domain::Okta(origin));
        }
        let host = checked_host(&url)?;
        match org_host(host) {
            Some(org) => Ok(Domain::Okta(Self::okta(&org))),
            None if SUFFIXES.iter().any(|suffix| host == *suffix || host.ends_with(&format!(".{suffix}"))) => {
                Err(Refused("not an Okta organization; write its own domain, as in acme.okta.com"))
            }
            None => Ok(Domain::Custom(Self::okta(host))),
        }
    }

    /// True where the URL belongs to this origin, so that a token may be sent to it.
    pub fn owns(&self, url: &Url) -> bool {
        url.username().is_empty() && url.password().is_none() && url.origin().ascii_serialization() == self.0
    }

    /// The URL of a path on this origin.
    pub fn url(&self, path: &str) -> Result<Url, url::ParseError> {
        Url::parse(&format!("{}{path}", self.0))
    }

    /// As it is shown: the bare host, or the whole origin where it is not https.
    pub fn shown(&self) -> &str {
        self.0.strip_prefix("https://").unwrap_or(&self.0)
    }

    /// Reads back what `shown` gave.
    pub fn from_shown(shown: &str, allowed: &AllowedOrigins) -> Result<Self, Refused> {
        match Self::parse(shown, allowed)? {
            Domain::Okta(origin) => Ok(origin),
            Domain::Custom(_) => Err(Refused("a custom domain is never spoken to")),
        }
    }

    /// True for a loopback origin that only a local start or an emulator may allow.
    pub fn is_loopback(&self) -> bool {
        self.0.starts_with("http://")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Http origins on loopback that count as tenants: simulated ones.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// Checks each: `http`, a loopback address, nothing behind it.
    pub fn parse<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, Refused> {
        let refused = Refused("an allowed Okta origin is http on a loopback address, as in http://127.0.0.1:7171");
        let mut allowed = Vec::new();
        for text in origins {
            let Ok(url) = Url::parse(text) else { return Err(refused) };
            let loopback = match url.host() {
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                // A name, `localhost` too, would be looked up, and a name never leads to loopback.
                Some(Host::Domain(_)) | None => false,
            };
            if !loopback || url.scheme() != "http" || url.path() != "/" || !url.username().is_empty() {
                return Err(refused);
            }
            allowed.push(url.origin().ascii_serialization());
        }
        Ok(Self(allowed))
    }

    fn origin_of(&self, url: &Url) -> Option<Origin> {
        let origin = url.origin().ascii_serialization();
        let clean = url.username().is_empty() && url.password().is_none();
        (clean && self.0.contains(&origin)).then_some(Origin(origin))
    }
}

/// The URL's host where it is https, a name, and nothing else was smuggled in.
fn checked_host(url: &Url) -> Result<&str, Refused> {
    if url.scheme() != "https" {
        return Err(Refused("only https is spoken; write the domain as in acme.okta.com"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused("a domain has no user name or password; write it as in acme.okta.com"));
    }
    if url.port().is_some() {
        return Err(Refused("a domain has no port; write it as in acme.okta.com"));
    }
    // Only what is left after parsing tells an address from a name: `0x7f.1` and `2130706433` are addresses too.
    let Some(Host::Domain(host)) = url.host() else {
        return Err(Refused("an address is not a domain; write it as in acme.okta.com"));
    };
    let labels: Vec<_> = host.split('.').collect();
    let well_formed = labels.len() >= 2
        && labels.iter().all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && !label.starts_with("xn--")
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        });
    let special = ["localhost", "local", "internal", "invalid", "test", "onion", "arpa", "home", "lan", "corp"];
    let last = labels.last().copied().unwrap_or_default();
    if !well_formed || special.contains(&last) || last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Refused("not a public domain; write it as in acme.okta.com"));
    }
    Ok(host)
}

/// `acme.okta.com` for itself and for `acme-admin.okta.com`; `None` for every other host.
fn org_host(host: &str) -> Option<String> {
    let (label, suffix) = host.split_once('.')?;
    if !SUFFIXES.contains(&suffix) {
        return None;
    }
    let org = label.strip_suffix("-admin").unwrap_or(label);
    (!org.is_empty()).then(|| format!("{org}.{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn okta(pasted: &str) -> Option<String> {
        match Origin::parse(pasted, &AllowedOrigins::default()) {
            Ok(Domain::Okta(origin)) => Some(origin.shown().to_owned()),
            _ => None,
        }
    }

    #[test]
    fn what_people_paste_becomes_the_bare_host() {
        for pasted in [
            "acme.okta.com",
            " acme.okta.com ",
            "https://acme.okta.com",
            "https://acme.okta.com/",
            "HTTPS://ACME.OKTA.COM/admin/dashboard",
            "acme-admin.okta.com",
            "https://acme-admin.okta.com/admin/apps/active",
            "https://acme.okta.com/oauth2/default?x=1#y",
            "https://acme.okta.com:443/",
        ] {
            assert_eq!(okta(pasted).as_deref(), Some("acme.okta.com"), "{pasted}");
        }
        for host in [
            "dev-12345678.okta.com",
            "acme.oktapreview.com",
            "acme.okta-emea.com",
            "acme.okta-gov.com",
            "acme.okta.mil",
        ] {
            assert_eq!(okta(host).as_deref(), Some(host));
        }
    }

    #[test]
    fn a_custom_domain_is_no_tenant_until_its_document_says_so() {
        let parsed = Origin::parse("login.acme.example.com", &AllowedOrigins::default());
        assert_eq!(parsed, Ok(Domain::Custom(Origin::okta("login.acme.example.com"))));
        assert!(Origin::from_shown("login.acme.example.com", &AllowedOrigins::default()).is_err());
    }

    /// Hosts that would make the service speak to something that is not a public Okta tenant.
    const HOSTILE: &[&str] = &[
        "",
        " ",
        ".",
        "..",
        "-",
        "/",
        "okta",
        "okta.com",
        "localhost",
        "https://localhost",
        "http://acme.okta.com",
        "ftp://acme.okta.com",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "gopher://acme.okta.com",
        "https://user@acme.okta.com",
        "https://user:pass@acme.okta.com",
        "https://acme.okta.com@evil.example:80",
        "acme.okta.com:8443",
        "https://acme.okta.com:80",
        "127.0.0.1",
        "http://127.0.0.1:7171",
        "https://127.0.0.1",
        "https://127.1",
        "https://0x7f.1",
        "https://0177.0.0.1",
        "https://2130706433",
        "https://0",
        "0.0.0.0",
        "169.254.169.254",
        "https://169.254.169.254/latest/meta-data",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
        "https://[fd00::1]",
        "https://[fe80::1%25eth0]",
        "https://[64:ff9b::7f00:1]",
        "acme.okta.com.",
        "https://acme.okta.com./",
        ".okta.com",
        "-admin.okta.com",
        "a..okta.com",
        "acme_okta.com",
        "acme okta.com",
        "acme.okta.com\\@evil.example",
        "ac\tme.okta.com",
        "acme.okta\n.com",
        "https://acme.okta.com%2eevil.example",
        "https://acme.okta.com%00.evil.example",
        "аcme.okta.com",
        "acme。okta。com",
        "acme.okta.com。evil.example",
        "ⓐcme.okta.com",
        "xn--cme-7cd.okta.com",
        "login.xn--80ak6aa92e.com",
        "evil.localhost",
        "metadata.google.internal",
        "printer.local",
        "a.b.okta.com",
        "acme.okta.com.local",
        "1.2.3",
        "example.123",
        "https://",
        "https:///path",
        "://acme.okta.com",
        "-acme.okta.com",
        "acme-.okta.com",
        "acme.-okta.com",
        "acme.okta.com\u{0}",
        "acme.o\u{ad}kta.com\u{200b}",
    ];

    #[test]
    fn hostile_hosts_are_refused_before_anything_is_opened() {
        assert!(HOSTILE.len() >= 60);
        for host in HOSTILE {
            assert!(Origin::parse(host, &AllowedOrigins::default()).is_err(), "{host:?}");
        }
    }

    #[test]
    fn a_look_alike_is_never_taken_for_okta() {
        for host in
            ["acme.okta.com.evil.example.com", "acme-okta.com", "acme.notokta.com", "okta.com.evil.io", "acme.okta.co"]
        {
            assert_eq!(okta(host), None, "{host}");
        }
    }

    #[test]
    fn only_an_allowed_loopback_origin_counts_and_only_as_it_was_allowed() {
        let allowed = AllowedOrigins::parse(["http://127.0.0.1:7171"]).expect("a loopback origin");
        let parsed = Origin::parse("http://127.0.0.1:7171/", &allowed);
        assert!(matches!(&parsed, Ok(Domain::Okta(origin)) if origin.shown() == "http://127.0.0.1:7171"));
        for other in
            ["http://127.0.0.1:7172", "https://127.0.0.1:7171", "http://localhost:7171", "http://x@127.0.0.1:7171"]
        {
            assert!(Origin::parse(other, &allowed).is_err(), "{other}");
        }
        for origin in [
            "http://10.0.0.1:1",
            "https://127.0.0.1:1",
            "http://example.com",
            "http://localhost:1",
            "http://127.0.0.1:1/x",
        ] {
            assert!(AllowedOrigins::parse([origin]).is_err(), "{origin}");
        }
    }
}
