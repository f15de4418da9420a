//! Does what the plan says to an installation, and undoes what passes.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anyhow::Context as _;
use berth_broker::{Broker, Message, Publish, Settings};
use berth_broker_config::{Address, Names};
use berth_integration_tests::{Installation, Proxies};
use berth_test_servers::Proxy;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::plan::{Fault, Line, Plan};

/// How many offers are remembered, to be repeated when they are long stale.
const REMEMBERED: usize = 50;

/// What heals by itself when its time has come.
#[derive(Clone, Debug)]
enum Wound {
    Paused(String),
    Stalled(Line),
    Trickling(Line),
}

/// Breaks one installation.
pub(crate) struct Harm<'a> {
    installation: &'a mut Installation,
    /// Past the proxies: what is repeated must get there.
    broker: Broker,
    offers: Address,
    remembered: VecDeque<Message>,
    wounds: Vec<(Instant, Wound)>,
    done: BTreeMap<&'static str, u64>,
}

impl<'a> Harm<'a> {
    /// Gets ready to break it.
    ///
    /// # Errors
    /// If its broker can't be spoken to.
    pub(crate) fn new(installation: &'a mut Installation) -> anyhow::Result<Self> {
        let url = installation.broker.url_through(installation.broker.port());
        let broker = Broker::connect(Settings::new(&url).context("the broker's address")?)?;
        let offers = Names::default().offers("local", "default");
        let (remembered, wounds, done) = (VecDeque::new(), Vec::new(), BTreeMap::new());
        Ok(Self { installation, broker, offers, remembered, wounds, done })
    }

    /// Follows the plan until `end`, then undoes whatever still is. Returns how often each fault was done.
    pub(crate) async fn follow(mut self, plan: Plan, end: Instant) -> BTreeMap<&'static str, u64> {
        for (quiet, fault) in plan {
            let next = Instant::now() + quiet;
            if next >= end {
                break;
            }
            self.heal_until(next).await;
            report_fault(&fault);
            self.inflict(&fault).await;
            *self.done.entry(fault.name()).or_insert(0) += 1;
        }
        self.heal_until(end).await;
        for (_, wound) in std::mem::take(&mut self.wounds) {
            self.heal(&wound);
        }
        self.broker.close().await;
        self.done
    }

    async fn heal_until(&mut self, moment: Instant) {
        while let Some(at) = self.wounds.iter().map(|(at, _)| *at).min().filter(|at| *at <= moment) {
            sleep_until(at).await;
            let (due, later): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.wounds).into_iter().partition(|(due, _)| *due <= at);
            self.wounds = later;
            for (_, wound) in due {
                self.heal(&wound);
            }
        }
        sleep_until(moment).await;
    }

    fn heal(&mut self, wound: &Wound) {
        match wound {
            Wound::Paused(role) => self.installation.role(role).signal("CONT"),
            Wound::Stalled(line) => self.on(*line, Proxy::resume),
            Wound::Trickling(line) => self.on(*line, |proxy| proxy.trickle(false)),
        }
    }

    async fn inflict(&mut self, fault: &Fault) {
        let now = Instant::now();
        match fault {
            Fault::Kill(role) => block_in_place(|| self.installation.role(role).restart()),
            Fault::Pause(role, length) => {
                self.installation.role(role).signal("STOP");
                self.wounds.push((now + *length, Wound::Paused(role.clone())));
            }
            Fault::KillBroker => {
                self.installation.kill_broker();
                self.away().await;
                block_in_place(|| self.installation.restart_broker());
            }
            Fault::WipeBroker => block_in_place(|| self.installation.wipe_broker()),
            Fault::KillDatabase => {
                if let Some(postgres) = &mut self.installation.postgres {
                    postgres.kill9();
                }
                self.away().await;
                if let Some(postgres) = &mut self.installation.postgres {
                    block_in_place(|| postgres.restart());
                }
            }
            Fault::Cut(line) => self.on(*line, Proxy::cut),
            Fault::CutMidFrame(line) => self.on(*line, Proxy::cut_mid_frame),
            Fault::Stall(line, length) => {
                self.on(*line, Proxy::stall);
                self.wounds.push((now + *length, Wound::Stalled(*line)));
            }
            Fault::Trickle(line, length) => {
                self.on(*line, |proxy| proxy.trickle(true));
                self.wounds.push((now + *length, Wound::Trickling(*line)));
            }
            Fault::Repeat(times) => self.repeat(*times).await,
        }
    }

    /// A killed server is away for a moment, so that others notice.
    async fn away(&self) {
        sleep(Duration::from_secs(2)).await;
    }

    fn on(&self, line: Line, harm: impl Fn(&Proxy)) {
        if let Some(Proxies { broker, database }) = &self.installation.proxies {
            harm(match line {
                Line::Broker => broker,
                Line::Database => database,
            });
        }
    }

    /// Takes an offer as an agent would, and publishes it more than once; and one from long ago.
    async fn repeat(&mut self, times: usize) {
        let mut consumer = self.broker.consume(&self.offers, 1).await;
        let fresh = timeout(Duration::from_secs(2), consumer.next()).await.ok().flatten();
        if let Some(delivery) = &fresh {
            self.remembered.push_front(delivery.message.clone());
            self.remembered.truncate(REMEMBERED);
        }
        let copies = self.remembered.front().into_iter().chain(self.remembered.back());
        let batch: Vec<Publish> = copies
            .flat_map(|message| std::iter::repeat_n(message.clone(), times))
            .map(|message| Publish { to: self.offers.clone(), message })
            .collect();
        // A broker without the queue has nothing to repeat; a stale delivery comes again by itself.
        self.broker.publish(batch).await.ok();
        if let Some(delivery) = fresh {
            delivery.ack().await.ok();
        }
    }
}

fn report_fault(fault: &Fault) {
    crate::report::say(&format!("{fault:?}"));
}
