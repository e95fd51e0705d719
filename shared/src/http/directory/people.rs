//! People, where they work, and what is wrong.

use super::selection::{PEOPLE, selection, selects};
use super::{Answer, Exported, Reader, STATUSES, list};
use crate::connection::Stream;
use crate::directory::{self, Administering, Directory, Finding, PeopleFilter, Person, PersonInFull};
use crate::http::caller::Caller;
use crate::http::export::Export;
use crate::http::params::{Params, bad};
use crate::http::path::Path;
use crate::http::route::{Of, Operation, Routes};
use crate::problem::Problem;
use crate::synced::roster::Location;
use axum::Json;
use axum::extract::State;

/// The routes of people, locations and findings.
pub(super) fn routes() -> Routes<Reader> {
    Routes::new("Directory")
        .on(
            selects(
                Operation::get(
                    "/v1/connections/{id}/people",
                    "listPeople",
                    "List people: users that are neither deprovisioned nor removed.",
                ),
                &directory::SORTS,
            )
            .query("q", Of::Word, "Only people of whose name, login or email a word begins so.")
            .query(
                "title",
                Of::Word,
                "Only people of whose title a word begins so, or, in double quotes, whose title this is; case and accents do \
                    not count.",
            )
            .query("department", Of::Word, "The same of the department.")
            .query("status", Of::Words(&STATUSES), "Only people with one of these statuses.")
            .query("manager", Of::Word, "Only direct reports of this user: an id or login.")
            .query("location", Of::Word, "Only who works in the location with this id.")
            .query("group", Of::Word, "Only members of the group with this id.")
            .query(
                "admin",
                Of::Word,
                "`true`: only who holds an admin role, of their own or by a group. A type, such as APP_ADMIN: only who holds \
                    that role.",
            )
            .query("owner", Of::Flag, "Only owners of groups.")
            .exports::<Person>(),
            people,
        )
        .on(
            Operation::get("/v1/connections/{id}/people/{user}", "getPerson", "Read a person, by id or login.")
                .answers::<PersonInFull>(200),
            person,
        )
        .on(
            Operation::get("/v1/connections/{id}/locations", "listLocations", "List the places where people work.")
                .lists::<Location>(),
            locations,
        )
        .on(
            Operation::get("/v1/connections/{id}/locations/{location}", "getLocation", "Read a location, by id.")
                .answers::<Location>(200),
            location,
        )
        .on(
            Operation::get(
                "/v1/connections/{id}/locations/{location}/people",
                "listPeopleOfLocation",
                "List who works in a location.",
            )
            .lists::<Person>(),
            people_of_location,
        )
        .on(
            Operation::get("/v1/connections/{id}/findings", "listFindings", "List what is wrong in the directory.")
                .lists::<Finding>(),
            findings,
        )
}

async fn people(caller: Caller, mut params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Exported {
    open!(reader, caller, id => opened);
    let filter = PeopleFilter {
        q: params.word("q")?,
        title: params.word("title")?,
        department: params.word("department")?,
        manager: params.word("manager")?,
        location: params.word("location")?,
        group: params.word("group")?,
        admin: match params.word("admin")? {
            Some(word) => Some(Administering::parse(&word).map_err(|what| bad("admin", what))?),
            None => None,
        },
        owner: params.flag("owner")?,
        statuses: params.words("status", &STATUSES)?,
        selection: selection(&mut params, &directory::SORTS, &PEOPLE)?,
    };
    let export = Export::of(params)?;
    let people = directory::people(&opened, &filter, export.after(), export.paging.limit).await?;
    Ok(export.tell::<Person>(&opened.of(Stream::Users, people)))
}

async fn person(
    caller: Caller,
    params: Params,
    Path((id, user)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Result<Json<PersonInFull>, Problem> {
    open!(reader, caller, id => opened);
    params.none_left()?;
    Ok(Json(directory::person(&opened, &user).await?))
}

async fn locations(caller: Caller, params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let locations = directory::locations(&opened, paging.after.as_deref(), paging.limit);
    Ok(list(&opened.of(Stream::Locations, locations), &paging))
}

async fn location(
    caller: Caller,
    params: Params,
    Path((id, location)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Result<Json<Location>, Problem> {
    open!(reader, caller, id => opened);
    params.none_left()?;
    Ok(Json(directory::location(&opened, &location)?.clone()))
}

async fn people_of_location(
    caller: Caller,
    params: Params,
    Path((id, location)): Path<(String, String)>,
    State(reader): State<Reader>,
) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let location = directory::location(&opened, &location)?.id.clone();
    let filter = PeopleFilter { location: Some(location), ..PeopleFilter::default() };
    let people = directory::people(&opened, &filter, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Users, people), &paging))
}

async fn findings(caller: Caller, params: Params, Path(id): Path<String>, State(reader): State<Reader>) -> Answer {
    open!(reader, caller, id => opened);
    let paging = params.paging()?;
    let findings = directory::findings(&opened, paging.after.as_deref(), paging.limit).await?;
    Ok(list(&opened.of(Stream::Users, findings), &paging))
}
