// Waiting for a condition, with a deadline.
import { DEADLINE_MS } from "./environment.js";

/** Asks until the answer is truthy, and returns it. Fails after the deadline and says what it waited for. */
export async function until(what, condition, deadline = DEADLINE_MS) {
  const end = Date.now() + deadline;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${deadline} ms in vain for: ${what}`);
    await new Promise((resume) => setTimeout(resume, 20));
  }
}
