//! What an action would do, worked out before people are asked.

use std::{borrow::Cow, fmt::Display, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Request, Text};

/// Longest preview that is stored and shown, in bytes (4 KiB). What is longer is cut, and people are shown that.
pub const PREVIEW_LIMIT: usize = 4 * 1024;

/// What an action would do ("47 rows will be deleted"), worked out before people were asked. It is shown to them and binds
/// nothing: between the preview and the body the world may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Preview {
    /// Number of the [revision](super::Revision::number) of the arguments that it was computed for.
    pub revision: u32,
    /// What came out.
    pub outcome: PreviewOutcome,
    /// How many bytes were cut off because there were more than [`PREVIEW_LIMIT`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

/// What came out of a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewOutcome {
    /// This would happen.
    Computed(Text),
    /// It could not be worked out, and why: an error, a panic, or too little time.
    Failed(Text),
}

impl Preview {
    /// What was computed for the arguments of this revision, or why it could not be; cut if it is too long.
    #[must_use]
    pub fn new(revision: u32, computed: Result<String, String>) -> Self {
        let mut left_out = 0;
        let mut cut = |text: String| {
            let kept = text.get(..text.floor_char_boundary(PREVIEW_LIMIT)).unwrap_or_default();
            left_out = text.len().saturating_sub(kept.len());
            Text::from(kept)
        };
        let outcome = match computed {
            Ok(text) => PreviewOutcome::Computed(cut(text)),
            Err(why) => PreviewOutcome::Failed(cut(why)),
        };
        Self { revision, outcome, left_out }
    }

    /// In one text, for channels that show it as such: what would happen, or that it failed and why; whether it was cut, and
    /// whether it is of the arguments before an edit. It may hold characters that are not seen: show it through
    /// [`visible`](super::visible::visible).
    ///
    /// ```
    /// use approval_core::model::Preview;
    ///
    /// let failed = Preview::new(1, Err("the database is away".to_owned()));
    /// assert_eq!(failed.in_words(1), "preview failed: the database is away");
    /// let computed = Preview::new(1, Ok("47 rows will be deleted".to_owned()));
    /// assert_eq!(computed.in_words(2), "47 rows will be deleted (this preview is of the arguments before the edit)");
    /// ```
    #[must_use]
    pub fn in_words(&self, revision: u32) -> String {
        let mut words = match &self.outcome {
            PreviewOutcome::Computed(text) => text.as_ref().to_owned(),
            PreviewOutcome::Failed(why) => format!("preview failed: {why}"),
        };
        for caution in self.cautions(revision) {
            words.push_str(" (");
            words.push_str(&caution);
            words.push(')');
        }
        words
    }

    /// What people must know to read it rightly, beside arguments of this revision.
    #[must_use]
    pub fn cautions(&self, revision: u32) -> Vec<String> {
        let cut = (self.left_out > 0).then(|| format!("cut: {} bytes more are not shown", self.left_out));
        let stale = (self.revision != revision)
            .then(|| "this preview is of the arguments before the edit".to_owned());
        cut.into_iter().chain(stale).collect()
    }
}

impl Request {
    /// What the action would do, if that was worked out: see [`ActionSpec::preview`](crate::ActionSpec::preview).
    #[must_use]
    pub fn preview(&self) -> Option<&Preview> {
        self.enclosed.as_ref()?.preview.as_ref()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// What a preview may give: a text, or the result of trying to work it out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shown as a preview",
    label = "a preview is text: this is no `String`, no `&str`, and no `Result` of one",
    note = "build a text: `preview = format!(\"{{}} rows will be deleted\", count(&table).await)`",
    note = "an `async` function must be awaited, also in a function that is not `async`: add `.await`"
)]
pub trait ToPreview {
    /// The text.
    ///
    /// # Errors
    /// Why it could not be worked out; people are shown that, and are asked all the same.
    fn to_preview(&self) -> Result<String, String>;
}

impl ToPreview for str {
    fn to_preview(&self) -> Result<String, String> {
        Ok(self.to_owned())
    }
}

impl ToPreview for String {
    fn to_preview(&self) -> Result<String, String> {
        Ok(self.clone())
    }
}

impl ToPreview for Cow<'_, str> {
    fn to_preview(&self) -> Result<String, String> {
        Ok(self.as_ref().to_owned())
    }
}

impl ToPreview for Arc<str> {
    fn to_preview(&self) -> Result<String, String> {
        Ok(self.as_ref().to_owned())
    }
}

impl<T: ToPreview, E: Display> ToPreview for Result<T, E> {
    fn to_preview(&self) -> Result<String, String> {
        self.as_ref().map_err(ToString::to_string)?.to_preview()
    }
}

impl<T: ToPreview + ?Sized> ToPreview for &T {
    fn to_preview(&self) -> Result<String, String> {
        (**self).to_preview()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_between_characters_and_that_is_said() {
        let text = format!("{}ü{}", "a".repeat(PREVIEW_LIMIT - 1), "b".repeat(10));
        for computed in [Ok(text.clone()), Err(text)] {
            let preview = Preview::new(1, computed);
            let (PreviewOutcome::Computed(kept) | PreviewOutcome::Failed(kept)) = &preview.outcome;
            assert_eq!((kept.len(), preview.left_out), (PREVIEW_LIMIT - 1, 12));
            assert!(preview.in_words(1).ends_with("a (cut: 12 bytes more are not shown)"));
        }
        let whole = Preview::new(1, Ok("a".repeat(PREVIEW_LIMIT)));
        assert_eq!((whole.left_out, whole.cautions(1).len()), (0, 0));
    }

    #[test]
    fn json_keeps_it() {
        for preview in [
            Preview::new(3, Ok("x".to_owned())),
            Preview::new(1, Err("y".to_owned())),
            Preview::new(1, Ok("z".repeat(5_000))),
        ] {
            let json = serde_json::to_string(&preview).unwrap();
            assert_eq!(serde_json::from_str::<Preview>(&json).unwrap(), preview);
        }
        let short = Preview::new(1, Ok("x".to_owned()));
        assert_eq!(serde_json::to_string(&short).unwrap(), r#"{"revision":1,"outcome":{"computed":"x"}}"#);
    }
}
