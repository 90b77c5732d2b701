// 2018: global functions, bytes, a listener made by hand; ambient declarations of what the script adds.
import type { Api, MesiboMessage, MesiboListener } from "mesibo";

declare const Mesibo: Api["Mesibo"];
declare const array2String: Api["array2String"];
declare const MESIBO_STATUS_ONLINE: Api["MESIBO_STATUS_ONLINE"];
declare const MESIBO_FLAG_DEFAULT: Api["MESIBO_FLAG_DEFAULT"];
declare const MESIBO_MSGSTATUS_READ: Api["MESIBO_MSGSTATUS_READ"];

const api = new Mesibo();
const statuses: Record<number, number[]> = {};

class Listener {
  Mesibo_OnConnectionStatus(status: number, value: number): void {
    if (status == MESIBO_STATUS_ONLINE) console.log("online", value);
  }
  Mesibo_OnMessage(m: MesiboMessage, data?: Uint8Array): void {
    if (!data || 0 == data.length) return;
    console.log(m.groupid || m.peer, array2String(data, 0, data.length));
    api.sendReadReceipt({ peer: m.peer, groupid: m.groupid }, m.mid);
  }
  Mesibo_OnMessageStatus(m: MesiboMessage): void {
    (statuses[m.id] ??= []).push(m.status);
    if (m.status === MESIBO_MSGSTATUS_READ) console.log("read", m.id);
  }
}

export function begin(app: string, token: string): number {
  api.setAppName(app);
  if (false == api.setCredentials(token)) return -1;
  api.setListener(new Listener() as MesiboListener);
  return api.start();
}

export function send(peer: string, text: string): number {
  const p = { peer, flag: MESIBO_FLAG_DEFAULT, expiry: 3600 };
  const id = api.random();
  const file = { fileurl: "https://example.com/a.png", filetype: 1, tn: new Uint8Array(8) };
  return api.sendMessage(p, id, text) || api.sendFile(p, api.random(), file);
}
