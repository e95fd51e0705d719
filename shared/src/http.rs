//! The HTTP API: one router a function, the same routers merged on one machine.
//!
//! Nothing below knows HTTP, and nothing here knows Lambda: whoever serves a router puts the `Caller` into the request.

mod action;
mod answer;
mod audit;
mod body;
mod callback;
mod caller;
mod connect;
mod directory;
mod docs;
mod events;
mod export;
mod function;
mod html;
mod idempotency;
mod mcp;
mod openapi;
mod params;
mod path;
mod public;
mod route;
mod sync;
mod test;
mod triggers;

pub use action::action;
pub use answer::layered;
pub use caller::{Caller, SourceIp};
pub use connect::connect;
pub use directory::directory;
pub use function::{callers, named};
pub use idempotency::OneTime;
pub use openapi::text as openapi;
pub use public::public;
pub use test::test;
