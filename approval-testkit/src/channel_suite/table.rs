//! The one table of cases: the list, and the macro that makes a test of each.

use super::{Case, deciding, delivering, editing, ending, failing, refusing, showing};

macro_rules! cases {
    ($d:tt $($group:ident { $($name:ident: $promise:literal,)+ })+) => {
        /// Every case, with the promise that it tests.
        pub const CASES: &[Case] = &[
            $($(Case { name: stringify!($name), promise: $promise, run: |env| Box::pin($group::$name(env)) },)+)+
        ];

        /// Writes one `#[test]` for each case of [`CASES`](crate::channel_suite::CASES), which runs it on a channel of the
        /// [`ChannelFactory`](crate::channel_suite::ChannelFactory) that the expression gives.
        #[macro_export]
        macro_rules! channel_conformance {
            ($d factory:expr) => {
                $($(
                    #[test]
                    fn $name() -> ::core::result::Result<(), $crate::channel_suite::BoxError> {
                        $crate::channel_suite::run_named(stringify!($name), &$d factory)
                    }
                )+)+
            };
        }
    };
}

cases! { $
    delivering {
        a_channel_has_one_name: "its name is not empty and stays the same",
        people_are_reached_and_programs_are_not: "it reaches the people behind it, and no agent or service",
        every_kind_of_notice_is_taken: "it takes every kind of notice",
        a_notice_may_come_twice: "a notice that is delivered again does no harm, and one answer is one vote",
        a_notice_may_come_again_after_the_decision: "a notice that comes after the decision does no harm",
        an_earlier_message_is_brought_up_to_date: "it brings messages up to date, as often as it is asked to",
    }
    showing {
        people_see_what_they_decide_on: "people see the action, its description, the agent, the risk and every argument",
        hidden_characters_are_made_visible: "nothing that it shows has hidden characters",
        long_arguments_are_shown_whole_or_not_decided_on: "what is not shown whole cannot be decided on",
        redacted_values_stay_secret: "people are shown what is redacted, and do not see its value",
        people_see_edited_arguments: "people see the arguments as they are after an edit",
        people_see_what_comes_along: "people see what is attached, with the digest or address that they approve, and the preview",
        people_see_a_question: "people see a question and its options",
    }
    deciding {
        an_approval_counts: "an approval is a vote of the person, through this channel",
        a_rejection_counts: "a rejection counts, with its reason",
        two_people_make_a_quorum: "the votes of two people are two votes",
        requests_are_told_apart: "an answer is about the request that was shown, and about no other",
        an_approval_comes_through_a_manager: "put into a manager, it asks and brings back the decision",
    }
    editing {
        an_edit_counts: "an edited argument is what is approved",
        an_edit_that_is_not_allowed_is_refused: "an argument that may not be edited stays",
        an_answer_counts: "the answer to a question decides it",
        a_wrong_answer_is_refused: "an answer of the wrong type decides nothing",
    }
    refusing {
        whoever_may_not_decide_is_refused: "the answer of a person who may not decide does not count",
        other_arguments_are_refused: "an answer about arguments that were changed since does not count",
        an_answer_after_the_decision_changes_nothing: "an answer after the decision changes nothing",
        an_answer_after_the_deadline_changes_nothing: "an answer after the deadline changes nothing",
    }
    failing {
        a_broken_way_changes_nothing: "when people cannot be reached, nothing is decided, and delivering comes to an end",
        a_broken_way_is_survived_by_a_manager: "when people cannot be reached, a manager goes on, and others can decide",
    }
    ending {
        stopping_ends_deliveries: "after `stop`, a delivery under way comes to an end",
        nothing_counts_after_the_stop: "after `stop`, no answer counts",
        stopping_is_harmless: "`stop` is harmless before the start and when it is called twice",
        a_manager_shuts_down_while_people_are_asked: "a manager shuts down while people are asked, and the request lives on",
    }
}
