//! One line from a reader, with a limit.

use std::io::{self, BufRead};

use super::Input;

/// Longest line, in bytes: enough for any edit, too little to fill the memory.
const MAX_LINE: usize = 1024 * 1024;

/// Reads a line. Blocks until it is complete.
pub(in crate::terminal) fn line(reader: &mut dyn BufRead) -> Input {
    match read(reader) {
        Ok(input) => input,
        Err(error) => Input::Ended(format!("Reading the input failed ({error})")),
    }
}

fn read(reader: &mut dyn BufRead) -> io::Result<Input> {
    let mut bytes = Vec::new();
    let mut too_long = false;
    loop {
        let chunk = match reader.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            // A line without its end may be the beginning of another one: "y" of "y, but not today".
            let cut = if bytes.is_empty() && !too_long {
                ""
            } else {
                " in the middle of a line, which does not count"
            };
            return Ok(Input::Ended(format!("The input ended{cut}")));
        }
        let (part, end) = match chunk.iter().position(|byte| *byte == b'\n') {
            Some(at) => (chunk.get(..at).ok_or_else(|| io::Error::other("a line without an end"))?, true),
            None => (chunk, false),
        };
        too_long |= bytes.len() + part.len() > MAX_LINE;
        if too_long {
            bytes.clear();
        } else {
            bytes.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end);
        reader.consume(used);
        if end {
            return Ok(if too_long { Input::Garbled("the line is longer than 1 MiB") } else { text(bytes) });
        }
    }
}

/// A line from its bytes, without a carriage return at its end.
pub(super) fn text(mut bytes: Vec<u8>) -> Input {
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    String::from_utf8(bytes).map_or(Input::Garbled("the line is not UTF-8"), Input::Line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Input> {
        let mut reader = io::BufReader::with_capacity(3, bytes);
        let mut inputs = Vec::new();
        loop {
            inputs.push(line(&mut reader));
            if matches!(inputs.last(), Some(Input::Ended(_))) {
                return inputs;
            }
        }
    }

    fn ended(why: &str) -> Input {
        Input::Ended(why.to_owned())
    }

    #[test]
    fn lines_come_one_by_one() {
        let expected = ["reject it", "", "y", "é"].map(|line| Input::Line(line.to_owned()));
        let all = all("reject it\n\ny\r\né\n".as_bytes());
        assert_eq!(all.split_last().unwrap(), (&ended("The input ended"), expected.as_slice()));
    }

    #[test]
    fn a_line_without_its_end_does_not_count() {
        assert_eq!(all(b"y"), [ended("The input ended in the middle of a line, which does not count")]);
    }

    #[test]
    fn what_is_not_utf8_does_not_count() {
        let all = all(b"y\xff\nn\n");
        assert_eq!(all[..2], [Input::Garbled("the line is not UTF-8"), Input::Line("n".to_owned())]);
    }

    #[test]
    fn an_endless_line_takes_no_endless_memory_and_the_next_line_counts() {
        let mut bytes = vec![b'y'; MAX_LINE + 1];
        bytes.extend_from_slice(b"\nn\n");
        let all = all(&bytes);
        assert_eq!(all[..2], [Input::Garbled("the line is longer than 1 MiB"), Input::Line("n".to_owned())]);
        bytes.remove(0);
        let mut reader = io::BufReader::new(bytes.as_slice());
        assert_eq!(line(&mut reader), Input::Line("y".repeat(MAX_LINE)));
    }

    #[test]
    fn an_error_is_the_end() {
        struct Broken;
        impl io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("no cable"))
            }
        }
        assert_eq!(line(&mut io::BufReader::new(Broken)), ended("Reading the input failed (no cable)"));
    }
}
