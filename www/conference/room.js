// The room: who is in it, the own camera and screen, what hosts may do, and the buttons for all that.
import { announce } from "/shared/dom.js";
import { confirm } from "/shared/dialog.js";
import { Controls } from "./controls.js";
import { Grid } from "./grid.js";
import { Hands } from "./hands.js";
import { Panels } from "./panels.js";
import { People } from "./people.js";
import { Statistics } from "./statistics.js";
import { WaitingRoom } from "./waiting.js";

const CAMERA = 0;
const SCREEN = 1;
const NO_DEVICES =
  "Your camera and microphone cannot be used: allow them in the browser's address bar and join again. You can watch and chat meanwhile.";
const TOUCH_TO_HEAR = "Click or tap anywhere to hear the others.";
/** Notices that are no errors go by themselves, ms. */
const PASSING = 6000;

export class Room {
  /** `left` is called with a reason, or null when one left by oneself. */
  constructor(api, group, chat, recordings, left) {
    this.api = api;
    this.group = group;
    this.recordings = recordings;
    this.left = left;
    this.entered = false;
    /** Whether the own rights allow to send camera and microphone. */
    this.mayPublish = true;
    this.place = document.getElementById("room");
    this.notice = document.getElementById("room-notice");
    this.people = new People();
    this.waitingRoom = new WaitingRoom(api, group, (count) => this.onWaiting(count));
    this.hands = new Hands(api, group, (address, up) => this.onHand(address, up));
    const tiles = document.getElementById("tiles");
    this.grid = new Grid(tiles);
    tiles.addEventListener("layout", () => this.draw());
    this.statistics = new Statistics(() => this.grid.named());
    this.panels = new Panels(["chat", "people", "statistics"], (name, on) => {
      if (name === "chat") chat.open(on);
      if (name === "statistics") this.statistics.open(on);
      this.controls.drawPanel(name, on);
    });
    this.controls = new Controls(
      {
        mic: () => this.mute("toggleAudioMute"),
        camera: () => this.mute("toggleVideoMute"),
        screen: () => this.share(),
        hand: () => this.raise(!this.hands.up),
        chat: () => this.panels.toggle("chat"),
        people: () => this.panels.toggle("people"),
        layout: () => this.setSpeaker(!this.grid.speaker),
        statistics: () => this.panels.toggle("statistics"),
        record: () => this.record(),
        leave: () => this.leave(null),
      },
      () => this.more(),
    );
    chat.counted = (unread) => this.controls.drawUnread(unread);
    chat.counted(0);
    api.addListener({
      // Somebody has a camera now, or none any more.
      Mesibo_OnParticipantUpdated: (_all, participant) =>
        this.entered && this.drawMute(participant),
      Mesibo_onPlaybackBlocked: (blocked) => this.tell(blocked ? TOUCH_TO_HEAR : null),
    });
    // A page that is closed says goodbye.
    addEventListener("pagehide", () => this.entered && this.call.leave());
  }

  /** With what was chosen in the lobby. */
  enter({ name, audio, video, camera, microphone, speaker }, title) {
    this.entered = true;
    this.name = name;
    this.watching = new Map();
    this.sharing = null;
    this.place.hidden = false;
    this.tell(null);
    const heading = document.getElementById("room-title");
    heading.textContent = title;
    this.call = this.api.groupCall(this, this.group.getGroupId());
    if (speaker) this.call.setAudioDevice(speaker);
    this.api.setMicrophone(microphone);
    this.call.join(this, this);
    this.camera = camera;
    this.me = null;
    if (this.mayPublish) this.publish(audio, video);
    // Who watches looks at who speaks.
    this.grid.setSpeaker(!this.me);
    // Beside the pictures where there is room for both.
    this.panels.show(matchMedia("(min-width: 720px)").matches ? "chat" : null);
    heading.focus();
    this.drawRecording();
    this.draw();
  }

  /** Sends camera and microphone, muted what is not wanted yet. */
  publish(audio, video) {
    this.me = this.call.createPublisher(CAMERA);
    if (!this.me) return this.tell("Your rights in this room do not allow that.");
    this.me.setName(this.name);
    this.me.setVideoSource(MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT, this.camera);
    this.me.call(true, true, !audio, !video, this);
    this.grid.add(this.me, `${this.name} (you)`);
    this.drawMute(this.me);
    this.draw();
  }

