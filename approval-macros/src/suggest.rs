//! "Did you mean …?" for misspelled words.

use std::borrow::Borrow;

/// The one of `known` that is nearest to `given`, if it is near enough to be a typing mistake.
pub(crate) fn nearest<'a, S: Borrow<str> + ?Sized + 'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a S>,
) -> Option<&'a str> {
    let limit = given.chars().count().max(3) / 3;
    known
        .into_iter()
        .map(Borrow::borrow)
        .map(|word| (distance(given, word), word))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// `; did you mean …?`, or nothing.
pub(crate) fn hint<'a, S: Borrow<str> + ?Sized + 'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a S>,
) -> String {
    nearest(given, known).map_or_else(String::new, |word| format!("; did you mean `{word}`?"))
}

/// The words as `a`, `b` or `c`.
pub(crate) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// Damerau-Levenshtein distance (optimal string alignment), ignoring ASCII case.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().map(|c| c.to_ascii_lowercase()).collect();
    let right: Vec<char> = right.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut before_previous: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    let cell = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    for (i, a) in left.iter().enumerate() {
        let mut current = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let substituted = cell(&previous, j) + usize::from(a != b);
            let mut best = substituted.min(cell(&previous, j + 1) + 1).min(cell(&current, j) + 1);
            let swapped = i > 0 && j > 0 && left.get(i - 1) == Some(b) && right.get(j - 1) == Some(a);
            if swapped {
                best = best.min(cell(&before_previous, j - 1) + 1);
            }
            current.push(best);
        }
        before_previous = std::mem::replace(&mut previous, current);
    }
    previous.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 4] = ["timeout", "on_timeout", "approvers", "risk"];

    #[test]
    fn a_typing_mistake_finds_its_word() {
        for (given, meant) in
            [("timout", "timeout"), ("tiemout", "timeout"), ("approver", "approvers"), ("Risk", "risk")]
        {
            assert_eq!(nearest(given, WORDS.iter()), Some(meant), "{given}");
        }
    }

    #[test]
    fn another_word_finds_nothing() {
        assert_eq!(nearest("database", WORDS.iter()), None);
        assert_eq!(hint("database", WORDS.iter()), "");
    }

    #[test]
    fn a_swap_counts_as_one_mistake() {
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn alternatives_read_as_a_sentence() {
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(one_of(["a"]), "`a`");
    }
}
