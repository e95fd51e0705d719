//! Runs are driven by a Step Functions state machine.

use crate::app::{RunnerError, SyncRunner};
use crate::aws::telling;
use crate::id::{ConnectionId, SyncId};
use async_trait::async_trait;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::ProvideErrorMetadata;
use serde_json::json;

/// In the place of a run's id: what is left of a deleted connection.
pub const PURGE: &str = "purge";

/// In the place of a run's id: the candidates that wait.
pub const CANDIDATES: &str = "candidates";

/// Starts executions of one state machine.
pub struct StepFunctionsRunner {
    client: Client,
    state_machine: String,
}

impl StepFunctionsRunner {
    /// Of the stack's own state machine.
    pub fn new(client: &Client, state_machine: &str) -> Self {
        let client = telling!(client);
        Self { client, state_machine: state_machine.to_owned() }
    }

    /// An execution's name follows from its run: starting it twice starts it once.
    async fn execute(&self, name: &str, connection: &ConnectionId, run: &str) -> Result<(), RunnerError> {
        let input = json!({"connection": connection, "run": run}).to_string();
        let start = self.client.start_execution().state_machine_arn(&self.state_machine).name(name).input(input);
        match start.send().await {
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_sfn::operation::start_execution::StartExecutionError::is_execution_already_exists,
                ) =>
            {
                Ok(())
            }
            Err(error) => {
                let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or("no answer");
                Err(RunnerError(format!("StartExecution: {code}")))
            }
            Ok(_) => Ok(()),
        }
    }
}

#[async_trait]
impl SyncRunner for StepFunctionsRunner {
    async fn start(&self, connection: &ConnectionId, sync: &SyncId, name: &str) -> Result<(), RunnerError> {
        self.execute(name, connection, sync.as_str()).await
    }

    async fn read_candidates(&self, connection: &ConnectionId) -> Result<(), RunnerError> {
        let name = format!("{CANDIDATES}-{}", uuid::Uuid::new_v4().simple());
        self.execute(&name, connection, CANDIDATES).await
    }

    async fn purge(&self, connection: &ConnectionId, name: &str) -> Result<(), RunnerError> {
        self.execute(name, connection, PURGE).await
    }
}