  /** The own rights are known, or others. */
  setRights(mayPublish) {
    const allowed = mayPublish && !this.mayPublish;
    this.mayPublish = mayPublish;
    if (allowed && this.entered && !this.me) this.askToSpeak("You may speak now");
  }

  leave(reason) {
    this.entered = false;
    this.hands.clear();
    this.call.leave();
    this.grid.clear();
    this.panels.show(null);
    this.place.hidden = true;
    this.left(reason);
  }

  tell(text) {
    clearTimeout(this.passing);
    this.notice.hidden = !text;
    this.notice.textContent = text ?? "";
  }

  /** Something one has to know, but not for long. */
  mention(text) {
    this.tell(text);
    this.passing = setTimeout(() => this.tell(null), PASSING);
  }

  // ---- room events ----

  MesiboGroupcall_OnPublisher(participant, here) {
    if (!this.entered || participant.isLocal()) return;
    const what = participant.getSid() === SCREEN ? "screen" : "camera";
    if (here) {
      this.grid.add(participant, participant.getName() + (what === "screen" ? " (screen)" : ""));
      participant.call(true, true, this);
      this.drawMute(participant);
      this.grid.tile(participant).setHand(this.hands.raised.has(participant.getAddress()));
      // Who comes now has not seen it.
      if (this.hands.up) this.hands.tell();
      if (what === "camera") announce(`${participant.getName()} is here`);
      else announce(`${participant.getName()} shares a screen`);
    } else {
      this.grid.remove(participant);
      if (what === "camera") {
        this.hands.set(participant.getAddress(), false);
        announce(`${participant.getName()} left`);
      }
    }
    this.draw();
  }

  MesiboGroupcall_OnSubscriber(subscriber, here) {
    if (here) this.watching.set(subscriber.address, subscriber);
    else this.watching.delete(subscriber.address);
    if (here && this.hands.up) this.hands.tell();
    this.draw();
  }

  onWaiting(count) {
    this.controls.drawWaiting(count);
    if (!this.entered || !count) return;
    this.mention(count === 1 ? "Somebody waits to be let in" : `${count} wait to be let in`);
  }

  onHand(address, up) {
    if (!this.entered) return;
    for (const participant of this.grid.participants()) {
      const theirs = participant.getAddress() === address && participant.getSid() === CAMERA;
      if (theirs) this.grid.tile(participant).setHand(up);
    }
    if (up) announce(`${this.nameOf(address)} raised a hand`);
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
    this.drawMute(participant);
    tile.setState(null);
  }

  MesiboGroupcall_OnAudio(participant) {
    this.drawMute(participant);
    if (!participant.hasVideo()) this.grid.tile(participant)?.setState(null);
  }

  MesiboGroupcall_OnMute(participant) {
    this.drawMute(participant);
    this.draw();
  }

  MesiboGroupcall_OnTalking(participant, talking) {
    this.grid.setTalking(participant, talking);
  }

  MesiboGroupcall_OnSpeakers(speakers) {
    this.grid.setSpeakers(speakers);
  }

  MesiboGroupcall_OnRecording(recording) {
    if (!this.entered) return;
    this.drawRecording();
    const words = recording ? "This conference is being recorded" : "The recording has ended";
    announce(words);
    this.mention(words);
  }

  MesiboGroupcall_OnQuality(participant, quality) {
    this.grid.tile(participant)?.setQuality(quality);
  }

  MesiboGroupcall_OnVisibilityPreference(participant, visible, fullscreen) {
    if (fullscreen) this.grid.pin(participant);
  }

  MesiboGroupcall_OnHangup(participant, reason) {
    if (!participant.isLocal()) return void this.grid.tile(participant)?.setState("Ended");
    if (participant === this.sharing) return this.stopSharing();
    this.grid.remove(participant);
    this.me = null;
    if (reason === MESIBOCALL_HANGUP_REASON_ERROR) this.tell(NO_DEVICES);
    this.draw();
  }

  // ---- what hosts ask of this page ----

  MesiboGroupcallAdmin_OnMute(requester, _admin, _own, audio, _video, enable) {
    if (!enable) return;
    const what = audio ? "microphone" : "camera";
    this.mention(`${requester.getNameOrAddress()} switched your ${what} off`);
  }

