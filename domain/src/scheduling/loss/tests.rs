//! Losses as a table: who is lost when, who may be replaced when, and what makes everybody begin anew.

use uuid::Uuid;

use super::*;

fn agent(n: u128) -> AgentId {
    AgentId::from_uuid(Uuid::from_u128(n))
}

/// Agents by number, with the number of their last grant.
fn look(at: f64, grants: &[(u128, i64)]) -> Look {
    let agents = grants
        .iter()
        .map(|(n, grant)| Sighting {
            agent: agent(*n),
            granted_at: Time::from_micros(*grant),
            is_unheard: false,
            has_replaceable: true,
        })
        .collect();
    Look { at: Duration::from_secs_f64(at), was_deaf: false, agents }
}

/// A roll that has looked every second up to 10 s while agents `live` renewed; agent 1 was granted its last at 10 s.
fn roll(live: &[u128]) -> Roll {
    let mut roll = Roll::default();
    for second in 0..=10 {
        let grants: Vec<_> = live.iter().map(|n| (*n, second)).collect();
        roll.look(&look(second as f64, &grants));
    }
    roll
}

/// Looks on every second from 11 s to `until`; agent 1 is silent, the others renew.
fn go_on(roll: &mut Roll, until: i64, others: &[u128]) -> Losses {
    let mut last = Losses::default();
    for second in 11..=until {
        last = roll.look(&look(second as f64, &grants(second, others)));
    }
    last
}

fn grants(second: i64, others: &[u128]) -> Vec<(u128, i64)> {
    std::iter::once((1, 10)).chain(others.iter().map(|n| (*n, second))).collect()
}

#[test]
fn a_silent_agent_is_lost_after_its_lease_and_replaced_after_its_attempts_have_ended() {
    for (until, is_lost, is_gone) in
        [(24, false, false), (25, true, false), (35, true, false), (36, true, true), (99, true, true)]
    {
        let losses = go_on(&mut roll(&[1, 2, 3]), until, &[2, 3]);
        assert_eq!(losses.lost.contains(&agent(1)), is_lost, "{until}");
        assert_eq!(losses.gone.contains(&agent(1)), is_gone, "{until}");
        assert_eq!((losses.lost.len(), losses.held_back), (usize::from(is_lost), None));
    }
}

#[test]
fn an_agent_that_renews_is_back() {
    let mut roll = roll(&[1, 2]);
    assert_eq!(go_on(&mut roll, 30, &[2]).lost.len(), 1);
    let back = roll.look(&look(31.0, &[(1, 31), (2, 31)]));
    assert_eq!(back, Losses::default());
}

#[test]
fn whoever_was_deaf_gives_everybody_a_full_period() {
    let deaf = |roll: &mut Roll, at| {
        let look = Look { was_deaf: true, ..look(at, &grants(10, &[2])) };
        roll.look(&look)
    };
    let mut after = roll(&[1, 2]);
    for at in [20.0, 24.0, 28.0, 32.0, 36.0, 40.0] {
        assert_eq!(deaf(&mut after, at), Losses::default(), "{at}");
    }
    assert_eq!(after.look(&look(44.9, &grants(44, &[2]))), Losses::default());
    // It was stopped itself, and looks only after a minute.
    let mut stopped = roll(&[1, 2]);
    assert_eq!(stopped.look(&look(70.0, &grants(10, &[2]))), Losses::default());
    // It has just begun.
    assert_eq!(Roll::default().look(&look(70.0, &grants(10, &[2]))), Losses::default());
}

#[test]
fn an_agent_that_was_not_heard_is_not_silent() {
    let mut roll = roll(&[1, 2]);
    for second in 11..60 {
        let mut look = look(second as f64, &grants(second, &[2]));
        look.agents[0].is_unheard = true;
        assert_eq!(roll.look(&look), Losses::default());
    }
}

#[test]
fn a_silence_is_looked_into_until_it_is_settled() {
    let roll = roll(&[1, 2]);
    for (at, grant, is_overdue) in
        [(14, 10, false), (16, 10, true), (25, 10, true), (39, 10, true), (41, 10, false), (30, 11, false)]
    {
        let found = roll.is_overdue(agent(1), Time::from_micros(grant), Duration::from_secs(at));
        assert_eq!(found, is_overdue, "{at} {grant}");
    }
}

#[test]
fn more_than_half_at_once_are_not_replaced() {
    for (others, held_back) in [(&[][..], Some(HeldBack { lost: 1, of: 1 })), (&[2], None), (&[2, 3], None)] {
        let all: Vec<u128> = [1].iter().chain(others).copied().collect();
        let losses = go_on(&mut roll(&all), 40, others);
        assert_eq!((losses.gone.len(), losses.held_back), (usize::from(held_back.is_none()), held_back));
        assert_eq!(losses.lost.len(), 1, "it is lost all the same");
    }
    // Of three, two fall silent at once.
    let mut roll = roll(&[1, 2, 3]);
    let mut losses = Losses::default();
    for second in 11..=40 {
        losses = roll.look(&look(second as f64, &[(1, 10), (2, 10), (3, second)]));
    }
    assert_eq!((losses.gone.len(), losses.held_back), (0, Some(HeldBack { lost: 2, of: 3 })));
}

#[test]
fn agents_that_have_long_been_away_with_nothing_to_replace_count_for_nobody() {
    let mut roll = Roll::default();
    let mut losses = Losses::default();
    for second in 0..=60 {
        // 2 and 3 were never live while this scheduler looked.
        let granted = if second <= 10 { second } else { 10 };
        let mut look = look(second as f64, &[(1, granted), (2, 0), (3, 0), (4, second)]);
        look.agents[1].has_replaceable = false;
        look.agents[2].has_replaceable = false;
        losses = roll.look(&look);
    }
    assert_eq!((losses.lost.len(), losses.held_back), (3, None));
    assert!(losses.gone.contains(&agent(1)));
}
