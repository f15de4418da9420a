//! Overflow: examples, and that no run flaps whatever opens and closes.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::confine::Confinement;
use super::super::places::tests::{NOW, on, paused, place, routing};
use super::*;
use crate::compile::Routing;
use crate::feature::Features;

fn at(seconds: u64) -> Time {
    NOW.plus(Duration::from_secs(seconds))
}

/// Leases that don't end within a test.
fn places() -> Vec<Destination> {
    [(1, "q"), (2, "q"), (3, "q")].map(|(agent, name)| live(place(agent, name, &[]))).to_vec()
}

fn live(place: Destination) -> Destination {
    on(place, |host| host.lease_until = Some(at(1_000_000)))
}

fn decide<'a>(
    asked: &Routing,
    stay: &Stay,
    all: &'a [Destination],
    now: Time,
    room: &[&str],
) -> (Option<&'a Destination>, String) {
    let confinement = Confinement::default();
    let demands = Demands { routing: asked, needs: Features::default(), confinement: &confinement };
    match next_place(demands, stay, all, now, |place| room.contains(&place.to_string().as_str())) {
        Next::Moves { to, why } => (Some(to), why),
        other => (None, format!("{other:?}")),
    }
}

fn stay(queue: QueueId) -> Stay {
    Stay { queue, since: NOW, left: BTreeMap::new() }
}

#[test]
fn a_run_that_has_waited_for_long_goes_to_the_next_that_has_room_and_not_before() {
    let all = places();
    let asked = routing(&["a1/q", "a2/q", "a3/q"], &[]);
    let stay = stay(all[0].queue);
    let room = &["a1/q", "a2/q", "a3/q"];
    assert_eq!(decide(&asked, &stay, &all, at(59), room).0, None);
    let (to, why) = decide(&asked, &stay, &all, at(60), room);
    assert_eq!((to, why.as_str()), (Some(&all[1]), "it waited for 60 s in a1/q"));
    assert_eq!(decide(&asked, &stay, &all, at(60), &["a3/q"]).0, Some(&all[2]));
    assert_eq!(decide(&asked, &stay, &all, at(900), &["a1/q"]).0, None, "no other has room");
    let never = [Destination { overflow_after: None, ..all[0].clone() }, all[1].clone()];
    assert_eq!(decide(&asked, &stay, &never, at(900), room).0, None);
}

#[test]
fn it_leaves_at_once_what_is_closed_also_for_one_without_room() {
    let all = places();
    let asked = routing(&["a1/q", "a2/q", "a3/q"], &[]);
    for (closed, said) in [
        (paused(all[0].clone()), "queue a1/q is paused: upgrade"),
        (on(all[0].clone(), |host| host.is_away = true), "agent a1 is away"),
        (on(all[0].clone(), |host| host.is_closed = true), "agent a1 takes nothing new"),
    ] {
        let stay = stay(closed.queue);
        let mut all = all.clone();
        all[0] = closed;
        let (to, why) = decide(&asked, &stay, &all, NOW, &["a3/q"]);
        assert_eq!((to, why.as_str()), (Some(&all[2]), said));
        assert_eq!(
            decide(&asked, &stay, &all, NOW, &[]).0,
            Some(&all[1]),
            "better than where nothing starts"
        );
        all[1] = paused(all[1].clone());
        all[2] = on(all[2].clone(), |host| host.lease_until = None);
        assert_eq!(decide(&asked, &stay, &all, NOW, &[]).0, None, "nothing is open");
    }
}

#[test]
fn it_leaves_what_its_project_may_not_use_any_more() {
    let all = places();
    let asked = routing(&["a1/q", "a2/q"], &[]);
    let confinement = Confinement { agents: vec!["a2".parse().unwrap()], ..Confinement::default() };
    let demands = Demands { routing: &asked, needs: Features::default(), confinement: &confinement };
    let next = next_place(demands, &stay(all[0].queue), &all, NOW, |_| true);
    let why = "its project is confined to the agents a2".to_owned();
    assert_eq!(next, Next::Moves { to: &all[1], why });
    assert_eq!(next_place(demands, &stay(all[1].queue), &all, at(900), |_| true), Next::Overflows(at(60)));
}

