//! One of several words.

use super::{item::Item, suggest};

impl Item<'_> {
    /// The value that belongs to the word that stands here. `None`: it is another word, and that is noted.
    #[must_use]
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let text = self.text()?;
        let found = choices.iter().find_map(|(word, value)| (*word == text).then_some(*value));
        if found.is_none() {
            let hint = match self.nearest(text, words.iter().copied()) {
                Some(word) => format!("did you mean `{word}`? write {}", suggest::one_of(words)),
                None => format!("write {}", suggest::one_of(words)),
            };
            self.wrong_with(format!("`{text}` is none of the words that can stand here"), hint);
        }
        found
    }
}
