//! Owners of groups, a feature of Okta Identity Governance.

use super::{remove, store, whole};
use crate::okta::{self, GroupId, Refusal, api};
use crate::store::{Error, Index, Query, keys};
use crate::sync::change::Change;
use crate::sync::work::{Stop, Work, forbidden};
use crate::synced::Phase;
use crate::synced::access::{Owned, Owner, records};
use std::collections::BTreeSet;

/// The groups that a run which reads everything asks for: no list of Okta's says which have owners. A run that takes nothing
/// for known asks all of them, another one those that had owners; who else got some is in the log.
pub async fn groups(work: &Work<'_>) -> Result<BTreeSet<GroupId>, Error> {
    let connection = &work.connection.id;
    if work.knows_nothing_of(Phase::Owners) {
        let query = Query::index(Index::G1, keys::groups_partition(connection, keys::Listed::Present));
        let listed = work.app.store.query(&query).await?;
        let id = |sk: &str| GroupId::parse(keys::split_named_index(sk)?.1).ok();
        return Ok(listed.iter().filter_map(|item| id(item.sort_key(Some(Index::G1)))).collect());
    }
    let owned = records::<Owned>(&work.app.store, connection).await?;
    Ok(owned.into_iter().map(|owned| owned.group).collect())
}

/// Reads the owners of one group.
pub async fn read(work: &mut Work<'_>, group: &GroupId) -> Result<Option<Change>, Stop> {
    work.run.phase = Some(Phase::Owners);
    let key = keys::owned(&work.connection.id, group);
    let page = match whole::<okta::Owner>(work, &api::list_owners(group)).await {
        Ok(page) => page,
        Err(okta::Error::Api(refusal)) if refusal.is_absence() && !is_unknown(&refusal) => {
            return Ok(remove::<Owned>(work, Phase::Owners, key).await?);
        }
        Err(error) => {
            let refusal = work.refused(error)?;
            let finding = if is_unknown(&refusal) { Some("not_licensed".to_owned()) } else { forbidden(&refusal) };
            match finding {
                Some(finding) if work.run.progress.get(&Phase::Owners).is_none_or(|counts| counts.seen == 0) => {
                    work.run.skipped.insert(Phase::Owners, finding);
                }
                _ => work.pass_over("group", group.as_str(), None, &refusal),
            }
            return Ok(None);
        }
    };
    let is_whole = page.bad.is_empty();
    work.tell_all_bad("owner", page.bad);
    work.run.count(Phase::Owners).seen += 1;
    let mut owners: Vec<_> = page.items.into_iter().map(Owner::of).collect();
    if !is_whole {
        // Who cannot be read may be one of those that are stored.
        let before = crate::synced::access::record::<Owned>(&work.app.store, &key).await?;
        owners.extend(before.into_iter().flat_map(|owned| owned.owners));
    }
    owners.sort();
    owners.dedup();
    if owners.is_empty() {
        return Ok(remove::<Owned>(work, Phase::Owners, key).await?);
    }
    Ok(store(work, Phase::Owners, &Owned { group: group.clone(), owners }).await?)
}

/// True where Okta knows no owners at all, rather than not this group.
fn is_unknown(refusal: &Refusal) -> bool {
    refusal.code == "E0000008"
}
