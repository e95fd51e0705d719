//! Reading ahead: while one page is compared and committed, the next ones are on their way.
//!
//! Nothing depends on it. What was read ahead and not asked for is lost with the slice, and is read again.

use crate::okta::{Answer, Client, Error, Request, api};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::Instrument;

/// Pages on their way at the same time.
pub(super) const MOST: usize = 8;
/// Pages of one listing that are read ahead.
const MOST_OF_ONE: usize = 4;
/// A listing that is not asked for yet sets out only where more requests than this are left in the window: those of the
/// listing that is being read, and one for each that has set out, so that the window ends with few pages in hand.
const SPARE: u32 = 16;

/// No page sets out while so many bytes have come that were not asked for yet, or are likely to come.
const MOST_BYTES: usize = 8_000_000;
/// Of a page on its way: one of a thousand members has up to two megabytes, one of two hundred groups a tenth.
const LIKELY_BYTES: usize = 1_000_000;

type Coming = oneshot::Receiver<Result<Answer, Error>>;

/// The pages on their way, by what was asked for.
#[derive(Default)]
pub(super) struct Ahead {
    hand: Arc<Mutex<Hand>>,
    tasks: JoinSet<()>,
}

/// What is on its way or has come.
#[derive(Default)]
struct Hand {
    pages: HashMap<String, Coming>,
    /// Of those that have come.
    bytes: usize,
    /// Those that have not.
    coming: usize,
}

impl Hand {
    fn came(&mut self, bytes: usize) {
        self.coming -= 1;
        self.bytes += bytes;
    }
}

impl Ahead {
    /// Sets out for the next page of the listing that is being read, and those behind it, if the tenant's limits leave room.
    pub fn go_on(&mut self, client: &Arc<Client>, request: Request) {
        self.set_out(client, request, 0);
    }

    /// Sets out for the first page of a listing that is read later, and those behind it, if the tenant's limits leave room.
    pub fn begin(&mut self, client: &Arc<Client>, request: Request) {
        // More in hand than may be on their way gain nothing, and are lost where the slice ends at a limit.
        let in_hand = u32::try_from(lock(&self.hand).pages.len()).unwrap_or(u32::MAX);
        if in_hand < client.most_in_flight(request.bucket) {
            self.set_out(client, request, SPARE);
        }
    }

    fn set_out(&mut self, client: &Arc<Client>, request: Request, spare: u32) {
        if !self.has_room() || !client.may_run_ahead(request.bucket, spare) {
            return;
        }
        let Some(first) = promise(&self.hand, &request) else { return };
        let hand = Arc::clone(&self.hand);
        let client = Arc::clone(client);
        self.tasks.spawn(read_on(hand, client, request, first, spare).in_current_span());
    }

    /// True where more may set out.
    pub fn has_room(&mut self) -> bool {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.len() < MOST
    }

    /// The answer to a request, if it is on its way.
    pub async fn take(&self, request: &Request) -> Option<Result<Answer, Error>> {
        let coming = lock(&self.hand).pages.remove(request.target.as_str())?;
        let answer = coming.await.ok()?;
        lock(&self.hand).bytes -= size(&answer);
        Some(answer)
    }
}

/// Reads a page and those behind it; one listing is never read at two places at once.
async fn read_on(
    hand: Arc<Mutex<Hand>>,
    client: Arc<Client>,
    listing: Request,
    first: oneshot::Sender<Result<Answer, Error>>,
    spare: u32,
) {
    let (mut request, mut promised) = (listing.clone(), first);
    for left in (0..MOST_OF_ONE).rev() {
        let answer = client.send(&request).await;
        let next = answer.as_ref().ok().and_then(|answer| client.next_of(answer)).filter(|_| left > 0);
        let next = next.map(|next| api::next(&listing, next)).filter(|next| client.may_run_ahead(next.bucket, spare));
        // The next one is promised before this one is handed over, so that nobody asks for it meanwhile.
        let next = next.and_then(|next| promise(&hand, &next).map(|sender| (next, sender)));
        lock(&hand).came(size(&answer));
        let _ = promised.send(answer);
        match next {
            Some((next, sender)) => (request, promised) = (next, sender),
            None => return,
        }
    }
}

/// Makes a place for the answer to a request; none where there is one, or where too much has come already.
fn promise(hand: &Mutex<Hand>, request: &Request) -> Option<oneshot::Sender<Result<Answer, Error>>> {
    let mut hand = lock(hand);
    let is_full = hand.bytes + hand.coming * LIKELY_BYTES >= MOST_BYTES;
    if is_full || hand.pages.contains_key(request.target.as_str()) {
        return None;
    }
    hand.coming += 1;
    let (sender, receiver) = oneshot::channel();
    hand.pages.insert(request.target.as_str().to_owned(), receiver);
    Some(sender)
}

fn size(answer: &Result<Answer, Error>) -> usize {
    answer.as_ref().map_or(0, |answer| answer.body.len())
}

fn lock(hand: &Mutex<Hand>) -> std::sync::MutexGuard<'_, Hand> {
    hand.lock().unwrap_or_else(PoisonError::into_inner)
}
