//! The proxy against a raw upstream that shows every byte it is sent.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// An upstream that answers each connection's requests (without a body) with the same bytes and hands over what it read.
async fn upstream(answer: &'static [u8]) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let (seen, requests) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                while let Some(head) = read_head(&mut stream).await {
                    let _ = seen.send(head);
                    stream.write_all(answer).await.expect("the proxy reads");
                }
            });
        }
    });
    (url, requests)
}

/// Reads to the end of a message's head; `None` if the connection ends first.
async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address).await.expect("the proxy listens")
}

/// Sends bytes through a new connection and reads all that comes back until it is closed.
async fn talk(proxy: &Proxy, bytes: &str) -> Vec<u8> {
    let mut stream = connect(proxy).await;
    stream.write_all(bytes.as_bytes()).await.expect("the proxy reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the proxy closes in order");
    answer
}

const GET: &str = "GET /a?limit=200 HTTP/1.1\r\nHost: acme.okta.com\r\nConnection: close\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn an_exchange_passes_unchanged_in_both_directions() {
    let answer = b"HTTP/1.1 200 OK\r\nLink: <http://x/a>; rel=\"self\"\r\nLink: <http://x/b>; rel=\"next\"\r\n\
        Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\xff";
    let (url, mut requests) = upstream(answer).await;
    let proxy = Proxy::start(&url).await;
    let request = "POST /api/v1/users/a%40b?x=%20 HTTP/1.1\r\nHost: acme.okta.com\r\nX-Case: Kept\r\n\
        Content-Length: 0\r\n\r\n";
    let mut stream = connect(&proxy).await;
    stream.write_all(request.as_bytes()).await.expect("the proxy reads");
    let mut received = vec![0; answer.len()];
    stream.read_exact(&mut received).await.expect("the proxy answers");
    assert_eq!(received, answer);
    assert_eq!(requests.recv().await.as_deref(), Some(request));
    assert_eq!((proxy.calls(), proxy.exchanges()), (1, Vec::new()));
}

#[tokio::test]
async fn a_chunked_answer_keeps_its_bytes() {
    let (url, _requests) = upstream(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").await;
    let proxy = Proxy::start(&url).await;
    proxy.record(true);
    assert!(talk(&proxy, GET).await.ends_with(b"2\r\nok\r\n0\r\n\r\n"));
    assert_eq!(proxy.exchanges()[0].response_body, b"ok");
}

#[tokio::test]
async fn recorded_is_what_the_client_sent_and_forwarded_is_what_the_test_made_of_it() {
    let (url, mut requests) = upstream(OK).await;
    let proxy = Proxy::start("http://127.0.0.1:1").await;
    proxy.retarget(&url);
    proxy.record(true);
    proxy.rewrite(|target| *target = target.replace("limit=200", "limit=25"));
    talk(&proxy, GET).await;
    assert!(requests.recv().await.expect("a request").starts_with("GET /a?limit=25 HTTP/1.1\r\n"));
    let exchange = &proxy.exchanges()[0];
    assert_eq!((exchange.path.as_str(), exchange.query.as_deref(), exchange.status), ("/a", Some("limit=200"), 200));
    assert_eq!(exchange.request_headers[0], ("host".to_owned(), "acme.okta.com".to_owned()));
}

#[tokio::test]
async fn an_intercepted_call_never_reaches_the_upstream() {
    let (url, mut requests) = upstream(OK).await;
    let proxy = Proxy::start(&url).await;
    proxy.intercept(|request| {
        (request.path == "/a").then(|| (429, vec![("x-a".to_owned(), "1".to_owned())], b"slow".to_vec()))
    });
    let answer = String::from_utf8_lossy(&talk(&proxy, GET).await).into_owned();
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("x-a: 1\r\n") && answer.ends_with("slow"));
    assert!(requests.try_recv().is_err());
    assert!(talk(&proxy, &GET.replace("/a?", "/b?")).await.ends_with(b"ok"));
}

#[tokio::test]
async fn a_killed_process_gets_no_answer_from_any_proxy() {
    for (when, forwarded) in [(When::Before, 1), (When::After, 2)] {
        let (url, mut requests) = upstream(OK).await;
        let (okta, database) = (Proxy::start(&url).await, Proxy::start(&url).await);
        let switch = KillSwitch::new(2, when);
        okta.kill_at(&switch);
        database.kill_at(&switch);
        assert!(talk(&okta, GET).await.ends_with(b"ok"));
        assert_eq!(talk(&database, GET).await, b"");
        switch.died().await;
        assert_eq!(talk(&okta, GET).await, b"");
        assert_eq!((switch.count(), okta.calls(), database.calls()), (2, 2, 1));
        let mut seen = 0;
        while requests.try_recv().is_ok() {
            seen += 1;
        }
        assert_eq!(seen, forwarded, "{when:?}");
    }
}

#[tokio::test]
async fn one_connection_carries_several_calls_and_a_dropped_proxy_closes_it() {
    let (url, _requests) = upstream(OK).await;
    let proxy = Proxy::start(&url).await;
    let mut stream = connect(&proxy).await;
    for _ in 0..3 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("the proxy reads");
        read_head(&mut stream).await.expect("the proxy answers");
        stream.read_exact(&mut [0; 2]).await.expect("the proxy answers");
    }
    assert!(talk(&proxy, GET).await.ends_with(b"ok"), "a second connection beside it");
    assert_eq!(proxy.calls(), 4);
    drop(proxy);
    assert_eq!(read_head(&mut stream).await, None);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_cuts_the_call() {
    let proxy = Proxy::start("http://127.0.0.1:1").await;
    assert_eq!(talk(&proxy, GET).await, b"");
}
