//! Groups, apps and locations, each with who belongs to it.

use crate::Console;
use crate::access;
use crate::connection::{of, path};
use crate::page::{Answer, Asked, beginning, list, more, or_dash, page, part, status};
use crate::person::people;
use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use okta_connector_client::{
    DirectoryApp, DirectoryAppUser, Group, Location, Page as Listed, Person, User, query, segment,
};
use std::borrow::Cow;

fn search_form(here: &str, label: &str, search: &Asked) -> Markup {
    html! {
        form method="get" action=(here) role="search" {
            label { (label) input type="search" name="q" value=(search.q.as_deref().unwrap_or_default()); }
        }
    }
}

pub async fn groups(State(console): State<Console>, Path(id): Path<String>, Query(search): Query<Asked>) -> Answer {
    let connection = of(&console, &id).await?;
    let found: Listed<Group> = list(&console, &id, "/groups", &search).await?;
    let here = format!("/connections/{}/groups", connection.id);
    let body = html! {
        (search_form(&here, "What a word of the name begins with", &search))
        div.scroll { table {
            thead { tr { th { "Name" } th { "Type" } th { "Members" } th { "Description" } } }
            tbody { @for group in &found.items { tr {
                td { a href={ (here) "/" (segment(&group.id)) } { (group.name) } }
                td { (group.kind) }
                td { (count(group.members_count)) }
                td { (beginning(group.description.as_deref())) }
            } } }
        } }
        (more(&format!("{here}{}", query(&[("q", search.q.as_deref())])), found.next_cursor.as_ref()))
    };
    Ok(part("Groups", &connection, &body))
}

fn count(count: Option<u64>) -> String {
    count.map_or("–".to_owned(), |count| count.to_string())
}

pub async fn group(
    State(console): State<Console>,
    Path((id, group)): Path<(String, String)>,
    Query(at): Query<Asked>,
) -> Answer {
    let connection = of(&console, &id).await?;
    let rest = format!("/groups/{}", segment(&group));
    let group: Group = console.client.get(&format!("{}{rest}", path(&id))).await?;
    let members: Listed<User> = list(&console, &id, &format!("{rest}/members"), &at).await?;
    let body = html! {
        p { (or_dash(group.description.as_deref())) }
        h2 { "Members (" (count(group.members_count)) ")" }
        div.scroll { table {
            thead { tr { th { "Name" } th { "Login" } th { "Status" } } }
            tbody { @for user in &members.items { tr {
                td { a href={ "/connections/" (connection.id) "/people/" (segment(&user.id)) } { (name_of(user)) } }
                td { (text(user, "login")) }
                td { (status(&user.status)) }
            } } }
        } }
        (more(&format!("/connections/{}{rest}", connection.id), members.next_cursor.as_ref()))
        (access::owners_of(&console, &id, &group.id).await?)
        (access::granters_of(&console, &id, &rest, "Who can add members").await?)
    };
    Ok(page(&group.name, Some(&connection), &body))
}

fn text<'a>(user: &'a User, name: &str) -> Cow<'a, str> {
    beginning(user.profile.get(name).and_then(|value| value.as_str()))
}

fn name_of(user: &User) -> String {
    format!("{} {}", text(user, "firstName"), text(user, "lastName"))
}

pub async fn apps(State(console): State<Console>, Path(id): Path<String>, Query(search): Query<Asked>) -> Answer {
    let connection = of(&console, &id).await?;
    let found: Listed<DirectoryApp> = list(&console, &id, "/apps", &search).await?;
    let here = format!("/connections/{}/apps", connection.id);
    let body = html! {
        (search_form(&here, "What a word of the label begins with", &search))
        div.scroll { table {
            thead { tr { th { "Label" } th { "Status" } th { "Users" } th { "Groups" } } }
            tbody { @for app in &found.items { tr {
                td { a href={ (here) "/" (segment(&app.id)) } { (app.label) } }
                td { (status(or_dash(app.status.as_deref()))) }
                td { (count(app.users_count)) }
                td { (count(app.groups_count)) }
            } } }
        } }
        (more(&format!("{here}{}", query(&[("q", search.q.as_deref())])), found.next_cursor.as_ref()))
    };
    Ok(part("Apps", &connection, &body))
}

pub async fn app(
    State(console): State<Console>,
    Path((id, app)): Path<(String, String)>,
    Query(at): Query<Asked>,
) -> Answer {
    let connection = of(&console, &id).await?;
    let rest = format!("/apps/{}", segment(&app));
    let app: DirectoryApp = console.client.get(&format!("{}{rest}", path(&id))).await?;
    let users: Listed<DirectoryAppUser> = list(&console, &id, &format!("{rest}/users"), &at).await?;
    let body = html! {
        p { (status(or_dash(app.status.as_deref()))) " " (or_dash(app.sign_on_mode.as_deref())) }
        h2 { "Users (" (count(app.users_count)) ")" }
        div.scroll { table {
            thead { tr { th { "Name" } th { "Login" } th { "By" } } }
            tbody { @for it in &users.items { tr {
                td { a href={ "/connections/" (connection.id) "/people/" (segment(&it.user.id)) } { (it.user.name) } }
                td { (it.user.login) }
                td { @if it.groups.is_empty() { "own assignment" } @else {
                    (it.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(", "))
                } }
            } } }
        } }
        (more(&format!("/connections/{}{rest}", connection.id), users.next_cursor.as_ref()))
        (access::granters_of(&console, &id, &rest, "Who can grant it").await?)
    };
    Ok(page(&app.label, Some(&connection), &body))
}

pub async fn locations(State(console): State<Console>, Path(id): Path<String>, Query(at): Query<Asked>) -> Answer {
    let connection = of(&console, &id).await?;
    let found: Listed<Location> = list(&console, &id, "/locations", &at).await?;
    let here = format!("/connections/{}/locations", connection.id);
    let body = html! {
        div.scroll { table {
            thead { tr { th { "Place" } th { "People" } } }
            tbody { @for place in &found.items { tr {
                td { a href={ (here) "/" (segment(&place.id)) } { (place.name) } }
                td { (place.people_count) }
            } } }
        } }
        (more(&here, found.next_cursor.as_ref()))
    };
    Ok(part("Locations", &connection, &body))
}

pub async fn location(
    State(console): State<Console>,
    Path((id, location)): Path<(String, String)>,
    Query(at): Query<Asked>,
) -> Answer {
    let connection = of(&console, &id).await?;
    let rest = format!("/locations/{}", segment(&location));
    let place: Location = console.client.get(&format!("{}{rest}", path(&id))).await?;
    let found: Listed<Person> = list(&console, &id, &format!("{rest}/people"), &at).await?;
    let base = format!("/connections/{}", connection.id);
    let body = html! {
        p { (place.people_count) " people" }
        (people(&format!("{base}/people"), &found.items))
        (more(&format!("{base}{rest}"), found.next_cursor.as_ref()))
    };
    Ok(page(&place.name, Some(&connection), &body))
}
