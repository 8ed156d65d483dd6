use std::io::{BufReader, PipeReader, Write as _};
use std::time::Duration;

use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

fn reader(pipe: PipeReader) -> ReadLine {
    let mut reader = BufReader::new(pipe);
    Box::new(move || line(&mut reader))
}

async fn next(lines: &mut Lines) -> Input {
    timeout(PATIENCE, lines.next()).await.expect("a line in time")
}

fn typed(text: &str) -> Input {
    Input::Line(text.to_owned())
}

#[tokio::test]
async fn a_pipe_keeps_every_line_also_those_discarded_over() {
    let (pipe, mut writer) = io::pipe().unwrap();
    let mut lines = Lines::start(Source::Piped(reader(pipe))).unwrap();
    writer.write_all(b"one\ntwo\n").unwrap();
    lines.discard();
    assert_eq!(next(&mut lines).await, typed("one"));
    lines.discard();
    assert_eq!(next(&mut lines).await, typed("two"));
    drop(writer);
    let ended = Input::Ended("The input ended".to_owned());
    assert_eq!(next(&mut lines).await, ended);
    assert_eq!(next(&mut lines).await, ended, "the end stays the end");
}

#[tokio::test]
async fn a_line_that_comes_after_the_wait_was_given_up_goes_to_the_next_wait() {
    let (pipe, mut writer) = io::pipe().unwrap();
    let mut lines = Lines::start(Source::Piped(reader(pipe))).unwrap();
    // Polled once, then dropped.
    assert!(timeout(Duration::ZERO, lines.next()).await.is_err());
    writer.write_all(b"one\n").unwrap();
    assert_eq!(next(&mut lines).await, typed("one"));
}

#[tokio::test]
async fn what_a_watched_terminal_sends_while_nothing_is_asked_does_not_count() {
    let (pipe, mut writer) = io::pipe().unwrap();
    let (seen, mut count) = mpsc::unbounded_channel();
    let mut read = reader(pipe);
    let watched = Box::new(move || {
        let input = read();
        seen.send(input.clone()).unwrap();
        input
    });
    let mut lines = Lines::start(Source::Watched(watched)).unwrap();
    writer.write_all(b"early\n").unwrap();
    assert_eq!(count.recv().await, Some(typed("early")));
    writer.write_all(b"as early\n").unwrap();
    // The thread is past the first line once it has read the second.
    assert_eq!(count.recv().await, Some(typed("as early")));
    lines.discard();
    let wait = tokio::spawn(async move {
        let input = lines.next().await;
        (lines, input)
    });
    // Only a line that comes once it is waited for counts; when that is cannot be seen from here, so lines keep coming.
    while !wait.is_finished() {
        writer.write_all(b"on time\n").unwrap();
        count.recv().await;
        tokio::task::yield_now().await;
    }
    let (mut lines, input) = wait.await.unwrap();
    // The thread may have held the second line when the wait began; the first it had dropped.
    assert!(input == typed("on time") || input == typed("as early"), "{input:?}");
    drop(writer);
    // Every line before the end is dealt with once the end has been read.
    let ended = Input::Ended("The input ended".to_owned());
    while count.recv().await != Some(ended.clone()) {}
    lines.discard();
    assert_eq!(next(&mut lines).await, ended);
}

#[tokio::test]
async fn a_reader_that_is_not_waited_for_ends_with_its_lines() {
    let (pipe, writer) = io::pipe().unwrap();
    let held = Arc::new(());
    let mut read = reader(pipe);
    let witness = Arc::clone(&held);
    let source = Source::Piped(Box::new(move || {
        assert!(Arc::strong_count(&witness) > 0);
        read()
    }));
    drop(Lines::start(source).unwrap());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while Arc::strong_count(&held) > 1 {
        assert!(tokio::time::Instant::now() < deadline, "the thread is still there");
        tokio::task::yield_now().await;
    }
    drop(writer);
}
