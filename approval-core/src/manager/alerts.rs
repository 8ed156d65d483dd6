//! The worker that notices when people do not answer any more.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{Core, runtime::back_off};
use crate::{
    clock::{Span, after},
    lifecycle::{is_told_again, timeout_spike},
    model::{Dimension, StatsQuery, TimeoutSpike, TimeoutWatch},
    store::{Commit, CommitOutcome, Condition, JournalLine, RecordName, RecordWrite, StoreError},
};

/// It is looked at least so often.
const LONGEST_NAP: Span = Span::from_secs(60);
/// And at most so often.
const SHORTEST_NAP: Span = Span::from_secs(1);

/// Who is notified of spikes.
pub(crate) type OnSpike = Arc<dyn Fn(&TimeoutSpike) + Send + Sync>;

/// What is looked for, and who is notified.
#[derive(Clone)]
pub(crate) struct Alerts {
    pub(crate) watch: TimeoutWatch,
    pub(crate) on_spike: OnSpike,
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alerts").field("watch", &self.watch).finish_non_exhaustive()
    }
}

/// Looks until the manager stops.
pub(crate) async fn run(core: Arc<Core>, alerts: Alerts) {
    let mut failures = 0_u32;
    let pace = (alerts.watch.window / 10).clamp(SHORTEST_NAP, LONGEST_NAP);
    while !core.stop.is_stopped() {
        let nap = match turn(&core, &alerts).await {
            Ok(()) => {
                failures = 0;
                pace
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::error!(%error, failures, "time-outs could not be counted; it is tried again");
                back_off(SHORTEST_NAP, failures)
            }
        };
        let wake = after(core.clock.now(), nap);
        tokio::select! {
            () = core.clock.sleep_until(wake) => {}
            () = core.stop.stopped() => {}
        }
    }
}

async fn turn(core: &Core, alerts: &Alerts) -> Result<(), StoreError> {
    let now = core.now().await?;
    let begin = after(now, -alerts.watch.window);
    let mut query = StatsQuery {
        namespace: Some(core.settings.namespace.clone()),
        by: vec![Dimension::Action],
        decided_from: Some(begin),
        ..StatsQuery::default()
    };
    let recent = core.store.stats(&query).await?.by_action;
    if recent.values().all(|figures| figures.timeouts() == 0) {
        return Ok(());
    }
    query.decided_from = Some(after(begin, -alerts.watch.usual));
    query.decided_before = Some(begin);
    let usual = core.store.stats(&query).await?.by_action;
    for (action, recent) in &recent {
        let usual = usual.get(action).copied().unwrap_or_default();
        let Some(spike) = timeout_spike(&alerts.watch, action, recent, &usual, now) else { continue };
        if !is_first(core, &spike).await? {
            continue;
        }
        tracing::warn!(action = %spike.action, timeouts = spike.timeouts, of = spike.of, "{spike}");
        core.store.append_journal(vec![JournalLine::TimeoutSpike(spike.clone())]).await?;
        // Code of the application: it must not end the watch.
        if catch_unwind(AssertUnwindSafe(|| (alerts.on_spike)(&spike))).is_err() {
            tracing::error!(action = %spike.action, "the callback about a spike of time-outs panicked");
        }
    }
    Ok(())
}

/// Whether no process alerted about this action within the window; if so, it is noted that this one does.
async fn is_first(core: &Core, spike: &TimeoutSpike) -> Result<bool, StoreError> {
    let name = RecordName::new(format!("alert/timeouts/{}/{}", core.settings.namespace, spike.action));
    let found = core.store.record(&name).await?;
    if let Some(record) = &found {
        let last: TimeoutSpike = serde_json::from_slice(&record.value).map_err(|e| {
            StoreError::unreadable(format!("the last alert about {} cannot be read: {e}", spike.action))
        })?;
        if !is_told_again(&last, spike) {
            return Ok(false);
        }
    }
    let value = serde_json::to_vec(spike)
        .map_err(|e| StoreError::unreadable(format!("an alert cannot be written: {e}")))?;
    let condition = match &found {
        Some(record) => Condition::Version(name.clone(), record.version),
        None => Condition::Absent(name.clone()),
    };
    let commit = Commit {
        conditions: vec![condition],
        writes: vec![RecordWrite { name, value: Some(value) }],
        ..Commit::default()
    };
    Ok(matches!(core.store.commit(commit).await?, CommitOutcome::Committed { .. }))
}
