//! Names become addresses here, and only public ones: checked where the connection is opened, so that a name that
//! pointed to a public address when it was pasted cannot point into the account's own network later (DNS rebinding).

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// The system's own resolver.
pub struct SystemResolver;

/// Refuses a name if any of the addresses that another resolver finds for it is not public.
pub struct PublicOnly(pub Arc<dyn Resolve>);

/// A name points to an address inside some network, or to none.
#[derive(Debug, thiserror::Error)]
pub enum Unresolved {
    /// The name has no address.
    #[error("the host name is not known")]
    Unknown,
    /// The name has an address that is not on the public internet.
    #[error("the host name leads to an address that is not public")]
    NotPublic,
}

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| Unresolved::Unknown)?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.resolve(name);
        Box::pin(async move {
            let addresses = public(found.await?.collect())?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// All of them, if each is public.
pub fn public(addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Unresolved> {
    if addresses.is_empty() {
        return Err(Unresolved::Unknown);
    }
    if addresses.iter().all(|address| is_public(address.ip())) { Ok(addresses) } else { Err(Unresolved::NotPublic) }
}

/// True for an address of the public internet (IANA's special-purpose registries list the others).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if address.to_ipv4_mapped().is_some() {
        return false;
    }
    let segments = address.segments();
    // Global unicast is 2000::/3; inside it 6to4, Teredo, benchmarking and documentation lead elsewhere. NAT64
    // (64:ff9b::/96), unique local, link-local and loopback addresses all lie outside it.
    let global = (segments[0] & 0xe000) == 0x2000;
    let special = segments[0] == 0x2002
        || (segments[0] == 0x2001 && segments[1] < 0x0200)
        || (segments[0] == 0x2001 && segments[1] == 0x0db8)
        || (segments[0] == 0x3fff && segments[1] < 0x1000);
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addresses: &[&str]) -> Result<Vec<SocketAddr>, Unresolved> {
        public(addresses.iter().map(|a| SocketAddr::new(a.parse().expect("an address"), 443)).collect())
    }

    #[test]
    fn addresses_inside_networks_are_refused() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "100::1",
        ] {
            assert!(matches!(check(&[address]), Err(Unresolved::NotPublic)), "{address}");
        }
        assert!(check(&["8.8.8.8", "2606:4700::1111"]).is_ok());
    }

    #[test]
    fn one_private_address_among_public_ones_refuses_the_name() {
        assert!(matches!(check(&["8.8.8.8", "10.0.0.1"]), Err(Unresolved::NotPublic)));
        assert!(matches!(check(&[]), Err(Unresolved::Unknown)));
    }
}
