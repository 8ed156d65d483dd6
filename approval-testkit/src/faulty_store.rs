//! Stores that break their contract on purpose, to test the tests.

mod changes;
mod relay;
mod store;
mod writing;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use approval_core::{
    clock::{Span, Timestamp},
    id::{ExecutorId, NoticeId, RequestId},
    store::{ChangeListener, Listeners, Store, StoreError, Stored},
};

use self::relay::Relay;

macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident => $case:literal,)+) => {
        /// One way to break the contract of a store.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Fault { $($(#[$doc])* $fault),+ }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$fault),+];

            /// The case of [`store_suite`](crate::store_suite) that finds it out.
            #[must_use]
            pub const fn found_by(self) -> &'static str {
                match self { $(Self::$fault => $case),+ }
            }
        }
    };
}

faults! {
    /// Writes over whatever version is there.
    IgnoresVersions => "a_stale_version_conflicts",
    /// Looks at the version, and writes a moment later.
    LooksThenWrites => "one_of_many_commits_on_a_version_wins",
    /// Gives a key to a second request.
    GivesKeysTwice => "a_key_belongs_to_one_request",
    /// Takes keys for equal that differ in white space.
    TrimsKeys => "keys_are_compared_byte_by_byte",
    /// Never looks at time bounds.
    IgnoresTime => "not_before_begins_at_its_moment",
    /// Still accepts at the moment at which a bound ends.
    ClosesTooLate => "not_after_ends_at_its_moment",
    /// Checks the time before the version.
    ChecksTimeFirst => "the_version_is_checked_first",
    /// Its time goes back.
    TurnsBackTime => "time_never_goes_back",
    /// Never looks at conditions.
    IgnoresConditions => "a_request_can_be_bound_to_a_record",
    /// Writes the records of a commit that it refuses.
    WritesHalfOfRefusals => "a_refused_commit_writes_nothing",
    /// Writes records and request one after the other.
    WritesInSteps => "a_dropped_commit_is_whole_or_nothing",
    /// Loses the last line of history of a commit that has several.
    LosesEvents => "a_commit_writes_all_of_it",
    /// Gives history back to front.
    ReversesHistory => "history_is_kept_in_order",
    /// Acknowledges first, and writes later.
    AcknowledgesEarly => "a_new_request_has_version_one",
    /// Gives out what it loaded first, for good.
    ServesStaleReads => "versions_count_up_by_one",
    /// Never tells listeners.
    ForgetsToTell => "listeners_hear_of_requests",
    /// Tells of changes before they are written.
    TellsEarly => "what_is_told_can_be_loaded",
    /// Tells of what it refused.
    TellsOfRefusals => "listeners_do_not_hear_of_refusals",
    /// Tells of an older change after a newer one.
    TellsOutOfOrder => "changes_of_a_request_are_told_in_order",
    /// Keeps listeners alive.
    KeepsListeners => "a_listener_that_is_gone_is_forgotten",
    /// Gives a claimed notice to the next one too.
    ClaimsTwice => "a_claimed_notice_is_nobody_elses_until_its_lease_ends",
    /// Never lets a lease end.
    KeepsLeases => "only_the_owner_settles",
    /// Gives what is due in any namespace.
    DueInAnyNamespace => "due_requests_of_other_namespaces_starve_nobody",
    /// Takes namespaces for equal that differ in case.
    FoldsNamespaces => "notices_of_other_namespaces_starve_nobody",
    /// Gives notices of any channel.
    ClaimsAnyChannel => "only_the_named_channels_are_claimed",
    /// Lets anybody settle a claimed notice.
    LetsAnybodySettle => "only_the_owner_settles",
    /// Forgets settlements.
    ForgetsSettlements => "a_settled_notice_is_not_claimed_again",
    /// Says that a page is the last when it is not.
    EndsListsEarly => "pages_follow_each_other",
    /// Counts every decision, whenever it was made.
    IgnoresTheRangeOfFigures => "figures_keep_to_their_range",
    /// Goes on counting what was decided as pending.
    KeepsDecidedPending => "figures_follow_the_requests",
    /// Begins every page at the beginning.
    ForgetsTheCursor => "pages_follow_each_other",
    /// Does not filter by executor.
    ForgetsAFilter => "filters_select",
    /// Takes a request for due a moment too early.
    HurriesDue => "a_request_is_due_from_its_moment_on",
    /// Does not say when the next request is due.
    ForgetsNextDue => "the_limit_cuts_what_is_due",
    /// Takes names of records for equal that differ in case.
    FoldsPrefixes => "records_are_listed_by_prefix",
    /// Does not count the writes of a record.
    ForgetsRecordVersions => "a_record_has_value_version_and_time",
    /// Puts lines between those that were appended together.
    ScattersJournal => "lines_appended_together_stay_together",
    /// Gives imported lines numbers of its own.
    NumbersImportsAnew => "imported_lines_keep_their_numbers",
    /// Does not name all whose history grew.
    PassesOverChanges => "every_grown_history_is_named",
    /// Says that there is no more when there is.
    EndsChangesEarly => "what_was_there_before_the_first_look_is_named",
    /// Goes on behind what is written at that moment.
    SkipsWhatIsWritten => "no_grown_history_is_passed_over",
    /// Names again what a removal made room for, and so passes over what comes.
    NumbersChangesAgain => "what_grows_after_a_removal_is_named",
    /// Removes whatever version is there.
    RemovesAnyVersion => "a_removal_is_bound_to_a_version",
    /// Says that it removed what it keeps.
    KeepsWhatIsRemoved => "a_removed_request_is_gone",
    /// Goes on after it was closed.
    StaysOpen => "a_closed_store_says_so",
}

/// A store with a fault, around a good one. For testing test suites; of no other use.
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    fault: Option<Fault>,
    /// Notified by this store itself, for faults about notifying.
    listeners: Arc<Listeners>,
    relay: Option<Arc<Relay>>,
    owners: Mutex<HashMap<NoticeId, ExecutorId>>,
    loaded: Mutex<HashMap<RequestId, Stored>>,
    kept: Mutex<Vec<Kept>>,
    readings: AtomicI64,
    removals: AtomicUsize,
}

/// A listener that should have been let go.
struct Kept(#[expect(dead_code, reason = "held, never looked at")] Arc<dyn ChangeListener>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl FaultyStore {
    /// A store that does what `inner` does, apart from its fault; without one it is as good as `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, fault: Option<Fault>) -> Self {
        let listeners = Arc::new(Listeners::new());
        let relay = matches!(fault, Some(Fault::TellsOutOfOrder)).then(|| {
            let relay = Arc::new(Relay::new(Arc::clone(&listeners)));
            inner.subscribe(Relay::weak(&relay));
            relay
        });
        Self {
            inner,
            fault,
            listeners,
            relay,
            owners: Mutex::default(),
            loaded: Mutex::default(),
            kept: Mutex::default(),
            readings: AtomicI64::new(0),
            removals: AtomicUsize::new(0),
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// The time, which goes back by a second at each look if that is the fault.
    fn distort(&self, now: Timestamp) -> Timestamp {
        if !self.has(Fault::TurnsBackTime) {
            return now;
        }
        let looks = self.readings.fetch_add(1, Ordering::Relaxed);
        approval_core::clock::after(now, Span::from_secs(-looks))
    }

    async fn load_distorted(&self, id: RequestId) -> Result<Option<Stored>, StoreError> {
        let found = self.inner.load(id).await?;
        if !self.has(Fault::ServesStaleReads) {
            return Ok(found);
        }
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(found.map(|stored| loaded.entry(id).or_insert(stored).clone()))
    }
}
