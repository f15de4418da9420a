//! What the store promises, run against SQLite and against a real PostgreSQL: one suite, both databases.

#![expect(clippy::unwrap_used, reason = "a test that fails here should say where")]

mod admission;
mod changes;
mod claimant;
mod credentials;
mod crud;
mod dead_letters;
mod facade;
mod history;
mod holds;
mod keeping;
mod leases;
mod limits;
mod losses;
mod plans;
mod preemption;
mod restore;
mod routing;
mod runs;
mod schema;
mod transitions;
mod trouble;
mod warnings;
mod world;

/// Runs each scenario on both databases.
macro_rules! on_both {
    ($($module:ident :: $scenario:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                let (store, _folder) = crate::world::sqlite().await;
                crate::$module::$scenario(&store).await;
                store.close().await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                let store = crate::world::postgres().await;
                crate::$module::$scenario(&store).await;
                store.close().await;
            })*
        }
    };
}

on_both! {
    crud::a_project_lives_and_goes,
    crud::an_agent_comes_with_a_default_queue,
    crud::a_queue_with_unfinished_runs_stays,
    crud::defaults_are_kept_changed_and_cleared,
    crud::lists_go_on_where_they_ended,
    claimant::what_claims_are_judged_by_is_read_at_once,
    credentials::the_generation_before_stays_and_what_is_older_goes,
    credentials::generations_made_at_once_are_all_counted,
    credentials::what_was_retired_is_gone_and_its_number_is_not_used_again,
    credentials::they_go_with_their_agent,
    history::what_happens_is_counted_once_in_every_resolution,
    history::an_idle_step_is_told_from_one_that_nobody_measured,
    history::each_resolution_is_kept_for_its_range_and_then_forgotten,
    holds::what_is_drained_lets_nothing_in_and_what_is_paused_does,
    holds::what_is_for_a_time_ends_with_it_and_the_rest_stays,
    leases::a_second_identity_is_refused_until_the_name_is_released,
    leases::a_lease_ends_with_its_last_replica,
    leases::nodes_are_kept_until_others_are_said,
    losses::a_loss_is_news_once_and_over_with_the_next_lease,
    losses::what_may_go_elsewhere_is_found_and_moved,
    leases::the_newest_lease_says_what_the_agent_is_under_an_operators_word,
    runs::a_run_is_read_as_it_was_written,
    runs::two_hundred_at_once_share_few_commits,
    runs::one_bad_run_fails_alone,
    runs::keyset_pages_neither_skip_nor_repeat_while_runs_come,
    runs::filters_find_what_they_say,
    runs::a_text_is_found_in_few_names_and_in_many,
    runs::a_patch_merges_or_replaces,
    transitions::of_many_racing_claims_one_wins,
    transitions::a_decision_writes_conditions_changes_and_audit,
    facade::a_turn_is_one_replicas_until_it_lapses_or_ends,
    facade::runs_are_told_of_by_agent_and_by_what_befell_them,
    dead_letters::a_poisoned_run_is_one_letter_however_often_it_fails,
    dead_letters::a_message_is_kept_as_it_was_and_counted,
    dead_letters::letters_are_found_by_reason_place_and_time,
    dead_letters::a_replayed_run_goes_on_with_its_letter_gone_or_neither,
    transitions::due_runs_come_when_their_time_has_come,
    admission::parallel_admitters_never_pass_a_limit,
    admission::lanes_show_the_first_by_priority_and_age,
    admission::a_place_in_the_queue_is_exact,
    admission::requests_of_all_replicas_that_live_are_added_up,
    admission::a_run_that_its_agent_cant_do_waits_and_others_go_past_it,
    preemption::whoever_goes_before_others_has_them_make_room,
    limits::a_quota_is_taken_by_what_holds_a_slot_and_given_back_at_its_end,
    limits::a_project_has_quotas_over_all_its_queues,
    limits::what_any_limit_holds_back_is_not_counted_as_admissible,
    limits::a_rate_holds_over_any_period,
    limits::shares_go_on_where_they_were,
    limits::a_full_backlog_takes_no_more_until_some_of_it_has_started,
    limits::a_place_counts_all_lanes_of_a_queue,
    limits::a_pipeline_limits_the_runs_that_belong_to_it_and_no_others,
    limits::what_held_runs_back_is_remembered_by_lane_as_it_begins_and_ends,
    limits::starts_of_a_queue_are_remembered_and_tell_when_a_run_starts,
    routing::a_moved_run_waits_in_the_lane_that_its_new_queue_has_for_it,
    routing::a_confinement_is_kept_changed_and_told_to_admission,
    routing::an_organizations_rules_are_kept_and_changed_one_by_one,
    routing::a_queue_has_room_for_what_its_limits_leave_as_long_as_nothing_waits_there_for_long,
    routing::runs_that_have_a_choice_are_found_by_how_long_they_wait_where_they_are,
    changes::no_change_is_skipped_while_many_commit,
    changes::an_old_cursor_is_told_to_begin_anew,
    keeping::what_is_old_goes_in_batches,
    keeping::what_an_agent_keeps_of_gone_runs_is_noted_until_it_has_forgotten_them,
    keeping::an_idempotency_key_gets_the_first_answer_again,
    keeping::a_token_holds_until_it_is_revoked_or_expires,
    keeping::of_two_markers_one_wins,
    restore::a_restored_store_starts_nothing_until_every_agent_has_told_what_it_holds,
    restore::an_agent_that_is_gone_holds_a_restore_up_until_somebody_says_so,
    schema::migrating_again_and_at_once_changes_nothing,
    plans::the_cost_of_choosing_is_that_of_the_lanes,
    warnings::offers_that_fail_are_known_since_the_first_failure_until_they_are_made,
    warnings::runs_that_are_claimed_in_vain_are_counted,
    warnings::runs_of_which_nothing_is_heard_between_two_statuses_are_counted,
    warnings::what_a_limit_holds_back_is_known_and_what_waits_for_its_turn_is_not_held_back,
}
