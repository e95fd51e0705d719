//! The whole service in one process: the same routers and the same slices as on AWS, with `DynamoDB` embedded, secrets in
//! a directory, and tasks in the places of the state machine and of the scheduler.

mod console;
mod data_folder;
mod demo;
mod file_secrets;
mod gate;
mod jwt;
mod local_runner;
mod machine_token;
mod server;
mod service;
mod ticker;

pub use console::console;
pub use demo::demo;
pub use file_secrets::FileSecrets;
pub use gate::Gate;
pub use jwt::{Issuer, IssuerError};
pub use local_runner::LocalRunner;
pub use machine_token::MachineToken;
pub use service::{Config, Error, Service};
pub use ticker::{LocalScheduler, turn};
