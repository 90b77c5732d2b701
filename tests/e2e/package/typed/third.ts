// 2021: profiles carry the operations; a room, published and viewed.
import type { Api, MesiboParticipant, MesiboPresence, MesiboProfile } from "mesibo";

declare const Mesibo: Api["Mesibo"];
declare const MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT: Api["MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT"];

const api = new Mesibo();

export class App {
  profile: MesiboProfile | null = null;
  Mesibo_OnPresence(p: MesiboPresence): void {
    if (p.isTyping()) console.log(p.profile?.getNameOrAddress("+"));
  }
  Mesibo_onProfileUpdated(profile: MesiboProfile): void {
    console.log(profile.getImage().getImageOrThumbnail());
  }
  open(address: string, gid: number): void {
    this.profile = api.getProfile(address, gid);
    const session = this.profile?.readDbSession(function (count) {
      console.log(count, this.getMessages().length);
    });
    session?.read(10);
    this.profile?.sendMessage(api.random(), "hello");
    this.profile?.sendFile(api.random(), { file: "filefield", message: "a caption" });
    this.profile?.createPresence().sendTyping();
  }
  meet(gid: number): void {
    const events = {
      MesiboGroupcall_OnVideo: (p: MesiboParticipant, ratio: number, landscape: boolean) => {
        console.log(ratio, landscape);
        p.setVideoView(p.isLocal() ? "me" : `v-${p.getUid()}`, null, 100, 20);
      },
      MesiboGroupcall_OnPublisher(p: MesiboParticipant, here: boolean) {
        if (here) p.call(true, true, events);
      },
    };
    const room = api.groupCall(null, gid);
    room?.join(events);
    const camera = room?.createPublisher(0);
    camera?.setVideoSource(MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT);
    camera?.call(true, true, events);
    api.initGroupCall().setRoom(gid);
  }
}
