// Requests of pages to servers of their own, such as a login page's.

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
    this.url = String(url ?? "");
  }

  /** Objects go as JSON or as a form, text as it is. */
  setPostData(data, isJson = false) {
    if (data && typeof data === "object") {
      const text = (value) => (value && typeof value === "object" ? JSON.stringify(value) : value);
      const pairs = Object.entries(data).map(([name, value]) => [name, text(value)]);
      this.post = isJson ? JSON.stringify(data) : new URLSearchParams(pairs).toString();
    } else {
      this.post = data ?? undefined;
    }
    this.contentType = isJson ? "application/json" : "application/x-www-form-urlencoded";
  }

  /** Calls back once: with the text of the answer, whatever its status, or `null`. */
  send(cbdata, callback) {
    this._abort = new AbortController();
    this._ask(this._abort.signal).then((text) => {
      this._data = text;
      try {
        callback?.(cbdata, text);
      } catch (error) {
        console.error("mesibo: a callback of the page failed:", error);
      }
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
