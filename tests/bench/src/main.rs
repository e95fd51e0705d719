//! Measures what the design promises. Each part is a process of its own, so that what one uses is not counted for another:
//! the simulated tenant, the embedded database, and the process that syncs, whose peak memory the kernel tells.

mod acting;
mod bare;
mod busy;
mod cold;
mod cost;
mod events;
mod lambda;
mod limits;
mod live;
mod neighbour;
mod part;
mod purging;
mod runtime;
mod scene;
mod searching;
mod served;
mod share;
mod syncing;
mod unchanged;
mod units;

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Whatever ends a measurement.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Two full syncs of a large tenant: memory, tokens, requests, and what the second one writes.
    Sync {
        /// People in the tenant.
        #[arg(long, default_value_t = 100_000)]
        users: usize,
        /// Every bucket's size a minute; high by default, so that nothing waits.
        #[arg(long, default_value_t = 10_000_000)]
        rate_limit: u32,
        /// Only the first sync.
        #[arg(long)]
        once: bool,
    },
    /// One full sync under small limits, with actions beside it: no refusal may be our own doing, and what the sync may use
    /// it uses.
    Neighbour {
        /// People in the tenant.
        #[arg(long, default_value_t = 10_000)]
        users: usize,
        /// Every bucket's size a minute.
        #[arg(long, default_value_t = 600)]
        rate_limit: u32,
    },
    /// A first sync under Okta's own limits, with an action beside it each second: when people can be read, when all is
    /// there, and what the limits allow.
    Limits {
        /// People in the tenant.
        #[arg(long, default_value_t = 1_000)]
        users: usize,
        /// Memberships.
        #[arg(long, default_value_t = 5_000)]
        memberships: usize,
        /// In how many seconds people can be read; the rest may take as long over what the limits allow.
        #[arg(long, default_value_t = 5.0)]
        readable: f64,
        /// How many times what the limits allow it may take.
        #[arg(long, default_value_t = 1.15)]
        over_the_bound: f64,
    },
    /// Actions beside the requests to Okta that they are made of: what an action costs over them.
    Action {
        /// How often each is done.
        #[arg(long, default_value_t = 500)]
        pairs: usize,
    },
    /// An unchanged tenant whose people sign in: what a full and an incremental sync of it cost, and how fast a sync that
    /// takes nothing for unchanged reads it, beside a bare loop that only reads and parses the same pages.
    Unchanged {
        /// People in the tenant.
        #[arg(long, default_value_t = 10_000)]
        users: usize,
        /// Groups.
        #[arg(long, default_value_t = 200)]
        groups: usize,
        /// Memberships.
        #[arg(long, default_value_t = 50_000)]
        memberships: usize,
        /// What every answer of the tenant takes, in milliseconds.
        #[arg(long, default_value_t = 50)]
        latency_ms: u64,
    },
    /// The processor time of reading, hashing and comparing users, beside that of a bare loop that reads and parses them.
    Cpu {
        /// People in the tenant.
        #[arg(long, default_value_t = 100_000)]
        users: usize,
    },
    /// Many events of a log, drained into a feed, beside a bare loop that only reads and parses the same pages.
    Events {
        /// How many.
        #[arg(long, default_value_t = 100_000)]
        count: usize,
    },
    /// Deliveries of a hook, many at a time: how long each waits for its answer.
    Hooks {
        /// How many.
        #[arg(long, default_value_t = 2_000)]
        deliveries: usize,
        /// At a time.
        #[arg(long, default_value_t = 50)]
        in_flight: usize,
    },
    /// Searches among many people, over HTTP: how long each waits for its answer.
    Search {
        /// People in the tenant.
        #[arg(long, default_value_t = 100_000)]
        users: usize,
        /// How often each is repeated, and how often each client searches.
        #[arg(long, default_value_t = 20)]
        times: usize,
        /// How many clients search at once behind that.
        #[arg(long, default_value_t = 50)]
        clients: usize,
    },
    /// A tenant that is never silent, with answers that take a while and Okta's own limits: triggers are made, an incremental
    /// sync ends, polls keep pace.
    Busy {
        /// People in the tenant.
        #[arg(long, default_value_t = 1_000)]
        users: usize,
        /// Background events a second.
        #[arg(long, default_value_t = 40)]
        events_a_second: u32,
        /// What every answer of the tenant takes, in milliseconds.
        #[arg(long, default_value_t = 300)]
        latency_ms: u64,
    },
    /// A directory that follows Okta as it changes: how long a change of each kind takes to be readable, and how many
    /// requests it costs.
    Live {
        /// People in the tenant.
        #[arg(long, default_value_t = 1_000)]
        users: usize,
        /// Changes of each kind.
        #[arg(long, default_value_t = 200)]
        changes: usize,
    },
    /// What a deleted connection left, purged slice by slice on a table that behaves as on AWS, by processes that are killed.
    Purge {
        /// People in the tenant.
        #[arg(long, default_value_t = 150_000)]
        users: usize,
        /// How many processes are killed.
        #[arg(long, default_value_t = 20)]
        kills: usize,
        /// Of the kills, and of what the table refuses.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Cold starts of the programs that `sam build` made, beside one that does nothing.
    Cold {
        /// What `sam build` made.
        #[arg(long, default_value = ".aws-sam/build")]
        built: PathBuf,
        /// The program that does nothing.
        #[arg(long, default_value = "target/lambda/empty-function/bootstrap")]
        empty: PathBuf,
        /// How often each is started.
        #[arg(long, default_value_t = 21)]
        starts: usize,
    },
    /// The functions at the memory sizes of the template, each with the share of a processor that Lambda gives it: cold
    /// starts, the first answer about many people, a sync's slice, a poll. It takes root and control groups of version 1.
    Lambda {
        /// Where `cargo build --release --workspace` puts the functions' programs.
        #[arg(long, default_value = "target/release")]
        programs: PathBuf,
        /// People in the tenant.
        #[arg(long, default_value_t = 100_000)]
        users: usize,
    },
    /// What a month is made of: requests, processor time, transitions and units of the table, and dollars from them.
    Cost {
        /// People in the tenant.
        #[arg(long, default_value_t = 1_000)]
        users: usize,
        /// What every answer of the tenant takes, in milliseconds.
        #[arg(long, default_value_t = 100)]
        latency_ms: u64,
    },
    /// A part: the process that drains a log.
    #[command(hide = true)]
    Draining {
        /// Where the database is.
        #[arg(long)]
        database: String,
        /// Where the tenant is.
        #[arg(long)]
        tenant: String,
    },
    /// A part: the process that works for a month.
    #[command(hide = true)]
    Month {
        /// Where the database is.
        #[arg(long)]
        database: String,
        /// Where the tenant is.
        #[arg(long)]
        tenant: String,
    },
    /// A part: the bare loop.
    #[command(hide = true)]
    Bare {
        /// Where the tenant is.
        #[arg(long)]
        tenant: String,
        /// An API token of it.
        #[arg(long)]
        token: String,
    },
    /// A part: the embedded database.
    #[command(hide = true)]
    Engine,
    /// A part: the process that syncs.
    #[command(hide = true)]
    Syncing {
        /// Where the database is.
        #[arg(long)]
        database: String,
        /// Where the tenant is.
        #[arg(long)]
        tenant: String,
    },
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    match Cli::parse().command {
        Command::Sync { users, rate_limit, once } => scene::measure(users, rate_limit, !once).await,
        Command::Neighbour { users, rate_limit } => Box::pin(neighbour::measure(users, rate_limit)).await,
        Command::Limits { users, memberships, readable, over_the_bound } => {
            Box::pin(limits::measure(users, memberships, readable, over_the_bound)).await
        }
        Command::Action { pairs } => Box::pin(acting::measure(pairs)).await,
        Command::Unchanged { users, groups, memberships, latency_ms } => {
            unchanged::measure(users, groups, memberships, latency_ms).await
        }
        Command::Cpu { users } => unchanged::measure_cpu(users).await,
        Command::Bare { tenant, token } => bare::run(&tenant, &token).await,
        Command::Events { count } => events::measure_drain(count).await,
        Command::Hooks { deliveries, in_flight } => Box::pin(events::measure_hooks(deliveries, in_flight)).await,
        Command::Search { users, times, clients } => Box::pin(searching::measure(users, times, clients)).await,
        Command::Busy { users, events_a_second, latency_ms } => {
            Box::pin(busy::measure(users, events_a_second, latency_ms)).await
        }
        Command::Live { users, changes } => Box::pin(live::measure(users, changes)).await,
        Command::Purge { users, kills, seed } => Box::pin(purging::measure(users, kills, seed)).await,
        Command::Cold { built, empty, starts } => cold::measure(&built, &empty, starts).await,
        Command::Lambda { programs, users } => Box::pin(lambda::measure(&programs, users)).await,
        Command::Cost { users, latency_ms } => Box::pin(cost::measure(users, latency_ms)).await,
        Command::Draining { database, tenant } => Box::pin(events::drain(&database, &tenant)).await,
        Command::Month { database, tenant } => Box::pin(cost::work(&database, &tenant)).await,
        Command::Engine => part::engine().await,
        Command::Syncing { database, tenant } => Box::pin(syncing::run(&database, &tenant)).await,
    }
}
