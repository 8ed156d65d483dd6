//! Working out what an action would do, before people are asked.

use std::{fmt, future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Either},
};
use serde_json::Value;

use super::{ActionSpec, Core, Prepared, Unwound, engine::DrawnUp, pending::sleep_until};
use crate::{
    approval_error::ApprovalError,
    clock::{Span, after},
    lifecycle::Draft,
    model::{Enclosed, Preview, RunLimits, ToPreview},
};

/// How long a preview may take, unless the action says otherwise.
pub(crate) const DEFAULT_PREVIEW_TIMEOUT: Span = Span::from_secs(10);

/// A preview that is computed when it is polled.
pub(crate) type Previewing<'a> = BoxFuture<'a, Result<String, String>>;

/// Computes what an action would do from its arguments: see [`ActionSpec::preview`].
#[derive(Clone)]
pub(crate) struct PreviewHook(Arc<dyn Fn(Value) -> Previewing<'static> + Send + Sync>);

impl PreviewHook {
    pub(crate) fn new<F, R>(compute: F) -> Self
    where
        F: Fn(Value) -> R + Send + Sync + 'static,
        R: Future<Output: ToPreview> + Send + 'static,
    {
        Self(Arc::new(move |arguments| {
            let computing = compute(arguments);
            async move { computing.await.to_preview() }.boxed()
        }))
    }
}

impl fmt::Debug for PreviewHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreviewHook")
    }
}

impl Prepared {
    /// The preview of this call, where its action has a hook. Nothing of the hook runs before it is polled.
    pub(crate) fn preview(&self) -> Option<Previewing<'static>> {
        let hook = self.spec.preview.clone()?;
        let given = self.bound.given.clone();
        Some(
            async move {
                let arguments = given.to_value().map_err(|error| error.to_string())?;
                (hook.0)(arguments).await
            }
            .boxed(),
        )
    }
}

impl Core {
    /// Whether opening this, whose key has no request, would ask people about something new, as far as can be known now:
    /// there is none to join, and nothing approves it at once. Not looked at where it does not matter.
    pub(crate) async fn will_ask_now(
        &self,
        draft: &Draft,
        run: &RunLimits,
        matters: bool,
    ) -> Result<bool, ApprovalError> {
        if !matters {
            return Ok(false);
        }
        Ok(match Box::pin(self.draw_up(draft, run, &mut false)).await? {
            DrawnUp::Joined(_) => false,
            DrawnUp::New(drawn) => drawn.transition.request.status.is_open(),
        })
    }

    /// Computes the preview of a call and puts it into its draft. Whatever goes wrong becomes the preview: people are shown
    /// of it, and asked all the same.
    pub(crate) async fn preview(
        &self,
        spec: &ActionSpec,
        draft: &mut Draft,
        computing: impl Future<Output = Result<String, String>>,
    ) {
        let limit = spec.preview_timeout.unwrap_or(DEFAULT_PREVIEW_TIMEOUT);
        let over = std::pin::pin!(sleep_until(&*self.clock, after(self.clock.now(), limit)));
        let computing = std::pin::pin!(AssertUnwindSafe(computing).catch_unwind());
        let computed = match futures_util::future::select(computing, over).await {
            Either::Left((Ok(computed), _)) => computed,
            Either::Left((Err(payload), _)) => Err(match Unwound::by(&*payload) {
                Unwound::Yes(message) => format!("it panicked: {message}"),
                Unwound::No | Unwound::Unwatched => "it panicked".to_owned(),
            }),
            Either::Right(_) => Err(format!("it took longer than {limit:#}")),
        };
        if let Err(why) = &computed {
            let action = draft.action.name.as_str();
            tracing::warn!(action, why, "the preview failed; people are shown that, and asked all the same");
        }
        let revision = draft.predecessor.as_ref().map_or(1, |one| one.revision);
        let mut enclosed = draft.enclosed.as_deref().map_or_else(Enclosed::default, Clone::clone);
        enclosed.preview = Some(Preview::new(revision, computed));
        draft.enclosed = Some(Arc::new(enclosed));
    }
}
