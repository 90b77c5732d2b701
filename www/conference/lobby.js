// Before the room: a name, a look at camera and microphone, and why one is here again.
import { element } from "/shared/dom.js";
import { Meter, chime } from "./sound.js";

/** Why there is no picture, in plain words. */
function explain(error) {
  if (error.name === "NotAllowedError") {
    return "This page may not use your camera and microphone. Allow them in the browser's address bar; without them you can still watch and chat.";
  }
  if (error.name === "NotFoundError") return "No camera was found on this device.";
  if (error.name === "NotReadableError") return "Another program is using the camera.";
  return `The camera cannot be used: ${error.message}`;
}

export class Lobby {
  /** `join` is called with name, microphone and camera on or off, index of the camera, id of
   *  microphone and loudspeaker. */
  constructor(account, title, join) {
    const find = (id) => document.getElementById(id);
    this.title = title;
    this.place = find("lobby");
    this.notice = find("notice");
    this.video = find("preview");
    this.form = find("join");
    this.devices = find("devices");
    this.cameras = find("camera-choice");
    this.microphones = find("microphone-choice");
    this.speakers = find("speaker-choice");
    this.meter = new Meter(find("level"));
    this.pin = find("pin-field");
    this.form.elements.name.value = account.name;
    this.stream = null;
    this.test = find("try-camera");
    this.test.addEventListener("click", () => this.look());
    find("try-speaker").addEventListener("click", () => chime(this.speakers.value));
    for (const choice of [this.cameras, this.microphones])
      choice.addEventListener("change", () => this.open());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const { name, mic, camera, pin } = this.form.elements;
      join({
        name: name.value.trim(),
        audio: mic.checked,
        video: camera.checked,
        camera: Math.max(0, this.cameras.selectedIndex),
        microphone: this.microphones.value,
        speaker: this.speakers.value,
        pin: this.pin.hidden ? "" : pin.value.trim(),
      });
    });
  }

  /** Who may not send anything needs no camera: a webinar. */
  setWatching(on) {
    document.getElementById("watch-only").hidden = !on;
    for (const id of ["try", "choices"]) document.getElementById(id).hidden = on;
    document.getElementById("enter").textContent = on ? "Watch" : "Join";
    if (on) this.release();
  }

  show(reason = null) {
    this.place.hidden = false;
    document.getElementById("lobby-title").textContent = `Join ${this.title()}`;
    this.say(reason);
    this.form.elements.name.focus();
  }

  hide() {
    this.place.hidden = true;
    this.release();
  }

  say(text) {
    this.notice.hidden = !text;
    this.notice.textContent = text ?? "";
  }

  /** Who is no member yet may have a number that lets in. */
  askForPin(reason) {
    this.pin.hidden = false;
    this.say(reason);
    this.form.elements.pin.focus();
  }

  /** A member needs none any more. */
  forgetPin() {
    this.pin.hidden = true;
    this.form.elements.pin.value = "";
  }

  look() {
    if (this.stream) return this.release();
    return this.open();
  }

  async open() {
    this.release();
    const wanted = ({ value }) => (value ? { deviceId: { exact: value } } : true);
    try {
      const [video, audio] = [wanted(this.cameras), wanted(this.microphones)];
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio });
      this.stream = stream;
      // Joined while the browser was asking.
      if (this.place.hidden) return this.release();
      this.video.srcObject = stream;
      this.video.hidden = false;
      this.test.setAttribute("aria-pressed", "true");
      this.meter.listen(stream);
      this.say(null);
      await this.list();
    } catch (error) {
      this.say(explain(error));
    }
  }

  /** Devices have names once one of them may be used. */
  async list() {
    const all = await navigator.mediaDevices.enumerateDevices();
    const fill = (select, kind) => {
      const before = select.value;
      const some = all.filter((device) => device.kind === kind && device.deviceId);
      const options = some.map(({ deviceId, label }) =>
        element("option", { value: deviceId }, label),
      );
      select.replaceChildren(...options);
      if (some.some(({ deviceId }) => deviceId === before)) select.value = before;
      select.closest(".field").hidden = !some.length;
    };
    fill(this.cameras, "videoinput");
    fill(this.microphones, "audioinput");
    fill(this.speakers, "audiooutput");
    this.devices.hidden = false;
  }

  /** The camera is free for the room. */
  release() {
    this.meter.stop();
    this.test.setAttribute("aria-pressed", "false");
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.video.hidden = true;
  }
}
