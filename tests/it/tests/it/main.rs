//! The product from outside: the whole service over real HTTP, in front of a simulated tenant.

mod direct;
mod main_job;
mod recorded;
mod tour;
mod world;
