//! Which rules and people are in force, named by the digests of their texts. A text is in the store before anything names it;
//! a reload becomes a line of the journal.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use super::{Core, keys, limits::Counts};
use crate::{
    approval_error::ApprovalError,
    audit::{SOURCE_LIMIT, is_kept, keep_source},
    clock::Timestamp,
    error::Invalid,
    lifecycle::{CountedAs, NewSources},
    model::{Basis, Limit, People, Principal, Reload, Source, SourceDigest, SourceKind, Text},
    policy::{Call, ReloadListener, Ruling},
    store::{Condition, JournalLine, RecordWrite, StoreError},
    sync::{Mutex, lock},
};

/// How often the rules, or the people, are asked for again because they were exchanged meanwhile.
const ROUNDS: usize = 100;

/// Of how many texts of the rules the limits are remembered. A call keeps to those of the text that it was ruled by.
const REMEMBERED: usize = 64;

/// What the policy says, and which one that is.
#[derive(Clone, Debug)]
pub(crate) struct Ruled {
    pub(crate) ruling: Ruling,
    pub(crate) basis: Option<Arc<Basis>>,
}

/// The rule that lets a call run, or forbids it, without asking anybody, and which policy it is of.
#[derive(Clone, Debug)]
pub(crate) struct RuledBy {
    pub(crate) rule: Text,
    pub(crate) basis: Option<Arc<Basis>>,
}

/// What this process knows of the texts, and the reloads that wait to be written down.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    known: Mutex<Known>,
    reloads: Mutex<VecDeque<(Timestamp, Reload)>>,
    /// One writes reloads at a time, so that they stay in order.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// Texts that are in the store.
    kept: BTreeSet<SourceDigest>,
    /// What requests name, shared between them.
    shared: BTreeMap<Basis, Arc<Basis>>,
    /// The limits of texts of the rules, newest last.
    limits: VecDeque<(SourceDigest, Arc<[Arc<Limit>]>)>,
}

impl Sources {
    /// The name of rules and people whose texts are kept. `None`: neither has a text.
    pub(super) fn basis(
        &self,
        policy: Option<SourceDigest>,
        directory: Option<SourceDigest>,
    ) -> Option<Arc<Basis>> {
        if policy.is_none() && directory.is_none() {
            return None;
        }
        let basis = Basis::new(policy, directory);
        Some(Arc::clone(lock(&self.known).shared.entry(basis).or_insert_with(|| Arc::new(basis))))
    }

    fn remember_limits(&self, policy: SourceDigest, limits: Arc<[Arc<Limit>]>) {
        let known = &mut lock(&self.known).limits;
        // The last answer holds: rules in code may have other limits under the same text.
        known.retain(|(of, _)| *of != policy);
        if known.len() >= REMEMBERED {
            known.pop_front();
        }
        known.push_back((policy, limits));
    }
}

impl Core {
    /// Sees to it that a text is in the store. After the first time this looks at nothing but memory.
    ///
    /// # Errors
    /// When the text cannot be written, or too many new ones were today: nothing may name it then.
    async fn kept(
        &self,
        what: SourceKind,
        source: Option<Arc<Source>>,
    ) -> Result<Option<SourceDigest>, ApprovalError> {
        let Some(source) = source else { return Ok(None) };
        let digest = source.digest();
        if !lock(&self.sources.known).kept.contains(&digest) {
            let length = source.text().len();
            if length > SOURCE_LIMIT {
                let why = format!("is {length} bytes long; {SOURCE_LIMIT} can be kept for auditors");
                return Err(Invalid::new("text of the rules or people", digest.to_string(), why).into());
            }
            Box::pin(self.keep(what, &source)).await?;
            lock(&self.sources.known).kept.insert(digest);
        }
        Ok(Some(digest))
    }

    /// Writes a text, unless the store has it, and counts it: rules whose text is another one at each call would fill the store. What
    /// counts is the agent of this manager, so that the rules of no other agent wait for it.
    async fn keep(&self, what: SourceKind, source: &Source) -> Result<(), ApprovalError> {
        let name = keys::new_sources(&self.settings.namespace, &self.settings.agent);
        let bytes = source.text().len() as u64;
        for _ in 0..ROUNDS {
            if is_kept(&*self.store, source).await? {
                return Ok(());
            }
            let record = self.store.record(&name).await?;
            let before: NewSources = match &record {
                Some(record) => serde_json::from_slice(&record.value)
                    .map_err(|e| StoreError::unreadable(format!("the record {name} cannot be read: {e}")))?,
                None => NewSources::default(),
            };
            let after = before.with(bytes, self.now().await?).map_err(|refused| {
                let why = refused.to_string().into();
                match what {
                    SourceKind::Policy => ApprovalError::Policy(why),
                    SourceKind::Directory => ApprovalError::Directory(why),
                }
            })?;
            let value = serde_json::to_vec(&after)
                .map_err(|e| StoreError::unreadable(format!("the record {name} cannot be written: {e}")))?;
            let unchanged = match &record {
                Some(record) => Condition::Version(name.clone(), record.version),
                None => Condition::Absent(name.clone()),
            };
            let counted = RecordWrite { name: name.clone(), value: Some(value) };
            if keep_source(&*self.store, source, (unchanged, counted)).await? {
                return Ok(());
            }
        }
        Err(StoreError::unavailable("others kept writing texts of rules and people; try again").into())
    }

