//! People: search while somebody types, a profile, the chart of who reports to whom, and findings.

use crate::Console;
use crate::access;
use crate::chart;
use crate::connection::{of, path};
use crate::page::{Answer, Asked, Failure, Page, beginning, in_full, list, more, page, part, status};
use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use okta_connector_client::{DirectoryFinding, Named, Page as Listed, Person, PersonInFull, query, segment};

pub async fn search(State(console): State<Console>, Path(id): Path<String>, Query(search): Query<Asked>) -> Answer {
    let connection = of(&console, &id).await?;
    let found = list(&console, &id, "/people", &search).await?;
    let here = format!("/connections/{}/people", connection.id);
    let body = html! {
        form method="get" action=(here) role="search" {
            label { "Name, login or email"
                input type="search" name="q" value=(search.q.as_deref().unwrap_or_default()) autocomplete="off"
                    data-found="found" data-from={ (here) "/found" };
            }
        }
        p { a href={ "/connections/" (connection.id) "/findings" } { "What is odd about managers" } }
        div id="found" aria-live="polite" { (table(&here, &search, &found)) }
    };
    Ok(part("People", &connection, &body))
}

/// The table alone, for the script.
pub async fn found(
    State(console): State<Console>,
    Path(id): Path<String>,
    Query(search): Query<Asked>,
) -> Result<Page, Failure> {
    let found = list(&console, &id, "/people", &search).await?;
    Ok(Page(table(&format!("/connections/{}/people", segment(&id)), &search, &found)))
}

fn table(here: &str, search: &Asked, found: &Listed<Person>) -> Markup {
    let next = format!("{here}{}", query(&[("q", search.q.as_deref())]));
    html! {
        @if found.items.is_empty() { p { "Nobody is found." } } @else { (people(here, &found.items)) }
        (more(&next, found.next_cursor.as_ref()))
    }
}

/// People as a table.
pub fn people(here: &str, people: &[Person]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { th { "Name" } th { "Title" } th { "Department" } th { "Manager" } th { "Location" } th { "Reports" } } }
                tbody {
                    @for person in people {
                        tr {
                            td { (linked(here, &person.id, &person.name)) br; span.small { (beginning(person.login.as_deref())) } }
                            td { (beginning(person.title.as_deref())) }
                            td { (beginning(person.department.as_deref())) }
                            td { @if let Some(manager) = &person.manager { (linked(here, &manager.id, &manager.name)) } @else { "–" } }
                            td { (beginning(person.location.as_ref().map(|it| it.name.as_str()))) }
                            td { (person.reports_count) }
                        }
                    }
                }
            }
        }
    }
}

fn linked(here: &str, id: &str, name: &str) -> Markup {
    html! { a href={ (here) "/" (segment(id)) } { (name) } }
}

pub async fn profile(State(console): State<Console>, Path((id, person)): Path<(String, String)>) -> Answer {
    let connection = of(&console, &id).await?;
    let person: PersonInFull = console.client.get(&format!("{}/people/{}", path(&id), segment(&person))).await?;
    let base = format!("/connections/{}", connection.id);
    let body = html! {
        p { (status(&person.person.status)) " " (beginning(person.person.title.as_deref())) ", " (beginning(person.person.department.as_deref())) }
        h2 { "Who reports to whom" }
        (chart::draw(&person, &format!("{base}/people")))
        h2 { "Profile" }
        dl {
            @for (name, value) in &person.profile {
                @if !value.is_null() { dt { (name) } dd { (in_full(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))) } }
            }
        }
        (names("Groups", &format!("{base}/groups"), &person.groups.items, person.groups.total))
        (access::roles_of(&console, &id, &person.person.id).await?)
        @let apps: Vec<Named> = person.apps.items.iter().map(|app| Named { id: app.id.clone(), name: app.label.clone() }).collect();
        (names("Apps", &format!("{base}/apps"), &apps, person.apps.total))
    };
    Ok(page(&person.person.name, Some(&connection), &body))
}

fn names(title: &str, base: &str, items: &[Named], total: u64) -> Markup {
    html! {
        h2 { (title) " (" (total) ")" }
        ul { @for item in items { li { a href={ (base) "/" (segment(&item.id)) } { (item.name) } } } }
    }
}

pub async fn findings(State(console): State<Console>, Path(id): Path<String>, Query(at): Query<Asked>) -> Answer {
    let connection = of(&console, &id).await?;
    let list: Listed<DirectoryFinding> = list(&console, &id, "/findings", &at).await?;
    let base = format!("/connections/{}", connection.id);
    let body = html! {
        @if list.items.is_empty() { p { "Nothing is odd." } }
        ul {
            @for finding in &list.items {
                li {
                    strong { (finding.kind.replace('_', " ")) }
                    @let name = finding.object.name.as_deref();
                    @match &finding.user {
                        Some(user) => { " of " (linked(&format!("{base}/people"), user, name.unwrap_or(user))) },
                        None => { @if let Some(name) = name { " of the " (finding.object.kind) " " (name) } },
                    }
                    ": " (finding.detail)
                }
            }
        }
        (more(&format!("{base}/findings"), list.next_cursor.as_ref()))
    };
    Ok(page("What is odd about managers", Some(&connection), &body))
}
