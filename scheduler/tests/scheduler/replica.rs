//! An agent's replica that says what a test tells it to, in the protocol's own messages.

use std::time::Duration;

use berth_broker::{Broker, Consumer, Message, Publish, offer};
use berth_broker_config::{Names, build};
use berth_domain::id::RunId;
use berth_domain::lifecycle::{End, Outcome};
use berth_domain::protocol::{
    ARCHIVE, Answer, AttemptRef, ClaimAnswer, ClaimRequest, EndReceipt, FENCING, FromAgent, FromAgentBody,
    Held, Identity, LeaseRequest, Phase, Question, Report, ToAgent, ToAgentBody, VERSION, Verdict,
};
use berth_domain::time::Clock;
use tokio::time::Instant;

use super::world::{PATIENCE, World};

pub(crate) struct Replica {
    broker: Broker,
    names: Names,
    clock: Clock,
    agent: String,
    name: String,
    machine: String,
    control: Consumer,
    /// What was heard and not asked for yet.
    heard: Vec<ToAgentBody>,
    nonces: u32,
}

impl Replica {
    /// A replica with its control queue, on the agent's own machine; it has said nothing yet.
    pub(crate) async fn join(world: &World, agent: &str, name: &str) -> Self {
        let (broker, names) = (world.broker.clone(), world.names.clone());
        broker.apply(&build::control_queue(&names, agent, name)).await.unwrap();
        let control = broker.consume(&names.control(agent, name), 1_000).await;
        Self {
            broker,
            names,
            clock: world.clock.clone(),
            agent: agent.to_owned(),
            name: name.to_owned(),
            machine: format!("machine of {agent}"),
            control,
            heard: Vec::new(),
            nonces: 0,
        }
    }

    /// The same on another machine.
    pub(crate) fn on(self, machine: &str) -> Self {
        Self { machine: machine.to_owned(), ..self }
    }

    pub(crate) fn nonce(&mut self) -> String {
        self.nonces += 1;
        format!("{}-{}", self.name, self.nonces)
    }

    pub(crate) async fn say(&self, body: FromAgentBody) {
        let said = FromAgent { version: VERSION, replica: self.name.clone(), epoch: None, body };
        self.send(serde_json::to_vec(&said).unwrap()).await;
    }

    pub(crate) async fn send(&self, body: Vec<u8>) {
        let to = self.names.out(&self.agent);
        self.broker.publish(vec![Publish { to, message: Message::json(body) }]).await.unwrap();
    }

