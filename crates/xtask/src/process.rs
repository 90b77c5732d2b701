//! A program that runs beside us: started, asked to stop, never left behind.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A running program; dropping it stops it.
pub struct Process {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a program whose standard output we read.
    ///
    /// It gets a process group of its own, so that a Ctrl-C meets us alone and we stop it in order.
    pub fn start(mut command: Command) -> anyhow::Result<Process> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("{program} cannot be started"))?;
        let lines = BufReader::new(child.stdout.take().expect("standard output is piped"));
        Ok(Process { child, lines })
    }

    /// The next line it prints; `None` when it has closed its output, which usually means that
    /// it ended.
    pub fn line(&mut self) -> anyhow::Result<Option<String>> {
        let mut line = String::new();
        let length = self.lines.read_line(&mut line)?;
        Ok((length > 0).then(|| line.trim_end().to_string()))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.child.wait()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // Not in order any more: an error is on its way up.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Sends SIGTERM. A process that is gone already is as good as stopped.
pub fn terminate(id: u32) {
    let id = i32::try_from(id).expect("a process id is below 2^22");
    let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
}
