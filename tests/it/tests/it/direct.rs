//! The product's Okta client by itself, with a proxy at its other end: what it sends, and what it makes of any answer.

use crate::world::JUDGE;
use it::proxy::{Answer, Exchange, Proxy};
use okta_connector::clock::{Clock, SharedClock, SystemClock};
use okta_connector::okta::{
    AllowedOrigins, Client, Credential, Domain, Origin, Patience, PrivateKeyJwt, Request, SigningKey, SystemResolver,
    Target, Transport,
};
use okta_simulator::{Config, Dpop, Simulator};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::net::TcpListener;

/// A client's surroundings.
pub struct Direct {
    /// The tenant, as far as the client can tell.
    pub okta: Proxy,
    pub transport: Arc<Transport>,
    pub origin: Origin,
}

/// A clock that stands still.
pub struct Still(pub jiff::Timestamp);

impl Clock for Still {
    fn now(&self) -> jiff::Timestamp {
        self.0
    }
}

impl Direct {
    /// A tenant that only answers what the test makes the proxy answer.
    pub async fn start() -> Self {
        Self::at(Arc::new(SystemClock)).await
    }

    /// The same, by another clock.
    pub async fn at(clock: SharedClock) -> Self {
        let okta = Proxy::start("http://127.0.0.1:9").await;
        okta.record(true);
        let (transport, origin) = towards(&okta.url(), clock);
        Self { okta, transport, origin }
    }

    /// A tenant that answers every request in this way.
    pub async fn answering(answer: impl Fn(&Exchange) -> Answer + Send + Sync + 'static) -> Self {
        let direct = Self::start().await;
        direct.okta.intercept(move |request| Some(answer(request)));
        direct
    }

    /// A tenant that gives these answers, one a request, and then cuts every connection.
    pub async fn scripted(answers: impl IntoIterator<Item = Answer>) -> Self {
        let direct = Self::start().await;
        direct.first(answers);
        direct
    }

    /// A simulated tenant whose app knows a key, and the way to sign in with it.
    pub async fn tenant(dpop: Dpop) -> (Self, Simulator, Credential) {
        let direct = Self::start().await;
        let (users, groups, public_url) = (8, 3, Some(direct.okta.url()));
        let config = Config { users, groups, apps: 2, memberships: Some(8), dpop, public_url, ..Config::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let simulator = Simulator::start(config, listener).await.expect("a simulator");
        direct.okta.retarget(simulator.url());
        let identity = identity(&simulator.credentials().client_id);
        let jwk = identity.key.public_jwk().expect("a public key");
        operate(&simulator, "PATCH", "app", json!({"jwks": {"keys": [jwk]}})).await;
        let scopes = ["okta.groups.read", "okta.users.read"].map(str::to_owned);
        (direct, simulator, Credential::PrivateKeyJwt(identity, BTreeSet::from(scopes)))
    }

    /// Answers the next requests; what comes later goes on to whatever is behind the proxy.
    pub fn first(&self, answers: impl IntoIterator<Item = Answer>) {
        self.first_of("", answers);
    }

    /// Answers the next requests whose path starts so.
    pub fn first_of(&self, path: &'static str, answers: impl IntoIterator<Item = Answer>) {
        let answers = std::sync::Mutex::new(answers.into_iter().collect::<std::collections::VecDeque<_>>());
        self.okta.intercept(move |request| {
            let mut answers = answers.lock().expect("nobody panics while answering");
            if request.path.starts_with(path) { answers.pop_front() } else { None }
        });
    }

    /// A client with time enough for everything but long waits.
    pub fn client(&self, credential: Credential) -> Client {
        self.patient(credential, patience())
    }

    /// A client with other patience.
    pub fn patient(&self, credential: Credential, patience: Patience) -> Client {
        okta_connector::okta::Client::new(&self.transport, self.origin.clone(), credential, Some("conn_1"), patience)
    }

    /// The requests so far whose path starts so.
    pub fn sent(&self, path: &str) -> Vec<Exchange> {
        self.okta.exchanges().into_iter().filter(|exchange| exchange.path.starts_with(path)).collect()
    }

    /// Holds every exchange so far against Okta's description, where it is at hand.
    pub fn judge(&self) {
        let Some(judge) = &*JUDGE else { return };
        for exchange in self.okta.exchanges() {
            judge.judge(&exchange).unwrap_or_else(|complaints| panic!("{complaints:#?}"));
        }
    }
}

/// A transport that may speak to one loopback origin, and that origin.
pub fn towards(url: &str, clock: SharedClock) -> (Arc<Transport>, Origin) {
    let allowed = AllowedOrigins::parse([url]).expect("a loopback origin");
    let Ok(Domain::Okta(origin)) = Origin::parse(url, &allowed) else { panic!("{url} is allowed") };
    (Transport::new(Arc::new(SystemResolver), allowed, clock).expect("a transport"), origin)
}

/// Time enough for everything but long waits.
pub fn patience() -> Patience {
    Patience::foreground(Duration::from_secs(20), Duration::from_secs(3))
}

/// An API token that no test may see anywhere but in a header of its own tenant's.
pub fn api_token() -> Credential {
    Credential::ApiToken("00canary".to_owned().into())
}

/// A client id with the key that all tests of this process share, because making one takes long.
pub fn identity(client_id: &str) -> PrivateKeyJwt {
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate().expect("a key"));
    signing_with(KEY.clone(), client_id)
}

/// A client id with a key that nobody knows.
pub fn stranger(client_id: &str) -> PrivateKeyJwt {
    signing_with(SigningKey::generate().expect("a key"), client_id)
}

fn signing_with(key: SigningKey, client_id: &str) -> PrivateKeyJwt {
    let key_id = key.public_jwk().expect("a public key").common.key_id;
    PrivateKeyJwt { client_id: client_id.to_owned(), key, key_id }
}

/// Any request, counted in a bucket of the tests' own.
pub fn request(method: &str, target: &str, body: Option<Value>) -> Request {
    let method = method.parse().expect("a method");
    Request { method, target: Target::Path(target.to_owned()), body, bucket: "test", mark: None, list: None }
}

/// An answer of the tests' own.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let lines = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    (status, lines.collect(), body.as_bytes().to_vec())
}

/// The value of a header, if there is exactly one.
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = headers.iter().filter(|(have, _)| have == name).map(|(_, value)| value.as_str());
    values.next().filter(|_| values.next().is_none())
}

/// Calls the simulator's operator.
pub async fn operate(simulator: &Simulator, method: &str, path: &str, body: Value) {
    let url = format!("{}/_sim/{path}", simulator.url());
    let request = reqwest::Client::new().request(method.parse().expect("a method"), url).json(&body);
    let status = request.send().await.expect("an answer").status();
    assert!(status.is_success(), "{method} /_sim/{path}: {status}");
}

/// The header (0) or the claims (1) of a JWT.
pub fn jwt(token: &str, part: usize) -> Value {
    use base64::Engine;
    let part = token.split('.').nth(part).expect("a JWT has three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The proof sent with a request.
pub fn proof(exchange: &Exchange) -> &str {
    header(&exchange.request_headers, "dpop").expect("one proof")
}
