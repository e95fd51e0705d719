//! Who changed what.

use crate::Console;
use crate::page::{Answer, moment, more, page, status};
use axum::extract::{Query, State};
use maud::html;
use okta_connector_client::{AuditRow, Page as Listed, query};
use serde::Deserialize;

/// Which rows.
#[derive(Default, Deserialize)]
pub struct Filter {
    actor: Option<String>,
    action: Option<String>,
    cursor: Option<String>,
}

pub async fn rows(State(console): State<Console>, Query(filter): Query<Filter>) -> Answer {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let (actor, action) = (text(&filter.actor), text(&filter.action));
    let kept = [("actor", actor.as_deref()), ("action", action.as_deref())];
    let asked = query(&[kept[0], kept[1], ("cursor", filter.cursor.as_deref()), ("limit", Some("50"))]);
    let list: Listed<AuditRow> = console.client.get(&format!("/v1/audit{asked}")).await?;
    let body = html! {
        form.row method="get" action="/audit" {
            label { "Who" input name="actor" value=(actor.as_deref().unwrap_or_default()); }
            label { "Action" input name="action" value=(action.as_deref().unwrap_or_default()); }
            button { "Filter" }
        }
        div.scroll { table {
            thead { tr { th { "Time" } th { "Who" } th { "Action" } th { "Target" } th { "Outcome" } } }
            tbody { @for row in &list.items { tr {
                td { (moment(Some(&row.at))) }
                td { (row.actor.subject) }
                td { (row.action) }
                td { @if let Some(target) = &row.target {
                    (target.login.as_deref().or(target.name.as_deref()).or(target.id.as_deref()).unwrap_or("–"))
                } }
                td { (status(&row.outcome)) }
            } } }
        } }
        (more(&format!("/audit{}", query(&kept)), list.next_cursor.as_ref()))
    };
    Ok(page("Audit", None, &body))
}
