//! `audit`.

use crate::output::{Row, moment, or_empty};
use crate::{Context, Failure, Most};
use clap::Args;
use okta_connector_client::{AuditRow, query};

#[derive(Args)]
pub struct Audit {
    /// Only by this caller.
    #[arg(long)]
    actor: Option<String>,
    /// Only this action.
    #[arg(long)]
    action: Option<String>,
    /// Only to what has this id.
    #[arg(long)]
    target: Option<String>,
    /// Only since this moment.
    #[arg(long)]
    since: Option<String>,
    /// Only before this moment.
    #[arg(long)]
    until: Option<String>,
    #[command(flatten)]
    most: Most,
}

impl Row for AuditRow {
    const COLUMNS: &'static [&'static str] = &["TIME", "ACTOR", "ACTION", "TARGET", "OUTCOME"];

    fn cells(&self) -> Vec<String> {
        let target = self.target.as_ref();
        let target = target.and_then(|it| it.login.as_deref().or(it.name.as_deref()).or(it.id.as_deref()));
        vec![
            moment(Some(&self.at)),
            self.actor.subject.clone(),
            self.action.clone(),
            or_empty(target),
            self.outcome.clone(),
        ]
    }
}

pub async fn run(context: &Context, audit: Audit) -> Result<(), Failure> {
    let connection = match &context.wanted {
        Some(_) => Some(context.connection().await?.id.clone()),
        None => None,
    };
    let asked = query(&[
        ("connection", connection.as_deref()),
        ("actor", audit.actor.as_deref()),
        ("action", audit.action.as_deref()),
        ("target", audit.target.as_deref()),
        ("since", audit.since.as_deref()),
        ("until", audit.until.as_deref()),
    ]);
    let rows: Vec<AuditRow> = context.client.pages(format!("/v1/audit{asked}")).first(audit.most.count()).await?;
    Ok(context.output.list(&rows)?)
}
