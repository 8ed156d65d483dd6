//! "Did you mean …?" for misspelled words.

/// Longest word that is compared with others, in bytes: no one mistypes more.
const GIVEN_LIMIT: usize = 200;

/// How many letters are compared with each other at most for one suggestion, and for all of a document: enough for 10
/// suggestions among 1,000 words of 30 letters.
pub(super) const LETTERS_LIMIT: usize = 10_000_000;

/// So many words are compared at most.
const KNOWN_LIMIT: usize = 1_000;

/// The one of the first 1,000 words of `known` that is nearest to `given`, if it is near enough to be a typing mistake.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut left = LETTERS_LIMIT;
    nearest_within(given, known, &mut left)
}

/// The same, where at most `left` letters are compared with each other; what was compared is taken from it.
pub(super) fn nearest_within<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
    left: &mut usize,
) -> Option<&'a str> {
    if given.len() > GIVEN_LIMIT {
        return None;
    }
    let length = given.chars().count();
    let limit = length.max(3) / 3;
    let mut best: Option<(usize, &str)> = None;
    for word in known.into_iter().take(KNOWN_LIMIT).filter(|word| word.len() <= GIVEN_LIMIT) {
        let letters = word.chars().count();
        // Each letter that one has more than the other must be added.
        if letters.abs_diff(length) > limit {
            continue;
        }
        *left = left.checked_sub(letters.saturating_add(1).saturating_mul(length.saturating_add(1)))?;
        let distance = distance(given, word);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, word));
        }
    }
    best.map(|(_, word)| word)
}

/// The words as `a`, `b` or `c`.
#[must_use]
pub fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// "did you mean `x`? known: …", or only what is known.
pub(crate) fn hint(given: &str, known: &[&str]) -> String {
    match nearest(given, known.iter().copied()) {
        Some(word) => format!("did you mean `{word}`? known: {}", known.join(", ")),
        None => format!("known: {}", known.join(", ")),
    }
}

/// How many letters must be changed, added, dropped or swapped with their neighbour (optimal string alignment); case
/// does not matter.
fn distance(left: &str, right: &str) -> usize {
    let fold = |text: &str| text.chars().map(|c| c.to_ascii_lowercase()).collect::<Vec<char>>();
    let (left, right) = (fold(left), fold(right));
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    let mut older: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = Vec::with_capacity(right.len() + 1);
        row.push(i + 1);
        for (j, b) in right.iter().enumerate() {
            let changed = at(&above, j) + usize::from(a != b);
            let mut best = changed.min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let neighbours = i.checked_sub(1).zip(j.checked_sub(1));
            if neighbours.is_some_and(|(i, j)| left.get(i) == Some(b) && right.get(j) == Some(a)) {
                best = best.min(at(&older, j.saturating_sub(1)) + 1);
            }
            row.push(best);
        }
        older = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or_default()
}
