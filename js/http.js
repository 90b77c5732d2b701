// Requests of pages to servers of their own, such as a login page's.

import { callPage } from "./told.js";
import { textOf } from "./values.js";

function formOf(data) {
  const text = (value) => (value && typeof value === "object" ? JSON.stringify(value) : value);
  const pairs = Object.entries(data).map(([name, value]) => [name, textOf(text(value))]);
  return new URLSearchParams(pairs).toString();
}

export class MesiboHttp {
  url = "";
  proxy = "";
  post = undefined;
  postBundle = undefined;
  contentType = undefined;
  extraHeaders = {};
  respCode = 0;
  result = false;
  _data = null;
  _abort = undefined;

  setUrl(url) {
    this.url = textOf(url);
  }

  /** Objects go as JSON or as a form, text as it is. */
  setPostData(data, isJson = false) {
    if (data && typeof data === "object") {
      try {
        this.post = isJson ? JSON.stringify(data) : formOf(data);
      } catch (error) {
        console.warn("mesibo: setPostData: this cannot be written as text:", error);
        this.post = undefined;
      }
    } else {
      this.post = data === undefined || data === null ? undefined : textOf(data);
    }
    this.contentType = isJson ? "application/json" : "application/x-www-form-urlencoded";
  }

  /** Calls back once: with the text of the answer, whatever its status, or `null`. */
  send(cbdata, callback) {
    this._abort = new AbortController();
    this._ask(this._abort.signal).then((text) => {
      this._data = text;
      if (typeof callback === "function") callPage(callback, undefined, [cbdata, text]);
    });
    return true;
  }
  execute() {
    return this.send();
  }
  cancel() {
    this._abort?.abort();
  }
  getDataString() {
    return this._data;
  }
  getData() {
    return this._data === null ? null : new TextEncoder().encode(this._data);
  }

  async _ask(signal) {
    const body = this.post ?? (this.postBundle && new URLSearchParams(this.postBundle).toString());
    const headers = { ...this.extraHeaders };
    if (body !== undefined && this.contentType) headers["Content-Type"] ??= this.contentType;
    const method = body === undefined ? "GET" : "POST";
    this.respCode = 0;
    this.result = false;
    try {
      const answer = await fetch(this.url, { method, body, headers, signal });
      this.respCode = answer.status;
      this.result = answer.ok;
      return await answer.text();
    } catch {
      return null;
    }
  }
}
