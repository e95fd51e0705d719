//! Who holds admin roles, who owns groups, and who can grant what.

use crate::Console;
use crate::connection::{of, path};
use crate::page::{Answer, Asked, Failure, list, more, part, status};
use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use okta_connector_client::{AdminRole, Granter, GroupOwner, Page as Listed, segment};

/// All admin roles that are held.
pub async fn admins(State(console): State<Console>, Path(id): Path<String>, Query(at): Query<Asked>) -> Answer {
    let connection = of(&console, &id).await?;
    let found: Listed<AdminRole> = list(&console, &id, "/admins", &at).await?;
    let base = format!("/connections/{}", connection.id);
    let body = html! {
        @if found.items.is_empty() {
            p { "No admin role is known. Okta shows roles to a super administrator with the scope okta.roles.read." }
        } @else {
            div.scroll { table {
                thead { tr { th { "Holder" } th { "Role" } th { "For" } th { "Status" } } }
                tbody { @for admin in &found.items { tr {
                    td { (holder(&base, admin)) }
                    td { (admin.role.label) }
                    td { (admin.extent()) }
                    td { (status(&admin.status)) }
                } } }
            } }
        }
        (more(&format!("{base}/admins"), found.next_cursor.as_ref()))
    };
    Ok(part("Admins", &connection, &body))
}

fn holder(base: &str, admin: &AdminRole) -> Markup {
    let of = &admin.principal;
    let name = of.name.as_deref().unwrap_or(&of.id);
    let rooms = match of.kind.as_str() {
        "USER" => "people",
        "GROUP" => "groups",
        _ => return html! { (name) " (OAuth client)" },
    };
    html! {
        a href={ (base) "/" (rooms) "/" (segment(&of.id)) } { (name) }
        @if of.kind == "GROUP" { " (group)" }
    }
}

/// The admin roles of a user; nothing where there are none.
pub async fn roles_of(console: &Console, id: &str, user: &str) -> Result<Markup, Failure> {
    let rest = format!("{}/users/{}/admin-roles?limit=50", path(id), segment(user));
    let roles: Listed<AdminRole> = console.client.get(&rest).await?;
    Ok(html! {
        @if !roles.items.is_empty() {
            h2 { "Admin roles" }
            ul { @for held in &roles.items { li {
                (held.role.label) " for " (held.extent())
                @if let Some(group) = &held.via_group {
                    ", as a member of "
                    a href={ "/connections/" (segment(id)) "/groups/" (segment(&group.id)) } { (group.name) }
                }
            } } }
        }
    })
}

/// The owners of a group; nothing where there are none.
pub async fn owners_of(console: &Console, id: &str, group: &str) -> Result<Markup, Failure> {
    let owners: Listed<GroupOwner> =
        console.client.get(&format!("{}/groups/{}/owners?limit=50", path(id), segment(group))).await?;
    Ok(html! {
        @if !owners.items.is_empty() {
            h2 { "Owners" }
            ul { @for owner in &owners.items {
                @let rooms = if owner.kind == "GROUP" { "groups" } else { "people" };
                li { a href={ "/connections/" (segment(id)) "/" (rooms) "/" (segment(&owner.id)) } {
                    (owner.name.as_deref().unwrap_or(&owner.id))
                } }
            } }
        }
    })
}

/// Who can grant an app or a group, and why: the first of them.
pub async fn granters_of(console: &Console, id: &str, rest: &str, title: &str) -> Result<Markup, Failure> {
    let granters: Listed<Granter> = console.client.get(&format!("{}{rest}/granters?limit=50", path(id))).await?;
    Ok(html! {
        @if !granters.items.is_empty() {
            details {
                summary { (title) " (" (granters.items.len()) @if granters.next_cursor.is_some() { " and more" } ")" }
                ul { @for granter in &granters.items { li {
                    a href={ "/connections/" (segment(id)) "/people/" (segment(&granter.user.id)) } { (granter.user.name) }
                    @for reason in &granter.reasons { br; span.small { (reason.text) } }
                } } }
            }
        }
    })
}