  MesiboGroupcallAdmin_OnStopPublishing(requester) {
    this.mention(`${requester.getNameOrAddress()} stopped your stream; you can watch and chat`);
  }

  MesiboGroupcallAdmin_OnStartPublishing(requester) {
    this.askToSpeak(`${requester.getNameOrAddress()} asks you to speak`);
    // Not before the person has said so.
    return false;
  }

  MesiboGroupcallAdmin_OnMakeFullScreen(_requester, _admin, publisher) {
    this.grid.pin(publisher);
  }

  MesiboGroupcallAdmin_OnLeave(requester) {
    this.leave(`${requester.getNameOrAddress()} ended the conference for you.`);
  }

  async askToSpeak(title) {
    const text = "Your microphone and camera will be on, and everybody here can see and hear you.";
    const yes = await confirm(title, text, "Switch on");
    if (yes && this.entered && !this.me) this.publish(true, true);
  }

  /** Gives somebody who watches the right to send. */
  letSpeak(address) {
    this.group.addMember(address, { flags: MESIBO_MEMBERFLAG_ALL });
    this.mention(`${this.nameOf(address)} may speak now`);
  }

  // ---- the buttons ----

  mute(toggle) {
    if (!this.me) return;
    this.me[toggle]();
    this.drawMute(this.me);
    this.draw();
  }

  raise(up) {
    this.hands.raise(up);
    this.grid.tile(this.me)?.setHand(up);
    announce(up ? "Your hand is raised" : "Your hand is lowered");
    this.draw();
  }

