//! Attempts of more than one object: what the pods of a service together mean.
//!
//! A service stands where the one of its pods stands that has come least far, and runs when all of them are ready. It
//! ends as the first of them that ends, and is over when none of them is alive any more. A set that isn't whole when
//! no create of it can come any more, or is not whole any more, is over too: what is tried again is a new attempt, with
//! all of its pods. Pure.

use std::collections::{BTreeMap, HashMap};

use berth_domain::lifecycle::{End, FailureClass, Outcome};
use berth_domain::protocol::{AttemptRef, Phase};
use berth_domain::time::Time;
use k8s_openapi::api::core::v1::Pod;

use super::super::Object;
use super::names;
use super::service::Cull;
use super::status::{
    self, CREATED_RANK, Doom, Patience, Reading, STARTED_RANK, TERMINATING_RANK, UNREADY_RANK, annotation,
    label,
};

/// How many pods the attempt has that `first` stands for.
pub(super) fn pods(first: &Pod) -> u32 {
    annotation(first, names::PODS).and_then(|pods| pods.parse().ok()).unwrap_or(1)
}

/// What of a service's pod counts for the whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    /// Which one it is.
    pub(super) place: Place,
    /// Its address, once it has one.
    pub(super) address: Option<String>,
    /// Since when its main container runs without being ready, and why it isn't, if so.
    pub(super) unready: Option<(Time, String)>,
}

/// Which of a service's pods one is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// The first, which stands for the attempt.
    First {
        /// How many pods there are.
        pods: u32,
        /// Whether all of them were created.
        is_whole: bool,
        /// When no create can come any more.
        claim_over: Option<Time>,
        /// How it is seen to be idle.
        cull: Option<Cull>,
    },
    /// The one of this number.
    Part(u32),
}

/// What `pod` is to the service that it is of; none if it is of none.
pub(super) fn member(pod: &Pod) -> Option<Member> {
    if label(pod, names::COMPONENT) != Some(names::SERVICE) {
        return None;
    }
    let place = match label(pod, names::PART) {
        Some(index) => Place::Part(index.parse().ok()?),
        None => Place::First {
            pods: pods(pod),
            is_whole: annotation(pod, names::WHOLE).is_some(),
            claim_over: annotation(pod, names::CLAIM_OVER).and_then(|at| Time::parse(at).ok()),
            cull: annotation(pod, names::CULL).and_then(|cull| serde_json::from_str(cull).ok()),
        },
    };
    let address = status::status(pod).and_then(|status| status.pod_ip.clone());
    Some(Member { place, address, unready: None })
}

/// What was read of pods, by their attempts.
#[derive(Debug, Default)]
pub(super) struct Sets {
    first: HashMap<AttemptRef, Reading>,
    /// Of services of several pods only.
    parts: HashMap<AttemptRef, BTreeMap<u32, Reading>>,
}

impl Sets {
    /// Takes a pod in. What was read of the same pod at a higher rank stays.
    pub(super) fn note(&mut self, reading: Reading) {
        let attempt = reading.object.attempt;
        let keep = |known: &mut Reading, reading: Reading| {
            if known.object.uid == reading.object.uid && known.object.rank > reading.object.rank {
                known.member = reading.member;
            } else {
                *known = reading;
            }
        };
        match reading.part() {
            None => match self.first.get_mut(&attempt) {
                Some(known) => keep(known, reading),
                None => drop(self.first.insert(attempt, reading)),
            },
            Some(index) => {
                let parts = self.parts.entry(attempt).or_default();
                match parts.get_mut(&index) {
                    Some(known) => keep(known, reading),
                    None => drop(parts.insert(index, reading)),
                }
            }
        }
    }

    /// Forgets the pod of that UID.
    pub(super) fn forget(&mut self, attempt: AttemptRef, uid: &str) {
        if self.first.get(&attempt).is_some_and(|known| known.object.uid == uid) {
            self.first.remove(&attempt);
        }
        if let Some(parts) = self.parts.get_mut(&attempt) {
            parts.retain(|_, part| part.object.uid != uid);
            if parts.is_empty() {
                self.parts.remove(&attempt);
            }
        }
    }

    /// Forgets all of a namespace.
    pub(super) fn clear(&mut self, namespace: &str) {
        self.first.retain(|_, known| known.namespace != namespace);
        self.parts.retain(|_, parts| parts.values().all(|part| part.namespace != namespace));
        self.first.shrink_to_fit();
    }

    /// Where an attempt is.
    pub(super) fn namespace(&self, attempt: AttemptRef) -> Option<&str> {
        self.first.get(&attempt).map(|known| known.namespace.as_str())
    }

    /// Where an attempt stands.
    pub(super) fn get(&self, attempt: AttemptRef, now: Time, patience: Patience) -> Option<Reading> {
        let first = self.first.get(&attempt)?;
        Some(together(first, self.parts.get(&attempt), now, patience))
    }

    /// Where each attempt stands.
    pub(super) fn all(&self, now: Time, patience: Patience) -> impl Iterator<Item = Reading> {
        self.first.iter().map(move |(attempt, first)| together(first, self.parts.get(attempt), now, patience))
    }

    /// The objects of all attempts.
    pub(super) fn objects(&self, now: Time, patience: Patience) -> Vec<Object> {
        self.all(now, patience).map(|reading| reading.object).collect()
    }

    /// What is to be given up by `now`.
    pub(super) fn doomed(&self, now: Time, patience: Patience) -> Vec<(AttemptRef, Doom)> {
        let may_be = self.first.values().filter(|one| one.member.is_some() || one.doom.is_some());
        let all = may_be.filter_map(|one| self.get(one.object.attempt, now, patience));
        all.filter_map(|one| Some((one.object.attempt, one.doom.filter(|doom| doom.due <= now)?))).collect()
    }

