// What a backend does: the server's operations over HTTP.
import { ADMIN_KEY } from "./server.js";

/** The server's refusal of an operation. */
export class Refusal extends Error {
  constructor(answer) {
    super(`${answer.op}: ${answer.error} ${answer.cause ?? ""}`);
    this.answer = answer;
  }
}

export class Admin {
  constructor(url) {
    this.url = url;
  }

  async call(operation) {
    const response = await fetch(`${this.url}/backend`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(operation),
    });
    const answer = await response.json();
    if (answer.result !== true) throw new Refusal(answer);
    return answer;
  }

  /** Makes an app and returns its interface. */
  async addApp(name) {
    const { token } = await this.call({ op: "appadd", key: ADMIN_KEY, name });
    return new App(this, name, token);
  }
}

/** One app: its users and groups. */
export class App {
  constructor(admin, id, token) {
    this.admin = admin;
    this.id = id;
    this.token = token;
  }

  call(op, parameters) {
    return this.admin.call({ op, token: this.token, ...parameters });
  }

  /** Adds a user with a token; `expiry` in minutes. Returns address, uid and token. */
  async addUser(address, { name = address, expiry = 60, appid = this.id } = {}) {
    const user = { address, name, token: { appid, expiry } };
    const answer = await this.call("useradd", { user });
    return { address, name, ...answer.user, app: appid };
  }

  async deleteUser(address) {
    await this.call("userdel", { user: { address } });
  }

  /** Adds a group whose members have every right; returns its gid. */
  async addGroup(name, members) {
    const { group } = await this.call("groupadd", { group: { name } });
    await this.editMembers(group.gid, members);
    return group.gid;
  }

  /** Adds members, or changes the rights of those who are. */
  async editMembers(gid, members, rights = {}) {
    const all = { send: true, recv: true, pub: true, sub: true, list: true };
    const permissions = { ...all, ...rights };
    const group = { gid, members: { m: members.join(","), permissions } };
    await this.call("groupeditmembers", { group });
  }

  async removeMembers(gid, members) {
    const group = { gid, members: { m: members.join(","), remove: true } };
    await this.call("groupeditmembers", { group });
  }
}
