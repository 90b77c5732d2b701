//! Whether a media loop stands still: it cannot say so itself.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use wire::limits::{MEDIA_STILL_AFTER, MEDIA_WATCHED_EVERY};

use super::figures::Figures;

/// Looks at loops from outside.
pub struct Watch {
    loops: Vec<Watched>,
}

struct Watched {
    figures: Arc<Figures>,
    turns: u64,
    unchanged: u32,
}

impl Watch {
    /// Of these loops.
    pub fn new(figures: Vec<Arc<Figures>>) -> Watch {
        let loops = figures.into_iter();
        let loops = loops.map(|figures| Watched { figures, turns: 0, unchanged: 0 });
        Watch { loops: loops.collect() }
    }

    /// Looks for ever.
    pub async fn run(mut self) {
        let mut every = tokio::time::interval(MEDIA_WATCHED_EVERY);
        // After a pause of the whole machine nobody has stood still.
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            self.look();
        }
    }

    fn look(&mut self) {
        let looks = (MEDIA_STILL_AFTER.as_millis() / MEDIA_WATCHED_EVERY.as_millis()) as u32;
        for (at, Watched { figures, turns, unchanged }) in self.loops.iter_mut().enumerate() {
            let now = figures.turns.load(Relaxed);
            *unchanged = if *turns == now { *unchanged + 1 } else { 0 };
            *turns = now;
            let still = *unchanged >= looks;
            if figures.still.swap(still, Relaxed) != still {
                match still {
                    true => tracing::error!(at, "a media loop stands still: its rooms are cut off"),
                    false => tracing::warn!(at, "a media loop goes on that stood still"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_stands_still_is_full_until_it_goes_on_and_the_others_are_not() {
        let figures: Vec<_> = (0..2).map(|_| Arc::new(Figures::default())).collect();
        let mut watch = Watch::new(figures.clone());
        let looks = MEDIA_STILL_AFTER.as_secs() / MEDIA_WATCHED_EVERY.as_secs();
        let mut full_after = |looks: u64, turning: &[usize]| {
            for _ in 0..looks {
                for at in turning {
                    figures[*at].turns.fetch_add(1, Relaxed);
                }
                watch.look();
            }
            [0, 1].map(|at| figures[at].is_full())
        };
        assert_eq!(full_after(looks, &[0, 1]), [false, false]);
        assert_eq!(full_after(looks - 1, &[1]), [false, false], "it may be busy");
        assert_eq!(full_after(1, &[1]), [true, false]);
        assert_eq!(full_after(1, &[0, 1]), [false, false]);
    }
}
