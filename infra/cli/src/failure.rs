//! Why a command did not do what it was asked, and the exit code that says so.

use crate::output::plain;
use okta_connector_client::{Error, Problem};
use std::process::ExitCode;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line cannot be carried out as it is.
    #[error("{0}")]
    Usage(String),
    /// What is named is not there.
    #[error("{0}")]
    Absent(String),
    /// The deployment was asked, and this is the bad news.
    #[error("{0}")]
    BadNews(String),
    /// The deployment refused, or could not be asked.
    #[error(transparent)]
    Client(#[from] Error),
    /// Ctrl-C ended the watching of something that goes on.
    #[error("Stopped watching; the sync goes on. `okta-connector sync status --watch` watches it again.")]
    Interrupted,
    /// The output cannot be written, or the input not read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Failure {
    /// What a script goes by.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Io(_) => 1,
            Self::Usage(_) | Self::Client(Error::Address(_)) => 2,
            Self::Absent(_) => 4,
            Self::BadNews(_) => 10,
            // As a shell says of a program that SIGINT ended.
            Self::Interrupted => 130,
            Self::Client(Error::Problem(problem)) => by_status(problem.status),
            Self::Client(Error::Credentials(_)) => 3,
            Self::Client(Error::Unreachable(_) | Error::Unreadable(_)) => 9,
        })
    }

    /// What to tell whoever ran it: all that is wrong, line by line.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.to_string().split('\n').map(str::to_owned).collect();
        if let Self::Client(error) = self
            && let Some(problem) = error.problem()
        {
            lines.extend(details(problem));
        }
        if let Self::Client(Error::Unreachable(_)) = self {
            lines.push(
                "  `okta-connector serve` starts one on this machine; --url and --deployment name another.".to_owned(),
            );
        }
        lines.iter().map(|line| plain(line)).collect()
    }
}

fn by_status(status: u16) -> u8 {
    match status {
        401 | 403 => 3,
        404 | 410 => 4,
        409 | 412 => 5,
        429 => 7,
        400..=499 => 6,
        _ => 8,
    }
}

fn details(problem: &Problem) -> Vec<String> {
    let faults = problem.errors.iter().map(|fault| format!("  {} {}", fault.pointer, fault.detail));
    let bad = problem.checks.iter().filter(|check| check.is_bad());
    let checks = bad.flat_map(|check| {
        let fix = check.fix.iter().map(|fix| format!("    {fix}"));
        std::iter::once(format!("  {}: {}", check.title, check.detail)).chain(fix).collect::<Vec<_>>()
    });
    let unknown = (problem.status == 401).then(|| {
        "  for `serve` on this machine let OKTA_CONNECTOR_DATA name its data folder; otherwise give a token in OKTA_CONNECTOR_TOKEN"
            .to_owned()
    });
    let absent = (problem.status == 404).then(|| format!("  asked for {}", problem.path));
    let change = "  `okta-connector connections edit CONNECTION --allow …` sets them, for an admin";
    let denied = problem.kind.ends_with(":permission-denied").then(|| change.to_owned());
    let request = problem.instance.iter().map(|id| format!("  request {id}"));
    let okta = problem.okta_request_id.iter().map(|id| format!("  Okta's request {id}"));
    faults.chain(checks).chain(unknown).chain(absent).chain(denied).chain(request).chain(okta).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_refusal_has_its_code() {
        for (status, code) in [(401, 3), (403, 3), (404, 4), (410, 4), (409, 5), (429, 7), (422, 6), (400, 6), (502, 8)]
        {
            assert_eq!(by_status(status), code, "{status}");
        }
    }
}
