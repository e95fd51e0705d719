//! Okta Connector: everything that decides. The functions around it know Lambda and nothing else.

pub mod action;
pub mod app;
pub mod audit;
pub mod clock;
pub mod connect;
pub mod connection;
mod cursor;
pub mod diagnosis;
pub mod directory;
pub mod event;
pub mod feed;
mod fold;
pub mod http;
pub mod id;
pub mod idempotency;
pub mod lambda;
pub mod okta;
pub mod problem;
pub mod runs;
mod schedule;
mod schema;
pub mod secrets;
pub mod store;
pub mod sync;
pub mod synced;
pub mod test;
pub mod triggers;
