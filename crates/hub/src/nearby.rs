//! Who is near: places that pages have told so that others find their users by distance.
//!
//! Relies on pages to tell a place only when its user wants to be found by it. Promises that a place
//! is told to nobody, only that it is near, is forgotten with its session, and is written nowhere.

use alloc::collections::BTreeMap;
use wire::id::{AppId, SessionId, Uid};

/// A place, and how far from it somebody may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    /// Degrees.
    pub latitude: f64,
    /// Degrees.
    pub longitude: f64,
    /// Metres.
    pub within: u32,
}

/// Of the earth, metres (IUGG mean radius).
const RADIUS: f64 = 6_371_009.0;

impl Place {
    /// As pages tell it: latitude and longitude, eight bytes each, the least significant first.
    pub fn from_bytes(bytes: &[u8], within: u32) -> Option<Place> {
        let (latitude, longitude) = bytes.split_first_chunk::<8>()?;
        let longitude = longitude.try_into().ok()?;
        Place::new(f64::from_le_bytes(*latitude), f64::from_le_bytes(longitude), within)
    }

    /// `None` when there is no such place on earth.
    pub fn new(latitude: f64, longitude: f64, within: u32) -> Option<Place> {
        let is_place = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        is_place.then_some(Place { latitude, longitude, within })
    }

    /// Whether each is as near as the other one wants. On a sphere, which is 0.5 % off at most.
    pub fn is_near(&self, other: &Place) -> bool {
        let (here, there) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half = |degrees: f64| libm::sin(degrees.to_radians() / 2.0);
        let (up, along) =
            (half(other.latitude - self.latitude), half(other.longitude - self.longitude));
        let chord = up * up + libm::cos(here) * libm::cos(there) * along * along;
        let metres = 2.0 * RADIUS * libm::asin(libm::sqrt(chord.min(1.0)));
        metres <= f64::from(self.within.min(other.within))
    }
}

/// See the module: one place for each session at most.
#[derive(Debug, Default)]
pub(crate) struct Nearby(BTreeMap<(AppId, Uid, SessionId), Place>);

impl Nearby {
    /// Where a session is; `None` when it does not want to be found any more.
    pub fn put(&mut self, of: (AppId, Uid, SessionId), place: Option<Place>) {
        match place {
            Some(place) => self.0.insert(of, place),
            None => self.0.remove(&of),
        };
    }

    /// Users of the app behind this one who are near, in ascending order, each once.
    pub fn find(&self, aid: AppId, after: Uid, here: Place) -> impl Iterator<Item = Uid> {
        let from = (aid, Uid(after.0.saturating_add(1)), SessionId(0));
        let all = self.0.range(from..=(aid, Uid(u32::MAX), SessionId(u64::MAX)));
        let mut last = after;
        all.filter_map(move |((_, uid, _), place)| {
            let found = *uid != last && place.is_near(&here);
            found.then(|| {
                last = *uid;
                *uid
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn place(latitude: f64, longitude: f64, within: u32) -> Place {
        Place::new(latitude, longitude, within).expect("it is on earth")
    }

    #[test]
    fn near_is_what_both_sides_call_near() {
        // Ulm and Neu-Ulm: 0.9 km; Ulm and Munich: 121 km.
        let (ulm, neu_ulm, munich) = ((48.3984, 9.9916), (48.3925, 10.0001), (48.1374, 11.5755));
        let at = |(latitude, longitude), within| place(latitude, longitude, within);
        assert!(at(ulm, 1_000).is_near(&at(neu_ulm, 1_000)));
        assert!(!at(ulm, 1_000).is_near(&at(neu_ulm, 800)));
        assert!(!at(ulm, 800).is_near(&at(neu_ulm, 1_000)));
        assert!(at(ulm, 122_000).is_near(&at(munich, 122_000)));
        assert!(!at(ulm, 119_000).is_near(&at(munich, 122_000)));
        assert!(
            place(0.0, 179.999, 500).is_near(&place(0.0, -179.999, 500)),
            "across the date line"
        );
        assert!(Place::new(90.1, 0.0, 1).is_none() && Place::new(0.0, f64::NAN, 1).is_none());
        assert_eq!(Place::from_bytes(&[0; 16], 7), Some(place(0.0, 0.0, 7)));
        assert!(
            Place::from_bytes(&[0; 15], 7).is_none() && Place::from_bytes(&[0; 17], 7).is_none()
        );
    }

    #[test]
    fn users_are_found_once_in_their_app_and_no_more_once_they_are_gone() {
        let mut nearby = Nearby::default();
        let of = |uid, session| (AppId(1), Uid(uid), SessionId(session));
        for (uid, session) in [(3, 1), (2, 2), (3, 3)] {
            nearby.put(of(uid, session), Some(place(1.0, 1.0, 10)));
        }
        nearby.put((AppId(2), Uid(4), SessionId(4)), Some(place(1.0, 1.0, 10)));
        let find = |nearby: &Nearby, after| {
            nearby.find(AppId(1), Uid(after), place(1.0, 1.0, 10)).collect::<Vec<_>>()
        };
        assert_eq!(find(&nearby, 0), [Uid(2), Uid(3)]);
        assert_eq!(find(&nearby, 2), [Uid(3)]);
        nearby.put(of(3, 1), None);
        assert_eq!(find(&nearby, 2), [Uid(3)], "another session is still there");
        nearby.put(of(3, 3), None);
        assert_eq!(find(&nearby, 2), []);
    }
}
