//! One call of an action.

use std::sync::Arc;

use serde::Serialize;

use super::ActionSpec;
use crate::{
    error::Invalid,
    model::{
        ArgumentsDigest, Attachment, CanonicalJson, Text, ToAttachments,
        canonical::{
            DigestKey, EncodeError, FieldPath, arguments_digest_with, parse_canonical, redact, to_canonical,
        },
        check_together,
    },
};

/// One call of an action: what is fixed about it, its arguments, and its key.
///
/// ```
/// use approval_core::Action;
/// let action = Action::new("mail.send")?.arguments(&serde_json::json!({ "to": "ann@example.com" }))?.key("mail-17");
/// # Ok::<(), approval_core::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct Action {
    pub(crate) spec: Arc<ActionSpec>,
    pub(crate) arguments: CanonicalJson,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) key: Option<Text>,
}

/// Arguments as they are bound: secret ones replaced, and the digest of that.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) arguments: CanonicalJson,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) digest: ArgumentsDigest,
    /// What was bound, nothing replaced.
    pub(crate) given: CanonicalJson,
}

impl Bound {
    /// The digest of `actual`, bound in the same way; computed again unless it is the very text that was bound.
    pub(crate) fn digest_of(
        &self,
        actual: CanonicalJson,
        spec: &ActionSpec,
        key: Option<&DigestKey>,
    ) -> Result<ArgumentsDigest, Invalid> {
        if actual == self.given {
            return Ok(self.digest);
        }
        Ok(spec.bind(actual, self.attachments.clone(), key)?.digest)
    }
}

/// An encoding that failed, as an error about the arguments.
pub(crate) fn not_encodable(error: &EncodeError) -> Invalid {
    Invalid::new("arguments", "…", format!("cannot be encoded: {error}"))
}

impl Action {
    /// A call of the action of this name, described on the fly: see [`ActionSpec`] for what can be said about it, and
    /// [`Action::of`].
    ///
    /// # Errors
    /// When it is no name of an action.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        Self::of(Arc::new(ActionSpec::new(name)?)).arguments(&serde_json::Map::new())
    }

    /// A call of an action that was described before, without arguments yet.
    #[must_use]
    pub fn of(spec: Arc<ActionSpec>) -> CallOf {
        CallOf { spec }
    }

    /// Says more about the action.
    ///
    /// # Errors
    /// What `describe` says.
    pub fn describe(
        mut self,
        describe: impl FnOnce(ActionSpec) -> Result<ActionSpec, Invalid>,
    ) -> Result<Self, Invalid> {
        let spec = Arc::unwrap_or_clone(self.spec);
        self.spec = Arc::new(describe(spec)?);
        Ok(self)
    }

    /// The arguments: an object, one member an argument.
    ///
    /// # Errors
    /// When they cannot be encoded, or are no object.
    pub fn arguments<T: Serialize + ?Sized>(self, arguments: &T) -> Result<Self, Invalid> {
        let arguments = to_canonical(arguments).map_err(|error| not_encodable(&error))?;
        self.with(arguments)
    }

    /// The arguments as JSON text, as a model wrote them. A key that stands twice in one object is refused.
    ///
    /// # Errors
    /// When it is no JSON, or no object.
    pub fn arguments_json(self, text: &str) -> Result<Self, Invalid> {
        let arguments = parse_canonical(text).map_err(|error| not_encodable(&error))?;
        self.with(arguments)
    }

    fn with(mut self, arguments: CanonicalJson) -> Result<Self, Invalid> {
        self.arguments = object(arguments)?;
        Ok(self)
    }

    /// Attaches files that people are shown, and that an approval is bound to: see [`Attachment`]. Takes one or several, or
    /// the result of trying to make them; called again, it adds to them.
    ///
    /// ```
    /// use approval_core::{Action, model::Attachment};
    /// let action = Action::new("mail.send")?
    ///     .attach(Attachment::text("terms.txt", "net 30"))?
    ///     .attach([Attachment::at("offer.pdf", "application/pdf", "https://files.example.com/offer.pdf")])?;
    /// # Ok::<(), approval_core::Invalid>(())
    /// ```
    ///
    /// # Errors
    /// When they could not be made, are more than a request holds
    /// ([number](crate::model::ATTACHMENT_COUNT_LIMIT), [bytes](crate::model::ATTACHMENTS_LIMIT)), or two have one name.
    pub fn attach(mut self, attachments: impl ToAttachments) -> Result<Self, Invalid> {
        self.attachments.extend(attached(&attachments, &self.spec)?);
        check_together(&self.attachments)?;
        Ok(self)
    }

    /// The idempotency key: the same key, the same arguments and the same person behind the call are the same request. Other
    /// ones are [`crate::ApprovalError::KeyConflict`] while that request is open, approved or once it was run. After it ended
    /// without running they open a request that follows it, at most five times after a refusal; the same call does so after
    /// it expired, and gets a person's refusal again.
    #[must_use]
    pub fn key(mut self, key: impl Into<Text>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// What is fixed about it.
    #[must_use]
    pub fn spec(&self) -> &Arc<ActionSpec> {
        &self.spec
    }
}

