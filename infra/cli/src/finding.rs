//! `findings`.

use crate::output::{Row, or_empty};
use crate::{Context, Failure, Most};
use clap::Args;
use okta_connector_client::DirectoryFinding;

#[derive(Args)]
pub struct Findings {
    #[command(flatten)]
    most: Most,
}

impl Row for DirectoryFinding {
    const COLUMNS: &'static [&'static str] = &["FINDING", "TYPE", "NAME", "DETAIL", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.kind.clone(),
            self.object.kind.clone(),
            or_empty(self.object.name.as_deref()),
            self.detail.clone(),
            or_empty(self.object.id.as_deref().or(self.user.as_deref())),
        ]
    }
}

pub async fn run(context: &Context, findings: Findings) -> Result<(), Failure> {
    let path = context.path("/findings").await?;
    let found: Vec<DirectoryFinding> = context.client.pages(path).first(findings.most.count()).await?;
    context.output.list(&found)?;
    context.note_empty(found.is_empty(), "Nothing is wrong in the directory.").await
}
