//! Stopping in order: a broker asks the controller to move its leaderships away, then writes everything down and goes. Kafka's
//! controlled shutdown (`BrokerLifecycleManager`, `BrokerServer.shutdown`).

use super::{Broker, Phase};
use crate::error::ErrorCode;
use crate::ids::{EventId, NodeId};
use crate::node::{Fact, Outbox};
use crate::protocol::HeartbeatAnswer;
use crate::time::{SimDuration, SimTime};

/// How long a stopping broker waits for the controller's leave (`BrokerServer.shutdown`).
const PATIENCE: SimDuration = SimDuration::from_secs(300);

/// The second request follows soon: leaderships have mostly moved by then.
const SOON: SimDuration = SimDuration::from_millis(50);

impl Broker {
    /// `kafka-server-stop.sh`: the process hands over and goes. One that was never trusted has nothing to hand over.
    pub fn stop(&mut self, now: SimTime, because: Option<EventId>, out: &mut Outbox) {
        match self.lifecycle.phase {
            Phase::Running => {}
            Phase::Stopping | Phase::Down => return,
            Phase::Registering | Phase::Fenced => return self.exit(now, out),
        }
        self.lifecycle.phase = Phase::Stopping;
        self.lifecycle.because = because;
        self.lifecycle.stop_by = now + PATIENCE;
        if self.zookeeper.is_some() {
            return self.ask_for_leave(now, out);
        }
        self.contact_controller(now, out);
    }

    /// The controller lets it go, or has it wait until others lead and everybody knows.
    pub(super) fn shutdown_answered(&mut self, now: SimTime, answer: Result<HeartbeatAnswer, ErrorCode>, out: &mut Outbox) {
        match answer {
            Ok(HeartbeatAnswer { should_shut_down: true, .. }) => self.exit(now, out),
            Ok(_) if !self.lifecycle.told_to_wait => {
                self.lifecycle.told_to_wait = true;
                self.lifecycle.next_contact = now + SOON;
            }
            // The next heartbeat asks again.
            _ => {}
        }
    }

    /// Everything is on disk, and a mark that says so; then the process ends.
    pub(super) fn exit(&mut self, now: SimTime, out: &mut Outbox) {
        self.flush_logs(now, true);
        self.write_checkpoint();
        self.close_session(out);
        let (epoch, because) = (self.lifecycle.epoch, self.lifecycle.because);
        self.crash();
        self.clean_shutdown = Some(epoch);
        out.fact(Fact::Exited(NodeId::Broker(self.id), because));
    }
}
