//! User types by name, and what people call the attributes that are their organization's own.

use super::listing;
use super::work::{Stop, Work, forbidden};
use crate::okta::{self, BadRecord, UserSchema, UserType, api};
use crate::store::Error;
use crate::synced::{Phase, State, TypeName};
use std::collections::BTreeMap;

/// Schemas that are read: one a type, and a tenant has few.
const MOST_SCHEMAS: usize = 10;

/// Reads the types, and the schema of each; what may not be read stays as it was.
pub(super) async fn read(work: &mut Work<'_>) -> Result<(), Stop> {
    work.run.phase = Some(Phase::UserTypes);
    let (types, is_empty) = match work.client.page::<UserType>(&api::list_user_types()).await {
        Ok(page) => {
            let is_empty = page.items.is_empty() && page.bad.is_empty();
            work.tell_all_bad("user_type", page.bad);
            (page.items, is_empty)
        }
        Err(error) => {
            listing::end_stream(work, &[Phase::UserTypes], error).await?;
            (Vec::new(), true)
        }
    };
    if is_empty {
        // Every organization has a type: a list of none is that of a role which sees nothing.
        work.run.skipped.entry(Phase::UserTypes).or_insert_with(|| "role_missing".to_owned());
    }
    work.run.count(Phase::UserTypes).seen = types.len() as u64;
    let titles = read_titles(work, &types).await?;
    remember(work, types, titles).await?;
    work.run.checkpoint = work.after_user_types();
    Ok(work.commit(Vec::new()).await?)
}

/// What schemas call attributes.
#[derive(Default)]
struct Titles {
    labels: BTreeMap<String, String>,
    /// Some schema could not be read: what it says stays as it was.
    is_partial: bool,
}

/// The titles of attributes; of those that several types have, the first type's.
async fn read_titles(work: &mut Work<'_>, types: &[UserType]) -> Result<Titles, Stop> {
    let mut titles = Titles::default();
    for schema in types.iter().filter_map(UserType::schema).take(MOST_SCHEMAS) {
        match work.client.fetch::<UserSchema>(&api::get_user_schema(&schema)).await {
            Ok(schema) => {
                for (name, attribute) in schema.custom() {
                    if let Some(title) = attribute.title {
                        titles.labels.entry(name).or_insert(title);
                    }
                }
            }
            Err(okta::Error::Unreadable(detail)) => {
                let id = Some(schema.to_string());
                work.tell_bad(BadRecord { kind: "schema".to_owned(), id, name: None, detail });
                titles.is_partial = true;
            }
            Err(error) => {
                let refusal = work.refused(error)?;
                if let Some(finding) = forbidden(&refusal) {
                    work.run.skipped.insert(Phase::UserTypes, finding);
                    return Ok(Titles { labels: BTreeMap::new(), is_partial: true });
                }
                work.pass_over("schema", schema.as_str(), None, &refusal);
                titles.is_partial = true;
            }
        }
    }
    Ok(titles)
}

/// Stores what was learnt.
async fn remember(work: &Work<'_>, types: Vec<UserType>, titles: Titles) -> Result<(), Error> {
    let Titles { labels, is_partial } = titles;
    let is_partial = is_partial || work.run.skipped.contains_key(&Phase::UserTypes);
    let types: Vec<_> = types.into_iter().map(|it| TypeName { id: it.id, name: it.name }).collect();
    State::update(&work.app.store, &work.connection.id, &work.lease, |state| {
        if !types.is_empty() {
            state.types.clone_from(&types);
        }
        if is_partial {
            state.labels.extend(labels.clone());
        } else {
            state.labels.clone_from(&labels);
        }
        Ok(Vec::new())
    })
    .await
}
