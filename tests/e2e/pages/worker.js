"use strict";
// A dedicated worker: the classic build by importScripts.
importScripts("/mesibo.js", "/test/chat.js");
onmessage = async ({ data: { ticket, method, values } }) => {
  try {
    postMessage({ ticket, value: await chat.ask(method, ...values) });
  } catch (error) {
    postMessage({ ticket, error: String(error) });
  }
};
