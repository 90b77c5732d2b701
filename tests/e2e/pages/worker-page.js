"use strict";
// The SDK runs in a worker; `chat.ask` goes there and back.
{
  const worker = new Worker(`/test/worker.js${location.hash}`);
  const waiting = new Map();
  let next = 1;
  worker.onmessage = ({ data }) => {
    waiting.get(data.ticket)(data);
    waiting.delete(data.ticket);
  };
  worker.onerror = (event) => console.error(`worker: ${event.message}`);
  globalThis.chat = {
    async ask(method, ...values) {
      const ticket = next++;
      worker.postMessage({ ticket, method, values });
      const answer = await new Promise((resolve) => waiting.set(ticket, resolve));
      if (answer.error) throw new Error(answer.error);
      return answer.value;
    },
  };
}
