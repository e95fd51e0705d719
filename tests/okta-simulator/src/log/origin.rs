//! Where a request came from, as Okta saw it.

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The address of whoever is not said to be elsewhere.
const SOMEWHERE: &str = "192.0.2.10";

/// Where a request came from; what is not said is filled in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// The client's address.
    pub ip: Option<String>,
    /// The addresses on the way, where they are not only the client's.
    pub ip_chain: Vec<String>,
    /// The city of the address.
    pub city: Option<String>,
    /// Its state.
    pub state: Option<String>,
    /// Its country.
    pub country: Option<String>,
    /// The number of its autonomous system.
    pub asn: Option<u32>,
    /// Its provider.
    pub isp: Option<String>,
    /// Whether it is a known proxy.
    pub is_proxy: Option<bool>,
    /// The caller's user agent.
    pub user_agent: String,
}

impl Origin {
    fn ip(&self) -> &str {
        self.ip.as_ref().or(self.ip_chain.first()).map_or(SOMEWHERE, String::as_str)
    }

    fn place(&self) -> Value {
        let said = [("city", &self.city), ("state", &self.state), ("country", &self.country)];
        if said.iter().all(|(_, value)| value.is_none()) {
            return json!({ "city": "Oslo", "state": "Oslo", "country": "Norway", "postalCode": "0150",
                           "geolocation": { "lat": 59.9, "lon": 10.7 } });
        }
        let said = said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.as_deref()?.into())));
        Value::Object(said.collect::<Map<_, _>>())
    }

    /// The member `client` of an event.
    pub fn client(&self) -> Value {
        json!({
            "userAgent": { "rawUserAgent": self.user_agent, "os": "Unknown", "browser": "UNKNOWN" },
            "zone": "null", "device": "Unknown", "id": null, "ipAddress": self.ip(),
            "geographicalContext": self.place(),
        })
    }

    /// The member `request` of an event.
    pub fn request(&self) -> Value {
        let hop = |ip: &str| {
            let version = if ip.contains(':') { "V6" } else { "V4" };
            json!({ "ip": ip, "geographicalContext": self.place(), "version": version, "source": null })
        };
        let chain: Vec<Value> = match self.ip_chain.as_slice() {
            [] => vec![hop(self.ip())],
            chain => chain.iter().map(|ip| hop(ip)).collect(),
        };
        json!({ "ipChain": chain })
    }

    /// The member `securityContext` of an event.
    pub fn security(&self) -> Value {
        json!({ "asNumber": self.asn, "asOrg": self.isp, "isp": self.isp, "domain": null, "isProxy": self.is_proxy })
    }
}
