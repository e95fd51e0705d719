//! Group rules.

use super::{remove, store};
use crate::okta::{self, api};
use crate::store::keys;
use crate::sync::listing::{self, Read};
use crate::sync::work::{Stop, Work};
use crate::synced::access::{GroupRule, records};
use crate::synced::{Checkpoint, Listing, Phase};
use std::collections::HashSet;

/// One page of the list; behind the last, rules that it did not show are removed.
pub async fn read(work: &mut Work<'_>, listing: Listing) -> Result<(), Stop> {
    work.run.phase = Some(Phase::GroupRules);
    let name = format!("group_rules.{}", listing.pass);
    let (page, next) = match listing::read::<okta::GroupRule>(work, api::list_group_rules(), &listing).await {
        Ok(Read::Page(page, next)) => (page, next),
        Ok(Read::Restart(listing)) => {
            work.run.checkpoint = Checkpoint::GroupRules { listing };
            return Ok(work.commit(Vec::new()).await?);
        }
        Err(error) => {
            listing::end_stream(work, &[Phase::GroupRules], error).await?;
            work.run.checkpoint = Checkpoint::Finish;
            return Ok(work.commit(Vec::new()).await?);
        }
    };
    work.run.count(Phase::GroupRules).seen += (page.items.len() + page.bad.len()) as u64;
    let mut changes = Vec::new();
    for rule in &page.items {
        changes.extend(store(work, Phase::GroupRules, &GroupRule::of(rule)).await?);
    }
    // What cannot be read is there all the same.
    let mut seen: HashSet<_> = page.items.into_iter().map(|rule| rule.id).collect();
    seen.extend(page.bad.iter().filter_map(|bad| bad.id.clone()));
    work.tell_all_bad("group_rule", page.bad);
    changes.push(work.note(&name, listing.pages, &Vec::from_iter(&seen))?);
    work.run.checkpoint = if let Some(listing) = next {
        Checkpoint::GroupRules { listing }
    } else {
        work.each_noted(&name, |ids: Vec<String>| seen.extend(ids)).await?;
        let stored = records::<GroupRule>(&work.app.store, &work.connection.id).await?;
        // A list of none may be that of a role which sees nothing; not where that role sees groups.
        let sees_groups = work.run.progress.get(&Phase::Groups).is_some_and(|counts| counts.seen > 0);
        let gone = stored.iter().filter(|rule| !seen.contains(&rule.id) && (sees_groups || !seen.is_empty()));
        for rule in gone {
            let key = keys::group_rule(&work.connection.id, &rule.id);
            changes.extend(remove::<GroupRule>(work, Phase::GroupRules, key).await?);
        }
        Checkpoint::Finish
    };
    Ok(work.commit(changes).await?)
}
