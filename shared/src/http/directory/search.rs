//! One search over everything.

use super::{Answer, Reader, list};
use crate::connection::Stream;
use crate::directory::{self, Directory, Hit, Type};
use crate::http::caller::Caller;
use crate::http::params::{Params, bad};
use crate::http::path::Path;
use crate::http::route::{Of, Operation, Routes};
use axum::extract::State;

/// What can be searched.
static TYPES: [&str; 4] = [Type::ALL[0].0, Type::ALL[1].0, Type::ALL[2].0, Type::ALL[3].0];

/// The route.
pub(super) fn routes() -> Routes<Reader> {
    Routes::new("Directory").on(
        Operation::get(
            "/v1/connections/{id}/search",
            "search",
            "Find people, groups, apps and locations by words of their names; people by title, department and employee \
                number too. The best is first, and each says what was found in it.",
        )
        .query("q", Of::Word, "Words that begin so; case and accents do not count.")
        .query("types", Of::Choices(&TYPES), "Only these.")
        .lists::<Hit>(),
        search,
    )
}

async fn search(caller: Caller, mut params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Answer {
    open!(reader, caller, id => opened);
    let q = params.word("q")?.ok_or_else(|| bad("q", "is missing: write what to look for"))?;
    let asked = params.choices("types", &TYPES)?;
    let is_asked = |name: &str| asked.is_empty() || asked.contains(&name);
    let types: Vec<_> = Type::ALL.iter().filter(|(name, _)| is_asked(name)).map(|(_, kind)| *kind).collect();
    let paging = params.paging()?;
    let found = directory::search(&opened, &q, &types, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Users, found), &paging))
}
