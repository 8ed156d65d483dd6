//! Lines typed at a Unix terminal.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};
use rustix::termios::{QueueSelector, tcflush};

use super::{Input, pipe};

/// A terminal hands over lines of up to this many bytes, line break included, and silently cuts longer ones (Linux
/// `N_TTY_BUF_SIZE`; POSIX `MAX_CANON` may be less, then the kernel refuses to take more).
const LONGEST: usize = 4_096;

/// A terminal in line mode.
#[derive(Debug)]
pub(in crate::terminal) struct Tty(OwnedFd);

impl Tty {
    /// Reads from this descriptor, which is a terminal.
    pub(in crate::terminal) const fn new(terminal: OwnedFd) -> Self {
        Self(terminal)
    }

    /// Blocks until there is something to take.
    pub(super) fn wait(&self) -> Result<(), Errno> {
        self.ready(None).map(drop)
    }

    /// Takes what was typed, without blocking: `None` as long as no line is complete.
    pub(super) fn take(&self, partial: &mut Vec<u8>) -> Option<Input> {
        // What was there when `wait` returned may have been discarded since.
        match self.ready(Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(ended(error)),
        }
        let mut buffer = [0; LONGEST];
        let count = match read(&self.0, &mut buffer) {
            Ok(count) => count,
            Err(Errno::INTR | Errno::AGAIN) => return None,
            Err(error) => return Some(ended(error)),
        };
        if count == 0 {
            return Some(Input::Ended("The input ended".to_owned()));
        }
        let Some(read) = buffer.get(..count) else {
            return Some(Input::Ended("The terminal gave more than was asked for".to_owned()));
        };
        partial.extend_from_slice(read);
        partial.pop_if(|last| *last == b'\n')?;
        let line = std::mem::take(partial);
        if line.len() + 1 >= LONGEST {
            return Some(Input::Garbled(
                "the line reached the length at which terminals cut, about 4 KiB; pipe it in",
            ));
        }
        Some(pipe::text(line))
    }

    /// Throws away what was typed and not taken, also an unfinished line.
    pub(super) fn discard(&self) {
        // It fails if this is no terminal, or one that hung up: then there is nothing to throw away.
        tcflush(&self.0, QueueSelector::IFlush).ok();
    }

    fn ready(&self, timeout: Option<&Timespec>) -> Result<bool, Errno> {
        loop {
            match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], timeout) {
                Ok(count) => return Ok(count > 0),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The end of the input by an error; a terminal that hung up answers with an I/O error.
pub(super) fn ended(error: Errno) -> Input {
    Input::Ended(format!("The terminal is gone ({error})"))
}
