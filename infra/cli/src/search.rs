//! `search`.

use crate::output::Row;
use crate::{Context, Failure, Most};
use clap::Args;
use okta_connector_client::{Hit, query};

#[derive(Args)]
pub struct Search {
    /// Words that begin so.
    text: String,
    /// Only these: person, group, app, location, separated by commas.
    #[arg(long)]
    types: Option<String>,
    #[command(flatten)]
    most: Most,
}

impl Row for Hit {
    const COLUMNS: &'static [&'static str] = &["TYPE", "NAME", "ID", "FOUND IN", "TEXT"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.kind.clone(),
            self.name.clone(),
            self.id.clone(),
            self.matched.field.clone(),
            self.matched.text.clone(),
        ]
    }
}

pub async fn run(context: &Context, search: Search) -> Result<(), Failure> {
    let path = context.path("/search").await?;
    let asked = query(&[("q", Some(&search.text)), ("types", search.types.as_deref())]);
    let found: Vec<Hit> = context.client.pages(format!("{path}{asked}")).first(search.most.count()).await?;
    context.output.list(&found)?;
    context.note_empty(found.is_empty(), "Nothing matches.").await
}
