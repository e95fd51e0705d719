//! A part of a scene: this program again, in a process of its own, that says where it is and obeys lines.

use crate::Error;
use embedded_dynamodb::Engine;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A running part; it is killed when dropped.
pub struct Part {
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Part {
    /// Starts this program in another role.
    pub fn start(arguments: &[&str]) -> Result<Self, Error> {
        let program = std::env::current_exe()?;
        let mut command = Command::new(program);
        let mut child =
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let orders = child.stdin.take().ok_or("a part without input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("a part without output")?).lines();
        Ok(Self { _child: child, orders, answers })
    }

    /// The next line it says.
    pub async fn says(&mut self) -> Result<String, Error> {
        self.answers.next_line().await?.ok_or_else(|| "a part ended early".into())
    }

    /// Tells it what to do next, and gives what it says then.
    pub async fn order(&mut self, what: &str) -> Result<String, Error> {
        self.orders.write_all(format!("{what}\n").as_bytes()).await?;
        self.says().await
    }
}

/// The database's role: says where it is, and serves until its input ends.
pub async fn engine() -> Result<(), Error> {
    let engine = Engine::start(None).await?;
    println!("{}", engine.endpoint());
    while tokio::io::BufReader::new(tokio::io::stdin()).lines().next_line().await?.is_some() {}
    Ok(())
}
