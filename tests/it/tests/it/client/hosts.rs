//! Where a request may go, and where nothing ever goes: checked by listeners that nobody must come to.

use crate::direct::{Direct, answer, api_token, patience, request};
use okta_connector::clock::SystemClock;
use okta_connector::okta::{AllowedOrigins, Client, Domain, Error, Origin, Request, Transport, User, api};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use url::Url;

/// A door that nobody must come to.
struct Door(TcpListener);

impl Door {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("it can be asked without waiting");
        Self(listener)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("it is bound")
    }

    #[track_caller]
    fn assert_nobody_came(&self, told: &str) {
        assert!(self.0.accept().is_err(), "{told}");
    }
}

/// A resolver that gives these answers, one after the other, and the last one from then on.
struct Rebinding {
    answers: Vec<Vec<SocketAddr>>,
    asked: Mutex<usize>,
}

impl Resolve for Rebinding {
    fn resolve(&self, _name: Name) -> Resolving {
        let mut asked = self.asked.lock().expect("nobody panics while resolving");
        let addresses = self.answers[(*asked).min(self.answers.len() - 1)].clone();
        *asked += 1;
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

/// A client of `https://acme.okta.com`, where that name leads to these addresses.
fn resolved(answers: &[&[SocketAddr]]) -> (Arc<Rebinding>, Client) {
    let answers = answers.iter().map(|addresses| addresses.to_vec()).collect();
    let resolver = Arc::new(Rebinding { answers, asked: Mutex::new(0) });
    let transport =
        Transport::new(resolver.clone(), AllowedOrigins::default(), Arc::new(SystemClock)).expect("a transport");
    let Ok(Domain::Okta(origin)) = Origin::parse("acme.okta.com", &AllowedOrigins::default()) else {
        panic!("an Okta host")
    };
    (resolver, okta_connector::okta::Client::new(&transport, origin, api_token(), None, patience()))
}

fn follow(url: &str) -> Request {
    Request::follow("users", Url::parse(url).expect("a URL"))
}

#[tokio::test]
async fn a_next_link_to_anywhere_else_is_refused_and_nothing_is_sent_there() {
    let door = Door::open();
    let (here, there) = (Direct::start().await, door.address());
    let host = here.okta.url().replace("http://", "");
    let evil = [
        format!("http://{there}/api/v1/users?after=1"),
        format!("http://localhost:{}/api/v1/users", there.port()),
        format!("https://{host}/api/v1/users"),
        format!("http://user@{host}/api/v1/users"),
        format!("http://{host}@{there}/api/v1/users"),
        format!("http://user:pass@{there}/api/v1/users"),
        format!("//{there}/api/v1/users"),
        "http://127.0.0.1/api/v1/users".to_owned(),
        "https://acme.okta.com/api/v1/users".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "file:///etc/passwd".to_owned(),
    ];
    for link in evil {
        here.first([answer(200, &[("link", &format!("<{link}>; rel=\"next\""))], "[]")]);
        let before = here.okta.calls();
        let page = here.client(api_token()).page::<User>(&api::list_users()).await;
        assert!(matches!(page, Err(Error::ForeignUrl)), "{link}");
        assert_eq!(here.okta.calls() - before, 1, "{link}");
        door.assert_nobody_came(&link);
    }
}

#[tokio::test]
async fn a_link_to_an_address_or_another_host_is_refused_before_anything_is_opened() {
    let door = Door::open();
    let direct = Direct::start().await;
    let (resolver, okta) = resolved(&[&[door.address()]]);
    let port = door.address().port();
    for url in [
        "http://169.254.169.254/".to_owned(),
        "https://127.0.0.1/".to_owned(),
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://acme.okta.com:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "http://acme.okta.com/api/v1/users".to_owned(),
        "https://acme-admin.okta.com/api/v1/users".to_owned(),
        "https://token@acme.okta.com/api/v1/users".to_owned(),
    ] {
        for client in [&direct.client(api_token()), &okta] {
            assert!(matches!(client.send(&follow(&url)).await, Err(Error::ForeignUrl)), "{url}");
            assert_eq!(client.requests(), 0, "{url}");
        }
    }
    assert_eq!((direct.okta.calls(), *resolver.asked.lock().expect("free")), (0, 0));
    door.assert_nobody_came("a link");
}

#[tokio::test]
async fn a_path_cannot_turn_into_another_host() {
    let door = Door::open();
    let direct = Direct::start().await;
    let port = door.address().port();
    for path in
        [format!("@127.0.0.1:{port}/"), format!(":x@127.0.0.1:{port}/"), "0/".to_owned(), ".evil.example/".to_owned()]
    {
        let error = direct.client(api_token()).send(&request("GET", &path, None)).await.err();
        assert!(matches!(error, Some(Error::ForeignUrl)), "{path}: {error:?}");
    }
    assert_eq!(direct.okta.calls(), 0);
    door.assert_nobody_came("a path");
}

#[tokio::test]
async fn a_name_that_was_public_a_moment_ago_never_reaches_loopback() {
    let door = Door::open();
    let public = SocketAddr::from(([8, 8, 8, 8], 443));
    let (resolver, client) = resolved(&[&[public], &[door.address()]]);
    // Whoever looked earlier saw a public address.
    let name = "acme.okta.com".parse().expect("a name");
    let seen: Vec<_> = resolver.resolve(name).await.expect("addresses").collect();
    assert_eq!(seen, [public]);
    let error = client.send(&api::list_users()).await.err();
    assert!(matches!(error, Some(Error::UnknownHost(_))), "{error:?}");
    door.assert_nobody_came("rebinding");
}

#[tokio::test]
async fn one_private_address_among_public_ones_keeps_all_of_them_from_being_opened() {
    let door = Door::open();
    let public = SocketAddr::from(([8, 8, 8, 8], 443));
    for mix in [[public, door.address()], [door.address(), public]] {
        let (_, client) = resolved(&[&mix]);
        let error = client.send(&api::list_users()).await.err();
        assert!(matches!(error, Some(Error::UnknownHost(_))), "{error:?}");
        door.assert_nobody_came("a mix");
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_a_network_is_told_as_such_and_asked_for_once() {
    let inside = [
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::1",
        "2001::1",
        "100.64.0.1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "169.254.169.254",
        "fd00:ec2::254",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "192.0.0.192",
        "198.18.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::",
        "::1",
    ];
    for address in inside {
        let (resolver, client) = resolved(&[&[SocketAddr::new(address.parse().expect("an address"), 443)]]);
        let error = client.send(&api::list_users()).await.err();
        assert!(
            matches!(&error, Some(Error::UnknownHost(told)) if told.contains("not public")),
            "{address}: {error:?}"
        );
        assert_eq!(*resolver.asked.lock().expect("free"), 1, "{address}");
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_told_as_unknown() {
    let (_, client) = resolved(&[&[]]);
    let error = client.send(&api::list_users()).await.err();
    assert!(matches!(&error, Some(Error::UnknownHost(told)) if told.contains("not known")), "{error:?}");
}

#[tokio::test]
async fn a_token_is_never_sent_to_where_a_redirect_or_a_link_leads() {
    let thief = Direct::start().await;
    thief.okta.intercept(|_| Some(answer(200, &[], "[]")));
    let there = thief.okta.url();
    let turns = AtomicUsize::new(0);
    let direct = Direct::start().await;
    direct.okta.intercept(move |_| {
        let link = format!("<{there}/api/v1/users>; rel=\"next\"");
        let redirect = turns.fetch_add(1, Ordering::SeqCst) == 0;
        Some(if redirect { answer(302, &[("location", &there)], "") } else { answer(200, &[("link", &link)], "[]") })
    });
    let client = direct.client(api_token());
    assert!(matches!(client.page::<User>(&api::list_users()).await, Err(Error::Api(_))));
    assert!(matches!(client.page::<User>(&api::list_users()).await, Err(Error::ForeignUrl)));
    assert_eq!(thief.okta.calls(), 0);
}
