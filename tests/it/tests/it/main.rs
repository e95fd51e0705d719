//! The product from outside: the whole service over real HTTP, in front of a simulated tenant.

mod audit;
mod bad_input;
mod callers;
mod canaries;
mod client;
mod connections;
mod crash;
mod described;
mod direct;
mod findings;
mod function;
mod idempotency;
mod killed;
mod lease;
mod main_job;
mod pasted;
mod picture;
mod process;
mod properties;
mod recorded;
mod refreshes;
mod sign_in;
mod store;
mod sync;
mod tour;
mod world;
