// 2020: read sessions that the SDK fills, contacts of the page, forwarding by ids.
import type { Api, MesiboMessage, MesiboReadSession } from "mesibo";

declare const Mesibo: Api["Mesibo"];

const api = new Mesibo();
let users: MesiboMessage[] = [];
let session: MesiboReadSession | null = null;

api.setDatabase("messages", (opened: boolean) => {
  console.log(opened);
  const summary = api.readDbSession(null, 0, null, function (count: number) {
    users = this.getMessages();
    console.log(
      count,
      users.map((user) => [user.name, user.address, user.lastMessage?.message]),
    );
  });
  summary.enableSummary(true);
  summary.read(100);
});

export function select(user: MesiboMessage): void {
  session = api.readDbSession(user.address, user.groupid, null, function (count) {
    if (count < this.readCount)
      this.sync(this.readCount - count, (more: number) => console.log(more));
  });
  session.readCount = 20;
  session.enableReadReceipt(true);
  session.read(20);
}

export async function edit(message: MesiboMessage, to: string): Promise<boolean> {
  api.setContact({ address: to, groupid: 0, name: "Bob", picture: "bob.png", ts: 0 });
  const rc: number = api.forwardMessage({ peer: to }, api.random(), message.id);
  api.resendMessage({ peer: to }, message.id);
  const line: string = `${message.date?.date} ${message.date?.time} ${message.date?.yd}`;
  return rc === 0 && line !== "" && (await session!.deleteMessage(message.id));
}
