//! What the demo shows: a progress bar on a terminal, plain lines when piped.

use indicatif::{ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::io::IsTerminal;

/// Standard output.
pub struct Screen {
    is_terminal: bool,
}

/// How far something is.
pub struct Bar {
    bar: Option<ProgressBar>,
    phase: RefCell<String>,
    total: u64,
}

impl Screen {
    /// Looks whether somebody watches.
    pub fn new() -> Self {
        Self { is_terminal: std::io::stdout().is_terminal() }
    }

    /// A line.
    pub fn line(&self, text: &str) {
        println!("{text}");
    }

    /// A step.
    pub fn heading(&self, text: &str) {
        println!("\n{text}");
    }

    /// A bar for so many objects.
    pub fn bar(&self, total: u64) -> Bar {
        let bar = self.is_terminal.then(|| {
            let style = ProgressStyle::with_template("  {bar:40} {pos}/{len} {msg}");
            ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Bar { bar, phase: RefCell::default(), total }
    }
}

impl Bar {
    /// Moves it; when piped, a line for each new phase.
    pub fn set(&self, done: u64, phase: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(phase.to_owned());
        } else if *self.phase.borrow() != phase {
            println!("  {phase}: {done} of {}", self.total);
            phase.clone_into(&mut self.phase.borrow_mut());
        }
    }

    /// Takes it away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
