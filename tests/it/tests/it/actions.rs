//! Every action in one table, and what is true of each: what it sends, changes, answers and leaves behind; how it
//! fails; what it would do; who may ask for it.

mod broken;
mod dry;
mod lists;
mod logons;
mod offboard;
mod permitted;
mod references;
mod refused;
pub mod rows;
pub mod scene;
pub mod stage;
mod told;
