//! The one table of cases: the list, and the macro that makes a test of each.

use super::{
    Case, atomic, changes, close, concurrency, conditions, due, durability, figures, history, hostile,
    journal, listeners, listing, notices, precedence, records, rows, time,
};

macro_rules! cases {
    ($d:tt $($group:ident { $($name:ident: $promise:literal,)+ })+) => {
        /// Every case, with the promise that it tests.
        pub const CASES: &[Case] = &[
            $($(Case { name: stringify!($name), promise: $promise, run: |env| Box::pin($group::$name(env)) },)+)+
        ];

        /// Writes one `#[test]` for each case of [`CASES`](crate::store_suite::CASES), which runs it on a store of the
        /// [`StoreFactory`](crate::store_suite::StoreFactory) that the expression gives.
        #[macro_export]
        macro_rules! store_conformance {
            ($d factory:expr) => {
                $($(
                    #[test]
                    fn $name() -> ::core::result::Result<(), $crate::store_suite::BoxError> {
                        $crate::store_suite::run_named(stringify!($name), &$d factory)
                    }
                )+)+
            };
        }
    };
}

cases! { $
    rows {
        a_new_request_has_version_one: "a new request has version 1",
        versions_count_up_by_one: "each write makes the next version",
        load_gives_back_what_was_written: "what is loaded equals what was written",
        load_of_an_unknown_id_finds_nothing: "an unknown id finds nothing",
        a_stale_version_conflicts: "a commit on an older version is refused, and shows what there is",
        a_version_to_come_conflicts: "a commit on a version that was never written is refused",
        an_update_of_nothing_conflicts: "a commit on a request that is not there is refused",
        a_second_creation_conflicts: "an id is created once",
        a_key_finds_its_request: "a key finds its request",
        a_key_belongs_to_one_request: "a second creation with one key is refused, and shows the owner of the key",
        a_key_stays_with_a_decided_request: "a key stays taken when its request is decided",
        keys_are_compared_byte_by_byte: "keys that differ in any byte are different keys",
        requests_without_a_key_do_not_clash: "requests without a key do not clash",
    }
    time {
        not_before_begins_at_its_moment: "a commit is refused before `not_before` and accepted from that moment on",
        not_after_ends_at_its_moment: "a commit is accepted before `not_after` and refused from that moment on",
        bounds_hold_for_requests: "time bounds hold for creations and updates",
        a_commit_tells_the_time_of_the_write: "a commit is dated by the store's clock",
        time_never_goes_back: "its time stands still while its clock is behind",
        a_clock_set_back_revives_nothing: "what was too late once is too late for good",
        time_never_goes_back_over_a_restart: "its time does not go back over a restart",
    }
    precedence {
        the_version_is_checked_first: "the version is checked before time and conditions",
        the_key_is_checked_before_the_time: "the key is checked before time and conditions",
        the_time_is_checked_before_conditions: "the time is checked before conditions",
    }
    conditions {
        absent_holds_while_there_is_no_record: "`Absent` holds if and only if there is no such record",
        present_holds_while_there_is_a_record: "`Present` holds if and only if there is such a record",
        version_holds_for_that_version: "`Version` holds for that version alone",
        every_condition_must_hold: "one condition that does not hold refuses the commit, and is named",
        conditions_see_records_before_the_writes: "conditions are checked before the writes of the same commit",
        a_request_can_be_bound_to_a_record: "a change of a request is refused by its condition",
    }
    atomic {
        a_commit_writes_all_of_it: "row, history, notices and records of a commit are all written",
        a_refused_commit_writes_nothing: "a refused commit leaves no trace",
        a_refusal_spares_its_neighbours: "a refused commit does not harm others at the same time",
        a_malformed_commit_is_an_error: "a commit that is no single change is an error and leaves no trace",
    }
    listing {
        an_empty_store_lists_nothing: "an empty store lists nothing",
        a_list_is_in_the_order_of_opening: "lists are in the order of ids, either way",
        pages_follow_each_other: "pages together hold each request once",
        a_page_goes_on_after_any_id: "a page begins after its cursor, whether there is such a request or not",
        a_list_shows_the_latest_state: "lists show the latest version",
        filters_select: "each filter selects what it says, together with the others",
        filters_follow_changes: "filters follow the changes of a request",
        the_time_of_opening_selects: "`created_from` is included, `created_before` is not",
    }
    due {
        nothing_is_due_without_a_due_time: "a request without a due time is never due",
        a_request_is_due_from_its_moment_on: "a request is due from its moment on, and before that is announced",
        the_longest_due_comes_first: "the longest due comes first, and the next one is announced",
        the_limit_cuts_what_is_due: "when the limit cuts, the next due time is that of the first one left out",
        the_due_time_follows_changes: "the due time follows the changes of a request",
        many_may_be_due_at_one_moment: "requests due at one moment are all given",
        due_requests_of_other_namespaces_starve_nobody: "what is due in other namespaces is not given, and takes no room",
    }
    history {
        an_unknown_request_has_no_history: "an unknown request has no history",
        history_is_kept_in_order: "history is whole and in order",
        lines_are_kept_to_the_byte: "lines of history come back byte for byte",
        a_change_may_have_no_line: "a change without a line of history is written",
    }
    notices {
        a_notice_is_claimed_as_it_was_written: "a notice is claimed as it was written",
        an_empty_outbox_gives_nothing: "an empty outbox gives nothing",
        a_claimed_notice_is_nobody_elses_until_its_lease_ends: "a claimed notice is no other owner's until its lease ends",
        a_notice_is_claimed_from_its_moment_on: "a notice is claimed from its moment on",
        only_the_named_channels_are_claimed: "only notices of the named channels are claimed",
        the_limit_cuts_a_claim: "a claim gives no more than its limit, and says that there is more",
        the_notices_of_a_request_come_oldest_first: "the notices of a request come oldest first",
        a_settled_notice_is_not_claimed_again: "a settled notice is not claimed again",
        a_notice_that_is_put_back_waits_for_its_time: "a notice that is put back can be claimed at its time",
        only_the_owner_settles: "a settlement counts if it is by the present owner",
        the_owner_may_settle_late: "an owner may settle after the lease, as long as no other owner took it over",
        settlements_of_unknown_notices_are_ignored: "settlements of unknown notices are ignored, the others count",
        a_commit_may_claim_its_notices: "where a commit claims its notices, the owner is handed them and no other owner gets them until its lease ends",
        each_notice_has_one_owner: "of many claims at once each notice goes to one",
        notices_of_other_namespaces_starve_nobody: "waiting notices of other namespaces are not given, and take no room",
        a_notice_has_the_namespace_of_its_request: "a notice is found in the namespace of its request, however it is written",
    }
    records {
        a_record_has_value_version_and_time: "a record has the value, version and time of its last write",
        a_removed_record_is_gone: "a removed record is gone, and begins anew at version 1",
        records_are_listed_in_the_order_of_bytes: "records are listed in the order of the bytes of their names",
        records_are_listed_by_prefix: "a prefix is plain text without wildcards",
        records_are_listed_a_page_at_a_time: "pages of records together hold each record once",
        one_commit_writes_several_records: "one commit writes and removes several records",
        one_commit_writes_large_records: "one commit writes eight records of 256 KiB, which are listed together",
    }
    journal {
        an_empty_journal_has_no_lines: "an empty journal has no lines",
        the_journal_keeps_its_order: "the journal keeps its order and numbers it from 1",
        the_journal_is_read_a_page_at_a_time: "pages of the journal together hold each line once",
        every_kind_of_line_is_kept: "every kind of line comes back as it was",
        lines_appended_together_stay_together: "lines appended together stay together",
        imported_lines_keep_their_numbers: "imported lines keep the numbers that they had, if the store can do that",
    }
    changes {
        every_grown_history_is_named: "every request whose history grew is named",
        what_was_there_before_the_first_look_is_named: "what was written before anybody looked is named too, a page at a time",
        no_grown_history_is_passed_over: "a follower of the changes passes nothing over, however many write",
        histories_grown_in_other_stores_are_named: "what other stores write on the same data is named",
        a_removed_request_is_gone: "a removed request is gone with its key, history and notices",
        a_removal_is_bound_to_a_version: "a removal of another version is refused, and shows what there is",
        what_grows_after_a_removal_is_named: "what grows after a removal is named",
        listeners_hear_of_removals: "listeners hear of removals",
    }
    figures {
        figures_follow_the_requests: "figures follow the requests, and count each decision once",
        figures_keep_to_their_range: "figures count decisions from the beginning of their range to before its end",
        figures_count_what_other_stores_wrote: "figures count what other stores write on the same data",
    }
    listeners {
        listeners_hear_of_requests: "listeners hear of each new version of a request",
        listeners_hear_of_notices: "listeners hear of notices that can be claimed",
        listeners_hear_of_records: "listeners hear of records written and removed",
        listeners_do_not_hear_of_refusals: "listeners do not hear of what was refused",
        changes_of_a_request_are_told_in_order: "the versions of a request are reported in order",
        what_is_told_can_be_loaded: "what is reported can be loaded",
        every_listener_hears: "every listener hears",
        a_listener_that_is_gone_is_forgotten: "a listener that is gone is forgotten",
        listeners_hear_of_other_stores: "listeners hear what other stores write on the same data",
    }
    concurrency {
        one_of_many_commits_on_a_version_wins: "of many commits on one version one is written",
        the_losers_see_the_winner: "the losers are shown what the winner wrote",
        one_of_many_creations_with_a_key_wins: "of many creations with one key one is written",
        no_count_is_lost: "no increment by compare-and-set is lost",
        commits_on_different_requests_do_not_disturb_each_other: "commits on different requests do not disturb each other",
        a_condition_and_its_record_do_not_race: "a commit after a record was written sees it in its conditions",
        a_dropped_commit_is_whole_or_nothing: "a commit whose future is dropped is written whole or not at all",
        readers_see_whole_commits: "readers see whole commits, and never an older one after a newer one",
    }
    durability {
        everything_survives_a_restart: "requests, keys, history, notices and records survive a restart",
        leases_survive_a_restart: "leases and settlements survive a restart",
        the_journal_survives_a_restart: "the journal survives a restart and counts on",
        what_was_acknowledged_is_there_without_closing: "what was acknowledged is seen by other stores at once",
        two_stores_do_not_both_win: "of two stores that write one version one wins",
    }
    close {
        a_closed_store_says_so: "every call on a closed store fails with `Closed`, and closing twice does no harm",
        closing_finishes_what_was_begun: "what is acknowledged while closing is kept",
    }
    hostile {
        hostile_texts_are_only_texts: "texts are kept and compared as they are, whatever they look like",
        large_arguments_are_kept_whole: "a megabyte is kept whole",
        a_commit_may_have_many_rows: "a commit of 64 rows is written",
        what_cannot_be_read_is_an_error: "a document with an unknown status, or none at all, is an error",
        one_bad_document_does_not_keep_others_from_being_due: "a document that cannot be read does not keep others from being due",
    }
}
