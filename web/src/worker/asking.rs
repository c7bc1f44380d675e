//! What a place of the page shows beyond the view: asked once, answered now and, while the run goes on, a few times a second.

use playground_core::session::Session;
use playground_core::view::ask::{self, Question};
use playground_core::wire::{decode, encode};

/// Between two answers while the run goes on.
const REST_MS: f64 = 250.0;

#[derive(Default)]
pub struct Asking {
    question: Option<Question>,
    /// The step that was last told of, and when.
    told: Option<(u64, f64)>,
}

impl Asking {
    /// In the bytes the page sends; none when it looks at nothing of the kind.
    #[inline(never)]
    pub fn ask(&mut self, question: &[u8]) {
        *self = Asking { question: decode(question), told: None };
    }

    pub fn is_idle(&self) -> bool {
        self.question.is_none()
    }

    /// The answer in bytes, if one is due; no bytes when what was asked about is not there.
    #[inline(never)]
    pub fn answer(&mut self, session: &Session, still: bool, now_ms: f64) -> Option<Vec<u8>> {
        let question = self.question.as_ref()?;
        let step = session.cluster().steps();
        let due = self.told.is_none_or(|(told, at)| {
            // A run that was put back shows its past.
            step < told || (question.live() && step != told && (still || now_ms - at >= REST_MS))
        });
        if !due {
            return None;
        }
        self.told = Some((step, now_ms));
        Some(ask::answer(session.cluster(), question).map_or(Vec::new(), |answer| encode(&answer)))
    }
}
