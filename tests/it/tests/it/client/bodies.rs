//! Answers that are not what Okta's API answers.

use crate::direct::{Direct, answer, api_token, patience, request, towards};
use flate2::{Compression, write::GzEncoder};
use it::proxy::Answer;
use okta_connector::clock::SystemClock;
use okta_connector::okta::{Error, Group, Organization, Role, User, api};
use std::io::Write;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What an answer may unpack to.
const LARGEST: usize = 10 * 1024 * 1024;

fn gzip(body: &[u8]) -> Answer {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("memory takes it");
    let (status, headers, _) = answer(200, &[("content-encoding", "gzip")], "");
    (status, headers, encoder.finish().expect("memory takes it"))
}

#[tokio::test]
async fn a_compressed_answer_is_asked_for_and_unpacked() {
    let direct = Direct::scripted([gzip(b"[{\"id\":\"00u1\",\"status\":\"ACTIVE\"}]")]).await;
    let page = direct.client(api_token()).page::<User>(&api::list_users()).await.expect("a page");
    assert_eq!(page.items[0].id.as_str(), "00u1");
    let asked =
        crate::direct::header(&direct.okta.exchanges()[0].request_headers, "accept-encoding").map(str::to_owned);
    assert!(asked.is_some_and(|encodings| encodings.contains("gzip")));
}

#[tokio::test]
async fn an_answer_that_unpacks_to_more_than_the_cap_is_not_read() {
    for (size, fits) in [(LARGEST, true), (LARGEST + 1, false), (8 * LARGEST, false)] {
        let direct = Direct::scripted([gzip(&vec![b' '; size])]).await;
        let result = direct.client(api_token()).send(&api::list_users()).await;
        assert_eq!(result.as_ref().is_ok_and(|answer| answer.body.len() == size), fits, "{size}");
        assert!(fits || matches!(result, Err(Error::Unreadable(_))), "{size}");
        assert_eq!(direct.okta.calls(), 1, "it would be as large again");
    }
}

#[tokio::test]
async fn an_endless_answer_is_hung_up_on() {
    let endless = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (transport, origin) =
        towards(&format!("http://{}", endless.local_addr().expect("bound")), Arc::new(SystemClock));
    let client = okta_connector::okta::Client::new(&transport, origin, api_token(), None, patience());
    let serve = async {
        let (mut stream, _) = endless.accept().await.expect("a connection");
        stream.read_buf(&mut Vec::with_capacity(4_096)).await.expect("a request");
        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await.expect("it reads");
        // Ends only when the other end no longer listens.
        while stream.write_all(&[b' '; 8_192]).await.is_ok() {}
    };
    let listing = api::list_users();
    let (result, ()) = tokio::join!(client.send(&listing), serve);
    assert!(matches!(result, Err(Error::Unreadable(_))));
}

#[tokio::test]
async fn a_body_that_is_no_gzip_is_a_broken_answer() {
    let lies = || answer(200, &[("content-encoding", "gzip")], "[]");
    let direct = Direct::scripted([lies(), answer(200, &[], "[]")]).await;
    direct.client(api_token()).send(&api::list_users()).await.expect("a read is sent again");
    let direct = Direct::scripted([lies()]).await;
    let error = direct.client(api_token()).send(&request("POST", "/api/v1/users", None)).await.err();
    assert!(matches!(error, Some(Error::Broken)), "{error:?}");
}

#[tokio::test]
async fn what_is_not_the_expected_json_is_unreadable_and_nothing_worse() {
    for body in
        ["", "<!DOCTYPE html><html>Down</html>", "null", "7", "\"x\"", "{}", "{\"id\":null}", "[{", "\u{0}", "[[]]"]
    {
        let direct = Direct::answering(move |_| answer(200, &[("content-type", "text/html")], body)).await;
        let client = direct.client(api_token());
        let one = client.fetch::<Organization>(&api::organization()).await;
        assert!(matches!(one, Err(Error::Unreadable(_))), "{body:?}");
        let list = client.page::<User>(&api::list_users()).await;
        assert_eq!(matches!(list, Err(Error::Unreadable(_))), body != "[[]]", "{body:?}");
        assert_eq!(direct.okta.calls(), 2, "{body:?}");
    }
}

#[tokio::test]
async fn unknown_fields_are_left_out_and_null_ones_are_none() {
    let user =
        "{\"id\":\"00u1\",\"status\":\"ACTIVE\",\"activated\":null,\"type\":null,\"profile\":null,\"new\":{\"a\":[1]}}";
    let group = "{\"id\":\"00g1\",\"type\":\"OKTA_GROUP\",\"profile\":null,\"_embedded\":{\"stats\":null},\"new\":1}";
    let role = "{\"id\":\"ra1\",\"type\":null,\"status\":null,\"new\":null}";
    let bodies = [user, group, role].map(|record| answer(200, &[], &format!("[{record}]")));
    let direct = Direct::scripted(bodies).await;
    let client = direct.client(api_token());
    let users = client.page::<User>(&api::list_users()).await.expect("a page");
    assert_eq!((users.items.len(), users.bad), (1, Vec::new()));
    let groups = client.page::<Group>(&api::list_groups()).await.expect("a page");
    assert_eq!((groups.items.len(), groups.bad), (1, Vec::new()));
    let roles = client.page::<Role>(&api::list_users()).await.expect("a page");
    assert_eq!((roles.items.len(), roles.bad), (1, Vec::new()));
}

#[tokio::test]
async fn an_organization_with_null_links_is_an_organization() {
    let bodies = [
        "{\"id\":\"00o1\",\"_links\":null}",
        "{\"id\":\"00o1\",\"pipeline\":null,\"_links\":{\"organization\":{\"href\":null}}}",
    ];
    for body in bodies {
        let direct = Direct::scripted([answer(200, &[], body)]).await;
        let found = direct.client(api_token()).fetch::<Organization>(&api::organization()).await;
        assert_eq!(found.map(|found| found.id).ok().as_deref(), Some("00o1"), "{body}");
    }
}

#[tokio::test]
async fn a_token_answer_with_nulls_grants_a_token() {
    let body = "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":null,\"scope\":null,\"new\":1}";
    let direct = Direct::scripted([answer(200, &[], body)]).await;
    let asked = std::collections::BTreeSet::from(["okta.users.read".to_owned()]);
    let app = okta_connector::okta::Credential::PrivateKeyJwt(crate::direct::identity("0oa1"), asked.clone());
    let token = direct.client(app).token().await.expect("an answer").expect("a token");
    assert_eq!(token.scopes, asked);
}

#[tokio::test]
async fn an_error_whose_other_members_are_null_keeps_its_code() {
    let body =
        "{\"errorCode\":\"E0000006\",\"errorSummary\":null,\"errorLink\":null,\"errorId\":null,\"errorCauses\":null}";
    let direct = Direct::scripted([answer(403, &[], body)]).await;
    let error = direct.client(api_token()).send(&api::list_users()).await.err();
    assert!(matches!(&error, Some(Error::Api(refusal)) if refusal.code == "E0000006"), "{error:?}");
}