    /// The next thing that `pick` wants.
    pub(crate) async fn hear<T>(&mut self, what: &str, pick: impl Fn(&ToAgentBody) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.heard.iter().position(|heard| pick(heard).is_some()) {
                return pick(&self.heard.remove(at)).unwrap();
            }
            assert!(self.listen(deadline).await, "{what} did not come; but: {:?}", self.heard);
        }
    }

    /// Whether something that `pick` wants comes within `time`.
    pub(crate) async fn hears(&mut self, time: Duration, pick: impl Fn(&ToAgentBody) -> bool) -> bool {
        let deadline = Instant::now() + time;
        while !self.heard.iter().any(&pick) && self.listen(deadline).await {}
        self.heard.iter().any(pick)
    }

    async fn listen(&mut self, deadline: Instant) -> bool {
        let Ok(delivery) = tokio::time::timeout_at(deadline, self.control.next()).await else { return false };
        let delivery = delivery.unwrap();
        let told: ToAgent = serde_json::from_slice(&delivery.message.body).unwrap();
        delivery.ack().await.unwrap();
        self.heard.push(told.body);
        true
    }

    fn lease_request(&mut self, hello: bool) -> LeaseRequest {
        LeaseRequest {
            nonce: self.nonce(),
            hello,
            identity: Identity::Machine { id: self.machine.clone() },
            release: "test".into(),
            features: vec![FENCING.to_owned(), ARCHIVE.to_owned()],
            executor: "process".into(),
            create_grace_ms: 1_000,
            handover_rate: 1.0,
            live: 0,
            held_offers: 0,
            queues: vec!["default".into()],
            labels: None,
            nodes: None,
            vitals: None,
            namespaces: Vec::new(),
            connections: Vec::new(),
            seen: None,
        }
    }

    /// Asks for the lease; the queues to consume, or why it is refused.
    pub(crate) async fn ask_for_lease(&mut self, hello: bool) -> Result<Vec<String>, String> {
        let request = self.lease_request(hello);
        let asked = request.nonce.clone();
        self.say(FromAgentBody::Lease(request)).await;
        self.hear("an answer about the lease", |body| match body {
            ToAgentBody::LeaseGranted { nonce, queues, .. } if *nonce == asked => Some(Ok(queues.clone())),
            ToAgentBody::LeaseRefused { nonce, reason } if *nonce == asked => Some(Err(reason.clone())),
            _ => None,
        })
        .await
    }

    pub(crate) async fn lease(&mut self) {
        assert_eq!(self.ask_for_lease(true).await.unwrap(), ["default"]);
    }

    /// Waits until all that was said before is taken in: leases are answered first in each batch, so that the second
    /// answer comes with a later batch.
    pub(crate) async fn is_taken_in(&mut self) {
        for _ in 0..2 {
            self.ask_for_lease(false).await.unwrap();
        }
    }

    /// Takes the next offer off the agent's queue.
    pub(crate) async fn offer(&self) -> AttemptRef {
        let mut offers = self.broker.consume(&self.names.offers(&self.agent, "default"), 1).await;
        let delivery = tokio::time::timeout(PATIENCE, offers.next()).await.expect("an offer").unwrap();
        let offer = offer::decode(&delivery.message).unwrap();
        delivery.ack().await.unwrap();
        AttemptRef { run: RunId::from_uuid(offer.run), attempt: offer.attempt }
    }

    pub(crate) async fn claim(&mut self, attempt: AttemptRef) -> Verdict {
        let nonce = self.nonce();
        self.claim_as(attempt, nonce).await
    }

    pub(crate) async fn claim_as(&mut self, attempt: AttemptRef, nonce: String) -> Verdict {
        let AttemptRef { run, attempt } = attempt;
        self.say(FromAgentBody::Claims(vec![ClaimRequest {
            nonce: nonce.clone(),
            run,
            attempt,
            span: None,
        }]))
        .await;
        let answer = self.claim_answer(&nonce).await;
        assert_eq!((answer.run, answer.attempt), (run, attempt));
        answer.verdict
    }

    /// The answer to the claim of that nonce.
    pub(crate) async fn claim_answer(&mut self, nonce: &str) -> ClaimAnswer {
        self.hear("an answer to a claim", |body| match body {
            ToAgentBody::ClaimAnswers(answers) => {
                answers.iter().find(|answer| answer.nonce == nonce).cloned()
            }
            _ => None,
        })
        .await
    }

    /// Claims what has to be granted.
    pub(crate) async fn go(&mut self, attempt: AttemptRef) {
        let verdict = self.claim(attempt).await;
        assert!(matches!(verdict, Verdict::Go { valid_ms: 1.. }), "{verdict:?}");
    }

    /// Claims what has to be dropped; says why it is.
    pub(crate) async fn dropped(&mut self, attempt: AttemptRef) -> String {
        let verdict = self.claim(attempt).await;
        let Verdict::Drop { reason } = verdict else { panic!("{verdict:?}") };
        reason
    }

    pub(crate) async fn report(&self, attempt: AttemptRef, rank: u32, phase: Phase) {
        let AttemptRef { run, attempt } = attempt;
        let uid = Some(format!("{run}-{attempt}"));
        let report = Report { run, attempt, uid, rank, at: self.clock.now(), span: None, phase };
        self.say(FromAgentBody::Reports(vec![report])).await;
    }

    /// Reports an end, and waits for its receipt.
    pub(crate) async fn end(&mut self, attempt: AttemptRef, rank: u32, outcome: Outcome) {
        self.report(attempt, rank, ended(outcome)).await;
        let receipt = self.receipt().await;
        assert_eq!((receipt.run, receipt.attempt), (attempt.run, attempt.attempt));
    }

    pub(crate) async fn receipt(&mut self) -> EndReceipt {
        self.hear("a receipt", |body| match body {
            ToAgentBody::Receipts(receipts) => receipts.first().cloned(),
            _ => None,
        })
        .await
    }

    /// The next question about `run`.
    pub(crate) async fn question(&mut self, run: RunId) -> Question {
        self.hear("a question", |body| match body {
            ToAgentBody::Questions(questions) => {
                questions.iter().find(|question| question.run == run).cloned()
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn answer(&self, question: &Question, present: bool) {
        let Question { run, attempt, question } = *question;
        self.say(FromAgentBody::Answers(vec![Answer { run, attempt, question, present }])).await;
    }

    /// Waits until the run is named among those to forget.
    pub(crate) async fn forget(&mut self, run: RunId) {
        self.hear("what to forget", |body| match body {
            ToAgentBody::Forget(runs) => runs.contains(&run).then_some(()),
            _ => None,
        })
        .await;
    }

    pub(crate) async fn inventory(&self, attempts: &[AttemptRef]) {
        let held = |at: &AttemptRef| Held { run: at.run, attempt: at.attempt, uid: "u".into() };
        self.say(FromAgentBody::Inventory(attempts.iter().map(held).collect())).await;
    }

    /// Waits until the attempt is named for removal.
    pub(crate) async fn remove(&mut self, attempt: AttemptRef) {
        self.hear("a removal", |body| match body {
            ToAgentBody::Remove(attempts) => attempts.contains(&attempt).then_some(()),
            _ => None,
        })
        .await;
    }

    /// Renews the lease, and lets less time pass than it lasts.
    pub(crate) async fn pass(&mut self, world: &World, seconds: u64) {
        self.ask_for_lease(false).await.unwrap();
        world.clock.advance(Duration::from_secs(seconds));
        world.wake().await;
    }
}

pub(crate) fn ended(outcome: Outcome) -> Phase {
    Phase::Ended(End { outcome, exit_code: None, reason: "Completed".into(), message: "it is over".into() })
}
