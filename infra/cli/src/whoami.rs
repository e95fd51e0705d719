//! `whoami`.

use crate::output::Facts;
use crate::{Context, Failure};
use okta_connector_client::Caller;
use serde::Serialize;

/// The caller, as the deployment knows it.
#[derive(Serialize)]
struct Me {
    #[serde(flatten)]
    caller: Caller,
    deployment: String,
    known_by: String,
}

impl Facts for Me {
    fn facts(&self) -> Vec<(&'static str, String)> {
        let role = if self.caller.admin { "admin" } else { "member of the teams below" };
        vec![
            ("who", self.caller.subject.clone()),
            ("role", role.to_owned()),
            ("teams", self.caller.teams.join(", ")),
            ("deployment", self.deployment.clone()),
            ("known by", self.known_by.clone()),
        ]
    }
}

pub async fn run(context: &Context, known_by: String) -> Result<(), Failure> {
    let caller: Caller = context.client.get("/v1/me").await?;
    let deployment = context.client.origin().to_string();
    Ok(context.output.facts(&Me { caller, deployment, known_by })?)
}