    /// What the policy says about a call, and the digest of its text. What earlier calls have spent is looked up by the limits
    /// of the same text: `counts` tells whose, `own` how the call itself was counted.
    ///
    /// # Errors
    /// When it cannot say, or its text cannot be kept.
    pub(super) async fn ask_policy(
        &self,
        call: &Call<'_>,
        counts: Counts<'_>,
        own: CountedAs<'_>,
    ) -> Result<(Ruling, Option<SourceDigest>), ApprovalError> {
        for _ in 0..ROUNDS {
            let source = self.policy.source();
            let limits = self.policy.limits();
            let spent_usd = self.spent_usd(&limits, counts, own).await?;
            let ruling = self.policy.rule(&Call { spent_usd, ..*call }).await;
            if same(source.as_deref(), self.policy.source().as_deref()) {
                let ruling = ruling.map_err(|error| ApprovalError::Policy(error.0.into()))?;
                let policy = self.kept(SourceKind::Policy, source).await?;
                if let Some(policy) = policy {
                    self.sources.remember_limits(policy, limits);
                }
                return Ok((ruling, policy));
            }
        }
        Err(ApprovalError::Policy("its text was another one each time that it was asked".into()))
    }

    /// The limits of the text of the rules that a call was ruled by, which need not be in force any more. `None`: the policy
    /// has no text, or was not asked.
    ///
    /// # Errors
    /// When so many texts came since that they are not remembered.
    pub(super) fn limits_of_policy(
        &self,
        ruled_by: Option<SourceDigest>,
    ) -> Result<Arc<[Arc<Limit>]>, ApprovalError> {
        let Some(policy) = ruled_by else { return Ok(self.policy.limits()) };
        let found = lock(&self.sources.known).limits.iter().rfind(|(of, _)| *of == policy).cloned();
        found.map(|(_, limits)| limits).ok_or_else(|| {
            let why = "its text was replaced many times since the call was ruled; make the call again";
            ApprovalError::Policy(why.into())
        })
    }

    /// The same with the people in force, for a call that may open no request.
    pub(super) async fn rule_on(
        &self,
        call: &Call<'_>,
        counts: Counts<'_>,
        own: CountedAs<'_>,
    ) -> Result<Ruled, ApprovalError> {
        let (ruling, policy) = self.ask_policy(call, counts, own).await?;
        let directory = self.kept(SourceKind::Directory, self.directory.source()).await?;
        Ok(Ruled { ruling, basis: self.sources.basis(policy, directory) })
    }

    /// What the directory knows of `wanted`, and the digest of its text.
    ///
    /// # Errors
    /// When it cannot say, or its text cannot be kept.
    pub(super) async fn people_in_force(
        &self,
        wanted: &[&Principal],
    ) -> Result<(Arc<People>, Option<SourceDigest>), ApprovalError> {
        for _ in 0..ROUNDS {
            let source = self.directory.source();
            let people = self.people(wanted).await;
            if same(source.as_deref(), self.directory.source().as_deref()) {
                return Ok((people?, self.kept(SourceKind::Directory, source).await?));
            }
        }
        Err(ApprovalError::Directory("its text was another one each time that it was asked".into()))
    }

    /// Writes down what was read again since the last time. What could not be written waits on, unless its text is not kept at all.
    pub(super) async fn flush_reloads(&self) -> Result<(), ApprovalError> {
        let _one_at_a_time = self.sources.writing.lock().await;
        loop {
            // Removed only once it is written: the calling future may be dropped meanwhile.
            let next = lock(&self.sources.reloads).front().cloned();
            let Some((at, reload)) = next else { return Ok(()) };
            if let Err(error) = self.write_reload(at, &reload).await {
                if !matches!(
                    error,
                    ApprovalError::Policy(_) | ApprovalError::Directory(_) | ApprovalError::Invalid(_)
                ) {
                    return Err(error);
                }
                // Nothing runs under such a text, and nothing names it: it holds up neither later reloads nor other lines.
                tracing::error!(what = reload.what.as_str(), %error, "a reload is not on record, since its text is not kept");
            }
            lock(&self.sources.reloads).pop_front();
        }
    }

    async fn write_reload(&self, at: Timestamp, reload: &Reload) -> Result<(), ApprovalError> {
        let line = JournalLine::Reloaded {
            at,
            agent: self.settings.agent.clone(),
            namespace: Arc::clone(&self.settings.namespace),
            what: reload.what,
            from: self.kept(reload.what, reload.from.clone()).await?,
            to: self.kept(reload.what, reload.to.clone()).await?,
        };
        self.journal.sync(line).await
    }
}

impl Core {
    /// Listens for what is read again from now on.
    pub(super) fn listen_for_reloads(&self, listener: &Arc<dyn ReloadListener>) {
        let started = self.in_force();
        self.policy.subscribe(Arc::downgrade(listener));
        self.directory.subscribe(Arc::downgrade(listener));
        // What was read again before that is not reported.
        for ((what, before), (_, now)) in started.into_iter().zip(self.in_force()) {
            if let Some(reload) = Reload::between(what, before, now) {
                self.reloaded(&reload);
            }
        }
    }

    fn in_force(&self) -> [(SourceKind, Option<Arc<Source>>); 2] {
        [(SourceKind::Policy, self.policy.source()), (SourceKind::Directory, self.directory.source())]
    }
}

impl ReloadListener for Core {
    fn reloaded(&self, reload: &Reload) {
        lock(&self.sources.reloads).push_back((self.clock.now(), reload.clone()));
        self.journal.nudge();
    }
}

fn same(one: Option<&Source>, other: Option<&Source>) -> bool {
    one.map(Source::digest) == other.map(Source::digest)
}
