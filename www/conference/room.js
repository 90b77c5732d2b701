// The room: who is in it, the own camera and screen, and the buttons for them.
import { announce } from "/shared/dom.js";
import { Controls } from "./controls.js";
import { Grid } from "./grid.js";

const CAMERA = 0;
const SCREEN = 1;
const NO_DEVICES =
  "Your camera and microphone cannot be used: allow them in the browser's address bar and join again. You can watch and chat meanwhile.";

export class Room {
  /** `left` is called with a reason, or null when one left by oneself. */
  constructor(api, gid, chat, left) {
    this.api = api;
    this.gid = gid;
    this.left = left;
    this.entered = false;
    this.place = document.getElementById("room");
    this.notice = document.getElementById("room-notice");
    this.grid = new Grid(document.getElementById("tiles"));
    this.controls = new Controls({
      mic: () => this.mute("toggleAudioMute"),
      camera: () => this.mute("toggleVideoMute"),
      screen: () => this.share(),
      chat: () => chat.toggle(),
      leave: () => this.leave(null),
    });
    chat.controls = this.controls;
    // A page that is closed says goodbye.
    addEventListener("pagehide", () => this.entered && this.call.leave());
  }

  enter(name, title) {
    this.entered = true;
    this.name = name;
    this.watching = new Map();
    this.sharing = null;
    this.place.hidden = false;
    this.tell(null);
    const heading = document.getElementById("room-title");
    heading.textContent = title;
    heading.focus();
    this.call = this.api.groupCall(this, this.gid);
    this.call.join(this);
    this.me = this.call.createPublisher(CAMERA);
    if (this.me) {
      this.me.setName(name);
      this.me.setVideoSource(MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT);
      this.me.call(true, true, this);
      this.grid.add(this.me, `${name} (you)`);
    } else {
      this.tell("You may watch and chat here, but not send camera or microphone.");
    }
    this.draw();
  }

  leave(reason) {
    this.entered = false;
    this.call.leave();
    this.grid.clear();
    this.place.hidden = true;
    this.left(reason);
  }

  tell(text) {
    this.notice.hidden = !text;
    this.notice.textContent = text ?? "";
  }

  // ---- room events ----

  MesiboGroupcall_OnPublisher(participant, here) {
    if (!this.entered || participant.isLocal()) return;
    const what = participant.getSid() === SCREEN ? "screen" : "camera";
    if (here) {
      this.grid.add(participant, participant.getName() + (what === "screen" ? " (screen)" : ""));
      participant.call(true, true, this);
      if (what === "camera") announce(`${participant.getName()} is here`);
      else announce(`${participant.getName()} shares a screen`);
    } else {
      this.grid.remove(participant);
      if (what === "camera") announce(`${participant.getName()} left`);
    }
    this.draw();
  }

  MesiboGroupcall_OnSubscriber(subscriber, here) {
    if (here) this.watching.set(subscriber.address, subscriber);
    else this.watching.delete(subscriber.address);
    this.draw();
  }

  // ---- events of each call, own and others' ----

  MesiboGroupcall_OnConnected(participant, connected) {
    this.grid.tile(participant)?.setState(connected ? null : "Reconnecting…");
  }

  MesiboGroupcall_OnVideo(participant) {
    const tile = this.grid.tile(participant);
    if (!tile) return;
    participant.setVideoView(tile.video);
    tile.setPicture(!participant.getMuteStatus(true));
    tile.setState(null);
  }

  MesiboGroupcall_OnAudio(participant) {
    this.grid.tile(participant)?.setMuted(participant.getMuteStatus(false));
  }

  MesiboGroupcall_OnMute(participant, audio, video) {
    const tile = this.grid.tile(participant);
    tile?.setMuted(audio);
    tile?.setPicture(!video);
    this.draw();
  }

  MesiboGroupcall_OnTalking(participant, talking) {
    this.grid.tile(participant)?.setTalking(talking);
  }

  MesiboGroupcall_OnHangup(participant, reason) {
    if (!participant.isLocal()) return void this.grid.tile(participant)?.setState("Ended");
    if (participant === this.sharing) return this.stopSharing();
    if (reason === MESIBOCALL_HANGUP_REASON_ERROR) {
      this.grid.remove(participant);
      this.me = null;
      this.tell(NO_DEVICES);
    }
    this.draw();
  }

  // ---- the buttons ----

  mute(toggle) {
    if (!this.me) return;
    this.me[toggle]();
    const tile = this.grid.tile(this.me);
    tile.setMuted(this.me.getMuteStatus(false));
    tile.setPicture(!this.me.getMuteStatus(true));
    this.draw();
  }

  share() {
    if (this.sharing) return this.stopSharing();
    const screen = this.call.createPublisher(SCREEN);
    if (!screen) return this.tell("You may not share a screen in this room.");
    this.sharing = screen;
    screen.setName(this.name);
    screen.setVideoSource(MESIBOCALL_VIDEOSOURCE_SCREEN);
    screen.call(false, true, this);
    this.grid.add(screen, "Your screen");
    this.draw();
  }

  stopSharing() {
    const screen = this.sharing;
    this.sharing = null;
    this.grid.remove(screen);
    screen.hangup();
    this.draw();
  }

  draw() {
    if (!this.entered) return;
    const there = new Set(this.grid.participants().map((p) => p.getAddress()));
    there.delete(this.api.getAddress());
    there.delete("");
    for (const address of this.watching.keys()) {
      if (address !== this.api.getAddress()) there.add(address);
    }
    // And oneself.
    this.controls.count(there.size + 1);
    this.controls.draw({
      publishing: Boolean(this.me),
      audio: Boolean(this.me) && !this.me.getMuteStatus(false),
      video: Boolean(this.me) && !this.me.getMuteStatus(true),
      sharing: Boolean(this.sharing),
    });
  }
}