#[test]
fn a_run_without_a_choice_and_one_that_was_moved_by_hand_stay() {
    let all = places();
    let closed = [paused(all[0].clone()), all[1].clone(), all[2].clone()];
    for asked in [routing(&["a1/q"], &[]), routing(&[], &[]), routing(&["a2/q", "a3/q"], &[])] {
        assert_eq!(decide(&asked, &stay(all[0].queue), &closed, at(900), &["a2/q", "a3/q"]).0, None);
    }
}

#[test]
fn the_outlook_says_what_is_decided() {
    let all = places();
    let asked = routing(&["a1/q", "a2/q"], &[]);
    let confinement = Confinement::default();
    let demands = Demands { routing: &asked, needs: Features::default(), confinement: &confinement };
    let told = |now, room: bool| outlook(demands, &stay(all[0].queue), &all, now, |_| room).unwrap();
    assert_eq!(told(NOW, true).candidates, ["a1/q", "a2/q"]);
    assert_eq!(told(NOW, true).overflow_at, Some(at(60)));
    let late = told(at(61), false);
    assert_eq!(late.message, "it moves as soon as another of its queues is open and has room");
    assert!(told(at(61), true).message.starts_with("it is about to move to a2/q: it waited for 61 s"));
    let unchosen = Demands { routing: &routing(&[], &[]), ..demands };
    assert_eq!(outlook(unchosen, &stay(all[0].queue), &all, NOW, |_| true), None);
}

proptest! {
    #[test]
    fn no_run_comes_back_to_a_queue_before_its_patience_has_passed(
        patience in vec(prop_oneof![Just(None), (1_u64..60).prop_map(Some)], 3),
        steps in vec((0_u64..20, any::<[bool; 3]>(), any::<[bool; 3]>()), 1..60),
    ) {
        let mut all = places();
        for (place, seconds) in all.iter_mut().zip(&patience) {
            place.overflow_after = seconds.map(Duration::from_secs);
        }
        let asked = routing(&["a1/q", "a2/q", "a3/q"], &[]);
        let confinement = Confinement::default();
        let demands = Demands { routing: &asked, needs: Features::default(), confinement: &confinement };
        let (mut now, mut stay) = (NOW, stay(all[0].queue));
        let mut entered = BTreeMap::from([(stay.queue, NOW)]);
        for (wait, closes, room) in steps {
            now = now.plus(Duration::from_secs(wait));
            let world: Vec<Destination> = all
                .iter()
                .zip(closes)
                .map(|(place, closes)| if closes { paused(place.clone()) } else { place.clone() })
                .collect();
            let has_room = |asked: &Destination| {
                all.iter().zip(room).any(|(place, room)| room && place.queue == asked.queue)
            };
            if let Next::Moves { to, .. } = next_place(demands, &stay, &world, now, has_room) {
                prop_assert!(to.is_open(now) && to.queue != stay.queue);
                let patience = to.overflow_after.unwrap_or(OVERFLOW_AFTER);
                if let Some(before) = entered.insert(to.queue, now) {
                    prop_assert!(now.since(before) >= patience, "back after {:?}", now.since(before));
                }
                stay = Stay { queue: to.queue, since: now, left: stay.leave(now) };
            }
        }
    }
}

#[test]
fn a_queue_has_room_for_what_its_limits_leave_beside_what_is_about_to_start() {
    let now = Time::from_micros(0).plus(Duration::from_secs(60));
    let slots = |limit, used| Limit { limit, used };
    let rooms = |waiting, oldest| room(slots(Some(5), 1), slots(Some(9), 7), waiting, oldest, now);
    assert_eq!((rooms(0, None), rooms(1, Some(now)), rooms(3, Some(now))), (2, 1, 0));
    let stuck = Time::from_micros(0).plus(Duration::from_secs(55));
    assert_eq!(rooms(1, Some(stuck)), 0);
    let none = slots(None, 0);
    assert_eq!(room(none, none, 0, None, now), u32::MAX);
    assert_eq!(room(none, slots(Some(2), 3), 0, None, now), 0, "the limit was lowered");
}
