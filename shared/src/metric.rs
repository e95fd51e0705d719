//! What is counted and measured of a deployment as a whole. None of it is told by connection: each value of a dimension is
//! a metric that is paid for, and the line of the log that tells a metric names the connection.

use std::fmt;

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Answers of Okta's that say "too many requests".
    RateLimits,
    /// Tests that found a connection in use not working, or could not be made.
    TestsFailed,
    /// Syncs that ended well; some of them with a question.
    SyncsSucceeded,
    /// Syncs that ended with an error.
    SyncsFailed,
    /// By how long the last good sync of a connection is later than its schedules ask for.
    SyncDelay,
    /// By how long the last good poll of a connection is later than its triggers ask for.
    PollDelay,
    /// Events that the log told of before a hook did, less those that the hook delivered after all.
    HooksMissed,
    /// Events that came into feeds.
    EventsTold,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::RateLimits,
        Self::TestsFailed,
        Self::SyncsSucceeded,
        Self::SyncsFailed,
        Self::SyncDelay,
        Self::PollDelay,
        Self::HooksMissed,
        Self::EventsTold,
    ];

    /// CloudWatch's word for what it is measured in.
    pub fn unit(self) -> &'static str {
        match self {
            Self::SyncDelay | Self::PollDelay => "Seconds",
            _ => "Count",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The target of the lines that tell a metric.
pub const TARGET: &str = "metric";

/// Tells a metric, in a line of the log.
pub fn tell(metric: Metric, value: i64) {
    let unit = metric.unit();
    tracing::info!(target: TARGET, %metric, unit, value, "{metric}: {value}");
}
