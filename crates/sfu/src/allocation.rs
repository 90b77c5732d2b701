//! What of a subscriber's link each picture gets: one decision for all of them together.
//!
//! Sound goes first. Then every picture gets its smallest layer, in the order of importance, then
//! each is made larger step by step while there is room. A picture that does not fit at all is kept
//! back: frozen and broken pictures are worse than none, and would take the sound with them.

/// One picture that a subscriber wants.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Higher comes first.
    pub priority: u32,
    /// Bits a second of the layers that may be shown, the smallest first. Never empty.
    pub rates: Vec<u64>,
    /// Which of them is shown now.
    pub shown: Option<usize>,
}

/// What is new has to fit with so much to spare, so that a link at its edge does not make pictures
/// come and go.
const ROOM_PERCENT: u64 = 115;
/// What is shown stays as long as its rate is not over the link by more than this: rates swing.
const STAYS_PERCENT: u64 = 90;

/// Chooses a layer of each, or none, for a link of so many bits a second.
pub fn allocate(link: u64, wishes: &[Wish]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(wishes[*index].priority));
    let mut chosen = vec![None; wishes.len()];
    let mut left = link;
    let steps = wishes.iter().map(|wish| wish.rates.len()).max().unwrap_or(0);
    for step in 0..steps {
        for &index in &order {
            let wish = &wishes[index];
            // Who did not get the smaller one does not get the larger.
            let Some(&rate) = wish.rates.get(step) else { continue };
            if step > 0 && chosen[index] != Some(step - 1) {
                continue;
            }
            let before = step.checked_sub(1).map_or(0, |before| wish.rates[before]);
            let more = rate.saturating_sub(before);
            let stays = wish.shown.is_some_and(|shown| shown >= step);
            let needed = more * if stays { STAYS_PERCENT } else { ROOM_PERCENT } / 100;
            if needed <= left {
                left = left.saturating_sub(more);
                chosen[index] = Some(step);
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(priority: u32, rates: &[u64]) -> Wish {
        Wish { priority, rates: rates.to_vec(), shown: None }
    }

    #[test]
    fn everybody_is_seen_small_before_somebody_is_seen_large() {
        let layers = [150, 500, 1_500];
        let all = [wish(0, &layers), wish(0, &layers), wish(0, &layers)];
        assert_eq!(allocate(700, &all), [Some(0); 3]);
        assert_eq!(allocate(1_000, &all), [Some(1), Some(0), Some(0)]);
        assert_eq!(allocate(10_000, &all), [Some(2); 3]);
    }

    #[test]
    fn the_most_important_comes_first_and_what_does_not_fit_is_kept_back() {
        let all = [wish(0, &[150, 500]), wish(7, &[150, 500])];
        assert_eq!(allocate(200, &all), [None, Some(0)]);
        assert_eq!(allocate(750, &all), [Some(0), Some(1)]);
        assert_eq!(allocate(0, &all), [None, None]);
        assert_eq!(allocate(0, &[]), []);
    }

    #[test]
    fn what_is_shown_stays_at_the_edge_and_what_is_not_waits_for_room() {
        let mut one = wish(0, &[150, 500]);
        assert_eq!(allocate(510, std::slice::from_ref(&one)), [Some(0)]);
        one.shown = Some(1);
        assert_eq!(allocate(510, std::slice::from_ref(&one)), [Some(1)]);
        assert_eq!(allocate(470, std::slice::from_ref(&one)), [Some(1)]);
        assert_eq!(allocate(400, std::slice::from_ref(&one)), [Some(0)]);
    }
}
