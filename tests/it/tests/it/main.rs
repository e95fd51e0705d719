//! The product from outside: the whole service over real HTTP, in front of a simulated tenant.

mod bad_input;
mod callers;
mod canaries;
mod client;
mod connections;
mod direct;
mod findings;
mod main_job;
mod pasted;
mod properties;
mod recorded;
mod tour;
mod world;
