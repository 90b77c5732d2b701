// How loud the microphone is, and a sound to test the loudspeaker with.

/** Drawn so often, ms. */
const EVERY = 100;

export class Meter {
  constructor(meter) {
    this.meter = meter;
    this.context = null;
  }

  listen(stream) {
    if (!stream.getAudioTracks().length) return;
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.clock = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      // From -60 dB, a quiet room, to 0.
      this.meter.value = Math.max(0, 1 + Math.log10(power + 1e-9) / 6);
    }, EVERY);
  }

  stop() {
    clearInterval(this.clock);
    this.context?.close();
    this.context = null;
    this.meter.value = 0;
  }
}

/** Two notes from this loudspeaker, where the browser lets pages choose one. */
export async function chime(speaker) {
  const context = new AudioContext();
  if (speaker && context.setSinkId) await context.setSinkId(speaker).catch(() => {});
  const volume = context.createGain();
  volume.connect(context.destination);
  for (const [note, at] of [
    [660, 0],
    [880, 0.25],
  ]) {
    const tone = context.createOscillator();
    tone.frequency.value = note;
    tone.connect(volume);
    tone.start(context.currentTime + at);
    tone.stop(context.currentTime + at + 0.22);
    tone.onended = () => at && context.close();
  }
  volume.gain.setValueAtTime(0.2, context.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.5);
}
