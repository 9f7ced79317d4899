//! The invariants of kinds' histories, by number.

use proptest::prelude::*;

use super::*;

const MS: u64 = 1_000_000;
const A: Kind = Kind { kernel: 1, size: 3 };

fn learned(times: impl IntoIterator<Item = u64>) -> (Kinds, KindId) {
    let mut kinds = Kinds::default();
    let id = kinds.enter(A);
    times.into_iter().for_each(|nanos| kinds.learn(id, nanos));
    (kinds, id)
}

fn any_time() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(u64::MAX), 0..10 * MS, (0..64u32).prop_map(|bits| 1 << bits)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn invariant_1_indices_are_finite(times in prop::collection::vec((any_time(), 0..3u8), 0..300), ages in prop::collection::vec(any_time(), 20)) {
        let (mut kinds, id) = learned([]);
        for (time, what) in times {
            match what {
                0 => kinds.project(id, time),
                1 => kinds.note_morsel(id, time),
                _ => kinds.learn(id, time),
            }
        }
        for age in ages {
            let rank = kinds.rank(id, age);
            prop_assert!((1..=10 * 3_600_000 * MS).contains(&rank), "{rank}");
        }
    }

    #[test]
    fn invariant_2_equal_tasks_go_on(time in 100_000..100 * MS, count in 8..200usize) {
        let (kinds, id) = learned((0..count).map(|_| time));
        let mut last = u64::MAX;
        for percent in 0..100 {
            let rank = kinds.rank(id, time * percent / 100);
            prop_assert!(rank <= last && rank <= kinds.expected(id), "at {percent} %: {rank} after {last}");
            last = rank;
        }
        let expected = kinds.expected(id) as f64 / time as f64;
        prop_assert!((0.8..1.3).contains(&expected), "{expected}");
    }
}

#[test]
fn invariant_2_unknown_tasks_sink() {
    let (kinds, id) = learned([]);
    let ranks: Vec<u64> = ENDS[..BUCKETS - 8].iter().map(|age| kinds.rank(id, *age)).collect();
    assert!(ranks.is_sorted(), "{ranks:?}");
}

#[test]
fn invariant_3_longer_than_ever_is_unknown() {
    let (kinds, id) = learned((0..100).map(|i| (8 + i % 5) * MS));
    let (unknown, fresh) = learned([]);
    for age in [30 * MS, 100 * MS, 5_000 * MS] {
        let (rank, prior) = (kinds.rank(id, age) as f64, unknown.rank(fresh, age) as f64);
        assert!((rank / prior - 1.0).abs() < 0.01, "{rank} {prior}");
    }
}

#[test]
fn invariant_4_a_kind_that_has_changed_is_learned_anew() {
    for (before, after) in [(2, 200), (200, 2), (10, 40), (40, 10)] {
        let (mut kinds, id) = learned((0..1_000).map(|_| before * MS));
        for _ in 0..8 {
            kinds.learn(id, after * MS);
        }
        let expected = kinds.expected(id) as f64 / (after * MS) as f64;
        assert!((0.6..1.25).contains(&expected), "{before} to {after}: {expected}");
        assert!(kinds.rank(id, after * MS / 2) < kinds.expected(id), "what has begun goes on");
    }
}

#[test]
fn invariant_5_a_few_that_differ_change_little() {
    let (mut kinds, id) = learned((0..100).map(|_| 10 * MS));
    for _ in 0..2 {
        kinds.learn(id, 4_000 * MS);
    }
    assert!((9 * MS..12 * MS).contains(&kinds.expected(id)), "{}", kinds.expected(id));
    assert!(kinds.usual(id) < 20 * MS);
    // Nine of ten are short: long ones are nothing new.
    let (mut kinds, id) = learned((0..1_000).map(|i| if i % 10 == 0 { 200 * MS } else { 2 * MS }));
    assert!(kinds.expected(id) < 3 * MS);
    assert!((150 * MS..250 * MS).contains(&kinds.rank(id, 5 * MS)), "{}", kinds.rank(id, 5 * MS));
    assert!(kinds.usual(id) >= 200 * MS);
    for _ in 0..4 {
        kinds.learn(id, 200 * MS);
    }
    assert!(kinds.expected(id) < 3 * MS, "four long ones in a row are no surprise");
}

#[test]
fn invariant_6_memory_is_bounded() {
    let mut kinds = Kinds::default();
    let held: Vec<_> = (0..10).map(|kernel| kinds.enter(Kind { kernel, size: 99 })).collect();
    for kernel in 0..20_000 {
        let id = kinds.enter(Kind { kernel, size: 1 });
        kinds.learn(id, MS);
        kinds.leave(id);
    }
    assert!(kinds.histories.len() <= 2 * GENERATION + 10, "{}", kinds.histories.len());
    assert!(kinds.recent.len() + kinds.old.len() <= 2 * GENERATION);
    for id in held {
        kinds.learn(id, MS);
        kinds.leave(id);
    }
    assert!(kinds.histories.len() <= 2 * GENERATION);
}

#[test]
fn invariant_6_what_is_seen_now_and_then_is_kept() {
    let mut kinds = Kinds::default();
    for kernel in 0..10_000 {
        let id = kinds.enter(A);
        kinds.learn(id, 10 * MS);
        kinds.leave(id);
        for more in 0..GENERATION / 2 {
            let id = kinds.enter(Kind { kernel: kernel % 7 * 1_000 + more, size: 0 });
            kinds.leave(id);
        }
        if kernel >= 10 {
            break;
        }
    }
    let id = kinds.enter(A);
    assert!(kinds.expected(id) > 5 * MS);
}

#[test]
fn invariant_7_progress_counts_until_one_has_ended() {
    let (mut kinds, id) = learned([]);
    kinds.project(id, 70 * MS);
    assert!((60 * MS..90 * MS).contains(&kinds.expected(id)), "{}", kinds.expected(id));
    kinds.learn(id, 10 * MS);
    kinds.project(id, 70 * MS);
    assert!(kinds.expected(id) < 20 * MS);
}
