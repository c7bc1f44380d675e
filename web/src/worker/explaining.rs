//! The question that stands: answered again as the run goes on, and what would change it tried beside the run, slice by slice.

use super::{Next, SimWorker, sooner};
use crate::bridge::why::WhyNews;
use crate::bridge::{FromWorker, encode};
use playground_core::session::Session;
use playground_core::why::trial::{Step, Trial};
use playground_core::why::{self, Answer, Question};

/// An answer changes at most this often, in milliseconds.
const CALM_MS: f64 = 300.0;
/// Trying takes this much of a turn at most, and says this often how far it is.
const SLICE_MS: f64 = 6.0;
const REPORT_MS: f64 = 100.0;
/// Between two looks at the clock.
const EVENTS: u64 = 500;

pub struct Explaining {
    line: String,
    /// What was answered last, when, and after how many events of the run.
    said: Option<Result<Answer, String>>,
    at_ms: f64,
    step: u64,
    /// The user wants to know what would change it.
    wanted: bool,
    trial: Option<Box<Trial>>,
    reported_ms: f64,
}

impl Explaining {
    fn of(line: String) -> Self {
        Explaining { line, said: None, at_ms: f64::MIN, step: 0, wanted: false, trial: None, reported_ms: f64::MIN }
    }

    /// Answers if that is due, and tries on.
    fn turn(&mut self, session: &Session, clock: fn() -> f64, tell: &mut dyn FnMut(WhyNews)) -> Next {
        let next = self.answer(session, clock(), tell);
        if self.wanted {
            self.wanted = false;
            let question = Question::read(session.cluster(), &self.line).and_then(Result::ok);
            self.trial = question.and_then(|question| Trial::of(session.cluster(), session.scenario(), &question)).map(Box::new);
            if self.trial.is_none() {
                tell(WhyNews::Done);
            }
        }
        sooner(next, self.try_on(clock, tell))
    }

    fn answer(&mut self, session: &Session, now: f64, tell: &mut dyn FnMut(WhyNews)) -> Next {
        let step = session.cluster().steps();
        if self.said.is_some() && step == self.step {
            return Next::Idle;
        }
        let rest = self.at_ms + CALM_MS - now;
        if rest > 0.0 {
            return Next::InMs(rest);
        }
        let question = Question::read(session.cluster(), &self.line).unwrap_or_else(|| Err(String::new()));
        let answer = question.and_then(|question| why::answer(session.cluster(), session.scenario(), &question));
        (self.at_ms, self.step) = (now, step);
        if self.said.as_ref() != Some(&answer) {
            self.said = Some(answer.clone());
            tell(WhyNews::Answer(answer));
        }
        Next::Idle
    }

    fn try_on(&mut self, clock: fn() -> f64, tell: &mut dyn FnMut(WhyNews)) -> Next {
        let Some(trial) = &mut self.trial else { return Next::Idle };
        let start = clock();
        loop {
            match trial.advance(EVENTS) {
                Step::Working => {}
                Step::Told(outcome) => tell(WhyNews::Tried(outcome)),
                Step::Done => {
                    self.trial = None;
                    tell(WhyNews::Done);
                    return Next::Idle;
                }
            }
            let now = clock();
            if now - self.reported_ms >= REPORT_MS {
                self.reported_ms = now;
                let (done, all) = trial.progress();
                tell(WhyNews::Trying { done, all });
            }
            if now - start >= SLICE_MS {
                return Next::Now;
            }
        }
    }
}

impl SimWorker {
    /// Another question, or none.
    #[inline(never)]
    pub(super) fn explain(&mut self, line: Option<String>) {
        self.explaining = line.map(|line| Box::new(Explaining::of(line)));
    }

    /// What would change it is to be tried, or no longer.
    #[inline(never)]
    pub(super) fn compare(&mut self, on: bool) {
        if let Some(explaining) = &mut self.explaining {
            (explaining.wanted, explaining.trial) = (on, None);
        }
        if !on {
            self.out.push(FromWorker::Why(encode(&WhyNews::Done)));
        }
    }

    #[inline(never)]
    pub(super) fn explain_on(&mut self, session: &Session) -> Next {
        let (clock, out) = (self.clock, &mut self.out);
        let Some(explaining) = &mut self.explaining else { return Next::Idle };
        explaining.turn(session, clock, &mut |news| out.push(FromWorker::Why(encode(&news))))
    }
}
