//! Where new runs go, and what those hear that have nowhere to go.

use proptest::prelude::*;

use super::super::places::tests::{NOW, on, paused, place, routing};
use super::*;
use crate::reported::Reported;

/// What is set where a test says nothing.
#[derive(Default)]
struct Set {
    project_default: Option<&'static str>,
    organization_default: Option<&'static str>,
    confinement: Confinement,
    rules: Vec<RoutingRule>,
}

impl Set {
    fn house<'a>(&'a self, places: &'a [Destination]) -> House<'a> {
        House {
            project: "p",
            project_default: self.project_default,
            confinement: &self.confinement,
            organization_default: self.organization_default,
            rules: &self.rules,
            places,
        }
    }
}

fn places() -> Vec<Destination> {
    let eu: &[(&str, &str)] = &[("region", "eu")];
    vec![
        place(1, "default", &[]),
        place(1, "fast", &[]),
        place(2, "default", eu),
        place(2, "gpu", eu),
        place(3, "default", eu),
    ]
}

fn ask(routing: &Routing, set: &Set, places: &[Destination]) -> Result<Vec<String>, NoRoute> {
    asking(routing, Features::default(), set, places)
}

fn asking(
    routing: &Routing,
    needs: Features,
    set: &Set,
    places: &[Destination],
) -> Result<Vec<String>, NoRoute> {
    let (labels, demand) = (Labels::new(), Demand::default());
    let run = Applicant { routing, needs, labels: &labels, kind: "job", demand: &demand };
    let found = route(run, set.house(places), NOW)?;
    Ok(found.candidates.iter().map(ToString::to_string).collect())
}

fn to(queues: &[&str]) -> Vec<RoutingRule> {
    let queues = queues.iter().map(|queue| queue.parse().unwrap()).collect();
    vec![RoutingRule { matches: Default::default(), queues }]
}

fn confined(queues: &[&str], agents: &[&str], namespaces: &[&str]) -> Confinement {
    Confinement {
        queues: queues.iter().map(|text| text.parse().unwrap()).collect(),
        agents: agents.iter().map(|text| text.parse().unwrap()).collect(),
        namespaces: namespaces.iter().map(|text| text.parse().unwrap()).collect(),
    }
}

#[test]
fn whoever_is_nearer_to_the_run_says_where_it_goes() {
    let places = places();
    let mut set = Set::default();
    let nothing = Routing::default();
    assert_eq!(ask(&nothing, &set, &places).unwrap(), ["a1/default"], "the default agent's");
    set.organization_default = Some("a3/default");
    assert_eq!(ask(&nothing, &set, &places).unwrap(), ["a3/default"]);
    set.project_default = Some("fast");
    assert_eq!(ask(&nothing, &set, &places).unwrap(), ["a1/fast"]);
    set.rules = to(&["a2/gpu", "a2/default"]);
    assert_eq!(ask(&nothing, &set, &places).unwrap(), ["a2/gpu", "a2/default"]);
    let selector = routing(&[], &[("region", "eu")]);
    assert_eq!(ask(&selector, &set, &places).unwrap(), ["a2/default", "a3/default"]);
    let named = routing(&["fast", "a2/gpu", "a1/fast"], &[]);
    assert_eq!(ask(&named, &set, &places).unwrap(), ["a1/fast", "a2/gpu"], "each once, in its order");
    let both = routing(&["fast", "a2/gpu"], &[("region", "eu")]);
    assert_eq!(ask(&both, &set, &places).unwrap(), ["a2/gpu"]);
}

#[test]
fn of_what_others_name_one_queue_that_is_allowed_suffices_and_of_what_it_names_itself_all_must_be() {
    let places = places();
    let mut set = Set { confinement: confined(&["a2/gpu", "a3/default"], &[], &[]), ..Set::default() };
    let said = |asked: &Routing, set: &Set| ask(asked, set, &places).unwrap_err().to_string();
    assert_eq!(
        said(&routing(&["a2/gpu", "fast"], &[]), &set),
        "queue `a1/fast` is none that project `p` may use; it is confined to the queues a2/gpu, a3/default"
    );
    assert_eq!(
        said(&Routing::default(), &set),
        "it names no queue; the default queue `a1/default` is none that project `p` may use; it is confined to the \
         queues a2/gpu, a3/default"
    );
    let eu = routing(&[], &[("region", "eu")]);
    assert_eq!(ask(&eu, &set, &places).unwrap(), ["a3/default"]);
    set.rules = to(&["fast", "a2/gpu"]);
    assert_eq!(ask(&Routing::default(), &set, &places).unwrap(), ["a2/gpu"]);
    set.confinement = confined(&[], &["a1"], &[]);
    assert_eq!(
        said(&eu, &set),
        "its agent selector finds it; queue `a2/default` is none that project `p` may use; it is confined to the \
         agents a1"
    );
}

