//! Asking people for a value.

use std::{
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{ApprovalManager, Context, PendingApproval, engine::Opened};
use crate::{
    approval_error::{About, ApprovalError},
    clock::Span,
    error::Invalid,
    id::RequestId,
    lifecycle::Draft,
    model::{
        ActionInfo, ActionName, AnswerOption, Gate, Principal, Priority, Question, Requirement, Risk,
        RunLimits,
        canonical::{arguments_digest, to_canonical},
    },
    store::StoreError,
};

/// What a person answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// Who answered; several where several equal answers were wanted.
    pub by: Vec<Principal>,
    /// What they remarked.
    pub note: Option<String>,
    /// The request.
    pub request: RequestId,
}

/// A question that is about to be asked; awaiting it asks and waits. See [`ApprovalManager::ask`].
#[must_use = "a question is asked when it is awaited"]
pub struct AskBuilder<T> {
    manager: ApprovalManager,
    text: String,
    to: Vec<String>,
    timeout: Option<Span>,
    wait: Option<Span>,
    options: Vec<(Result<serde_json::Value, String>, String)>,
    agree: u32,
    priority: Option<Priority>,
    answer: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for AskBuilder<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AskBuilder").field("text", &self.text).field("to", &self.to).finish_non_exhaustive()
    }
}

impl ApprovalManager {
    /// Asks people for a value of the type `T`: the first valid answer decides; refusing to answer is a rejection.
    ///
    /// ```no_run
    /// # async fn f(manager: approval_core::ApprovalManager) -> Result<(), approval_core::ApprovalError> {
    /// let amount = manager.ask::<u32>("How many seats shall I book?").to(["user:ann@example.com"]).await?;
    /// println!("{} said {}", amount.by[0], amount.value);
    /// # Ok(()) }
    /// ```
    pub fn ask<T: DeserializeOwned + JsonSchema>(&self, question: impl Into<String>) -> AskBuilder<T> {
        AskBuilder {
            manager: self.clone(),
            text: question.into(),
            to: Vec::new(),
            timeout: None,
            wait: None,
            options: Vec::new(),
            agree: 1,
            priority: None,
            answer: PhantomData,
        }
    }
}

impl<T: DeserializeOwned + JsonSchema> AskBuilder<T> {
    /// Who is asked: people and groups.
    pub fn to<S: Into<String>>(mut self, principals: impl IntoIterator<Item = S>) -> Self {
        self.to.extend(principals.into_iter().map(Into::into));
        self
    }

    /// How long people have; one hour unless set.
    pub fn timeout(mut self, timeout: Span) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long the caller waits before it gets [`ApprovalError::Pending`].
    pub fn wait(mut self, patience: Span) -> Self {
        self.wait = Some(patience);
        self
    }

    /// The answers to choose from: values and what people read.
    pub fn options<S: Into<String>>(
        mut self,
        options: impl IntoIterator<Item = (impl serde::Serialize, S)>,
    ) -> Self {
        let value = |value| serde_json::to_value(value).map_err(|error| error.to_string());
        self.options.extend(options.into_iter().map(|(answer, title)| (value(answer), title.into())));
        self
    }

    /// How many equal answers decide; one unless set.
    pub fn agree(mut self, answers: u32) -> Self {
        self.agree = answers;
        self
    }

    /// How soon an approver should look; medium unless set.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Opens the question without waiting; awaiting the result gives the approval that holds the answer.
    ///
    /// # Errors
    /// Why it was not opened.
    pub async fn open(self) -> Result<PendingApproval, ApprovalError> {
        let core = Arc::clone(&self.manager.core);
        core.at_work()?;
        let draft = self.draft().await?;
        let about = About::opening(draft.id, &draft.action.name, draft.key.is_some());
        let waiter = PendingApproval::register(&self.manager, about);
        match core.open(&draft, &RunLimits::default()).await? {
            Opened::New(_) => Ok(match self.wait {
                Some(patience) => waiter.within(patience),
                None => waiter,
            }),
            Opened::Existing(_) => {
                Err(StoreError::unavailable("a question has no key, but one was taken").into())
            }
        }
    }

    async fn draft(&self) -> Result<Draft, ApprovalError> {
        let core = &self.manager.core;
        let schema = serde_json::to_string(&schemars::schema_for!(T))
            .map_err(|e| Invalid::new("type of the answer", "", format!("has no schema: {e}")))?;
        let mut options = Vec::with_capacity(self.options.len());
        for (value, title) in &self.options {
            let value = value.as_ref().map_err(|error| {
                Invalid::new(
                    "option of the question",
                    title,
                    format!("has a value that cannot be encoded: {error}"),
                )
            })?;
            options.push(AnswerOption { value: value.to_string().into(), title: title.as_str().into() });
        }
        let question =
            Question { text: self.text.as_str().into(), schema: schema.into(), options, agree: self.agree };
        let arguments = to_canonical(&question).map_err(|e| super::action::not_encodable(&e))?;
        let info = ActionInfo::new(ActionName::new("ask")?);
        let digest = arguments_digest(info.name.as_str(), info.version, None, &arguments);
        let of = self.to.iter().map(|one| Principal::new(one)).collect::<Result<Vec<_>, _>>()?;
        let mut gate = Gate::new("question", vec![Requirement::at_least(self.agree, of)]);
        if let Some(timeout) = self.timeout {
            gate.timeout = Some(timeout);
        }
        let context = Context::current();
        let now = core.now().await?;
        Ok(Draft {
            id: RequestId::generate(now),
            namespace: Arc::clone(&core.settings.namespace),
            action: Arc::new(info),
            question: Some(Arc::new(question)),
            requester: self.manager.current_agent(),
            on_behalf_of: context.on_behalf_of,
            run: context.run,
            intent: context.intent,
            key: None,
            risk: Risk::Low,
            priority: Some(self.priority.unwrap_or(Priority::Medium)),
            gate: Arc::new(gate),
            arguments,
            enclosed: None,
            digest,
            answers_info: core.settings.info.is_some(),
            predecessor: None,
            allowed: false,
            declaration: None,
            basis: None,
        })
    }
}

impl<T: DeserializeOwned + JsonSchema + 'static> IntoFuture for AskBuilder<T> {
    type Output = Result<Answer<T>, ApprovalError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let approved = self.open().await?.await?;
            let request = approved.request();
            let broken =
                |why: String| StoreError::unreadable(format!("the answer to {} {why}", About::of(request)));
            let decision = approved.decision().ok_or_else(|| broken("is missing".to_owned()))?;
            let answer = decision.answer.as_ref().ok_or_else(|| broken("is missing".to_owned()))?;
            let value = answer
                .deserialize()
                .map_err(|e| broken(format!("does not have the type that was asked for: {e}")))?;
            Ok(Answer {
                value,
                by: decision.by.clone(),
                note: decision.reason.as_deref().map(str::to_owned),
                request: request.id,
            })
        })
    }
}
