//! The simulator through its only entrance, HTTP: as an API token, as a service app with proofs, as a user, as the operator.

mod access;
mod app;
mod directory;
mod faults;
mod listings;
mod logs;
mod sign_in;
mod world;
