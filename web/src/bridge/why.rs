//! What a page hears of its question. It travels packed: who only watches asks nothing.

use playground_core::why::Answer;
use playground_core::why::trial::Outcome;
use playground_core::wire_enums;

#[derive(Clone, Debug, PartialEq)]
pub enum WhyNews {
    /// The answer as it is now, or why there is none.
    Answer(Result<Answer, String>),
    /// What would change it is being tried: so much of the way is done.
    Trying {
        done: u64,
        all: u64,
    },
    Tried(Outcome),
    /// All of it has been tried, or it was stopped.
    Done,
}

wire_enums! {
    WhyNews else WhyNews::Done => { 0 Answer(answer), 1 Trying { done, all }, 2 Tried(outcome), 3 Done }
}
