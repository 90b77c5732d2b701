// One call at a time: the card when somebody calls, and the call itself.
import { announce, element, face, icon } from "/shared/dom.js";
import { lengthOf } from "/shared/words.js";

const WORDS = new Map([
  [MESIBO_CALLSTATUS_INPROGRESS, "Calling…"],
  [MESIBO_CALLSTATUS_RINGING, "Ringing…"],
  [MESIBO_CALLSTATUS_ANSWER, "Connecting…"],
  [MESIBO_CALLSTATUS_RECONNECTING, "Reconnecting…"],
  [MESIBO_CALLSTATUS_HOLD, "On hold"],
]);

const ENDS = new Map([
  [MESIBO_CALLSTATUS_NOANSWER, "No answer"],
  [MESIBO_CALLSTATUS_BUSY, "Busy"],
  [MESIBO_CALLSTATUS_OFFLINE, "Not reachable now"],
  [MESIBO_CALLSTATUS_INVALIDDEST, "Cannot be called"],
  [MESIBO_CALLSTATUS_NOCALLS, "Takes no calls"],
  [MESIBO_CALLSTATUS_NOVIDEOCALLS, "Takes no video calls"],
  [MESIBO_CALLSTATUS_NOTALLOWED, "Not allowed"],
  [MESIBO_CALLSTATUS_BLOCKED, "Blocked"],
  [MESIBO_CALLSTATUS_SWITCHED, "Answered elsewhere"],
  [MESIBO_CALLSTATUS_HWERROR, "No microphone and no camera can be used"],
  [MESIBO_CALLSTATUS_NETWORKERROR, "The connection failed"],
]);

export class Calls {
  constructor(api) {
    this.api = api;
    this.dialog = null;
    api.addListener({
      Mesibo_onCall: (_callid, from, video) => this.onCall(api.getProfile(from, 0), video),
      Mesibo_onCallStatus: (_callid, status) => this.onStatus(status),
      // The call says why it cannot be made.
      Mesibo_onPermission: (on) => on && this.say("Allow the microphone to go on"),
    });
  }

  start(profile, video) {
    if (this.dialog) return;
    this.open(profile, video);
    this.say("Calling…");
    this.setUp(video);
    this.showControls();
    this.api.call(profile.getAddress());
  }

  /** Somebody calls. */
  onCall(profile, video) {
    this.open(profile, video);
    this.say(video ? "Video call" : "Voice call");
    const answer = (withVideo) => {
      this.setUp(withVideo);
      this.showControls();
      this.say("Connecting…");
      this.api.answer(withVideo);
    };
    // None has the focus: whoever is writing just then shall not answer by a key.
    this.controls.replaceChildren(
      this.control("hang-up", "Decline", () => this.api.hangup(0), { class: "danger" }),
      this.control("phone", "Answer", () => answer(false), { class: "primary" }),
    );
    if (video) {
      const act = () => answer(true);
      this.controls.append(this.control("camera", "Answer with video", act, { class: "primary" }));
    }
    announce(`${profile.getNameOrAddress()} is calling`);
  }

  open(profile, video) {
    this.since = 0;
    this.state = element("p", { class: "state", role: "status" });
    this.controls = element("div", { class: "controls" });
    const look = { autoplay: true, playsinline: true };
    this.views = element(
      "div",
      { class: "views" },
      element("video", { ...look, id: "remoteVideo", "aria-label": "Picture of the other side" }),
      element("video", { ...look, id: "localVideo", "aria-label": "Your picture" }),
    );
    this.dialog = element(
      "dialog",
      { class: video ? "call video" : "call", "aria-labelledby": "call-with" },
      this.views,
      element(
        "div",
        { class: "about" },
        face(profile),
        element("h2", { id: "call-with", dir: "auto" }, profile.getNameOrAddress()),
        this.state,
      ),
      this.controls,
    );
    // Escape ends no call.
    this.dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.body.append(this.dialog);
    this.dialog.showModal();
  }

  setUp(video) {
    this.dialog.classList.toggle("video", video);
    if (video) this.api.setupVideoCall("localVideo", "remoteVideo", true);
    else this.api.setupVoiceCall(null);
  }

  control(drawing, label, onclick, { class: kind = "", ...more } = {}) {
    const look = { type: "button", class: `button ${kind}`, onclick, ...more };
    return element("button", look, icon(drawing), element("span", {}, label));
  }

  /** A control that is on or off. */
  toggle(drawing, label, act) {
    const made = this.control(drawing, label, () => {
      made.setAttribute("aria-pressed", String(act()));
    });
    made.setAttribute("aria-pressed", "false");
    return made;
  }

  showControls() {
    const { api } = this;
    this.controls.replaceChildren(
      this.toggle("mic", "Mute", () => api.toggleAudioMute()),
      this.control("hang-up", "Hang up", () => api.hangup(0), { class: "danger" }),
    );
    if (!this.dialog.classList.contains("video")) return;
    const camera = this.toggle("camera", "Camera off", () => api.toggleVideoMute());
    this.controls.firstElementChild.after(camera);
  }

  say(text) {
    if (this.dialog && this.state.textContent !== text) this.state.textContent = text;
  }

  onStatus(status) {
    if (status & 0x40) return this.end(ENDS.get(status));
    if (status === MESIBO_CALLSTATUS_CONNECTED) {
      this.dialog?.classList.add("connected");
      this.since ||= Date.now();
    }
    if (status === MESIBO_CALLSTATUS_CONNECTED || status === MESIBO_CALLSTATUS_UNHOLD) this.count();
    else {
      clearInterval(this.clock);
      if (WORDS.has(status)) this.say(WORDS.get(status));
      else if (this.since) this.count();
    }
  }

  count() {
    const draw = () => this.say(lengthOf((Date.now() - this.since) / 1000));
    clearInterval(this.clock);
    // A role that reads every second out would be in the way.
    this.state.setAttribute("role", "timer");
    draw();
    this.clock = setInterval(draw, 1000);
  }

  end(why) {
    clearInterval(this.clock);
    if (why) announce(why);
    const { dialog } = this;
    this.dialog = null;
    dialog?.remove();
  }
}
