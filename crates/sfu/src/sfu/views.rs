//! Which layer of each picture a subscriber gets, and which a publisher has to send.
//!
//! Decided by what the subscriber shows and how large, by what its link carries
//! ([`allocate`](crate::allocation::allocate)), and by what is being sent. Looked at when one of these
//! changes, and again every [`ALLOCATION_INTERVAL`].

use std::collections::BTreeSet;

use str0m::bwe::Bitrate;
use str0m::stats::PeerStats;
use wire::limits::{
    ALLOCATION_INTERVAL, LAYER_BITS_ASSUMED, LAYER_UNWATCHED_AFTER, LINK_MEASURED_ANEW_AFTER,
    LINK_MEASURED_ANEW_EVERY, LINK_THIN_AFTER, LINK_TRIED_AGAIN_AFTER, SUBSCRIPTIONS_MAX,
    VIDEO_LAYERS_MAX,
};

use super::Sfu;
use crate::allocation::{Wish, allocate};
use crate::command::{Event, Kind, PeerId, StreamId, View};
use crate::demux::Slot;
use crate::line::Target;
use crate::peer::Link;
use crate::publication::Track;
use crate::quality::Seen;

/// One picture of a subscriber, and the layers it may get.
struct Picture {
    line: usize,
    stream: StreamId,
    wish: Wish,
    layers: Vec<Target>,
    /// It was kept back before.
    kept: bool,
}

impl Sfu {
    pub(super) fn view(&mut self, id: PeerId, stream: StreamId, view: View) {
        let Some(&slot) = self.slots.get(&id) else { return };
        let Some(peer) = self.peers[slot].as_mut() else { return };
        // What it does not receive any more is forgotten only when there is no room.
        if peer.views.len() >= 2 * SUBSCRIPTIONS_MAX {
            let shown: BTreeSet<_> = peer.lines.iter().filter_map(|line| line.source).collect();
            peer.views.retain(|stream, _| shown.contains(stream));
        }
        let before = peer.views.insert(stream, view);
        if before.is_some_and(|before| view.width > before.width || view.height > before.height) {
            let earliest = peer.measured_at.map(|at| at + LINK_MEASURED_ANEW_EVERY);
            let at = self.now + LINK_MEASURED_ANEW_AFTER;
            peer.measure_at = Some(earliest.map_or(at, |earliest| earliest.max(at)));
        }
        self.allocate(slot);
        self.review_layers(stream);
    }