    /// Attempts whose first pod ends or has ended, and others are alive and not asked to end.
    pub(super) fn remains(&self) -> Vec<AttemptRef> {
        let lives = |part: &Reading| !part.is_terminating && !part.object.is_ended();
        let sets = self.parts.iter().filter(|(_, parts)| parts.values().any(lives));
        sets.filter(|(attempt, _)| {
            self.first.get(attempt).is_some_and(|first| first.is_terminating || first.object.is_ended())
        })
        .map(|(attempt, _)| *attempt)
        .collect()
    }

    /// The services that run and may be idle for too long: how that is seen, and where.
    pub(super) fn culled(&self, now: Time, patience: Patience) -> Vec<(Object, Cull, Vec<String>)> {
        let cull = |first: &Reading| match first.member.as_deref()?.place {
            Place::First { ref cull, .. } => cull.clone(),
            Place::Part(_) => None,
        };
        let with = self.first.values().filter_map(|first| Some((first, cull(first)?)));
        with.filter_map(|(first, cull)| {
            let attempt = first.object.attempt;
            let all = self.get(attempt, now, patience)?;
            let parts = self.parts.get(&attempt).into_iter().flat_map(BTreeMap::values);
            let addresses =
                std::iter::once(first).chain(parts).filter_map(|one| one.member.as_ref()?.address.clone());
            let runs = all.object.phase == Phase::Running && !all.is_terminating;
            runs.then(|| (all.object, cull, addresses.collect()))
        })
        .collect()
    }
}

/// What a pod, and the other ones of its attempt, together mean.
pub(super) fn together(
    first: &Reading,
    parts: Option<&BTreeMap<u32, Reading>>,
    now: Time,
    patience: Patience,
) -> Reading {
    let mut set = first.clone();
    let Some(Place::First { pods, is_whole, claim_over, .. }) =
        first.member.as_deref().map(|member| &member.place)
    else {
        return set;
    };
    let parts: Vec<(u32, &Reading)> =
        parts.into_iter().flatten().map(|(index, part)| (*index, part)).collect();
    if first.object.is_ended() {
        if parts.iter().any(|(_, part)| !part.object.is_ended()) {
            (set.object.phase, set.object.rank) = (Phase::Created, TERMINATING_RANK);
            set.is_terminating = true;
        }
        return set;
    }
    if first.is_terminating {
        return set;
    }
    let all: Vec<(u32, &Reading)> = std::iter::once((0, first)).chain(parts).collect();
    let missing = (0..*pods).find(|index| !all.iter().any(|(there, _)| there == index));
    let of_parts = all.iter().filter_map(|(index, part)| doom(*index, part, *pods));
    let of_the_set = match (missing, is_whole) {
        (Some(index), true) => Some(lost("Vanished", format!("The pod of its replica {index} is gone"), now)),
        (_, false) => claim_over.map(|at| {
            lost("Incomplete", "Its agent was lost before all of its objects were created".to_owned(), at)
        }),
        (None, true) => None,
    };
    set.doom = of_parts.chain(of_the_set).min_by_key(|doom| doom.due);
    if missing.is_some() {
        (set.object.phase, set.object.rank) = (Phase::Created, CREATED_RANK);
        return set;
    }
    let Some((index, least)) = all.iter().min_by_key(|(index, one)| (one.object.rank, *index)) else {
        return set;
    };
    let unready = least.member.as_deref().and_then(|member| member.unready.as_ref());
    let late =
        unready.filter(|(since, _)| least.object.rank == STARTED_RANK && now >= since.plus(patience.ready));
    let object = &mut set.object;
    (object.phase, object.rank, object.at) = match late {
        Some((since, why)) => {
            let message = named(*index, *pods, &format!("Not ready since it was started: {why}"));
            let phase = Phase::Warning { reason: "NotReady".to_owned(), message };
            (phase, UNREADY_RANK, since.plus(patience.ready))
        }
        None => (told(*index, *pods, &least.object.phase), least.object.rank, least.object.at),
    };
    if object.phase == Phase::Running {
        object.at = all.iter().map(|(_, one)| one.object.at).max().unwrap_or(object.at);
        if !is_whole {
            (object.phase, object.rank) = (Phase::Created, STARTED_RANK);
        }
    }
    set
}

/// How and when a set ends for what became of one of its pods.
fn doom(index: u32, one: &Reading, pods: u32) -> Option<Doom> {
    let mut doom = match &one.object.phase {
        Phase::Ended(end) => Doom { due: one.object.at, end: end.clone() },
        _ => one.doom.clone()?,
    };
    doom.end.message = named(index, pods, &doom.end.message);
    Some(doom)
}

fn lost(reason: &str, message: String, due: Time) -> Doom {
    let outcome = Outcome::Failed(FailureClass::NodeLost);
    Doom { due, end: End { outcome, exit_code: None, reason: reason.to_owned(), message } }
}

/// What is told of one pod of several says which one it is.
fn named(index: u32, pods: u32, message: &str) -> String {
    if pods > 1 { format!("Replica {index}: {message}") } else { message.to_owned() }
}

fn told(index: u32, pods: u32, phase: &Phase) -> Phase {
    let named = |message: &str| named(index, pods, message);
    match phase {
        Phase::Warning { reason, message } => {
            Phase::Warning { reason: reason.clone(), message: named(message) }
        }
        Phase::Unschedulable { message } => Phase::Unschedulable { message: named(message) },
        Phase::Created | Phase::Running | Phase::Ended(_) => phase.clone(),
    }
}

#[cfg(test)]
mod tests;