  setSpeaker(on) {
    this.grid.setSpeaker(on);
    announce(on ? "The speaker is shown large" : "All are shown alike");
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

  record() {
    if (!this.call.canRecord()) return this.mention("You may not record this conference.");
    if (this.call.isRecording()) this.call.stopRecording();
    else this.call.startRecording();
  }

  /** In a window of its own above all others: who is looked at, or has it already. */
  pictureInPicture() {
    if (document.pictureInPictureElement) return document.exitPictureInPicture();
    const { video } = this.grid.main();
    return video.requestPictureInPicture().catch(() => this.mention("There is no picture yet."));
  }

  /** The menu: what has no button, or none on a narrow screen. */
  more() {
    const { speaker, tiles } = this.grid;
    const narrow = !this.controls.buttons.people.offsetParent;
    const isHost = this.call.hasAdminPermissions();
    return [
      this.mayPublish &&
        !this.me && { icon: "camera", text: "Speak", act: () => this.askToSpeak("Speak?") },
      narrow && { icon: "people", text: "People", act: () => this.panels.toggle("people") },
      narrow &&
        this.me &&
        this.controls.canShare && {
          icon: "screen",
          text: this.sharing ? "Stop sharing" : "Share screen",
          act: () => this.share(),
        },
      {
        icon: speaker ? "grid" : "speaker",
        text: speaker ? "Show all alike" : "Show the speaker large",
        act: () => this.setSpeaker(!speaker),
      },
      document.pictureInPictureEnabled &&
        tiles.size > 0 && {
          icon: "picture-in-picture",
          text: "Picture in picture",
          act: () => this.pictureInPicture(),
        },
      { icon: "pulse", text: "Statistics", act: () => this.panels.toggle("statistics") },
      this.call.canRecord() && {
        icon: this.call.isRecording() ? "stop" : "record",
        text: this.call.isRecording() ? "Stop recording" : "Record",
        act: () => this.record(),
      },
      { icon: "play", text: "Recordings", act: () => this.recordings.open() },
      isHost && { icon: "mic-off", text: "Mute everybody", act: () => this.muteAll() },
      isHost && {
        icon: "leave",
        text: "End for everybody",
        act: () => this.endForAll(),
        danger: true,
      },
    ].filter(Boolean);
  }

  muteAll() {
    this.call.getAdmin().muteAll(true, false, true);
    this.mention("Everybody else is muted");
  }

  async endForAll() {
    const sure = await confirm("End the conference?", "Everybody leaves the room.", "End it");
    if (!sure || !this.entered) return;
    this.call.getAdmin().hangupAll();
    this.leave(null);
  }

  // ---- drawing ----

  drawRecording() {
    document.getElementById("recording").hidden = !this.call.isRecording();
  }

  drawMute(participant) {
    const tile = this.grid.tile(participant);
    tile?.setMuted(!tile.isScreen && participant.getMuteStatus(false));
    tile?.setPicture(participant.hasVideo() && !participant.getMuteStatus(true));
  }

  nameOf(address) {
    const publisher = this.grid.participants().find((p) => p.getAddress() === address);
    const name = publisher?.getName() || this.watching.get(address)?.name;
    return name || this.api.getProfile(address, 0).getNameOrAddress();
  }

  /** Everybody, hands first, oneself at the top. */
  everybody() {
    const own = this.api.getAddress();
    const streams = new Map();
    for (const participant of this.grid.participants()) {
      const address = participant.isLocal() ? own : participant.getAddress();
      const theirs = streams.get(address) ?? [];
      streams.set(address, [...theirs, participant]);
    }
    const addresses = new Set([own, ...streams.keys(), ...this.watching.keys()]);
    addresses.delete("");
    const people = [...addresses].map((address) => {
      const isOwn = address === own;
      const theirs = streams.get(address) ?? [];
      const hand = isOwn ? this.hands.up : this.hands.raised.has(address);
      const name = isOwn ? this.name : this.nameOf(address);
      const actions = isOwn ? [] : this.actionsFor(address, theirs);
      return { address, name, own: isOwn, hand, marks: marksOf(theirs, hand), actions };
    });
    const rank = ({ own, hand }) => (own ? 0 : hand ? 1 : 2);
    return people.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  }

  /** What one may do with the streams of another person. */
  actionsFor(address, streams) {
    const camera = streams.find((participant) => participant.getSid() === CAMERA);
    const screen = streams.find((participant) => participant.getSid() === SCREEN);
    const actions = [];
    const shown = screen ?? camera;
    if (shown) actions.push({ icon: "pin", text: "Show large", act: () => this.grid.pin(shown) });
    const admin = camera?.getAdmin();
    if (admin) {
      const muted = camera.getMuteStatus(false, true);
      if (!muted) {
        const act = () => admin.mute(true, false, true);
        actions.push({ icon: "mic-off", text: "Mute microphone", act });
      }
      if (!camera.getMuteStatus(true, true)) {
        const act = () => admin.mute(false, true, true);
        actions.push({ icon: "camera-off", text: "Switch camera off", act });
      }
      const forAll = () => this.call.getAdmin().fullscreen(shown);
      actions.push({ icon: "speaker", text: "Show large to everybody", act: forAll });
    }
    if (!camera && this.group.canAddMembers()) {
      actions.push({ icon: "mic", text: "Let speak", act: () => this.letSpeak(address) });
    }
    const screenAdmin = screen?.getAdmin();
    if (screenAdmin) {
      const act = () => screenAdmin.hangup();
      actions.push({ icon: "screen", text: "Stop screen sharing", act, danger: true });
    }
    if (admin) {
      const act = () => admin.hangup();
      actions.push({ icon: "stop", text: "Stop camera and microphone", act, danger: true });
    }
    return actions;
  }

  draw() {
    if (!this.entered) return;
    const everybody = this.everybody();
    this.people.draw(everybody);
    this.controls.count(everybody.length);
    this.controls.draw({
      publishing: Boolean(this.me),
      audio: Boolean(this.me) && !this.me.getMuteStatus(false),
      video: Boolean(this.me) && !this.me.getMuteStatus(true),
      sharing: Boolean(this.sharing),
      hand: this.hands.up,
    });
  }
}

/** Drawings and what they mean. */
function marksOf(streams, hand) {
  const camera = streams.find((participant) => participant.getSid() === CAMERA);
  const marks = [];
  if (hand) marks.push(["hand", "hand raised"]);
  if (streams.some((participant) => participant.getSid() === SCREEN)) {
    marks.push(["screen", "shares a screen"]);
  }
  if (!camera) return [...marks, ["eye", "watching"]];
  if (camera.getMuteStatus(false)) marks.push(["mic-off", "muted"]);
  if (camera.getMuteStatus(true)) marks.push(["camera-off", "camera off"]);
  return marks;
}