/// A call that lacks its arguments: see [`Action::of`].
#[derive(Clone, Debug)]
pub struct CallOf {
    spec: Arc<ActionSpec>,
}

impl CallOf {
    /// The arguments: an object, one member an argument.
    ///
    /// # Errors
    /// When they cannot be encoded, or are no object.
    pub fn arguments<T: Serialize + ?Sized>(self, arguments: &T) -> Result<Action, Invalid> {
        let arguments = object(to_canonical(arguments).map_err(|error| not_encodable(&error))?)?;
        Ok(Action { spec: self.spec, arguments, attachments: Vec::new(), key: None })
    }
}

/// The attachments of a call, if they could be made and fit into a request.
pub(crate) fn attached<T: ToAttachments + ?Sized>(
    attachments: &T,
    spec: &ActionSpec,
) -> Result<Vec<Attachment>, Invalid> {
    let made = attachments.to_attachments().map_err(|why| {
        Invalid::new(
            "attachments of the action",
            spec.info.name.as_str(),
            format!("could not be made: {why}"),
        )
    })?;
    check_together(&made)?;
    Ok(made)
}

pub(super) fn object(arguments: CanonicalJson) -> Result<CanonicalJson, Invalid> {
    if arguments.as_str().starts_with('{') {
        Ok(arguments)
    } else {
        Err(Invalid::new("arguments", "…", "are no object")
            .hint("give one member for each argument: {\"cents\": 1200}"))
    }
}

impl ActionSpec {
    /// Replaces what is secret, and computes the digest of what is left.
    pub(crate) fn bind(
        &self,
        arguments: CanonicalJson,
        attachments: Vec<Attachment>,
        key: Option<&DigestKey>,
    ) -> Result<Bound, Invalid> {
        let given = arguments.clone();
        let arguments = if self.redact.is_empty() {
            arguments
        } else {
            let key = key.ok_or_else(|| {
                Invalid::new("redacted arguments", self.info.name.as_str(), "need a key for their digest")
                    .hint("give the manager's builder a redaction_key")
            })?;
            let paths: Vec<FieldPath> = self.redact.iter().map(|one| one.path.clone()).collect();
            let redacted = redact(&arguments, &paths, key).map_err(|error| not_encodable(&error))?;
            // A path that finds nothing may be a spelling mistake, and the secret would be shown.
            let required =
                |path: &&FieldPath| self.redact.iter().any(|one| one.path == **path && !one.may_be_absent);
            if let Some(path) = redacted.missing.iter().find(required) {
                return Err(Invalid::new(
                    "path of a redacted argument",
                    path.to_string(),
                    "leads to nothing",
                )
                .hint(format!(
                    "look at its spelling; where the value may be missing, write it as null, or redact `{path}?`"
                )));
            }
            redacted.bound
        };
        let digest = arguments_digest_with(
            self.info.name.as_str(),
            self.info.version,
            self.info.schema.as_ref(),
            &arguments,
            &attachments,
        );
        Ok(Bound { arguments, attachments, digest, given })
    }
}