    /// The link of a peer can be measured from now on, and was thought to carry this before; or it
    /// cannot any more.
    pub(super) fn on_measurable(&mut self, slot: Slot, estimate: Option<u64>) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        if peer.estimate.is_none() || estimate.is_none() {
            peer.estimate = estimate;
        }
    }

    /// What the WebRTC stack knows of a peer's link. Its own announcements of the estimate are an
    /// average of three seconds, too late for both ways.
    pub(super) fn on_stats(&mut self, slot: Slot, stats: &PeerStats) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        if let (Some(before), Some(estimate)) = (peer.estimate, stats.bwe_tx) {
            let now = estimate.as_u64();
            peer.estimate = Some(now);
            let (least, most) = peer.asked;
            // The rest has time.
            if now > before && least < most || now < before && now < least {
                self.allocate(slot);
            }
        }
        let Some(peer) = self.peers[slot].as_mut() else { return };
        let loss = [stats.egress_loss_fraction, stats.ingress_loss_fraction];
        let seen = Seen {
            loss: loss.into_iter().flatten().fold(0.0, f32::max),
            rtt: stats.rtt.unwrap_or_default(),
            fits: peer.fits,
        };
        if let Some(quality) = peer.quality.on_seen(self.now, seen) {
            let peer = peer.id;
            self.tell(Event::Quality { peer, quality });
        }
    }

    /// Everything at its time: links of all subscribers, layers of all publishers.
    pub(super) fn look_at_links(&mut self) {
        let busy = !self.slots.is_empty();
        self.allocate_at = busy.then(|| self.now + ALLOCATION_INTERVAL);
        let slots: Vec<Slot> = self.slots.values().copied().collect();
        slots.into_iter().for_each(|slot| self.allocate(slot));
        let streams: Vec<StreamId> = self.publications.keys().copied().collect();
        streams.into_iter().for_each(|stream| self.review_layers(stream));
    }

    /// The layers of a stream changed.
    pub(super) fn allocate_all(&mut self, stream: StreamId) {
        let Some(publication) = self.publications.get(&stream) else { return };
        let subscribers = &publication.track(Kind::Video).subscribers;
        let slots: Vec<Slot> = subscribers.iter().map(|subscriber| subscriber.slot).collect();
        slots.into_iter().for_each(|slot| self.allocate(slot));
    }

    /// Decides what each line of a subscriber shows, and asks for the key frames that takes.
    pub(super) fn allocate(&mut self, slot: Slot) {
        self.allocate_at.get_or_insert(self.now + ALLOCATION_INTERVAL);
        let Some((pictures, sound)) = self.pictures(slot) else { return };
        let Some(peer) = self.peers[slot].as_mut() else { return };
        let wishes: Vec<Wish> = pictures.iter().map(|picture| picture.wish.clone()).collect();
        let link = peer.estimate.map_or(u64::MAX, |estimate| estimate.saturating_sub(sound));
        let mut chosen = allocate(link, &wishes);
        // An estimate falls for a moment now and then; a picture does not come and go with it.
        if chosen.iter().any(Option::is_none) {
            let since = *peer.thin_since.get_or_insert(self.now);
            if self.now < since + LINK_THIN_AFTER {
                for (layer, wish) in chosen.iter_mut().zip(&wishes) {
                    *layer = layer.or(Some(0).filter(|_| wish.shown.is_some()));
                }
            }
            // What is not sent cannot show that there is room for it: now and then it is tried.
            if self.now >= since + LINK_TRIED_AGAIN_AFTER {
                let smallest = wishes.iter().filter_map(|wish| wish.rates.first());
                let tried = sound + 2 * smallest.min().copied().unwrap_or(0);
                peer.rtc.bwe().reset(Bitrate::bps(tried));
                peer.estimate = Some(tried);
                peer.thin_since = None;
                chosen = allocate(tried.saturating_sub(sound), &wishes);
            }
        } else {
            peer.thin_since = None;
        }
        let sum = |layers: &mut dyn Iterator<Item = u64>| sound + layers.sum::<u64>();
        let now = sum(&mut chosen.iter().zip(&wishes).filter_map(|(c, w)| Some(w.rates[(*c)?])));
        let most = sum(&mut wishes.iter().filter_map(|wish| wish.rates.last().copied()));
        peer.fits = (now * 100 / most.max(1)).min(100) as u32;
        if pictures.is_empty() {
            peer.fits = 100;
        }
        let id = peer.id;
        if peer.estimate.is_some() && !pictures.is_empty() {
            let enough = now >= most;
            // The stack probes when more is wanted, but not after a moment of loss or delay, and does
            // not make up for it: what little was sent since then is all it would know.
            if peer.measure_at.is_some_and(|at| at <= self.now) {
                peer.measure_at = None;
                if let Some(estimate) = peer.estimate.filter(|_| !enough) {
                    peer.measured_at = Some(self.now);
                    peer.rtc.bwe().reset(Bitrate::bps(estimate));
                    peer.asked = (0, 0);
                }
            }
            // Room for the next step is looked for, too: by sending something instead of it.
            let next = chosen.iter().zip(&wishes).filter_map(|(chosen, wish)| {
                let next = wish.rates.get(chosen.map_or(0, |chosen| chosen + 1))?;
                Some(next - chosen.map_or(0, |chosen| wish.rates[chosen]))
            });
            let step = next.min().unwrap_or(0) * 5 / 4;
            let (least, most) = if enough { (now, now) } else { (now + step, 2 * most) };
            if peer.asked != (least, most) {
                peer.asked = (least, most);
                peer.rtc.bwe().set_bitrate(Bitrate::bps(least), Bitrate::bps(most));
                self.mark_dirty(slot);
            }
        }
        for (picture, layer) in pictures.into_iter().zip(chosen) {
            let target = layer.map_or(Target::Nothing, |layer| picture.layers[layer]);
            let was_kept = picture.kept;
            if layer.is_none() != was_kept {
                let (stream, kept) = (picture.stream, !was_kept);
                if let Some(peer) = self.peers[slot].as_mut() {
                    peer.lines[picture.line].kept = kept;
                }
                self.tell(Event::Kept { peer: id, stream, kept });
            }
            self.show(slot, picture.line, picture.stream, target);
        }
    }

    /// What a subscriber sees, and the bits a second of what it hears.
    fn pictures(&mut self, slot: Slot) -> Option<(Vec<Picture>, u64)> {
        let peer = self.peers[slot].as_ref()?;
        let mut pictures = Vec::new();
        let mut unseen = Vec::new();
        let mut sound = 0;
        for (index, line) in peer.lines.iter().enumerate() {
            let Some(stream) = line.source else { continue };
            let Some(publication) = self.publications.get(&stream) else { continue };
            if line.kind == Kind::Audio {
                let layers = publication.track(Kind::Audio).layers.first();
                sound += layers.and_then(|layer| layer.meter.rate()).unwrap_or(0);
                continue;
            }
            let view = peer.views.get(&stream).copied().unwrap_or_default();
            if view.width == 0 || view.height == 0 {
                unseen.push((index, stream));
                continue;
            }
            let track = publication.track(Kind::Video);
            let layers = self.layers_for(track, view);
            if layers.is_empty() {
                continue;
            }
            let rate = |index: usize| {
                let layer = &track.layers[index];
                layer.meter.rate().unwrap_or(LAYER_BITS_ASSUMED[index.min(2)])
            };
            let mut rates: Vec<u64> = layers.iter().map(|index| rate(*index)).collect();
            // A larger picture is never taken for a cheaper one: that is noise.
            for index in 1..rates.len() {
                rates[index] = rates[index].max(rates[index - 1]);
            }
            let layers: Vec<Target> =
                layers.iter().map(|index| Target::Layer(track.layers[*index].rid)).collect();
            let shown = layers.iter().position(|layer| *layer == line.target);
            let wish = Wish { priority: view.priority, rates, shown };
            let kept = line.kept;
            pictures.push(Picture { line: index, stream, wish, layers, kept });
        }
        for (line, stream) in unseen {
            self.show(slot, line, stream, Target::Nothing);
        }
        Some((pictures, sound))
    }

    /// The layers that somebody who shows it so may get, the smallest first: no larger than needed,
    /// and none that has fallen silent while others have not.
    fn layers_for(&self, track: &Track, view: View) -> Vec<usize> {
        let all = 0..track.layers.len();
        let quiet = |index: &usize| track.layers[*index].meter.is_silent(self.now);
        let all_quiet = all.clone().all(|index| quiet(&index));
        let alive: Vec<usize> = all.filter(|index| all_quiet || !quiet(index)).collect();
        let place = (view.width, view.height);
        let enough = alive.iter().position(|index| track.layers[*index].fills(place));
        let count = enough.map_or(alive.len(), |index| index + 1);
        alive.into_iter().take(count).collect()
    }

    /// From now on the line shall show this.
    fn show(&mut self, slot: Slot, line: usize, stream: StreamId, target: Target) {
        let Some(peer) = self.peers[slot].as_mut() else { return };
        let line = &mut peer.lines[line];
        if line.target == target {
            return;
        }
        line.target = target;
        match target {
            Target::Nothing => line.interrupt(),
            // A peer that is not there yet would miss it, and the next one may not be asked for at
            // once: it is asked for when the peer is connected.
            Target::Layer(rid) if peer.link == Link::Up => self.want_key_frame(stream, rid),
            Target::Layer(_) => {}
        }
    }

    /// Which encodings a publisher needs to send: for each who watches the one that fits its view,
    /// and the smallest for when the link becomes thin; while none fits, those that have not been seen
    /// yet. Told at once when more are needed, after a while when fewer are.
    pub(super) fn review_layers(&mut self, stream: StreamId) {
        let Some(publication) = self.publications.get(&stream) else { return };
        let track = publication.track(Kind::Video);
        let known = track.layers.iter().fold(0, |bits, layer| bits | layer.bit());
        if known == 0 {
            return;
        }
        // What has not come yet, because the publisher's link was thin or nobody watched, may be larger.
        const ALL: u32 = (1 << VIDEO_LAYERS_MAX) - 1;
        let unknown = ALL & !known;
        let mut bits = 0;
        if publication.recording.is_some() {
            let recorded = track.layers.first().into_iter().chain(track.layers.last());
            bits = recorded.fold(unknown, |bits, layer| bits | layer.bit());
        }
        for subscriber in &track.subscribers {
            let Some(peer) = self.peers[subscriber.slot].as_ref() else { continue };
            let view = peer.views.get(&stream).copied().unwrap_or_default();
            if view.width == 0 || view.height == 0 {
                continue;
            }
            let place = (view.width, view.height);
            let fits = track.layers.iter().find(|layer| layer.fills(place));
            if fits.is_none() {
                bits |= unknown;
            }
            let fits = fits.or(track.layers.last());
            for layer in fits.into_iter().chain(track.layers.first()) {
                bits |= layer.bit();
            }
        }
        let now = self.now;
        let Some(publication) = self.publications.get_mut(&stream) else { return };
        let track = publication.track_mut(Kind::Video);
        let before = track.wanted.unwrap_or(ALL);
        let more = bits & !before != 0;
        let fewer = bits != before && !more;
        let since = fewer.then(|| track.unwatched_since.unwrap_or(now));
        track.unwatched_since = since;
        if more || since.is_some_and(|since| now >= since + LAYER_UNWATCHED_AFTER) {
            track.unwatched_since = None;
            track.wanted = Some(bits);
            self.tell(Event::Layers { stream, wanted: bits });
        }
    }
}
