//! Writing by a thread of its own: a terminal that is held (Ctrl-S) must not hold a task.

use std::io::{self, Write};
use std::sync::mpsc;
use std::thread;

use tokio::sync::oneshot;

/// A writer that is written to from tasks.
#[derive(Debug)]
pub(super) struct Screen {
    texts: mpsc::Sender<(String, oneshot::Sender<io::Result<()>>)>,
}

impl Screen {
    /// Starts the writing thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn start(mut writer: Box<dyn Write + Send>) -> io::Result<Self> {
        let (texts, queue) = mpsc::channel::<(String, oneshot::Sender<io::Result<()>>)>();
        thread::Builder::new().name("approval-terminal-output".to_owned()).spawn(move || {
            for (text, done) in queue {
                let written = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
                // The caller may have stopped waiting for it.
                drop(done.send(written));
            }
        })?;
        Ok(Self { texts })
    }

    /// Writes a text; returns when all of it has been written.
    ///
    /// # Errors
    /// If it could not be written: then no person has read it.
    pub(super) async fn print(&self, text: String) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let (done, written) = oneshot::channel();
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the writing thread is gone");
        self.texts.send((text, done)).map_err(|_| gone())?;
        written.await.unwrap_or_else(|_| Err(gone()))
    }
}
