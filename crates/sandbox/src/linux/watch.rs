//! The caller's side: copies the log, keeps the time, and sees that nothing is left.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};

use super::report::{Report, SIZE};

/// What a pipe holds on most machines.
const BUFFER: usize = 64 << 10;

/// The longest that is waited at once; then time is looked at again.
const LONGEST: Duration = Duration::from_secs(3600);

/// The processes of one sandbox. When this is dropped, they are killed.
#[derive(Debug)]
pub(super) struct Inside {
    /// The first one's number.
    pid: i32,
    /// The first one.
    process: OwnedFd,
    reports: OwnedFd,
    /// By which the first one is told to kill the others, where the kernel doesn't do that with it.
    leash: Option<OwnedFd>,
    gone: bool,
    /// What was read before the end.
    early: Option<Report>,
}

/// How a sandbox ended.
pub(super) struct Watched {
    /// What its first process said first; nothing when it was killed.
    pub(super) report: Option<Report>,
    /// Whether its time was over.
    pub(super) over: bool,
}

/// Why a sandbox could not be watched to its end.
pub(super) enum Error {
    Wait(Errno),
    Log(io::Error),
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Self::Wait(errno)
    }
}

impl Inside {
    pub(super) fn new(pid: i32, process: OwnedFd, reports: OwnedFd) -> Self {
        Self { pid, process, reports, leash: None, gone: false, early: None }
    }

    /// Of processes without a pid namespace of their own.
    pub(super) fn leashed(pid: i32, process: OwnedFd, reports: OwnedFd, leash: OwnedFd) -> Self {
        Self { pid, process, reports, leash: Some(leash), gone: false, early: None }
    }

    /// The number of the first process.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Becomes readable when no process is left.
    pub(super) fn process(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }

    /// Whether no process is left.
    pub(super) fn has_ended(&self) -> Result<bool, Errno> {
        Ok(self.gone || self.wait(None, Duration::ZERO)?)
    }

    /// What the first process has said so far.
    pub(super) fn said(&mut self) -> Result<Option<&Report>, Errno> {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut pipe = [PollFd::new(&self.reports, PollFlags::IN)];
        if self.early.is_none() && rustix::event::poll(&mut pipe, Some(&now))? > 0 {
            self.early = self.report()?;
        }
        Ok(self.early.as_ref())
    }

    /// Waits until no process is left. Gives what the first one said: nothing when it was killed.
    pub(super) fn end(&mut self) -> Result<Option<Report>, Errno> {
        self.reap()?;
        match self.early.take() {
            Some(report) => Ok(Some(report)),
            None => self.report(),
        }
    }

    /// Waits until no process is left; kills them at `end`. What can be read from the pipe, which doesn't block, goes to
    /// the log.
    pub(super) fn watch(
        &mut self,
        mut output: Option<(OwnedFd, &mut dyn Write)>,
        end: Option<Instant>,
    ) -> Result<Watched, Error> {
        let mut buffer = vec![0; if output.is_some() { BUFFER } else { 0 }];
        let mut over = false;
        loop {
            let left = match end {
                Some(end) if !over => end.saturating_duration_since(Instant::now()).min(LONGEST),
                _ => LONGEST,
            };
            if left.is_zero() {
                over = true;
                self.kill();
                continue;
            }
            let ended = self.wait(output.as_ref().map(|(pipe, _)| pipe), left)?;
            // Nobody is left who writes once the first process has ended, so all that they wrote is there.
            while let Some((pipe, log)) = &mut output {
                match rustix::io::read(&*pipe, &mut buffer) {
                    Ok(0) => output = None,
                    Ok(read) => log.write_all(buffer.get(..read).unwrap_or_default()).map_err(Error::Log)?,
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => break,
                    Err(errno) => return Err(Error::Wait(errno)),
                }
                let time_left = over || end.is_none_or(|end| Instant::now() < end);
                if !ended && !time_left {
                    break;
                }
            }
            if ended {
                return Ok(Watched { report: self.end()?, over });
            }
        }
    }

    /// Waits until there is something in the pipe or the first process has ended: then `true`.
    fn wait(&self, pipe: Option<&OwnedFd>, longest: Duration) -> Result<bool, Errno> {
        let timeout = Timespec::try_from(longest).map_err(|_| Errno::INVAL)?;
        let process = PollFd::new(&self.process, PollFlags::IN);
        let mut both = [process.clone(), process];
        let polled = match pipe {
            Some(pipe) => {
                both[1] = PollFd::new(pipe, PollFlags::IN);
                &mut both[..]
            }
            None => &mut both[..1],
        };
        match rustix::event::poll(polled, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(!both[0].revents().is_empty()),
            Err(errno) => Err(errno),
        }
    }

    fn report(&self) -> Result<Option<Report>, Errno> {
        let mut bytes = [0; SIZE];
        let mut filled = 0;
        while filled < SIZE {
            match rustix::io::read(&self.reports, bytes.get_mut(filled..).unwrap_or_default()) {
                Ok(0) => return Ok(None),
                Ok(read) => filled += read,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(Report::from_bytes(&bytes))
    }

    /// Kills all of them: the kernel kills the others with the first, or that one does.
    pub(super) fn kill(&self) {
        // It fails when that has ended, which is what is wanted.
        let _ = match &self.leash {
            Some(leash) => rustix::io::write(leash, b"!").map(|_| ()),
            None => pidfd_send_signal(&self.process, Signal::KILL),
        };
    }

    fn reap(&mut self) -> Result<(), Errno> {
        while !self.gone {
            match waitid(WaitId::PidFd(self.process.as_fd()), WaitIdOptions::EXITED) {
                Err(Errno::INTR) => {}
                // The caller's process may have its children reaped by another part, or by the kernel.
                Ok(_) | Err(Errno::CHILD) => {
                    self.gone = true;
                }
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if !self.gone {
            self.kill();
            // There is nobody to tell.
            let _ = self.reap();
        }
    }
}