#[test]
fn a_run_without_a_place_hears_what_it_asked_for_and_what_is_allowed() {
    let mut places = places();
    places[2] = on(places[2].clone(), |host| {
        host.can = Features::default();
        host.reported = Some(Reported { namespaces: vec!["team".into()], ..Reported::default() });
    });
    let there = "there are: a1/default, a1/fast, a2/default, a2/gpu, a3/default";
    let in_namespace = |queue: &str, namespace: &str| Routing {
        namespace: Some(namespace.parse().unwrap()),
        ..routing(&[queue], &[])
    };
    let service: Features = [Feature::Service].into_iter().collect();
    let none = Set::default;
    let default = |name| Set { project_default: Some(name), ..none() };
    for (asked, needs, set, field, said) in [
        (routing(&["a9/x"], &[]), Features::default(), none(), "queue", format!("queue `a9/x` does not exist; {there}")),
        (
            Routing::default(),
            Features::default(),
            default("a9/x"),
            "queue",
            format!("the project's default queue `a9/x` does not exist; {there}"),
        ),
        (
            Routing::default(),
            Features::default(),
            Set { organization_default: Some("slow"), ..none() },
            "queue",
            format!("the organization's default queue `slow` does not exist; {there}"),
        ),
        (
            Routing::default(),
            Features::default(),
            Set { rules: to(&["a9/x"]), ..none() },
            "queue",
            format!("rule 1 of the organization chose it; queue `a9/x` does not exist; {there}"),
        ),
        (
            routing(&[], &[("region", "us"), ("gpu", "a100")]),
            Features::default(),
            none(),
            "berth.dev/agent-selector",
            "no agent has the labels gpu=a100,region=us".to_owned(),
        ),
        (
            in_namespace("a2/default", "other"),
            Features::default(),
            none(),
            "namespace",
            "agent a2 does not serve the namespace `other`; it serves team".to_owned(),
        ),
        (
            in_namespace("fast", "other"),
            Features::default(),
            Set { confinement: confined(&[], &[], &["team"]), ..none() },
            "namespace",
            "`other` is none that project `p` may use; it is confined to the namespaces team".to_owned(),
        ),
        (
            Routing::default(),
            Features::default(),
            Set { confinement: confined(&[], &[], &["team"]), ..none() },
            "namespace",
            "no namespace, which leaves it to the agent, is none that project `p` may use; it is confined to the \
             namespaces team"
                .to_owned(),
        ),
        (
            routing(&["a2/default"], &[]),
            service,
            none(),
            "run.kind",
            "agent a2 can't do `service`; it can do none of the features that operations may need; name a queue of \
             an agent that can"
                .to_owned(),
        ),
    ] {
        let error = asking(&asked, needs, &set, &places).unwrap_err();
        assert_eq!((error.field(), error.to_string()), (field, said));
    }
    let nowhere = ask(&Routing::default(), &Set::default(), &places[2..]).unwrap_err();
    assert!(
        nowhere.to_string().starts_with("no queue was named, and there is no default agent; there are: a2/")
    );
}

#[test]
fn a_new_run_waits_in_the_first_queue_that_is_open_and_has_room() {
    let mut all = [place(1, "q", &[]), place(2, "q", &[]), place(3, "q", &[])];
    all[0] = paused(all[0].clone());
    let candidates: Vec<&Destination> = all.iter().collect();
    let route = Route { candidates, queues: Vec::new() };
    let first = |room: &[&str]| {
        let has_room = |place: &Destination| room.contains(&place.to_string().as_str());
        route.first(Features::default(), NOW, has_room).unwrap().to_string()
    };
    assert_eq!(first(&["a1/q", "a2/q", "a3/q"]), "a2/q");
    assert_eq!(first(&["a1/q", "a3/q"]), "a3/q");
    assert_eq!(first(&[]), "a2/q", "it is open at least");
    let later = NOW.plus(std::time::Duration::from_secs(60));
    assert_eq!(
        route.first(Features::default(), later, |_| true).unwrap().to_string(),
        "a1/q",
        "none is live"
    );
    assert!(route.is_settled(NOW), "two are open");
    assert!(!route.is_settled(later), "none is");
    let only = Route { candidates: vec![&all[0]], queues: Vec::new() };
    assert!(only.is_settled(NOW), "it has no choice, though its queue is paused");
}

proptest! {
    #[test]
    fn every_run_gets_queues_that_are_there_that_it_asked_for_and_may_use_or_an_error(
        queues in prop::collection::vec("a[1-4]/(default|fast|gpu)", 0..4),
        region in prop::option::of("(eu|us)"),
        default in prop::option::of(prop_oneof![Just("a2/gpu"), Just("nonsense!"), Just("fast")]),
        agents in prop::collection::vec("a[1-3]", 0..3),
        allowed in prop::collection::vec("a[1-3]/(default|fast|gpu)", 0..3),
    ) {
        let places = places();
        let selector: Vec<(&str, &str)> = region.iter().map(|region| ("region", region.as_str())).collect();
        let asked = routing(&queues.iter().map(String::as_str).collect::<Vec<_>>(), &selector);
        let confinement = confined(
            &allowed.iter().map(String::as_str).collect::<Vec<_>>(),
            &agents.iter().map(String::as_str).collect::<Vec<_>>(),
            &[],
        );
        let set = Set { project_default: default, confinement, ..Set::default() };
        let (labels, demand) = (Labels::new(), Demand::default());
        let run = Applicant {
            routing: &asked, needs: Features::default(), labels: &labels, kind: "job", demand: &demand,
        };
        match route(run, set.house(&places), NOW) {
            Err(error) => prop_assert!(!error.to_string().is_empty() && !error.field().is_empty()),
            Ok(found) => {
                prop_assert!(!found.candidates.is_empty());
                for place in found.candidates {
                    prop_assert!(set.confinement.allows(&place.host.name, &place.name));
                    prop_assert!(labels::matches(&asked.agent_selector, &place.host.labels));
                    prop_assert!(queues.is_empty() || asked.queues.iter().any(|name| place.is_called(name)));
                }
            }
        }
    }
}
