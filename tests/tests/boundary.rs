//! The law of the boundary: a view with the difference applied is the other view.

use playground_core::rng::{Seed, SimRng};
use playground_core::scenario::{Scenario, builtin};
use playground_core::view::ClusterView;
use playground_core::view::delta::ViewDelta;
use playground_tests::story::{Story, Told};

#[track_caller]
fn holds(old: &ClusterView, new: &ClusterView) {
    let mut applied = old.clone();
    applied.apply(ViewDelta::between(old, new));
    assert!(applied == *new, "from {} us to {} us", old.now_us, new.now_us);
}

/// Views along a run in which a broker dies and comes back.
fn views_of_a_crash() -> Vec<ClusterView> {
    let crash = Scenario::parse(include_str!("../scenarios/kill_102.toml")).expect("valid");
    let mut told = Told::of(&crash);
    let mut views = vec![told.view()];
    for second in (1..=160).step_by(3) {
        told = told.until(&format!("{second}s"));
        views.push(told.view());
    }
    views
}

#[test]
fn frame_by_frame_the_page_sees_what_the_engine_saw() {
    let views = views_of_a_crash();
    let mut page = views[0].clone();
    for pair in views.windows(2) {
        page.apply(ViewDelta::between(&pair[0], &pair[1]));
        assert!(page == pair[1], "at {} us", pair[1].now_us);
    }
}

#[test]
fn any_two_views_have_a_difference_that_leads_from_one_to_the_other() {
    let mut views = views_of_a_crash();
    views.push(ClusterView::default());
    views.push(Story::brokers(5).topic("a", 3, 2).topic("trucks_gps", 4, 5).group("g", "a", 3).run_until("10s").view());
    views.push(Story::brokers(1).run_until("1s").view());
    let mut rng = SimRng::new(Seed(1), 0);
    for _ in 0..300 {
        let mut pick = || &views[rng.below(views.len() as u64) as usize];
        holds(pick(), pick());
    }
}

#[test]
fn nothing_changed_means_next_to_nothing_is_sent() {
    let told = Told::of(&Scenario::parse(builtin("trucks_gps").expect("built in")).expect("valid")).until("1m");
    let view = told.view();
    let delta = ViewDelta::between(&view, &view);
    assert!(delta.brokers.changed.is_empty() && delta.topics.changed.is_empty() && delta.partitions.is_empty());
    assert!(delta.groups.changed.is_empty() && delta.clients.changed.is_empty() && delta.ledger.is_none());
    holds(&view, &view);
}
