//! What Lambda gives a function of a memory size: that memory, and a share of a processor in proportion, one whole processor
//! at 1,769 MB (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>). Control groups of Linux, version 1,
//! hold a program to it, which takes root.

use crate::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// So much memory, in MB, comes with a whole processor.
pub const WHOLE_PROCESSOR_MB: u64 = 1_769;
/// A share is counted anew after so many microseconds.
const PERIOD_US: u64 = 20_000;
const CONTROLLERS: [&str; 2] = ["cpu", "memory"];

/// A control group for one program at a time; it is removed when dropped.
pub struct Share {
    groups: [PathBuf; 2],
}

impl Share {
    /// Of a memory size in MB.
    pub fn new(megabytes: u64) -> Result<Self, Error> {
        let name = format!("okta-connector-bench-{}-{megabytes}", std::process::id());
        let share = Self { groups: CONTROLLERS.map(|of| Path::new("/sys/fs/cgroup").join(of).join(&name)) };
        let [cpu, memory] = &share.groups;
        let made = (|| {
            fs::create_dir_all(cpu)?;
            fs::create_dir_all(memory)?;
            fs::write(cpu.join("cpu.cfs_period_us"), PERIOD_US.to_string())?;
            fs::write(cpu.join("cpu.cfs_quota_us"), (PERIOD_US * megabytes / WHOLE_PROCESSOR_MB).to_string())?;
            fs::write(memory.join("memory.limit_in_bytes"), format!("{megabytes}M"))
        })();
        made.map_err(|error: std::io::Error| {
            format!("{}: {error}; it takes root and control groups of version 1", cpu.display())
        })?;
        Ok(share)
    }

    /// A command that begins in the group and becomes the program.
    pub fn command(&self, program: &Path) -> Command {
        let [cpu, memory] = self.groups.each_ref().map(|group| group.join("cgroup.procs"));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r#"echo $$ > "$1" && echo $$ > "$2" && exec "$3""#, "sh"]).args([cpu, memory]).arg(program);
        command
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        for group in &self.groups {
            // Its program has ended.
            let _ = fs::remove_dir(group);
        }
    }
}
