//! One page of a listing: read, and where the listing goes on.

use super::slice::MOST_FAILURES;
use super::work::{Work, finding, forbidden};
use crate::okta::{self, Meaning, Page, Request, api};
use crate::synced::{Listing, Phase};
use serde::de::DeserializeOwned;
use url::Url;

/// What came of reading a page.
pub enum Read<T> {
    /// The page, and where the listing goes on; `None` at its end.
    Page(Page<T>, Option<Listing>),
    /// Okta no longer knows the cursor: the listing begins again, as another pass.
    Restart(Listing),
}

/// A list that Okta refuses ends its stream, and not the run: what is stored of it stays as it was.
///
/// # Errors
/// What may pass, and what concerns more than this list: a tenant that is in trouble as a whole ends the run.
pub async fn end_stream(work: &mut Work<'_>, phases: &[Phase], error: okta::Error) -> Result<(), okta::Error> {
    let refusal = work.refused(error)?;
    if is_trouble(&refusal) {
        let has_waited = work.run.failures + 1 >= MOST_FAILURES;
        if !has_waited || work.client.send(&api::probe_users()).await.is_err() {
            return Err(okta::Error::Api(refusal));
        }
    }
    let finding = finding(&refusal);
    // A missing right is shown as the reason why the stream is skipped.
    if forbidden(&refusal).is_none()
        && let Some(first) = phases.first()
    {
        work.pass_over("list", first.name(), None, &refusal);
    }
    for phase in phases {
        work.run.skipped.insert(*phase, finding.clone());
    }
    Ok(())
}

fn is_trouble(refusal: &okta::Refusal) -> bool {
    matches!(refusal.meaning(), Meaning::Trouble | Meaning::Intermediary)
}

/// Reads the page at which a listing stands.
pub async fn read<T: DeserializeOwned>(
    work: &mut Work<'_>,
    first: Request,
    listing: &Listing,
) -> Result<Read<T>, okta::Error> {
    let request = match &listing.next {
        Some(next) => api::next(&first, Url::parse(next).map_err(|_| okta::Error::ForeignUrl)?),
        None => first,
    };
    let answer = match work.ahead.take(&request).await {
        Some(answer) => answer,
        None => work.client.send(&request).await,
    };
    let page = match answer.and_then(|answer| work.client.page_of::<T>(&request, &answer)) {
        Err(okta::Error::Api(refusal)) if listing.next.is_some() && begins_again(&refusal, listing.pass) => {
            return Ok(Read::Restart(Listing { pass: listing.pass + 1, ..Listing::default() }));
        }
        other => other?,
    };
    let next = page.next.as_ref().map(|next| advance(listing, next.as_str())).transpose()?;
    if let Some(next) = &page.next {
        work.ahead.go_on(&work.client, api::next(&request, next.clone()));
    }
    Ok(Read::Page(page, next))
}

/// How often a listing begins again. Okta ends some lists for good, and a cursor that it refuses each time looks alike.
const MOST_PASSES: u32 = 3;

/// True where Okta may only have forgotten the cursor. It has two codes for that, depending on what stands behind the list,
/// and one of them also says that it searches no further.
pub(super) fn begins_again(refusal: &okta::Refusal, pass: u32) -> bool {
    let is_stale = refusal.status.as_u16() == 400 && matches!(refusal.code.as_str(), "E0000029" | "E0000031");
    is_stale && pass + 1 < MOST_PASSES
}

/// Where a listing stands after a page. A listing that goes in circles is found by keeping one earlier URL, a later one
/// at every power of two (Brent's algorithm).
fn advance(listing: &Listing, next: &str) -> Result<Listing, okta::Error> {
    if listing.mark.as_deref() == Some(next) {
        return Err(okta::Error::Unreadable("a listing comes back to a page it has shown before".to_owned()));
    }
    let pages = listing.pages + 1;
    let mark = if pages.is_power_of_two() { Some(next.to_owned()) } else { listing.mark.clone() };
    Ok(Listing { next: Some(next.to_owned()), pages, pass: listing.pass, mark })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_that_goes_in_circles_is_found() {
        for (lead, circle) in [(0, 1), (0, 2), (3, 1), (5, 4), (1, 7)] {
            let url = |page: usize| {
                format!(
                    "https://acme.okta.com/api/v1/users?after={}",
                    if page < lead { page } else { lead + (page - lead) % circle }
                )
            };
            let mut listing = Listing::default();
            let ended = (0..100).find(|page| match advance(&listing, &url(*page)) {
                Ok(next) => {
                    listing = next;
                    false
                }
                Err(_) => true,
            });
            assert!(ended.is_some(), "{lead} {circle}");
        }
    }

    #[test]
    fn a_listing_without_circles_ends_by_itself() {
        let mut listing = Listing::default();
        for page in 0..1_000 {
            listing = advance(&listing, &format!("https://acme.okta.com/?after={page}")).expect("no circle");
        }
        assert_eq!(listing.pages, 1_000);
    }
}
